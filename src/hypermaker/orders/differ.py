"""The differ: from the ladder we want and the orders we have to the fewest requests.

A resting order whose price is within the dead-band of a wanted level, and whose size is near
enough, stays: its queue position is worth more than the last tenth of a basis point. The
dead-band of the first level is about 0.2/kappa: being d off costs Lambda*kappa*d^2/2 of value a
second, 1.8 % of the quote's at that distance (quant-models 6.6). Outer levels fill less often, so
for the same cost their band grows with exp(kappa*depth/2).
What is left over is cancelled, what is missing is placed. A new order is placed only while
position + everything that may still fill + the new order is inside the limit (I1, T-34), so a
level whose place is still taken by a dying order waits for the evidence of its death.

A replacement is cancel + place, never modify: see docs/design.md (F31).
"""

from math import exp
from typing import Any

from hypermaker.core.actions import Actions, Ask, Mark
from hypermaker.core.kernel import kernel, record
from hypermaker.core.ladder import LEVELS_MAX
from hypermaker.core.units import BPS, NOTIONAL_MIN_USD, NS_PER_MS, USD_MICRO
from hypermaker.orders import table as orders
from hypermaker.orders.table import SLOTS, Life

DEAD_BAND_KAPPA = 0.2
SIZE_TOLERANCE = 0.25  # share of the wanted size; a smaller difference is not worth the queue
YOUNG_NS = 400 * NS_PER_MS  # a younger order is moved only when it is too aggressive
REFUSAL_PAUSE_NS = 500 * NS_PER_MS

DIFFER = record(
    ("refused_ns", "i8", (2,)),  # last refusal per side (0 bid, 1 ask): no storm of retries
    ("kept", "i8"),
    ("band_ticks", "f8", (LEVELS_MAX,)),  # scratch: the dead-band of each wanted level
    ("taken", "u1", (LEVELS_MAX,)),  # scratch: which wanted levels already have an order
)
SIDE = record(  # one side's wish, allowance and dead-band
    ("side", "i8"),
    ("levels", "i8"),
    ("allowance_lots", "i8"),  # all that may fill on this side, this order included
    ("band_ticks", "f8"),  # of the first level
    ("kappa_per_tick", "f8"),
    ("mid2_ticks", "i8"),  # bid + ask now, remembered with each new order
    ("now_ns", "i8"),
)
Rec = Any


@kernel
def side_index(side: int) -> int:
    """Return 0 for the bid side (+1) and 1 for the ask side (-1)."""
    return 0 if side > 0 else 1


@kernel
def dead_band_ticks(fair_ticks: float, kappa_per_bps: float) -> float:
    """Return how far an order may stand from its level before it is worth moving."""
    return DEAD_BAND_KAPPA / kappa_per_bps * fair_ticks / BPS


@kernel
def _best_level(differ: Rec, side: Rec, levels: Rec, order: Rec) -> int:
    """Return the nearest untaken level this order can serve, -1 when there is none.

    Inside the band it may stand a little behind its level for nothing; a young order that is
    merely too far back is also left alone, one that is too aggressive never is.
    """
    best, best_gap = -1, 0.0
    for i in range(side.levels):
        level = levels[i]
        if differ.taken[i] == 1 or level.reduce_only != order.reduce_only:
            continue
        gap = abs(order.price_ticks - level.price_ticks)
        aggressive = side.side * (order.price_ticks - level.price_ticks) > 0
        young = side.now_ns - order.sent_ns < YOUNG_NS and not aggressive
        if gap > differ.band_ticks[i] and not young:
            continue
        if best < 0 or gap < best_gap:
            best, best_gap = i, gap
    return best


@kernel
def _size_fits(order: Rec, size_lots: int) -> bool:
    left = orders.may_fill_lots(order)
    if left > size_lots:
        return bool(left - size_lots <= SIZE_TOLERANCE * size_lots)
    return bool(2 * left >= size_lots)


