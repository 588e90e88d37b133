"""What travels in a site's bundle and runs on the server: checks, installs, switches, rolls back, cleans.

Standard library only, from Python 3.6 on. `bookkeeping` and `manifest` say what a bundle's bytes are, and are
what the connected side writes and reads bundles with as well. `command` is the entry point.
"""
