"""One slope, y = slope * x + noise, with forgetting, a prior and an honest error bar.

What the fair price learns about book imbalance and order flow about trade imbalance. The prior
is a slope worth so much sum of x^2; with a prior slope of 0 a signal starts with no say and
earns it. The error bar is White's (noise may depend on x) and ignores the prior.

Counts are floats and fade with the sums: the predecessor floored them, so its statistics acted
on ten times the sample it believed it had (F-29, T-96).
"""

from math import inf, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

READY_N = 50.0
"""Effective pairs from which the slope may be trusted."""

SLOPE = record(
    ("prior_slope", "f8"),
    ("prior_xx", "f8"),
    ("weight", "f8"),
    ("squares", "f8"),
    ("xx", "f8"),
    ("xy", "f8"),
    ("noise", "f8"),  # weighted sum of x^2 e^2 with squared weights, e the error of prediction
)

Rec = Any
"""One element of a SLOPE array: a record with attribute access."""


@kernel
def reset(rec: Rec, prior_slope: float, prior_xx: float) -> None:
    """Forget everything; believe `prior_slope` as much as data with sum of x^2 = prior_xx > 0."""
    rec.prior_slope = prior_slope
    rec.prior_xx = prior_xx
    rec.weight = 0.0
    rec.squares = 0.0
    rec.xx = 0.0
    rec.xy = 0.0
    rec.noise = 0.0


@kernel
def update(rec: Rec, x: float, y: float, keep: float) -> None:
    """Add one pair; what was there keeps the share `keep` of its weight."""
    error = y - slope(rec) * x
    rec.weight = keep * rec.weight + 1.0
    rec.squares = keep * keep * rec.squares + 1.0
    rec.xx = keep * rec.xx + x * x
    rec.xy = keep * rec.xy + x * y
    rec.noise = keep * keep * rec.noise + x * x * error * error


@kernel
def slope(rec: Rec) -> float:
    """Return the slope, prior included."""
    return float((rec.prior_xx * rec.prior_slope + rec.xy) / (rec.prior_xx + rec.xx))


@kernel
def effective_count(rec: Rec) -> float:
    """Return how many equally weighted pairs these are worth."""
    return float(rec.weight * rec.weight / rec.squares) if rec.squares > 0.0 else 0.0


@kernel
def ready(rec: Rec) -> bool:
    """Return whether there are enough pairs to trust the slope."""
    return bool(rec.xx > 0.0 and effective_count(rec) >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the slope from the data alone; inf without any x."""
    return float(sqrt(rec.noise) / rec.xx) if rec.xx > 0.0 else inf


@kernel
def is_significant(rec: Rec) -> bool:
    """Return whether the data alone tell the slope from zero: ready and two errors away."""
    return bool(ready(rec) and abs(rec.xy / rec.xx) > 2.0 * stderr(rec))
