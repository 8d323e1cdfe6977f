"""Request bytes to a signed action, and answers to bytes: the door of the exchange.

The action is decoded into the shared wire Structs and packed again from them, prices and sizes
without trailing zeros: a client that sent its keys in another order, or "1900.50", has signed other
bytes, and is told (as by the venue) that some address nobody knows does not exist.
"""

import re

import msgspec
from msgspec.structs import replace

from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid import rejects
from hypermaker.hyperliquid import wire_exchange as wire
from hypermaker.hyperliquid.encode import pack
from hypermaker.hyperliquid.signing import action_hash, l1_digest, recover_address
from hypermaker.hyperliquid.user_signing import USER_SIGNED, user_signed_digest

NON_TAKING, CANCELLING, TAKING = 0, 1, 2
"""In a block: actions that place no GTC or IOC first, cancels second, takers last."""

NOT_JSON = b"Failed to parse the request body as JSON"
NOT_A_REQUEST = b"Failed to deserialize the JSON body into the target type"
_CLOID = re.compile("0x[0-9a-fA-F]{32}")
CHAINS = {True: "Mainnet", False: "Testnet"}


class Reply(msgspec.Struct, frozen=True):
    """An HTTP answer: status and body."""

    status: int
    body: bytes


class SignedAction(msgspec.Struct, frozen=True):
    """A well-formed request and the key that signed it; nothing is known about the key yet."""

    request: wire.ExchangeRequest
    signer: str


_decoder = msgspec.json.Decoder(wire.ExchangeRequest)
_encode = msgspec.json.Encoder().encode


def ok(response: wire.BatchResponse) -> bytes:
    """Return the body of an accepted action."""
    return _encode(wire.ExchangeReply("ok", response))


def err(text: str) -> bytes:
    """Return the body of an action that was refused whole."""
    return _encode(wire.ExchangeReply("err", text))


DEFAULT = ok(wire.BatchResponse("default"))


def is_json(body: bytes) -> bool:
    """Return whether bytes are a JSON document at all."""
    try:
        msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return False
    return True


def read(body: bytes, *, mainnet: bool) -> SignedAction | Reply:
    """Return the signed action of a request body, or the answer that refuses it."""
    try:
        request = _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return Reply(422, NOT_A_REQUEST) if is_json(body) else Reply(400, NOT_JSON)
    if any(
        order.c is not None and not _CLOID.fullmatch(order.c) for order in placed(request.action)
    ):
        return Reply(422, NOT_A_REQUEST)
    try:
        signer = recover_address(_digest(request, mainnet=mainnet), request.signature)
    except ProtocolError:
        return Reply(200, err(rejects.NO_SIGNER.say()))
    if _signed_for_other_chain(request.action, mainnet=mainnet):
        return Reply(200, err(rejects.OTHER_NETWORK.say()))
    return SignedAction(request, signer)


def _digest(request: wire.ExchangeRequest, *, mainnet: bool) -> bytes:
    action = request.action
    if isinstance(action, wire.UserSignedAction):
        fields = msgspec.to_builtins(action)
        primary_type, names = USER_SIGNED[fields["type"]]
        return user_signed_digest(primary_type, names, fields)
    vault = request.vault_address
    try:
        connection_id = action_hash(
            pack(_normalised(action)),
            request.nonce,
            vault=vault.lower() if vault else None,
            expires_after_ms=request.expires_after,
        )
    except (ValueError, OverflowError) as error:
        raise ProtocolError("a nonce, an expiry and an address that can be hashed") from error
    return l1_digest(connection_id, mainnet=mainnet)


def _normalised(action: wire.Action) -> wire.Action:
    """Return an action with its numbers written as the venue hashes them."""
    if all(_plain(order.p) == order.p and _plain(order.s) == order.s for order in placed(action)):
        return action
    if isinstance(action, wire.PlaceAction):
        return replace(action, orders=[_plain_order(order) for order in action.orders])
    if isinstance(action, wire.ModifyAction):
        return replace(action, order=_plain_order(action.order))
    assert isinstance(action, wire.BatchModifyAction)
    modifies = [replace(one, order=_plain_order(one.order)) for one in action.modifies]
    return replace(action, modifies=modifies)


def _plain_order(order: wire.OrderWire) -> wire.OrderWire:
    return replace(order, p=_plain(order.p), s=_plain(order.s))


def _plain(number: str) -> str:
    """Return a decimal string without trailing zeros.

    >>> _plain("1900.50"), _plain("100.0"), _plain("100")
    ('1900.5', '100', '100')
    """
    return number.rstrip("0").rstrip(".") if "." in number else number


def _signed_for_other_chain(action: wire.Action, *, mainnet: bool) -> bool:
    return isinstance(action, wire.UserSignedAction) and action.hyperliquid_chain != CHAINS[mainnet]


def category(action: wire.Action) -> int:
    """Return which part of a block an action runs in; a modify runs where its new order does."""
    if isinstance(action, wire.CancelAction | wire.CancelByCloidAction):
        return CANCELLING
    return TAKING if any(_takes(order) for order in placed(action)) else NON_TAKING


def placed(action: wire.Action) -> list[wire.OrderWire]:
    """Return the orders an action would place."""
    if isinstance(action, wire.PlaceAction):
        return action.orders
    if isinstance(action, wire.ModifyAction):
        return [action.order]
    if isinstance(action, wire.BatchModifyAction):
        return [modify.order for modify in action.modifies]
    return []


def _takes(order: wire.OrderWire) -> bool:
    return order.t.limit is None or order.t.limit.tif != "Alo"


def entries(action: wire.Action) -> int:
    """Return how many requests of the address budget an action costs, >= 1."""
    if isinstance(action, wire.CancelAction | wire.CancelByCloidAction):
        return max(1, len(action.cancels))
    return max(1, len(placed(action)))
