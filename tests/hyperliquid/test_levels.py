"""Whole columns at a time, and the same numbers as one string after the other."""

import json
import random

import numpy as np
import pytest

from hypermaker.core.events import EVENT, Flag, Kind, Source
from hypermaker.core.units import format_units, parse_units
from hypermaker.hyperliquid.assets import Asset
from hypermaker.hyperliquid.decode import Decoder
from hypermaker.hyperliquid.rows import positive_units


def random_side(source: random.Random, asset: Asset) -> list[dict[str, object]]:
    """Return up to 20 levels at every magnitude the grid has, printed as the venue prints."""
    made: list[dict[str, object]] = []
    for _ in range(source.randrange(21)):
        ticks = source.randrange(1, 10 ** source.randrange(1, 11))
        lots = source.randrange(1, 10 ** source.randrange(1, 13))
        price = format_units(ticks, asset.price_decimals)
        size = format_units(lots, asset.sz_decimals)
        padded = price if "." in price else price + ".0"
        made.append({"px": padded, "sz": size, "n": 1})
    return made


@pytest.mark.parametrize("sz_decimals", range(6))
def test_a_book_is_what_its_strings_say(sz_decimals: int) -> None:
    """Against `parse_units`, string by string, over 300 random books of each grid."""
    source, out = random.Random(sz_decimals), np.zeros(64, EVENT)
    asset = Asset("X", 1, sz_decimals, 10)
    decoder = Decoder(asset, "0x0", 7)
    for _ in range(300):
        bids, asks = random_side(source, asset), random_side(source, asset)
        data = {"coin": "X", "time": 7, "levels": [bids, asks]}
        raw = json.dumps({"channel": "l2Book", "data": data}).encode()
        n = decoder.decode(raw, 5, out)
        assert n == max(len(bids), len(asks), 1)
        for side, ticks, lots in (
            (bids, "bid_ticks", "bid_lots"),
            (asks, "ask_ticks", "ask_lots"),
        ):
            wanted = [
                (
                    parse_units(str(told["px"]), asset.price_decimals),
                    parse_units(str(told["sz"]), sz_decimals),
                )
                for told in side
            ]
            wanted += [(0, 0)] * (n - len(side))
            assert list(zip(out[ticks][:n], out[lots][:n], strict=True)) == wanted
        assert list(out["level"][:n]) == list(range(n))
        assert list(out["marks"][:n]) == [0] * (n - 1) + [Flag.LAST]
        assert set(out["kind"][:n]) == {Kind.DEPTH}
        assert set(out["source"][:n]) == {Source.BOOK_SLOW}


def test_the_quick_parser_of_one_number_agrees_with_the_slow_one() -> None:
    source = random.Random(12)
    alphabet = "0123456789.-e+ _x"
    for _ in range(20_000):
        text = "".join(source.choice(alphabet) for _ in range(source.randrange(9)))
        decimals = source.randrange(7)
        try:
            wanted: int | None = parse_units(text, decimals)
        except ValueError:
            wanted = None
        try:
            found: int | None = positive_units(text, decimals)
        except ValueError:
            found = None
        assert found == (wanted if wanted is not None and wanted > 0 else None), text
