"""`hypermaker demo`: the real maker against an exchange that runs on this machine."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hypermaker.cli.run import chosen_strategy, finish

if TYPE_CHECKING:
    from hypermaker.shell.outcome import Outcome


def demo(
    asset: Annotated[str, typer.Option(help="Perpetual to make: BTC, ETH or SOL.")] = "BTC",
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="How long; without it, until Ctrl-C.")
    ] = None,
    tape: Annotated[
        Path | None, typer.Option(help="Recorded market data to show as the market.")
    ] = None,
    strategy: Annotated[
        str, typer.Option(help="Quoting rule: glft, as2008, fixed, or a file mine.py[:function].")
    ] = "glft",
    seed: Annotated[int, typer.Option(min=0, help="Of the simulated market.")] = 1,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")
    ] = False,
) -> None:
    """Start a local exchange, fund two fresh wallets and make a market on it."""
    from hypermaker.shell.loop import run as run_loop

    wishes = chosen_strategy(strategy)
    outcome: Outcome = run_loop(
        _demo(asset, wishes, seconds=seconds, tape=tape, seed=seed, is_quiet=as_json)
    )
    finish(outcome, asset, as_json=as_json)


async def _demo(
    coin: str,
    wishes: dict[str, str],
    *,
    seconds: float | None,
    tape: Path | None,
    seed: int,
    is_quiet: bool,
) -> "Outcome":
    from hypermaker.config import network_of
    from hypermaker.shell.clock import steady_clock
    from hypermaker.shell.live import Plan
    from hypermaker.shell.local import DEPOSIT_USD, fresh_signer, local_exchange, visiting
    from hypermaker.shell.screen import watch_session

    clock, maker, visitor = steady_clock(), fresh_signer(), fresh_signer()
    funds = {maker.address: DEPOSIT_USD, visitor.address: DEPOSIT_USD}
    async with (
        local_exchange(coin=coin, seed=seed, funds=funds, tape=tape) as url,
        visiting(url, coin, visitor, clock=clock, seed=seed),
    ):
        plan = Plan(network_of("local", url), coin, seconds=seconds, wishes=wishes)
        return await watch_session(plan, maker, clock=clock, is_quiet=is_quiet)
