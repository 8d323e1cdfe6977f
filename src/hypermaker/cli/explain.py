"""`hypermaker explain`: why a quote of a recorded session stood where it stood."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from hypermaker.explain import Moment, Quote
    from hypermaker.tape.format import Journal

ONE_OF = "exactly one of --order, --at and --last"


def explain(
    session: Annotated[Path, typer.Argument(help="A journal file, or the session's folder.")],
    order: Annotated[str, typer.Option(help="An order's number or client id.")] = "",
    at: Annotated[
        str, typer.Option(help="A time (ISO 8601, UTC), or seconds since the session began.")
    ] = "",
    last: Annotated[bool, typer.Option("--last", help="When the last order was placed.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Replay a session up to a moment and tell what every price was the sum of."""
    import msgspec

    from hypermaker.explain import explain as explain_moment
    from hypermaker.shell.journal import JOURNAL_NAME
    from hypermaker.tape.format import read_journal
    from hypermaker.tape.replay import engine_config, with_strategy_now

    path = session / JOURNAL_NAME if session.is_dir() else session
    journal = read_journal(path)
    index, order_seq = _event(journal, order, at, is_last=last)
    config = with_strategy_now(engine_config(journal, path))
    told = explain_moment(journal, config, index, order_seq=order_seq)
    if as_json:
        typer.echo(msgspec.json.encode(told).decode())
        return
    for line in lines_of(told, journal.header.asset):
        typer.echo(line)


def _event(journal: "Journal", order: str, at: str, *, is_last: bool) -> "tuple[int, int | None]":
    """Return (event index, order number or None); raises ConfigError for anything but one."""
    from hypermaker.errors import ConfigError
    from hypermaker.explain import event_at, event_of_last_order, event_of_order

    if bool(order) + bool(at) + is_last != 1:
        raise ConfigError("explain", " ".join(filter(None, (order, at))) or "(nothing)", ONE_OF)
    if order:
        return event_of_order(journal, order)
    return (event_at(journal, at) if at else event_of_last_order(journal)), None


def lines_of(told: "Moment", coin: str) -> list[str]:
    """Return an explanation as a person reads it."""
    lines = [f"{coin} at {told.at}, after event {told.event}, strategy {told.strategy}"]
    if not told.is_identical:
        lines.append("other code than the session's: this is what the present engine would do")
    if told.order is not None:
        placed = told.order
        lines.append(
            f"order {placed.order_seq} ({placed.cloid}): {placed.side} {placed.size} {coin} "
            f"at {placed.price}, asked {placed.at}"
        )
        lines += [f"  {after:10.3f} s later: {what}" for after, what in placed.heard]
    if not told.quotes:
        lines.append("no quote was wanted" + ("" if told.is_quoting else ": quoting was withdrawn"))
    for quote in told.quotes:
        lines += ["", *_quote_lines(quote, told.fair, coin)]
    return [*lines, "", *_knowledge(told)]


def _quote_lines(quote: "Quote", fair: float, coin: str) -> list[str]:
    only = ", reduce only" if quote.is_reduce_only else ""
    side = "below" if quote.side == "buy" else "above"
    head = f"{quote.side} {quote.size} {coin} at {quote.price}{only}"
    terms = [f"  {_label(name):<22}{bps:>+14.6f} bps" for name, bps in quote.terms_bps.items()]
    total = f"  {'= ' + side + ' the fair price':<22}{quote.distance_bps:>+14.6f} bps of {fair:.6f}"
    return [head, *terms, total, f"  (the terms miss by {quote.gap_bps:.1e} bps)"]


def _knowledge(told: "Moment") -> list[str]:
    """Return what was believed, what was allowed, and how old the feeds were."""
    lines = ["believed then", *_pairs(told.believed), "limits", *_pairs(told.limits)]
    for side, facts in told.gate.items():
        lines += [f"gate, {side} side", *_pairs(facts)]
    lines += ["age of the feeds, ms", *_pairs(told.feeds_ms)]
    if told.resting:
        lines.append("orders that could still fill")
        lines += [
            f"  {o['order_seq']:>6} {o['side']:<5}{o['may_fill']:>12} at {o['price']} ({o['life']})"
            for o in told.resting
        ]
    return lines


def _pairs(facts: dict[str, Any]) -> list[str]:
    return [
        f"  {name.replace('_', ' '):<24} {value:.6g}"
        if isinstance(value, float)
        else f"  {name.replace('_', ' '):<24} {value}"
        for name, value in facts.items()
    ]


def _label(name: str) -> str:
    return "adverse selection" if name == "adverse" else name.replace("_", " ")
