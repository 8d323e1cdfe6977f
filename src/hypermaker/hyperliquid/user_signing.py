"""Digests of the actions a master key signs over their own fields (EIP-712, no msgpack).

The local exchange verifies them; the trading process never makes one. `hyperliquidChain` inside
the message, not the chain id, is what keeps a testnet signature off the mainnet.

Source: hyperliquid-python-sdk, utils/signing.py.
"""

from collections.abc import Mapping
from types import MappingProxyType

from hypermaker.errors import ProtocolError
from hypermaker.hyperliquid.keccak import keccak_256
from hypermaker.hyperliquid.signing import domain_separator

Fields = tuple[tuple[str, str], ...]
"""(name, Solidity type) in the order of the signed type."""

_CHAIN = ("hyperliquidChain", "string")
_NONCE = ("nonce", "uint64")

USER_SIGNED: Mapping[str, tuple[str, Fields]] = MappingProxyType(
    {
        "approveAgent": (
            "HyperliquidTransaction:ApproveAgent",
            (_CHAIN, ("agentAddress", "address"), ("agentName", "string"), _NONCE),
        ),
        "usdClassTransfer": (
            "HyperliquidTransaction:UsdClassTransfer",
            (_CHAIN, ("amount", "string"), ("toPerp", "bool"), _NONCE),
        ),
        "usdSend": (
            "HyperliquidTransaction:UsdSend",
            (_CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64")),
        ),
        "withdraw3": (
            "HyperliquidTransaction:Withdraw",
            (_CHAIN, ("destination", "string"), ("amount", "string"), ("time", "uint64")),
        ),
    }
)
"""Action type to primary type and fields."""


def _word(solidity_type: str, value: object) -> bytes:
    """Return one field as its 32-byte EIP-712 word."""
    if solidity_type == "string" and isinstance(value, str):
        return keccak_256(value.encode())
    if solidity_type == "address" and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x")).rjust(32, b"\0")
    if solidity_type == "bool" and isinstance(value, bool):
        return int(value).to_bytes(32, "big")
    if solidity_type == "uint64" and isinstance(value, int) and 0 <= value < 2**64:
        return value.to_bytes(32, "big")
    if solidity_type == "bytes32" and isinstance(value, str):
        return bytes.fromhex(value.removeprefix("0x"))
    raise ValueError(f"{value!r} is no {solidity_type}")


def user_signed_digest(primary_type: str, fields: Fields, action: Mapping[str, object]) -> bytes:
    """Return the 32 bytes a master key signs for an action.

    Parameters
    ----------
    primary_type  `HyperliquidTransaction:...`
    fields        names and Solidity types, in signing order
    action        the JSON object of the action; `agentName` may be absent and counts as empty,
                  `signatureChainId` is hex
    Raises        ProtocolError when a field is missing or of another type

    """
    try:
        named = {"agentName": "", **action}
        chain_id = int(str(action["signatureChainId"]), 16)
        members = ",".join(f"{kind} {name}" for name, kind in fields)
        words = b"".join(_word(kind, named[name]) for name, kind in fields)
        domain = domain_separator(b"HyperliquidSignTransaction", chain_id)
        body = keccak_256(keccak_256(f"{primary_type}({members})".encode()) + words)
        return keccak_256(b"\x19\x01" + domain + body)
    except (KeyError, ValueError, OverflowError) as error:
        raise ProtocolError(f"the fields of {primary_type}", repr(action).encode()) from error
