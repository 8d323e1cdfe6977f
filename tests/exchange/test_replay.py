"""Where our orders stand in a recorded market, and who fills them."""

from pathlib import Path

import numpy as np
import pytest

from hypermaker.core.events import EVENT, Events, Flag, Kind
from hypermaker.core.units import NS_PER_MS, NS_PER_S
from hypermaker.errors import ConfigError
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.orders import Tif, Wish
from hypermaker.exchange.replay import Replay
from hypermaker.exchange.venue import Exchange
from hypermaker.hyperliquid import encode
from hypermaker.tape.parquet import read_recording
from tests.exchange.actors import ALICE, BOB, Bench, order

BID, ASK = 1_230_000, 1_230_100
SIZE = 1_000
START_MS = 1_700_000_000_000


def touch(at_s: float, bid: tuple[int, int], ask: tuple[int, int]) -> Events:
    row = np.zeros(1, EVENT)
    row["kind"], row["venue_ns"] = Kind.BBO, START_MS * NS_PER_MS + int(at_s * NS_PER_S)
    (row["bid_ticks"], row["bid_lots"]), (row["ask_ticks"], row["ask_lots"]) = bid, ask
    return row


def book(at_s: float, bids: list[tuple[int, int]], asks: list[tuple[int, int]]) -> Events:
    rows = np.concatenate([touch(at_s, *level) for level in zip(bids, asks, strict=True)])
    rows["kind"], rows["level"] = Kind.DEPTH, np.arange(len(rows))
    rows["marks"][-1] = Flag.LAST
    return rows


def trade(at_s: float, side: int, price: int, lots: int) -> Events:
    row = touch(at_s, (price, lots), (int(at_s * 1e6), 0))
    row["kind"], row["side"] = Kind.TRADE, side
    return row


def bench_with(*rows: Events) -> Bench:
    """Return a bench on a recording that opens with SIZE at BID and at ASK."""
    opening = touch(0.0, (BID, SIZE), (ASK, SIZE))
    recording = np.concatenate([opening, *rows, touch(3_600.0, (BID, SIZE), (ASK, SIZE))])
    bench = Bench(ExchangeConfig(assets=("SOL",)), {"SOL": recording})
    bench.wait(1.0)
    return bench


def filled(bench: Bench) -> int:
    return bench.position(ALICE)


def test_the_recorded_book_is_the_venues_own_and_recorded_prints_are_its_tape() -> None:
    bench = bench_with(
        book(2.0, [(BID, 50), (BID - 100, 70)], [(ASK, 60), (ASK + 100, 80)]),
        trade(3.0, 1, ASK, 10),
    )
    bench.wait(1.5)
    shown = bench.info("l2Book", coin="SOL")["levels"]
    assert [(row["px"], row["sz"]) for row in shown[0]] == [("123.0", "0.5"), ("122.99", "0.7")]
    bench.wait(1.0)
    (print_,) = bench.info("recentTrades", coin="SOL")
    assert (print_["px"], print_["sz"], print_["side"]) == ("123.01", "0.1", "B")
    assert bench.info("l2Book", coin="SOL")["levels"][1][0]["sz"] == "0.5"


def test_we_stand_behind_the_recorded_size_and_prints_bring_us_to_the_front() -> None:
    bench = bench_with(
        trade(10.0, -1, BID, 600), trade(11.0, -1, BID, 600), trade(12.0, -1, BID, 50)
    )
    bench.rest(ALICE, 1, BID, 300)
    bench.wait(9.0)
    assert filled(bench) == 0  # 400 of the recorded 1,000 are still ahead
    bench.wait(1.0)
    assert filled(bench) == 200
    bench.wait(1.0)
    assert filled(bench) == 250
    (kept,) = bench.info("userFills", user=ALICE.address)[:1]
    assert kept["crossed"] is False and kept["px"] == "123.0"


def test_size_that_joins_after_us_stands_behind_us() -> None:
    bench = bench_with(touch(5.0, (BID, 5_000), (ASK, SIZE)), trade(10.0, -1, BID, SIZE + 100))
    bench.rest(ALICE, 1, BID, 100)
    bench.wait(10.0)
    assert filled(bench) == 100


def test_cancels_of_others_do_not_bring_us_forward_until_they_must() -> None:
    """Risk-averse: what is ahead is min(ahead, displayed)."""
    bench = bench_with(
        touch(5.0, (BID, 3_000), (ASK, SIZE)),  # 2,000 more behind us
        touch(6.0, (BID, SIZE), (ASK, SIZE)),  # the same 2,000 are gone again
        trade(7.0, -1, BID, 900),
        touch(8.0, (BID, 40), (ASK, SIZE)),  # fewer than the 100 ahead: now we move
        trade(9.0, -1, BID, 60),
    )
    bench.rest(ALICE, 1, BID, 100)
    bench.wait(6.5)
    assert filled(bench) == 0
    bench.wait(3.0)
    assert filled(bench) == 20


