"""What happens when orders meet, seen as the accounts see it."""

from typing import Any

import pytest

from hypermaker.hyperliquid import encode
from hypermaker.hyperliquid.wire_exchange import ModifyAction, UpdateLeverageAction
from tests.exchange.actors import ALICE, BOB, CAROL, SOL, Bench, order

PRICE = 1_230_000
LOTS = 100  # 1 SOL


def held(bench: Bench) -> tuple[int, int]:
    return bench.position(ALICE), bench.position(BOB)


def open_sizes(bench: Bench, who: Any = ALICE) -> list[str]:
    return [row["sz"] for row in bench.info("openOrders", user=who.address)]


def status_of(bench: Bench, oid: int, who: Any = ALICE) -> str:
    word: str = bench.info("orderStatus", user=who.address, oid=oid)["order"]["status"]
    return word


def open_position(bench: Bench, lots: int) -> None:
    """Make ALICE long by buying from BOB."""
    bench.rest(BOB, -1, PRICE, lots)
    bench.place(ALICE, order(1, PRICE, lots, "Ioc"))
    assert bench.position(ALICE) == lots


def test_a_taker_pays_the_makers_price_and_both_pay_their_fee() -> None:
    bench = Bench()
    bench.rest(BOB, -1, PRICE, LOTS)
    (status,) = bench.place(ALICE, order(1, PRICE + 1000, LOTS, "Ioc", cloid="0x" + "ab" * 16))
    filled = status["filled"]
    assert (filled["totalSz"], filled["avgPx"]) == ("1.0", "123.0")
    assert filled["cloid"] == "0x" + "ab" * 16
    (taken,) = bench.info("userFills", user=ALICE.address)
    (made,) = bench.info("userFills", user=BOB.address)
    assert (taken["crossed"], taken["dir"], taken["fee"]) == (True, "Open Long", "0.05535")
    assert (made["crossed"], made["dir"], made["fee"]) == (False, "Open Short", "0.01845")
    assert taken["tid"] == made["tid"] and taken["hash"] == made["hash"]


def test_the_first_at_a_price_trades_first_and_the_best_price_before_all() -> None:
    bench = Bench(funded=(ALICE, BOB, CAROL))
    late_but_better = []
    first = bench.rest(BOB, -1, PRICE, LOTS)
    second = bench.rest(CAROL, -1, PRICE, LOTS)
    late_but_better.append(bench.rest(CAROL, -1, PRICE - 100, LOTS))
    bench.place(ALICE, order(1, PRICE, 2 * LOTS, "Ioc"))
    assert status_of(bench, late_but_better[0], CAROL) == "filled"
    assert status_of(bench, first, BOB) == "filled"
    assert status_of(bench, second, CAROL) == "open"


def test_an_ioc_takes_what_is_there_and_drops_the_rest() -> None:
    bench = Bench()
    bench.rest(BOB, -1, PRICE, LOTS)
    (status,) = bench.place(ALICE, order(1, PRICE, 3 * LOTS, "Ioc"))
    assert status["filled"]["totalSz"] == "1.0"
    assert open_sizes(bench) == []


def test_a_gtc_rests_with_what_it_could_not_take() -> None:
    bench = Bench()
    bench.rest(BOB, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, 3 * LOTS, "Gtc"))
    assert open_sizes(bench) == ["2.0"]


def test_ones_own_resting_order_goes_and_the_taker_continues() -> None:
    """Protocol sheet 10.2: no fee, nothing on the tape."""
    bench = Bench()
    own = bench.rest(ALICE, -1, PRICE, LOTS)
    bench.rest(BOB, -1, PRICE + 100, LOTS)
    (status,) = bench.place(ALICE, order(1, PRICE + 100, LOTS, "Ioc"))
    assert status["filled"]["avgPx"] == "123.01"
    assert status_of(bench, own) == "selfTradeCanceled"
    assert len(bench.info("recentTrades", coin="SOL")) == 1


def test_reduce_only_is_cut_to_the_position_and_never_flips_it() -> None:
    bench = Bench()
    open_position(bench, LOTS)
    bench.rest(BOB, 1, PRICE - 100, 5 * LOTS)
    (status,) = bench.place(ALICE, order(-1, PRICE - 100, 3 * LOTS, "Ioc", reduce_only=True))
    assert status["filled"]["totalSz"] == "1.0"
    assert bench.position(ALICE) == 0


def test_a_resting_reduce_only_order_follows_the_position_down_and_ends_with_it() -> None:
    """Protocol sheet 2.4: `origSz` keeps what was asked, `sz` what is left to reduce."""
    bench = Bench()
    open_position(bench, 2 * LOTS)
    oid = bench.rest(ALICE, -1, PRICE + 1000, 3 * LOTS, reduce_only=True)
    (row,) = bench.info("openOrders", user=ALICE.address)
    assert (row["sz"], row["origSz"], row["reduceOnly"]) == ("2.0", "3.0", True)
    bench.rest(BOB, 1, PRICE - 100, 2 * LOTS)
    bench.place(ALICE, order(-1, PRICE - 100, LOTS, "Ioc"))
    assert open_sizes(bench) == ["1.0"]
    bench.place(ALICE, order(-1, PRICE - 100, LOTS, "Ioc"))
    assert open_sizes(bench) == [] and status_of(bench, oid) == "reduceOnlyCanceled"


