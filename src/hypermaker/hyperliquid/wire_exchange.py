"""What goes to `/exchange` and comes back: one Struct per JSON object, shared by both ends.

Field order is the venue's key order: the action's hash is over msgpack *in that order*, and an
optional key that is not set must be absent, never null or false. Encoding a Struct therefore gives
the canonical bytes, whatever order the peer sent. Numbers that look like numbers are strings.

Source: hyperliquid-docs, "Exchange endpoint"; hyperliquid-python-sdk, exchange.py.
"""

from typing import Literal

import msgspec

from hypermaker.hyperliquid.signing import Signature

Tif = Literal["Alo", "Ioc", "Gtc", "FrontendMarket"]
ENTRIES_MAX = 200
"""Orders or cancels in one action; 201 is refused whole."""


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """Base of all wire objects: immutable, unset optional keys absent."""


class Limit(Wire, frozen=True):
    """`{"tif": ...}`"""

    tif: Tif


class Trigger(Wire, frozen=True, rename="camel"):
    """A take-profit or stop, watched on the mark price."""

    is_market: bool
    trigger_px: str
    tpsl: Literal["tp", "sl"]


class OrderKind(Wire, frozen=True):
    """Either `{"limit": ...}` or `{"trigger": ...}`."""

    limit: Limit | None = None
    trigger: Trigger | None = None


class OrderWire(Wire, frozen=True):
    """One order: asset id, buy?, price, size, reduce-only?, kind, client order id."""

    a: int
    b: bool
    p: str
    s: str
    r: bool
    t: OrderKind
    c: str | None = None


class Builder(Wire, frozen=True):
    """Address and fee (tenths of a basis point) of a front end."""

    b: str
    f: int


class PriorityFee(Wire, frozen=True):
    """Grouping that buys queue order: a rate of p * 10^-8."""

    p: int


class PlaceAction(Wire, frozen=True, tag_field="type", tag="order"):
    """Place a batch of orders."""

    orders: list[OrderWire]
    grouping: Literal["na", "normalTpsl", "positionTpsl"] | PriorityFee
    builder: Builder | None = None


class OidCancel(Wire, frozen=True):
    """Asset id and order id."""

    a: int
    o: int


class CancelAction(Wire, frozen=True, tag_field="type", tag="cancel"):
    """Cancel by order id; `f` asks for priority in the mempool."""

    cancels: list[OidCancel]
    f: bool = False


class CloidCancel(Wire, frozen=True):
    """Asset id and client order id."""

    asset: int
    cloid: str


class CancelByCloidAction(Wire, frozen=True, tag_field="type", tag="cancelByCloid"):
    """Cancel by client order id; `f` asks for priority in the mempool."""

    cancels: list[CloidCancel]
    f: bool = False


class Modify(Wire, frozen=True):
    """An order to replace, by order id or client order id, and what replaces it."""

    oid: int | str
    order: OrderWire


class ModifyAction(Wire, frozen=True, tag_field="type", tag="modify"):
    """Replace one order; answers without statuses."""

    oid: int | str
    order: OrderWire
    a: bool = False


class BatchModifyAction(Wire, frozen=True, tag_field="type", tag="batchModify"):
    """Replace orders; `a` places the new one even when the cancel leg failed."""

    modifies: list[Modify]
    a: bool = False


class NoopAction(Wire, frozen=True, tag_field="type", tag="noop"):
    """Spend the nonce and do nothing."""


class ScheduleCancelAction(Wire, frozen=True, tag_field="type", tag="scheduleCancel"):
    """Cancel everything at `time` [ms]; without it, disarm."""

    time: int | None = None


class UpdateLeverageAction(
    Wire, frozen=True, tag_field="type", tag="updateLeverage", rename="camel"
):
    """Set leverage and margin mode of an asset."""

    asset: int
    is_cross: bool
    leverage: int


class UpdateIsolatedMarginAction(
    Wire, frozen=True, tag_field="type", tag="updateIsolatedMargin", rename="camel"
):
    """Move `ntli` millionths of a USDC into (or out of) an isolated position."""

    asset: int
    is_buy: bool
    ntli: int


class ReserveRequestWeightAction(Wire, frozen=True, tag_field="type", tag="reserveRequestWeight"):
    """Buy address budget at 0.0005 USDC a request."""

    weight: int
    destination: str | None = None


class ApproveAgentAction(Wire, frozen=True, tag_field="type", tag="approveAgent", rename="camel"):
    """Let an agent key trade for the account; user-signed."""

    hyperliquid_chain: str
    signature_chain_id: str
    agent_address: str
    nonce: int
    agent_name: str | None = None


class UsdClassTransferAction(
    Wire, frozen=True, tag_field="type", tag="usdClassTransfer", rename="camel"
):
    """Move USDC between spot and perps; user-signed."""

    hyperliquid_chain: str
    signature_chain_id: str
    amount: str
    to_perp: bool
    nonce: int


class UsdSendAction(Wire, frozen=True, tag_field="type", tag="usdSend", rename="camel"):
    """Send USDC to another account; user-signed, `time` is the nonce."""

    hyperliquid_chain: str
    signature_chain_id: str
    destination: str
    amount: str
    time: int


class WithdrawAction(Wire, frozen=True, tag_field="type", tag="withdraw3", rename="camel"):
    """Withdraw USDC from the chain; user-signed, `time` is the nonce."""

    hyperliquid_chain: str
    signature_chain_id: str
    destination: str
    amount: str
    time: int


L1Action = (
    PlaceAction
    | CancelAction
    | CancelByCloidAction
    | ModifyAction
    | BatchModifyAction
    | NoopAction
    | ScheduleCancelAction
    | UpdateLeverageAction
    | UpdateIsolatedMarginAction
    | ReserveRequestWeightAction
)
"""Actions hashed as msgpack and signed by an agent."""

UserSignedAction = ApproveAgentAction | UsdClassTransferAction | UsdSendAction | WithdrawAction
"""Actions a master key signs over their fields."""

Action = L1Action | UserSignedAction


class ExchangeRequest(Wire, frozen=True, rename="camel"):
    """The body of `POST /exchange` and the payload of a `post` of type action.

    vault_address     account the signer acts for, lowercase, when it is not its own
    expires_after     [ms] the action is refused after this time
    """

    action: Action
    nonce: int
    signature: Signature
    vault_address: str | None = None
    expires_after: int | None = None


class Resting(Wire, frozen=True):
    """The order is on the book."""

    oid: int
    cloid: str | None = None


class Filled(Wire, frozen=True, rename="camel"):
    """The order matched on arrival, in whole or in part."""

    total_sz: str
    avg_px: str
    oid: int
    cloid: str | None = None


class Status(Wire, frozen=True):
    """One entry of `statuses` that is an object: exactly one key is set."""

    resting: Resting | None = None
    filled: Filled | None = None
    error: str | None = None


class Statuses(Wire, frozen=True):
    """`data` of a batch: one entry per order or cancel in the order sent, or one for all."""

    statuses: list[Status | str]


class BatchResponse(Wire, frozen=True):
    """`response` of an accepted action; `data` only where the type has statuses."""

    type: str
    data: Statuses | None = None


class ExchangeReply(Wire, frozen=True):
    """The body that answers `/exchange`: `ok` with a response or `err` with a text."""

    status: Literal["ok", "err"]
    response: BatchResponse | str
