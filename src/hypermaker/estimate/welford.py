"""Means, variances and co-moments that are exact in one pass, with or without forgetting.

One recursion serves both: every value already seen keeps the share `keep` of its weight when
the next one comes; keep = 1 is Welford's, keep = exp(-dt/tau) forgets with time constant tau.
Two sums that were kept apart merge exactly. A pair keeps a running mean for each of its legs:
multiplying deviations from means of different times is no covariance (the predecessor's kappa
and rho did that; its 1.3).

Source: quant-models 4.4; Welford 1962; Chan, Golub & LeVeque 1983.
"""

from math import inf, log, nan, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

WELFORD = record(
    ("weight", "f8"),  # sum of weights
    ("squares", "f8"),  # sum of squared weights
    ("center", "f8"),  # the mean; `mean` is a method of every record
    ("spread", "f8"),  # weighted sum of squared deviations from the mean
)
"""One series."""

PAIR = record(
    ("weight", "f8"),
    ("squares", "f8"),
    ("mean_x", "f8"),
    ("mean_y", "f8"),
    ("spread_x", "f8"),
    ("spread_y", "f8"),
    ("spread_xy", "f8"),
)
"""Two series seen together."""

Rec = Any
"""One element of a WELFORD or PAIR array: a record with attribute access."""


@kernel
def reset(rec: Rec) -> None:
    """Forget everything."""
    rec.weight = 0.0
    rec.squares = 0.0
    rec.center = 0.0
    rec.spread = 0.0


@kernel
def update(rec: Rec, x: float, keep: float) -> None:
    """Add one value; what was there keeps the share `keep` of its weight, 0 < keep <= 1."""
    rec.weight = keep * rec.weight + 1.0
    rec.squares = keep * keep * rec.squares + 1.0
    gap = x - rec.center
    rec.center += gap / rec.weight
    rec.spread = keep * rec.spread + gap * (x - rec.center)


@kernel
def merge(into: Rec, other: Rec) -> None:
    """Add all that `other` has seen to `into`, exactly."""
    weight = into.weight + other.weight
    if weight == 0.0:
        return
    gap = other.center - into.center
    into.spread += other.spread + gap * gap * (into.weight * other.weight / weight)
    into.center += gap * (other.weight / weight)
    into.squares += other.squares
    into.weight = weight


@kernel
def mean(rec: Rec) -> float:
    """Return the mean, or NaN before the first value."""
    return float(rec.center) if rec.weight > 0.0 else nan


@kernel
def variance_biased(rec: Rec) -> float:
    """Return the population variance, or NaN before the first value."""
    return float(rec.spread / rec.weight) if rec.weight > 0.0 else nan


@kernel
def variance(rec: Rec) -> float:
    """Return the unbiased variance (reliability weights), or NaN below two values."""
    if not rec.weight * rec.weight > rec.squares:
        return nan
    return float(rec.spread / (rec.weight - rec.squares / rec.weight))


@kernel
def effective_count(rec: Rec) -> float:
    """Return how many equally weighted values these are worth."""
    return float(rec.weight * rec.weight / rec.squares) if rec.squares > 0.0 else 0.0


@kernel
def ready(rec: Rec) -> bool:
    """Return whether there is a variance at all: two values."""
    return bool(rec.weight * rec.weight > rec.squares)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the mean of independent values; inf below two."""
    if not rec.weight * rec.weight > rec.squares:
        return inf
    return float(sqrt(variance(rec) / effective_count(rec)))


@kernel
def reset_pair(rec: Rec) -> None:
    """Forget everything a pair has seen."""
    rec.weight = 0.0
    rec.squares = 0.0
    rec.mean_x = 0.0
    rec.mean_y = 0.0
    rec.spread_x = 0.0
    rec.spread_y = 0.0
    rec.spread_xy = 0.0


@kernel
def update_pair(rec: Rec, x: float, y: float, keep: float) -> None:
    """Add one pair; what was there keeps the share `keep` of its weight."""
    rec.weight = keep * rec.weight + 1.0
    rec.squares = keep * keep * rec.squares + 1.0
    gap_x = x - rec.mean_x
    gap_y = y - rec.mean_y
    rec.mean_x += gap_x / rec.weight
    rec.mean_y += gap_y / rec.weight
    rec.spread_x = keep * rec.spread_x + gap_x * (x - rec.mean_x)
    rec.spread_y = keep * rec.spread_y + gap_y * (y - rec.mean_y)
    rec.spread_xy = keep * rec.spread_xy + gap_x * (y - rec.mean_y)


@kernel
def covariance_biased(rec: Rec) -> float:
    """Return the population covariance, or NaN before the first pair."""
    return float(rec.spread_xy / rec.weight) if rec.weight > 0.0 else nan


@kernel
def correlation(rec: Rec) -> float:
    """Return the correlation about each leg's own mean, or NaN when a leg does not vary."""
    spread = rec.spread_x * rec.spread_y
    return float(rec.spread_xy / sqrt(spread)) if spread > 0.0 else nan


@kernel
def autocorrelation(pair: Rec, single: Rec) -> float:
    """Return sum(d_t d_{t-h}) / sum(d_t^2), d about the mean of the whole series (T-18).

    pair     has seen (x_{t-h}, x_t); `single` has seen every x_t; both with the same keep
    NaN when the series does not vary.
    """
    if not single.spread > 0.0:
        return nan
    lead = pair.mean_y - single.center
    lag = pair.mean_x - single.center
    return float((pair.spread_xy + pair.weight * lag * lead) / single.spread)


@kernel
def reversion_per_s(ratio: float, dt_s: float) -> float:
    """Return the mean reversion kappa [1/s] that makes autocorrelation fall by `ratio` in dt_s.

    NaN, and never a clamp, when ratio is not between 0 and 1: then the data name none.
    """
    return -log(ratio) / dt_s if 0.0 < ratio < 1.0 else nan
