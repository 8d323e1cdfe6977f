"""Step 1, hear: the touch, the estimators and the account learn from one event."""

from typing import Any

from hypermaker.core.events import Flag, Kind, Reason
from hypermaker.core.kernel import kernel
from hypermaker.core.units import USD_MICRO
from hypermaker.estimate import touch
from hypermaker.orders import budget
from hypermaker.orders import table as orders
from hypermaker.risk import exchange_limits, limits
from hypermaker.steps.learn import forget_runs, learn_context, learn_price, learn_trade

Rec = Any


@kernel
def hear(state: Rec, event: Rec) -> None:
    """Let the touch, the estimators and the account learn from one event."""
    kind = event.kind
    if touch.is_touch(event):
        if touch.hear(state.touch, event) and touch.is_quotable(state.touch):
            learn_price(state)
    else:
        touch.heard(state.touch, event)
    if kind == Kind.TRADE and not event.marks & Flag.BACKFILL:
        learn_trade(state, event)
    elif kind == Kind.LINK:
        touch.hear_link(state.touch, event)
        if event.marks & Flag.DOWN:
            forget_runs(state)
    elif kind >= Kind.CONTEXT and kind <= Kind.BUDGET:
        _learn_account(state, event)
    elif kind == Kind.CONTROL:
        state.paused = 0 if event.reason == Reason.OPERATOR_RESUME else 1


@kernel
def _learn_account(state: Rec, event: Rec) -> None:
    """Mark price, timers, the venue's limits, equity, fees and the request budget."""
    kind = event.kind
    if kind == Kind.CONTEXT:
        state.mark_ticks, state.funding_e10 = event.mark_ticks, event.funding_e10
        learn_context(state, event)
    elif kind == Kind.LIMITS:
        bids = orders.exposure_lots(state.table, 1)
        asks = orders.exposure_lots(state.table, -1)
        buy = event.buy_lots_max + bids if event.buy_lots_max >= 0 else event.buy_lots_max
        sell = event.sell_lots_max + asks if event.sell_lots_max >= 0 else event.sell_lots_max
        position = state.fills.position_lots
        exchange_limits.on_limits(state.limits.exchange, buy, sell, position, state.now_ns)
    elif kind == Kind.ACCOUNT:
        state.equity_usd_micro = event.equity_usd_micro
        equity, free = event.equity_usd_micro / USD_MICRO, event.margin_usd_micro / USD_MICRO
        limits.on_account(state.limits, equity, free, state.fills.position_lots)
    elif kind == Kind.FEES:
        state.maker_e10 = event.maker_e10
    elif kind == Kind.BUDGET:
        budget.learn(state.budget, event.requests_left, event.requests_cap)
