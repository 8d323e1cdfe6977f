"""How well forced flow is found: precision, recall and delay of inference and cascade detector.

Two questions, kept apart. Given takers, open interest and mark, which seconds held forced flow
(`estimate/liquidations.py`)? Given liquidations, confirmed or inferred, when is a cascade running
(`estimate/cascade.py`)? The first needs truth second by second, which only a simulation or a
node's fills have; the second is answered on recorded liquidations as well.

A finding counts as right when at least half of its side's volume in that second was forced.
A cascade counts as found when the detector is active at some time from its start to one memory
after its end; an activation that meets no cascade is a false alarm.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S, USD_MICRO
from hypermaker.estimate import cascade, liquidations
from hypermaker.estimate.cascade import CASCADE
from hypermaker.estimate.liquidations import LIQUIDATIONS
from hypermaker.research.simulated_cascades import Floats, Scenario
from hypermaker.state import IMPACT_BPS_PER_USD, LIQUIDATIONS_PER_S

Rec = Any
Rows = npt.NDArray[Any]
CLOCK, TAKER, CONTEXT, CONFIRMED = 0, 1, 2, 3
NO_INTEREST = -1.0
START_NS = 10**18
RIGHT_SHARE = 0.5
LINGER_S = 1.0 / cascade.BETA
JOIN_S = 60.0
"""Activations closer than this are one: the detector flickers at its threshold."""

STEP = record(
    ("what", "i8"),
    ("venue_ns", "i8"),
    ("side", "i8"),
    ("usd", "f8"),  # of a taker's print or a liquidation; open interest of a context
    ("gap_bps", "f8"),
)
"""One thing the detectors are told."""
SEEN = record(("severity", "f8"), ("side", "i8"), ("usd", "f8"), ("chance", "f8"))
"""After a step: the severity; and the finding, chance 0 when there is none."""


class Score(NamedTuple):
    """Counts behind precision = right/told, recall = found/there, and delays [s], shape (n,)."""

    told: int
    right: int
    there: int
    found: int
    delays_s: Floats


@kernel
def _close_second(found: Rec, step: Rec) -> bool:
    """Tell the inference of a context; return whether it takes the second's flow for forced."""
    at = step.venue_ns
    return liquidations.observe_context(found, at, step.usd, step.gap_bps, 1.0)


@kernel
def watch(steps: Rows, seen: Rows, parts: tuple[Rows, Rows], feed: int) -> None:
    """Tell both detectors every step; note what they say after it.

    parts   (LIQUIDATIONS, CASCADE) arrays of one; volumes are in USD: one lot is one dollar
    feed    1: findings of the inference go on to the cascade detector
    """
    found, flow = parts[0][0], parts[1][0]
    for s in range(len(steps)):
        step, at = steps[s], steps[s].venue_ns
        cascade.elapse(flow, at)
        if step.what == TAKER:
            liquidations.observe_trade(found, step.side, step.usd)
        elif step.what == CONFIRMED:
            cascade.record_liquidation(flow, step.side, step.usd, 1.0, at)
        elif step.what == CONTEXT and _close_second(found, step):
            seen[s].side, seen[s].usd, seen[s].chance = found.side, found.usd, found.chance
            if feed == 1:
                cascade.record_liquidation(flow, found.side, found.usd, found.chance, at)
        seen[s].severity = cascade.severity(flow)


@kernel
def start(parts: tuple[Rows, Rows], rate_per_s: float, impact: float) -> None:
    """Forget everything in both detectors."""
    liquidations.reset(parts[0][0])
    cascade.reset(parts[1][0], rate_per_s, impact)


def run(steps: Rows, *, feed: bool) -> Rows:
    """Return what the detectors said after every step, an array of SEEN."""
    parts = (np.zeros(1, LIQUIDATIONS), np.zeros(1, CASCADE))
    start(parts, LIQUIDATIONS_PER_S, IMPACT_BPS_PER_USD)
    seen = np.zeros(len(steps), SEEN)
    watch(steps, seen, parts, int(feed))
    return seen


