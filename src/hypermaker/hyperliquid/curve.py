"""secp256k1 with recoverable signatures: libsecp256k1 where installed, plain Python otherwise.

Both give the same bytes: the nonce is RFC 6979 over HMAC-SHA256 (so a signature is a function of
key and digest), s is the lower of its two values. Plain Python is some ten times slower and its
running time depends on the key; it exists for machines without a wheel and as the tests' oracle.

Source: SEC 1 version 2.0 sections 4.1.3 and 4.1.6; SEC 2 section 2.4.1; RFC 6979 section 3.2.
"""

import hmac
from collections.abc import Callable
from functools import cache

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (
    0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
    0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8,
)
_WINDOW_BITS = 4
_WINDOWS = 256 // _WINDOW_BITS

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
SignDigest = Callable[[bytes], bytes]
"""A 32-byte digest to r (32 bytes) + s (32 bytes) + recovery id (1 byte)."""

_INFINITY: Jacobian = (0, 1, 0)


def _doubled(point: Jacobian) -> Jacobian:
    x, y, z = point
    if not z or not y:
        return _INFINITY
    yy = y * y % P
    s = 4 * x * yy % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * yy * yy) % P, 2 * y * z % P


def _added(point: Jacobian, other: Affine) -> Jacobian:
    """Return the sum of a Jacobian and an affine point."""
    x1, y1, z1 = point
    x2, y2 = other
    if not z1:
        return x2, y2, 1
    zz = z1 * z1 % P
    h = (x2 * zz - x1) % P
    r = (y2 * z1 * zz - y1) % P
    if not h:
        return _doubled(point) if not r else _INFINITY
    hh = h * h % P
    hhh = h * hh % P
    v = x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(point: Jacobian) -> Affine:
    """Return a point that is not at infinity in affine coordinates."""
    x, y, z = point
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P


@cache
def _generator_table() -> tuple[tuple[Affine, ...], ...]:
    """Return d * 16^w * G for every digit d in 1..15 and window w, made once on first use."""
    table, base = [], G
    for _ in range(_WINDOWS):
        row, point = [base], _doubled((*base, 1))
        for _ in range(2**_WINDOW_BITS - 2):
            row.append(_affine(point))
            point = _added(point, base)
        table.append(tuple(row))
        base = _affine(point)
    return tuple(table)


def _times_generator(scalar: int) -> Jacobian:
    point = _INFINITY
    for row in _generator_table():
        digit = scalar & 15
        if digit:
            point = _added(point, row[digit - 1])
        scalar >>= _WINDOW_BITS
    return point


def _times(scalar: int, base: Affine) -> Jacobian:
    point = _INFINITY
    for bit in bin(scalar)[2:]:
        point = _doubled(point)
        if bit == "1":
            point = _added(point, base)
    return point


class _Rfc6979:
    """The deterministic stream of candidate nonces for one key and one digest."""

    __slots__ = ("_key", "_value")

    def __init__(self, secret: bytes, digest: bytes) -> None:
        self._key, self._value = bytes(32), b"\x01" * 32
        reduced = (int.from_bytes(digest, "big") % N).to_bytes(32, "big")
        for separator in (b"\x00", b"\x01"):
            self._stir(separator + secret + reduced)

    def _stir(self, data: bytes) -> None:
        self._key = hmac.digest(self._key, self._value + data, "sha256")
        self._value = hmac.digest(self._key, self._value, "sha256")

    def draw(self) -> int:
        """Return the next candidate in [1, N)."""
        while True:
            self._value = hmac.digest(self._key, self._value, "sha256")
            candidate = int.from_bytes(self._value, "big")
            if 0 < candidate < N:
                return candidate
            self._stir(b"\x00")


def public_key_plain(secret: bytes) -> bytes:
    """Return the 64-byte public key (x, y) of a secret in [1, N), in plain Python."""
    x, y = _affine(_times_generator(int.from_bytes(secret, "big")))
    return x.to_bytes(32, "big") + y.to_bytes(32, "big")


def signer_plain(secret: bytes) -> SignDigest:
    """Return the signing function of a secret in [1, N), in plain Python."""
    d = int.from_bytes(secret, "big")

    def sign(digest: bytes) -> bytes:
        nonces, z = _Rfc6979(secret, digest), int.from_bytes(digest, "big")
        while True:
            k = nonces.draw()
            x, y = _affine(_times_generator(k))
            r = x % N
            s = pow(k, -1, N) * (z + r * d) % N
            if r and s:
                break
        recovery = (2 if x >= N else 0) | (y & 1)
        if s > N // 2:
            s, recovery = N - s, recovery ^ 1
        return r.to_bytes(32, "big") + s.to_bytes(32, "big") + bytes([recovery])

    return sign


def recover_plain(signature: bytes, digest: bytes) -> bytes:
    """Return the 64-byte public key that made a 65-byte signature, in plain Python.

    Raises ValueError when no key can have made it.
    """
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    recovery = signature[64]
    x = r + N if recovery & 2 else r
    if not (0 < r < N and 0 < s < N and x < P and recovery < 4):
        raise ValueError("signature out of range")
    yy = (pow(x, 3, P) + 7) % P
    y = pow(yy, (P + 1) // 4, P)
    if y * y % P != yy:
        raise ValueError("signature names no point of the curve")
    y = y if y & 1 == recovery & 1 else P - y
    inverse = pow(r, -1, N)
    from_digest = _times_generator(-int.from_bytes(digest, "big") * inverse % N)
    key = _times(s * inverse % N, (x, y))
    if from_digest[2]:
        key = _added(key, _affine(from_digest))
    if not key[2]:
        raise ValueError("signature recovers the point at infinity")
    qx, qy = _affine(key)
    return qx.to_bytes(32, "big") + qy.to_bytes(32, "big")


try:
    import coincurve

    IMPLEMENTATION = "coincurve"
except ImportError:
    IMPLEMENTATION = "plain"


def public_key(secret: bytes) -> bytes:
    """Return the 64-byte public key (x, y) of a secret in [1, N)."""
    if IMPLEMENTATION == "plain":
        return public_key_plain(secret)
    return bytes(coincurve.PrivateKey(secret).public_key.format(compressed=False)[1:])


def signer(secret: bytes) -> SignDigest:
    """Return the signing function of a secret in [1, N): 32 us a call with libsecp256k1."""
    if IMPLEMENTATION == "plain":
        return signer_plain(secret)
    sign = coincurve.PrivateKey(secret).sign_recoverable
    return lambda digest: sign(digest, None)


def recover(signature: bytes, digest: bytes) -> bytes:
    """Return the 64-byte public key that made a 65-byte signature over a 32-byte digest.

    Raises ValueError when no key can have made it. 50 us a call with libsecp256k1.
    """
    if IMPLEMENTATION == "plain":
        return recover_plain(signature, digest)
    found = coincurve.PublicKey.from_signature_and_message(signature, digest, hasher=None)
    return bytes(found.format(compressed=False)[1:])
