"""Adverse selection by depth: what a fill at depth x is expected to cost, eps(x) = eps*exp(-x/d).

Small prints near the touch are often informed and deep sweeps overshoot, so the cost may fall with
depth. A coin then stands where A*exp(-kappa*x)*(x - c - eps(x) - p) is largest:

    x = 1/kappa + c + p + eps(x)*(1 + 1/(kappa*d))

that is, at the cost of a fill *there* plus a little more half-spread, because stepping back also
makes the fill cheaper. d = 0 means the same cost at every depth, and x = 1/kappa + c + eps + p.
"""

from math import exp, log1p

from hypermaker.core.kernel import kernel

HALLEY_STEPS = 2
"""From a first guess good to two digits, each step triples the digits."""


@kernel
def _product_log(x: float) -> float:
    """Return Lambert's W(x), the z with z*exp(z) = x, for x >= 0, to 1e-12."""
    first = log1p(x)
    z = first * (1.0 - log1p(first) / (2.0 + first))
    for _ in range(HALLEY_STEPS):
        grown = exp(z)
        gap = z * grown - x
        z -= gap / (grown * (z + 1.0) - (z + 2.0) * gap / (2.0 * z + 2.0))
    return z


@kernel
def epsilon_at(
    epsilon_bps: float, decay_bps: float, kappa_per_bps: float, rest_bps: float
) -> float:
    """Return the expected adverse move of a fill at the depth that is best given that very cost.

    Parameters
    ----------
    epsilon_bps    adverse move of a fill at depth 0, and of one that pays to be filled
    decay_bps      depth over which it falls by e; 0: it does not fall
    kappa_per_bps  decay of fill intensity
    rest_bps       all other terms of the depth: 1/kappa + fee + inventory
    """
    if not decay_bps > 0.0:
        return epsilon_bps
    weight = 1.0 + 1.0 / (kappa_per_bps * decay_bps)
    whole = weight * epsilon_bps
    if not rest_bps + whole > 0.0:
        return epsilon_bps
    return decay_bps / weight * _product_log(whole / decay_bps * exp(-rest_bps / decay_bps))


@kernel
def relief_bps(epsilon_bps: float, decay_bps: float, kappa_per_bps: float) -> float:
    """Return the half-spread added because a fill further out is cheaper: -eps'(x)/kappa."""
    return epsilon_bps / (kappa_per_bps * decay_bps) if decay_bps > 0.0 else 0.0


@kernel
def spread_capture_bps(
    depth_bps: float, epsilon_bps: float, decay_bps: float, fee_bps: float
) -> float:
    """Return what a fill at this depth earns on average: depth - eps(depth) - fee."""
    epsilon = epsilon_bps * exp(-depth_bps / decay_bps) if decay_bps > 0.0 else epsilon_bps
    return depth_bps - epsilon - fee_bps
