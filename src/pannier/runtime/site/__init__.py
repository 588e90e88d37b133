"""What travels in a site's bundle and installs it: standard-library Python from 3.6 on.

`docs/reference/site-bundle.md` has the format.
"""
