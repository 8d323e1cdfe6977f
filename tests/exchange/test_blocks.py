"""Who comes first: inside a block, and across blocks (protocol sheet 9.2)."""

import numpy as np

from hypermaker.exchange.blocks import BlockClock
from hypermaker.exchange.config import BlockConfig, ExchangeConfig
from hypermaker.exchange.presets import PRESETS
from hypermaker.hyperliquid import encode
from tests.exchange.actors import ALICE, BOB, CAROL, Bench, order

PRICE = 1_230_000
LOTS = 100
SAME_BLOCK = ExchangeConfig(
    assets=(), flow=PRESETS["still"], blocks=BlockConfig(taker_delay_ms=0.0)
)


def test_a_cancel_sent_after_a_taker_still_runs_before_it_in_their_block() -> None:
    bench = Bench(SAME_BLOCK)
    oid = bench.rest(BOB, -1, PRICE, LOTS)
    taker = bench.submit(ALICE, encode.place_action([order(1, PRICE, LOTS, "Ioc")]))
    cancel = bench.submit(BOB, encode.cancel_action(5, [oid]))
    bench.wait(1.0)
    assert b"success" in bench.answers[cancel][1]
    assert b"could not immediately match" in bench.answers[taker][1]


def test_post_only_orders_run_before_cancels_so_the_replaced_one_is_still_there() -> None:
    """Protocol sheet 9.2 (b): cancel-then-replace in one flush trips over itself."""
    bench = Bench()
    oid = bench.rest(ALICE, -1, PRICE, LOTS)
    cancel = bench.submit(ALICE, encode.cancel_action(5, [oid]))
    replace = bench.submit(ALICE, encode.place_action([order(1, PRICE, LOTS)]))
    bench.wait(1.0)
    assert b"success" in bench.answers[cancel][1]
    assert b"would have immediately matched" in bench.answers[replace][1]


def test_one_taker_in_a_batch_moves_the_whole_batch_to_the_end() -> None:
    bench = Bench(SAME_BLOCK, funded=(ALICE, BOB, CAROL))
    mixed = encode.place_action([order(-1, PRICE, LOTS), order(1, PRICE - 500, LOTS, "Gtc")])
    first = bench.submit(ALICE, mixed)
    second = bench.submit(BOB, encode.place_action([order(1, PRICE, LOTS)]))
    bench.wait(1.0)
    assert b"resting" in bench.answers[second][1]
    assert b"would have immediately matched" in bench.answers[first][1]


def test_within_a_class_the_first_to_come_is_the_first_to_run() -> None:
    bench = Bench(funded=(ALICE, BOB, CAROL))
    bench.rest(CAROL, -1, PRICE, LOTS)
    takers = [
        bench.submit(who, encode.place_action([order(1, PRICE, LOTS, "Ioc")]))
        for who in (BOB, ALICE)
    ]
    bench.wait(1.0)
    assert b"filled" in bench.answers[takers[0]][1]
    assert b"could not immediately match" in bench.answers[takers[1]][1]


def test_a_takers_delay_lets_a_later_cancel_win_over_several_blocks() -> None:
    bench = Bench(ExchangeConfig(assets=(), flow=PRESETS["still"]))
    oid = bench.rest(BOB, -1, PRICE, LOTS)
    taker = bench.submit(ALICE, encode.place_action([order(1, PRICE, LOTS, "Ioc")]))
    bench.wait(0.05)
    cancel = bench.submit(BOB, encode.cancel_action(5, [oid]))
    bench.wait(1.0)
    assert b"success" in bench.answers[cancel][1]
    assert b"could not immediately match" in bench.answers[taker][1]


def test_blocks_come_as_often_as_the_venues() -> None:
    """Protocol sheet 9.3: mean about 70 ms, never below 45, at most 160."""
    clock = BlockClock(BlockConfig(), np.random.default_rng(1))
    gaps_ms = np.array([clock.gap_ns() for _ in range(20_000)]) / 1e6
    assert 68.0 < gaps_ms.mean() < 71.0
    assert gaps_ms.min() >= 45.0 and gaps_ms.max() <= 160.0
