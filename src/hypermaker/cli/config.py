"""`hypermaker config`: make a settings file, check one, show what a session would run on."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hypermaker.proposal import Proposal, Wish

config = typer.Typer(help="Make, check and show settings files.", no_args_is_help=True)


@config.command()
def init(
    asset: Annotated[str, typer.Option(help="Perpetual to make.")] = "",
    capital_usd: Annotated[
        float | None, typer.Option(help="What the account may lose at worst, in USD.")
    ] = None,
    position_limit_usd: Annotated[
        float | None, typer.Option(help="Largest position, in USD; without it, from the capital.")
    ] = None,
    risk: Annotated[str, typer.Option(help="Taste for risk: low, medium or high.")] = "",
    maker_fee_bps: Annotated[float, typer.Option(help="Your maker fee; negative: a rebate.")] = 1.5,
    epsilon_bps: Annotated[
        float | None, typer.Option(help="Adverse move after a fill; without it, the coin's prior.")
    ] = None,
    touch_half_spread_bps: Annotated[
        float | None, typer.Option(help="Of the market; without it, as recorded.")
    ] = None,
    network: Annotated[str, typer.Option(help="local, testnet or mainnet.")] = "testnet",
    out: Annotated[Path, typer.Option(help="File to write.")] = Path("maker.toml"),
    anyway: Annotated[
        bool, typer.Option("--anyway", help="Also where a fill at the touch has no edge.")
    ] = False,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Ask nothing.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Turn capital, a largest position and a taste for risk into a settings file."""
    import msgspec

    from hypermaker.proposal import Wish, file_text, propose

    asks = sys.stdin.isatty() and not yes
    answers = _answers(asset, capital_usd, risk, asks=asks)
    limit = position_limit_usd
    if limit is None and asks:
        limit = typer.prompt("Largest position in USD (0: from the capital)", 0.0) or None
    wish = Wish(
        **answers,
        position_limit_usd=limit,
        maker_fee_bps=maker_fee_bps,
        epsilon_bps=epsilon_bps,
        touch_half_spread_bps=touch_half_spread_bps,
    )
    made = propose(wish)
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
    else:
        _show(wish, made)
    _refuse_without_edge(made, wish.asset, anyway=anyway)
    if asks and not typer.confirm(f"Write {out}?", default=True):
        raise typer.Exit(0)
    _write(out, file_text(wish, made, network=network), force=force)
    if not as_json:
        typer.echo(f"wrote {out}; `hypermaker run --config {out}` takes it")


def _answers(asset: str, capital_usd: float | None, risk: str, *, asks: bool) -> dict[str, Any]:
    """Return what only the trader knows, asked for where it was not given."""
    from hypermaker.errors import ConfigError

    if asks:
        asset = asset or typer.prompt("Perpetual", "BTC")
        if capital_usd is None:
            capital_usd = typer.prompt("Capital in USD", type=float)
        risk = risk or typer.prompt("Taste for risk (low, medium, high)", "medium")
    if capital_usd is None:
        raise ConfigError("--capital-usd", "(nothing)", "an amount in USD, on a terminal or here")
    return {"asset": asset or "BTC", "capital_usd": capital_usd, "risk": risk or "medium"}


def _show(wish: "Wish", made: "Proposal") -> None:
    quotes = made.position_limit_usd / made.quote_usd
    rows = (
        ("half-spread when flat", f"{made.half_spread_bps:.2f} bps, before the premium"),
        ("of it fee + adverse move", f"{made.cost_bps:.2f} bps"),
        ("skew", f"{made.skew_bps_per_quote:.2f} bps a quote held"),
        ("skew at the limit", f"{made.skew_bps_at_limit:.2f} bps"),
        ("size of a quote", f"{made.quote_usd:.2f} USD"),
        ("largest position", f"{made.position_limit_usd:.2f} USD, {quotes:.1f} quotes"),
        ("inventory, one s.d.", f"{made.inventory_deviation_usd:.2f} USD"),
        ("turnover time", f"{made.turnover_s:.0f} s"),
        ("edge of a fill at the touch", f"{made.edge_at_touch_bps:+.2f} bps"),
    )
    typer.echo(f"{wish.asset}, capital {wish.capital_usd:.2f} USD, taste for risk: {wish.risk}")
    for name, value in rows:
        typer.echo(f"  {name:<28}{value}")


def _refuse_without_edge(made: "Proposal", asset: str, *, anyway: bool) -> None:
    from hypermaker.errors import ConfigError

    if made.edge_at_touch_bps <= 0.0 and not anyway:
        valid = (
            f"a market whose touch pays fee and adverse move (here a fill there loses "
            f"{-made.edge_at_touch_bps:.2f} bps); --anyway to quote behind the touch and wait"
        )
        raise ConfigError("--asset", asset, valid)


def _write(out: Path, text: str, *, force: bool) -> None:
    """Write a file whole, after the parser of `run` has taken it; never over another by mistake."""
    import tomllib

    from hypermaker.config import Settings, convert_table, network_of
    from hypermaker.errors import ConfigError
    from hypermaker.proposal import engine_wishes

    settings = convert_table(tomllib.loads(text), Settings, str(out))
    engine_wishes(settings, str(out))
    if settings.network != "local":
        network_of(settings.network, settings.base_url)
    try:
        with out.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise ConfigError("--out", out, "a file that does not exist yet, or --force") from error
    except OSError as error:
        raise ConfigError("--out", out, error.strerror or "cannot be written") from error


@config.command()
def check(
    file: Annotated[Path, typer.Argument(help="Settings in TOML.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say whether a session would take a file, and every value it would run on."""
    _print_effective(file, as_json=as_json)
    if not as_json:
        typer.echo(f"\n{file} is valid")


@config.command()
def show(
    file: Annotated[Path | None, typer.Argument(help="Settings in TOML; none: defaults.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Print every value a session would run on, without secrets."""
    _print_effective(file, as_json=as_json)


def _print_effective(file: Path | None, *, as_json: bool) -> None:
    import os

    import msgspec

    from hypermaker.config import KEY_VARIABLE, Settings, load_settings, network_of
    from hypermaker.proposal import effective

    settings = Settings() if file is None else load_settings(file)
    if settings.network != "local" or settings.base_url:
        network_of(settings.network, settings.base_url)
    told = effective(settings, "settings" if file is None else str(file))
    told["key_in_environment"] = KEY_VARIABLE in os.environ
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
        return
    for name, value in told.items():
        if isinstance(value, dict):
            typer.echo(f"\n[{name}]")
            for key, inner in value.items():
                typer.echo(f"{key} = {inner!r}")
        else:
            typer.echo(f"{name} = {value!r}")
