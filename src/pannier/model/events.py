"""What long work tells about itself: stages that begin, advance and end, and warnings.

The library reports; only `cli` draws. Every method of `Reporter` may be called from any thread.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, NamedTuple, Protocol

from pannier.model.errors import Fact

Unit = Literal["bytes", "files", "items"]


class Stage(NamedTuple):
    """One stretch of work a person may wait for.

    Attributes:
        name: What is being done, in the present participle (`downloading`).
        total: How much there is to do, in `unit`; `None` when unknown.
        unit: What `total` and the advances count.
    """

    name: str
    total: int | None = None
    unit: Unit = "items"


class Notice(NamedTuple):
    """Something the user should know that does not stop the work; shaped like an error."""

    message: str
    code: str
    facts: Mapping[str, Fact] = MappingProxyType({})
    hint: str = ""


class Reporter(Protocol):
    """Hears of progress and warnings."""

    def begin(self, stage: Stage) -> None:
        """A stage starts; stages of different names may overlap."""

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """`amount` more of the stage's unit is done; `detail` names the item at hand."""

    def end(self, stage: Stage) -> None:
        """A stage is over."""

    def warn(self, warning: Notice) -> None:
        """The user should know this."""


class SilentReporter:
    """Hears everything, says nothing: the default of every verb."""

    def begin(self, stage: Stage) -> None:
        """Ignore the stage."""

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """Ignore the progress."""

    def end(self, stage: Stage) -> None:
        """Ignore the end."""

    def warn(self, warning: Notice) -> None:
        """Ignore the warning."""
