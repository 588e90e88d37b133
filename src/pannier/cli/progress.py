"""Reporters that draw: bars on a terminal, sparse lines with `--verbose`, nothing with `--quiet`.

Nothing is drawn, and rich is not loaded, before work has taken long enough for a person to wonder.
"""

import time
from _thread import RLock  # that of `threading`, without all else that this loads
from collections.abc import Callable
from typing import TYPE_CHECKING, Literal, TextIO

from pannier.cli.errors import render_warning
from pannier.cli.render import PLAIN, Style, format_count, format_seconds, format_size, printable
from pannier.model.events import Notice, Stage

if TYPE_CHECKING:
    import threading

    from rich.progress import Progress, TaskID

Mode = Literal["silent", "lines", "bars"]
PATIENCE = 0.3
LINE_INTERVAL = 10.0
_WIDE = 72


class CommandReporter:
    """Keeps every warning, and writes it to `stream` unless it is to be silent; draws no progress.

    Args:
        stream: Standard error.
        style: How it is drawn on.
        warnings: Write warnings when they come; without, they are only kept.
        verbose: Leave nothing out of warnings.
    """

    def __init__(
        self, stream: TextIO, style: Style = PLAIN, *, warnings: bool = True, verbose: bool = False
    ) -> None:
        self.stream = stream
        self.style = style
        self.notices: list[Notice] = []
        self._shows_warnings = warnings
        self._verbose = verbose
        self._lock = RLock()

    def begin(self, stage: Stage) -> None:
        """A stage starts."""

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """`amount` more is done."""

    def end(self, stage: Stage) -> None:
        """A stage is over."""

    def warn(self, warning: Notice) -> None:
        """Keep the warning, once, and show it."""
        with self._lock:
            if warning in self.notices:
                return
            self.notices.append(warning)
            if self._shows_warnings:
                self.write(
                    render_warning(
                        warning.message,
                        warning.facts,
                        warning.hint,
                        warning.code,
                        self.style,
                        verbose=self._verbose,
                    )
                )

    def write(self, text: str) -> None:
        """Write lines to standard error, clear of whatever is drawn there."""
        self.stream.write(text)
        self.stream.flush()

    def close(self) -> None:
        """Leave the terminal as it was found; harmless when called twice."""


