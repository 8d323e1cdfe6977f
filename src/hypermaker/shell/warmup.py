"""Compile the engine before anything depends on it, and say so when it takes a while.

The steps of the engine compile apart from one another, so a cold start compiles them in two
processes that leave their machine code in the cache; what remains is one link.
"""

import subprocess
import sys
from typing import Any

import numba
import numpy as np

from hypermaker.core.actions import empty_actions
from hypermaker.core.events import EVENT, Kind, event
from hypermaker.core.kernel import is_compiled_before, mark_compiled
from hypermaker.engine import step
from hypermaker.state import STATE, EngineConfig, initial_state
from hypermaker.steps.believe import believe
from hypermaker.steps.change import change
from hypermaker.steps.guard import guard
from hypermaker.steps.hear import hear
from hypermaker.steps.settle import settle
from hypermaker.steps.want import want
from hypermaker.summary import summarise

COMPILE_S_TYPICAL = 40
"""Measured on two cores, cold."""
HALVES = (("hear", "settle", "guard"), ("want", "change", "believe"))
"""Steps that take about equally long to compile, and share little."""


def compile_steps(names: tuple[str, ...]) -> None:
    """Compile these steps into the cache, for exactly the records the engine passes them."""
    typeof: Any = numba.typeof  # numba's own functions have no annotations
    state, heard = typeof(np.zeros(1, STATE)).dtype, typeof(np.zeros(1, EVENT)).dtype
    actions, count = typeof(empty_actions()), numba.int64
    parts: dict[str, tuple[Any, tuple[Any, ...]]] = {
        "hear": (hear, (state, heard)),
        "settle": (settle, (state, heard, actions)),
        "guard": (guard, (state, heard, actions, count)),
        "believe": (believe, (state,)),
        "want": (want, (state,)),
        "change": (change, (state, actions, count)),
    }
    for name in names:
        function, signature = parts[name]
        function.compile(signature)


def _compile_in_two_processes() -> None:
    program = "import sys; from hypermaker.shell.warmup import compile_steps as c; c(sys.argv[1:])"
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", program, *half],
            stdout=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C is for us; `finally` ends them
        )
        for half in HALVES
    ]
    try:
        for worker in workers:
            worker.wait()
    finally:
        for worker in workers:
            worker.kill()


def warm_up() -> None:
    """Load the engine's machine code, or compile it with a line of progress on stderr."""
    cold = not is_compiled_before() and hasattr(step, "py_func")
    if cold:
        line = f"Compiling the engine for this machine, once (about {COMPILE_S_TYPICAL} s) ..."
        print(line, file=sys.stderr, flush=True)
        _compile_in_two_processes()
    config = EngineConfig(
        coin="BTC", sz_decimals=5, position_limit_lots=1, position_limit_usd=1.0, quote_lots=1
    )
    state = initial_state(config)
    step(state, event(Kind.TIMER, 1), empty_actions())
    summarise(state)
    if cold:
        mark_compiled()
