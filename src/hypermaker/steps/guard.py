"""Step 3, guard: feed the kill switch and read it, on every event and so on every timer.

When the latch fires, the shell is told once (KILLED); from then on nothing is wanted, so the next
steps cancel all that rests, and go on asking until the venue has shown that nothing does.
"""

from math import inf
from typing import Any

from hypermaker.core.actions import Actions, Ask
from hypermaker.core.events import Kind, Reason, Source
from hypermaker.core.kernel import kernel
from hypermaker.core.units import USD_MICRO
from hypermaker.estimate import cascade, touch
from hypermaker.orders import table as orders
from hypermaker.risk import kill_switch

Rec = Any


@kernel
def _feed_market(state: Rec, event: Rec) -> None:
    """Prices, believed or not: the latch keeps its own count of frames that agree."""
    mid2 = event.bid_ticks + event.ask_ticks
    kill_switch.on_market(state.kill_switch, event.received_ns)
    if event.bid_lots > 0 and event.ask_lots > 0:
        lot_usd = mid2 / 2.0 / USD_MICRO
        kill_switch.on_price(state.kill_switch, float(mid2), lot_usd, event.received_ns)


@kernel
def _feed_account(state: Rec, event: Rec) -> None:
    """Equity, position, refusals for rate, liquidation, the operator."""
    kill, kind = state.kill_switch, event.kind
    if kind == Kind.ACCOUNT:
        kill_switch.on_equity(kill, event.equity_usd_micro / USD_MICRO)
        _feed_buffer(kill, event.equity_usd_micro, event.maintenance_usd_micro)
    elif kind == Kind.TRANSFER:
        _feed_transfer(state, event)
    elif kind == Kind.FILL:
        kill_switch.on_position(kill, state.fills.position_lots)
        if event.reason == Reason.LIQUIDATED:
            kill_switch.on_liquidated(kill)
    elif kind == Kind.POSITION:
        difference = event.position_lots - state.fills.position_lots
        apart = state.counters.mismatch_since_ns > 0
        kill_switch.on_reconciled(kill, difference if apart else 0, event.received_ns)
        kill_switch.on_position(kill, state.fills.position_lots)
    elif kind == Kind.ORDER_REFUSED and event.reason == Reason.RATE:
        if event.source == Source.REPLY and event.received_ns != state.rate_error_ns:
            state.rate_error_ns = event.received_ns  # one refused batch is one error (F-64)
            kill_switch.on_rate_error(kill, event.received_ns)
    elif kind == Kind.CONTROL and event.reason == Reason.OPERATOR_KILL:
        kill_switch.on_manual(kill)


@kernel
def _feed_buffer(kill: Rec, equity_usd_micro: int, maintenance_usd_micro: int) -> None:
    """How far from liquidation: 1 without a position, 0 where maintenance eats all equity."""
    buffer = 1.0
    if maintenance_usd_micro > 0:
        buffer = -1.0
        if equity_usd_micro > 0:
            buffer = (equity_usd_micro - maintenance_usd_micro) / equity_usd_micro
    kill_switch.on_liquidation_buffer(kill, buffer)


@kernel
def _feed_transfer(state: Rec, event: Rec) -> None:
    """A deposit or withdrawal, once: a list of them comes again with every connection."""
    if event.venue_ns > state.transfer_ns:
        state.transfer_ns = event.venue_ns
        state.transfers_usd_micro += event.payment_usd_micro
        kill_switch.on_transfer(state.kill_switch, event.payment_usd_micro / USD_MICRO)


@kernel
def _feed_numbers(state: Rec) -> None:
    """What the models say must be numbers; quotes made of anything else are not ours."""
    market = state.market
    sound = abs(market.fair_ticks) < inf and abs(market.sigma_bps) < inf
    sound = sound and abs(market.kappa_per_bps) < inf and abs(market.gamma) < inf
    sound = sound and abs(market.drift_bps_per_s) < inf
    if not sound:
        kill_switch.on_non_finite(state.kill_switch)


@kernel
def _feed_reducing(state: Rec) -> None:
    """How much rests that would reduce the position; a pause is no trouble.

    What was only sent does not count: a venue that refuses every order would look well for ever.
    """
    held = state.fills.position_lots
    reducing = 1
    if state.paused == 0 and held != 0:
        reducing = orders.resting_lots(state.table, -1 if held > 0 else 1)
    kill_switch.on_reducing(state.kill_switch, reducing, state.now_ns)


@kernel
def _cascade_pulls(state: Rec) -> float:
    """Return the detector's severity in units of its full response: 1 is where quotes are pulled.

    The detector counts decades of surprise and has no ceiling, so the latch's limit of 5 can be
    passed (T-14).
    """
    active, full = cascade.SEVERITY_ACTIVE, cascade.SEVERITY_FULL
    return float((cascade.severity(state.cascade) - active) / (full - active))


@kernel
def guard(state: Rec, event: Rec, actions: Actions, n: int) -> int:
    """Take one event's facts and check every reason; return the new count of actions."""
    source = event.source
    if touch.is_touch(event):
        _feed_market(state, event)
    elif event.kind != Kind.LINK and (
        source == Source.USER or source == Source.REPLY or source == Source.QUERY
    ):
        kill_switch.on_user(state.kill_switch, event.received_ns)
    _feed_account(state, event)
    _feed_reducing(state)
    _feed_numbers(state)
    kill_switch.on_cascade(state.kill_switch, _cascade_pulls(state))
    fired = kill_switch.check(state.kill_switch, state.now_ns)
    if fired == kill_switch.KillReason.NONE:
        return n
    n = orders.emit(state.table, actions, n, state.now_ns)
    actions[n].kind, actions[n].reason = Ask.KILLED, fired
    return n + 1
