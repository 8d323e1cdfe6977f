"""Compile the engine before anything depends on it, and say so when it takes a while."""

import sys

from hypermaker.core.actions import empty_actions
from hypermaker.core.events import Kind, event
from hypermaker.core.kernel import is_compiled_before
from hypermaker.engine import step
from hypermaker.state import EngineConfig, new_state
from hypermaker.summary import summarise

COMPILE_S_TYPICAL = 40
"""Measured on two cores, cold."""


def warm_up() -> None:
    """Load the engine's machine code, or compile it with a line of progress on stderr."""
    if not is_compiled_before():
        line = f"Compiling the engine for this machine, once (about {COMPILE_S_TYPICAL} s) ..."
        print(line, file=sys.stderr, flush=True)
    config = EngineConfig(
        coin="BTC", sz_decimals=5, position_limit_lots=1, position_limit_usd=1.0, quote_lots=1
    )
    state = new_state(config)
    step(state, event(Kind.TIMER, 1), empty_actions())
    summarise(state)
