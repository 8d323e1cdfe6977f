"""Actions a master key signs: the digests are those of the official SDK."""

import json
from pathlib import Path
from typing import Any

import pytest

from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.signing import Signature, address_of, parse_key, recover_address
from hypermaker.hyperliquid.user_signing import USER_SIGNED, user_signed_digest

KEY = b"\5" * 32
CHAIN = {"signatureChainId": "0x66eee", "hyperliquidChain": "Testnet"}


def recovered(action: dict[str, Any], signature: dict[str, Any]) -> str:
    primary_type, fields = USER_SIGNED[action["type"]]
    return recover_address(user_signed_digest(primary_type, fields, action), Signature(**signature))


def test_published_vectors_recover_their_signer(shared: Path) -> None:
    path = shared / "fixtures/hyperliquid/signing/signing_vectors.json"
    cases = json.loads(path.read_text())["userSigned"]
    assert len(cases) >= 4
    for case in cases:
        unnamed = "withdraw3" if "withdraw" in case["name"] else "usdSend"
        action = {"type": unnamed, **case["action"]}
        made = {name: case[name] for name in "rsv"}
        assert recovered(action, made) == address_of(parse_key(case["privateKey"]))


def test_the_sdk_approves_agents_sends_and_transfers_as_we_verify() -> None:
    signing = pytest.importorskip("hyperliquid.utils.signing")
    wallet = pytest.importorskip("eth_account").Account.from_key(KEY)
    address = wallet.address.lower()
    agent = {"type": "approveAgent", "agentAddress": "0x" + "12" * 20, "nonce": 7}
    for named in ({**agent, "agentName": "mm1"}, {**agent, "agentName": ""}):
        assert recovered(named, signing.sign_agent(wallet, named, False)) == address
    # The SDK signs the empty name and then posts without it.
    unnamed = {**agent, "agentName": ""}
    signature = signing.sign_agent(wallet, unnamed, False)
    del unnamed["agentName"]
    assert recovered(unnamed, signature) == address
    send = {"type": "usdSend", "destination": "0x" + "34" * 20, "amount": "1.5", "time": 9}
    assert recovered(send, signing.sign_usd_transfer_action(wallet, send, False)) == address
    move = {"type": "usdClassTransfer", "amount": "2", "toPerp": True, "nonce": 11}
    assert recovered(move, signing.sign_usd_class_transfer_action(wallet, move, False)) == address
    away = {"type": "withdraw3", "destination": "0x" + "56" * 20, "amount": "3", "time": 13}
    assert recovered(away, signing.sign_withdraw_from_bridge_action(wallet, away, False)) == address


@pytest.mark.parametrize(
    "broken",
    [
        {},
        {**CHAIN, "agentAddress": "0x12", "nonce": "7"},
        {**CHAIN, "agentAddress": 5, "nonce": 7},
        {**CHAIN, "agentAddress": "0xzz", "nonce": 7},
        {**CHAIN, "agentAddress": "0x12", "nonce": -1},
        {**CHAIN, "signatureChainId": "chain", "agentAddress": "0x12", "nonce": 1},
        {**CHAIN, "signatureChainId": "-1", "agentAddress": "0x12", "nonce": 1},
    ],
)
def test_fields_of_another_shape_are_a_protocol_error(broken: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        user_signed_digest(*USER_SIGNED["approveAgent"], broken)
