"""The formulas with a name: Avellaneda-Stoikov, the GLFT closed form, ladders of the literature."""

from collections.abc import Callable
from math import exp, sqrt
from typing import Any

import numpy as np
import pytest

from hypermaker.quote import closed_form
from hypermaker.quote.closed_form import AvellanedaStoikov, Setting, glft_quote

Case = Callable[[str], dict[str, Any]]
STEPS, DT_S, RATE, DECAY, SIGMA = 200, 0.005, 140.0, 1.5, 2.0
PATHS = 40_000


def average_spread(model: AvellanedaStoikov) -> float:
    return float(np.mean([model.spread(1.0 - step * DT_S) for step in range(STEPS)]))


def simulate(
    model: AvellanedaStoikov,
    *,
    seed: int,
    fixed_spread: float = 0.0,
    fill: Callable[[Any], Any] = lambda rate: np.minimum(rate * DT_S, 1.0),
) -> tuple[Any, Any]:
    """Return (profit, final inventory) of each path under the scheme of the 2008 paper."""
    random = np.random.default_rng(seed)
    price, cash, q = np.full(PATHS, 100.0), np.zeros(PATHS), np.zeros(PATHS)
    for step in range(STEPS):
        if fixed_spread:
            bid, ask = price - 0.5 * fixed_spread, price + 0.5 * fixed_spread
        else:
            bid, ask = model.quote(price, q=q, left_s=1.0 - step * DT_S)  # type: ignore[arg-type]
        sold = random.random(PATHS) < fill(RATE * np.exp(-DECAY * (ask - price)))
        bought = random.random(PATHS) < fill(RATE * np.exp(-DECAY * (price - bid)))
        cash += sold * ask - bought * bid
        q += 1.0 * bought - sold
        price += SIGMA * sqrt(DT_S) * random.choice([-1.0, 1.0], PATHS)
    return cash + q * price, q


def spread_error(sample: Any, paths: int) -> float:
    """Return the standard error of a standard deviation estimated from this many paths."""
    centred = sample - sample.mean()
    kurtosis = np.mean(centred**4) / np.mean(centred**2) ** 2
    return float(sample.std() * sqrt((kurtosis - 1.0) / (4.0 * paths)))


def test_quote_of_avellaneda_and_stoikov(case: Case) -> None:
    """AS-1."""
    one = case("AS-1")
    given, want = one["inputs"], one["expected"]
    model = AvellanedaStoikov(given["sigma"], given["k"], given["gamma"])
    left_s = given["T_minus_t"]
    bid, ask = model.quote(given["s"], q=given["q"], left_s=left_s)
    reservation = model.reservation(given["s"], q=given["q"], left_s=left_s)
    assert reservation == pytest.approx(want["reservation"], abs=1e-9)
    assert model.spread(left_s) == pytest.approx(want["spread"], abs=1e-9)
    assert (bid, ask) == pytest.approx((want["bid"], want["ask"]), abs=1e-9)


@pytest.mark.parametrize("name", ["AS-2", "AS-4"])
@pytest.mark.parametrize("strategy", ["inventory", "symmetric"])
def test_simulation_has_the_exact_moments(case: Case, name: str, strategy: str) -> None:
    """AS-2, AS-4: means and deviations within four standard errors of the moment recursion."""
    one = case(name)
    model = AvellanedaStoikov(SIGMA, DECAY, one["inputs"]["gamma"])
    want = one["expected"][strategy]
    spread = average_spread(model)
    assert spread == pytest.approx(want["avg_spread"], abs=2e-3)
    profit, q = simulate(model, seed=1, fixed_spread=spread if strategy == "symmetric" else 0.0)
    for sample, mean, deviation in (
        (profit, want["profit_mean"], want["profit_std"]),
        (q, want["final_q_mean"], want["final_q_std"]),
    ):
        assert abs(sample.mean() - mean) <= 4.0 * deviation / sqrt(PATHS)
        assert abs(sample.std() - deviation) <= 4.0 * spread_error(sample, PATHS)


PUBLISHED = {  # journal version 2008: spread, profit, std(profit), final q, std(final q)
    (0.1, "inventory"): (1.49, 65.0, 6.6, 0.08, 2.9),
    (0.1, "symmetric"): (1.49, 68.4, 12.7, 0.26, 8.4),
    (0.01, "inventory"): (1.35, 68.6, 8.7, 0.12, 5.1),
    (0.01, "symmetric"): (1.35, 68.8, 12.8, 0.09, 8.7),
    (1.0, "inventory"): (3.02, 31.4, 5.0, 0.02, 1.7),
    (1.0, "symmetric"): (3.02, 44.0, 11.0, 0.00, 5.1),
}


