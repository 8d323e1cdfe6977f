"""A session with a person in front of it: signals stop it, a terminal view shows it.

Ctrl-C and a polite kill end it in good order; SIGUSR1 fires the kill switch.
"""

import asyncio
import signal

from rich.console import Console

from hypermaker.hyperliquid.signing import Signer
from hypermaker.shell.clock import Clock
from hypermaker.shell.live import Maker, Plan, run_session
from hypermaker.shell.loop import stop_on_signals
from hypermaker.shell.outcome import Outcome
from hypermaker.shell.view import View


async def watch_session(plan: Plan, signer: Signer, *, clock: Clock, is_quiet: bool) -> Outcome:
    """Run a session that Ctrl-C ends in good order; draw it unless quiet or not on a terminal."""
    console = Console(stderr=True)
    stop = asyncio.Event()
    stop_on_signals(stop)
    drawing: list[asyncio.Task[None]] = []

    def draw(maker: Maker) -> None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, maker.kill)
        if not is_quiet and console.is_terminal:
            drawing.append(asyncio.create_task(View(maker, console, clock).keep()))

    try:
        return await run_session(plan, signer, clock=clock, stop=stop, on_begin=draw)
    finally:
        for task in drawing:
            task.cancel()
        await asyncio.gather(*drawing, return_exceptions=True)
