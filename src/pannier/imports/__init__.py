"""Python source, notebooks and directories to imports with evidence, and those to project names.

Nothing here imports or executes what it reads.
"""
