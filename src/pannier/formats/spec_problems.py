"""What is wrong with a spec, gathered so that all of it is told at once."""

from collections.abc import Mapping, Sequence
from typing import Any

from pannier.model.errors import SpecError

_NAMES: dict[type, str] = {str: "text", list: "a list", dict: "a table"}


class SpecProblems:
    """The problems of one file.

    Args:
        filename: The file, for messages.
        dialect: What the file was taken for, where that is known.

    Attributes:
        found: One line each.
        dialect: What the file was taken for, once that is known.
    """

    def __init__(self, filename: str, dialect: str = "") -> None:
        self.found: list[str] = []
        self.dialect = dialect
        self._filename = filename

    def add(self, where: str, what: str) -> None:
        """Note what is wrong at a place in the file (`dependencies[3].pip`)."""
        self.found.append(f"{where}: {what}" if where else what)

    def check_keys(self, table: Mapping[str, Any], known: Sequence[str], where: str = "") -> None:
        """Note every key that does not belong."""
        for key in table:
            if key not in known:
                import difflib

                place = f"{where}.{key}" if where else str(key)
                nearest = difflib.get_close_matches(str(key), known, n=1)
                meant = f"did you mean `{nearest[0]}`?" if nearest else f"known here: {', '.join(known)}"
                self.add(place, f"unknown key; {meant}")

    def text(self, value: Any, where: str) -> str:
        """Give `value` if it is text, else note it."""
        if isinstance(value, str):
            return value.strip()
        self._wrong_type(value, str, where)
        return ""

    def texts(self, value: Any, where: str) -> list[tuple[str, str]]:
        """Give the texts of a list with their places; note whatever is none."""
        items = self.items(value, where)
        return [(place, text) for place, item in items if (text := self.text(item, place))]

    def items(self, value: Any, where: str) -> list[tuple[str, Any]]:
        """Give the items of a list with their places, nothing for null; note what is no list."""
        if value is None:
            return []
        if isinstance(value, list):
            return [(f"{where}[{index}]", item) for index, item in enumerate(value)]
        self._wrong_type(value, list, where)
        return []

    def table(self, value: Any, where: str) -> dict[str, Any]:
        """Give `value` if it is a table, nothing for null; note anything else."""
        if value is None:
            return {}
        if isinstance(value, dict):
            return {str(key): item for key, item in value.items()}
        self._wrong_type(value, dict, where)
        return {}

    def raise_if_any(self) -> None:
        """Raise one error for all that was noted.

        Raises:
            SpecError: Something was.
        """
        if not self.found:
            return
        count = "" if len(self.found) == 1 else f" in {len(self.found)} places"
        facts: dict[str, str | list[str]] = {"file": self._filename}
        if self.dialect:
            facts["read as"] = self.dialect
        facts["problems"] = list(self.found)
        raise SpecError(f"`{self._filename}` is not a valid spec{count}", code="spec-invalid", facts=facts)

    def _wrong_type(self, value: Any, expected: type, where: str) -> None:
        kind: type = type(value)
        found = _NAMES.get(kind, f"`{value}`" if value is not None else "nothing")
        hint = "; put it in quotes" if expected is str and isinstance(value, int | float) else ""
        self.add(where, f"must be {_NAMES[expected]}, not {found}{hint}")
