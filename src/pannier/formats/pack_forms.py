"""The forms a pack may have, told by the ending of its file's name."""

from typing import Literal, NamedTuple

from pannier.formats.frames import Codec
from pannier.model.errors import UsageError

FormName = Literal["tar", "pyz", "deb", "rpm"]


class Form(NamedTuple):
    """One form of a pack.

    Attributes:
        name: What the file is; decides who writes it (`pannier.pack.forms`).
        suffixes: Endings of file names that ask for it, in lower case.
        codec: Of the frames it is made from.
        carries_interpreter: An interpreter may be inside; else the target's own runs it.
        is_system_package: A package manager installs it; it is made of files, not of frames.
    """

    name: FormName
    suffixes: tuple[str, ...]
    codec: Codec
    carries_interpreter: bool = True
    is_system_package: bool = False

    @property
    def usual_interpreter(self) -> str:
        """What `--interpreter` is where nobody says: a system has a Python for its packages."""
        return "auto" if self.carries_interpreter and not self.is_system_package else "none"


FORMS = (
    Form("tar", (".tar.gz", ".tgz"), "gzip"),
    Form("tar", (".tar.zst", ".tzst"), "zstd"),
    # No Python before 3.14 decompresses zstd by itself.
    Form("pyz", (".pyz",), "gzip", carries_interpreter=False),
    Form("deb", (".deb",), "gzip", is_system_package=True),
    Form("rpm", (".rpm",), "gzip", is_system_package=True),
)


def form_of(filename: str) -> Form:
    """Tell a pack's form by its file name.

    Args:
        filename: A name or path that ends in a suffix of `FORMS`.

    Raises:
        UsageError: The name ends in none of them.
    """
    lower = filename.lower()
    for form in FORMS:
        if lower.endswith(form.suffixes):
            return form
    *others, last = (f"`{form.suffixes[0]}`" for form in FORMS)
    raise UsageError(
        f"the name `{filename}` does not say which kind of pack to write",
        code="pack-suffix",
        facts={"known": ", ".join(suffix for form in FORMS for suffix in form.suffixes)},
        hint=f"end the output's name in {', '.join(others)} or {last}",
    )