class LineReporter(CommandReporter):
    """Says in plain lines when a stage ends, and how far it is every ten seconds, for logs."""

    def __init__(
        self,
        stream: TextIO,
        style: Style = PLAIN,
        *,
        warnings: bool = True,
        verbose: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(stream, style, warnings=warnings, verbose=verbose)
        self._clock = clock
        self._stages: dict[str, _StageState] = {}

    def begin(self, stage: Stage) -> None:
        """Start counting."""
        with self._lock:
            self._stages[stage.name] = _StageState(self._clock())

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """Count, and say so when the last line is ten seconds old."""
        with self._lock:
            now = self._clock()
            state = self._stages.setdefault(stage.name, _StageState(now))
            state.done += amount
            if now - state.said >= LINE_INTERVAL:
                state.said = now
                self._say(stage, f"{_format_amount(stage, state.done)} {detail}")

    def end(self, stage: Stage) -> None:
        """Say what was done and how long it took."""
        with self._lock:
            state = self._stages.pop(stage.name, None)
            if state is not None:
                amount = _format_amount(stage, state.done)
                taken = format_seconds(self._clock() - state.began)
                self._say(stage, f"{amount}, {taken}" if amount else taken)

    def _say(self, stage: Stage, what: str) -> None:
        self.write(f"{stage.name}: {printable(what.strip())}\n")


class _StageState:
    """How far a stage is, and when it was last spoken of."""

    def __init__(self, now: float) -> None:
        self.began = self.said = now
        self.done = 0


def _format_amount(stage: Stage, done: int) -> str:
    """`3 of 14 items`, `1.2 MB of 86.1 MB`, or nothing for a stage that counts nothing."""
    if stage.unit == "bytes":
        amount = format_size(done)
        total = format_size(stage.total or 0)
    else:
        amount = format_count(done, stage.unit[:-1])
        total = format_count(stage.total or 0, stage.unit[:-1])
    if stage.total is None or done >= stage.total:
        return amount if done else ""
    return f"{amount if stage.unit == 'bytes' else done} of {total}"


class BarReporter(CommandReporter):
    """Draws one bar per running stage, from `PATIENCE` seconds after the first one began."""

    def __init__(self, stream: TextIO, style: Style, *, warnings: bool = True, verbose: bool = False) -> None:
        super().__init__(stream, style, warnings=warnings, verbose=verbose)
        self._running: dict[str, tuple[Stage, int, str]] = {}
        self._bars: dict[str, TaskID] = {}
        self._drawing: Progress | None = None
        self._timer: threading.Timer | None = None
        self._closed = False

    def begin(self, stage: Stage) -> None:
        """Note the stage; the first one starts the wait for the drawing to begin."""
        with self._lock:
            self._running[stage.name] = (stage, 0, "")
            if self._drawing is not None:
                self._add_bar(stage, 0)
            elif self._timer is None and not self._closed:
                import threading

                self._timer = threading.Timer(PATIENCE, self._start_drawing)
                self._timer.daemon = True
                self._timer.start()

    def advance(self, stage: Stage, amount: int, detail: str = "") -> None:
        """Move the stage's bar."""
        with self._lock:
            _, done, before = self._running.get(stage.name, (stage, 0, ""))
            done, detail = done + amount, detail or before
            self._running[stage.name] = (stage, done, detail)
            if self._drawing is not None and stage.name in self._bars:
                self._drawing.update(self._bars[stage.name], completed=done, detail=printable(detail))

    def end(self, stage: Stage) -> None:
        """Take the stage's bar away."""
        with self._lock:
            self._running.pop(stage.name, None)
            bar = self._bars.pop(stage.name, None)
            if self._drawing is not None and bar is not None:
                self._drawing.remove_task(bar)

    def write(self, text: str) -> None:
        """Write above the bars."""
        with self._lock:
            if self._drawing is None:
                super().write(text)
                return
            from rich.text import Text

            self._drawing.console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)

    def close(self) -> None:
        """Take all bars away."""
        with self._lock:
            self._closed = True
            timer, drawing = self._timer, self._drawing
            self._timer = self._drawing = None
        if timer is not None:
            timer.cancel()
        if drawing is not None:
            drawing.stop()

    def _start_drawing(self) -> None:
        drawing = _make_bars(self.stream, colour=self.style.colour)
        with self._lock:
            if self._closed or not self._running:
                self._timer = None
                return
            self._drawing = drawing
            for stage, done, _ in self._running.values():
                self._add_bar(stage, done)
            drawing.start()

    def _add_bar(self, stage: Stage, done: int) -> None:
        if self._drawing is not None:
            self._bars[stage.name] = self._drawing.add_task(
                stage.name, total=stage.total, completed=done, detail="", counted=stage.unit
            )


def _make_bars(stream: TextIO, *, colour: bool) -> "Progress":
    from rich.console import Console
    from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TextColumn
    from rich.table import Column
    from rich.text import Text

    class AmountColumn(ProgressColumn):
        """How much is done, in the stage's own unit."""

        def render(self, task: Task) -> Text:
            total = None if task.total is None else int(task.total)
            stage = Stage(name="", total=total, unit=task.fields["counted"])
            return Text(_format_amount(stage, int(task.completed)))

    console = Console(file=stream, no_color=not colour, highlight=False)
    # One line for each stage, however narrow the terminal: the detail gives way.
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True)),
        BarColumn(bar_width=24 if console.width >= _WIDE else 8),
        AmountColumn(table_column=Column(no_wrap=True)),
        TextColumn(
            "{task.fields[detail]}",
            markup=False,
            table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1),
        ),
        console=console,
        expand=True,
        transient=True,
    )


def choose_reporter(
    stream: TextIO, style: Style, *, quiet: bool, verbose: bool, json: bool
) -> CommandReporter:
    """The reporter for this command: warnings go to the envelope, not to `stream`, with `--json`."""
    warnings = not quiet and not json
    if quiet:
        return CommandReporter(stream, style, warnings=False)
    if style.terminal:
        return BarReporter(stream, style, warnings=warnings, verbose=verbose)
    if verbose:
        return LineReporter(stream, style, warnings=warnings)
    return CommandReporter(stream, style, warnings=warnings)
