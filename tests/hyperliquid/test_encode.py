"""Frames and bodies as the venue reads them."""

import json

import msgspec
import pytest

from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.signing import Signature, Signer
from hypermaker.hyperliquid.wire_exchange import Action, Limit, OrderKind, OrderWire
from hypermaker.hyperliquid.wire_info import InfoRequest
from hypermaker.hyperliquid.wire_ws import ClientFrame, Subscription

ORDER = OrderWire(0, True, "1", "1", False, OrderKind(limit=Limit("Alo")))
SIGNER = Signer(b"\7" * 32, mainnet=False)


def keys(raw: bytes) -> list[str]:
    """Return the keys of a JSON object in the order they are written."""
    return [name for name, _ in json.loads(raw, object_pairs_hook=list)]


def test_an_order_is_plain_decimal_text_without_trailing_zeros(btc: Asset) -> None:
    wire = encode.order(
        btc,
        -1,
        price_ticks=642_500,
        size_lots=150,
        reduce_only=True,
        tif="Ioc",
        cloid="0x" + "0" * 31 + "1",
    )
    assert msgspec.to_builtins(wire) == {
        "a": 0,
        "b": False,
        "p": "64250",
        "s": "0.0015",
        "r": True,
        "t": {"limit": {"tif": "Ioc"}},
        "c": "0x" + "0" * 31 + "1",
    }


@pytest.mark.parametrize(("side", "price", "size"), [(0, 1, 1), (1, 0, 1), (1, 1, 0), (1, -1, 1)])
def test_an_order_that_cannot_be_is_our_bug(btc: Asset, side: int, price: int, size: int) -> None:
    with pytest.raises(AssertionError):
        encode.order(btc, side, price_ticks=price, size_lots=size)


@pytest.mark.parametrize(
    "action",
    [
        encode.noop_action(),
        encode.schedule_cancel_action(None),
        encode.cancel_action(0, [1], fast=False),
        encode.batch_modify_action(
            [(1, OrderWire(0, True, "1", "1", False, OrderKind(limit=Limit("Alo"))))]
        ),
    ],
)
def test_optional_keys_are_absent_never_null_or_false(action: Action) -> None:
    """A hashed `f: false`, `a: false` or null is another action (X5, X6)."""
    raw = encode.signed_request(SIGNER, action, 1)
    assert b"null" not in raw and b'"f":' not in raw and b'"a":false' not in raw
    assert b"vaultAddress" not in raw and b"expiresAfter" not in raw


def test_a_body_signed_elsewhere_is_the_body_signed_here() -> None:
    """The signer child returns a signature; the body must not depend on who made it."""
    action, vault, expires = encode.noop_action(), "0x" + "11" * 20, 99
    signature = SIGNER.sign(encode.pack(action), 5, vault, expires)
    assert isinstance(signature, Signature)
    body = encode.request_body(action, 5, signature, vault, expires)
    assert body == encode.signed_request(SIGNER, action, 5, vault, expires)
    assert keys(body) == ["action", "nonce", "signature", "vaultAddress", "expiresAfter"]


def test_posts_wrap_the_body_unchanged_and_the_exchange_reads_them() -> None:
    body = encode.signed_request(SIGNER, encode.noop_action(), 5)
    frame = msgspec.json.decode(encode.post_frame(256, body), type=ClientFrame)
    assert frame.method == "post" and frame.id == 256 and frame.request is not None
    assert frame.request.type == "action" and bytes(frame.request.payload) == body
    question = encode.info_request(InfoRequest("orderStatus", user="0xab", oid=5))
    asked = msgspec.json.decode(encode.post_info_frame(7, question), type=ClientFrame)
    assert asked.request is not None and asked.request.type == "info"
    assert json.loads(bytes(asked.request.payload)) == json.loads(question)
    assert json.loads(question) == {"type": "orderStatus", "user": "0xab", "oid": 5}
    assert msgspec.json.decode(encode.PING, type=ClientFrame).method == "ping"


def test_a_subscription_names_only_what_it_needs() -> None:
    frame = encode.subscribe_frame(Subscription("l2Book", coin="BTC", fast=True))
    wanted = {"type": "l2Book", "coin": "BTC", "fast": True}
    assert json.loads(frame) == {"method": "subscribe", "subscription": wanted}
    frame = encode.unsubscribe_frame(Subscription("bbo", coin="BTC"))
    wanted = {"type": "bbo", "coin": "BTC"}
    assert json.loads(frame) == {"method": "unsubscribe", "subscription": wanted}
