"""Which number a coin has, and what the operator is told when there is none."""

import json

import pytest

from hypermaker.errors import ConfigError, ProtocolError
from hypermaker.hyperliquid.assets import AssetTable

META = json.dumps(
    {
        "universe": [
            {"szDecimals": 5, "name": "BTC", "maxLeverage": 40},
            {"szDecimals": 1, "name": "MATIC", "maxLeverage": 20, "isDelisted": True},
            {"szDecimals": 4, "name": "ETH", "maxLeverage": 25, "onlyIsolated": None},
            {"szDecimals": 0, "name": "kPEPE", "maxLeverage": 10, "newKey": [1]},
        ]
    }
).encode()


@pytest.fixture
def table() -> AssetTable:
    return AssetTable.from_meta(META)


def test_a_delisted_coin_keeps_its_slot(table: AssetTable) -> None:
    assert [a.asset_id for a in table.assets] == [0, 1, 2, 3]
    assert table.by_coin("ETH").asset_id == 2
    assert [a.coin for a in table.tradable] == ["BTC", "ETH", "kPEPE"]


def test_a_coin_of_a_builder_dex_counts_from_its_base() -> None:
    assert AssetTable.from_meta(META, dex_index=1).by_coin("ETH").asset_id == 110002


def test_price_decimals_follow_size_decimals(table: AssetTable) -> None:
    assert table.by_coin("BTC").price_decimals == 1
    assert table.by_coin("kPEPE").price_decimals == 6


@pytest.mark.parametrize(
    ("coin", "told"),
    [
        ("btc", "BTC"),
        ("BTCC", "BTC"),
        ("KPEPE", "kPEPE"),
        ("MATIC", "delisted"),
        ("xyzw", "BTC, ETH, kPEPE"),
        ("", "BTC, ETH, kPEPE"),
    ],
)
def test_a_wrong_name_is_answered_with_what_would_be_right(
    table: AssetTable, coin: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        table.by_coin(coin)
    assert told in str(caught.value) and "\n" not in str(caught.value)


@pytest.mark.parametrize("raw", [b"null", b"{}", b'{"universe":[{"name":"BTC"}]}', b"<html>", b""])
def test_anything_but_a_meta_answer_is_a_protocol_error(raw: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        AssetTable.from_meta(raw)
    assert caught.value.raw == raw
