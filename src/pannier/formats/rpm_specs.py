"""Spec files of RPM packages (rpm-spec(7)) that install what a tar archive holds."""

from collections.abc import Sequence
from typing import NamedTuple

from pannier.formats.debian_control import synopsis_of
from pannier.formats.maintainer_scripts import format_clean, format_compile
from pannier.formats.package_versions import RpmVersion

_NARROW = {"i686", "armv7l"}
# Nothing is to be changed, looked into or made beside what the archive holds.
_HEAD = """\
%global __os_install_post %{nil}
%global debug_package %{nil}
%global _build_id_links none
%global _buildhost localhost
%global _binary_payload w19.zstdio
%global use_source_date_epoch_as_buildtime 1
%global clamp_mtime_to_source_date_epoch 1
%global source_date_epoch_from_changelog 0
AutoReqProv: no
"""


class RpmSpec(NamedTuple):
    """What a spec file says.

    Attributes:
        name: The package's.
        version: Its version.
        release: The revision.
        architecture: As rpm calls it; `noarch` for all.
        summary: What it is, in a few words.
        description: Paragraphs.
        license: Its name.
        packager: Who answers for the package.
        url: Empty for none.
        requires: What it needs of the system.
        prefix: Absolute path below which byte code is made.
        files: Absolute paths that it owns; what lies in a directory is meant too.
        archive: The tar archive.
        date: In seconds since the epoch.
    """

    name: str
    version: RpmVersion
    release: str
    architecture: str
    summary: str
    description: tuple[str, ...]
    license: str
    packager: str
    url: str
    requires: tuple[str, ...]
    prefix: str
    files: tuple[str, ...]
    archive: str
    date: int


def rpm_library(name: str, machine: str) -> str:
    """Write a shared library as rpm's packages provide it: `libz.so.1()(64bit)`.

    Args:
        name: `libz.so.1()`, or `libc.so.6(GLIBC_2.17)`.
        machine: As `uname -m` prints it.
    """
    if machine in _NARROW:
        return name.removesuffix("()")
    return f"{name}(64bit)"


def format_rpm_spec(spec: RpmSpec) -> bytes:
    """Write the spec file."""
    tags = [
        ("Name", spec.name),
        ("Epoch", str(spec.version.epoch) if spec.version.epoch else ""),
        ("Version", spec.version.version),
        ("Release", spec.release),
        ("Summary", _text(synopsis_of(spec.summary))),
        ("License", _text(spec.license)),
        ("Packager", _text(spec.packager)),
        ("URL", _text(spec.url)),
        ("BuildArch", spec.architecture if spec.architecture == "noarch" else ""),
        *(("Requires", _text(one)) for one in spec.requires),
    ]
    parts = [
        _HEAD + "".join(f"{name}: {value}\n" for name, value in tags if value),
        "%description\n" + "\n\n".join(_paragraph(one) for one in spec.description),
        f"%install\nmkdir -p %{{buildroot}}\ntar -xf '{spec.archive}' -C %{{buildroot}}",
        # A newer version has put its files there before the older one's are taken away.
        f"%pre\n{_script(format_clean(spec.prefix))}\nexit 0",
        f"%post\n{_script(format_compile(spec.prefix))}\nexit 0",
        f'%preun\nif [ "$1" = 0 ]; then\n    {_script(format_clean(spec.prefix))}\nfi\nexit 0',
        "%files\n%defattr(-,root,root,-)\n" + _files(spec.files),
    ]
    return ("\n\n".join(parts) + "\n").encode()


def _files(files: Sequence[str]) -> str:
    return "\n".join(f'"{_text(one)}"' for one in files)


def _paragraph(text: str) -> str:
    import textwrap

    # A line that begins with `%` or `#` would be more than text.
    return _text(textwrap.fill(" ".join(text.split()), 76, break_long_words=False))


def _text(text: str) -> str:
    return text.replace("%", "%%")


def _script(text: str) -> str:
    return text.replace("%", "%%")
