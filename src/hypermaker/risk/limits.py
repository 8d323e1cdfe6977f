"""LIMITS: the one effective position limit, never above the user's.

    effective = min(user's cap, user's value cap, dynamic value limit, leverage tier,
                    free margin shared by both sides, what the venue would let us trade)

Computed when a source changes or ages (`refresh`), read when asked. Long and short differ because
margin and the venue's answer depend on the position. A source that is not known yet is closed,
except the venue's answer (see `exchange_limits`) and volatility (its prior rules). Cost: O(1).
"""

from enum import IntEnum
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.risk import exchange_limits, margin
from hypermaker.risk.exchange_limits import EXCHANGE_LIMITS
from hypermaker.risk.margin import MARGIN, whole_lots
from hypermaker.risk.value_limit import value_usd_max


class Bound(IntEnum):
    """Which source gives the effective limit of a side; a tie names the earlier one."""

    USER_LOTS = 0
    USER_VALUE = 1
    DYNAMIC_VALUE = 2
    LEVERAGE_TIER = 3
    EXCHANGE_AVAILABLE = 4
    MARGIN = 5


LIMITS = record(
    ("user_lots", "i8"),  # the user's cap on |position|
    ("user_value_usd", "f8"),  # the user's cap on its value; inf for none
    ("margin", MARGIN),
    ("exchange", EXCHANGE_LIMITS),
    ("sigma", "f8"),  # fraction per sqrt(second)
    ("horizon_s", "f8"),  # how long a position is held: inventory turnover
    ("confidence", "f8"),  # of sigma, 0 no data .. 1
    ("is_over_value", "i8"),  # 1: the position's value is above the user's value cap
    ("long_lots_max", "i8"),
    ("short_lots_max", "i8"),
    ("long_bound", "i8"),
    ("short_bound", "i8"),
)
HORIZON_S = 120.0
Rec = Any


@kernel
def reset(rec: Rec, user_lots: int, user_value_usd: float, leverage: float) -> None:
    """Start from the user's caps: no account, no venue answer, no volatility known.

    Until `on_account` and the first `refresh` nothing may be held.
    """
    rec.user_lots = max(0, user_lots)
    rec.user_value_usd = user_value_usd
    margin.reset(rec.margin, leverage)
    exchange_limits.reset(rec.exchange)
    rec.sigma, rec.horizon_s, rec.confidence = 1.0, HORIZON_S, 0.0
    rec.is_over_value = 0
    rec.long_lots_max, rec.short_lots_max = 0, 0
    rec.long_bound, rec.short_bound = Bound.USER_LOTS, Bound.USER_LOTS


@kernel
def on_account(rec: Rec, equity_usd: float, free_usd: float, position_lots: int) -> None:
    """Take an account event [USD]; NaN closes. Call `refresh` after it."""
    margin.on_account(rec.margin, equity_usd, free_usd, position_lots)


@kernel
def on_volatility(rec: Rec, sigma: float, horizon_s: float, confidence: float) -> None:
    """Take the volatility the dynamic value limit is made of. Call `refresh` after it."""
    rec.sigma, rec.horizon_s, rec.confidence = sigma, horizon_s, confidence


@kernel
def _value_lots(rec: Rec, lot_usd: float) -> tuple[int, int]:
    """Return the limit of the sources that do not know long from short, and its Bound."""
    lots, bound = rec.user_lots, Bound.USER_LOTS
    user_value = whole_lots(rec.user_value_usd, lot_usd)
    if user_value < lots:
        lots, bound = user_value, Bound.USER_VALUE
    dynamic_usd = value_usd_max(
        rec.margin.equity_usd, rec.margin.leverage, rec.sigma, rec.horizon_s, rec.confidence
    )
    dynamic = whole_lots(dynamic_usd, lot_usd)
    if dynamic < lots:
        lots, bound = dynamic, Bound.DYNAMIC_VALUE
    tier = whole_lots(margin.tier_usd_max(rec.margin), lot_usd)
    if tier < lots:
        lots, bound = tier, Bound.LEVERAGE_TIER
    return lots, bound


@kernel
def refresh(rec: Rec, position_lots: int, lot_usd: float, now_ns: int) -> None:
    """Compute the effective limits; on every change of a source or position and on the timer.

    lot_usd   value of one lot at the fair price; NaN or <= 0 closes
    """
    lots, bound = _value_lots(rec, lot_usd)
    longest = exchange_limits.long_lots(rec.exchange, position_lots, lots, now_ns)
    shortest = exchange_limits.short_lots(rec.exchange, position_lots, lots, now_ns)
    rec.long_bound = bound if longest == lots else Bound.EXCHANGE_AVAILABLE
    rec.short_bound = bound if shortest == lots else Bound.EXCHANGE_AVAILABLE
    held_long, held_short = max(0, position_lots), max(0, -position_lots)
    add_bid, add_ask = max(0, longest - held_long), max(0, shortest - held_short)
    budget = margin.adding_lots(rec.margin, position_lots, lot_usd)
    bid = margin.bid_share_lots(budget, add_bid, add_ask)
    ask = min(add_ask, budget - bid)
    rec.long_lots_max, rec.short_lots_max = longest, shortest
    if bid < add_bid:
        rec.long_lots_max, rec.long_bound = held_long + bid, Bound.MARGIN
    if ask < add_ask:
        rec.short_lots_max, rec.short_bound = held_short + ask, Bound.MARGIN
    value_usd = abs(position_lots) * lot_usd
    rec.is_over_value = 0 if value_usd <= rec.user_value_usd else 1


@kernel
def effective_long_lots(rec: Rec) -> int:
    """Return how long the position may be [lots], in [0, the user's cap]."""
    return int(min(rec.long_lots_max, rec.user_lots))


@kernel
def effective_short_lots(rec: Rec) -> int:
    """Return how short the position may be [lots >= 0], in [0, the user's cap]."""
    return int(min(rec.short_lots_max, rec.user_lots))
