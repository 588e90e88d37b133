"""What `pannier vendor` puts beside a program.

`launcher.sh` finds the program, its dependencies and a Python from wherever it is started. `start.py` chooses
the directories for the Python that runs it, of 2.7 too, and runs the program. `fetching.py` brings what is
locked and not there, with the standard library of Python 3.6 alone.
"""
