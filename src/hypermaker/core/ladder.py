"""LADDER: what we would like to rest on the book, and why at exactly that price.

A level's price is the sum of its terms, for a bid `fair - sum`, for an ask `fair + sum` (bps of
the fair price); the last term is what rounding to the venue's grid added. So every order can say
why it stands where it stands, to 1e-9 bps.
"""

from enum import IntEnum
from typing import Any

from hypermaker.core.kernel import record
from hypermaker.core.market import PREMIUMS

LEVELS_MAX = 16


class Term(IntEnum):
    """What a level's distance from the fair price is made of, in bps, in this order.

    The premium's own terms follow PREMIUM in the order of `core.market.Premium`.
    """

    HALF_SPREAD = 0
    INVENTORY = 1
    FEE = 2
    ADVERSE = 3
    FLOOR = 4
    ROUNDING = 5
    PREMIUM = 6


TERMS = Term.PREMIUM + PREMIUMS

LEVEL = record(
    ("raw_ticks", "f8"),  # wanted price before the grid
    ("price_ticks", "i8"),  # price on the grid, 0 until quantised
    ("size_lots", "i8"),
    ("reduce_only", "i8"),  # 1: may only shrink the position
    ("terms_bps", "f8", (TERMS,)),
)

LADDER = record(
    ("bid_levels", "i8"),  # how many of `bids` count, best first
    ("ask_levels", "i8"),
    ("bids", LEVEL, (LEVELS_MAX,)),
    ("asks", LEVEL, (LEVELS_MAX,)),
)

Ladder = Any
"""One element of a LADDER array: a record with the fields above."""
