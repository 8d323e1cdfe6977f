"""How the venue's L1 actions are signed, and the only object that holds a key.

data         = msgpack(action) + nonce (8 bytes) + vault mark + expiry
connectionId = keccak(data)
digest       = keccak(0x1901 + domain + keccak(Agent type + keccak("a" | "b") + connectionId))

Everything but `connectionId` is constant for a network, so one signature costs three hashes and
one call of the curve. Byte-identical to the official SDK, hex without leading zeros included.
This module imports no more than a curve and a hash: the process that holds the key stays small.

Source: hyperliquid-python-sdk, utils/signing.py.
"""

from typing import NoReturn

import msgspec

from hypermaker.errors import ConfigError, ProtocolError
from hypermaker.hyperliquid import curve
from hypermaker.hyperliquid.keccak import keccak_256

DOMAIN_TYPE = b"EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
L1_CHAIN_ID = 1337


def domain_separator(name: bytes, chain_id: int) -> bytes:
    """Return the EIP-712 domain hash of version "1" with the zero verifying contract."""
    parts = (keccak_256(DOMAIN_TYPE), keccak_256(name), keccak_256(b"1"))
    return keccak_256(b"".join(parts) + chain_id.to_bytes(32, "big") + bytes(32))


_AGENT_TYPE = keccak_256(b"Agent(string source,bytes32 connectionId)")
_DIGEST_PREFIX = b"\x19\x01" + domain_separator(b"Exchange", L1_CHAIN_ID)
_AGENT_PREFIX = {
    True: _AGENT_TYPE + keccak_256(b"a"),
    False: _AGENT_TYPE + keccak_256(b"b"),
}


class Signature(msgspec.Struct, frozen=True):
    """A signature as the venue's JSON carries it: hex without leading zeros, v 27 or 28."""

    r: str
    s: str
    v: int


def action_hash(
    packed: bytes, nonce: int, *, vault: str | None = None, expires_after_ms: int | None = None
) -> bytes:
    """Return the connection id: the hash of an action with all that makes it unique.

    Parameters
    ----------
    packed            the action in msgpack, keys in the venue's order
    nonce             [ms]
    vault             `0x` address the signer acts for, or None for the account itself
    expires_after_ms  the venue refuses the action after this time, or None

    """
    data = packed + nonce.to_bytes(8, "big")
    data += b"\x00" if vault is None else b"\x01" + bytes.fromhex(vault[2:])
    if expires_after_ms is not None:
        data += b"\x00" + expires_after_ms.to_bytes(8, "big")
    return keccak_256(data)


def l1_digest(connection_id: bytes, *, mainnet: bool) -> bytes:
    """Return the 32 bytes to sign for an action hash on one network."""
    return keccak_256(_DIGEST_PREFIX + keccak_256(_AGENT_PREFIX[mainnet] + connection_id))


def _address(public_key: bytes) -> str:
    return "0x" + keccak_256(public_key)[-20:].hex()


def address_of(key: bytes) -> str:
    """Return the lowercase `0x` address of a 32-byte secret key.

    Raises ConfigError, without a digit of the key, when it is malformed.
    """
    if len(key) != 32 or not 0 < int.from_bytes(key, "big") < curve.N:
        raise ConfigError("key", "(not shown)", "32 bytes that are a secp256k1 secret")
    return _address(curve.public_key(key))


def parse_key(text: str) -> bytes:
    """Return the 32 bytes of a key in hex, with or without `0x`.

    Raises ConfigError, without a digit of the key, when it is malformed.
    """
    try:
        return bytes.fromhex(text.strip().removeprefix("0x"))
    except ValueError:
        raise ConfigError("key", "(not shown)", "64 hex digits") from None


def recover_address(digest: bytes, signature: Signature) -> str:
    """Return the lowercase address that signed a digest.

    Raises ProtocolError when no key can have made the signature.
    """
    try:
        r, s = int(signature.r, 16), int(signature.s, 16)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([signature.v - 27])
        return _address(curve.recover(raw, digest))
    except (ValueError, OverflowError) as error:
        raise ProtocolError(
            "a signature that recovers a signer", repr(signature).encode()
        ) from error


class Signer:
    """A key that can sign and cannot be shown: its text is its address, it cannot be copied.

    Parameters
    ----------
    key      32 secret bytes; ConfigError without a digit of them when malformed
    mainnet  which network the signatures are for; every other server is a testnet

    """

    __slots__ = ("_sign_digest", "address", "mainnet")

    address: str
    mainnet: bool

    def __init__(self, key: bytes, *, mainnet: bool) -> None:
        self.address, self.mainnet = address_of(key), mainnet
        self._sign_digest = curve.signer(key)

    def sign(
        self,
        packed: bytes,
        nonce: int,
        vault: str | None = None,
        expires_after_ms: int | None = None,
    ) -> Signature:
        """Return the signature of a packed action; see `action_hash` for the parameters."""
        connection_id = action_hash(packed, nonce, vault=vault, expires_after_ms=expires_after_ms)
        return self.sign_digest(l1_digest(connection_id, mainnet=self.mainnet))

    def sign_digest(self, digest: bytes) -> Signature:
        """Return the signature of 32 bytes that are already a hash."""
        raw = self._sign_digest(digest)
        r, s = raw[:32].hex().lstrip("0"), raw[32:64].hex().lstrip("0")
        return Signature("0x" + r, "0x" + s, 27 + raw[64])

    def __repr__(self) -> str:
        return f"Signer({self.address})"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return format(repr(self), spec)

    def _refuse(self, *_: object) -> NoReturn:
        raise TypeError(f"{self!r} holds a secret and cannot be copied or serialised")

    __reduce__ = __reduce_ex__ = __getstate__ = __setstate__ = __copy__ = __deepcopy__ = _refuse
