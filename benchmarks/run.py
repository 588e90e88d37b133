"""Run every benchmark; each prints its ratios from one run of this machine.

What measures no time is run by itself: `analyze_accuracy.py` installs a dozen large projects,
`analyze_programs.py` wants programs and labels.
"""

import os
import subprocess
import sys
from pathlib import Path

import stack


def main() -> None:
    """Install the wheel once, then run the scripts one after the other."""
    prepared = stack.prepare()
    environment = {**os.environ, "PANNIER_BIN": str(prepared.bin)}
    for script in (
        "analyze_speed.py",
        "analyze_tree.py",
        "pack_speed.py",
        "run_speed.py",
        "zipapp_speed.py",
        "vendor_speed.py",
        "site_speed.py",
        "memory.py",
        "publishing_speed.py",
        "index_speed.py",
        "index_load.py",
    ):
        print(f"== {script}", flush=True)
        subprocess.run([sys.executable, str(Path(__file__).with_name(script))], check=True, env=environment)


if __name__ == "__main__":
    main()
