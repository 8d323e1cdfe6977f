"""Who owns what: balances, positions and fills, in exact integers of 10^-6 USD.

A tick times a lot is exactly 10^-6 USD, so a trade moves whole units of money and nothing is ever
rounded but fees and funding, each to a whole unit that another account receives. Hence the sum of
all balances never changes but by deposits, and the positions of one asset sum to zero.
"""

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from hypermaker.exchange.fees import BASE, FREE, FeeRates
from hypermaker.exchange.orders import Order

FILLS_KEPT = 10_000  # newest fills the venue still tells (protocol sheet 6.2)
ORDERS_KEPT = 2_000  # newest orders it still knows the end of
FUNDINGS_KEPT = 10_000
FEE_ADDRESS = "0x" + "fe" * 20  # where fees and the crumbs of funding go
HOUSE_ADDRESS = "0x" + "00" * 19 + "01"  # counterparty of a replayed market


class Fill(msgspec.Struct, frozen=True):
    """One side of one trade, as its owner sees it.

    start_lots     signed position before it       closed_usd_micro  realised, gross of fees
    fee_usd_micro  what was paid, < 0 is a rebate  crossed           whether this side took
    """

    asset: int
    side: int
    price_ticks: int
    size_lots: int
    time_ms: int
    start_lots: int
    closed_usd_micro: int
    fee_usd_micro: int
    crossed: bool
    oid: int
    cloid: str | None
    tid: int
    hash: str

    @property
    def notional_usd_micro(self) -> int:
        """Return price times size."""
        return self.price_ticks * self.size_lots


class Funding(msgspec.Struct, frozen=True):
    """One hourly settlement of one position; usd_micro > 0 was received."""

    asset: int
    time_ms: int
    usd_micro: int
    position_lots: int
    rate_e10: int


class Position:
    """One cross position.

    cost_usd_micro   signed cost of what is held: its entry price times its signed size
    """

    __slots__ = ("cost_usd_micro", "funding_all", "funding_change", "funding_open", "lots")

    def __init__(self) -> None:
        self.lots = self.cost_usd_micro = 0
        self.funding_all = self.funding_open = self.funding_change = 0

    def trade(self, lots: int, price_ticks: int) -> int:
        """Add signed lots at a price; return what that realised, in 10^-6 USD.

        The entry price is averaged on increases and unchanged on reductions; a flip closes the
        whole position first. The realised parts of a round trip add up to its exact result.
        """
        realised = 0
        if self.lots * lots < 0:
            closing = min(abs(self.lots), abs(lots))
            signed = closing if lots > 0 else -closing
            part = self.cost_usd_micro * closing // abs(self.lots)
            realised = -signed * price_ticks - part
            self.cost_usd_micro -= part
            self.lots += signed
            lots -= signed
        if self.lots == 0:
            self.funding_open = 0
        self.lots += lots
        self.cost_usd_micro += lots * price_ticks
        self.funding_change = 0
        return realised


