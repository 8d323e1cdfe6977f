"""One compiled loop: a tape through the estimators, fed exactly as the engine feeds them.

`hear` is the engine's own first step, so nothing here decides what an event teaches. Beside the
engine's estimators stands one with another task: volatility over the whole tape, without fading
and without a prior. What an offline fit needs (taker orders with the mid before them, mids, a
diary of the estimates) is written into arrays of the caller.

There is one kernel that anybody calls here, because the compiler's cache is keyed on the rooms of
the core: a kernel of this file must not be called from a kernel of another file of this room.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hypermaker.core.events import Events, Flag, Kind
from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import USD_MICRO
from hypermaker.estimate import cascade, fill_intensity, volatility
from hypermaker.estimate import touch as touches
from hypermaker.estimate.volatility import VOLATILITY
from hypermaker.orders import ledger
from hypermaker.state import (
    FLOW_CROSS,
    FLOW_DECAY_PER_S,
    FLOW_OWN,
    EngineConfig,
    State,
    initial_state,
)
from hypermaker.steps.hear import hear
from hypermaker.steps.learn import learn_forced

Rec = Any
FOREVER_S = 1e9
"""A memory that outlasts any tape."""
PRIOR_N = 1e-9
"""A prior without a say: what is printed is what the tape says."""
DIARY_ROWS = 600
"""Diary entries a tape, evenly in time: what a plot can show."""

LESSONS = record(
    ("volatility", VOLATILITY),
    ("severity_max", "f8"),
    ("cascade_s", "f8"),  # venue time spent with an active cascade
    ("breaks", "i8"),  # times a feed went down
)
PRINT = record(
    ("venue_ns", "i8"),
    ("side", "i8"),  # of the aggressor
    ("depth_bps", "f8"),  # from the mid in force before it
    ("mid_ticks", "f8"),  # the last mid heard before it
    ("size_lots", "f8"),
)
MID = record(("venue_ns", "i8"), ("mid_ticks", "f8"), ("fair_ticks", "f8"))
DIARY = record(
    ("venue_ns", "i8"),
    ("sigma_bps", "f8"),  # as the engine believes it: with prior and fading
    ("sigma_stderr", "f8"),
    ("severity", "f8"),
)
FINDING = record(("venue_ns", "i8"), ("side", "i8"), ("usd", "f8"), ("chance", "f8"))
Rows = npt.NDArray[Any]


class Heard(NamedTuple):
    """What a tape taught.

    state     STATE, shape (1,): the engine's record after the last event
    lessons   LESSONS, shape (1,)
    prints, mids, diary, findings   arrays of PRINT, MID, DIARY, FINDING, in order
    """

    state: State
    lessons: Rows
    prints: Rows
    mids: Rows
    diary: Rows
    findings: Rows


@kernel
def begin(states: State, lessons: Rows) -> None:
    """Take the prior out of what is reported, and let it remember the whole tape.

    Orders hidden in one block are left out: taken off depths that could not be reached, they would
    make exposure negative where the touch is wide. At most one order in fifteen is hidden at 1/s.
    """
    intensity, extra = states[0].fill_intensity, lessons[0]
    prior_a, prior_kappa = intensity.prior_a_per_s, intensity.prior_kappa_per_bps
    fill_intensity.reset(intensity, prior_a, prior_kappa, PRIOR_N)
    fill_intensity.set_memory(intensity, FOREVER_S, 0.0, 0.0)
    volatility.reset(extra.volatility, 1.0, 0.0)
    volatility.set_scales(extra.volatility, FOREVER_S, FOREVER_S, volatility.SAMPLE_NS)


@kernel
def _took(state: Rec, event: Rec) -> bool:
    """Return whether the touch is now this event's."""
    seen = state.touch
    same = seen.venue_ns == event.venue_ns and seen.bid_ticks == event.bid_ticks
    return bool(same and seen.ask_ticks == event.ask_ticks and touches.is_quotable(seen))


@kernel
def _write_print(state: Rec, event: Rec, row: Rec) -> bool:
    """Note a taker's print and the mids it was measured from; false while there is none."""
    mid2 = ledger.mid2_before(state.ledger, event.venue_ns)
    if mid2 <= 0 or state.adverse_selection.last_mid == 0.0:
        return False
    row.venue_ns, row.side = event.venue_ns, event.side
    row.depth_bps = event.side * (2.0 * event.price_ticks / mid2 - 1.0) * 1e4
    row.mid_ticks = state.adverse_selection.last_mid
    row.size_lots = float(event.size_lots)
    return True


