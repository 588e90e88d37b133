"""Metadata of old releases that uv cannot read, in a form that it can.

pandas before 0.25 requires `pytz>=2011k`, which is no version by PEP 440, and uv takes such a release for
unusable. uv lets its user state what a release requires (`dependency-metadata`): that is done here.
"""

_PANDAS = (
    *(f"0.18.{patch}" for patch in range(2)),
    *(f"0.19.{patch}" for patch in range(3)),
    *(f"0.20.{patch}" for patch in range(4)),
    *(f"0.21.{patch}" for patch in range(2)),
    "0.22.0",
    *(f"0.23.{patch}" for patch in range(5)),
    *(f"0.24.{patch}" for patch in range(3)),
)
_REQUIRED = '["python-dateutil>=2.5", "pytz>=2011.11", "numpy>=1.9"]'


def format_uv_settings() -> str:
    """A `uv.toml` that says what those releases require."""
    return "".join(
        f'[[dependency-metadata]]\nname = "pandas"\nversion = "{version}"\nrequires-dist = {_REQUIRED}\n'
        for version in _PANDAS
    )
