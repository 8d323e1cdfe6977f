"""A thousand actions, built from integers here and from floats by the official SDK: same bytes."""

import random
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from hypermaker.core.units import format_units
from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.signing import Signer
from hypermaker.hyperliquid.wire_exchange import Action, ExchangeRequest, Tif

eth_account = pytest.importorskip("eth_account")
sdk_exchange = pytest.importorskip("hyperliquid.exchange")
sdk_types = pytest.importorskip("hyperliquid.utils.types")
sdk_signing = pytest.importorskip("hyperliquid.utils.signing")
sdk_constants = pytest.importorskip("hyperliquid.utils.constants")

ASSETS = [Asset(f"C{decimals}", decimals, decimals, 10) for decimals in range(6)]
TIFS: list[Tif] = ["Alo", "Ioc", "Gtc"]
ROUNDS = 250


class Recording(sdk_exchange.Exchange):  # type: ignore[misc,name-defined]
    """The official client, stopped where it would send."""

    def __init__(self, wallet: Any, url: str, vault: str | None) -> None:
        meta = {"universe": [{"name": a.coin, "szDecimals": a.sz_decimals} for a in ASSETS]}
        spot: dict[str, list[Any]] = {"tokens": [], "universe": []}
        super().__init__(wallet, url, meta, vault_address=vault, spot_meta=spot)
        self.sent: list[tuple[str, dict[str, Any]]] = []

    def post(self, url_path: str, payload: Any = None) -> Any:
        self.sent.append((url_path, payload))


def random_order(source: random.Random) -> tuple[Asset, dict[str, Any], dict[str, Any]]:
    """Return an asset, the order as the SDK takes it, and the same in integers."""
    asset = source.choice(ASSETS)
    power = source.randrange(0, asset.price_decimals + 2)
    price_ticks = source.randrange(1, 100_000) * 10**power
    size_lots, buys = source.randrange(1, 10**6), source.random() < 0.5
    reduce_only, tif = source.random() < 0.3, source.choice(TIFS)
    cloid = f"0x{source.randrange(2**128):032x}" if source.random() < 0.7 else None
    theirs: dict[str, Any] = {
        "coin": asset.coin,
        "is_buy": buys,
        "sz": float(format_units(size_lots, asset.sz_decimals)),
        "limit_px": float(format_units(price_ticks, asset.price_decimals)),
        "order_type": {"limit": {"tif": tif}},
        "reduce_only": reduce_only,
    }
    if cloid is not None:
        theirs["cloid"] = sdk_types.Cloid(cloid)
    ours = {
        "side": 1 if buys else -1,
        "price_ticks": price_ticks,
        "size_lots": size_lots,
        "reduce_only": reduce_only,
        "tif": tif,
        "cloid": cloid,
    }
    return asset, theirs, ours


def four_actions(source: random.Random, exchange: Recording) -> Iterator[Action]:
    """Let the SDK send an order batch, a cancel, a cancel by cloid and a modify; yield ours."""
    batch = [random_order(source) for _ in range(source.choice([1, 1, 2, 5, 20]))]
    exchange.bulk_orders([theirs for _, theirs, _ in batch])
    yield encode.place_action([encode.order(asset, **ours) for asset, _, ours in batch])
    asset = source.choice(ASSETS)
    oids = [source.randrange(2**40) for _ in range(source.choice([1, 3, 20]))]
    exchange.bulk_cancel([{"coin": asset.coin, "oid": oid} for oid in oids])
    yield encode.cancel_action(asset.asset_id, oids, fast=False)
    cloids = [f"0x{source.randrange(2**128):032x}" for _ in range(source.choice([1, 3, 20]))]
    exchange.bulk_cancel_by_cloid(
        [{"coin": asset.coin, "cloid": sdk_types.Cloid(cloid)} for cloid in cloids]
    )
    yield encode.cancel_by_cloid_action(asset.asset_id, cloids, fast=False)
    asset, theirs, ours = random_order(source)
    target: int | str = source.choice(
        [source.randrange(2**40), f"0x{source.randrange(2**128):032x}"]
    )
    named = sdk_types.Cloid(target) if isinstance(target, str) else target
    exchange.bulk_modify_orders_new([{"oid": named, "order": theirs}])
    yield encode.batch_modify_action([(target, encode.order(asset, **ours))])


def test_a_thousand_random_actions_are_signed_as_the_official_sdk_signs_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Orders, cancels, modifies, batches; both networks; with and without vault and expiry.

    The SDK's whole JSON body is compared: action, nonce, signature, vault and expiry.
    """
    source, clock = random.Random(5), {"ms": 1_700_000_000_000}
    monkeypatch.setattr(sdk_exchange, "get_timestamp_ms", lambda: clock["ms"])
    checked = 0
    for _ in range(ROUNDS):
        key, mainnet = source.randbytes(32), source.random() < 0.5
        vault = f"0x{source.randrange(2**160):040x}" if source.random() < 0.5 else None
        url = sdk_constants.MAINNET_API_URL if mainnet else sdk_constants.TESTNET_API_URL
        exchange = Recording(eth_account.Account.from_key(key), url, vault)
        expires = clock["ms"] + source.randrange(10_000) if source.random() < 0.5 else None
        exchange.set_expires_after(expires)
        signer = Signer(key, mainnet=mainnet)
        for action in four_actions(source, exchange):
            path, payload = exchange.sent.pop()
            body = encode.signed_request(signer, action, clock["ms"], vault, expires)
            wanted = {name: value for name, value in payload.items() if value is not None}
            assert path == "/exchange" and msgspec.json.decode(body) == wanted
            clock["ms"] += 1
            checked += 1
    assert checked == 4 * ROUNDS


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (encode.noop_action(), {"type": "noop"}),
        (encode.schedule_cancel_action(None), {"type": "scheduleCancel"}),
        (encode.schedule_cancel_action(123456789), {"type": "scheduleCancel", "time": 123456789}),
        (
            encode.update_leverage_action(3, 10),
            {"type": "updateLeverage", "asset": 3, "isCross": True, "leverage": 10},
        ),
        (
            encode.cancel_action(0, [7]),
            {"type": "cancel", "cancels": [{"a": 0, "o": 7}], "f": True},
        ),
        (
            encode.cancel_by_cloid_action(2, ["0x" + "0" * 32]),
            {
                "type": "cancelByCloid",
                "cancels": [{"asset": 2, "cloid": "0x" + "0" * 32}],
                "f": True,
            },
        ),
    ],
)
def test_rare_actions_hash_as_the_sdk_hashes_their_json(
    ours: Action, theirs: dict[str, Any]
) -> None:
    """X5: the fast flag is the last key, and absent when false."""
    wallet, nonce = eth_account.Account.from_key(b"\3" * 32), 1_700_000_000_000
    signature = sdk_signing.sign_l1_action(wallet, theirs, None, nonce, None, True)
    made = Signer(b"\3" * 32, mainnet=True).sign(encode.pack(ours), nonce)
    assert {"r": made.r, "s": made.s, "v": made.v} == signature


def test_the_exchange_reads_back_what_was_signed_and_hashes_the_same() -> None:
    """Decoding the body and packing the Struct again gives the signed bytes."""
    source = random.Random(6)
    for _ in range(100):
        asset, _, ours = random_order(source)
        action = encode.place_action([encode.order(asset, **ours)])
        body = encode.signed_request(Signer(b"\3" * 32, mainnet=True), action, 5)
        assert encode.pack(msgspec.json.decode(body, type=ExchangeRequest).action) == encode.pack(
            action
        )
