"""Fixtures of the venue's room: one asset, one decoder, one output buffer."""

from collections.abc import Callable

import numpy as np
import pytest

from hypermaker.core.events import EVENT, Events
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.decode import Decoder

ACCOUNT = "0x" + "ab" * 20
RUN_ID = 7


@pytest.fixture
def btc() -> Asset:
    return Asset("BTC", 0, 5, 40)


@pytest.fixture
def decoder(btc: Asset) -> Decoder:
    return Decoder(btc, ACCOUNT.upper().replace("0X", "0x"), RUN_ID)


@pytest.fixture
def out() -> Events:
    return np.zeros(4096, EVENT)


@pytest.fixture
def read(decoder: Decoder, out: Events) -> Callable[[bytes], Events]:
    """Decode one frame that arrived at 5 ns and return its rows."""
    return lambda frame: out[: decoder.decode(frame, 5, out)]
