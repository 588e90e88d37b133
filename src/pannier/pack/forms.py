"""Who writes which form of a pack. Each makes its file of the same layers; only the costume differs."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from pannier.formats.pack_forms import Form
from pannier.model.events import Reporter
from pannier.pack.assembly import Assembly, write_assembly


class PackWriter(Protocol):
    """Writes one form of a pack."""

    def __call__(
        self, assembly: Assembly, output: Path, reporter: Reporter, confirm: Callable[[], object], /
    ) -> tuple[str, int]:
        """Write the file whole or not at all, and return the pack's id and the file's size.

        Args:
            assembly: What it is put together from; the same gives the same bytes.
            output: The file to write.
            reporter: Hears of progress.
            confirm: Called while the bytes are copied, or at any time before the file appears; what it raises
                is raised here, and nothing is written.
        """


def writer_of(form: Form) -> PackWriter:
    """Find the writer of a form."""
    if form.name == "pyz":
        from pannier.pack.zipapp import write_zipapp

        return write_zipapp
    return write_assembly
