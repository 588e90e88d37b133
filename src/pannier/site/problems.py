"""Problems of several environments, told as one error."""

from collections.abc import Mapping, Sequence

from pannier.model.errors import Fact, FetchError, LockError, PannierError


def together(problems: Sequence[tuple[str, PannierError]], what: str) -> PannierError:
    """Make one error of those of several environments.

    Args:
        problems: Environments' names and what went wrong, at least one.
        what: What could not be done with them, in the passive (`be locked`).
    """
    if len(problems) == 1:
        name, error = problems[0]
        facts: dict[str, Fact] = {"environment": name, **error.facts}
        return type(error)(error.message, code=error.code, facts=facts, hint=error.hint)
    facts = {}
    for name, error in problems:
        facts[name] = [
            error.message,
            *(line for line in _lines(error.facts)),
            *([error.hint] if error.hint else []),
        ]
    kind = FetchError if all(isinstance(error, FetchError) for _, error in problems) else LockError
    return kind(
        f"{len({name for name, _ in problems})} environments cannot {what}",
        code="site-lock-failed",
        facts=facts,
    )


def _lines(facts: Mapping[str, Fact]) -> list[str]:
    lines = []
    for key, value in facts.items():
        values = [value] if isinstance(value, str) else list(value)
        lines += [f"{key}: {line}" for line in values]
    return lines
