"""The order table: every order that may still fill, and what each piece of evidence does to it.

    SENT -> OPEN -> CANCELLING -> SETTLING -> (gone), and UNKNOWN from SENT.

Facts are kept (what we asked, what the venue said, what filled); the rest is derived:
may still fill = (final size if the venue has said it, else original) - filled. That counts as
exposure in every state until the slot is free. Nothing but evidence ends an order: a count of
misses is no evidence, absence from a list is a question, and a time-out is UNKNOWN until a `noop`
on the same nonce (BURN) turns "don't know" into "cannot happen".

The table below is the life cycle, as data: for each evidence and state, the next state and the
question to ask. A pair that is not listed changes nothing. Source: reliability notes, "The order
table, and how unknown ends"; faults F15-F24, F30, F38-F40.
"""

from enum import IntEnum
from typing import Any

import numpy as np

from hypermaker.core.actions import ACTIONS_MAX, Actions, Ask
from hypermaker.core.events import Kind
from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S


class Life(IntEnum):
    """Where an order is in its life; FREE is an empty slot."""

    FREE = 0
    SENT = 1
    OPEN = 2
    CANCELLING = 3
    SETTLING = 4
    UNKNOWN = 5


SLOTS = 64
NOT_SAID = -1
ASK_AGAIN_NS = 5 * NS_PER_S
BURN_AGAIN_NS = 2 * NS_PER_S
REPLY_DEADLINE_NS = 10 * NS_PER_S

F, S, O, C, T, U = Life  # noqa: E741 - the columns of the table below
LIFE_CYCLE: dict[Kind, dict[Life, tuple[Life, Ask]]] = {
    Kind.ORDER_RESTED: {S: (O, Ask.NONE), U: (O, Ask.NONE)},
    Kind.ORDER_REFUSED: {S: (F, Ask.NONE), U: (F, Ask.NONE), O: (O, Ask.ASK), C: (C, Ask.ASK)},
    Kind.ORDER_ENDED: {
        S: (T, Ask.NONE),
        O: (T, Ask.NONE),
        C: (T, Ask.NONE),
        T: (T, Ask.NONE),
        U: (T, Ask.NONE),
    },
    Kind.CANCEL_ACCEPTED: {O: (T, Ask.NONE), C: (T, Ask.NONE)},
    Kind.CANCEL_REFUSED: {O: (O, Ask.ASK), C: (C, Ask.ASK)},
    Kind.OUTCOME_UNKNOWN: {S: (U, Ask.BURN), C: (O, Ask.NONE)},
    Kind.ORDER_ABSENT: {O: (O, Ask.ASK), C: (C, Ask.ASK)},
    Kind.BURNT: {U: (F, Ask.NONE), O: (O, Ask.ASK), C: (C, Ask.ASK)},
    Kind.BURN_REFUSED: {U: (U, Ask.ASK)},
    Kind.ORDER_NOT_FOUND: {
        O: (T, Ask.ASK_FILLS),
        C: (T, Ask.ASK_FILLS),
        T: (T, Ask.ASK_FILLS),
        U: (U, Ask.NONE),
    },
    Kind.FILLS_TOLD: {T: (F, Ask.NONE)},
}


def _as_arrays() -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Return LIFE_CYCLE as (next state, question) arrays of shape (kinds, states)."""
    after = np.tile(np.arange(len(Life), dtype=np.int64), (len(Kind), 1))
    question = np.zeros_like(after)
    for kind, row in LIFE_CYCLE.items():
        for state, (life, ask) in row.items():
            after[kind, state], question[kind, state] = life, ask
    return after, question


_AFTER, _QUESTION = _as_arrays()

ORDER = record(
    ("order_seq", "i8"),
    ("oid", "i8"),
    ("price_ticks", "i8"),
    ("original_lots", "i8"),
    ("filled_lots", "i8"),
    ("final_lots", "i8"),  # what will have filled in the end, NOT_SAID until the venue says
    ("sent_ns", "i8"),
    ("changed_ns", "i8"),  # when the state last changed
    ("asked_ns", "i8"),  # when a question about it was last sent, 0: none is open
    ("burns_answered", "i8"),
    ("placed_mid2", "i8"),  # bid + ask when it was placed, for markouts
    ("life", "u1"),
    ("side", "i1"),
    ("reduce_only", "u1"),
    ("level", "u1"),
)
TABLE = record(
    ("next_seq", "i8"),
    ("placed", "i8"),
    ("cancels_asked", "i8"),
    ("refused", "i8"),
    ("unknown_outcomes", "i8"),
    ("contradictions", "i8"),  # evidence that cannot be true together; an alarm, never ignored
    ("strangers", "i8"),  # open orders of the account that the table did not know
    ("overflows", "i8"),  # actions that did not fit the output buffer
    ("slots", ORDER, (SLOTS,)),
)
Rec = Any


@kernel
def reset(table: Rec, first_seq: int) -> None:
    """Empty the table; `first_seq` >= 1 is the next order's number and is never used twice."""
    table.next_seq = first_seq
    for i in range(SLOTS):
        table.slots[i].life = F


