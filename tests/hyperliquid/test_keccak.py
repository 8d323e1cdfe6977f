"""Three implementations of one hash."""

import random

import pytest

from hypermaker.hyperliquid import keccak

EMPTY = "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470"
ABC = "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45"


@pytest.mark.parametrize("hash_of", [keccak.keccak_256, keccak.keccak_256_plain])
def test_published_digests_are_reproduced(hash_of: object) -> None:
    """The empty string and "abc", as every Ethereum implementation prints them."""
    assert callable(hash_of)
    assert hash_of(b"").hex() == EMPTY
    assert hash_of(b"abc").hex() == ABC


def test_plain_python_equals_every_package_at_and_around_block_boundaries() -> None:
    sha3 = pytest.importorskip("sha3")
    crypto = pytest.importorskip("Crypto.Hash.keccak")
    source = random.Random(1)
    for length in (0, 1, 31, 32, 134, 135, 136, 137, 140, 271, 272, 273, 1000):
        data = source.randbytes(length)
        plain = keccak.keccak_256_plain(data)
        assert plain == sha3.keccak_256(data).digest()
        assert plain == crypto.new(data=data, digest_bits=256).digest()
        assert plain == keccak.keccak_256(data)
