"""The compiled value of inventory against dense algebra, simulation and its own symmetries."""

from collections.abc import Callable
from math import e, exp, log, sqrt
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import eig
from scipy.stats import chisquare

from hypermaker.quote import exact, glft
from hypermaker.quote.closed_form import Setting

Make = Callable[..., Any]
FIGURE_1 = Setting(sigma=0.3, a=0.9, k=0.3, gamma=0.01)

textbook = st.builds(
    lambda sigma, a, k, gamma, drift: Setting(sigma, a, k, gamma, drift=drift),
    st.floats(0.05, 5.0),
    st.floats(0.05, 3.0),
    st.floats(0.05, 2.0),
    st.floats(1e-5, 0.02),
    st.floats(-0.003, 0.003),
)
limits_of = st.tuples(st.integers(-15, 0), st.integers(1, 15))


def fields(setting: Setting) -> dict[str, float]:
    """Name a textbook problem as a MARKET record does: one lot is one quote, P is the bp."""
    return {
        "sigma_bps": setting.sigma,
        "a_bid_per_s": setting.a,
        "a_ask_per_s": setting.a,
        "kappa_per_bps": setting.k,
        "gamma": setting.gamma,
        "drift_bps_per_s": setting.drift,
    }


def solved(solver: Make, market: Any) -> Any:
    record = solver()
    glft.solve(record, market)
    return record


def bids_of(record: Any, limits: tuple[int, int]) -> Any:
    return np.array([glft.bid_depth_bps(record, q, 1.0) for q in range(*limits)])


def asks_of(record: Any, limits: tuple[int, int]) -> Any:
    return np.array([glft.ask_depth_bps(record, q + 1, 1.0) for q in range(*limits)])


def test_figure_one_in_the_limit_of_a_long_day(solver: Make, lots_market: Make) -> None:
    """The stationary quotes equal those at T = 600 s of GLFT-1's setting with xi = 0, to 1e-8."""
    record = solved(solver, lots_market((-30, 30), **fields(FIGURE_1)))
    bid, ask = exact.depths(FIGURE_1, exact.at_horizon(FIGURE_1, (-30, 30), 4000.0))
    assert np.allclose(bids_of(record, (-30, 30)), bid[:-1], rtol=0.0, atol=1e-8)
    assert np.allclose(asks_of(record, (-30, 30)), ask[1:], rtol=0.0, atol=1e-8)


@settings(max_examples=150, deadline=None)
@given(setting=textbook, limits=limits_of)
def test_kernel_equals_dense_algebra_on_any_range(
    solver: Make, lots_market: Make, setting: Setting, limits: tuple[int, int]
) -> None:
    """Spectral = eigh, to 1e-8, where doubles can resolve the components at all."""
    clipped = min(max(setting.target, limits[0]), limits[1])
    setting = setting._replace(drift=clipped * setting.gamma * setting.sigma**2)
    record = solved(solver, lots_market(limits, **fields(setting)))
    lowest, vector = exact.stationary(setting, limits)
    earning = glft.earning_bps_lots_per_s(record)
    assert earning == pytest.approx(-lowest / setting.k, rel=1e-9, abs=1e-9)
    if vector.min() > 1e-6 * vector.max():
        bid, ask = exact.depths(setting, vector)
        assert np.allclose(bids_of(record, limits), bid[:-1], rtol=0.0, atol=1e-8 / setting.k)
        assert np.allclose(asks_of(record, limits), ask[1:], rtol=0.0, atol=1e-8 / setting.k)


