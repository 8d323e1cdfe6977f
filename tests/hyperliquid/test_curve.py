"""libsecp256k1 and plain Python: the same bytes."""

import random

import pytest

from hypermaker.hyperliquid import curve

KEYS = [1, 2, curve.N - 1, 0x0123456789ABCDEF * 2**190 + 5]


def cases(count: int) -> list[tuple[bytes, bytes]]:
    """Return (secret, digest) pairs: the corners first, then random ones."""
    source = random.Random(2)
    edges = [bytes(32), b"\xff" * 32, (1).to_bytes(32, "big")]
    made = [(key.to_bytes(32, "big"), digest) for key in KEYS for digest in edges]
    while len(made) < count:
        made.append((source.randrange(1, curve.N).to_bytes(32, "big"), source.randbytes(32)))
    return made


def test_plain_python_signs_and_recovers_as_libsecp256k1_does() -> None:
    coincurve = pytest.importorskip("coincurve")
    for secret, digest in cases(120):
        key = coincurve.PrivateKey(secret)
        expected = key.sign_recoverable(digest, hasher=None)
        public = key.public_key.format(compressed=False)[1:]
        assert curve.signer_plain(secret)(digest) == expected
        assert curve.signer(secret)(digest) == expected
        assert curve.public_key_plain(secret) == public == curve.public_key(secret)
        assert curve.recover_plain(expected, digest) == public == curve.recover(expected, digest)


def test_s_is_always_the_lower_of_its_two_values() -> None:
    for secret, digest in cases(40):
        assert int.from_bytes(curve.signer_plain(secret)(digest)[32:64], "big") <= curve.N // 2


def test_a_signature_nobody_can_have_made_is_refused_by_both() -> None:
    """Zero, out of range, an x that is no point of the curve, recovery ids that cannot be."""
    one, big = (1).to_bytes(32, "big"), curve.N.to_bytes(32, "big")
    bad = [
        bytes(65),
        one + bytes(33),
        big + one + b"\0",
        one + big + b"\0",
        (5).to_bytes(32, "big") + one + b"\0",  # 5^3 + 7 is no square
        (curve.P - curve.N).to_bytes(32, "big") + one + b"\2",
        one + one + b"\4",
    ]
    for signature in bad:
        for recover in (curve.recover, curve.recover_plain):
            with pytest.raises(ValueError, match=r"."):
                recover(signature, b"\7" * 32)
