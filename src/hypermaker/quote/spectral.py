"""The lowest eigenpair of the GLFT lattice, by the ratio recursion from both walls.

The matrix is symmetric tridiagonal: diagonal `stiffness*(n - centre)^2`, off-diagonal -1 (rates in
units of eta), n = 0..cells. For a trial eigenvalue `energy - 2` the ratios f[n+1]/f[n] follow from
the wall at 0 and f[n-1]/f[n] from the wall at `cells`; they meet at `peak`, and the mismatch there
is zero exactly at an eigenvalue. All ratios positive is a positive vector, and by Perron and
Frobenius only the lowest eigenvalue has one: a solution carries its own certificate.

Ratios, not components: nothing overflows however steep the walls are, and `ratio - 1` keeps its
digits when the lattice is nearly flat. Newton's step on the mismatch is the Rayleigh quotient.
"""

from math import log, sqrt
from typing import Any

import numpy as np

from hypermaker.core.kernel import kernel

CELLS_MAX = 128
POINTS_MAX = CELLS_MAX + 1
PASSES_MAX = 80
STIFFNESS_MAX = 1e8
"""Beyond this a lot more is never wanted at any price, and doubles have no digits to say so."""
TOLERANCE, ROUNDING = 1e-12, 2e-15
"""An eigenvalue is found when Newton's step is below TOLERANCE + ROUNDING * energy."""

Chain = tuple[float, float, float, float, float, float]
Glft = Any
"""One element of a `quote.glft.GLFT` array."""


@kernel
def _link(diagonal: float, offset: float, chain: Chain) -> Chain:
    """Add one lattice point to a chain of ratios that grows from a wall towards the peak.

    Parameters
    ----------
    diagonal  of the point, less `energy`
    offset    points from the peak
    chain     (ratio - 1, 1 - 1/ratio, sum of f^2, its first and second moment about the peak,
              smallest ratio so far), sums with f = 1 at the next point
    """
    excess = diagonal + chain[1]
    ratio = (1.0 + diagonal) + chain[1]  # does not wait for `excess`: the chain is one add shorter
    inverse = 1.0 / ratio
    square = inverse * inverse
    mass = (1.0 + chain[2]) * square
    first = (offset + chain[3]) * square
    second = (offset * offset + chain[4]) * square
    return excess, excess * inverse, mass, first, second, min(chain[5], ratio)


@kernel
def _diagonal(stiffness: float, away: float, energy: float) -> float:
    """Return the diagonal element `away` cells from the centre, less the trial energy."""
    return stiffness * away * away - energy


@kernel
def _extend(glft: Glft, energy: float, chain: Chain, start: int, step: int) -> Chain:
    """Carry a chain on from `start` to the point before the peak."""
    for point in range(start, glft.peak, step):
        diagonal = _diagonal(glft.stiffness, point - glft.centre, energy)
        chain = _link(diagonal, float(point - glft.peak), chain)
        glft.excess[point] = chain[0]
    return chain


@kernel
def _mismatch(glft: Glft, energy: float) -> float:
    """Return Newton's step towards the lowest eigenvalue, nan when `energy` is too high.

    The chains from both walls advance together: each waits for its own division, and a processor
    can wait for two at once.
    """
    low = high = (0.0, 1.0, 0.0, 0.0, 0.0, 1.0)
    peak, cells, stiffness, centre = glft.peak, glft.cells, glft.stiffness, glft.centre
    both = min(peak, cells - peak)
    for near in range(both):
        far = cells - near
        low = _link(_diagonal(stiffness, near - centre, energy), float(near - peak), low)
        high = _link(_diagonal(stiffness, far - centre, energy), float(far - peak), high)
        glft.excess[near] = low[0]
        glft.excess[far] = high[0]
    low = _extend(glft, energy, low, both, 1)
    high = _extend(glft, energy, high, cells - both, -1)
    if not min(low[5], high[5]) > 0.0:
        return np.nan
    norm = 1.0 + low[2] + high[2]
    glft.mean_cells = peak + (low[3] + high[3]) / norm
    glft.spread_cells = (low[4] + high[4]) / norm
    return float((_diagonal(stiffness, peak - centre, energy) + low[1] + high[1]) / norm)