@settings(max_examples=80, deadline=None)
@given(setting=textbook, limits=limits_of, ratio=st.floats(0.2, 5.0), gap=st.floats(0.0, 3.0))
def test_asymmetric_flow_and_costs_solve_the_unsymmetric_matrix(
    solver: Make,
    lots_market: Make,
    setting: Setting,
    limits: tuple[int, int],
    ratio: float,
    gap: float,
) -> None:
    """A and eps differ by side: the Perron vector of the matrix nobody has made symmetric."""
    setting = setting._replace(drift=0.0)
    costs = {"epsilon_bid_bps": 0.1 + gap, "epsilon_ask_bps": 0.1, "fee_bps": 0.2}
    market = lots_market(limits, **(fields(setting) | {"a_bid_per_s": ratio * setting.a} | costs))
    record = solved(solver, market)
    lots = np.arange(limits[0], limits[1] + 1)
    rate_bid = ratio * setting.a / e * exp(-setting.k * (0.3 + gap))
    rate_ask = setting.a / e * exp(-setting.k * 0.3)
    side = np.ones(len(lots) - 1)
    matrix = np.diag(setting.alpha * lots**2.0)
    matrix -= np.diag(rate_bid * side, 1) + np.diag(rate_ask * side, -1)
    values, vectors = eig(matrix)
    v = vectors[:, np.argmin(values.real)].real
    v = v * np.sign(v.sum())
    if v.min() <= 1e-6 * v.max():
        return
    bid = 1.0 / setting.k + 0.3 + gap + np.log(v[:-1] / v[1:]) / setting.k
    ours = bids_of(record, limits) + 0.2 + 0.5 * (0.1 + gap + 0.1) + 0.5 * gap
    assert np.allclose(ours, bid, rtol=0.0, atol=1e-6 / setting.k)


@pytest.mark.parametrize("stiffness", [1e-8, 1e-4, 1e-2, 1.0, 1e2, 1e6, 1e15])
@pytest.mark.parametrize("centre", [0.0, 0.3, 31.5, 64.0, 127.9, 128.0])
def test_every_lattice_yields_a_positive_vector(
    solver: Make, stiffness: float, centre: float
) -> None:
    """The certificate: all ratios positive, equation satisfied, at any steepness and off-centre."""
    record = solver()
    glft.solve_lattice(record, 128, stiffness, centre)
    points = np.arange(129)
    diagonal = record.stiffness * (points - centre) ** 2 + 2.0 - record.energy
    step = np.diff(record.log_f)
    assert np.isfinite(record.log_f).all()
    up = np.append(np.exp(np.clip(step, -700, 700)), 0.0)
    down = np.insert(np.exp(np.clip(-step, -700, 700)), 0, 0.0)
    assert np.allclose(diagonal, up + down, rtol=1e-9, atol=1e-9 + 1e-13 * record.energy)
    assert record.residual <= 1e-12 * (1.0 + record.energy)


def test_components_beyond_the_reach_of_doubles_are_still_exact(
    solver: Make, lots_market: Make
) -> None:
    """f falls by 1e-60 to the limit; each ratio equals the recursion in 60-digit arithmetic."""
    from decimal import Decimal, getcontext

    getcontext().prec = 60
    record = solved(
        solver, lots_market((-40, 40), **fields(FIGURE_1._replace(gamma=0.5, sigma=3.0)))
    )
    stiffness, energy = Decimal(float(record.stiffness)), Decimal(float(record.energy))
    ratio = Decimal(0)
    for lots in range(40, 1, -1):
        rest = 1 / ratio if ratio else Decimal(0)
        ratio = stiffness * lots * lots - energy + 2 - rest
        ours = record.log_f[lots + 39] - record.log_f[lots + 40]
        assert ours == pytest.approx(float(ratio.ln()), rel=1e-11)
    assert record.log_f[40] - record.log_f[80] > 138.0


@settings(max_examples=60, deadline=None)
@given(
    path=st.lists(st.tuples(st.floats(0.3, 3.0), st.floats(-2e-4, 2e-4)), min_size=1, max_size=12)
)
def test_warm_start_gives_the_cold_answer(
    solver: Make, lots_market: Make, path: list[tuple[float, float]]
) -> None:
    """T-94: the value of inventory does not depend on what was solved before, or for how long."""
    warm = solver()
    for sigma, drift in path:
        market = lots_market((-20, 31), **fields(FIGURE_1._replace(sigma=sigma, drift=drift)))
        glft.solve(warm, market)
        cold = solved(solver, market)
        assert np.allclose(warm.log_f, cold.log_f, rtol=0.0, atol=1e-10)
    assert warm.cold_starts == 1
    before = warm.passes
    glft.solve(warm, market)
    assert warm.passes == before


