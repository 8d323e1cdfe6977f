"""A session's end in words, for a person."""

from hypermaker.shell.outcome import Outcome

FEW_FILLS = 3


def report(outcome: Outcome, coin: str) -> str:
    """Return the summary of a session, a few short lines."""
    profit = outcome.pnl_usd
    parts = ", ".join(f"{name} {usd:+.4f}" for name, usd in profit.items() if name != "total")
    lines = [
        f"{outcome.seconds:.0f} s on {coin}: {outcome.orders_placed} orders placed, "
        f"{outcome.orders_cancelled} cancelled, {outcome.fills} fills, "
        f"{outcome.volume_usd:,.2f} USD traded",
        f"profit {profit['total']:+.4f} USD = {parts}",
        f"the exchange says {outcome.account_value_change_usd:+.4f} USD "
        f"(difference {outcome.identity_gap_usd:+.6f})",
        f"position {outcome.position_engine} {coin} (exchange: {outcome.position_exchange}), "
        f"at most {outcome.max_abs_position} of {outcome.position_limit}",
        f"open orders left: {outcome.open_orders_at_exit}",
    ]
    if outcome.killed:
        lines.append(
            f"ended by the kill switch: {outcome.killed}, {outcome.killed_value} beyond "
            f"{outcome.killed_limit}; position: {outcome.end}"
        )
    if outcome.inherited_position:
        lines.append(
            f"found {outcome.inherited_position} {coin} at the start; its "
            f"{outcome.inherited_profit_usd:+.4f} USD from before is not in the profit above"
        )
    if outcome.unknown_outcomes:
        lines.append(f"{outcome.unknown_outcomes} orders had an unknown outcome and were resolved")
    if outcome.fills < FEW_FILLS:
        lines.append(_why_few(outcome))
    lines.append(f"journal: {outcome.session}")
    return "\n".join(lines)


def _why_few(outcome: Outcome) -> str:
    if outcome.orders_placed == 0:
        return "nothing was quoted: no usable market data in this time, or a limit forbids it"
    return (
        "few or no fills, as expected in a short time: an honest quote covers the maker fee and "
        "what better-informed takers cost, so where the market's own half-spread is smaller "
        "(BTC: 0.07 bps) it stands far behind the touch and is reached only by large moves"
    )
