"""gamma from a skew, an inventory scale or capital; sizes that scale with Kelly."""

from collections.abc import Callable
from math import sqrt
from typing import Any

import pytest

from hypermaker.quote import glft
from hypermaker.quote import risk_aversion as risk
from hypermaker.quote.risk_aversion import Flow

Make = Callable[..., Any]
FLOW = Flow(sigma_bps=2.0, a_per_s=0.1, kappa_per_bps=0.25)


def test_gamma_from_a_target_skew(case: Callable[[str], dict[str, Any]]) -> None:
    """GLFT-13."""
    one = case("GLFT-13")
    given, want = one["inputs"], one["expected"]
    flow = Flow(given["sigma_bps"], given["A"], given["k_per_bps"])
    gamma = risk.gamma_from_skew(
        flow, skew_bps=given["target_skew_bps_at_qmax"], held=given["q_max_lots"]
    )
    assert gamma == pytest.approx(want["gamma_lot"], rel=1e-9)
    assert risk.half_spread_bps(flow, gamma) == pytest.approx(want["half_spread_bps"], rel=1e-9)
    deviation = risk.deviation_of_inventory(flow, gamma)
    assert deviation == pytest.approx(want["inventory_std_lots"], rel=1e-9)


def test_gamma_from_an_inventory_scale_is_what_the_lattice_then_shows(
    market: Make, solver: Make
) -> None:
    for deviation in (2.0, 3.0, 5.0):
        gamma = risk.gamma_from_deviation(FLOW, deviation)
        assert risk.deviation_of_inventory(FLOW, gamma) == pytest.approx(deviation, rel=1e-12)
        record = solver()
        glft.solve(
            record, market(gamma=gamma, fee_bps=0.0, epsilon_bid_bps=0.0, epsilon_ask_bps=0.0)
        )
        wanders = glft.inventory_deviation_lots(record) / 300.0
        assert wanders == pytest.approx(deviation, rel=0.05)


def test_costs_steepen_the_skew() -> None:
    """slope * exp(kappa*c/2): a fee makes inventory harder to shed."""
    costly = FLOW._replace(cost_bps=2.0)
    ratio = risk.slope_bps(costly, 1e-4) / risk.slope_bps(FLOW, 1e-4)
    assert ratio == pytest.approx(2.718281828459045**0.25, rel=1e-12)
    assert risk.half_spread_bps(costly, 1e-12) == pytest.approx(6.0, abs=1e-3)


def test_gamma_of_a_kelly_trader() -> None:
    """log utility of W has risk aversion 1/W: one bp on 300 USD is 0.03 USD of 10,000."""
    gamma = risk.gamma_from_capital(capital_usd=10_000.0, kelly_fraction=0.25, quote_usd=300.0)
    assert gamma == pytest.approx(0.03 / 2500.0, rel=1e-12)


def test_halving_the_kelly_fraction_halves_the_whole_ladder(
    market: Make, quoted: Make, sides: Make
) -> None:
    """T-41, from the configured fraction to the sizes of the final orders; prices stay."""
    ladders = []
    for fraction in (0.5, 0.25):
        want = risk.appetite(
            FLOW, capital_usd=100_000.0, kelly_fraction=fraction, leverage=3.0, quotes=30
        )
        most = int(want.position_usd_max)
        one = market(
            gamma=want.gamma, quote_lots=want.quote_usd, long_lots_max=most, short_lots_max=most
        )
        ladders.append(sides(quoted(one)))
    for full, half in zip(*ladders, strict=True):
        assert full.size_lots.sum() == 2 * half.size_lots.sum() > 0
        assert list(full.price_ticks) == list(half.price_ticks)


def test_every_kelly_size_is_proportional_to_capital() -> None:
    small = risk.kelly_position_usd(FLOW, 100.0)
    assert risk.kelly_position_usd(FLOW, 100_000.0) == pytest.approx(1000.0 * small, rel=1e-9)
    for capital in (100.0, 1000.0, 100_000.0):
        want = risk.appetite(FLOW, capital_usd=capital, kelly_fraction=1.0, leverage=2.0, quotes=10)
        assert want.position_usd_max <= 2.0 * capital
        assert want.quote_usd * 10 == pytest.approx(want.position_usd_max)


def test_risky_quiet_market_is_held_less_than_leverage_allows() -> None:
    """Where few trade and much moves, Kelly and not leverage is what binds."""
    wild = Flow(sigma_bps=50.0, a_per_s=0.001, kappa_per_bps=0.05)
    want = risk.appetite(wild, capital_usd=1000.0, kelly_fraction=1.0, leverage=10.0, quotes=10)
    assert want.position_usd_max == pytest.approx(risk.kelly_position_usd(wild, 1000.0))
    assert want.position_usd_max < 10_000.0


def test_relaxation_time_of_the_worked_example() -> None:
    """Section 2.5: 2.7e-4 per bp comes home in about 230 s, with 0.24 bps a lot."""
    assert risk.relaxation_s(FLOW, 2.7e-4) == pytest.approx(230.0, rel=0.05)
    assert risk.slope_bps(FLOW, 2.7e-4) == pytest.approx(0.24, abs=0.005)
    assert sqrt(2.0) * risk.slope_bps(FLOW, 2.7e-4) == pytest.approx(risk.slope_bps(FLOW, 5.4e-4))


def test_market_without_edge_is_named() -> None:
    """fee + adverse selection above half the market's spread: nobody is paid there."""
    assert risk.edge_bps(FLOW._replace(cost_bps=1.8), 0.5) == pytest.approx(-1.3)
    assert risk.edge_bps(FLOW._replace(cost_bps=1.8), 2.5) == pytest.approx(0.7)
