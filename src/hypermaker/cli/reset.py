"""`hypermaker reset`: open the kill switch again, with a reason that is kept."""

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from hypermaker.shell.memory import Memory


def reset(
    reason: Annotated[str, typer.Option(help="Why it is safe again; kept in resets.log.")] = "",
    network: Annotated[str, typer.Option(help="Only on this network.")] = "",
    account: Annotated[str, typer.Option(help="Only of this address.")] = "",
    asset: Annotated[str, typer.Option(help="Only of this perpetual.")] = "",
) -> None:
    """Let a session quote again after the kill switch has fired.

    The day's figures start afresh too: the loss that fired it would fire it again at once.
    """
    from hypermaker.errors import ConfigError
    from hypermaker.shell.memory import claimed, latched, open_latch

    if not reason.strip():
        raise ConfigError("--reason", "(nothing)", "a sentence that says why it is safe again")
    wanted = {"network": network, "account": account.lower(), "asset": asset}
    memory = _choose(latched({key: text for key, text in wanted.items() if text}))
    with claimed(memory):
        open_latch(memory, reason.strip())
    typer.echo(f"{_name(memory)}: opened, was stopped by {memory.kept.reason_name}")


def _choose(found: "list[Memory]") -> "Memory":
    """Return the one latch that is meant; asks on a terminal when there are several.

    Raises ConfigError when there is none, or several and nobody to ask.
    """
    import sys

    from hypermaker.errors import ConfigError

    if not found:
        raise ConfigError("reset", "(nothing)", "no kill switch that fits has fired")
    if len(found) == 1:
        return found[0]
    names = [_name(memory) for memory in found]
    if not sys.stdin.isatty():
        valid = f"several have fired, choose with --network, --account, --asset: {'; '.join(names)}"
        raise ConfigError("reset", f"({len(found)} latches)", valid)
    for number, name in enumerate(names, 1):
        typer.echo(f"{number}: {name}")
    chosen: int = typer.prompt("Which one", type=int)
    if not 1 <= chosen <= len(found):
        raise ConfigError("reset", chosen, f"a number from 1 to {len(found)}")
    return found[chosen - 1]


def _name(memory: "Memory") -> str:
    return f"{memory.asset} of {memory.account} on {memory.network}"