@kernel
def _keep_or_cancel(table: Rec, differ: Rec, side: Rec, levels: Rec, out: Actions, n: int) -> int:
    """Match live orders to levels; cancel the rest. Marks the levels that are served."""
    for i in range(side.levels):
        behind = abs(levels[i].price_ticks - levels[0].price_ticks)
        differ.band_ticks[i] = side.band_ticks * exp(0.5 * side.kappa_per_tick * behind)
        differ.taken[i] = 0
    for i in range(SLOTS):
        order = table.slots[i]
        alive = order.life == Life.OPEN or order.life == Life.SENT
        if not alive or order.side != side.side:
            continue
        best = _best_level(differ, side, levels, order)
        if best >= 0 and _size_fits(order, levels[best].size_lots):
            differ.taken[best] = 1
            differ.kept += 1
        elif order.life == Life.OPEN:
            n = cancel(table, order, side.now_ns, out, n)
    return n


@kernel
def cancel(table: Rec, order: Rec, now_ns: int, out: Actions, n: int) -> int:
    """Ask for one order's cancellation; it counts as exposure until there is evidence."""
    order.life, order.changed_ns, order.asked_ns = Life.CANCELLING, now_ns, 0
    table.cancels_asked += 1
    return orders.ask(table, order, Ask.CANCEL, out, n)


@kernel
def _place(table: Rec, side: Rec, level: Rec, out: Actions, n: int) -> int:
    """Register an order in the table, then ask for it; nothing is sent that is not registered."""
    slot = orders.free_slot(table)
    if slot < 0:
        return n
    order = table.slots[slot]
    order.order_seq, order.oid = table.next_seq, 0
    order.price_ticks, order.original_lots = level.price_ticks, level.size_lots
    order.filled_lots, order.final_lots = 0, orders.NOT_SAID
    order.sent_ns, order.changed_ns, order.asked_ns = side.now_ns, side.now_ns, 0
    order.burns_answered, order.placed_mid2 = 0, side.mid2_ticks
    order.life, order.side = Life.SENT, side.side
    order.reduce_only = level.reduce_only
    table.next_seq += 1
    table.placed += 1
    n = orders.emit(table, out, n, side.now_ns)
    action = out[n]
    action.kind, action.side = Ask.PLACE, side.side
    action.marks = Mark.REDUCE_ONLY * level.reduce_only
    action.order_seq = order.order_seq
    action.price_ticks, action.size_lots = level.price_ticks, level.size_lots
    return n + 1


@kernel
def _place_missing(table: Rec, differ: Rec, side: Rec, levels: Rec, out: Actions, n: int) -> int:
    """Place what no live order serves, best level first, while the allowance lasts."""
    room = side.allowance_lots - orders.exposure_lots(table, side.side)
    for i in range(side.levels):
        level = levels[i]
        if differ.taken[i] == 1 or level.size_lots <= 0 or level.size_lots > room:
            continue
        if level.price_ticks * level.size_lots < NOTIONAL_MIN_USD * USD_MICRO:
            continue
        before = n
        n = _place(table, side, level, out, n)
        if n > before:
            room -= level.size_lots
    return n


@kernel
def diff_side(table: Rec, differ: Rec, side: Rec, levels: Rec, out: Actions, n: int) -> int:
    """Turn one side's wanted levels into actions; return the new count of actions.

    side     SIDE record: allowance_lots counts everything that may still fill on this side
    levels   LEVEL records, best first, `side.levels` of them count
    """
    n = _keep_or_cancel(table, differ, side, levels, out, n)
    paused = side.now_ns - differ.refused_ns[side_index(side.side)] < REFUSAL_PAUSE_NS
    if side.levels > 0 and not paused:
        n = _place_missing(table, differ, side, levels, out, n)
    return n


@kernel
def cancel_oid(table: Rec, oid: int, now_ns: int, out: Actions, n: int) -> int:
    """Ask for the cancellation of an order the table does not hold."""
    n = orders.emit(table, out, n, now_ns)
    out[n].kind, out[n].oid = Ask.CANCEL_OID, oid
    return n + 1


@kernel
def cancel_all(table: Rec, now_ns: int, out: Actions, n: int) -> int:
    """Ask for the cancellation of every order that is known to rest."""
    for i in range(SLOTS):
        order = table.slots[i]
        if order.life == Life.OPEN:
            n = cancel(table, order, now_ns, out, n)
    return n
