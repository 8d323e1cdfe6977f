"""Taker orders of a tape: prints put together, markouts by depth, and when they came.

The engine's estimators do this in constant memory and fade; here the whole tape counts alike and
errors are told by depth, which takes the list. Markouts follow `estimate/adverse_selection.py`
to the letter (a test holds both to one number): for an order of sign s at time t

    a(h) = s * (mid(t + h) - mid(t-)) / mid(t-),   mid(t-) the last one heard before it

and "5 bps" means all orders that reached 5 bps or deeper. Orders overlap, so errors come from sums
over blocks of two minutes.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hypermaker.estimate.adverse_selection import BLOCK_NS, EDGES_BPS, HORIZON_NS

Rows = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
DEPTHS_BPS = (0.0, *EDGES_BPS)
"""Lower edges of the cumulated depths; the first takes every order."""
BLOCKS_MIN = 5
"""Blocks with orders from which their scatter tells an error; with fewer it tells a small one."""
GAP_NS = 10_000_000_000
"""A silence of the price feed longer than this is a hole in the tape, not a quiet market."""
BPS = 1e4


class Markout(NamedTuple):
    """Mean adverse move [bps] after orders of a side that reached a depth, at one horizon.

    mean, stderr   bps; nan and inf without data; stderr inf below BLOCKS_MIN blocks
    """

    side: int
    depth_bps: float
    horizon_s: float
    mean: float
    stderr: float
    orders: int


def taker_orders(prints: Rows) -> Rows:
    """Return one row an order: prints of one venue time and side, deepest depth, summed size."""
    if len(prints) == 0:
        return prints
    order = np.lexsort((np.arange(len(prints)), prints["side"], prints["venue_ns"]))
    sorted_prints = prints[order]
    same = (np.diff(sorted_prints["venue_ns"]) == 0) & (np.diff(sorted_prints["side"]) == 0)
    starts = np.flatnonzero(np.concatenate([[True], ~same]))
    merged = sorted_prints[starts].copy()
    merged["depth_bps"] = np.maximum.reduceat(sorted_prints["depth_bps"], starts)
    merged["size_lots"] = np.add.reduceat(sorted_prints["size_lots"], starts)
    return merged


def silences(mids: Rows) -> tuple[Rows, Rows]:
    """Return (start, length) in ns of every hole in the price feed."""
    times = mids["venue_ns"]
    gaps = np.diff(times)
    at = np.flatnonzero(gaps > GAP_NS)
    return times[at], gaps[at]


def observed_s(times_ns: Rows, mids: Rows) -> Floats:
    """Return times as seconds of observation since the first mid: holes take no time."""
    starts, lengths = silences(mids)
    before = np.concatenate([[0], np.cumsum(lengths)])[np.searchsorted(starts, times_ns, "left")]
    return np.asarray((times_ns - mids["venue_ns"][0] - before) * 1e-9, np.float64)


def moves_bps(orders: Rows, mids: Rows, horizon_ns: int) -> Floats:
    """Return each order's adverse move at a horizon, bps; nan where the tape does not say."""
    times = mids["venue_ns"]
    due = orders["venue_ns"] + horizon_ns
    at = np.searchsorted(times, due, "left")
    ended = at >= len(times)
    at = np.minimum(at, len(times) - 1)
    then = mids["mid_ticks"][np.where(times[at] == due, at, np.maximum(at - 1, 0))]
    moved = orders["side"] * (then / orders["mid_ticks"] - 1.0) * BPS
    starts, lengths = silences(mids)
    hole = np.searchsorted(starts, due, "left") - 1
    lost = (
        (hole >= 0) & (orders["venue_ns"] < (starts + lengths)[np.maximum(hole, 0)])
        if len(starts)
        else np.zeros(len(orders), bool)
    )
    return np.where(ended | lost, np.nan, moved)


def block_error(values: Floats, times_ns: Rows) -> float:
    """Return the standard error of a mean whose values depend on each other within a block."""
    _, block = np.unique(times_ns // BLOCK_NS, return_inverse=True)
    count = int(block.max()) + 1 if len(block) else 0
    if count < BLOCKS_MIN:
        return float("inf")
    sums = np.bincount(block, weights=values - values.mean(), minlength=count)
    return float(np.sqrt((sums**2).sum() * count / (count - 1)) / len(values))


def markout(orders: Rows, mids: Rows, *, side: int, depth_bps: float, horizon_ns: int) -> Markout:
    """Return the markout of a side's orders that reached a depth; the first depth takes all."""
    deep = orders["depth_bps"] >= depth_bps if depth_bps > 0.0 else np.ones(len(orders), bool)
    chosen = orders[deep & (orders["side"] == side)]
    moved = moves_bps(chosen, mids, horizon_ns)
    known = ~np.isnan(moved)
    count = int(known.sum())
    mean, error = float("nan"), float("inf")
    if count:
        mean = float(moved[known].mean())
        error = block_error(moved[known], chosen["venue_ns"][known])
    return Markout(side, depth_bps, horizon_ns * 1e-9, mean, error, count)


def markouts(orders: Rows, mids: Rows) -> list[Markout]:
    """Return the markouts of both sides at every depth and horizon of the estimator."""
    return [
        markout(orders, mids, side=side, depth_bps=depth, horizon_ns=horizon)
        for side in (-1, 1)
        for depth in DEPTHS_BPS
        for horizon in HORIZON_NS
    ]


def variance_ratio(mids: Rows, *, long: int = 10) -> tuple[float, float, int]:
    """Return (ratio, error, samples) of variances at `long` seconds and at one, per second.

    1 for a random walk, below 1 for bounce, above for trends; the error allows for changing
    volatility. Source: Lo & MacKinlay 1988, equations 13 and 19.
    """
    if len(mids) < 2:
        return float("nan"), float("inf"), 0
    seconds = observed_s(mids["venue_ns"], mids)
    grid = np.arange(0.0, seconds[-1], 1.0)
    at = np.searchsorted(seconds, grid, "right") - 1
    steps = np.diff(np.log(mids["fair_ticks"][at])) * BPS
    if len(steps) < 3 * long or not steps.any():
        return float("nan"), float("inf"), len(steps)
    gaps = steps - steps.mean()
    squares = gaps**2
    total = float(squares.sum())
    sums = np.convolve(gaps, np.ones(long), "valid")
    ratio = float((sums**2).mean() / (long * squares.mean()))
    spread = sum(
        (2.0 * (long - lag) / long) ** 2 * float(squares[lag:] @ squares[:-lag]) / total**2
        for lag in range(1, long)
    )
    return ratio, float(np.sqrt(spread)), len(steps)
