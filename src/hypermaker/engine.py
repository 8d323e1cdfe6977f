"""The engine: one pure compiled function from what was heard to what is asked. Read this first.

    process(state, event, actions) -> how many actions

    1. hear     the fused touch, the estimators and the account learn
    2. settle   what the venue said of our orders; fills move the position, each once
    3. guard    the kill switch takes the facts; a latch, checked on every event
    4. believe  what the models say now, in the quoter's units (MARKET)
    5. want     the quoting rule's ladder, cut by the risk gate, put on the venue's grid (LADDER)
    6. change   the fewest requests from the orders we have to the orders we want

Each step is a file in `steps/`. The engine reads no clock, draws no random number, allocates
nothing and costs O(1) per event. The same machine code runs in a backtest's compiled loop, in
simulation, on paper and live.
"""

from typing import Any

from hypermaker.core.actions import Actions
from hypermaker.core.events import Events
from hypermaker.core.kernel import kernel
from hypermaker.state import State
from hypermaker.steps.believe import believe
from hypermaker.steps.change import change
from hypermaker.steps.guard import guard
from hypermaker.steps.hear import hear
from hypermaker.steps.settle import settle
from hypermaker.steps.want import is_due, want

Rec = Any


@kernel
def process(state: Rec, event: Rec, actions: Actions) -> int:
    """Take one event; write what to ask of the venue into `actions`; return how many.

    state     one element of a STATE array; changed in place
    event     one element of an EVENT array
    actions   ACTION array, shape (ACTIONS_MAX,); rows from 0 on are overwritten
    """
    state.now_ns = max(state.now_ns, event.received_ns)
    state.venue_ns = max(state.venue_ns, event.venue_ns)
    state.counters.events += 1
    hear(state, event)
    n = settle(state, event, actions)
    n = guard(state, event, actions, n)
    if is_due(state, event, n):
        believe(state)
        want(state)
        n = change(state, actions, n)
    return n


@kernel
def step(states: State, events: Events, actions: Actions) -> int:
    """Run `process` on arrays of shape (1,): the entry point from Python, 1 us a call."""
    return process(states[0], events[0], actions)
