"""Orders as the exchange keeps them, and the answers it gives about them."""

from enum import StrEnum

import msgspec

from hypermaker.hyperliquid.rejects import Refusal


class Tif(StrEnum):
    """How long a limit order may wait; the wire's own words."""

    ALO = "Alo"
    GTC = "Gtc"
    IOC = "Ioc"
    MARKET = "FrontendMarket"

    @property
    def takes_only(self) -> bool:
        """Return whether what does not match at once is cancelled."""
        return self in (Tif.IOC, Tif.MARKET)


class Status(StrEnum):
    """Where an order's life stands; the venue's words (protocol sheet 6.3).

    The words of refusals stand with their texts in `hyperliquid.rejects`.
    """

    OPEN = "open"
    FILLED = "filled"
    CANCELED = "canceled"
    SCHEDULED_CANCEL = "scheduledCancel"
    MARGIN_CANCELED = "marginCanceled"
    SELF_TRADE_CANCELED = "selfTradeCanceled"
    REDUCE_ONLY_CANCELED = "reduceOnlyCanceled"


class Wish(msgspec.Struct, frozen=True):
    """An order as asked for, in the units of the grid, before any rule of the book is applied.

    side          +1 buy, -1 sell
    on_grid       whether the price obeys the tick rule (it is checked per order, not per batch)
    """

    asset: int
    side: int
    price_ticks: int
    size_lots: int
    tif: Tif
    reduce_only: bool = False
    cloid: str | None = None
    on_grid: bool = True


class Order:
    """One order the venue has given an oid to.

    remaining_lots   what may still trade
    status_lots      what remained when the status last changed: what `orderStatus` shows
    asked_lots       what the client asked for (`origSz`), also when reduce-only shrank it
    """

    __slots__ = (
        "asked_lots",
        "asset",
        "cloid",
        "oid",
        "owner",
        "placed_ms",
        "price_ticks",
        "reduce_only",
        "remaining_lots",
        "side",
        "status",
        "status_lots",
        "status_ms",
        "tif",
    )

    def __init__(self, *, oid: int, owner: str, wish: Wish, placed_ms: int) -> None:
        self.oid, self.owner, self.cloid = oid, owner, wish.cloid
        self.asset, self.side, self.tif = wish.asset, wish.side, wish.tif
        self.price_ticks, self.reduce_only = wish.price_ticks, wish.reduce_only
        self.asked_lots = self.remaining_lots = self.status_lots = wish.size_lots
        self.placed_ms = self.status_ms = placed_ms
        self.status: str = Status.OPEN

    def end(self, status: str, at_ms: int) -> None:
        """Enter a status and remember what remained then."""
        self.status, self.status_ms, self.status_lots = status, at_ms, self.remaining_lots


class Rested(msgspec.Struct, frozen=True):
    """The order is on the book."""

    order: Order


class Filled(msgspec.Struct, frozen=True):
    """The order took liquidity; for IOC the rest is gone, for GTC it may rest."""

    order: Order
    filled_lots: int
    cost_usd_micro: int


class Refused(msgspec.Struct, frozen=True):
    """The order never was on the book, in the venue's words."""

    text: str
    status: str


def refused(refusal: Refusal, **blanks: object) -> Refused:
    """Return a row of the venue's table of refusals as an outcome, its blanks filled."""
    return Refused(refusal.text.format(**blanks), refusal.status)


Outcome = Rested | Filled | Refused
