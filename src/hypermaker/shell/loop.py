"""How the asynchronous part of a command runs: the fastest loop there is, and stops by signal."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end on uvloop where there is one, else on asyncio's own loop."""
    with asyncio.Runner(loop_factory=_fastest()) as runner:
        return runner.run(main)


def stop_on_signals(stop: asyncio.Event) -> None:
    """Let Ctrl-C and a polite kill set an event; a second one changes nothing (F70)."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)


def _fastest() -> Callable[[], asyncio.AbstractEventLoop] | None:
    try:
        import uvloop
    except ImportError:
        return None
    make: Callable[[], asyncio.AbstractEventLoop] = uvloop.new_event_loop
    return make
