"""L1 signatures: byte-identical to the venue's own code, and a key that cannot leak."""

import copy
import json
import pickle
import random
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hypermaker.errors import ConfigError, ProtocolError
from hypermaker.hyperliquid import curve
from hypermaker.hyperliquid.encode import pack
from hypermaker.hyperliquid.signing import (
    Signature,
    Signer,
    action_hash,
    address_of,
    l1_digest,
    parse_key,
    recover_address,
)
from hypermaker.hyperliquid.wire_exchange import L1Action

KEY = bytes.fromhex("0123456789012345678901234567890123456789012345678901234567890123")
ADDRESS = "0x14791697260e4c9a71f18484c9f997b308e59325"


@pytest.fixture(scope="module")
def vectors(shared: Path) -> list[dict[str, Any]]:
    path = shared / "fixtures/hyperliquid/signing/signing_vectors.json"
    found: list[dict[str, Any]] = json.loads(path.read_text())["l1"]
    assert len(found) >= 15
    return found


def test_every_published_vector_is_reproduced(vectors: list[dict[str, Any]]) -> None:
    """msgpack, action hash and both networks' signatures, hex as the SDK emits it."""
    for case in vectors:
        nonce, vault, expires = case["nonce"], case["vaultAddress"], case["expiresAfter"]
        packed = msgspec.msgpack.encode(case["action"])
        assert packed.hex() == case["msgpackHex"], case["name"]
        hashed = action_hash(packed, nonce, vault=vault, expires_after_ms=expires)
        assert "0x" + hashed.hex() == case["actionHash"], case["name"]
        for network in ("mainnet", "testnet"):
            signer = Signer(parse_key(case["privateKey"]), mainnet=network == "mainnet")
            made, wanted = signer.sign(packed, nonce, vault, expires), case[network]
            assert (made.r, made.s, made.v) == (wanted["sdk_r"], wanted["sdk_s"], wanted["v"])
            assert signer.address == case["signer"].lower()
            digest = l1_digest(hashed, mainnet=network == "mainnet")
            assert recover_address(digest, made) == signer.address


def test_the_structs_pack_every_vector_they_can_express(vectors: list[dict[str, Any]]) -> None:
    """Decoding JSON and packing the Struct gives the bytes the SDK hashed."""
    packed = 0
    for case in vectors:
        try:
            action = msgspec.convert(case["action"], type=L1Action)
        except msgspec.ValidationError as error:
            assert case["action"]["type"] in str(error)  # sub-accounts and the SDK's dummy
            continue
        assert pack(action).hex() == case["msgpackHex"], case["name"]
        packed += 1
    assert packed >= 11


def test_short_r_and_s_lose_their_leading_zeros_and_still_recover() -> None:
    """The SDK prints integers as hex; a published vector has a 63-digit r."""
    signer, short = Signer(KEY, mainnet=True), 0
    for nonce in range(600):
        digest = l1_digest(nonce.to_bytes(32, "big"), mainnet=True)
        made = signer.sign_digest(digest)
        assert made.r == hex(int(made.r, 16)) and made.s == hex(int(made.s, 16))
        short += len(made.r) < 66 or len(made.s) < 66
        padded = Signature("0x" + made.r[2:].zfill(64), "0x" + made.s[2:].zfill(64), made.v)
        if len(made.r) < 66:
            assert recover_address(digest, made) == recover_address(digest, padded) == ADDRESS
    assert short > 10


def test_without_packages_the_same_signatures_come_out(monkeypatch: pytest.MonkeyPatch) -> None:
    packed_signer = Signer(KEY, mainnet=False)
    monkeypatch.setattr(curve, "IMPLEMENTATION", "plain")
    plain_signer = Signer(KEY, mainnet=False)
    source = random.Random(3)
    for _ in range(20):
        packed = source.randbytes(120)
        made = plain_signer.sign(packed, 5, None, 9)
        assert made == packed_signer.sign(packed, 5, None, 9)
        digest = l1_digest(action_hash(packed, 5, expires_after_ms=9), mainnet=False)
        assert recover_address(digest, made) == plain_signer.address == ADDRESS


@pytest.mark.parametrize(
    "signature",
    [
        Signature("0x0", "0x1", 27),
        Signature("0x1", "0x1", 26),
        Signature("0x1", "0x1", 31),
        Signature("not hex", "0x1", 27),
        Signature("0x" + "f" * 70, "0x1", 27),
        Signature("-0x1", "0x1", 27),
        Signature("0x1", "0x1", 10**30),
    ],
)
def test_a_malformed_signature_is_a_protocol_error(signature: Signature) -> None:
    with pytest.raises(ProtocolError):
        recover_address(b"\1" * 32, signature)


def test_a_signer_shows_its_address_and_nothing_else() -> None:
    """S4: repr, str, format; no dict; no copies, no pickles, no msgspec."""
    signer, secret = Signer(KEY, mainnet=True), KEY.hex()
    texts = [repr(signer), str(signer), f"{signer}", f"{signer!r:>80}", f"{[signer]}"]
    assert all(ADDRESS in text and secret[:8] not in text for text in texts)
    with pytest.raises(TypeError):
        vars(signer)
    for leak in (
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        msgspec.json.encode,
        msgspec.to_builtins,
        json.dumps,
        lambda it: it.__getstate__(),
        lambda it: it.__reduce_ex__(4),
    ):
        with pytest.raises(TypeError) as caught:
            leak(signer)
        assert secret[:8] not in str(caught.value)


def test_a_malformed_key_is_refused_without_showing_it() -> None:
    """S5: no 8-character run of the key in any message, whatever is wrong with it."""
    source = random.Random(4)
    for _ in range(200):
        text = "".join(source.choice("0123456789abcdefg ") for _ in range(source.randrange(90)))
        try:
            address_of(parse_key(text))
        except ConfigError as error:
            shown = f"{error} {error!r} {error.value} {error.__cause__}"
            runs = {text[at : at + 8] for at in range(len(text) - 7)}
            assert not [run for run in runs if run.strip() and run in shown]
    for wrong in (bytes(32), curve.N.to_bytes(32, "big"), b"\1" * 31, b""):
        with pytest.raises(ConfigError):
            Signer(wrong, mainnet=True)
