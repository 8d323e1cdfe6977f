"""One listed asset as it trades: its book, its last prices, its recent prints."""

from collections import deque

from hypermaker.exchange.book import Book
from hypermaker.exchange.journal import Trade
from hypermaker.exchange.universe import Listing

TRADES_REPLAYED = 30  # what a subscriber to `trades` is told first (protocol sheet 7.4)


class Market:
    """State of one asset.

    last_ticks        price of the last print             mark_ticks, oracle_ticks  [ticks]
    day_lots          volume since the exchange started   funding_e10  estimate for this hour
    funding_paid      (time_ms, rate_e10, premium_e10) of every settled hour
    premium_e10       last sampled premium, 10^-10; None while the book has an empty side
    """

    def __init__(self, listing: Listing, start_ticks: int) -> None:
        self.listing, self.index, self.name = listing, listing.index, listing.name
        self.book = Book()
        self.last_ticks = self.start_ticks = start_ticks
        self.mark_ticks = self.oracle_ticks = start_ticks
        self.day_lots = self.day_usd_micro = self.open_interest_lots = 0
        self.funding_e10 = 125_000
        self.premium_e10: int | None = None
        self.recent: deque[Trade] = deque(maxlen=TRADES_REPLAYED)
        self.funding_paid: list[tuple[int, int, int]] = []

    def open_at(self, price_ticks: int) -> None:
        """Set every price to that of the market's opening."""
        self.last_ticks = self.start_ticks = price_ticks
        self.mark_ticks = self.oracle_ticks = price_ticks

    def printed(self, trade: Trade) -> None:
        """Note a print."""
        self.last_ticks = trade.price_ticks
        self.day_lots += trade.size_lots
        self.day_usd_micro += trade.size_lots * trade.price_ticks
        self.recent.append(trade)

    def mid_half_ticks(self) -> int | None:
        """Return bid plus ask (twice the mid, so that it is whole), None with an empty side."""
        bid, ask = self.book.touch()
        return bid + ask if bid and ask else None
