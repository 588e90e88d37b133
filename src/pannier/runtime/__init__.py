"""What travels in a pack and runs on the target: POSIX shell, and Python 3.6 and newer without packages.

`launcher.sh` starts everything; the Python modules read, check and unpack packs. They lie in `.pannier/runtime`
of a prefix, and Pannier itself uses them too. `docs/reference/pack-format.md` has the format.
"""