def test_a_print_beyond_our_price_fills_us_first_and_its_size_is_shared_once() -> None:
    bench = bench_with(trade(10.0, -1, BID - 500, 150))
    bench.rest(ALICE, 1, BID + 0, 100)
    bench.wait(3.0)
    bench.rest(BOB, 1, BID - 200, 100)
    bench.wait(10.0)
    assert (bench.position(ALICE), bench.position(BOB)) == (100, 50)


def test_a_recorded_book_that_crosses_us_fills_us_at_our_price() -> None:
    bench = bench_with(touch(10.0, (BID - 900, SIZE), (BID - 800, 70)))
    bench.rest(ALICE, 1, BID, 100)
    bench.wait(10.0)
    assert filled(bench) == 70
    (fill,) = bench.info("userFills", user=ALICE.address)
    assert (fill["px"], fill["crossed"]) == ("123.0", False)


def test_a_better_quote_of_ours_is_the_touch_and_is_hit_first() -> None:
    bench = bench_with(touch(0.5, (BID - 500, SIZE), (ASK, SIZE)), trade(10.0, -1, BID - 500, 30))
    bench.rest(ALICE, 1, BID, 100)
    assert bench.info("l2Book", coin="SOL")["levels"][0][0]["px"] == "123.0"
    bench.wait(10.0)
    assert filled(bench) == 30


def test_what_we_take_is_recorded_size_at_its_price() -> None:
    bench = bench_with()
    (status,) = bench.place(ALICE, order(1, ASK, 2 * SIZE, "Ioc"))
    assert status["filled"]["totalSz"] == "10.0"
    (refused,) = bench.place(ALICE, order(1, ASK, SIZE, "Ioc"))
    assert "could not immediately match" in refused["error"]


def test_money_and_positions_are_conserved_with_the_house_as_counterpart() -> None:
    bench = bench_with(trade(10.0, -1, BID, 5_000))
    bench.rest(ALICE, 1, BID, 300)
    bench.place(BOB, order(1, ASK, 200, "Ioc"))
    bench.wait(15.0)
    accounts = bench.exchange.state.accounts
    assert filled(bench) == 300
    assert accounts.cash_total() == 200_000_000_000
    assert accounts.position_total(5) == 0


def test_after_the_last_moment_the_book_stands_still() -> None:
    bench = bench_with()
    bench.wait(3_700.0)
    (replay,) = bench.exchange.crowds.values()
    assert isinstance(replay, Replay) and replay.ended
    bench.rest(ALICE, 1, BID - 100, 100)
    assert bench.act(ALICE, encode.noop_action())["status"] == "ok"


def test_an_asset_nobody_recorded_is_the_operators_mistake() -> None:
    recording = touch(0.0, (BID, SIZE), (ASK, SIZE))
    with pytest.raises(ConfigError, match="SOL"):
        Exchange(ExchangeConfig(assets=("BTC",)), {"SOL": recording})


@pytest.mark.parametrize(
    ("session", "asset"), [("2025-09-03T1255Z", "BTC"), ("2025-09-04T1946Z", "SOL")]
)
def test_a_real_session_never_crosses_and_fills_patient_orders(
    shared: Path, session: str, asset: str
) -> None:
    """Ten minutes of a real tape: a joiner of the touch is filled, only as a maker."""
    path = shared / "data/hyperliquid/l2_bbo_trades" / session
    decimals = {"BTC": 5, "SOL": 2}[asset]
    recording = read_recording(path, asset, decimals)
    exchange = Exchange(
        ExchangeConfig(assets=(asset,), funded=((ALICE.address, 10**12),)), {asset: recording}
    )
    market, matcher = exchange.state.by_name[asset], exchange.state.matcher
    account = exchange.state.accounts.of(ALICE.address)
    for step in range(1, 120):
        exchange.advance(exchange.config.start_ns + step * 5 * NS_PER_S)
        bid, ask = market.book.touch()
        assert 0 < bid < ask
        for resting in list(account.open_orders.values()):
            matcher.cancel(account, resting)
        for side, price in ((1, bid), (-1, ask)):
            matcher.place(account, Wish(market.index, side, price, 500, Tif.ALO))
    assert len(account.fills) > 10
    assert not any(fill.crossed for fill in account.fills)
    assert exchange.state.accounts.position_total(market.index) == 0
