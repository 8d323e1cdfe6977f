"""The engine: one pure compiled function from what was heard to what is asked. Read this first.

    process(state, event, actions) -> how many actions

    1. hear     the fused touch, volatility, fill intensity, account, limits
    2. settle   what the venue said of our orders; fills move the position, each once
    3. believe  what the models say now, in the quoter's units (MARKET)
    4. want     the quoting rule's ladder, cut by the risk gate, put on the venue's grid (LADDER)
    5. change   the fewest requests from the orders we have to the orders we want

It reads no clock, draws no random number, allocates nothing and costs O(1) per event. The same
machine code runs in a backtest's compiled loop, in simulation, on paper and live.
"""

from typing import Any

from hypermaker.core.actions import Actions
from hypermaker.core.events import Events, Flag, Kind, Reason, Source
from hypermaker.core.kernel import kernel
from hypermaker.core.units import BPS, NS_PER_S, RATE_E10, USD_MICRO
from hypermaker.estimate import fill_intensity, touch, volatility
from hypermaker.orders import budget, differ, fills, ledger
from hypermaker.orders import table as orders
from hypermaker.quote.quantize import quantize
from hypermaker.quote.rules import glft as glft_rule
from hypermaker.risk import exchange_limits, gate, limits
from hypermaker.risk.gate import Bar
from hypermaker.state import State

Rec = Any
MISMATCH_GRACE_NS = 5 * NS_PER_S
LIMIT_REFRESH_NS = NS_PER_S


@kernel
def process(state: Rec, event: Rec, actions: Actions) -> int:
    """Take one event; write what to ask of the venue into `actions`; return how many."""
    state.now_ns = max(state.now_ns, event.received_ns)
    state.venue_ns = max(state.venue_ns, event.venue_ns)
    state.counters.events += 1
    hear(state, event)
    n = settle(state, event, actions)
    if not is_due(state, event):
        return n
    believe(state)
    want(state)
    return change(state, actions, n)


@kernel
def step(states: State, events: Events, actions: Actions) -> int:
    """Run `process` on arrays of shape (1,): the entry point from Python (0.7 us a call)."""
    return process(states[0], events[0], actions)


@kernel
def hear(state: Rec, event: Rec) -> None:
    """Let the touch, the estimators and the account learn from one event."""
    kind = event.kind
    if touch.is_touch(event):
        if touch.hear(state.touch, event) and touch.is_quotable(state.touch):
            _learn_price(state)
    else:
        touch.heard(state.touch, event)
    if kind == Kind.TRADE and not event.marks & Flag.BACKFILL:
        _learn_trade(state, event)
    elif kind == Kind.LINK:
        touch.hear_link(state.touch, event)
    elif kind >= Kind.CONTEXT and kind <= Kind.BUDGET:
        _learn_account(state, event)
    elif kind == Kind.CONTROL:
        state.paused = 0 if event.reason == Reason.OPERATOR_RESUME else 1


@kernel
def _learn_price(state: Rec) -> None:
    """The touch moved: mark the ledger, feed volatility and what depth can be reached."""
    seen = state.touch
    mid2 = touch.mid2_ticks(seen)
    ledger.mark(state.ledger, mid2, seen.venue_ns, state.now_ns)
    volatility.update(state.volatility, seen.venue_ns, mid2 / 2.0)
    half_spread_bps = (seen.ask_ticks - seen.bid_ticks) / mid2 * BPS
    fill_intensity.see_touch(state.fill_intensity, seen.venue_ns, half_spread_bps)


@kernel
def _learn_trade(state: Rec, event: Rec) -> None:
    """A taker order printed: how far beyond the mid of before it did it reach?"""
    mid2 = ledger.mid2_before(state.ledger, event.venue_ns)
    if mid2 <= 0:
        return
    depth_bps = event.side * (2.0 * event.price_ticks / mid2 - 1.0) * BPS
    fill_intensity.observe_trade(
        state.fill_intensity, event.side, depth_bps, event.size_lots, event.venue_ns
    )


@kernel
def _learn_account(state: Rec, event: Rec) -> None:
    """Mark price, timers, the venue's limits, equity, fees and the request budget."""
    kind = event.kind
    if kind == Kind.CONTEXT:
        state.mark_ticks, state.funding_e10 = event.mark_ticks, event.funding_e10
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
    if not fills.is_new(state.fills, event.venue_ns, event.tid):
        return
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
        ledger.adopt(state.ledger, event.position_lots)
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


