"""The gate: the only way from a wanted ladder to orders. It removes and shrinks, never adds.

For each side, with q the position in the direction that side reduces (asks: position, bids:
-position) and `other` what may still fill on that side without being in this ladder:

    adding is open     sum of sizes <= limit + q - other                  (T-32, I1)
    adding is barred   sum of sizes <= min(q, user's cap + q - other), every level reduce-only

Levels are served best first, so what goes is the outermost. Adding is barred on both sides when
the position is over its limit, when the engine bars it (withdrawn on stale data, pulled, reduce
only), and on a side whose room does not even cover q. Reducing up to |position| survives every
bar but ALL, the kill switch's own end (T-46, F-27, F-41). A level whose price is not finite, or
whose size is not positive, goes: NaN closes.
"""

from enum import IntEnum
from math import floor, inf
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.ladder import LEVELS_MAX


class Bar(IntEnum):
    """What is forbidden on a side, weakest first."""

    NONE = 0
    ADDING = 1
    ALL = 2


class Cut(IntEnum):
    """Why a side was cut; the first that applies, in this order."""

    NONE = 0
    KILLED = 1
    OVER_VALUE = 2
    OVER_SIZE = 3
    BARRED = 4
    ROOM = 5
    SIZE_FRACTION = 6
    BAD_LEVEL = 7


SIDE_GATE = record(
    ("bar", "i8"),  # in: Bar
    ("fraction", "f8"),  # in: share of the adding part that may stay, 1 all; NaN none
    ("other_lots", "i8"),  # in: may still fill on this side and is not in the ladder
    ("room_lots", "i8"),  # out: what the ladder may hold on this side
    ("allowance_lots", "i8"),  # out: all that may fill on this side, other_lots included
    ("reduce_only", "i8"),  # out: 1 when every level of this side may only reduce
    ("reason", "i8"),  # out: Cut
    ("cut_lots", "i8"),  # out: how much was taken away
)
GATE = record(
    ("position_lots", "i8"),
    ("long_lots_max", "i8"),  # effective limits
    ("short_lots_max", "i8"),
    ("user_lots", "i8"),  # the user's own cap: the bound nothing may pass
    ("is_over_value", "i8"),
    ("bid", SIDE_GATE),
    ("ask", SIDE_GATE),
)
Rec = Any


@kernel
def open_gate(gate: Rec, limits: Rec, position_lots: int) -> None:
    """Write what the gate must hold (position and limits) and set every side to no bar.

    The caller then sets bars, fractions and `other_lots`, and calls `admit` or `pass_ladder`.
    """
    gate.position_lots, gate.user_lots = position_lots, limits.user_lots
    gate.long_lots_max = min(limits.long_lots_max, limits.user_lots)
    gate.short_lots_max = min(limits.short_lots_max, limits.user_lots)
    gate.is_over_value = limits.is_over_value
    gate.bid.bar, gate.bid.fraction, gate.bid.other_lots = Bar.NONE, 1.0, 0
    gate.ask.bar, gate.ask.fraction, gate.ask.other_lots = Bar.NONE, 1.0, 0


@kernel
def admit(gate: Rec) -> None:
    """Compute room, allowance and reduce-only of both sides; `pass_ladder` does it by itself."""
    over = _over(gate)
    _admit_side(gate, gate.bid, -gate.position_lots, gate.long_lots_max, over)
    _admit_side(gate, gate.ask, gate.position_lots, gate.short_lots_max, over)


@kernel
def _over(gate: Rec) -> int:
    """Return why the position is over its limit, as a Cut; 0 when it is not. Value comes first."""
    if gate.position_lots == 0:
        return Cut.NONE
    if gate.is_over_value != 0:
        return Cut.OVER_VALUE
    too_long = gate.position_lots > gate.long_lots_max
    too_short = -gate.position_lots > gate.short_lots_max
    return Cut.OVER_SIZE if too_long or too_short else Cut.NONE


@kernel
def _admit_side(gate: Rec, side: Rec, reduces_lots: int, limit_lots: int, over: int) -> None:
    """Decide one side. reduces_lots: the position in the direction this side reduces (signed)."""
    user_room = gate.user_lots + reduces_lots
    side.reason, side.cut_lots = over, 0
    if side.bar >= Bar.ALL:
        side.reason = Cut.KILLED
    elif side.bar >= Bar.ADDING and over == Cut.NONE:
        side.reason = Cut.BARRED
    side.reduce_only = 0 if side.reason == Cut.NONE else 1
    side.allowance_lots = max(0, min(limit_lots + reduces_lots, user_room))
    if reduces_lots > 0 and side.allowance_lots - side.other_lots < reduces_lots:
        side.reduce_only = 1
    side.room_lots = max(0, side.allowance_lots - side.other_lots)
    if side.reduce_only == 1:
        side.allowance_lots = user_room if reduces_lots > 0 and side.bar < Bar.ALL else 0
        free = side.allowance_lots - side.other_lots
        side.room_lots = max(0, min(reduces_lots, free))


@kernel
def pass_ladder(gate: Rec, ladder: Rec) -> None:
    """Cut a ladder in place to what may be quoted, and say per side what was cut and why."""
    admit(gate)
    ladder.bid_levels = _pass_side(gate.bid, ladder.bids, ladder.bid_levels, -gate.position_lots)
    ladder.ask_levels = _pass_side(gate.ask, ladder.asks, ladder.ask_levels, gate.position_lots)


@kernel
def _pass_side(side: Rec, levels: Rec, count: int, reduces_lots: int) -> int:
    """Cut one side in place; return how many levels remain. Kept levels close ranks."""
    room = side.room_lots
    reducing = min(room, max(0, reduces_lots - side.other_lots))
    if side.reduce_only == 1:
        reducing = room
    kept = 0
    for i in range(max(0, min(count, LEVELS_MAX))):
        wanted = levels[i].size_lots
        size = _cut_level(side, levels[i], min(room, max(0, wanted)), reducing)
        side.cut_lots += max(0, wanted - size)
        if size <= 0:
            continue
        room -= size
        reducing = max(0, reducing - size)
        _move_level(levels, i, kept)
        levels[kept].size_lots = size
        levels[kept].reduce_only = max(levels[kept].reduce_only, side.reduce_only)
        kept += 1
    if side.cut_lots > 0 and side.reason == Cut.NONE:
        side.reason = Cut.ROOM
    return kept


@kernel
def _cut_level(side: Rec, level: Rec, size_lots: int, reducing_lots: int) -> int:
    """Return the size a level keeps: its reducing part whole, its adding part times fraction."""
    if not (0.0 < level.raw_ticks < inf) or size_lots <= 0:
        if size_lots > 0 and side.reason == Cut.NONE:
            side.reason = Cut.BAD_LEVEL
        return 0
    adding = max(0, size_lots - reducing_lots)
    if adding == 0 or side.fraction >= 1.0:
        return size_lots
    kept = int(floor(adding * side.fraction)) if side.fraction > 0.0 else 0
    if side.reason == Cut.NONE:
        side.reason = Cut.SIZE_FRACTION
    return size_lots - adding + kept


@kernel
def _move_level(levels: Rec, source: int, target: int) -> None:
    if source == target:
        return
    levels[target].raw_ticks = levels[source].raw_ticks
    levels[target].price_ticks = levels[source].price_ticks
    levels[target].reduce_only = levels[source].reduce_only
    for i in range(levels[source].terms_bps.size):
        levels[target].terms_bps[i] = levels[source].terms_bps[i]