class Account:
    """One address.

    cash_usd_micro   deposits plus everything trades, fees and funding moved (`totalRawUsd`)
    simulated        a trader of our own: pays no attention to margin, keeps no history
    """

    def __init__(self, address: str, *, rates: FeeRates = BASE, simulated: bool = False) -> None:
        self.address, self.rates, self.simulated = address, rates, simulated
        self.cash_usd_micro = 0
        self.deposits: list[tuple[int, int]] = []
        self.positions: dict[int, Position] = {}
        self.leverage: dict[int, int] = {}
        self.open_orders: dict[int, Order] = {}
        self.by_cloid: dict[str, Order] = {}
        self.known_orders: dict[int, Order] = {}
        self.fills: deque[Fill] = deque(maxlen=FILLS_KEPT)
        self.fundings: deque[Funding] = deque(maxlen=FUNDINGS_KEPT)
        self.taker_usd_micro = self.maker_usd_micro = 0
        self.requests_used = self.cancels_used = self.requests_bought = 0
        self.slow_lane_ns = 0
        self.cancel_at_ms: int | None = None

    def position_lots(self, asset: int) -> int:
        """Return the signed position of an asset, 0 when there never was one."""
        held = self.positions.get(asset)
        return held.lots if held else 0

    def position(self, asset: int) -> Position:
        """Return the position of an asset, made on first use."""
        held = self.positions.get(asset)
        if held is None:
            held = self.positions[asset] = Position()
        return held

    @property
    def volume_usd_micro(self) -> int:
        """Return cumulative volume, both sides counted."""
        return self.taker_usd_micro + self.maker_usd_micro

    def remember(self, order: Order) -> None:
        """Keep an order for `orderStatus`; the oldest ended ones are forgotten by count."""
        if self.simulated:
            return
        self.known_orders[order.oid] = order
        if len(self.known_orders) > ORDERS_KEPT + len(self.open_orders):
            for oid in self.known_orders:
                if oid not in self.open_orders:
                    del self.known_orders[oid]
                    return

    def opened(self, order: Order) -> None:
        """Note that an order rests on a book."""
        self.open_orders[order.oid] = order
        if order.cloid is not None:
            self.by_cloid[order.cloid] = order

    def closed(self, order: Order) -> None:
        """Note that an order has left the book."""
        del self.open_orders[order.oid]
        if order.cloid is not None and self.by_cloid.get(order.cloid) is order:
            del self.by_cloid[order.cloid]


class Accounts:
    """Every account, and the only code that moves money between them."""

    def __init__(self) -> None:
        self._by_address: dict[str, Account] = {}
        self.fees = self.open(FEE_ADDRESS, rates=FREE, simulated=True)

    def __iter__(self) -> Iterator[Account]:
        return iter(self._by_address.values())

    def get(self, address: str) -> Account | None:
        """Return the account of a lower-case address, None when it never deposited."""
        return self._by_address.get(address)

    def of(self, address: str) -> Account:
        """Return the account of an address that must exist."""
        return self._by_address[address]

    def open(self, address: str, *, rates: FeeRates = BASE, simulated: bool = False) -> Account:
        """Return the account of an address, made when it is not there yet."""
        found = self._by_address.get(address)
        if found is None:
            found = Account(address, rates=rates, simulated=simulated)
            self._by_address[address] = found
        return found

    def deposit(self, address: str, usd_micro: int, at_ms: int) -> None:
        """Credit money from outside; the only way any comes in."""
        account = self.open(address)
        account.cash_usd_micro += usd_micro
        account.deposits.append((at_ms, usd_micro))

    def trade(self, account: Account, fill: Fill) -> Fill:
        """Book one side of a trade and return it with what it realised."""
        held = account.position(fill.asset)
        signed = fill.side * fill.size_lots
        start = held.lots
        realised = held.trade(signed, fill.price_ticks)
        account.cash_usd_micro -= signed * fill.price_ticks + fill.fee_usd_micro
        self.fees.cash_usd_micro += fill.fee_usd_micro
        if fill.crossed:
            account.taker_usd_micro += fill.notional_usd_micro
        else:
            account.maker_usd_micro += fill.notional_usd_micro
        return msgspec.structs.replace(fill, start_lots=start, closed_usd_micro=realised)

    def pay_funding(self, account: Account, paid: Funding) -> None:
        """Credit (or charge, when negative) one settlement; the other side is the fee account."""
        account.cash_usd_micro += paid.usd_micro
        self.fees.cash_usd_micro -= paid.usd_micro
        held = account.position(paid.asset)
        for name in ("funding_all", "funding_open", "funding_change"):
            setattr(held, name, getattr(held, name) - paid.usd_micro)
        if not account.simulated:
            account.fundings.append(paid)

    def cash_total(self) -> int:
        """Return the sum of all balances: equal to the sum of all deposits, always."""
        return sum(account.cash_usd_micro for account in self)

    def position_total(self, asset: int) -> int:
        """Return the sum of all positions of an asset: zero, always."""
        return sum(account.position_lots(asset) for account in self)


def holders(accounts: Iterable[Account], asset: int) -> list[tuple[Account, Position]]:
    """Return every account that holds a position of an asset, in the order they were opened."""
    return [
        (account, account.positions[asset])
        for account in accounts
        if account.position_lots(asset) != 0
    ]
