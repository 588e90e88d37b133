"""What travels in a pack and runs on the target: POSIX shell, and Python from 3.6 on.

`launcher.sh` starts everything; the Python modules read, check and unpack packs. They lie in a prefix's
`.pannier/runtime`, and Pannier itself uses them too. `docs/reference/pack-format.md` has the format.
"""
