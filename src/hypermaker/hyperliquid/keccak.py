"""Keccak-256 as Ethereum and the venue use it: the original padding, not that of SHA-3.

Three implementations, one answer; the first that is installed wins:

safe-pysha3    1.3 us for 140 bytes; binary wheels for Linux only
pycryptodome   6.2 us; one abi3 wheel serves every CPython on Linux, macOS and Windows
plain Python   about 1 ms; nothing to install, and the oracle of the tests

Source: Keccak reference, version 3.0 (2011), with capacity 512 and padding byte 0x01.
"""

from collections.abc import Callable

_RATE_BYTES = 136
_LANE_MASK = (1 << 64) - 1
_ROUNDS = 24
_ROTATIONS = (
    (0, 36, 3, 41, 18),
    (1, 44, 10, 45, 2),
    (62, 6, 43, 15, 61),
    (28, 55, 25, 21, 56),
    (27, 20, 39, 8, 14),
)


def _round_constants() -> tuple[int, ...]:
    """Return the 24 iota constants, made by the linear feedback register of the specification."""
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            if register & 1:
                constant |= 1 << ((1 << power) - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return tuple(constants)


_IOTA = _round_constants()


def _rotated(lane: int, by: int) -> int:
    return ((lane << by) | (lane >> (64 - by))) & _LANE_MASK


def _permute(lanes: list[list[int]]) -> None:
    """Apply Keccak-f[1600] in place to 5 by 5 lanes, indexed [x][y]."""
    for constant in _IOTA:
        parity = [a[0] ^ a[1] ^ a[2] ^ a[3] ^ a[4] for a in lanes]
        theta = [parity[x - 1] ^ _rotated(parity[(x + 1) % 5], 1) for x in range(5)]
        moved = [[0] * 5 for _ in range(5)]
        for x in range(5):
            for y in range(5):
                lane = _rotated(lanes[x][y] ^ theta[x], _ROTATIONS[x][y])
                moved[y][(2 * x + 3 * y) % 5] = lane
        for x in range(5):
            one, two = moved[(x + 1) % 5], moved[(x + 2) % 5]
            lanes[x] = [moved[x][y] ^ (~one[y] & two[y]) for y in range(5)]
        lanes[0][0] ^= constant


def keccak_256_plain(data: bytes) -> bytes:
    """Return the 32-byte Keccak-256 of `data`, in plain Python."""
    padding = bytearray(_RATE_BYTES - len(data) % _RATE_BYTES)
    padding[0] |= 0x01
    padding[-1] |= 0x80
    padded = data + padding
    lanes = [[0] * 5 for _ in range(5)]
    for block in range(0, len(padded), _RATE_BYTES):
        for at in range(_RATE_BYTES // 8):
            start = block + 8 * at
            lanes[at % 5][at // 5] ^= int.from_bytes(padded[start : start + 8], "little")
        _permute(lanes)
    return b"".join(lanes[x][0].to_bytes(8, "little") for x in range(4))


def _fastest() -> tuple[str, Callable[[bytes], bytes]]:
    """Return the name and the function of the fastest implementation that is installed."""
    try:
        from sha3 import keccak_256 as sponge

        return "safe-pysha3", lambda data: sponge(data).digest()
    except ImportError:
        pass
    try:
        from Crypto.Hash import keccak

        return "pycryptodome", lambda data: keccak.new(data=data, digest_bits=256).digest()
    except ImportError:
        return "plain", keccak_256_plain


IMPLEMENTATION, keccak_256 = _fastest()
