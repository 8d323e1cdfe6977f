"""What one re-quote costs: value of inventory, 10 levels a side, premium and quantiser.

Medians over batches inside a compiled loop. The baseline of the value of inventory is LAPACK's
lowest eigenpair of the same tridiagonal matrix, called through scipy; 60 cells are the limits of
thirty quotes a side, 128 the widest lattice there is.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import numpy as np

from bench.row import Row
from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import LADDER
from hypermaker.core.market import MARKET
from hypermaker.quote import premium, quantize, rules
from hypermaker.quote.glft import GLFT, solve

TARGET_CHANGED_US, TARGET_MOVED_US = 3.0, 1.0

PLAIN = {
    "fair_ticks": 1_000_000.3,
    "bid_ticks": 1_000_000,
    "ask_ticks": 1_000_010,
    "price_decimals": 1,
    "lot_usd": 1.0,
    "sigma_bps": 2.0,
    "a_bid_per_s": 0.11,
    "a_ask_per_s": 0.1,
    "kappa_per_bps": 0.25,
    "gamma": 2.7e-4,
    "quote_lots": 300.0,
    "volume_lots": 500.0,
    "fee_bps": 1.5,
    "epsilon_bid_bps": 0.3,
    "epsilon_ask_bps": 0.3,
    "long_lots_max": 9000,
    "short_lots_max": 9000,
    "bid_lots_max": 18_000,
    "ask_lots_max": 18_000,
    "levels_max": 10,
    "span_bps": 200.0,
}


@kernel
def _requote(world: Any, ladder: Any, times: int, changed: bool) -> None:
    """Re-quote `times` times; sigma, drift and A change each time, or touch and inventory only.

    world   (MARKET, GLFT, SIGNALS, CAPS) arrays of one element
    """
    market, glft, signals, caps = world
    for turn in range(times):
        if changed:
            market[0].sigma_bps = 2.0 + 0.01 * (turn % 11)
            market[0].a_bid_per_s = 0.11 + 0.0005 * (turn % 7)
            market[0].drift_bps_per_s = 1e-5 * (turn % 5)
        market[0].fair_ticks = 1_000_000.3 + 0.7 * (turn % 13)
        market[0].position_lots = 37 * (turn % 41) - 700
        premium.compose(market[0], signals[0], caps[0])
        rules.glft(glft[0], market[0], ladder[0])
        quantize.quantize(market[0], ladder[0])


@kernel
def _solve(world: Any, ladder: Any, times: int, changed: bool) -> None:
    """Solve for the value of inventory alone."""
    market, glft, _, _ = world
    for turn in range(times):
        market[0].sigma_bps = 2.0 + 0.01 * (turn % 11)
        solve(glft[0], market[0])


def make_world(cells: int) -> tuple[Any, Any]:
    """Return ((market, glft, signals, caps), ladder) with this many lattice cells."""
    market, ladder = np.zeros(1, MARKET), np.zeros(1, LADDER)
    for name, value in PLAIN.items():
        market[0][name] = value
    market[0].quote_lots = 18_000.0 / cells
    signals, caps = np.zeros(1, premium.SIGNALS), np.zeros(1, premium.CAPS)
    signals[0].requote_s, signals[0].budget_share, signals[0].kappa_ratio = 0.3, 1.0, 0.1
    premium.default_caps(caps[0])
    return (market, np.zeros(1, GLFT), signals, caps), ladder


Loop = Callable[[Any, Any, int, bool], None]


def median_us(loop: Loop, cells: int, changed: bool, quick: bool) -> float:
    """Return the median time of one turn over batches of a compiled loop, in microseconds."""
    world, ladder = make_world(cells)
    times, batches = (500, 21) if quick else (5000, 101)
    loop(world, ladder, times, changed)
    seen = []
    for _ in range(batches):
        start = time.perf_counter_ns()
        loop(world, ladder, times, changed)
        seen.append((time.perf_counter_ns() - start) / times / 1e3)
    return statistics.median(seen)


def lapack_us(cells: int, quick: bool) -> float:
    """Return the median time of LAPACK's lowest eigenpair of the same matrix, called by scipy."""
    from scipy.linalg import eigh_tridiagonal

    points = np.arange(cells + 1, dtype=np.float64)
    seen = []
    for turn in range(51 if quick else 501):
        diagonal = (1e-3 + 1e-6 * turn) * (points - 0.5 * cells) ** 2
        start = time.perf_counter_ns()
        eigh_tridiagonal(diagonal, -np.ones(cells), select="i", select_range=(0, 0))
        seen.append((time.perf_counter_ns() - start) / 1e3)
    return statistics.median(seen)


def run(quick: bool = False) -> list[Row]:
    """Return the rows of this case."""
    rows = []
    for cells in (60, 128):
        ours = median_us(_requote, cells, True, quick)
        name = f"re-quote, parameters changed, {cells} cells"
        rows.append(Row(name, ours, "us", goal=TARGET_CHANGED_US))
    ours = median_us(_requote, 60, False, quick)
    rows.append(Row("re-quote, touch and inventory moved", ours, "us", goal=TARGET_MOVED_US))
    for cells in (60, 128):
        ours, theirs = median_us(_solve, cells, True, quick), lapack_us(cells, quick)
        name = f"value of inventory, parameters changed, {cells} cells"
        rows.append(Row(name, ours, "us", theirs, "LAPACK through scipy"))
    return rows