@kernel
def settle_energy(glft: Glft, energy: float, lowest: float) -> None:
    """Iterate to the lowest eigenvalue from a trial value; `lowest` is a bound below it.

    The mismatch is a falling concave function of the energy up to the next pole, so a step from
    either side lands at or above the root and descends from there; a step past the pole shows as
    a ratio that is not positive and is halved back towards what is known to be below.
    """
    bound = lowest
    for _ in range(PASSES_MAX):
        step = _mismatch(glft, energy)
        glft.passes += 1
        if step != step:
            energy = 0.5 * (bound + energy)
            continue
        glft.energy = energy
        glft.residual = abs(step)
        if abs(step) <= TOLERANCE + ROUNDING * energy:
            return
        if step > 0.0:
            bound = energy
        energy += step


@kernel
def place_peak(glft: Glft) -> None:
    """Choose where the two recursions meet: near the largest component, away from the walls."""
    half = glft.cells // 2
    reach = half if glft.stiffness * half**4 < 1.0 else int(1.0 / sqrt(sqrt(glft.stiffness)))
    nearest = int(glft.centre + 0.5)
    glft.peak = min(max(nearest, min(reach, half)), glft.cells - min(reach, half))


@kernel
def lowest_bound(glft: Glft) -> float:
    """Return Gershgorin's bound: no eigenvalue is below the smallest diagonal element less 2."""
    away = min(max(float(int(glft.centre + 0.5)), 0.0), float(glft.cells)) - glft.centre
    return float(glft.stiffness * away * away)


@kernel
def take_logs(glft: Glft) -> None:
    """Write log f at every lattice point, zero at the lower wall."""
    total = 0.0
    glft.log_f[0] = 0.0
    for n in range(glft.peak):
        total += log(1.0 + glft.excess[n])
        glft.log_f[n + 1] = total
    for n in range(glft.peak + 1, glft.cells + 1):
        total -= log(1.0 + glft.excess[n])
        glft.log_f[n] = total


@kernel
def take_bends(glft: Glft) -> None:
    """Write how much the price of risk rises across each cell, for prices inside a cell.

    The smaller of the differences to both neighbours: prices then never step back at a lattice
    point. A lattice of one cell has the closed form's rise, omega.
    """
    last = glft.cells - 1
    before = np.inf
    for cell in range(last):
        edge = glft.log_f[cell + 1] - glft.log_f[cell]
        after = edge - (glft.log_f[cell + 2] - glft.log_f[cell + 1])
        glft.bend[cell] = max(min(before, after), 0.0)
        before = after
    glft.bend[last] = max(before, 0.0) if last > 0 else sqrt(glft.stiffness)


@kernel
def solve_lattice(glft: Glft, cells: int, stiffness: float, centre: float) -> None:
    """Bring the eigenvector up to date with the lattice; free when nothing has changed.

    Warm start: the old vector's Rayleigh quotient in the changed matrix, which is its energy plus
    the mean change of the diagonal under f^2, known from two moments. Cold start (another number
    of cells, or nothing solved yet): Gershgorin's bound.
    """
    if not stiffness < STIFFNESS_MAX:
        stiffness = STIFFNESS_MAX
    if cells == glft.cells and stiffness == glft.stiffness and centre == glft.centre:
        return
    warm = cells == glft.cells and glft.solves > 0
    before = mean_diagonal(glft)
    glft.cells, glft.stiffness, glft.centre = cells, stiffness, centre
    energy = lowest_bound(glft)
    if warm:
        energy = max(energy, glft.energy + mean_diagonal(glft) - before)
    else:
        glft.cold_starts += 1
    place_peak(glft)
    if cells > 0:
        settle_energy(glft, energy, lowest_bound(glft))
        take_logs(glft)
        take_bends(glft)
    glft.solves += 1


@kernel
def mean_diagonal(glft: Glft) -> float:
    """Return the mean of the diagonal under the squared eigenvector last solved for."""
    away = glft.mean_cells - glft.centre
    offset = glft.mean_cells - glft.peak
    return float(glft.stiffness * (away * away + glft.spread_cells - offset * offset))
