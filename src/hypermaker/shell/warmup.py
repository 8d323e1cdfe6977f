"""Compile the engine before anything depends on it, and say so when it takes a while.

The steps of the engine compile apart from one another, so a cold start compiles them in two
processes that leave their machine code in the cache; what remains is one link.
"""

import subprocess
import sys
from typing import Any

import numba
import numpy as np
from numba.core.errors import NumbaError

from hypermaker.core.actions import empty_actions
from hypermaker.core.events import EVENT, Kind, event
from hypermaker.core.kernel import COMPLETE, is_compiled_before, mark_compiled
from hypermaker.engine import Step, step
from hypermaker.errors import ConfigError
from hypermaker.state import STATE, EngineConfig, initial_state
from hypermaker.steps.believe import believe
from hypermaker.steps.change import change
from hypermaker.steps.guard import guard
from hypermaker.steps.hear import hear
from hypermaker.steps.settle import settle
from hypermaker.steps.want import want
from hypermaker.strategy import compiler_says, step_of
from hypermaker.summary import summarise

COMPILE_S_TYPICAL = 40
"""Measured on two cores, cold."""
STRATEGY_S_TYPICAL = 10
COMPILER_ERRORS = (NumbaError, LookupError, TypeError, ValueError, AssertionError, RuntimeError)
"""What numba raises on source it cannot compile; a field that does not exist is a KeyError."""
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


def warm_up(config: EngineConfig | None = None) -> None:
    """Load the engine's machine code, or compile it with a line of progress on stderr.

    config   of the session, when its strategy is not the default
    Raises   ConfigError for a strategy that does not compile
    """
    if not is_compiled_before() and hasattr(step, "py_func"):
        line = f"Compiling the engine for this machine, once (about {COMPILE_S_TYPICAL} s) ..."
        print(line, file=sys.stderr, flush=True)
        _compile_in_two_processes()
        _run_once(step)
        mark_compiled()
    chosen = step if config is None else step_of(config)
    mark = getattr(chosen, "__name__", COMPLETE)
    cold = chosen is not step and hasattr(chosen, "py_func") and not is_compiled_before(mark)
    if cold and config is not None:
        line = f"Compiling the strategy {config.strategy} (about {STRATEGY_S_TYPICAL} s) ..."
        print(line, file=sys.stderr, flush=True)
    try:
        _run_once(chosen)
    except COMPILER_ERRORS as error:
        if config is None or chosen is step:
            raise
        valid = f"a rule that compiles: {compiler_says(error)}"
        raise ConfigError("strategy", config.strategy, valid) from error
    if cold:
        mark_compiled(mark)


def _run_once(chosen: Step) -> None:
    config = EngineConfig(
        coin="BTC", sz_decimals=5, position_limit_lots=1, position_limit_usd=1.0, quote_lots=1
    )
    state = initial_state(config)
    chosen(state, event(Kind.TIMER, 1), empty_actions())
    summarise(state)
