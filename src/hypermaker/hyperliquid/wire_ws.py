"""The frames of the WebSocket, in both directions.

The server's frames are tagged by `channel`, so that a union of them is decoded in a single pass.
Channels a maker does not read are named in `UNREAD_CHANNELS`.

Source: hyperliquid-docs, "Websocket"; recorded frames of 2026.
"""

from typing import Literal

import msgspec

from hypermaker.hyperliquid.transfers import LedgerUpdate
from hypermaker.hyperliquid.wire_info import (
    ActiveAssetData,
    AssetContext,
    Book,
    Fill,
    FundingPayment,
    Level,
    OpenOrder,
    Trade,
)

GREETING = b"Websocket connection established."
"""Text, not JSON, that older servers send first."""

UNREAD_CHANNELS = frozenset(
    [
        "activeSpotAssetCtx",
        "allDexsAssetCtxs",
        "allDexsClearinghouseState",
        "allMids",
        "assetCtxs",
        "candle",
        "clearinghouseState",
        "explorerBlock",
        "explorerTxs",
        "fastAssetCtxs",
        "notification",
        "openOrders",
        "outcomeMetaUpdates",
        "spotState",
        "twapStates",
        "userFundings",
        "userHistoricalOrders",
        "userTwapHistory",
        "userTwapSliceFills",
        "webData2",
        "webData3",
    ]
)
"""Channels that exist and are skipped."""


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Base of all frames: immutable, camelCase on the wire, unset optional keys absent."""


class Frame(msgspec.Struct, frozen=True, tag_field="channel"):
    """Base of frames of the server; subclasses name their channel."""


class Subscription(Wire, frozen=True):
    """What to listen to; which keys matter depends on `type`."""

    type: str
    coin: str | None = None
    user: str | None = None
    n_sig_figs: int | None = None
    mantissa: int | None = None
    fast: bool | None = None
    aggregate_by_time: bool | None = None
    interval: str | None = None
    dex: str | None = None


class SubscribeFrame(Wire, frozen=True):
    """Client: start or stop a subscription."""

    method: Literal["subscribe", "unsubscribe"]
    subscription: Subscription


class PostRequest(Wire, frozen=True):
    """What a post carries: the body of an info or an exchange request."""

    type: Literal["info", "action"]
    payload: msgspec.Raw


class ClientFrame(Wire, frozen=True):
    """Client: any frame, as the local exchange reads it."""

    method: Literal["subscribe", "unsubscribe", "ping", "post"]
    subscription: Subscription | None = None
    id: int | None = None
    request: PostRequest | None = None


class BookFrame(Frame, frozen=True, tag="l2Book"):
    """Levels of one coin; only fast frames say so."""

    data: Book


class Touch(Wire, frozen=True):
    """Best bid and best ask, null where a side is empty."""

    coin: str
    time: int
    bbo: tuple[Level | None, Level | None]


class BboFrame(Frame, frozen=True, tag="bbo"):
    """The touch changed."""

    data: Touch


class TradesFrame(Frame, frozen=True, tag="trades"):
    """Matches of one block; the first frame after subscribing replays old ones."""

    data: list[Trade]


class CoinContext(Wire, frozen=True):
    """A coin and its context."""

    coin: str
    ctx: AssetContext


class ContextFrame(Frame, frozen=True, tag="activeAssetCtx"):
    """Mark, oracle and funding, once a second."""

    data: CoinContext


class ActiveAssetDataFrame(Frame, frozen=True, tag="activeAssetData"):
    """What we may trade, about once a second."""

    data: ActiveAssetData


class OrderUpdate(Wire, frozen=True):
    """One step in the life of an order."""

    order: OpenOrder
    status: str
    status_timestamp: int


class OrderUpdatesFrame(Frame, frozen=True, tag="orderUpdates"):
    """Steps in the life of our orders; no snapshot, no user id."""

    data: list[OrderUpdate]


class UserFills(Wire, frozen=True):
    """Fills of a user; is_snapshot is absent on live frames."""

    user: str
    fills: list[Fill]
    is_snapshot: bool = False


class UserFillsFrame(Frame, frozen=True, tag="userFills"):
    """Fills, first a snapshot."""

    data: UserFills


class NonUserCancel(Wire, frozen=True):
    """An order the venue cancelled by itself."""

    coin: str
    oid: int


class UserLiquidation(msgspec.Struct, frozen=True):
    """The account was liquidated; the one object the venue writes in snake_case."""

    lid: int
    liquidator: str
    liquidated_user: str
    liquidated_ntl_pos: str
    liquidated_account_value: str


class UserEvents(Wire, frozen=True):
    """Exactly one key is set."""

    fills: list[Fill] | None = None
    funding: FundingPayment | None = None
    liquidation: UserLiquidation | None = None
    non_user_cancel: list[NonUserCancel] | None = None
    twap_history: list[msgspec.Raw] | None = None
    twap_slice_fills: list[msgspec.Raw] | None = None


class UserEventsFrame(Frame, frozen=True, tag="user"):
    """What happened to the account; subscription type `userEvents`."""

    data: UserEvents


class LedgerUpdates(Wire, frozen=True):
    """Deposits, withdrawals and the like of a user; is_snapshot is absent on live frames."""

    user: str
    non_funding_ledger_updates: list[LedgerUpdate]
    is_snapshot: bool = False


class LedgerFrame(Frame, frozen=True, tag="userNonFundingLedgerUpdates"):
    """Ledger lines, first the whole history."""

    data: LedgerUpdates


class Acknowledgement(Wire, frozen=True):
    """The normalised subscription, echoed before its first data."""

    method: Literal["subscribe", "unsubscribe"]
    subscription: Subscription


class AcknowledgementFrame(Frame, frozen=True, tag="subscriptionResponse"):
    """A subscription started or stopped."""

    data: Acknowledgement


class PongFrame(Frame, frozen=True, tag="pong"):
    """Answer to a ping."""


class ErrorFrame(Frame, frozen=True, tag="error"):
    """A request was not understood or not allowed; it carries no id."""

    data: str


class PostResponse(Wire, frozen=True):
    """`info`: {type, data}; `action`: the body of `/exchange`; `error`: a text."""

    type: Literal["info", "action", "error"]
    payload: msgspec.Raw


class PostReply(Wire, frozen=True):
    """The answer to the post of this id."""

    id: int
    response: PostResponse


class PostFrame(Frame, frozen=True, tag="post"):
    """Answer to a post; may come out of order."""

    data: PostReply
