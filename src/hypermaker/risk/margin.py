"""What margin and the leverage tier let us hold, shared by both sides of the ladder.

Free margin (account value less the margin of positions) backs every lot that adds to a position,
on the bid and on the ask together: no two orders may spend the same dollar (F-20, T-35). The
chosen leverage is allowed up to the notional at which the asset's tier table demands less (F-25).
Until the first account event, and whenever a number is not finite, the budget is zero.

Source: hyperliquid protocol notes 10.6 and 10.7 (initial margin = notional / leverage, tiers,
maintenance = notional * rate - deduction, liquidation price).
"""

from math import floor, inf, nan
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.risk.exchange_limits import LOTS_MAX

TIERS_MAX = 8
MARGIN_BUFFER = 0.8  # share of the free margin that quotes may use (T-79)

TIER = record(("lower_bound_usd", "f8"), ("leverage_max", "f8"))
MARGIN = record(
    ("leverage", "f8"),  # chosen for this asset
    ("buffer", "f8"),  # share of free margin that may back quotes
    ("tier_count", "i8"),
    ("tiers", TIER, (TIERS_MAX,)),
    ("equity_usd", "f8"),
    ("free_usd", "f8"),  # our share of it, when several engines trade one account
    ("position_lots", "i8"),  # when the account event came
)
Rec = Any


@kernel
def reset(rec: Rec, leverage: float) -> None:
    """Start with no account known (nothing may be added) and one tier without an upper bound."""
    rec.leverage, rec.buffer = leverage, MARGIN_BUFFER
    rec.tier_count = 1
    rec.tiers[0].lower_bound_usd, rec.tiers[0].leverage_max = 0.0, leverage
    rec.equity_usd, rec.free_usd, rec.position_lots = nan, nan, 0


@kernel
def on_account(rec: Rec, equity_usd: float, free_usd: float, position_lots: int) -> None:
    """Take an account event: equity, and margin free for new orders, before holds of orders."""
    rec.equity_usd, rec.free_usd = equity_usd, free_usd
    rec.position_lots = position_lots


@kernel
def whole_lots(value_usd: float, lot_usd: float) -> int:
    """Return how many whole lots a value buys; 0 when any number is NaN or makes no sense.

    A relative 1e-12 is added before rounding down: 0.1 + 0.2 of a lot must not lose a lot.
    """
    if not (0.0 < lot_usd < inf) or not (value_usd > 0.0):
        return 0
    lots = value_usd / lot_usd * (1.0 + 1e-12)
    return LOTS_MAX if lots >= LOTS_MAX else int(floor(lots))


@kernel
def tier_usd_max(rec: Rec) -> float:
    """Return the notional from which the tiers allow less than the chosen leverage."""
    for i in range(min(rec.tier_count, TIERS_MAX)):
        if not (rec.tiers[i].leverage_max >= rec.leverage):
            return float(rec.tiers[i].lower_bound_usd)
    return inf if rec.tier_count > 0 else 0.0


@kernel
def adding_lots(rec: Rec, position_lots: int, lot_usd: float) -> int:
    """Return how many lots both sides together may add, orders that rest already included.

    Lots by which the position has grown since the account event have used their margin up.
    """
    if not (0.0 < rec.leverage < inf) or not (0.0 <= rec.free_usd < inf):
        return 0
    backed = whole_lots(rec.free_usd * rec.buffer * rec.leverage, lot_usd)
    return int(max(0, backed - max(0, abs(position_lots) - abs(rec.position_lots))))


@kernel
def bid_share_lots(budget_lots: int, bid_lots: int, ask_lots: int) -> int:
    """Return the bid side's part of a joint budget; the ask side gets what is left.

    Half each; what one side cannot use goes to the other.
    """
    return min(bid_lots, max(budget_lots // 2, budget_lots - ask_lots))


@kernel
def maintenance_usd(rec: Rec, notional_usd: float) -> float:
    """Return the maintenance margin of a position: notional * rate - deduction of its tier.

    A notional equal to a bound is in the higher tier. Without tiers it is the whole notional.
    """
    if rec.tier_count <= 0:
        return notional_usd
    rate = 0.5 / rec.tiers[0].leverage_max
    deduction = 0.0
    for i in range(1, min(rec.tier_count, TIERS_MAX)):
        tier = rec.tiers[i]
        if notional_usd < tier.lower_bound_usd:
            break
        next_rate = 0.5 / tier.leverage_max
        deduction += tier.lower_bound_usd * (next_rate - rate)
        rate = next_rate
    return float(notional_usd * rate - deduction)


@kernel
def liquidation_buffer(rec: Rec, position_lots: int, lot_usd: float) -> float:
    """Return how far liquidation is: (equity - maintenance) / equity, 1 flat, <= 0 liquidated.

    NaN when equity is unknown; the kill switch takes a NaN for the worst.
    """
    if position_lots == 0:
        return 1.0
    if not (rec.equity_usd > 0.0):
        return nan if rec.equity_usd != rec.equity_usd else 0.0
    needed = maintenance_usd(rec, abs(position_lots) * lot_usd)
    return float((rec.equity_usd - needed) / rec.equity_usd)
