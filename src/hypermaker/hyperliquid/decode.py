"""Frames of the WebSocket as events: one pass over the bytes, nothing guessed.

    frame ─► channel? ── data we read ──► EVENT rows
                      ── control ───────► `Decoder.notice`
                      ── data unread ───► nothing
                      ── anything else ─► ProtocolError with the bytes

Prices and sizes are exact or refused: NaN, infinity, zero, negative, or finer than the grid.
Frames of other coins and other users give no rows. The decoder keeps no state but two marks: the
first `trades` frame after a subscription is acknowledged replays old trades, so it is BACKFILL.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from hypermaker.core.events import Events, Flag, Kind, Source
from hypermaker.core.units import NS_PER_MS
from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.answers import UNREADABLE, Answers
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.levels import LevelWriter, QuickBook, QuickBookFrame
from hypermaker.hyperliquid.rows import (
    RATE_DECIMALS,
    ROW_BYTES,
    USD_DECIMALS,
    Stamp,
    pack_row,
    positive_units,
    rounded_units,
)
from hypermaker.hyperliquid.transfers import transfer_usd_micro
from hypermaker.hyperliquid.wire_info import ActiveAssetData, Level, Trade
from hypermaker.hyperliquid.wire_ws import (
    GREETING,
    UNREAD_CHANNELS,
    Acknowledgement,
    AcknowledgementFrame,
    ActiveAssetDataFrame,
    BboFrame,
    CoinContext,
    ContextFrame,
    ErrorFrame,
    LedgerFrame,
    LedgerUpdates,
    OrderUpdate,
    OrderUpdatesFrame,
    PongFrame,
    PostFrame,
    PostReply,
    Touch,
    TradesFrame,
    UserEvents,
    UserEventsFrame,
    UserFills,
    UserFillsFrame,
)

Notice = Acknowledgement | PostReply | ErrorFrame | PongFrame
"""What a control frame said."""

_Inbound = (
    BboFrame
    | TradesFrame
    | QuickBookFrame
    | ContextFrame
    | OrderUpdatesFrame
    | UserFillsFrame
    | UserEventsFrame
    | ActiveAssetDataFrame
    | LedgerFrame
    | PostFrame
    | PongFrame
    | AcknowledgementFrame
    | ErrorFrame
)
_read = msgspec.json.Decoder(_Inbound).decode
TRANSFERS_MAX = 1024
"""Of a history of any length the newest count; older ones are before any session of ours."""


class _AnyFrame(msgspec.Struct, frozen=True):
    channel: str


_read_channel = msgspec.json.Decoder(_AnyFrame).decode


class Decoder(Answers):
    """Reads every frame and answer for one asset of one account.

    Parameters
    ----------
    asset     rows of other coins are skipped
    account   address of the account (not of its agent), any case
    run_id    whose client order ids are ours

    `notice` is what the last frame said besides events: an acknowledgement, a post reply (route it
    by id to `decode_reply` or an info reader), an error or a pong; None for data.
    """

    def __init__(self, asset: Asset, account: str, run_id: int) -> None:
        super().__init__(asset, account, run_id)
        self.notice: Notice | None = None
        self._trades_are_replayed = False
        self._level_writer = LevelWriter(
            price_decimals=asset.price_decimals, size_decimals=asset.sz_decimals
        )

    def decode(self, frame: bytes, received_ns: int, out: Events) -> int:
        """Write what a frame says from the start of `out`; return the number of rows.

        frame         one text frame of the server
        received_ns   when it reached us; stamped on every row
        out           EVENT array, long enough for a snapshot of 2,000 fills
        Raises        ProtocolError with the frame's bytes when it breaks the protocol
        """
        self.notice = None
        try:
            message = _read(frame)
        except UNREADABLE as error:
            return self._skip(frame, error)
        try:
            read = _READERS.get(type(message))
            if read is None:
                self._take_notice(message)
                return 0
            return read(self, message.data, received_ns, self._rows_of(out))
        except UNREADABLE as error:
            raise ProtocolError(f"{type(message).__name__}: {error}", bytes(frame)) from error

    def _skip(self, frame: bytes, error: Exception) -> int:
        """Let pass a greeting and the channels we do not read; refuse the rest."""
        if bytes(frame) == GREETING:
            return 0
        try:
            if _read_channel(frame).channel in UNREAD_CHANNELS:
                return 0
        except UNREADABLE:
            pass
        raise ProtocolError(f"a frame of the venue: {error}", bytes(frame)) from error

    def _take_notice(self, message: _Inbound) -> None:
        if isinstance(message, ErrorFrame | PongFrame):
            self.notice = message
        elif isinstance(message, PostFrame):
            self.notice = message.data
        elif isinstance(message, AcknowledgementFrame):
            self.notice = said = message.data
            wanted = said.subscription
            if wanted.type == "trades" and wanted.coin == self.asset.coin:
                self._trades_are_replayed = said.method == "subscribe"

    def _bbo(self, touch: Touch, received_ns: int, rows: memoryview) -> int:
        if touch.coin != self.asset.coin:
            return 0
        bid, ask = touch.bbo
        head = (Kind.BBO, Source.BBO, 0, 0, 0, 0, touch.time * NS_PER_MS, received_ns)
        pack_row(rows, 0, *head, *self._side(bid), *self._side(ask), 0)
        return 1

    def _book(self, book: QuickBook, received_ns: int, rows: memoryview) -> int:
        if book.coin != self.asset.coin:
            return 0
        return self._level_writer.write(book, received_ns, self._words)

    def _side(self, level: Level | None) -> tuple[int, int]:
        """Return ticks and lots of one level; an absent one has neither."""
        if level is None:
            return 0, 0
        return (
            positive_units(level.px, self._price_decimals),
            positive_units(level.sz, self._size_decimals),
        )

    def _trades(self, trades: list[Trade], received_ns: int, rows: memoryview) -> int:
        n, coin = 0, self.asset.coin
        flags = Flag.BACKFILL if self._trades_are_replayed else 0
        for trade in trades:
            if trade.coin != coin:
                continue
            pack_row(
                rows,
                n * ROW_BYTES,
                Kind.TRADE,
                Source.TRADES,
                1 if trade.side == "B" else -1,
                flags,
                0,
                0,
                trade.time * NS_PER_MS,
                received_ns,
                positive_units(trade.px, self._price_decimals),
                positive_units(trade.sz, self._size_decimals),
                trade.tid,
                0,
                0,
            )
            n += 1
        if n:
            self._trades_are_replayed = False
        return n

    def _context(self, data: CoinContext, received_ns: int, rows: memoryview) -> int:
        if data.coin != self.asset.coin:
            return 0
        context, price = data.ctx, self._price_decimals
        mark_ticks = rounded_units(context.mark_px, price)
        oracle_ticks = rounded_units(context.oracle_px, price)
        if mark_ticks <= 0 or oracle_ticks <= 0:
            raise ValueError("a mark or oracle price that is not above zero")
        open_interest = rounded_units(context.open_interest, self._size_decimals)
        funding = rounded_units(context.funding, RATE_DECIMALS)
        stamp = Stamp(received_ns, Source.CONTEXT)
        union = (mark_ticks, open_interest, oracle_ticks, funding, 0)
        return self._numbers(rows, 0, Kind.CONTEXT, stamp, union)

    def _order_updates(self, updates: list[OrderUpdate], received_ns: int, rows: memoryview) -> int:
        n, stamp = 0, Stamp(received_ns, Source.USER)
        for update in updates:
            n = self._order(
                rows, n, update.order, update.status, update.status_timestamp, stamp=stamp
            )
        return n

    def _user_fills(self, data: UserFills, received_ns: int, rows: memoryview) -> int:
        if data.user.lower() != self.account:
            return 0
        flags = Flag.SNAPSHOT if data.is_snapshot else 0
        n, stamp = 0, Stamp(received_ns, Source.USER, flags)
        for fill in data.fills:
            n = self._fill(rows, n, fill, stamp)
        return n

    def _user_events(self, data: UserEvents, received_ns: int, rows: memoryview) -> int:
        """Write fills and funding.

        `nonUserCancel` gives no row: `orderUpdates` says the same with the remaining size. A
        liquidation gives none either: its fills carry the flag.
        """
        n, stamp = 0, Stamp(received_ns, Source.USER)
        for fill in data.fills or ():
            n = self._fill(rows, n, fill, stamp)
        funding = data.funding
        if funding is not None and funding.coin == self.asset.coin:
            union = (0, 0, 0, rounded_units(funding.usdc, USD_DECIMALS), 0)
            n = self._numbers(rows, n, Kind.FUNDING, stamp, union, venue_ms=funding.time)
        return n

    def _ledger(self, data: LedgerUpdates, received_ns: int, rows: memoryview) -> int:
        """Write one TRANSFER for each block that moved money, oldest first."""
        if data.user.lower() != self.account:
            return 0
        moved: dict[int, int] = {}
        for line in data.non_funding_ledger_updates:
            usd_micro = transfer_usd_micro(line.delta, self.account)
            moved[line.time] = moved.get(line.time, 0) + usd_micro
        flags = Flag.SNAPSHOT if data.is_snapshot else 0
        n, stamp = 0, Stamp(received_ns, Source.USER, flags)
        newest = sorted((at, usd_micro) for at, usd_micro in moved.items() if usd_micro)
        for venue_ms, usd_micro in newest[-TRANSFERS_MAX:]:
            union = (0, 0, 0, usd_micro, 0)
            n = self._numbers(rows, n, Kind.TRANSFER, stamp, union, venue_ms=venue_ms)
        return n

    def _active_asset_data(self, data: ActiveAssetData, received_ns: int, rows: memoryview) -> int:
        return self._limits(rows, 0, data, Stamp(received_ns, Source.USER))


_Reader = Callable[[Decoder, Any, int, memoryview], int]
"""Takes the `data` of one frame type; the table below pairs them, so the type is `Any` here."""

_READERS: dict[type, _Reader] = {
    BboFrame: Decoder._bbo,
    QuickBookFrame: Decoder._book,
    TradesFrame: Decoder._trades,
    ContextFrame: Decoder._context,
    OrderUpdatesFrame: Decoder._order_updates,
    UserFillsFrame: Decoder._user_fills,
    UserEventsFrame: Decoder._user_events,
    ActiveAssetDataFrame: Decoder._active_asset_data,
    LedgerFrame: Decoder._ledger,
}
