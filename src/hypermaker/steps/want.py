"""Step 5, want: the rule's ladder, cut by the gate, put on the venue's grid.

Nothing is wanted without a fresh price, a known position and the operator's leave; then every
order that rests is cancelled by the next step. The rule is the one part users replace
(`engine.build`): what stands before and behind it stays.
"""

from typing import Any

from hypermaker.core.events import Kind, Source
from hypermaker.core.kernel import kernel
from hypermaker.estimate import cascade, touch
from hypermaker.orders import budget
from hypermaker.orders import table as orders
from hypermaker.quote.quantize import quantize
from hypermaker.quote.rules import glft as rule
from hypermaker.risk import gate, kill_switch, monitors
from hypermaker.risk.gate import Bar
from hypermaker.steps.believe import CASCADE_HORIZON_S

Rec = Any


@kernel
def is_due(state: Rec, event: Rec, asked: int) -> bool:
    """Return whether this event is worth a new decision now, at the pace the budget allows.

    asked   actions this event has caused already
    """
    kind = event.kind
    if kind == Kind.CONTROL or kind == Kind.LINK:
        return True
    if kill_switch.is_killed(state.kill_switch) and asked > 0:
        return True
    if not touch.is_touch(event) and kind != Kind.FILL and kind != Kind.TIMER:
        return False
    return bool(state.now_ns - state.budget.decided_ns >= budget.pace_ns(state.budget))


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
    _bar_adding(state)
    monitors.apply(state.monitors, state.gate)
    ask_rule(state)
    gate.pass_ladder(state.gate, ladder)
    quantize(state.market, ladder)


@kernel
def ask_rule(state: Rec) -> None:
    """Let a rule of ours fill the ladder."""
    rule(state.glft, state.market, state.ladder)


@kernel
def ask_guest(state: Rec) -> None:
    """Let a rule we do not know fill the ladder from a copy of MARKET, and survive what it raises.

    A rule that raises wants nothing, so that all its orders are cancelled.
    """
    state.shown = state.market
    try:
        rule(state.glft, state.shown, state.ladder)
    except Exception:  # the only kind that compiled code can name
        state.counters.rule_faults += 1
        state.ladder.bid_levels, state.ladder.ask_levels = 0, 0


@kernel
def _bar_adding(state: Rec) -> None:
    """Forced flow, an empty budget and a doubtful position take from what adds, only."""
    seen, kappa, held = state.cascade, state.market.kappa_per_bps, state.fills.position_lots
    bid, ask = state.gate.bid, state.gate.ask
    bid.fraction = cascade.size_factor(seen, -1, CASCADE_HORIZON_S, kappa)
    ask.fraction = cascade.size_factor(seen, 1, CASCADE_HORIZON_S, kappa)
    broke = not budget.may_open(state.budget) or state.counters.mismatch_since_ns > 0
    if broke or cascade.is_pulled(seen, -1, CASCADE_HORIZON_S, kappa, held):
        bid.bar = Bar.ADDING
    if broke or cascade.is_pulled(seen, 1, CASCADE_HORIZON_S, kappa, held):
        ask.bar = Bar.ADDING


@kernel
def may_quote(state: Rec) -> bool:
    """Return whether there is a fresh price, a known position, and nothing that forbids it."""
    fresh = touch.market_age_ns(state.touch, state.now_ns) <= state.config.market_age_ns_max
    linked = state.touch.down[Source.USER] == 0 and state.touch.down[Source.BBO] == 0
    known = state.started == 1
    calm = touch.is_quotable(state.touch) and state.paused == 0
    unwinding = state.monitors.settings.unwind_passively == 1.0
    alive = unwinding or not kill_switch.is_killed(state.kill_switch)
    return bool(fresh and linked and known and calm and alive)
