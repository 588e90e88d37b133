"""What a release goes by: the settings of `[release]`, `PANNIER_RELEASE_*` and the options, as one value."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ReleaseSettings:
    """How a project is released; the names are those of the settings.

    Attributes:
        index: Name of the index; empty for none.
        pypirc: The `.pypirc` to read; empty for the one in the home directory.
        changelog: The changelog's path; empty to find it by its name, `none` for no changelog.
        tag_format: The tag's name, with `{version}` and `{name}` in it.
        push: Push the tag.
        strict: Refuse a missing README.
        allow_top_level: What the wheel may install beside the project's own modules.
    """

    index: str = ""
    pypirc: str = ""
    changelog: str = ""
    tag_format: str = "v{version}"
    push: bool = False
    strict: bool = True
    allow_top_level: tuple[str, ...] = ()
