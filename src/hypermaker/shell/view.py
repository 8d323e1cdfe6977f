"""The terminal view: the market, our ladder, the position, the profit and what the models believe.

Drawn from a summary of the state record a few times a second; it decides nothing and a slow
terminal cannot slow the engine's answers by more than one drawing.
"""

import asyncio
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from hypermaker.core.events import Source
from hypermaker.core.units import NS_PER_S
from hypermaker.hyperliquid.assets import Asset
from hypermaker.shell.clock import Clock
from hypermaker.shell.live import Maker
from hypermaker.summary import summarise

EVERY_S = 0.25
FEEDS = (Source.BBO, Source.BOOK_FAST, Source.TRADES, Source.CONTEXT, Source.USER)
BAR_CELLS = 20


class View:
    """Draws one session until cancelled."""

    def __init__(self, maker: Maker, console: Console, clock: Clock) -> None:
        self._maker, self._console, self._clock = maker, console, clock
        self._started_ns = clock()

    async def keep(self) -> None:
        """Draw for ever; the screen is left as it was last drawn."""
        with Live(console=self._console, auto_refresh=False) as live:
            while True:
                live.update(self.draw(), refresh=True)
                await asyncio.sleep(EVERY_S)

    def draw(self) -> Group:
        """Return one picture of the session."""
        told = summarise(self._maker.session.state)
        seconds = (self._clock() - self._started_ns) / NS_PER_S
        asset = self._maker.trader.asset
        top = Table.grid(expand=True)
        top.add_row(
            Panel(market(told, asset), title=f"{asset.coin} on {self._maker.plan.network.name}"),
            Panel(_money(told, asset), title="position and profit"),
            Panel(_beliefs(told, asset), title="what the models believe"),
        )
        ages = Text(f"feeds   {self._ages()}", style="dim")
        foot = Text(_foot(told, seconds, self._maker), style="dim")
        return Group(top, ladder(told, asset), ages, foot)

    def _ages(self) -> str:
        """Return how long ago each feed last spoke."""
        heard = self._maker.session.state[0]["touch"]["heard_ns"]
        now_ns = self._clock()
        told = []
        for source in FEEDS:
            heard_ns = int(heard[source])
            age = f"{(now_ns - heard_ns) / NS_PER_S:.1f} s" if heard_ns else "silent"
            told.append(f"{source.name.lower()} {age}")
        return "   ".join(told)


def _price(ticks: float, asset: Asset) -> str:
    return f"{ticks / 10**asset.price_decimals:,.{asset.price_decimals}f}"


def _size(lots: int, asset: Asset) -> str:
    return f"{lots / 10**asset.sz_decimals:.{asset.sz_decimals}f}"


def _rows(pairs: list[tuple[str, str]]) -> Table:
    table = Table.grid(padding=(0, 1))
    table.add_column(style="dim")
    table.add_column(justify="right")
    for name, text in pairs:
        table.add_row(name, text)
    return table


def market(told: dict[str, Any], asset: Asset) -> Table:
    """Return the touch, its age and whether we quote."""
    bid, ask = told["bid_ticks"], told["ask_ticks"]
    spread_bps = 2e4 * (ask - bid) / (ask + bid) if bid and ask else 0.0
    return _rows(
        [
            ("bid", _price(bid, asset)),
            ("ask", _price(ask, asset)),
            ("spread", f"{spread_bps:.2f} bps"),
            ("age", f"{told['market_age_ms']} ms"),
            ("state", "quoting" if told["is_quoting"] else "not quoting"),
        ]
    )


def _money(told: dict[str, Any], asset: Asset) -> Table:
    held, limit = told["position_lots"], max(1, told["position_limit_lots"])
    cells = min(BAR_CELLS, round(BAR_CELLS * abs(held) / limit))
    bar = "#" * cells + "." * (BAR_CELLS - cells)
    profit = told["pnl_usd"]
    rows = [("position", f"{_size(held, asset)} of {_size(limit, asset)}"), ("limit", bar)]
    rows += [(name, f"{profit[name]:+.4f} USD") for name in profit]
    return _rows(rows)


def _beliefs(told: dict[str, Any], asset: Asset) -> Table:
    models = told["models"]
    return _rows(
        [
            ("fair", _price(models["fair_ticks"], asset)),
            ("sigma", f"{models['sigma_bps']:.3f} bps/sqrt(s)"),
            ("A bid, ask", f"{models['a_bid_per_s']:.2f}, {models['a_ask_per_s']:.2f} /s"),
            ("kappa", f"{models['kappa_per_bps']:.3f} /bps"),
            ("half-spread", _half_spread(told)),
            ("fee", f"{models['fee_bps']:.2f} bps"),
            ("adverse", f"{models['epsilon_bps']:.2f} bps"),
        ]
    )


def _half_spread(told: dict[str, Any]) -> str:
    """Return how far our nearest orders stand from the fair price."""
    fair = told["models"]["fair_ticks"]
    sides = [told["bids"], told["asks"]]
    if not fair or not all(sides):
        return "-"
    near = [abs(side[0]["price_ticks"] / fair - 1.0) * 1e4 for side in sides]
    return f"{near[0]:.2f}, {near[1]:.2f} bps"


def ladder(told: dict[str, Any], asset: Asset) -> Panel:
    """Return our live orders, bids left, asks right, best first."""
    table = Table.grid(padding=(0, 2), expand=True)
    for _ in range(4):
        table.add_column(justify="right")
    live = {side: [o for o in told["orders"] if o["side"] == side] for side in (1, -1)}
    bids = sorted(live[1], key=lambda order: -order["price_ticks"])
    asks = sorted(live[-1], key=lambda order: order["price_ticks"])
    for index in range(max(len(bids), len(asks), 1)):
        table.add_row(*_half(bids, index, asset), *_half(asks, index, asset))
    return Panel(table, title="our orders: bids, asks")


def _half(orders: list[dict[str, Any]], index: int, asset: Asset) -> tuple[str, str]:
    if index >= len(orders):
        return "", ""
    order = orders[index]
    mark = "" if order["life"] == "open" else f" {order['life']}"
    return _price(order["price_ticks"], asset), _size(order["may_fill_lots"], asset) + mark


def _foot(told: dict[str, Any], seconds: float, maker: Maker) -> str:
    pace = told["orders_placed"] / seconds if seconds > 0 else 0.0
    left = "" if maker.plan.seconds is None else f" of {maker.plan.seconds:.0f}"
    return (
        f"{seconds:.0f}{left} s   {told['events']} events   {told['fills']} fills   "
        f"{told['volume_usd']:,.2f} USD   {pace:.1f} orders/s   "
        f"{told['requests_left']} requests left   Ctrl-C cancels everything and ends"
    )