@kernel
def _write_diary(state: Rec, extra: Rec, row: Rec, since_ns: int) -> None:
    row.venue_ns = state.venue_ns
    row.sigma_bps = volatility.sigma_bps(state.volatility)
    row.sigma_stderr = volatility.stderr(state.volatility)
    row.severity = cascade.severity(state.cascade)
    if cascade.is_active(state.cascade):
        extra.cascade_s += (state.venue_ns - since_ns) * 1e-9


@kernel
def _write_finding(state: Rec, row: Rec) -> None:
    found = state.liquidations
    row.venue_ns, row.side = found.found_ns, found.side
    row.usd, row.chance = found.usd, found.chance


@kernel
def drive(
    states: State,
    lessons: Rows,
    events: Events,
    out: tuple[Rows, Rows, Rows, Rows],
    counts: npt.NDArray[np.int64],
    every_ns: int,
) -> None:
    """Let every event teach; rows written to `out` are counted in `counts`, shape (4,).

    out        arrays of PRINT, MID, FINDING (as long as events) and DIARY (DIARY_ROWS + 2)
    every_ns   venue time between entries of the diary
    """
    state, extra = states[0], lessons[0]
    prints, mids, findings, diary = out
    next_ns = 0
    for e in range(len(events)):
        event = events[e]
        state.now_ns = max(state.now_ns, event.received_ns)
        state.venue_ns = max(state.venue_ns, event.venue_ns)
        kind, found = event.kind, state.liquidations.found
        if kind == Kind.TRADE and not event.marks & Flag.BACKFILL:
            counts[0] += 1 if _write_print(state, event, prints[counts[0]]) else 0
        hear(state, event)
        if touches.is_touch(event) and _took(state, event):
            volatility.update(extra.volatility, event.venue_ns, state.fair_price.fair_ticks)
            mids[counts[1]].venue_ns = event.venue_ns
            mids[counts[1]].mid_ticks = touches.mid2_ticks(state.touch) / 2.0
            mids[counts[1]].fair_ticks = state.fair_price.fair_ticks
            counts[1] += 1
        elif kind == Kind.FILL and event.marks & Flag.LIQUIDATION:
            learn_forced(state, event)
        elif kind == Kind.TRADE and event.marks & Flag.LIQUIDATION:
            usd = event.price_ticks * event.size_lots / USD_MICRO
            cascade.record_liquidation(state.cascade, event.side, usd, 1.0, event.venue_ns)
        elif kind == Kind.LINK and event.marks & Flag.DOWN:
            volatility.interrupt(extra.volatility)
            extra.breaks += 1
        if state.liquidations.found > found:
            _write_finding(state, findings[counts[2]])
            counts[2] += 1
        extra.severity_max = max(extra.severity_max, cascade.severity(state.cascade))
        if state.venue_ns >= next_ns and counts[3] < len(diary) and counts[1] > 0:
            _write_diary(state, extra, diary[counts[3]], next_ns - every_ns)
            counts[3] += 1
            next_ns = state.venue_ns + every_ns
    fill_intensity.elapse(state.fill_intensity, state.venue_ns + 1)
    fill_intensity.refresh(state.fill_intensity)


def hear_tape(events: Events, config: EngineConfig) -> Heard:
    """Return what the estimators make of a tape; the prior only shapes the grid of depths."""
    states, lessons = initial_state(config), np.zeros(1, LESSONS)
    begin(states, lessons)
    size = len(events) + 1
    out = (
        np.zeros(size, PRINT),
        np.zeros(size, MID),
        np.zeros(size, FINDING),
        np.zeros(DIARY_ROWS + 2, DIARY),
    )
    counts = np.zeros(4, np.int64)
    times = events["venue_ns"][events["venue_ns"] > 0]
    span_ns = int(times.max() - times.min()) if len(times) else 0
    drive(states, lessons, np.ascontiguousarray(events), out, counts, span_ns // DIARY_ROWS + 1)
    prints, mids, findings, diary = (rows[:n] for rows, n in zip(out, counts, strict=True))
    return Heard(states, lessons, prints, mids, diary, findings)


def assumed_flow() -> tuple[float, float]:
    """Return the branching ratio and the decay [1/s] of trade flow the engine assumes."""
    return FLOW_OWN + FLOW_CROSS, FLOW_DECAY_PER_S