@pytest.mark.parametrize(
    ("lots", "reduce_only", "passes"),
    [(5, True, True), (9, True, True), (5, False, True), (4, True, False), (6, False, False)],
)
def test_only_a_full_close_may_be_worth_less_than_ten_dollars(
    lots: int, reduce_only: bool, passes: bool
) -> None:
    """Protocol sheet 2.3: a part close is held to the minimum, reduce-only or not."""
    bench = Bench()
    open_position(bench, LOTS)
    bench.rest(BOB, 1, PRICE - 100, 5 * LOTS)
    bench.place(ALICE, order(-1, PRICE - 100, LOTS - 5, "Ioc"))
    assert bench.position(ALICE) == 5
    (status,) = bench.place(ALICE, order(-1, PRICE - 100, lots, "Ioc", reduce_only=reduce_only))
    assert ("filled" in status) == passes
    assert bench.position(ALICE) == (0 if passes else 5)


def test_a_maker_who_cannot_pay_any_more_is_taken_off_the_book_at_the_match() -> None:
    """Protocol sheet 10.1: margin is checked again for the resting side."""
    bench = Bench()
    bench.act(BOB, UpdateLeverageAction(5, True, 1))
    oid = bench.rest(BOB, 1, PRICE - 100, 70_000)
    account = bench.exchange.state.accounts.of(BOB.address)
    bench.exchange.state.accounts.fees.cash_usd_micro += account.cash_usd_micro - 10**9
    account.cash_usd_micro = 10**9
    (status,) = bench.place(ALICE, order(-1, PRICE - 100, 70_000, "Ioc"))
    assert "error" in status
    assert status_of(bench, oid, BOB) == "marginCanceled"


def test_a_modify_has_a_fresh_oid_keeps_its_cloid_and_loses_its_place() -> None:
    bench = Bench()
    cloid = "0x" + "0c" * 16
    first = bench.rest(ALICE, 1, PRICE, LOTS, cloid=cloid)
    wanted = order(1, PRICE - 100, 2 * LOTS, cloid=cloid)
    (status,) = bench.act(ALICE, encode.batch_modify_action([(cloid, wanted)]))["response"]["data"][
        "statuses"
    ]
    assert status["resting"]["oid"] > first and status["resting"]["cloid"] == cloid
    assert status_of(bench, first) == "canceled"
    assert open_sizes(bench) == ["2.0"]


def test_a_modify_of_what_is_gone_places_nothing_unless_told_to() -> None:
    bench = Bench()
    wanted = order(1, PRICE, LOTS)
    reply = bench.act(ALICE, encode.batch_modify_action([(77, wanted)]))
    error = {"error": "Cannot modify canceled or filled order asset=5"}
    assert reply["response"]["data"]["statuses"] == [error]
    assert open_sizes(bench) == []
    bench.act(ALICE, encode.batch_modify_action([(77, wanted)], always_place=True))
    assert open_sizes(bench) == ["1.0"]


def test_a_modify_that_would_take_loses_the_old_order_and_places_none() -> None:
    """Protocol sheet 3.6: the cancel leg has already happened."""
    bench = Bench()
    oid = bench.rest(ALICE, 1, PRICE - 100, LOTS)
    bench.rest(BOB, -1, PRICE, LOTS)
    reply = bench.act(ALICE, ModifyAction(oid, order(1, PRICE, LOTS, "Gtc")))
    assert reply["status"] == "err"
    assert reply["response"].startswith("Error placing new order during modify: Post only")
    assert open_sizes(bench) == []


def test_a_single_modify_answers_without_statuses() -> None:
    bench = Bench()
    oid = bench.rest(ALICE, 1, PRICE, LOTS)
    reply = bench.act(ALICE, ModifyAction(oid, order(1, PRICE - 100, LOTS)))
    assert reply == {"status": "ok", "response": {"type": "default"}}


def test_an_order_is_known_by_its_cloid_too_and_only_to_its_owner() -> None:
    bench = Bench()
    cloid = "0x" + "cd" * 16
    bench.rest(ALICE, 1, PRICE, LOTS, cloid=cloid)
    found = bench.info("orderStatus", user=ALICE.address, oid=cloid)
    assert found["order"]["order"]["cloid"] == cloid
    assert bench.info("orderStatus", user=BOB.address, oid=cloid) == {"status": "unknownOid"}


def test_leverage_decides_how_much_can_be_opened_and_is_capped_by_the_asset() -> None:
    bench = Bench()
    before = bench.info("activeAssetData", user=ALICE.address, coin="SOL")
    assert before["leverage"] == {"type": "cross", "value": 20}
    reply = bench.act(ALICE, encode.update_leverage_action(SOL.asset_id, 5))
    assert reply == {"status": "ok", "response": {"type": "default"}}
    after = bench.info("activeAssetData", user=ALICE.address, coin="SOL")
    ratio = float(before["maxTradeSzs"][0]) / float(after["maxTradeSzs"][0])
    assert abs(ratio - 4.0) < 1e-3
    assert bench.act(ALICE, encode.update_leverage_action(SOL.asset_id, 21))["status"] == "err"