@pytest.mark.parametrize(("gamma", "strategy"), PUBLISHED)
def test_published_tables_lie_within_two_standard_errors(gamma: float, strategy: str) -> None:
    """Tables 1-3 of Avellaneda and Stoikov (2008), made of 1000 paths; the last digit printed."""
    spread, profit_mean, profit_std, q_mean, q_std = PUBLISHED[gamma, strategy]
    model = AvellanedaStoikov(SIGMA, DECAY, gamma)
    ours = average_spread(model)
    assert ours == pytest.approx(spread, abs=0.02)
    profit, q = simulate(model, seed=2, fixed_spread=ours if strategy == "symmetric" else 0.0)
    for sample, mean, deviation, mean_digit in (
        (profit, profit_mean, profit_std, 0.05),
        (q, q_mean, q_std, 0.005),
    ):
        both = sqrt(1.0 / 1000.0 + 1.0 / PATHS)
        assert abs(sample.mean() - mean) <= 2.0 * sample.std() * both + mean_digit
        assert abs(sample.std() - deviation) <= 2.0 * spread_error(sample, 1000) + 0.05


def test_wrong_fill_rule_gives_the_wrong_profit(case: Case) -> None:
    """AS-6: 1-exp(-lambda*dt) for the fill probability is the common error of replications."""
    want = case("AS-6")["expected"]
    model = AvellanedaStoikov(SIGMA, DECAY, 0.1)

    def wrong(rate: Any) -> Any:
        return 1.0 - np.exp(-rate * DT_S)

    profit, _ = simulate(model, seed=3, fill=wrong)
    assert profit.mean() == pytest.approx(want["inventory_profit_mean"], abs=0.15)
    profit, _ = simulate(model, seed=3, fixed_spread=average_spread(model), fill=wrong)
    assert profit.mean() == pytest.approx(want["symmetric_profit_mean"], abs=0.3)


def setting(given: dict[str, Any], **changes: float) -> Setting:
    names = {"A": "a", "Delta": "delta", "mu": "drift", "c": "cost"}
    fields = {names.get(name, name): value for name, value in given.items()}
    known = {name: value for name, value in fields.items() if name in Setting._fields}
    return Setting(**(known | changes))


def test_closed_form_constants(case: Case) -> None:
    """GLFT-2: alpha, eta, skew per lot and the closed quotes."""
    one = case("GLFT-2")
    glft, want = setting(one["inputs"]), one["expected"]
    assert glft.alpha == pytest.approx(want["alpha"], abs=1e-12)
    assert glft.eta == pytest.approx(want["eta"], abs=1e-10)
    assert glft.slope == pytest.approx(want["closed_skew_per_lot"], abs=1e-10)
    for q, bid in want["closed_bid"].items():
        assert glft_quote(glft, float(q))[0] == pytest.approx(bid, abs=1e-7)


def test_tutorial_numbers_of_a_public_backtester(case: Case) -> None:
    """GLFT-4."""
    one = case("GLFT-4")
    glft, want = setting(one["inputs"]), one["expected"]
    assert glft_quote(glft, 0.0)[0] == pytest.approx(want["half_spread"], abs=1e-9)
    assert glft.slope == pytest.approx(want["skew"], abs=1e-9)


@pytest.mark.parametrize("model", ["modelA", "modelB"])
def test_closed_form_of_the_credit_index(case: Case, model: str) -> None:
    """GLFT-5, closed quotes of both models."""
    one = case("GLFT-5")
    xi = one["inputs"]["gamma"] if model == "modelA" else 0.0
    glft = setting(one["inputs"], xi=xi)
    for lots, bid in one["expected"][model]["closed_bid"].items():
        assert glft_quote(glft, float(lots) * glft.delta)[0] == pytest.approx(bid, rel=1e-5)


def test_drift_recentres_the_closed_quotes_on_mertons_position(case: Case) -> None:
    """GLFT-8."""
    one = case("GLFT-8")
    glft, want = setting(one["inputs"]), one["expected"]
    quotes = (want["closed_bid_q0"], want["closed_ask_q0"])
    assert glft_quote(glft, 0.0) == pytest.approx(quotes, abs=1e-6)
    assert glft.target == pytest.approx(want["target_inventory"], abs=1e-9)


