"""A market with liquidations whose truth is known, to measure what can be inferred of them.

Ordinary takers come in self-exciting bursts with heavy-tailed sizes, some of them large orders
worked in one direction for half a minute: one-sided bursts that are no liquidations, the thing
the inference must not fall for. Forced orders come alone or in cascades that feed themselves.

Open interest follows from who opens and who closes, not from a rule the inference knows: an
ordinary taker and every maker open or close at the toss of a coin, a forced taker closes; interest
falls only where both close. All takers move the book with one law of impact that decays, while the
mark follows oracle and other venues, which ordinary flow and forced flow lead alike.

What this cannot say: how real forced flow differs from this picture. Sizes of liquidations are
those of the venue (median $337, mean $8,079); the rest are round numbers, listed below.
"""

from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Rows = npt.NDArray[Any]
Chance = np.random.Generator

ORDERS_PER_S = 0.5
ORDER_USD_MEDIAN, ORDER_USD_SPREAD = 500.0, 1.6
"""Log-normal sizes of ordinary orders: mean about $1,800."""
METAORDERS_PER_H = 4.0
METAORDER_USD, METAORDER_S = 60_000.0, 30.0
LONE_PER_H = 6.0
CASCADES_PER_H = 0.5
CASCADE_EVENTS, CASCADE_S = 25.0, 30.0
FORCED_USD_MEDIAN, FORCED_USD_SPREAD = 337.0, 2.52
"""Log-normal with the venue's median and mean."""
CASCADE_USD_MEDIAN = 3_000.0
"""Accounts that fall in a cascade are larger than the stragglers between them."""
IMPACT_BPS_PER_USD = 1.0 / 20_000
"""Of a small coin: ten times what the largest ones show."""
RELAX_S = 10.0
GAP_NOISE_BPS = 0.7
INTEREST_USD = 2e7


class Scenario(NamedTuple):
    """One simulated stretch of time, in seconds and USD.

    time_s, side, usd, forced   takers in order, shape (n,); forced is truth
    interest_usd, gap_bps       at the end of second 1, 2, ..., shape (seconds,)
    cascades                    start and end of each cascade [s], shape (m, 2)
    """

    time_s: Floats
    side: Rows
    usd: Floats
    forced: Rows
    interest_usd: Floats
    gap_bps: Floats
    cascades: Floats


def simulate(*, seed: int, hours: float) -> Scenario:
    """Return a market of this length; equal seeds give equal markets."""
    chance = np.random.default_rng(seed)
    span_s = hours * 3600.0
    worked = _metaorders(chance, span_s)
    lone = _lone(chance, span_s)
    chain, cascades = _cascades(chance, span_s)
    parts = [_ordinary(chance, span_s), worked, lone, chain]
    is_forced = np.concatenate([np.full(len(p[0]), at >= 2) for at, p in enumerate(parts)])
    times, sides, usd = (np.concatenate([part[at] for part in parts]) for at in range(3))
    order = np.argsort(times, kind="stable")
    order = order[times[order] < span_s]
    flow = (times[order], sides[order].astype(np.int64), usd[order], is_forced[order])
    interest, gap = _context(chance, flow, int(span_s))
    return Scenario(*flow, interest, gap, cascades)


Flow = tuple[Floats, Floats, Floats]
"""Times [s], sides, sizes [USD]."""


def _sides(chance: Chance, count: int) -> Floats:
    return chance.choice([-1.0, 1.0], count)


def _ordinary(chance: Chance, span_s: float) -> Flow:
    """Return orders in small clusters of one side: each leads to another with chance 0.4."""
    leaders = chance.uniform(0.0, span_s, chance.poisson(0.6 * ORDERS_PER_S * span_s))
    followers = chance.geometric(0.6, len(leaders))
    times = np.repeat(leaders, followers)
    first = np.concatenate([[0], np.cumsum(followers)[:-1]])
    waits = chance.exponential(2.0, len(times))
    waits[first] = 0.0
    passed = np.cumsum(waits)
    times = times + passed - np.repeat(passed[first], followers)
    sides = np.repeat(_sides(chance, len(leaders)), followers)
    usd = ORDER_USD_MEDIAN * np.exp(ORDER_USD_SPREAD * chance.standard_normal(len(times)))
    return times, sides, usd


def _metaorders(chance: Chance, span_s: float) -> Flow:
    """Return large orders worked in slices: one side, in a hurry, and nobody is forced."""
    starts = chance.uniform(0.0, span_s, chance.poisson(METAORDERS_PER_H * span_s / 3600.0))
    slices = chance.integers(10, 40, len(starts))
    times = np.repeat(starts, slices) + chance.uniform(0.0, METAORDER_S, int(slices.sum()))
    total = METAORDER_USD * np.exp(chance.standard_normal(len(starts)))
    usd = np.repeat(total / slices, slices) * chance.exponential(1.0, len(times))
    return times, np.repeat(_sides(chance, len(starts)), slices), usd


def _lone(chance: Chance, span_s: float) -> Flow:
    times = chance.uniform(0.0, span_s, chance.poisson(LONE_PER_H * span_s / 3600.0))
    usd = FORCED_USD_MEDIAN * np.exp(FORCED_USD_SPREAD * chance.standard_normal(len(times)))
    return times, _sides(chance, len(times)), usd


def _cascades(chance: Chance, span_s: float) -> tuple[Flow, Floats]:
    """Return the forced orders of all cascades, and when each began and ended."""
    starts = chance.uniform(600.0, span_s, chance.poisson(CASCADES_PER_H * span_s / 3600.0))
    counts = 5 + chance.poisson(CASCADE_EVENTS, len(starts))
    times = np.repeat(starts, counts) + chance.gamma(2.0, CASCADE_S / 4.0, int(counts.sum()))
    usd = CASCADE_USD_MEDIAN * np.exp(FORCED_USD_SPREAD * chance.standard_normal(len(times)))
    flow = times, np.repeat(_sides(chance, len(starts)), counts), usd
    bounds = np.concatenate([[0], np.cumsum(counts)])
    ends = [(times[a:b].min(), times[a:b].max()) for a, b in pairwise(bounds)]
    return flow, np.array(ends).reshape(-1, 2)


def _context(
    chance: Chance, flow: tuple[Floats, Rows, Floats, Rows], seconds: int
) -> tuple[Floats, Floats]:
    """Return open interest [USD] and the mark's distance from the mid [bps] at each second."""
    times, sides, usd, forced = flow
    taker = np.where(forced, -1, chance.choice([-1, 1], len(usd)))
    maker = chance.choice([-1, 1], len(usd))
    second = np.minimum(times.astype(np.int64), seconds - 1)
    changes = np.bincount(second, weights=usd * (taker + maker) / 2.0, minlength=seconds)
    pushed = np.bincount(second, weights=sides * usd * IMPACT_BPS_PER_USD, minlength=seconds)
    gap, keep = np.zeros(seconds), float(np.exp(-1.0 / RELAX_S))
    last = 0.0
    for at in range(seconds):
        last = keep * last + pushed[at]
        gap[at] = -last
    noise = GAP_NOISE_BPS * chance.standard_normal(seconds)
    interest = INTEREST_USD + np.cumsum(changes)
    return interest.astype(np.float64), gap + noise
