"""The GLFT lattice by dense linear algebra: any xi, any horizon, own market impact.

Slow and plain, for figures, for tests and for the questions asked at configuration time. The
quoter's kernel (`quote.spectral`) solves the one case that a perpetual needs, stationary and
xi = 0, and must agree with this to 1e-8.
"""

import numpy as np
import numpy.typing as npt

from hypermaker.quote.closed_form import Setting

Vector = npt.NDArray[np.float64]
Range = tuple[int, int]
"""Lowest and highest inventory, in lots of `delta`: (-Q_a, Q_b)."""


def lattice(setting: Setting, limits: Range) -> Vector:
    """Return M, in 1/s, with v(t) = exp(-M*(T-t)) v(T): shape (lots, lots)."""
    lots = np.arange(limits[0], limits[1] + 1, dtype=np.float64)
    diagonal = setting.alpha * lots**2 - setting.k * setting.drift * lots
    side = np.full(len(lots) - 1, -setting.eta)
    matrix: Vector = np.diag(diagonal) + np.diag(side, 1) + np.diag(side, -1)
    return matrix


def stationary(setting: Setting, limits: Range) -> tuple[float, Vector]:
    """Return the lowest eigenvalue of the lattice (1/s) and its vector, positive, of norm 1.

    The vector squared is the stationary law of inventory; -delta/k times the value is what the
    quotes earn, certainty equivalent, in P * coins per second. Components below 1e-16 of the
    largest are noise: for steep walls use the kernel, which keeps ratios.
    """
    values, vectors = np.linalg.eigh(lattice(setting, limits))
    lowest = vectors[:, 0] * np.sign(vectors[:, 0].sum())
    return float(values[0]), lowest


def at_horizon(setting: Setting, limits: Range, left_s: float) -> Vector:
    """Return v at `left_s` seconds before the end, up to a factor: only ratios matter."""
    values, vectors = np.linalg.eigh(lattice(setting, limits))
    lots = np.arange(limits[0], limits[1] + 1, dtype=np.float64)
    end = np.exp(-0.5 * setting.k * setting.impact * setting.delta * lots**2)
    weights = np.exp(-(values - values[0]) * left_s)
    v: Vector = vectors @ (weights * (vectors.T @ end))
    return v


def depths(setting: Setting, v: Vector) -> tuple[Vector, Vector]:
    """Return (bid depths, ask depths) by lot of inventory; nan where the limit forbids one."""
    flat = setting.base + setting.cost + 0.5 * setting.impact
    step = np.log(v[:-1] / v[1:]) / setting.k
    bid = np.append(flat + step, np.nan)
    ask = np.insert(flat - step, 0, np.nan)
    return bid, ask
