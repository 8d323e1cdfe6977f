"""What `/info` is asked and answers, as far as a maker of perpetuals needs it.

Decoding is tolerant of keys that come and go (recordings of 2023 lack some of today's), strict in
the type of those it reads. Prices, sizes and money are decimal strings; times are milliseconds.

Source: hyperliquid-docs, "Info endpoint"; recorded answers.
"""

from typing import Literal

import msgspec
from msgspec import field

Side = Literal["A", "B"]
"""A: ask, sell. B: bid, buy. On a trade the aggressor's."""


class Wire(msgspec.Struct, frozen=True, omit_defaults=True, rename="camel"):
    """Base of all answers: immutable, camelCase on the wire, unset optional keys absent."""


class InfoRequest(Wire, frozen=True):
    """The body of `POST /info`; which keys matter depends on `type`."""

    type: str
    user: str | None = None
    coin: str | None = None
    oid: int | str | None = None
    dex: str | None = None
    start_time: int | None = None
    end_time: int | None = None
    aggregate_by_time: bool | None = None
    n_sig_figs: int | None = None
    mantissa: int | None = None


class MetaAsset(Wire, frozen=True):
    """One row of `meta.universe`; its index is the asset id."""

    sz_decimals: int
    name: str
    max_leverage: int
    margin_table_id: int | None = None
    is_delisted: bool | None = False
    only_isolated: bool | None = False
    margin_mode: str | None = None


class MarginTier(Wire, frozen=True):
    """Max leverage from this notional on."""

    lower_bound: str
    max_leverage: int


class MarginTable(Wire, frozen=True):
    """Tiers of one table."""

    description: str
    margin_tiers: list[MarginTier]


class Meta(Wire, frozen=True):
    """Answer of `meta`."""

    universe: list[MetaAsset]
    margin_tables: list[tuple[int, MarginTable]] = []
    collateral_token: int | None = None


class AssetContext(msgspec.Struct, frozen=True, rename="camel"):
    """Mark, oracle, funding and volume of one asset; the last four are null in an empty book."""

    funding: str
    open_interest: str
    prev_day_px: str
    day_ntl_vlm: str
    oracle_px: str
    mark_px: str
    premium: str | None = None
    mid_px: str | None = None
    impact_pxs: list[str] | None = None
    day_base_vlm: str | None = None


class Level(Wire, frozen=True):
    """Price, size and number of orders."""

    px: str
    sz: str
    n: int = field(default=-1)


class Book(Wire, frozen=True):
    """Answer of `l2Book`: bids best first, asks best first."""

    coin: str
    time: int
    levels: tuple[list[Level], list[Level]]
    spread: str | None = None
    fast: bool = False


class Trade(Wire, frozen=True):
    """One match on the public tape; users are buyer and seller."""

    coin: str
    side: Side
    px: str
    sz: str
    time: int
    hash: str = ""
    tid: int = -1
    users: tuple[str, str] | None = None


class MarginSummary(Wire, frozen=True):
    """Value and margin of an account [USD]."""

    account_value: str
    total_ntl_pos: str
    total_raw_usd: str
    total_margin_used: str


class Leverage(Wire, frozen=True):
    """Margin mode and chosen leverage; raw_usd only when isolated."""

    type: Literal["cross", "isolated"]
    value: int
    raw_usd: str | None = None


class CumulativeFunding(Wire, frozen=True):
    """Funding paid [USD]."""

    all_time: str
    since_open: str
    since_change: str


class Position(msgspec.Struct, frozen=True, rename="camel"):
    """One open position; szi is signed."""

    coin: str
    szi: str
    leverage: Leverage
    entry_px: str | None
    position_value: str
    unrealized_pnl: str
    return_on_equity: str
    liquidation_px: str | None
    margin_used: str
    max_leverage: int | None = None
    cum_funding: CumulativeFunding | None = None


class AssetPosition(msgspec.Struct, frozen=True):
    """`{"type": "oneWay", "position": ...}`"""

    type: str
    position: Position


class ClearinghouseState(Wire, frozen=True):
    """Answer of `clearinghouseState`."""

    margin_summary: MarginSummary
    cross_margin_summary: MarginSummary
    withdrawable: str
    asset_positions: list[AssetPosition]
    time: int = 0
    cross_maintenance_margin_used: str | None = None


class OpenOrder(Wire, frozen=True):
    """One row of `openOrders`, and the `order` of an `orderUpdates` row; sz is what remains."""

    coin: str
    side: Side
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    orig_sz: str | None = None
    cloid: str | None = None
    reduce_only: bool = False


class FrontendOrder(msgspec.Struct, frozen=True, rename="camel"):
    """One row of `frontendOpenOrders`, and the order inside `orderStatus`."""

    coin: str
    side: Side
    limit_px: str
    sz: str
    oid: int
    timestamp: int
    trigger_condition: str = "N/A"
    is_trigger: bool = False
    trigger_px: str = "0.0"
    children: list[msgspec.Raw] = []
    is_position_tpsl: bool = False
    reduce_only: bool = False
    order_type: str = "Limit"
    orig_sz: str | None = None
    tif: str | None = None
    cloid: str | None = None


class OrderWithStatus(Wire, frozen=True):
    """An order and the word that describes it."""

    order: FrontendOrder
    status: str
    status_timestamp: int


class OrderStatusReply(Wire, frozen=True):
    """Answer of `orderStatus`: `order`, or `unknownOid` (which does not prove it never was)."""

    status: Literal["order", "unknownOid"]
    order: OrderWithStatus | None = None


class FillLiquidation(Wire, frozen=True):
    """Why a fill was forced; present on both legs."""

    mark_px: str
    method: str
    liquidated_user: str | None = None


class Fill(Wire, frozen=True):
    """One fill of the account; fee includes a builder's, closed_pnl is gross of fees.

    The venue writes `"twapId": null` on ordinary fills: None is that null, unset is no key.
    """

    coin: str
    px: str
    sz: str
    side: Side
    time: int
    start_position: str
    dir: str
    closed_pnl: str
    hash: str
    oid: int
    crossed: bool
    fee: str
    tid: int = -1
    cloid: str | None = None
    liquidation: FillLiquidation | None = None
    builder_fee: str | None = None
    fee_token: str = field(default="")
    twap_id: int | msgspec.UnsetType | None = msgspec.UNSET


class FundingPayment(Wire, frozen=True):
    """One hourly payment; usdc is negative when we paid."""

    coin: str
    usdc: str
    szi: str
    funding_rate: str
    time: int = 0
    n_samples: int | None = None


class ActiveAssetData(Wire, frozen=True):
    """What the venue would let the account trade now: index 0 buys, 1 sells."""

    user: str
    coin: str
    leverage: Leverage
    max_trade_szs: tuple[str, str]
    available_to_trade: tuple[str, str]
    mark_px: str | None = None


class UserFees(Wire, frozen=True):
    """The two rates a maker of perpetuals pays; fractions, negative is a rebate."""

    user_cross_rate: str
    user_add_rate: str


class UserRateLimit(msgspec.Struct, frozen=True, rename="camel"):
    """The address budget."""

    cum_vlm: str
    n_requests_used: int
    n_requests_cap: int
    n_requests_surplus: int = 0


class UserRole(Wire, frozen=True):
    """What an address is: user, agent (with its user), vault, subAccount (with its master)."""

    role: str
    data: dict[str, str] | None = None


class ExtraAgent(Wire, frozen=True):
    """A named agent and when its approval ends [ms]."""

    name: str
    address: str
    valid_until: int
