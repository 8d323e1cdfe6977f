"""`hypermaker run`: the maker alone, on the local exchange, testnet or mainnet."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hypermaker.hyperliquid.signing import Signer
    from hypermaker.shell.live import Plan
    from hypermaker.shell.outcome import Outcome

EXIT_DISAGREES = 1
EXIT_UNSAFE = 3
EXIT_KILLED = 4


def run(
    network: Annotated[str, typer.Option(help="local, testnet or mainnet.")] = "",
    base_url: Annotated[str, typer.Option(help="Local only: a loopback URL.")] = "",
    asset: Annotated[str, typer.Option(help="Perpetual to make, as the venue names it.")] = "",
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="How long; without it, until Ctrl-C.")
    ] = None,
    key_file: Annotated[str, typer.Option(help="File of mode 0600 that holds the key.")] = "",
    strategy: Annotated[
        str, typer.Option(help="Quoting rule: glft, as2008, fixed, or a file mine.py[:function].")
    ] = "",
    config: Annotated[Path | None, typer.Option(help="Settings in TOML.")] = None,
    on_kill: Annotated[str, typer.Option(help="Position after a kill: hold, passive or ioc.")] = "",
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Watch and decide; change nothing."),
    ] = False,
    real_money: Annotated[
        bool, typer.Option("--i-understand-real-money", help="Needed for mainnet.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print one JSON object at the end, nothing else.")
    ] = False,
) -> None:
    """Quote one perpetual until told to stop; then cancel everything and say how it went.

    Exit status: 0 fine, 1 the books do not agree, 2 a mistake in what was asked, 3 orders may rest,
    4 the kill switch has fired and no order rests.
    """
    import msgspec

    options = {"network": network, "base_url": base_url, "asset": asset, "key_file": key_file}
    options["on_kill"] = on_kill
    options["strategy"] = strategy
    plan, signer = prepare(options, config, seconds=seconds, is_real_money=real_money)
    plan = msgspec.structs.replace(plan, is_dry=dry_run)
    outcome = quote(plan, signer, as_json=as_json)
    finish(outcome, plan.coin, as_json=as_json)


def prepare(
    options: dict[str, Any], config: Path | None, *, seconds: float | None, is_real_money: bool
) -> "tuple[Plan, Signer]":
    """Return what to do and with which key; an option that is given wins over the file.

    Raises ConfigError before any socket opens.
    """
    import msgspec

    from hypermaker.config import Settings, kill_policy, load_settings, network_of, read_key
    from hypermaker.errors import ConfigError
    from hypermaker.hyperliquid.signing import Signer
    from hypermaker.shell.live import Plan
    from hypermaker.shell.startup import check_wishes

    settings = Settings() if config is None else load_settings(config)
    given = {name: value for name, value in options.items() if value}
    policy = kill_policy(settings.on_kill, given.pop("on_kill", ""))
    settings = msgspec.structs.replace(settings, **given)
    where = str(config) if config else "settings"
    wishes = {**settings.engine, "risk": {**settings.engine.get("risk", {}), **settings.risk}}
    check_wishes(wishes, f"{where}, [engine]")
    network = network_of(settings.network, settings.base_url)
    if network.is_mainnet and not is_real_money:
        raise ConfigError("--network", "mainnet", "add --i-understand-real-money to trade on it")
    key, source = read_key(settings.key_file)
    if source == "environment":
        typer.echo("warning: a key in the environment can be read by other programs", err=True)
    signer = Signer(key, mainnet=network.is_mainnet)
    wishes = wishes | chosen_strategy(settings.strategy)
    plan = Plan(network, settings.asset, settings.account, seconds, wishes, where, policy)
    return plan, signer


def chosen_strategy(name: str) -> dict[str, str]:
    """Return what the engine's configuration says of a strategy.

    Raises ConfigError when there is no such rule, naming those there are.
    """
    from hypermaker.strategy import load_strategy

    strategy = load_strategy(name)
    return {"strategy": strategy.name, "strategy_sha256": strategy.sha256}


def quote(plan: "Plan", signer: "Signer", *, as_json: bool) -> "Outcome":
    """Run the session on this terminal."""
    from hypermaker.shell.clock import steady_clock
    from hypermaker.shell.loop import run as run_loop
    from hypermaker.shell.screen import watch_session

    return run_loop(watch_session(plan, signer, clock=steady_clock(), is_quiet=as_json))


def finish(outcome: "Outcome", coin: str, *, as_json: bool) -> None:
    """Print how it went, and exit as `run` says: what is worst comes first."""
    import msgspec

    from hypermaker.shell.report import report

    if as_json:
        typer.echo(msgspec.json.encode(outcome).decode())
    else:
        typer.echo(report(outcome, coin))
    if outcome.open_orders_at_exit and not outcome.is_dry:
        raise typer.Exit(EXIT_UNSAFE)
    if not outcome.is_clean:
        raise typer.Exit(EXIT_DISAGREES)
    if outcome.killed:
        raise typer.Exit(EXIT_KILLED)
