"""Parts of `scripts/build_import_data.py`: what is known of import names, and how it is weighed."""
