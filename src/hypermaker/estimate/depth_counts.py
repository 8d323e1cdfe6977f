"""Fill intensity from a table of counts: hits and time at risk at each of a few depths.

The form of the literature, for calibration on records: rates at points of depth, not in bins, so
hits of one order at several depths are counted several times and the standard errors hold for
disjoint observations only. `fill_intensity.py` is the live estimator.

Units: depths in any price unit P, times s; A in 1/s, kappa in 1/P.
Source: quant-models 3.1 (INT-1).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
STEPS_MAX = 200
STEP_END = 1e-14


class Intensity(NamedTuple):
    """lambda(d) = a * exp(-kappa d) with standard errors."""

    a: float
    kappa: float
    a_se: float
    kappa_se: float


def fit_counts(*, depths: Floats, hits: Floats, seconds: Floats) -> Intensity:
    """Return the Poisson maximum likelihood fit; depths without hits count as what they are.

    Raises ValueError when hits are at fewer than two depths: then the data name no decay.
    """
    if int((hits > 0).sum()) < 2:
        raise ValueError("hits at fewer than two depths leave the decay open")
    kappa = max(fit_logs(depths=depths, hits=hits, seconds=seconds).kappa, 1e-6 / depths.max())
    wanted = float(hits @ depths / hits.sum())
    for _ in range(STEPS_MAX):
        weights = seconds * np.exp(-kappa * depths)
        mean = float(weights @ depths / weights.sum())
        spread = float(weights @ (depths - mean) ** 2 / weights.sum())
        step = (mean - wanted) / spread
        kappa += step
        if abs(step) < STEP_END * abs(kappa):
            break
    a = float(hits.sum() / (seconds @ np.exp(-kappa * depths)))
    expected = a * seconds * np.exp(-kappa * depths)
    information = np.array(
        [
            [expected.sum() / a**2, -(depths @ expected) / a],
            [-(depths @ expected) / a, depths**2 @ expected],
        ]
    )
    errors = np.sqrt(np.diag(np.linalg.inv(information)))
    return Intensity(a, kappa, float(errors[0]), float(errors[1]))


def fit_logs(*, depths: Floats, hits: Floats, seconds: Floats) -> Intensity:
    """Return the weighted least-squares line through the logs of the rates, weights = hits.

    Depths without hits are dropped: their logarithm is none.
    """
    seen = hits > 0
    d, weights = depths[seen], hits[seen]
    logs = np.log(hits[seen] / seconds[seen])
    center, level = float(weights @ d / weights.sum()), float(weights @ logs / weights.sum())
    spread = float(weights @ (d - center) ** 2)
    kappa = -float(weights @ ((d - center) * (logs - level))) / spread
    a = float(np.exp(level + kappa * center))
    a_se = a * float(np.sqrt(1.0 / weights.sum() + center**2 / spread))
    return Intensity(a, kappa, a_se, float(1.0 / np.sqrt(spread)))
