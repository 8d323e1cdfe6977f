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
TOLERANCE = 1e-14

Glft = Any
"""One element of a `quote.glft.GLFT` array."""


@kernel
def _climb(glft: Glft, energy: float, wall: int) -> tuple[float, float, float, float]:
    """Return (1 - 1/last ratio, mass, first and second moment about the peak) from one wall.

    Mass is the sum of f^2 over the points between wall and peak, with f = 1 at the peak; nan
    when a ratio is not positive: `energy` is then above the lowest eigenvalue by too much.
    """
    step = 1 if wall < glft.peak else -1
    drop, mass, first, second = 1.0, 0.0, 0.0, 0.0
    for n in range(wall, glft.peak, step):
        away = n - glft.centre
        excess = glft.stiffness * away * away - energy + drop
        if not excess > -1.0:
            return np.nan, 0.0, 0.0, 0.0
        inverse = 1.0 / (1.0 + excess)
        glft.excess[n] = excess
        drop = excess * inverse
        square = inverse * inverse
        offset = float(n - glft.peak)
        mass = (1.0 + mass) * square
        first = (offset + first) * square
        second = (offset * offset + second) * square
    return drop, mass, first, second


@kernel
def _mismatch(glft: Glft, energy: float) -> float:
    """Return Newton's step towards the lowest eigenvalue, nan when `energy` is too high."""
    drop_low, mass_low, first_low, second_low = _climb(glft, energy, 0)
    drop_high, mass_high, first_high, second_high = _climb(glft, energy, glft.cells)
    away = glft.peak - glft.centre
    norm = 1.0 + mass_low + mass_high
    glft.mean_cells = glft.peak + (first_low + first_high) / norm
    glft.spread_cells = (second_low + second_high) / norm
    gap = glft.stiffness * away * away - energy + drop_low + drop_high
    return float(gap / norm)


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
        if abs(step) <= TOLERANCE * (1.0 + energy):
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
