"""ACTION: everything the engine can ask for, as one 64-byte record.

kind          fields that carry meaning
PLACE         order_seq side price_ticks size_lots marks(REDUCE_ONLY) level
CANCEL        order_seq (oid too once known)
CANCEL_OID    oid: an order of our account that the table does not know
BURN          order_seq: spend the nonce that carried this order with a `noop`
ASK           order_seq: ask the venue for this order's status
ASK_FILLS     order_seq: its end is known, but not all of its fills
KILLED        reason: the latch has fired; the shell ends the session as the policy says

`order_seq` counts up from 1 for the life of a session and never repeats; with the session's run
id it makes the client order id. `cause_ns` is the received_ns of the event that caused the action.
"""

from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import record


class Ask(IntEnum):
    """What an action asks the venue (or the shell) to do."""

    NONE = 0
    PLACE = 1
    CANCEL = 2
    CANCEL_OID = 3
    BURN = 4
    ASK = 5
    ASK_FILLS = 6
    KILLED = 7


class Mark(IntEnum):
    """Bits of an action's `marks` (an IntEnum, because kernels know no IntFlag)."""

    NONE = 0
    REDUCE_ONLY = 1


ACTION = record(
    ("kind", "u1"),
    ("side", "i1"),
    ("marks", "u1"),
    ("level", "u1"),
    ("reason", "u2"),
    ("spare", "u2"),
    ("order_seq", "i8"),
    ("oid", "i8"),
    ("price_ticks", "i8"),
    ("size_lots", "i8"),
    ("cause_ns", "i8"),
    ("reserved", "i8", (2,)),
)
ACTIONS_MAX = 256
Actions = npt.NDArray[Any]


def empty_actions() -> Actions:
    """Return the output buffer of the engine: shape (ACTIONS_MAX,), reused for every event."""
    return np.zeros(ACTIONS_MAX, ACTION)
