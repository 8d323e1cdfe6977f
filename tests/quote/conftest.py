"""What the quoting tests share: the acceptance cases of the reference text, and a plain market."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypermaker.core.ladder import LADDER
from hypermaker.core.market import MARKET
from hypermaker.quote import quantize, rules
from hypermaker.quote.glft import GLFT

Case = dict[str, Any]

PLAIN = {
    "fair_ticks": 1_000_000.3,  # 100,000.03 USD: one tick is 0.1 USD, the grid step a dollar
    "bid_ticks": 1_000_000,
    "ask_ticks": 1_000_010,
    "price_decimals": 1,
    "lot_usd": 1.0,
    "sigma_bps": 2.0,
    "a_bid_per_s": 0.1,
    "a_ask_per_s": 0.1,
    "kappa_per_bps": 0.25,
    "gamma": 2.7e-4,
    "quote_lots": 300.0,
    "fee_bps": 1.5,
    "epsilon_bid_bps": 0.3,
    "epsilon_ask_bps": 0.3,
    "long_lots_max": 9000,
    "short_lots_max": 9000,
    "bid_lots_max": 1_000_000,
    "ask_lots_max": 1_000_000,
    "levels_max": 10,
    "span_bps": 1000.0,
}


@pytest.fixture(scope="session")
def case(shared: Path) -> Callable[[str], Case]:
    """Read one acceptance case by its id from the reference text."""
    lines = (shared / "reference" / "quant-models.md").read_text().splitlines()
    cases = (json.loads(line) for line in lines if line.startswith('{"id"'))
    by_id = {one["id"]: one for one in cases}
    return by_id.__getitem__


@pytest.fixture(scope="session")
def market() -> Callable[..., Any]:
    """Make a MARKET record (of a 1-element array) of a plain market with the given changes."""

    def make(**changes: Any) -> Any:
        record = np.zeros(1, MARKET)[0]
        for name, value in (PLAIN | changes).items():
            record[name] = value
        return record

    return make


@pytest.fixture(scope="session")
def lots_market(market: Callable[..., Any]) -> Callable[..., Any]:
    """Make a market in textbook units: one lot is one quote, no costs, limits of `limits` lots."""

    def make(limits: tuple[int, int], **changes: Any) -> Any:
        plain = {"quote_lots": 1.0, "fee_bps": 0.0, "epsilon_bid_bps": 0.0, "epsilon_ask_bps": 0.0}
        span = {"short_lots_max": -limits[0], "long_lots_max": limits[1]}
        return market(**(plain | span | changes))

    return make


@pytest.fixture(scope="session")
def solver() -> Callable[[], Any]:
    """Make a GLFT record that has never solved anything."""
    return lambda: np.zeros(1, GLFT)[0]


@pytest.fixture(scope="session")
def quoted() -> Callable[..., Any]:
    """Return the ladder a rule makes of a market, quantised unless told otherwise."""

    def run(market: Any, *, rule: Any = rules.glft, raw: bool = False, glft: Any = None) -> Any:
        ladder = np.zeros(1, LADDER)[0]
        rule(np.zeros(1, GLFT)[0] if glft is None else glft, market, ladder)
        if not raw:
            quantize.quantize(market, ladder)
        return ladder

    return run


@pytest.fixture(scope="session")
def sides() -> Callable[[Any], tuple[Any, Any]]:
    """Return (bids, asks) of a ladder: only the levels that count, fields as attributes."""

    def split(ladder: Any) -> tuple[Any, Any]:
        bids, asks = ladder.bids.view(np.recarray), ladder.asks.view(np.recarray)
        return bids[: ladder.bid_levels], asks[: ladder.ask_levels]

    return split
