"""A recording as the market: the venue's own book and prints, our orders queueing behind them.

The recorded size at each price is kept as orders of one house account on the ordinary book, so
that everything else (post-only, matching, feeds) is the same code. Queue rules:

- an order of ours joins behind all recorded size at its price;
- recorded prints at that price eat the line from its front, ours included once it is their turn;
  one print's size is shared once;
- recorded size that grows joins behind us; size that shrinks without a print leaves from the back
  first, so what is ahead of us is never less than min(ahead, displayed): cancels do not help us;
- prints beyond our price, and recorded books that cross it, fill us at our price.

What we take is gone only until the recording next says how much there is: it never knew of us.
"""

from collections.abc import Mapping

import msgspec

from hypermaker.core.events import Events, Flag, Kind
from hypermaker.errors import ConfigError
from hypermaker.exchange.accounts import HOUSE_ADDRESS, Accounts
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.fees import FREE
from hypermaker.exchange.journal import Trade
from hypermaker.exchange.margin import may_be_filled
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import Matcher
from hypermaker.exchange.orders import Order, Status, Tif, Wish
from hypermaker.exchange.state import ExchangeState

Level = tuple[int, int]
"""(price_ticks, size_lots)"""


class Shown(msgspec.Struct, frozen=True):
    """Levels of both sides the recording shows, best first; `whole`: there is nothing else."""

    bids: list[Level]
    asks: list[Level]
    whole: bool


class Print(msgspec.Struct, frozen=True):
    """One recorded trade; side is the aggressor's."""

    side: int
    price_ticks: int
    size_lots: int
    tid: int


def moments(recording: Events) -> list[tuple[int, Shown | Print]]:
    """Return (venue_ns, what was recorded) in the recording's order, books put together."""
    names = ("kind", "marks", "side", "venue_ns", "bid_ticks", "bid_lots", "ask_ticks", "ask_lots")
    columns = (recording[name].tolist() for name in names)
    told: list[tuple[int, Shown | Print]] = []
    bids: list[Level] = []
    asks: list[Level] = []
    for kind, marks, side, at_ns, first, second, third, fourth in zip(*columns, strict=True):
        if kind == Kind.TRADE:
            told.append((at_ns, Print(side, first, second, third)))
        elif kind == Kind.BBO:
            told.append((at_ns, Shown([(first, second)], [(third, fourth)], False)))
        else:
            bids.append((first, second))
            asks.append((third, fourth))
            if marks & Flag.LAST:
                told.append((at_ns, Shown(bids, asks, True)))
                bids, asks = [], []
    return told