def steps_of(market: Scenario, *, told: bool) -> Rows:
    """Return a simulated market as steps; `told` adds every liquidation as confirmed."""
    takers = np.zeros(len(market.time_s), STEP)
    takers["what"], takers["side"], takers["usd"] = TAKER, market.side, market.usd
    takers["venue_ns"] = START_NS + np.rint(market.time_s * NS_PER_S).astype(np.int64)
    contexts = np.zeros(len(market.gap_bps), STEP)
    contexts["what"], contexts["usd"] = CONTEXT, market.interest_usd
    contexts["gap_bps"] = market.gap_bps
    contexts["venue_ns"] = START_NS + (np.arange(len(contexts)) + 1) * NS_PER_S
    parts = [takers, contexts]
    if told:
        forced = takers[market.forced].copy()
        forced["what"] = CONFIRMED
        parts.append(forced)
    steps = np.concatenate(parts)
    return steps[np.argsort(steps["venue_ns"], kind="stable")]


def score_inference(market: Scenario, seen: Rows, steps: Rows, *, usd_min: float) -> Score:
    """Return how findings compare with the seconds that held at least usd_min of forced flow."""
    at = np.flatnonzero(steps["what"] == CONTEXT)
    seconds = len(at)
    second = np.minimum(market.time_s.astype(np.int64), seconds - 1)
    share = np.zeros((2, seconds))
    truth = np.zeros((2, seconds))
    for i, sign in enumerate((-1, 1)):
        mine = market.side == sign
        both = np.bincount(second[mine], weights=market.usd[mine], minlength=seconds)
        forced = mine & market.forced
        truth[i] = np.bincount(second[forced], weights=market.usd[forced], minlength=seconds)
        share[i] = np.divide(truth[i], both, out=np.zeros(seconds), where=both > 0.0)
    told = seen["chance"][at] > 0.0
    side = (seen["side"][at] > 0).astype(np.int64)
    right = told & (share[side, np.arange(seconds)] >= RIGHT_SHARE)
    there = truth >= usd_min
    hit = np.array([told & (side == i) for i in range(2)])
    return Score(int(told.sum()), int(right.sum()), int(there.sum()), int((there & hit).sum()),
                 np.zeros(0))  # fmt: skip


def activations(times_s: Floats, severity: Floats) -> Floats:
    """Return (start, end) of every stretch with an active cascade, close ones joined."""
    active = times_s[severity >= cascade.SEVERITY_ACTIVE]
    if len(active) == 0:
        return np.zeros((0, 2))
    cuts = np.flatnonzero(np.diff(active) > JOIN_S)
    starts, ends = np.append(0, cuts + 1), np.append(cuts, len(active) - 1)
    return np.stack([active[starts], active[ends]], axis=1)


def score_cascades(cascades: Floats, active: Floats) -> Score:
    """Return how stretches of activity compare with the true stretches, both (start, end) [s]."""
    meets = np.zeros((len(cascades), len(active)), bool)
    for c, (begin, end) in enumerate(cascades):
        meets[c] = (active[:, 1] >= begin) & (active[:, 0] <= end + LINGER_S)
    delays = [
        max(0.0, float(active[meets[c], 0].min() - cascades[c, 0]))
        for c in range(len(cascades))
        if meets[c].any()
    ]
    return Score(len(active), int(meets.any(axis=0).sum()), len(cascades), len(delays),
                 np.array(delays))  # fmt: skip


def steps_of_prints(prints: Rows) -> Rows:
    """Return a recording's prints as steps, with a context a second that knows no open interest.

    prints   as `drive.hear_tape` writes them
    """
    takers = np.zeros(len(prints), STEP)
    takers["what"], takers["side"], takers["venue_ns"] = TAKER, prints["side"], prints["venue_ns"]
    takers["usd"] = prints["mid_ticks"] * prints["size_lots"] / USD_MICRO
    times = np.arange(prints["venue_ns"][0], prints["venue_ns"][-1] + NS_PER_S, NS_PER_S)
    contexts = np.zeros(len(times), STEP)
    contexts["what"], contexts["venue_ns"], contexts["usd"] = CONTEXT, times, NO_INTEREST
    steps = np.concatenate([takers, contexts])
    return steps[np.argsort(steps["venue_ns"], kind="stable")]


def seconds_of(steps: Rows) -> Floats:
    """Return the time of each step, s since START_NS."""
    return np.asarray((steps["venue_ns"] - START_NS) * 1e-9, np.float64)
