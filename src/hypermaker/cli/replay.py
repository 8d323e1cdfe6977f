"""`hypermaker replay`: run a recorded session through the engine again."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hypermaker.tape.format import Journal
    from hypermaker.tape.replay import Difference


def replay(
    session: Annotated[Path, typer.Argument(help="A journal file, or the session's folder.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Exit 1 unless every action is the same.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Say what a session heard and asked, and whether the engine would ask the same again."""
    from hypermaker.shell.journal import JOURNAL_NAME
    from hypermaker.tape.format import read_journal
    from hypermaker.tape.replay import engine_config, is_same_code, with_strategy_now
    from hypermaker.tape.replay import replay as replay_journal

    path = session / JOURNAL_NAME if session.is_dir() else session
    journal = read_journal(path)
    config = engine_config(journal, path)
    now = with_strategy_now(config)
    difference = replay_journal(journal, now)
    facts = {
        "session": str(path),
        "asset": journal.header.asset,
        "network": journal.header.network,
        "events": len(journal.events),
        "actions": len(journal.actions),
        "torn_bytes": journal.torn,
        "strategy": config.strategy,
        "same_strategy": now == config,
        "same_code": is_same_code(journal),
        "identical": difference is None,
        "first_difference": None if difference is None else difference.index,
    }
    _print(facts, journal, difference, as_json=as_json)
    if verify and difference is not None:
        raise typer.Exit(1)


def _print(
    facts: dict[str, object], journal: "Journal", difference: "Difference | None", *, as_json: bool
) -> None:
    if as_json:
        import msgspec

        typer.echo(msgspec.json.encode(facts).decode())
        return
    typer.echo(f"{facts['events']} events, {facts['actions']} actions ({facts['session']})")
    if journal.torn:
        typer.echo(f"the last {journal.torn} bytes are torn and were left out")
    if not facts["same_strategy"]:
        typer.echo(f"{facts['strategy']} has changed since the session")
    if difference is None:
        typer.echo("the engine asks for the same actions, byte for byte")
        return
    code = "the same code" if facts["same_code"] else "other code than the session's"
    typer.echo(f"first difference at event {difference.index} (with {code})")
    typer.echo(f"  recorded: {_names(difference.recorded)}")
    typer.echo(f"  replayed: {_names(difference.replayed)}")


def _names(actions: object) -> str:
    import numpy as np

    from hypermaker.core.actions import Ask

    rows = np.atleast_1d(np.asarray(actions))
    shown = [
        f"{Ask(int(row['kind'])).name} #{row['order_seq']} "
        f"{row['size_lots']} @ {row['price_ticks']}"
        for row in rows
    ]
    return "; ".join(shown) or "nothing"
