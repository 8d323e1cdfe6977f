"""What one block changed, in the order it happened: the only thing the feeds are made from."""

import msgspec

from hypermaker.exchange.accounts import Account, Fill, Funding
from hypermaker.exchange.orders import Order


class Trade(msgspec.Struct, frozen=True):
    """One print: a taker met a maker; side is the taker's, +1 bought."""

    asset: int
    side: int
    price_ticks: int
    size_lots: int
    time_ms: int
    tid: int
    hash: str
    buyer: str
    seller: str


class Update(msgspec.Struct, frozen=True):
    """An order entered a status, with what remained and its time at that moment."""

    order: Order
    status: str
    remaining_lots: int
    status_ms: int


class BlockJournal:
    """Everything that happened since the last block was told.

    Simulated traders are not listened to, so nothing is written down for them but the prints.
    """

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Forget the last block."""
        self.trades: dict[int, list[Trade]] = {}
        self.fills: dict[str, list[Fill]] = {}
        self.updates: dict[str, list[Update]] = {}
        self.fundings: dict[str, list[Funding]] = {}
        self.venue_cancels: dict[str, list[Order]] = {}

    def traded(self, trade: Trade) -> None:
        """Write down a print."""
        self.trades.setdefault(trade.asset, []).append(trade)

    def filled(self, account: Account, fill: Fill) -> None:
        """Write down one side of a trade, and keep it in the account's history."""
        if not account.simulated:
            account.fills.append(fill)
            self.fills.setdefault(account.address, []).append(fill)

    def updated(self, account: Account, order: Order) -> None:
        """Write down that an order entered the status it is in."""
        if not account.simulated:
            update = Update(order, order.status, order.remaining_lots, order.status_ms)
            self.updates.setdefault(account.address, []).append(update)

    def cancelled_by_venue(self, account: Account, order: Order) -> None:
        """Write down a cancel the owner did not ask for."""
        if not account.simulated:
            self.venue_cancels.setdefault(account.address, []).append(order)

    def funded(self, account: Account, funding: Funding) -> None:
        """Write down one hourly settlement."""
        if not account.simulated:
            self.fundings.setdefault(account.address, []).append(funding)
