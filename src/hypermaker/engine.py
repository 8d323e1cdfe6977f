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

from collections.abc import Callable
from types import FunctionType
from typing import Any, TypeVar, cast

from hypermaker.core.actions import Actions
from hypermaker.core.events import Events
from hypermaker.core.kernel import kernel
from hypermaker.quote.rules import Rule
from hypermaker.state import State
from hypermaker.steps.believe import believe
from hypermaker.steps.change import change
from hypermaker.steps.guard import guard
from hypermaker.steps.hear import hear
from hypermaker.steps.settle import settle
from hypermaker.steps.want import ask_guest, ask_rule, is_due, want

Rec = Any
Step = Callable[[State, Events, Actions], int]
F = TypeVar("F", bound=Callable[..., Any])


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


def build(rule: Rule, name: str, *, is_guest: bool) -> Step:
    """Return `step` with another quoting rule in it; the machine code is cached under the name.

    Parameters
    ----------
    rule       a kernel as `quote.rules` describes it
    name       an identifier no other rule has ever had: our own rule's name, or a hash of the
               source, because numba's cache goes by names and not by what a function calls
    is_guest   the rule is not ours: it sees a copy of MARKET, and what it raises is caught
    """
    asking = _bound(ask_guest if is_guest else ask_rule, name, rule=rule)
    wanting = _bound(want, name, ask_rule=asking)
    return _bound(step, name, process=_bound(process, name, want=wanting))


def _bound(function: F, name: str, **called: object) -> F:
    """Return a kernel that calls other functions by some of its names.

    A closure would do the same, but numba never finds a closure over a kernel in its cache: each
    process gives the inner kernel another identity.
    """
    plain = getattr(function, "py_func", function)
    own = FunctionType(plain.__code__, {**plain.__globals__, **called}, f"{plain.__name__}_{name}")
    own.__qualname__, own.__annotations__ = own.__name__, plain.__annotations__
    own.__doc__ = plain.__doc__
    return kernel(cast(F, own))
