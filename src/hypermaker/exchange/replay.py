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

from pathlib import Path

from hypermaker.core.units import NS_PER_MS
from hypermaker.errors import TapeError
from hypermaker.exchange.accounts import HOUSE_ADDRESS, Accounts
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.fees import FREE
from hypermaker.exchange.journal import Trade
from hypermaker.exchange.margin import may_be_filled
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import Matcher
from hypermaker.exchange.orders import Order, Status, Tif, Wish
from hypermaker.exchange.state import ExchangeState
from hypermaker.exchange.universe import LIVE, listing_named
from hypermaker.tape.parquet import (
    BOOK,
    TRADE,
    Moment,
    Recording,
    Side,
    assets_in,
    read_recording,
)


class Replay:
    """The recorded market of one asset, on the session's clock.

    Parameters
    ----------
    origin_ms   recorded time that is shown at start_ns
    start_ns    when the session starts
    """

    def __init__(
        self,
        market: Market,
        recording: Recording,
        *,
        matcher: Matcher,
        accounts: Accounts,
        origin_ms: int,
        start_ns: int,
    ) -> None:
        self.market, self._matcher, self._accounts = market, matcher, accounts
        self._house = accounts.open(HOUSE_ADDRESS, rates=FREE, simulated=True)
        self._moments, self._next = recording.moments, 0
        self._origin_ms, self._start_ns = origin_ms, start_ns
        self._pieces: dict[int, dict[int, list[Order]]] = {1: {}, -1: {}}
        opening = next(one for one in recording.moments if one.kind != TRADE)
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
        until_ms = self._origin_ms + (now_ns - self._start_ns) // NS_PER_MS
        while not self.ended and self._moments[self._next].time_ms <= until_ms:
            moment = self._moments[self._next]
            self._next += 1
            self._matcher.begin_transaction()
            if moment.kind == TRADE:
                self._print(*moment.trade)
            else:
                self._show(moment)

    def _show(self, moment: Moment) -> None:
        """Make the house's orders what the recording shows; a touch leaves deeper levels alone."""
        self.fair_ticks = (moment.bids[0][0] + moment.asks[0][0]) / 2
        sides = ((1, moment.bids), (-1, moment.asks))
        for side, levels in sides:
            self._drop_stale(side, levels, whole=moment.kind == BOOK)
        for side, levels in sides:
            for price, lots in levels:
                left = self._cross(side, price, lots)
                self._set_level(side, price, left)

    def _drop_stale(self, side: int, levels: Side, *, whole: bool) -> None:
        """Remove recorded levels better than the recorded touch, or (whole) not recorded now."""
        shown = {price for price, _ in levels}
        for price in list(self._pieces[side]):
            if side * (price - levels[0][0]) > 0 or (whole and price not in shown):
                self._set_level(side, price, 0)

    def _cross(self, side: int, price: int, lots: int) -> int:
        """Let a recorded level trade with orders of ours it crosses; return what it has left."""
        if not self.market.book.crosses(side, price):
            return lots
        half = self.market.book.half(-side)
        taker = self._order(side, price, lots)
        while taker.remaining_lots and self.market.book.crosses(side, price):
            maker = half.first()
            assert maker is not None
            if maker.owner == HOUSE_ADDRESS:  # a recording that crosses itself: the newer holds
                self._set_level(-side, maker.price_ticks, 0)
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

    def _print(self, side: int, price: int, lots: int, tid: int) -> None:
        """Let a recorded print eat the line of its price, and orders of ours in front of it."""
        half = self.market.book.half(-side)
        for stale in [p for p in self._pieces[-side] if side * (price - p) > 0]:
            self._set_level(-side, stale, 0)
        taker, recorded = self._order(side, price, lots), 0
        while taker.remaining_lots and self.market.book.crosses(side, price):
            maker = half.first()
            assert maker is not None
            if maker.owner != HOUSE_ADDRESS:
                self._fill(maker, taker)
                continue
            eaten = min(maker.remaining_lots, taker.remaining_lots)
            taker.remaining_lots -= eaten
            recorded += eaten
            self._shrink(maker, eaten)
        self._tell(side, price, recorded + taker.remaining_lots, tid)

    def _tell(self, side: int, price: int, lots: int, tid: int) -> None:
        """Print what of a recorded trade was not ours, as it was recorded."""
        if not lots:
            return
        trade = Trade(
            self.market.index, side, price, lots, self._matcher.now_ms, tid,
            self._matcher.hash, HOUSE_ADDRESS, HOUSE_ADDRESS,
        )  # fmt: skip
        self.market.printed(trade)
        self._matcher.journal.traded(trade)

    def _order(self, side: int, price: int, lots: int) -> Order:
        wish = Wish(self.market.index, side, price, lots, Tif.GTC)
        matcher = self._matcher
        return Order(
            oid=matcher.next_oid(), owner=HOUSE_ADDRESS, wish=wish, placed_ms=matcher.now_ms
        )

    def _set_level(self, side: int, price: int, lots: int) -> None:
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
            self._grow(side, price, line, lots - shown)
        if line:
            self._pieces[side][price] = line
        else:
            self._pieces[side].pop(price, None)

    def _grow(self, side: int, price: int, line: list[Order], lots: int) -> None:
        """Add recorded size at the end of a line, to the last piece if nobody stands behind it."""
        half = self.market.book.half(side)
        if line and half.last_at(price) is line[-1]:
            half.grow(line[-1], lots)
            return
        piece = self._order(side, price, lots)
        half.add(piece)
        self._house.opened(piece)
        line.append(piece)

    def _shrink(self, piece: Order, lots: int) -> None:
        self.market.book.half(piece.side).shrink(piece, lots)
        if not piece.remaining_lots:
            self._house.closed(piece)


def recorded_assets(path: Path) -> tuple[str, ...]:
    """Return which listed assets a tape can be replayed for; raises TapeError for none."""
    found = tuple(name for name in assets_in(path) if name in LIVE)
    if not found:
        raise TapeError(path, f"holds none of {', '.join(LIVE)}")
    return found


def replays(state: ExchangeState, config: ExchangeConfig, path: Path) -> dict[int, Replay]:
    """Return the recorded market of every configured asset; they start at one recorded moment.

    Raises TapeError for an asset the tape does not hold and for files that cannot be read.
    """
    recordings = [
        read_recording(path, name, listing_named(name).sz_decimals) for name in config.assets
    ]
    origin_ms = max(recording.start_ms for recording in recordings)
    if origin_ms > min(recording.end_ms for recording in recordings):
        raise TapeError(path, "holds recordings that have no moment in common")
    return {
        (market := state.by_name[recording.asset]).index: Replay(
            market,
            recording,
            matcher=state.matcher,
            accounts=state.accounts,
            origin_ms=origin_ms,
            start_ns=config.start_ns,
        )
        for recording in recordings
    }
