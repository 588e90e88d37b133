"""How a comparison of imports and declarations is shown."""

from collections.abc import Sequence

from pannier.cli.render import Style, format_count, format_table, printable
from pannier.model.declarations import Check, Checked, CheckState

# In the order in which somebody has to act.
_STATES: tuple[CheckState, ...] = (
    "missing",
    "unknown",
    "transitive",
    "misplaced",
    "unused",
    "not-needed",
    "excused",
    "used",
)
_FAILING: tuple[CheckState, ...] = _STATES[:5]
_ACTIONS: dict[CheckState, str] = {
    "missing": "declare it",
    "unknown": "name its project with `--pkg-mapping`",
    "transitive": "declare it",
    "misplaced": "declare it for the program too",
    "unused": "remove it, or import it",
}


def format_check(check: Check, style: Style, *, verbose: bool) -> str:
    """What has to be acted on, and what is left as it is; with `verbose` also what agrees."""
    shown = [row for row in check.projects if verbose or row.state in _FAILING]
    shown.sort(key=lambda row: _STATES.index(row.state))
    blocks = []
    if shown:
        rows = [(row.state, row.name, row.reason or "declared and imported", _where(row)) for row in shown]
        blocks.append(format_table(("state", "project", "why", "where"), rows, style))
    if check.undecided:
        rows_undecided = [(str(item.location), item.message) for item in check.undecided]
        blocks.append(format_table(("undecided", "why"), rows_undecided, style))
    return "\n".join(blocks)


def _where(row: Checked) -> str:
    """The first place that shows it: an import where it is imported, else its declaration."""
    places: Sequence[str] = [f"{found.location}" for found in row.imports] or [
        f"{item.location}" for item in row.declared
    ]
    more = f" (+ {format_count(len(set(places)) - 1, 'other')})" if len(set(places)) > 1 else ""
    return f"{places[0]}{more}" if places else ""


def format_check_summary(check: Check) -> str:
    """One line: whether they agree, and how many of which do not."""
    files = check.files[0] if len(check.files) == 1 else format_count(len(check.files), "file")
    counts = {state: sum(row.state == state for row in check.projects) for state in _STATES}
    parts = [f"{counts[state]} {state}" for state in _FAILING if counts[state]]
    if not parts:
        used = format_count(counts["used"], "project")
        return printable(f"{files}: {used} declared and used, none missing or unused")
    actions = dict.fromkeys(_ACTIONS[state] for state in _FAILING if counts[state])
    return printable(f"{files}: {', '.join(parts)}; {', or '.join(actions)}")
