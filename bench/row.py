"""The contract between a benchmark and the runner: `run(quick: bool) -> list[Row]` in a file here.

A case measures ours and, where there is one, a baseline in the same run on the same machine; only
their ratio travels to another machine. `quick` asks for a rough answer in a few seconds.
"""

from typing import NamedTuple


class Row(NamedTuple):
    """One measured figure; smaller is better.

    Attributes
    ----------
    name       what was measured, such as "sign 20 orders, p50"
    ours       our figure, in `unit`
    unit       "ns", "us", "ms" or "s", per call or event
    baseline   the other's figure in the same unit, measured in the same run; None without one
    against    who that is, such as "official SDK 0.24, coincurve"
    goal       what ours should stay below, in `unit`; None without a goal
    """

    name: str
    ours: float
    unit: str
    baseline: float | None = None
    against: str = ""
    goal: float | None = None

    @property
    def ratio(self) -> float | None:
        """How many times cheaper ours is than the baseline; None without one."""
        return None if self.baseline is None else self.baseline / self.ours

    @property
    def is_met(self) -> bool | None:
        """Whether ours stays below the goal; None without a goal."""
        return None if self.goal is None else self.ours <= self.goal
