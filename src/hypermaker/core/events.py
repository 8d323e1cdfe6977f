"""EVENT: everything the engine can learn, as one 64-byte record.

The record is a union: which fields have a meaning depends on `kind`, and fields that share bytes
have the names their kind gives them. All times are integer nanoseconds since the epoch; the engine
knows no other clock.

kind              fields that carry meaning (besides venue_ns, received_ns, source)
BBO               bid_ticks bid_lots ask_ticks ask_lots          lots 0: that side is empty
DEPTH             the same at `level` 0.. ; marks LAST on the frame's last level
TRADE             side (of the aggressor) price_ticks size_lots tid    marks BACKFILL: old news
CONTEXT           mark_ticks oracle_ticks open_interest_lots funding_e10 (per hour)
TIMER             nothing but received_ns
LIMITS            buy_lots_max sell_lots_max: what the venue would let us trade now
ACCOUNT           equity_usd_micro, margin_usd_micro (free for new orders), maintenance_usd_micro
FEES              maker_e10 taker_e10: rates, negative is a rebate
BUDGET            requests_left requests_cap: the address budget
POSITION          position_lots (signed) entry_ticks: a snapshot of the exchange
FUNDING           payment_usd_micro: what the venue credited, negative when we paid
ORDER_RESTED      order_seq oid
ORDER_REFUSED     order_seq reason: it never was and never will be on the book
ORDER_ENDED       order_seq oid remaining_lots reason: terminal status with what was left
CANCEL_ACCEPTED   order_seq
CANCEL_REFUSED    order_seq: filled, gone or never there: a question, not an answer
OUTCOME_UNKNOWN   order_seq: time-out, 5xx, 429, lost socket or unreadable reply
BURNT             order_seq: noop took the order's nonce: it cannot happen any more
BURN_REFUSED      order_seq: the nonce was spent, by the order or by an earlier burn
ORDER_NOT_FOUND   order_seq: the venue answered `unknownOid`
ORDER_ABSENT      order_seq: missing from a list of open orders: a question
ORDER_FOREIGN     oid: an open order of ours that the table does not know
FILL              order_seq (0: not ours to know) side price_ticks size_lots tid fee_usd_micro
                  marks TAKER, LIQUIDATION; tid with venue_ns is the key
FILLS_TOLD        order_seq: the venue has listed all fills of this order up to received_ns
LINK              marks UP or DOWN of `source`; DOWN: what that source said ages from here
CONTROL           reason: pause, resume, kill by the operator
TRANSFER          payment_usd_micro: came in, negative went out; neither a gain nor a loss
"""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt


class Kind(IntEnum):
    """What an event says."""

    NONE = 0
    BBO = 1
    DEPTH = 2
    TRADE = 3
    CONTEXT = 4
    TIMER = 5
    LIMITS = 6
    ACCOUNT = 7
    FEES = 8
    BUDGET = 9
    POSITION = 10
    FUNDING = 11
    ORDER_RESTED = 12
    ORDER_REFUSED = 13
    ORDER_ENDED = 14
    CANCEL_ACCEPTED = 15
    CANCEL_REFUSED = 16
    OUTCOME_UNKNOWN = 17
    BURNT = 18
    BURN_REFUSED = 19
    ORDER_NOT_FOUND = 20
    ORDER_ABSENT = 21
    ORDER_FOREIGN = 22
    FILL = 23
    LINK = 24
    CONTROL = 25
    FILLS_TOLD = 26
    TRANSFER = 27


class Source(IntEnum):
    """Which feed an event came from; every feed ages on its own."""

    NONE = 0
    BBO = 1
    BOOK_FAST = 2
    BOOK_SLOW = 3
    TRADES = 4
    CONTEXT = 5
    USER = 6
    REPLY = 7
    QUERY = 8
    LOCAL = 9


class Flag(IntEnum):
    """Bits of an event's `marks`: an IntEnum, as kernels know no IntFlag, numpy owns `flags`."""

    NONE = 0
    LAST = 1
    BACKFILL = 2
    TAKER = 4
    LIQUIDATION = 8
    UP = 16
    DOWN = 32
    SNAPSHOT = 64


class Reason(IntEnum):
    """Why an order or an action ended; the venue's words are mapped in `hyperliquid/rejects.py`."""

    NONE = 0
    OTHER = 1
    FILLED = 2
    CANCELED = 3
    SCHEDULED_CANCEL = 4
    MARGIN = 5
    SELF_TRADE = 6
    REDUCE_ONLY = 7
    LIQUIDATED = 8
    DELISTED = 9
    OPEN_INTEREST = 10
    TICK = 11
    NOTIONAL_MIN = 12
    POST_ONLY_CROSS = 13
    IOC_NO_MATCH = 14
    TRIGGER_PRICE = 15
    NO_LIQUIDITY = 16
    BALANCE = 17
    ORACLE_DISTANCE = 18
    POSITION_MAX = 19
    TOO_MANY_ORDERS = 20
    INVALID = 21
    POST_ONLY_PERIOD = 22
    EXPIRED = 23
    NONCE = 24
    RATE = 25
    SIGNER = 26
    ACCOUNT = 27
    OPERATOR_PAUSE = 28
    OPERATOR_RESUME = 29
    OPERATOR_KILL = 30


_HEAD = (
    ("kind", "u1", 0),
    ("source", "u1", 1),
    ("side", "i1", 2),
    ("marks", "u1", 3),
    ("level", "u2", 4),
    ("reason", "u2", 6),
    ("venue_ns", "i8", 8),
    ("received_ns", "i8", 16),
)
_UNION = (
    (24, ("price_ticks", "bid_ticks", "mark_ticks", "entry_ticks", "maintenance_usd_micro")),
    (32, ("size_lots", "bid_lots", "buy_lots_max", "open_interest_lots", "position_lots")),
    (32, ("remaining_lots",)),
    (40, ("ask_ticks", "oracle_ticks", "tid", "margin_usd_micro", "maker_e10", "requests_left")),
    (40, ("oid",)),
    (48, ("ask_lots", "sell_lots_max", "fee_usd_micro", "taker_e10", "requests_cap")),
    (48, ("payment_usd_micro", "equity_usd_micro", "funding_e10")),
    (56, ("order_seq",)),
)


def _union_dtype() -> np.dtype[Any]:
    fields = list(_HEAD) + [(name, "i8", at) for at, names in _UNION for name in names]
    return np.dtype(
        (
            np.record,
            np.dtype(
                {
                    "names": [name for name, _, _ in fields],
                    "formats": [form for _, form, _ in fields],
                    "offsets": [at for _, _, at in fields],
                    "itemsize": 64,
                },
                align=True,
            ),
        )
    )


EVENT = _union_dtype()
Events = npt.NDArray[Any]


def event(kind: Kind, received_ns: int, venue_ns: int = 0, **fields: int) -> Events:
    """Return one event as an array of shape (1,), for tests and for the rare paths of the shell.

    Raises ValueError for a field no event has.
    """
    made = np.zeros(1, EVENT)
    made["kind"], made["received_ns"], made["venue_ns"] = kind, received_ns, venue_ns
    for name, value in fields.items():
        made[name] = value
    return made
