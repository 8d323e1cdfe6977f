"""What the engine knows, in plain numbers with units: for screens, reports and `--json`.

Reads the state record and changes nothing.
"""

from typing import Any

from hypermaker.core.ladder import Term
from hypermaker.core.market import Premium
from hypermaker.core.units import BPS, NS_PER_MS, USD_MICRO
from hypermaker.estimate import fill_intensity, touch, volatility
from hypermaker.orders import budget, ledger, table
from hypermaker.orders.table import Life
from hypermaker.risk.kill_switch import KillReason
from hypermaker.risk.monitors import Response
from hypermaker.state import State
from hypermaker.steps.want import may_quote

HALF_MICRO = 2 * USD_MICRO


def profit_usd(states: State, mark_ticks: float | None = None) -> dict[str, float]:
    """Return the profit by cause in USD; the parts sum to the total exactly.

    mark_ticks   value the position at this price instead of the mid (the exchange's mark, say);
                 the difference is inventory
    """
    book = states[0].ledger
    moved = int(book.moved_half)
    if mark_ticks is not None:
        moved += int(book.position_lots) * round(2 * mark_ticks - int(book.mid2_ticks))
    adverse = ledger.adverse_half(book)
    fees, funding = -int(book.fees_usd_micro), int(book.funding_usd_micro)
    spread = int(book.spread_half)
    return {
        "total": (spread + moved + 2 * (fees + funding)) / HALF_MICRO,
        "spread": spread / HALF_MICRO,
        "adverse": adverse / HALF_MICRO,
        "inventory": (moved - adverse) / HALF_MICRO,
        "fees": fees / USD_MICRO,
        "funding": funding / USD_MICRO,
    }


def _levels(levels: Any, count: int) -> list[dict[str, Any]]:
    premium = [f"premium_{name.lower()}" for name in Premium.__members__]
    names = [term.name.lower() for term in Term if term < Term.PREMIUM] + premium
    return [
        {
            "price_ticks": int(level.price_ticks),
            "size_lots": int(level.size_lots),
            "terms_bps": dict(zip(names, map(float, level.terms_bps), strict=True)),
        }
        for level in levels[:count]
    ]


def _orders(states: State) -> list[dict[str, Any]]:
    return [
        {
            "order_seq": int(slot.order_seq),
            "oid": int(slot.oid),
            "side": int(slot.side),
            "price_ticks": int(slot.price_ticks),
            "may_fill_lots": int(table.may_fill_lots(slot)),
            "life": Life(int(slot.life)).name.lower(),
        }
        for slot in states[0].table.slots
        if slot.life != Life.FREE
    ]


def _models(states: State) -> dict[str, float]:
    state = states[0]
    market, intensity = state.market, state.fill_intensity
    return {
        "fair_ticks": float(market.fair_ticks),
        "sigma_bps": float(volatility.sigma_bps(state.volatility)),
        "sigma_stderr_bps": float(volatility.stderr(state.volatility)),
        "a_bid_per_s": float(fill_intensity.a_per_s(intensity, -1)),
        "a_ask_per_s": float(fill_intensity.a_per_s(intensity, 1)),
        "kappa_per_bps": float(fill_intensity.kappa_per_bps(intensity)),
        "kappa_stderr_per_bps": float(fill_intensity.stderr(intensity)),
        "fee_bps": float(market.fee_bps),
        "epsilon_bps": float(market.epsilon_bid_bps),
        "gamma": float(market.gamma),
    }


def skew_bps(states: State) -> float | None:
    """Return how far the middle of our best final prices stands below the fair price, in bps.

    Positive when long, negative when short (T-50); None unless both sides are quoted.
    """
    ladder, fair = states[0].ladder, float(states[0].market.fair_ticks)
    if ladder.bid_levels == 0 or ladder.ask_levels == 0:
        return None
    middle = (int(ladder.bids[0].price_ticks) + int(ladder.asks[0].price_ticks)) / 2.0
    return (fair - middle) / fair * BPS


def summarise(states: State, mark_ticks: float | None = None) -> dict[str, Any]:
    """Return position, profit by cause, counters, models, ladder and live orders.

    mark_ticks   as in `profit_usd`
    """
    state = states[0]
    book, held = state.table, state.fills
    return {
        "events": int(state.counters.events),
        "decisions": int(state.counters.decisions),
        "rule_faults": int(state.counters.rule_faults),
        "is_quoting": bool(may_quote(state)),
        "response": Response(int(state.monitors.response)).name.lower(),
        "killed_by": KillReason(int(state.kill_switch.reason)).name.lower(),
        "bid_ticks": int(state.touch.bid_ticks),
        "ask_ticks": int(state.touch.ask_ticks),
        "mark_ticks": int(state.mark_ticks),
        "market_age_ms": touch.market_age_ns(state.touch, int(state.now_ns)) // NS_PER_MS,
        "position_lots": int(held.position_lots),
        "long_lots_max": int(state.market.long_lots_max),
        "short_lots_max": int(state.market.short_lots_max),
        "position_lots_max_abs": int(held.position_lots_max_abs),
        "position_limit_lots": int(state.limits.user_lots),
        "pnl_usd": profit_usd(states, mark_ticks),
        "fills": int(held.count),
        "volume_usd": int(held.volume_usd_micro) / USD_MICRO,
        "orders_placed": int(book.placed),
        "orders_cancelled": int(book.cancels_asked),
        "orders_refused": int(book.refused),
        "unknown_outcomes": int(book.unknown_outcomes),
        "contradictions": int(book.contradictions),
        "strangers": int(book.strangers),
        "position_mismatches": int(state.counters.position_mismatches),
        "skew_bps": skew_bps(states),
        "skew_bps_min": float(state.config.skew_bps_min),
        "requests_used": int(state.budget.used),
        "requests_left": int(state.budget.left),
        "budget_share": float(budget.share(state.budget)),
        "models": _models(states),
        "bids": _levels(state.ladder.bids, int(state.ladder.bid_levels)),
        "asks": _levels(state.ladder.asks, int(state.ladder.ask_levels)),
        "orders": _orders(states),
    }