def test_a_small_change_costs_two_or_three_passes(solver: Make, lots_market: Make) -> None:
    record = solved(solver, lots_market((-30, 30), **fields(FIGURE_1)))
    for step in range(50):
        before = int(record.passes)
        sigma = FIGURE_1.sigma * (1.0 + 0.002 * (step % 5))
        glft.solve(record, lots_market((-30, 30), **fields(FIGURE_1._replace(sigma=sigma))))
        assert record.passes - before <= 3


def test_inventory_follows_the_squared_eigenvector(solver: Make, lots_market: Make) -> None:
    """Chi-square of 4000 independent inventories, simulated under the quotes, against f^2."""
    record = solved(solver, lots_market((-12, 20), **fields(FIGURE_1)))
    lots = np.arange(-12, 21)
    up = np.append(FIGURE_1.a * np.exp(-FIGURE_1.k * bids_of(record, (-12, 20))), 0.0)
    down = np.insert(FIGURE_1.a * np.exp(-FIGURE_1.k * asks_of(record, (-12, 20))), 0, 0.0)
    clock = (up + down).max()  # uniformisation: exact jumps at the ticks of one Poisson clock
    random = np.random.default_rng(7)
    state = np.full(4000, 12)
    for _ in range(random.poisson(clock * 1500.0)):
        draw = random.random(4000) * clock
        state += (draw < up[state]).astype(int) - (draw > clock - down[state])
    law = np.exp(2.0 * record.log_f[:33])
    law /= law.sum()
    rare = law < 2e-3
    seen = np.bincount(state, minlength=33)
    observed = np.append(seen[~rare], seen[rare].sum())
    wanted = np.append(law[~rare], law[rare].sum()) * 4000.0
    assert chisquare(observed, wanted).pvalue > 1e-3
    mean = float(law @ lots)
    deviation = sqrt(float(law @ lots**2) - mean**2)
    assert glft.inventory_deviation_lots(record) == pytest.approx(deviation, rel=1e-9)


@settings(max_examples=80, deadline=None)
@given(setting=textbook, q=st.integers(-14, 14))
def test_bid_and_ask_mirror_each_other(
    solver: Make, lots_market: Make, setting: Setting, q: int
) -> None:
    record = solved(solver, lots_market((-15, 15), **fields(setting._replace(drift=0.0))))
    bid, ask = glft.bid_depth_bps(record, q, 1.0), glft.ask_depth_bps(record, -q, 1.0)
    assert bid == pytest.approx(ask, rel=1e-9, abs=1e-9 / setting.k)


@settings(max_examples=80, deadline=None)
@given(setting=textbook, limits=limits_of)
def test_longer_inventory_lowers_both_quotes(
    solver: Make, lots_market: Make, setting: Setting, limits: tuple[int, int]
) -> None:
    record = solved(solver, lots_market(limits, **fields(setting)))
    assert (np.diff(bids_of(record, limits)) > -1e-12).all()
    assert (np.diff(asks_of(record, limits)) < 1e-12).all()


@settings(max_examples=80, deadline=None)
@given(setting=textbook, factor=st.floats(1.05, 3.0))
def test_spread_and_skew_move_the_right_way(
    solver: Make, lots_market: Make, setting: Setting, factor: float
) -> None:
    """Spread rises with sigma and falls with A and k; skew rises with |q| (flat, no drift)."""
    setting = setting._replace(drift=0.0)

    def spread(one: Setting) -> float:
        record = solved(solver, lots_market((-15, 15), **fields(one)))
        return float(glft.bid_depth_bps(record, 0, 1.0) + glft.ask_depth_bps(record, 0, 1.0))

    here = spread(setting)
    assert spread(setting._replace(sigma=setting.sigma * factor)) > here
    assert spread(setting._replace(a=setting.a * factor)) < here
    assert spread(setting._replace(k=setting.k * factor)) < here
    record = solved(solver, lots_market((-15, 15), **fields(setting)))
    skews = [glft.skew_bps(record, q, 1.0) for q in range(-14, 15)]
    assert (np.diff(skews) > 0.0).all()


