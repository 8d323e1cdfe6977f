"""Adverse selection by depth: what a fill at depth x is expected to cost, eps(x) = eps*exp(-x/d).

Small prints near the touch are often informed and deep sweeps overshoot, so the cost may fall with
depth. A coin then stands where A*exp(-kappa*x)*(x - c - eps(x) - p) is largest:

    x = 1/kappa + c + p + eps(x)*(1 + 1/(kappa*d))

that is, at the cost of a fill *there* plus a little more half-spread, because stepping back also
makes the fill cheaper. d = 0 means the same cost at every depth, and x = 1/kappa + c + eps + p.
"""

from math import exp

from hypermaker.core.kernel import kernel

NEWTON_STEPS = 4
"""The equation is convex and falling and we start below its root: four steps reach 1e-12."""


@kernel
def epsilon_at(
    epsilon_bps: float, decay_bps: float, kappa_per_bps: float, rest_bps: float
) -> float:
    """Return the expected adverse move of a fill at the depth that is best given that very cost.

    Parameters
    ----------
    epsilon_bps    adverse move of a fill at depth 0
    decay_bps      depth over which it falls by e; 0: it does not fall
    kappa_per_bps  decay of fill intensity
    rest_bps       all other terms of the depth: 1/kappa + fee + inventory
    """
    if not decay_bps > 0.0:
        return epsilon_bps
    weight = 1.0 + 1.0 / (kappa_per_bps * decay_bps)
    depth, epsilon = rest_bps, 0.0
    for _ in range(NEWTON_STEPS):
        epsilon = epsilon_bps * exp(-depth / decay_bps)
        gap = rest_bps + weight * epsilon - depth
        depth += gap / (1.0 + weight * epsilon / decay_bps)
    return epsilon_bps * exp(-depth / decay_bps)


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
