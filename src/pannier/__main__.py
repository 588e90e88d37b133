"""`python -m pannier`, the same as the `pannier` command."""

import sys

from pannier.cli.start import main

if __name__ == "__main__":
    sys.exit(main())