def test_own_impact_in_the_closed_form(case: Case) -> None:
    """GLFT-9."""
    one = case("GLFT-9")
    glft = setting(one["inputs"])
    for q, bid in one["expected"]["closed_bid"].items():
        assert glft_quote(glft, float(q))[0] == pytest.approx(bid, abs=1e-6)


def test_quotes_do_not_depend_on_the_price_unit(case: Case) -> None:
    """GLFT-12, with xi = gamma in ticks and in bps."""
    one = case("GLFT-12")
    given, want = one["inputs"], one["expected"]
    bps = given["tick_size"] / given["price"] * 1e4
    sigma, k, gamma = given["sigma_ticks"], given["k_per_tick"], given["gamma_per_tick"]
    ticks = glft_quote(Setting(sigma, given["A"], k, gamma, gamma), given["q"])
    inside = Setting(sigma * bps, given["A"], k / bps, gamma / bps, gamma / bps)
    assert inside[0] == pytest.approx(want["sigma_bps"], rel=1e-12)
    in_bps = glft_quote(inside, given["q"])
    assert ticks == pytest.approx((want["bid_ticks"], want["ask_ticks"]), rel=1e-11)
    assert in_bps == pytest.approx((want["bid_bps"], want["ask_bps"]), rel=1e-11)


def test_discount_under_unlimited_sweeps(case: Case) -> None:
    """LAD-1."""
    one = case("LAD-1")
    glft, want = setting({**one["inputs"], "y": 0}), one["expected"]
    p = [closed_form.sweep_discount(glft, y) for y in one["inputs"]["y"]]
    assert p == pytest.approx(want["p"], abs=1e-8)
    assert [1.0 / glft.k + x for x in p] == pytest.approx(want["bid_depth"], abs=1e-8)
    assert [1.0 / glft.k - x for x in p] == pytest.approx(want["ask_depth"], abs=1e-8)


def test_ladder_for_clients_of_several_sizes(case: Case) -> None:
    """LAD-4."""
    one = case("LAD-4")
    given, want = one["inputs"], one["expected"]
    glft = setting({**given, "A": 1.0})
    a = closed_form.size_ladder_slope(glft, dict(zip(given["sizes"], given["A_z"], strict=True)))
    assert a == pytest.approx(want["a"], rel=1e-9)
    bids = [1.0 / glft.k + a * (2.0 * given["q"] + z) for z in given["sizes"]]
    asks = [1.0 / glft.k - a * (2.0 * given["q"] - z) for z in given["sizes"]]
    assert bids == pytest.approx(want["bid"], rel=1e-9)
    assert asks == pytest.approx(want["ask"], rel=1e-9)


def test_probability_that_the_price_touches_a_depth() -> None:
    """T-39, and Phi(1) of T-40: depths in bps, sigma 1 bps per sqrt(s), 10 s."""
    touch = closed_form.touch_probability
    assert touch(0.0, sigma=1.0, horizon_s=10.0) == 1.0
    for depth, want in ((2.0, 0.52709), (5.0, 0.11385), (10.0, 0.0015654)):
        assert touch(depth, sigma=1.0, horizon_s=10.0) == pytest.approx(want, rel=1e-4)
    assert touch(1.0, sigma=0.0, horizon_s=10.0) == 0.0
    assert 1.0 - 0.5 * touch(1.0, sigma=1.0, horizon_s=1.0) == pytest.approx(0.841345, abs=1e-6)


@pytest.mark.parametrize(
    ("gamma", "k", "bps"), [(0.5, 100.0, 99.7508), (0.3, 2000.0, 4.99963), (0.3, 50.0, 199.402)]
)
def test_half_spread_of_a_trader_who_minds_no_inventory(gamma: float, k: float, bps: float) -> None:
    """T-48: prices as fractions; lower k is wider, and gamma/k -> 0 gives 1/k."""
    base = Setting(sigma=0.0, a=1.0, k=k, gamma=gamma, xi=gamma).base
    assert base * 1e4 == pytest.approx(bps, rel=1e-5)
    assert Setting(0.0, 1.0, 0.5 * k, gamma, gamma).base > base
    assert Setting(0.0, 1.0, k, gamma, 1e-12).base == pytest.approx(1.0 / k, rel=1e-9)


def test_damping_tends_to_one_over_e() -> None:
    assert Setting(1.0, 1.0, 0.3, 0.01, 1e-7).damping == pytest.approx(exp(-1.0), rel=1e-5)
