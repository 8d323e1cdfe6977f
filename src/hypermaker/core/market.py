"""MARKET: what the models believe now, in the units of the quoter; all a quoting rule may read.

The engine writes it from the estimators, the position and the limits; a quoting rule (ours or a
user's) turns it into a `core.ladder.LADDER`. Depths and spreads are in bps of the fair price.
"""

from enum import IntEnum
from typing import Any

from hypermaker.core.kernel import record


class Premium(IntEnum):
    """The terms of the one additive premium, each in bps with a cap of its own."""

    VOLATILITY = 0
    UNCERTAINTY = 1
    STALENESS = 2
    CASCADE = 3
    TOXICITY = 4
    BUDGET = 5
    RISK = 6


PREMIUMS = len(Premium)

MARKET = record(
    ("fair_ticks", "f8"),  # reference price S, bounded to the touch
    ("bid_ticks", "i8"),  # best bid on the venue, 0 when that side is empty
    ("ask_ticks", "i8"),
    ("price_decimals", "i8"),  # of the asset: 10^price_decimals ticks are one USD
    ("lot_usd", "f8"),  # value of one size lot at the fair price
    ("sigma_bps", "f8"),  # volatility, bps per sqrt(second)
    ("a_bid_per_s", "f8"),  # rate of sells that reach depth 0 of our bid side (A of the bid)
    ("a_ask_per_s", "f8"),
    ("kappa_per_bps", "f8"),  # decay of fill intensity with depth
    ("volume_lots", "f8"),  # mean volume of one market order (GLFT's Delta in closed form)
    ("epsilon_bid_bps", "f8"),  # expected adverse move when our bid is hit at depth 0, >= 0
    ("epsilon_ask_bps", "f8"),
    ("fee_bps", "f8"),  # maker fee, negative is a rebate
    ("drift_bps_per_s", "f8"),  # expected drift of the fair price, funding included
    ("gamma", "f8"),  # risk aversion, 1/(bps * quote size): gamma*D of the formulas
    ("quote_lots", "f8"),  # D, the size of one quote
    ("position_lots", "i8"),
    ("long_lots_max", "i8"),  # Q_b: the effective limits, >= 0, never above the user's
    ("short_lots_max", "i8"),  # Q_a
    ("bid_lots_max", "i8"),  # what the bid ladder may hold now (T-32 less what else is open)
    ("ask_lots_max", "i8"),
    ("premium_bid_bps", "f8", (PREMIUMS,)),
    ("premium_ask_bps", "f8", (PREMIUMS,)),
    ("levels_max", "i8"),  # wanted levels a side
    ("span_bps", "f8"),  # how far behind the first level the last may stand
    ("half_spread_bps_min", "f8"),  # floor asked by the user, beside fee + adverse selection
    ("now_ns", "i8"),  # received_ns of the event being decided on
    ("epsilon_decay_bps", "f8"),  # depth over which epsilon falls by e, 0: the same everywhere
    ("skew_bps_min", "f8"),  # least shift of both quotes at half the position limit
)

Market = Any
"""One element of a MARKET array: a record with the fields above."""
