"""Oracle, mark and funding against the venue's formulas and recorded pairs."""

from pathlib import Path

import msgspec

from hypermaker.core.units import RATE_E10, parse_units
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.funding import MarkPrice, hourly_rate_e10, impact_prices, premium_e10
from hypermaker.exchange.markets import Market
from hypermaker.exchange.orders import Order, Tif, Wish
from hypermaker.exchange.presets import PRESETS
from hypermaker.exchange.universe import BY_NAME
from tests.exchange.actors import ALICE, BOB, Bench, order

PRICE = 1_230_000
LOTS = 1_000


def test_recorded_rates_follow_from_recorded_premiums(shared: Path) -> None:
    """Protocol sheet 10.5: twelve recorded hours of one asset, to 10^-10."""
    name = "fixtures/hyperliquid/liquidation_flow/fundingHistory_HYPE_excerpt.json"
    rows = msgspec.json.decode((shared / name).read_bytes())
    assert len(rows) == 12
    for row in rows:
        premium = parse_units(row["premium"], 10)
        assert abs(hourly_rate_e10(premium) - parse_units(row["fundingRate"], 10)) <= 1


def market_with(bid: int, ask: int, *, lots: int = 10_000) -> Market:
    market = Market(BY_NAME["SOL"], PRICE)
    for oid, (side, price) in enumerate(((1, bid), (-1, ask))):
        wish = Wish(market.index, side, price, lots, Tif.ALO)
        market.book.half(side).add(Order(oid=oid, owner="x", wish=wish, placed_ms=0))
    return market


def test_a_book_above_the_oracle_has_a_premium_and_one_around_it_has_none() -> None:
    above = market_with(PRICE + 1230, PRICE + 2000)
    assert premium_e10(above) == RATE_E10 // 1000
    assert premium_e10(market_with(PRICE - 100, PRICE + 100)) == 0
    assert premium_e10(market_with(PRICE - 3000, PRICE - 1230)) == -RATE_E10 // 1000


def test_impact_prices_average_what_the_notional_would_walk() -> None:
    market = market_with(PRICE, PRICE + 100, lots=1_000)
    wish = Wish(market.index, 1, PRICE - 1000, 100_000, Tif.ALO)
    market.book.bids.add(Order(oid=9, owner="x", wish=wish, placed_ms=0))
    impact = impact_prices(market)
    assert impact is not None
    lots = (6_000_000_000 - PRICE * 1_000) / (PRICE - 1000) + 1_000
    expected = (PRICE * 1_000 + (PRICE - 1000) * (lots - 1_000)) / lots
    assert abs(impact[0] - expected) <= 1


def test_the_mark_is_the_median_of_three_views() -> None:
    market = market_with(PRICE - 100, PRICE + 100)
    MarkPrice(market).update(PRICE + 50, PRICE + 90, 3.0)
    assert market.oracle_ticks == PRICE + 50
    assert market.mark_ticks == PRICE  # oracle + basis = mid = local; outside is higher


def test_longs_pay_shorts_every_hour_at_the_oracle_price() -> None:
    bench = Bench(ExchangeConfig(assets=(), flow=PRESETS["still"]))
    bench.rest(BOB, -1, PRICE, LOTS)
    bench.place(ALICE, order(1, PRICE, LOTS, "Ioc"))
    session = bench.listen({"type": "userFundings", "user": ALICE.address})
    oracle = bench.exchange.state.by_name["SOL"].oracle_ticks
    for _ in range(120):  # a session that hears nothing for a minute is closed
        bench.tell(session, {"method": "ping"})
        bench.wait(30.0)
    (paid,) = bench.info("userFunding", user=ALICE.address, startTime=0)
    (got,) = bench.info("userFunding", user=BOB.address, startTime=0)
    owed = LOTS * oracle * 125_000 / RATE_E10 / 1e6
    assert abs(float(paid["delta"]["usdc"]) + owed) < 2e-6
    assert float(got["delta"]["usdc"]) == -float(paid["delta"]["usdc"])
    (settled,) = bench.info("fundingHistory", coin="SOL", startTime=0)
    assert settled["fundingRate"] == "0.0000125" and settled["time"] % 3_600_000 == 0
    first, live = bench.heard(session, "userFundings")
    assert first == {"user": ALICE.address, "fundings": [], "isSnapshot": True}
    assert [row["usdc"] for row in live["fundings"]] == [paid["delta"]["usdc"]]
    state = bench.exchange.state
    assert state.accounts.cash_total() == 200_000_000_000
