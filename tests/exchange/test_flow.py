"""The simulated market does what its parameters say, and the same every time."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hypermaker.core.units import NS_PER_MS, NS_PER_S, ceil_to_grid
from hypermaker.exchange.config import ExchangeConfig, usd
from hypermaker.exchange.flow import Fundamental
from hypermaker.exchange.orders import Tif, Wish
from hypermaker.exchange.presets import PRESETS, FlowConfig
from hypermaker.exchange.venue import Exchange, FrameSent

MAKER = "0x" + "aa" * 20
REPOSITORY = Path(__file__).resolve().parents[2]


def test_the_fundamental_moves_as_much_as_it_was_told_to() -> None:
    config = FlowConfig(sigma_bps=1.5, taker_a_per_s=0.0)
    walk = Fundamental(1e6, config, np.random.default_rng(3))
    prices = []
    for step in range(20_000):
        walk.step(step * NS_PER_S // 10, 0.1)
        prices.append(walk.price_ticks)
    sigma_bps = np.diff(np.log(prices)).std() / np.sqrt(0.1) * 1e4
    assert abs(sigma_bps - 1.5) < 0.05


def test_what_informed_traders_know_comes_true() -> None:
    config = FlowConfig(sigma_bps=0.0, informed_bps=2.0, taker_a_per_s=0.0)
    walk = Fundamental(1e6, config, np.random.default_rng(3))
    walk.foretell(1)
    for step in range(200):
        walk.step(step * NS_PER_S // 10, 0.1)
    assert abs((walk.price_ticks / 1e6 - 1.0) * 1e4 - 2.0) < 1e-3


def test_sweeps_reach_a_depth_as_often_as_the_intensity_says() -> None:
    """A lone quote d bps from a still fundamental is reached A*exp(-kappa*d) times a second."""
    config = FlowConfig(
        sigma_bps=0.0, informed_share=0.0, maker_half_bps=(), taker_a_per_s=1.5, taker_usd=1e6
    )
    exchange = Exchange(ExchangeConfig(assets=("BTC",), flow=config, funded=((MAKER, usd(1e9)),)))
    market, maker = exchange.state.by_name["BTC"], exchange.state.accounts.of(MAKER)
    places = {
        depth: ceil_to_grid(market.start_ticks * (1 + depth / 1e4), market.listing.price_decimals)
        for depth in (2.0, 6.0, 12.0)
    }
    seconds = 900
    for step in range(1, seconds * 20):
        standing = {order.price_ticks for order in maker.open_orders.values()}
        for price in set(places.values()) - standing:
            exchange.state.matcher.place(maker, Wish(0, -1, price, 20, Tif.ALO))
        exchange.advance(exchange.config.start_ns + step * 50 * NS_PER_MS)
    for depth, price in places.items():
        reached = sum(fill.price_ticks == price for fill in maker.fills)
        expected = 1.5 * np.exp(-0.25 * depth) * seconds
        assert abs(reached - expected) < 4.0 * np.sqrt(expected), (depth, reached, expected)


def test_an_exchange_with_simulated_traders_has_a_two_sided_book_and_trades() -> None:
    exchange = Exchange(ExchangeConfig(seed=2))
    exchange.advance(exchange.config.start_ns + 120 * NS_PER_S)
    for name in ("BTC", "ETH", "SOL"):
        market = exchange.state.by_name[name]
        bid, ask = market.book.touch()
        assert 0 < bid < ask
        assert 2.0 < (ask - bid) / bid * 1e4 < 40.0
        assert market.day_usd_micro > 0
        assert exchange.state.accounts.position_total(market.index) == 0


@pytest.mark.parametrize("preset", sorted(PRESETS))
def test_every_preset_runs_and_conserves_money(preset: str) -> None:
    exchange = Exchange(ExchangeConfig(assets=("ETH",), flow=PRESETS[preset]))
    before = exchange.state.accounts.cash_total()
    exchange.advance(exchange.config.start_ns + 60 * NS_PER_S)
    assert exchange.state.accounts.cash_total() == before
    moved = exchange.state.by_name["ETH"].day_lots > 0
    assert moved == (PRESETS[preset].taker_a_per_s > 0)


def fingerprint(seed: int) -> str:
    """Return a hash of everything a listening client is told in a minute."""
    exchange = Exchange(ExchangeConfig(seed=seed))
    start = exchange.config.start_ns
    session = exchange.connect(start)
    for coin in ("BTC", "ETH", "SOL"):
        for kind in ("bbo", "trades", "l2Book"):
            frame = b'{"method":"subscribe","subscription":{"type":"%b","coin":"%b"}}'
            exchange.receive(session, frame % (kind.encode(), coin.encode()), start)
    digest = hashlib.sha256()
    for out in exchange.advance(start + 60 * NS_PER_S):
        assert isinstance(out, FrameSent) and out.frame is not None
        digest.update(out.frame)
    return digest.hexdigest()


def test_the_same_seed_says_the_same_bytes_under_any_hash_seed() -> None:
    """Another process with another hash seed; another exchange seed says something else."""
    said = subprocess.run(
        [
            sys.executable,
            "-c",
            "from tests.exchange.test_flow import fingerprint; print(fingerprint(11))",
        ],
        cwd=REPOSITORY,
        env={**os.environ, "PYTHONHASHSEED": "1", "PYTHONPATH": "src:."},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    assert said == fingerprint(11) != fingerprint(12)
