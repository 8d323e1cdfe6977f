"""Is this coin quiet, normal, wild or broken, compared with itself; slow to say so, slow to recant.

Volatility is compared with a baseline of its own. A change of regime needs five confirmations in a
row, and the way back down needs a calmer reading (hysteresis) and a minute's dwell: the
predecessor changed 45 times in 57 minutes (F-37).

The baseline learns only from normal readings in the normal regime, or once another has lasted an
hour and thereby is the new normal; the predecessor's baseline chased the sigma it was compared
with (F-34). A jump is the statistic of Huang and Tauchen above 4, not RV/BV above 3, which is a
matter of sample size.

Source: behaviours T-86; quant-models 4.1.
"""

from math import inf, isnan, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

LOW = 0
NORMAL = 1
HIGH = 2
EXTREME = 3
LOW_RATIO = 0.5
HIGH_RATIO = 1.5
EXTREME_RATIO = 3.0
HYSTERESIS = 0.85
"""A wilder regime is left below this share of the ratio that began it."""
JUMP_Z = 4.0
CONFIRMATIONS = 5
DWELL_NS = 60_000_000_000
HORIZON_S = 3600.0
"""How long another regime must last before it is the new normal; memory of the baseline."""
READY_N = 60
NS = 1e-9

REGIME = record(
    ("baseline", "f8"),  # variance of the normal regime, in the square of sigma's unit
    ("learned", "i8"),  # readings the baseline rests on
    ("state", "i8"),
    ("candidate", "i8"),
    ("confirmations", "i8"),
    ("since_ns", "i8"),  # when the state began
    ("last_ns", "i8"),  # 0: no reading yet
    ("changes", "i8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of a REGIME array: a record with attribute access."""


@kernel
def reset(rec: Rec) -> None:
    """Forget everything: normal, and no baseline to compare with."""
    rec.baseline = 0.0
    rec.learned = 0
    rec.state = NORMAL
    rec.candidate = NORMAL
    rec.confirmations = 0
    rec.since_ns = 0
    rec.last_ns = 0
    rec.changes = 0
    rec.rejected = 0


@kernel
def update(rec: Rec, venue_ns: int, sigma: float, jump_z: float) -> int:
    """Take one reading per sample of volatility and return the regime.

    sigma    > 0, any unit, the same always;  jump_z   NaN when there is no answer
    """
    if not (sigma > 0.0 and sigma < inf) or (rec.last_ns > 0 and venue_ns < rec.last_ns):
        rec.rejected += 1
        return int(rec.state)
    if rec.last_ns == 0:
        rec.since_ns = venue_ns
        rec.last_ns = venue_ns
    seen = NORMAL
    if rec.learned >= READY_N:
        seen = _seen(rec, sigma * sigma, jump_z)
        _vote(rec, venue_ns, seen)
    if _is_teaching(rec, venue_ns, seen):
        _learn(rec, venue_ns, sigma * sigma)
    rec.last_ns = venue_ns
    return int(rec.state)


@kernel
def _seen(rec: Rec, variance: float, jump_z: float) -> int:
    """Return the regime this one reading speaks for."""
    high = HIGH_RATIO * (HYSTERESIS if rec.state >= HIGH else 1.0)
    slack = HYSTERESIS if rec.state == EXTREME else 1.0
    extreme = EXTREME_RATIO * slack
    if variance > extreme * extreme * rec.baseline or (
        not isnan(jump_z) and jump_z > JUMP_Z * slack
    ):
        return EXTREME
    if variance > high * high * rec.baseline:
        return HIGH
    low = LOW_RATIO / (HYSTERESIS if rec.state == LOW else 1.0)
    return LOW if variance < low * low * rec.baseline else NORMAL


@kernel
def _vote(rec: Rec, venue_ns: int, seen: int) -> None:
    """Count a reading for its regime; five in a row change the state (down: after the dwell)."""
    if seen == rec.state:
        rec.confirmations = 0
        rec.candidate = seen
        return
    rec.confirmations = rec.confirmations + 1 if seen == rec.candidate else 1
    rec.candidate = seen
    dwelt = seen > rec.state or rec.changes == 0 or venue_ns - rec.since_ns >= DWELL_NS
    if rec.confirmations >= CONFIRMATIONS and dwelt:
        rec.state = seen
        rec.since_ns = venue_ns
        rec.confirmations = 0
        rec.changes += 1


@kernel
def _is_teaching(rec: Rec, venue_ns: int, seen: int) -> bool:
    """Return whether a reading belongs to the normal regime, or to one that has become it."""
    if rec.state == NORMAL:
        return seen == NORMAL
    return bool((venue_ns - rec.since_ns) * NS >= HORIZON_S)


@kernel
def _learn(rec: Rec, venue_ns: int, variance: float) -> None:
    """Let the baseline follow: plain mean at first, then a memory of HORIZON_S."""
    rec.learned += 1
    gain = 1.0 / rec.learned
    if rec.learned > READY_N:
        dt_s = (venue_ns - rec.last_ns) * NS
        gain = max(gain, dt_s / (HORIZON_S + dt_s))
    rec.baseline += gain * (variance - rec.baseline)


@kernel
def state(rec: Rec) -> int:
    """Return the regime: LOW, NORMAL, HIGH or EXTREME."""
    return int(rec.state)


@kernel
def baseline_sigma(rec: Rec) -> float:
    """Return the volatility of the normal regime, in the unit of the readings; 0 without one."""
    return sqrt(rec.baseline)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether there is a baseline; without one the regime is NORMAL, which is not news."""
    return bool(rec.learned >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the relative standard error of the baseline's sigma from its readings; inf if none.

    Readings of a smoothed sigma repeat each other, so this is a lower bound.
    """
    return 1.0 / sqrt(2.0 * rec.learned) if rec.learned > 0 else inf
