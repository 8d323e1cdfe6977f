"""Markets with known truth, drawn exactly, for the tests of recovery and coverage."""

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import kernel

Floats = npt.NDArray[np.float64]


@kernel
def _thin(mu: float, alpha: float, beta: float, end_s: float, draws: Any, times: Any) -> int:
    """Ogata's thinning from given uniforms; return how many events were put into times."""
    count, t, excitation = 0, 0.0, 0.0
    for i in range(len(draws)):
        bound = mu + excitation
        wait = -math.log1p(-draws[i, 0]) / bound
        t += wait
        if t > end_s:
            break
        excitation *= math.exp(-beta * wait)
        if draws[i, 1] * bound <= mu + excitation:
            times[count] = t
            count += 1
            excitation += alpha
    return count


def hawkes_times(mu: float, alpha: float, beta: float, end_s: float, seed: int) -> Floats:
    """Return the event times of an unmarked Hawkes process on (0, end_s]."""
    size = int(20 * mu * end_s / (1 - alpha / beta)) + 1_000
    draws = np.random.default_rng(seed).random((size, 2))
    times = np.empty(size)
    return times[: _thin(mu, alpha, beta, end_s, draws, times)]


def cir(
    count: int, seed: int, *, kappa: float, theta: float, xi: float, rho: float, dt_s: float = 1.0
) -> tuple[Floats, Floats]:
    """Return (variance at the end of each step, log return over it), exact in the variance."""
    rng = np.random.default_rng(seed)
    fade = math.exp(-kappa * dt_s)
    scale = xi * xi * (1 - fade) / (4 * kappa)
    freedom = 4 * kappa * theta / xi**2
    v = np.empty(count + 1)
    v[0] = rng.gamma(freedom / 2, xi**2 / (2 * kappa))
    for i in range(count):
        v[i + 1] = scale * rng.noncentral_chisquare(freedom, v[i] * fade / scale)
    step, mean = np.diff(v), (v[1:] + v[:-1]) / 2
    moved = (rho / xi) * (step - kappa * (theta - mean) * dt_s) - mean * dt_s / 2
    moved += np.sqrt((1 - rho**2) * mean * dt_s) * rng.normal(size=count)
    return v[1:], moved


def taker_orders(
    rates: tuple[float, float], kappa: float, end_s: float, seed: int
) -> tuple[Any, Any, Floats]:
    """Return (times s, sides, depths) of Poisson orders with exponential depth; (sells, buys)/s."""
    rng = np.random.default_rng(seed)
    count = rng.poisson(sum(rates) * end_s)
    times = np.sort(rng.random(count)) * end_s
    sides = np.where(rng.random(count) < rates[1] / sum(rates), 1, -1)
    return times, sides, rng.exponential(1 / kappa, count)