@settings(max_examples=80, deadline=None)
@given(setting=textbook, unit=st.floats(0.01, 100.0), clock=st.floats(0.1, 10.0))
def test_units_do_not_matter(
    solver: Make, lots_market: Make, setting: Setting, unit: float, clock: float
) -> None:
    """Price unit (quant-models 0.1) and clock: A and sigma^2 together, drift with them."""
    record = solved(solver, lots_market((-9, 14), **fields(setting)))
    other = Setting(
        sigma=setting.sigma * unit * sqrt(clock),
        a=setting.a * clock,
        k=setting.k / unit,
        gamma=setting.gamma / unit,
        drift=setting.drift * unit * clock,
    )
    same = solved(solver, lots_market((-9, 14), **fields(other)))
    assert np.allclose(bids_of(same, (-9, 14)), bids_of(record, (-9, 14)) * unit, rtol=1e-9)


def test_inventory_unit_does_not_matter(solver: Make, lots_market: Make) -> None:
    """The same quotes in lots of a hundredth: quote size, limits and position scale together."""
    coarse = solved(solver, lots_market((-10, 20), **fields(FIGURE_1)))
    market = lots_market(
        (-1000, 2000),
        **fields(FIGURE_1),
    )
    market.quote_lots = 100.0
    fine = solved(solver, market)
    for q in (-9.5, 0.0, 3.0, 17.25):
        same = glft.bid_depth_bps(fine, 100.0 * q, 100.0)
        assert same == pytest.approx(glft.bid_depth_bps(coarse, q, 1.0), rel=1e-12)


def test_a_wide_range_is_covered_with_wider_cells(solver: Make, lots_market: Make) -> None:
    """1000 quotes a side on 129 points: skew within 1 % of the closed form near the middle."""
    setting = FIGURE_1._replace(gamma=2e-5)
    record = solved(solver, lots_market((-1000, 1000), **fields(setting)))
    assert record.cells == 128
    skew = glft.skew_bps(record, 100.0, 30.0)
    assert skew == pytest.approx(100.0 * setting.slope, rel=0.01)


def test_beyond_the_limit_every_coin_back_is_worth_more(solver: Make, lots_market: Make) -> None:
    record = solved(solver, lots_market((-10, 10), **fields(FIGURE_1)))
    asks = [glft.ask_depth_bps(record, q, 1.0) for q in (9, 10, 11, 15, 30)]
    assert (np.diff(asks) < 0.0).all()
    nowhere = solved(solver, lots_market((0, 0), **fields(FIGURE_1)))
    assert nowhere.cells == 0
    assert glft.ask_depth_bps(nowhere, 5.0, 1.0) < 1.0 / FIGURE_1.k


def sweep_slope(stakes: float, volume: float, k: float) -> float:
    """Return p'(0) of the ladder HJB with volume-limited sweeps, by relaxation on a unit grid.

    rate of the u-th coin at depth x: exp(-k*x - u/volume), A = 1; theta relaxes to its steady
    shape. Nothing here knows the formula under test.
    """
    reach, variance = 120, stakes * 2.0 * k / e
    lots = np.arange(-reach, reach + 1)
    theta = -0.5 * sqrt(stakes) * lots.astype(float) ** 2 / sqrt(volume)
    weight = np.exp(-(np.arange(1, 2 * reach + 1) - 0.5) / volume)
    spread = np.array(
        [[weight[j - i] if j >= i else 0.0 for j in range(2 * reach)] for i in range(2 * reach)]
    )
    for _ in range(6000):
        p = theta[:-1] - theta[1:]
        gain_bid = np.append(spread @ (np.exp(-1.0 - k * p) / k), 0.0)
        gain_ask = np.insert(spread.T @ (np.exp(-1.0 + k * p) / k), 0, 0.0)
        theta = theta + 0.02 * (gain_bid + gain_ask - 0.5 * variance * lots**2)
        theta -= theta[reach]
    return float(2.0 * theta[reach] - theta[reach + 1] - theta[reach - 1])


