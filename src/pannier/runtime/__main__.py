"""Entry point on the target: `python -I -S -B .pannier/runtime VERB ...`, started by the launcher.

Verbs:
    install PACK STAGE TARGET MODE   unpack all but the first layers, which lie in STAGE, and put it in place
    link PREFIX                      let a prefix without an interpreter use the one running this
    compile PREFIX                   make the byte code that a prefix lacks
"""

import importlib
import os
import sys

if not __package__:
    # Started as a directory: its parent goes on the path, so that it is a package here as it is in Pannier.
    _here = os.path.dirname(os.path.abspath(__file__))
    sys.path[0] = os.path.dirname(_here)
    _package = os.path.basename(_here)
else:
    _package = __package__

if __name__ == "__main__":
    sys.exit(importlib.import_module(_package + ".command").main(sys.argv[1:]))