class Replay:
    """The recorded market of one asset, on the session's clock.

    Parameters
    ----------
    recording   EVENTs of kind BBO, DEPTH and TRADE, in order
    origin_ns   recorded time that is shown at start_ns
    start_ns    when the session starts
    """

    def __init__(
        self,
        market: Market,
        recording: Events,
        *,
        matcher: Matcher,
        accounts: Accounts,
        origin_ns: int,
        start_ns: int,
    ) -> None:
        self.market, self._matcher, self._accounts = market, matcher, accounts
        self._house = accounts.open(HOUSE_ADDRESS, rates=FREE, simulated=True)
        self._moments, self._next = moments(recording), 0
        self._shift_ns = start_ns - origin_ns
        self._pieces: dict[int, dict[int, list[Order]]] = {1: {}, -1: {}}
        opening = next(what for _, what in self._moments if isinstance(what, Shown))
        self.fair_ticks = (opening.bids[0][0] + opening.asks[0][0]) / 2
        market.open_at(round(self.fair_ticks))

    @property
    def ended(self) -> bool:
        """Return whether everything recorded has been shown; the book then stands still."""
        return self._next == len(self._moments)

    def quote(self, now_ns: int) -> None:
        """Do nothing: recorded makers act together with recorded takers, in `take`."""

    def take(self, now_ns: int) -> None:
        """Show everything recorded up to this time."""
        while not self.ended and self._moments[self._next][0] + self._shift_ns <= now_ns:
            what = self._moments[self._next][1]
            self._next += 1
            self._matcher.begin_transaction()
            if isinstance(what, Print):
                self._print(what)
            else:
                self._show(what)

    def _show(self, shown: Shown) -> None:
        """Make the house's orders what the recording shows; a touch leaves deeper levels alone."""
        self.fair_ticks = (shown.bids[0][0] + shown.asks[0][0]) / 2
        sides = ((1, shown.bids), (-1, shown.asks))
        for side, levels in sides:
            self._drop_stale(side, levels, whole=shown.whole)
        for side, levels in sides:
            for level in levels:
                self._set_level(side, level[0], lots=self._cross(side, level))

    def _drop_stale(self, side: int, levels: list[Level], *, whole: bool) -> None:
        """Remove recorded levels better than the recorded touch, or (whole) not recorded now."""
        shown = {price for price, _ in levels}
        for price in list(self._pieces[side]):
            if side * (price - levels[0][0]) > 0 or (whole and price not in shown):
                self._set_level(side, price, lots=0)

    def _cross(self, side: int, level: Level) -> int:
        """Let a recorded level trade with orders of ours it crosses; return what it has left."""
        price, lots = level
        if not self.market.book.crosses(side, price):
            return lots
        half = self.market.book.half(-side)
        taker = self._order(side, price, lots=lots)
        while taker.remaining_lots and self.market.book.crosses(side, price):
            maker = half.first()
            assert maker is not None
            if maker.owner == HOUSE_ADDRESS:  # a recording that crosses itself: the later holds
                self._set_level(-side, maker.price_ticks, lots=0)
            else:
                self._fill(maker, taker)
        return taker.remaining_lots

    def _fill(self, maker: Order, taker: Order) -> None:
        """Fill an order of ours from a recorded taker, or cancel it if it cannot pay."""
        owner = self._accounts.of(maker.owner)
        lots = min(maker.remaining_lots, taker.remaining_lots)
        if not may_be_filled(owner, self.market, self._matcher.markets, maker.side * lots):
            self._matcher.cancel(owner, maker, Status.MARGIN_CANCELED)
            return
        taker.remaining_lots -= lots
        self._matcher.fill_maker(self.market, maker, self._house, taker, lots)

    def _print(self, recorded: Print) -> None:
        """Let a recorded print eat the line of its price, and orders of ours in front of it."""
        side, price, book = recorded.side, recorded.price_ticks, self.market.book
        for stale in [p for p in self._pieces[-side] if side * (price - p) > 0]:
            self._set_level(-side, stale, lots=0)
        taker = self._order(side, price, lots=recorded.size_lots)
        eaten = 0
        while taker.remaining_lots and book.crosses(side, price):
            maker = book.half(-side).first()
            assert maker is not None
            if maker.owner != HOUSE_ADDRESS:
                self._fill(maker, taker)
                continue
            lots = min(maker.remaining_lots, taker.remaining_lots)
            taker.remaining_lots -= lots
            eaten += lots
            self._shrink(maker, lots)
        self._tell(recorded, eaten + taker.remaining_lots)

    def _tell(self, recorded: Print, lots: int) -> None:
        """Print what of a recorded trade was not ours, as it was recorded."""
        if not lots:
            return
        trade = Trade(
            self.market.index, recorded.side, recorded.price_ticks, lots, self._matcher.now_ms,
            recorded.tid, self._matcher.hash, HOUSE_ADDRESS, HOUSE_ADDRESS,
        )  # fmt: skip
        self.market.printed(trade)
        self._matcher.journal.traded(trade)

    def _order(self, side: int, price: int, *, lots: int) -> Order:
        wish = Wish(self.market.index, side, price, lots, Tif.GTC)
        matcher = self._matcher
        return Order(
            oid=matcher.next_oid(), owner=HOUSE_ADDRESS, wish=wish, placed_ms=matcher.now_ms
        )

    def _set_level(self, side: int, price: int, *, lots: int) -> None:
        """Make the recorded size at a price `lots`: growth joins at the back, shrinkage leaves it.

        Pieces a taker of ours has eaten are gone from the book already.
        """
        line = [one for one in self._pieces[side].get(price, ()) if one.remaining_lots]
        shown = sum(piece.remaining_lots for piece in line)
        while shown > lots:
            gone = min(line[-1].remaining_lots, shown - lots)
            self._shrink(line[-1], gone)
            shown -= gone
            if not line[-1].remaining_lots:
                line.pop()
        if lots > shown:
            self._grow(side, price, line, lots=lots - shown)
        if line:
            self._pieces[side][price] = line
        else:
            self._pieces[side].pop(price, None)

    def _grow(self, side: int, price: int, line: list[Order], *, lots: int) -> None:
        """Add recorded size at the end of a line, to the last piece if nobody stands behind it."""
        half = self.market.book.half(side)
        if line and half.last_at(price) is line[-1]:
            half.grow(line[-1], lots)
            return
        piece = self._order(side, price, lots=lots)
        half.add(piece)
        self._house.opened(piece)
        line.append(piece)

    def _shrink(self, piece: Order, lots: int) -> None:
        self.market.book.half(piece.side).shrink(piece, lots)
        if not piece.remaining_lots:
            self._house.closed(piece)


def replays(
    state: ExchangeState, config: ExchangeConfig, recordings: Mapping[str, Events]
) -> dict[int, Replay]:
    """Return the recorded market of every configured asset; they start at one recorded moment.

    Raises ConfigError for an asset nobody recorded, or recordings with no moment in common.
    """
    missing = [name for name in config.assets if name not in recordings]
    if missing:
        raise ConfigError("asset", missing[0], "one of " + ", ".join(recordings))
    chosen = [recordings[name] for name in config.assets]
    origin_ns = max(int(recording["venue_ns"][0]) for recording in chosen)
    end_ns = min(int(recording["venue_ns"][-1]) for recording in chosen)
    if origin_ns > end_ns:
        raise ConfigError("tape", ", ".join(config.assets), "recordings of one and the same time")
    return {
        state.by_name[name].index: Replay(
            state.by_name[name],
            recording,
            matcher=state.matcher,
            accounts=state.accounts,
            origin_ns=origin_ns,
            start_ns=config.start_ns,
        )
        for name, recording in zip(config.assets, chosen, strict=True)
    }