@pytest.mark.parametrize(("stakes", "volume"), [(4e-4, 4.0), (4e-3, 8.0), (2e-2, 12.0)])
def test_slope_of_a_ladder_swept_by_volumes(stakes: float, volume: float) -> None:
    """1/fill = 1/v + kappa*slope, against the HJB of the coin-by-coin ladder itself."""
    k = 0.7
    slope = sqrt(stakes / glft.fill_lots(volume, k, stakes))
    assert slope == pytest.approx(sweep_slope(stakes, volume, k), rel=0.03)


def test_fill_size_between_its_two_limits() -> None:
    """Small volumes: fill = v, GLFT. Large ones: the asinh ladder's slope stakes*kappa."""
    assert glft.fill_lots(1e-3, 0.3, 1e-4) == pytest.approx(1e-3, rel=1e-3)
    unlimited = glft.fill_lots(1e12, 0.3, 1e-4)
    assert sqrt(1e-4 / unlimited) == pytest.approx(0.3 * 1e-4, rel=1e-3)


@settings(max_examples=60, deadline=None)
@given(
    wanted=st.floats(0.5, 20.0),
    gamma=st.floats(1e-9, 1e-3),
    kappa=st.floats(0.05, 1.0),
    quotes=st.integers(4, 200),
)
def test_least_skew_is_there_at_half_the_limit(
    market: Make, solver: Make, wanted: float, gamma: float, kappa: float, quotes: int
) -> None:
    """T-50: whatever gamma, the reservation price moves by what was configured, or more."""
    plain = market(
        gamma=gamma, kappa_per_bps=kappa, quote_lots=9000.0 / quotes, skew_bps_min=wanted
    )
    record = solved(solver, plain)
    size = 9000.0 / quotes
    assert glft.skew_bps(record, 4500.0, size) >= wanted
    assert glft.skew_bps(record, -4500.0, size) <= -wanted


def test_drift_beyond_the_limits_is_a_target_at_the_limit(solver: Make, lots_market: Make) -> None:
    far = solved(solver, lots_market((-5, 9), **fields(FIGURE_1._replace(drift=1.0))))
    assert far.target_lots == 9.0
    risk_free = solved(
        solver, lots_market((-5, 9), **fields(FIGURE_1._replace(gamma=0.0, drift=1.0)))
    )
    assert risk_free.target_lots == 0.0


@pytest.mark.parametrize(
    "name", ["fair_ticks", "sigma_bps", "a_bid_per_s", "kappa_per_bps", "gamma", "drift_bps_per_s"]
)
def test_what_is_not_known_is_not_quoted(market: Make, name: str) -> None:
    assert glft.is_ready(market())
    assert not glft.is_ready(market(**{name: np.nan}))


def test_logarithm_of_flow_shifts_both_quotes(solver: Make, lots_market: Make) -> None:
    """More selling lowers both quotes by ln(A_b/A_a)/(2*kappa)."""
    plain = fields(FIGURE_1)
    level = solved(solver, lots_market((-10, 10), **plain))
    sold = solved(
        solver, lots_market((-10, 10), **(plain | {"a_bid_per_s": 1.8, "a_ask_per_s": 0.45}))
    )
    shift = log(4.0) / (2.0 * FIGURE_1.k)
    for q in (-3, 0, 5):
        lower = glft.bid_depth_bps(sold, q, 1.0) - glft.bid_depth_bps(level, q, 1.0)
        assert lower == pytest.approx(shift, rel=1e-9)