@kernel
def may_fill_lots(order: Rec) -> int:
    """Return how much of an order may still fill, in lots, >= 0."""
    end = order.original_lots if order.final_lots == NOT_SAID else order.final_lots
    return int(max(0, end - order.filled_lots))


@kernel
def exposure_lots(table: Rec, side: int) -> int:
    """Return what may still fill on one side, over every order in every state."""
    total = 0
    for i in range(SLOTS):
        order = table.slots[i]
        if order.life != F and order.side == side:
            total += may_fill_lots(order)
    return total


@kernel
def resting_lots(table: Rec, side: int) -> int:
    """Return what may still fill on one side of orders the venue has said it holds."""
    total = 0
    for i in range(SLOTS):
        order = table.slots[i]
        if order.side == side and (order.life == O or order.life == C):
            total += may_fill_lots(order)
    return total


@kernel
def dying_lots(table: Rec, side: int) -> int:
    """Return what may still fill on one side of orders that no wanted level can count on."""
    total = 0
    for i in range(SLOTS):
        order = table.slots[i]
        if order.side == side and (order.life == C or order.life == T or order.life == U):
            total += may_fill_lots(order)
    return total


@kernel
def find(table: Rec, order_seq: int) -> int:
    """Return the slot of an order, -1 when the table has no such order."""
    if order_seq > 0:
        for i in range(SLOTS):
            if table.slots[i].life != F and table.slots[i].order_seq == order_seq:
                return i
    return -1


@kernel
def find_oid(table: Rec, oid: int) -> int:
    """Return the slot of the order with this exchange id, -1 when there is none."""
    for i in range(SLOTS):
        if table.slots[i].life != F and table.slots[i].oid == oid:
            return i
    return -1


@kernel
def free_slot(table: Rec) -> int:
    """Return an empty slot, -1 when the table is full."""
    for i in range(SLOTS):
        if table.slots[i].life == F:
            return i
    return -1


@kernel
def emit(table: Rec, actions: Actions, n: int, now_ns: int) -> int:
    """Clear the action at `n` and stamp its cause; return n, or the last row when full."""
    if n >= ACTIONS_MAX:
        table.overflows += 1
        n = ACTIONS_MAX - 1
    action = actions[n]
    action.side, action.marks, action.level = 0, 0, 0
    action.reason, action.order_seq, action.oid = 0, 0, 0
    action.price_ticks, action.size_lots = 0, 0
    action.cause_ns = now_ns
    return n


@kernel
def ask(table: Rec, order: Rec, what: int, actions: Actions, n: int) -> int:
    """Write one question (or burn) about an order; return the new count of actions."""
    n = emit(table, actions, n, order.changed_ns)
    actions[n].kind, actions[n].order_seq, actions[n].oid = what, order.order_seq, order.oid
    return n + 1


@kernel
def _settle(order: Rec) -> None:
    """Free the slot once everything that will ever fill has filled."""
    if order.filled_lots >= order.original_lots:
        order.final_lots = order.original_lots
    if order.final_lots != NOT_SAID and order.filled_lots >= order.final_lots:
        order.life = F


@kernel
def _say_final(order: Rec, kind: int, remaining_lots: int) -> None:
    """Record the final size when this evidence says it."""
    if kind == Kind.ORDER_ENDED:
        order.final_lots = max(order.filled_lots, order.original_lots - remaining_lots)
    elif kind == Kind.ORDER_REFUSED or kind == Kind.BURNT:
        order.final_lots = order.filled_lots
    elif kind == Kind.FILLS_TOLD and order.life == T:
        order.final_lots = order.filled_lots


