"""Virtual time: what happens when, in one fixed order. It knows no clock but the one it is told."""

import heapq
from collections.abc import Callable

Happening = Callable[[int], None]


class Schedule:
    """Things to be done at integer nanoseconds; equal times run in the order they were set."""

    def __init__(self, now_ns: int) -> None:
        self.now_ns = now_ns
        self._count = 0
        self._due: list[tuple[int, int, Happening]] = []

    def at(self, when_ns: int, happening: Happening) -> None:
        """Have something done at a time; it is called with that time."""
        self._count += 1
        heapq.heappush(self._due, (when_ns, self._count, happening))

    def every(self, period_ns: int, happening: Happening, first_ns: int) -> None:
        """Have something done again and again, without drift."""

        def turn(now_ns: int) -> None:
            self.at(now_ns + period_ns, turn)
            happening(now_ns)

        self.at(first_ns, turn)

    @property
    def next_ns(self) -> int:
        """Return when the next thing is due."""
        return self._due[0][0]

    def run_until(self, now_ns: int) -> None:
        """Do everything that is due up to and including a time."""
        while self._due and self._due[0][0] <= now_ns:
            when_ns, _, happening = heapq.heappop(self._due)
            self.now_ns = max(self.now_ns, when_ns)
            happening(when_ns)
        self.now_ns = max(self.now_ns, now_ns)
