"""Step 2, settle: what the venue said of our orders; fills move the position, each once."""

from typing import Any

from hypermaker.core.actions import Actions
from hypermaker.core.events import Flag, Kind
from hypermaker.core.kernel import kernel
from hypermaker.core.units import NS_PER_S
from hypermaker.orders import differ, fills, ledger
from hypermaker.orders import table as orders
from hypermaker.risk import kill_switch
from hypermaker.steps.learn import learn_fill, learn_forced

Rec = Any
MISMATCH_GRACE_NS = 15 * NS_PER_S
"""Longer than the latch waits: a position nobody can explain stops us before it is believed."""


@kernel
def settle(state: Rec, event: Rec, actions: Actions) -> int:
    """Apply what the venue said of our orders and our position; return the count of actions."""
    kind = event.kind
    if kind == Kind.FILL:
        _book_fill(state, event)
    elif kind == Kind.POSITION:
        _check_position(state, event)
    elif kind == Kind.FUNDING:
        ledger.book_funding(state.ledger, event.payment_usd_micro)
    elif kind == Kind.ORDER_FOREIGN:
        return _cancel_stranger(state, event, actions)
    elif kind == Kind.TIMER:
        return orders.tend(state.table, state.now_ns, actions, 0)
    elif kind >= Kind.ORDER_RESTED:
        if kind == Kind.ORDER_REFUSED:
            _note_refusal(state, event)
        return orders.hear(state.table, event, actions, 0)
    return 0


@kernel
def _book_fill(state: Rec, event: Rec) -> None:
    """Only here and in snapshots does the position move."""
    if event.marks & Flag.SNAPSHOT and state.started == 0:
        return
    if not fills.is_unseen(state.fills, event.venue_ns, event.tid):
        return
    learn_fill(state, event)
    if event.marks & Flag.LIQUIDATION:
        learn_forced(state, event)
    fills.move(state.fills, event.side, event.price_ticks, event.size_lots)
    ledger.book_fill(state.ledger, event)
    if not orders.fill(state.table, event.order_seq, event.size_lots, state.now_ns):
        state.fills.unknown_orders += 1


@kernel
def _check_position(state: Rec, event: Rec) -> None:
    """Take over the first snapshot; later ones must agree, or be older than our fills (F44)."""
    if state.started == 0:
        state.started = 1
        fills.adopt(state.fills, event.position_lots, event.venue_ns)
        ledger.inherit(state.ledger, event.position_lots)
        kill_switch.on_inherited(state.kill_switch, event.position_lots)
        return
    counters = state.counters
    agrees = event.position_lots == state.fills.position_lots
    if agrees or event.venue_ns <= state.fills.newest_venue_ns:
        counters.mismatch_since_ns = 0
        return
    counters.position_mismatches += 1
    if counters.mismatch_since_ns == 0:
        counters.mismatch_since_ns = state.now_ns
    elif state.now_ns - counters.mismatch_since_ns > MISMATCH_GRACE_NS:
        fills.adopt(state.fills, event.position_lots, event.venue_ns)
        ledger.adopt(state.ledger, event.position_lots)
        counters.mismatch_since_ns = 0


@kernel
def _cancel_stranger(state: Rec, event: Rec, actions: Actions) -> int:
    """An order of our account that we do not know is cancelled, whoever placed it (I2)."""
    if orders.find_oid(state.table, event.oid) >= 0:
        return 0
    state.table.strangers += 1
    return differ.cancel_oid(state.table, event.oid, state.now_ns, actions, 0)


@kernel
def _note_refusal(state: Rec, event: Rec) -> None:
    """A refusal pauses new orders on its side for a moment: no storm of retries (F25, F36)."""
    i = orders.find(state.table, event.order_seq)
    if i >= 0:
        side = differ.side_index(state.table.slots[i].side)
        state.differ.refused_ns[side] = state.now_ns