@kernel
def is_due(state: Rec, event: Rec) -> bool:
    """Return whether this event is worth a new decision now, at the pace the budget allows."""
    kind = event.kind
    moved = touch.is_touch(event) or kind == Kind.FILL
    if not moved and kind != Kind.TIMER and kind != Kind.CONTROL:
        return False
    if kind == Kind.CONTROL:
        return True
    return bool(state.now_ns - state.budget.decided_ns >= budget.pace_ns(state.budget))


@kernel
def believe(state: Rec) -> None:
    """Write what the models say now into MARKET, in the units of the quoter."""
    market, seen, config = state.market, state.touch, state.config
    market.now_ns = state.now_ns
    market.bid_ticks, market.ask_ticks = seen.bid_ticks, seen.ask_ticks
    market.fair_ticks = seen.good_mid2 / 2.0
    market.lot_usd = market.fair_ticks / USD_MICRO
    market.sigma_bps = volatility.sigma_bps(state.volatility)
    intensity = state.fill_intensity
    market.a_bid_per_s = fill_intensity.a_per_s(intensity, -1)
    market.a_ask_per_s = fill_intensity.a_per_s(intensity, 1)
    market.kappa_per_bps = fill_intensity.kappa_per_bps(intensity)
    market.volume_lots = fill_intensity.volume_lots(intensity)
    market.epsilon_bid_bps, market.epsilon_ask_bps = config.epsilon_bps, config.epsilon_bps
    market.fee_bps = state.maker_e10 / RATE_E10 * BPS
    market.gamma, market.quote_lots = config.gamma, float(config.quote_lots)
    market.levels_max, market.span_bps = config.levels, config.span_bps
    market.half_spread_bps_min = config.half_spread_bps_min
    market.price_decimals = config.price_decimals
    _believe_position(state)


@kernel
def _believe_position(state: Rec) -> None:
    """Write the position and the one effective limit on each side."""
    market, held = state.market, state.fills.position_lots
    limits.on_volatility(state.limits, market.sigma_bps / BPS, limits.HORIZON_S, 1.0)
    limits.refresh(state.limits, held, market.lot_usd, state.now_ns)
    market.position_lots = held
    market.long_lots_max = limits.effective_long_lots(state.limits)
    market.short_lots_max = limits.effective_short_lots(state.limits)
    market.bid_lots_max = max(0, market.long_lots_max - held)
    market.ask_lots_max = max(0, market.short_lots_max + held)


@kernel
def want(state: Rec) -> None:
    """Fill LADDER by the rule, cut it by the gate, put it on the grid; nothing on stale data."""
    ladder, held = state.ladder, state.fills.position_lots
    state.counters.decisions += 1
    state.budget.decided_ns = state.now_ns
    ladder.bid_levels, ladder.ask_levels = 0, 0
    gate.open_gate(state.gate, state.limits, held)
    state.gate.bid.other_lots = orders.dying_lots(state.table, 1)
    state.gate.ask.other_lots = orders.dying_lots(state.table, -1)
    if not may_quote(state):
        gate.admit(state.gate)
        return
    if not budget.may_open(state.budget):
        state.gate.bid.bar, state.gate.ask.bar = Bar.ADDING, Bar.ADDING
    glft_rule(state.glft, state.market, ladder)
    gate.pass_ladder(state.gate, ladder)
    quantize(state.market, ladder)


@kernel
def may_quote(state: Rec) -> bool:
    """Return whether there is a fresh price, a known position and no order of the operator."""
    fresh = touch.market_age_ns(state.touch, state.now_ns) <= state.config.market_age_ns_max
    linked = state.touch.down[Source.USER] == 0 and state.touch.down[Source.BBO] == 0
    known = state.started == 1 and state.counters.mismatch_since_ns == 0
    calm = touch.is_quotable(state.touch) and state.paused == 0
    return bool(fresh and linked and known and calm)


@kernel
def change(state: Rec, actions: Actions, n: int) -> int:
    """Turn the ladder into the fewest requests; count what they cost."""
    before = n
    side, ladder = state.side, state.ladder
    side.now_ns = state.now_ns
    side.band_ticks = differ.dead_band_ticks(state.market.fair_ticks, state.market.kappa_per_bps)
    side.side, side.levels = 1, ladder.bid_levels
    side.allowance_lots = state.gate.bid.allowance_lots
    n = differ.diff_side(state.table, state.differ, side, ladder.bids, actions, n)
    side.side, side.levels = -1, ladder.ask_levels
    side.allowance_lots = state.gate.ask.allowance_lots
    n = differ.diff_side(state.table, state.differ, side, ladder.asks, actions, n)
    budget.spend(state.budget, n - before)
    return n