@kernel
def _answers_unknown(order: Rec, kind: int) -> bool:
    """Return whether `unknownOid` now proves that an unknown order never ran.

    Only after a burn was answered: then the nonce is spent, by the order or by a burn.
    """
    if kind == Kind.BURN_REFUSED:
        order.burns_answered += 1
    return bool(kind == Kind.ORDER_NOT_FOUND and order.life == U and order.burns_answered > 0)


@kernel
def hear(table: Rec, event: Rec, actions: Actions, n: int) -> int:
    """Apply one piece of evidence about one order; return the new count of actions.

    actions   output, shape (ACTIONS_MAX,); the question the evidence raises is appended at n
    """
    i = find(table, event.order_seq)
    if i < 0:
        return n
    order = table.slots[i]
    kind, before, now_ns = event.kind, order.life, event.received_ns
    if event.oid > 0 and (kind == Kind.ORDER_RESTED or kind == Kind.ORDER_ENDED):
        order.oid = event.oid
    never_ran = _answers_unknown(order, kind)
    _say_final(order, kind, event.remaining_lots)
    _count(table, kind, before)
    order.life = F if never_ran else _AFTER[kind, before]
    if kind == Kind.ORDER_RESTED and before == C and order.asked_ns > 0:
        order.life = O  # we asked after a refused cancel, and it is still there
    if kind == Kind.ORDER_RESTED or kind == Kind.ORDER_ENDED:
        order.asked_ns = 0
    if order.life != before:
        order.changed_ns = now_ns
    if order.life == T:
        _settle(order)
    question = _QUESTION[kind, before]
    if question == Ask.NONE or order.life == F:
        return n
    order.asked_ns = now_ns
    return ask(table, order, question, actions, n)


@kernel
def _count(table: Rec, kind: int, before: int) -> None:
    """Keep the counters that reports and alarms read."""
    if kind == Kind.ORDER_REFUSED:
        table.refused += 1
    if kind == Kind.OUTCOME_UNKNOWN:
        table.unknown_outcomes += 1
    if (kind == Kind.BURNT or kind == Kind.ORDER_REFUSED) and (before == O or before == C):
        table.contradictions += 1


@kernel
def fill(table: Rec, order_seq: int, size_lots: int, now_ns: int) -> bool:
    """Add a fill (already known to be new) to its order; return whether it fits what we know."""
    i = find(table, order_seq)
    if i < 0:
        return False
    order = table.slots[i]
    fits = may_fill_lots(order) >= size_lots
    order.filled_lots += size_lots
    if order.life == S or order.life == U:
        order.life, order.changed_ns = O, now_ns
    _settle(order)
    if not fits:
        table.contradictions += 1
    return fits


@kernel
def tend(table: Rec, now_ns: int, actions: Actions, n: int) -> int:
    """Ask again about every order that waits for an answer; call on every timer."""
    for i in range(SLOTS):
        order = table.slots[i]
        waited_ns = now_ns - max(order.asked_ns, order.changed_ns)
        if order.life == S and now_ns - order.sent_ns > REPLY_DEADLINE_NS:
            order.life, order.changed_ns, order.asked_ns = U, now_ns, now_ns
            table.unknown_outcomes += 1
            n = ask(table, order, Ask.BURN, actions, n)
        elif order.life == U and waited_ns > BURN_AGAIN_NS:
            order.asked_ns = now_ns
            what = Ask.ASK if order.burns_answered > 0 else Ask.BURN
            n = ask(table, order, what, actions, n)
        elif (order.life == C or order.life == T) and waited_ns > ASK_AGAIN_NS:
            order.asked_ns = now_ns
            told = order.life == T and order.final_lots != NOT_SAID
            n = ask(table, order, Ask.ASK_FILLS if told else Ask.ASK, actions, n)
    return n


@kernel
def is_quiet(table: Rec) -> bool:
    """Return whether no order is alive, in flight or unknown."""
    alive = 0
    for i in range(SLOTS):
        alive += table.slots[i].life != F
    return alive == 0
