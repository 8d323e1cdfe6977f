"""What a latch leaves to the session after it: a kill, and the figures of its day, in plain values.

A journal's header carries them, so a session that began with them replays byte for byte.
"""

from math import isfinite, nan
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hypermaker.risk import kill_switch
from hypermaker.risk.kill_switch import KILL_SWITCH, KillReason


class Kept(msgspec.Struct, frozen=True, kw_only=True):
    """The part of a KILL_SWITCH record that outlives its session.

    reason, reasons    KillReason and the set of all that were true; 0: the latch is open
    killed_ns          when it fired, local time
    killed_value       what was measured then, in the unit of the reason; None: not a number
    killed_limit       the limit it passed; None: not a number
    day                UTC days since the epoch that the three figures below belong to
    equity_usd         last known; None: the venue never told
    day_equity_usd     at UTC midnight, or when first known
    peak_equity_usd    the day's highest
    """

    reason: int = 0
    reasons: int = 0
    killed_ns: int = 0
    killed_value: float | None = 0.0
    killed_limit: float | None = 0.0
    day: int = 0
    equity_usd: float | None = None
    day_equity_usd: float | None = None
    peak_equity_usd: float | None = None

    @property
    def is_killed(self) -> bool:
        """Whether the latch has fired."""
        return self.reason != KillReason.NONE

    @property
    def reason_name(self) -> str:
        """The reason in lower case, as reports write it; empty while the latch is open."""
        return KillReason(self.reason).name.lower() if self.is_killed else ""


def kept_of(latch: Any) -> Kept:
    """Return what one KILL_SWITCH record leaves behind."""
    known = int(latch.equity_known) == 1
    return Kept(
        reason=int(latch.reason),
        reasons=int(latch.reasons),
        killed_ns=int(latch.killed_ns),
        killed_value=_number(latch.killed_value),
        killed_limit=_number(latch.killed_limit),
        day=int(latch.day),
        equity_usd=_number(latch.equity_usd) if known else None,
        day_equity_usd=_number(latch.day_equity_usd) if known else None,
        peak_equity_usd=_number(latch.peak_equity_usd) if known else None,
    )


def restore(latch: Any, kept: Kept, received_ns: int) -> None:
    """Give a latch that was just reset what an earlier session left; see `kill_switch.restore`."""
    saved: npt.NDArray[Any] = np.zeros(1, KILL_SWITCH)
    one = saved[0]
    one.reason, one.reasons, one.killed_ns = kept.reason, kept.reasons, kept.killed_ns
    one.killed_value, one.killed_limit = _float(kept.killed_value), _float(kept.killed_limit)
    one.day = kept.day
    figures = (kept.equity_usd, kept.day_equity_usd, kept.peak_equity_usd)
    one.equity_usd, one.day_equity_usd, one.peak_equity_usd = (_float(usd) for usd in figures)
    one.equity_known = 0 if None in figures else 1
    kill_switch.restore(latch, one, received_ns)


def _number(value: float) -> float | None:
    return float(value) if isfinite(value) else None


def _float(value: float | None) -> float:
    return nan if value is None else value
