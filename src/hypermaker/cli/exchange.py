"""`hypermaker exchange`: the local exchange alone, on this machine only."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hypermaker.exchange.config import ExchangeConfig
    from hypermaker.exchange.presets import FlowConfig

FUND_VALID = "ADDRESS=USD, an 0x address of 40 hex digits and an amount above zero"
FUND_USD_MAX = 10**12


def exchange(
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    seed: Annotated[int, typer.Option(help="Everything random follows from it.")] = 1,
    fund: Annotated[
        list[str] | None, typer.Option(help="Deposit: ADDRESS=USD. May be repeated.")
    ] = None,
    tape: Annotated[
        Path | None, typer.Option(help="Recorded market data to replay as the market.")
    ] = None,
    asset: Annotated[
        list[str] | None, typer.Option(help="Asset with a market. May be repeated.")
    ] = None,
    preset: Annotated[str, typer.Option(help="Kind of simulated market.")] = "calm",
    as_json: Annotated[bool, typer.Option("--json", help="Print nothing but JSON.")] = False,
    with_parent: Annotated[
        bool, typer.Option("--with-parent", hidden=True, help="End when standard input ends.")
    ] = False,
) -> None:
    """Run a local Hyperliquid that other people's clients can trade on."""
    import asyncio

    from hypermaker.exchange.config import ExchangeConfig

    config = ExchangeConfig(
        seed=seed,
        assets=_assets(asset, tape),
        funded=tuple(parse_fund(text) for text in fund or ()),
        flow=_flow(preset),
    ).checked()
    asyncio.run(_serve(config, port, tape=tape, as_json=as_json, with_parent=with_parent))


def parse_fund(text: str) -> tuple[str, int]:
    """Return (lowercase address, 10^-6 USD) of ADDRESS=USD; raises ConfigError.

    >>> parse_fund("0x" + "Ab" * 20 + "=1000.5")
    ('0xabababababababababababababababababababab', 1000500000)
    """
    from hypermaker.core.units import USD_MICRO, parse_units
    from hypermaker.errors import ConfigError

    address, _, amount = text.partition("=")
    try:
        usd_micro = parse_units(amount, 6)
    except ValueError:
        usd_micro = 0
    known = re.fullmatch("0x[0-9a-fA-F]{40}", address) is not None
    if not known or not 0 < usd_micro <= FUND_USD_MAX * USD_MICRO:
        raise ConfigError("--fund", text, FUND_VALID)
    return address.lower(), usd_micro


def _assets(asset: list[str] | None, tape: Path | None) -> tuple[str, ...]:
    """Return what was asked for, else all the tape holds, else the default."""
    from hypermaker.exchange.config import ExchangeConfig
    from hypermaker.shell.serve import recorded_assets

    if asset:
        return tuple(asset)
    return ExchangeConfig().assets if tape is None else recorded_assets(tape)


def _flow(preset: str) -> "FlowConfig":
    from hypermaker.errors import ConfigError
    from hypermaker.exchange.presets import PRESETS

    if preset not in PRESETS:
        raise ConfigError("--preset", preset, "one of " + ", ".join(PRESETS))
    return PRESETS[preset]


async def _serve(
    config: "ExchangeConfig", port: int, *, tape: Path | None, as_json: bool, with_parent: bool
) -> None:
    """Serve until told to stop; print one JSON line when ready."""
    import asyncio
    import json
    import os
    import signal
    import sys

    from hypermaker.shell.serve import start_exchange

    running = await start_exchange(config, port, tape=tape)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    if with_parent:

        def read() -> None:
            if not os.read(sys.stdin.fileno(), 64):
                stopped.set()

        loop.add_reader(sys.stdin, read)
    ready = {
        "url": running.url,
        "ws_url": running.ws_url,
        "port": running.port,
        "seed": config.seed,
        "assets": list(config.assets),
        "tape": str(tape) if tape else None,
        "network": "mainnet" if config.mainnet else "testnet",
    }
    typer.echo(json.dumps(ready))
    if not as_json:
        typer.echo("Ctrl-C stops it.", err=True)
    waiting = asyncio.create_task(stopped.wait())
    await asyncio.wait({running.task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    await running.stop()
    if running.task.done() and not running.task.cancelled():
        running.task.result()
