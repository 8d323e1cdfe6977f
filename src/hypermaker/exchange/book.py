"""A price-time book: who is first in line at which price. It knows no accounts and no money."""

from bisect import bisect_left
from collections.abc import Iterator

from hypermaker.exchange.orders import Order

BUY, SELL = 1, -1


class Level:
    """All orders at one price, first come first."""

    __slots__ = ("orders", "size_lots")

    def __init__(self) -> None:
        self.orders: dict[int, Order] = {}
        self.size_lots = 0


class HalfBook:
    """One side of a book.

    Prices are kept as keys that ascend away from the touch (`-price` for bids), so that both
    sides are the same code and the best price is always first.
    """

    __slots__ = ("keys", "levels", "side")

    def __init__(self, side: int) -> None:
        self.side = side
        self.keys: list[int] = []
        self.levels: dict[int, Level] = {}

    def add(self, order: Order) -> None:
        """Put an order at the end of the line of its price."""
        key = -order.side * order.price_ticks
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            self.keys.insert(bisect_left(self.keys, key), key)
        level.orders[order.oid] = order
        level.size_lots += order.remaining_lots

    def remove(self, order: Order) -> None:
        """Take an order out of its line, with what remains of it."""
        key = -order.side * order.price_ticks
        level = self.levels[key]
        del level.orders[order.oid]
        level.size_lots -= order.remaining_lots
        if not level.orders:
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]

    def shrink(self, order: Order, lots: int) -> None:
        """Take `lots` from a resting order where it stands; it leaves when nothing remains."""
        assert 0 < lots <= order.remaining_lots
        if lots == order.remaining_lots:
            self.remove(order)
        else:
            self.levels[-order.side * order.price_ticks].size_lots -= lots
        order.remaining_lots -= lots

    def grow(self, order: Order, lots: int) -> None:
        """Add to a resting order where it stands: only fair for the last of its line."""
        order.remaining_lots += lots
        self.levels[-order.side * order.price_ticks].size_lots += lots

    def last_at(self, price_ticks: int) -> Order | None:
        """Return the last order in the line of a price, None when nobody stands there."""
        level = self.levels.get(-self.side * price_ticks)
        return next(reversed(level.orders.values())) if level else None

    def best_ticks(self) -> int:
        """Return the best price, 0 when the side is empty."""
        return -self.side * self.keys[0] if self.keys else 0

    def first(self) -> Order | None:
        """Return the order that trades next, None when the side is empty."""
        if not self.keys:
            return None
        return next(iter(self.levels[self.keys[0]].orders.values()))

    def depth(self, levels_max: int) -> list[tuple[int, int, int]]:
        """Return (price_ticks, size_lots, orders) of the best levels, best first."""
        return [
            (-self.side * key, self.levels[key].size_lots, len(self.levels[key].orders))
            for key in self.keys[:levels_max]
        ]

    def __iter__(self) -> Iterator[Order]:
        """Yield every order in the order it would trade."""
        for key in self.keys:
            yield from self.levels[key].orders.values()


class Book:
    """Both sides of one asset."""

    __slots__ = ("asks", "bids")

    def __init__(self) -> None:
        self.bids = HalfBook(BUY)
        self.asks = HalfBook(SELL)

    def half(self, side: int) -> HalfBook:
        """Return the side orders of `side` rest on."""
        return self.bids if side == BUY else self.asks

    def crosses(self, side: int, price_ticks: int) -> bool:
        """Return whether an order of `side` at this price would trade now."""
        best = self.half(-side).best_ticks()
        return bool(best) and side * (price_ticks - best) >= 0

    def touch(self) -> tuple[int, int]:
        """Return (best bid, best ask) in ticks, 0 for an empty side."""
        return self.bids.best_ticks(), self.asks.best_ticks()
