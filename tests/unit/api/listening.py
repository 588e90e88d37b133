"""A reporter that only listens."""

from pannier.model.events import Notice, SilentReporter


class Listener(SilentReporter):
    """Keeps what it is warned of."""

    def __init__(self) -> None:
        self.notices: list[Notice] = []

    def warn(self, warning: Notice) -> None:
        self.notices.append(warning)
