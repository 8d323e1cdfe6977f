"""The lattice by dense linear algebra: published parameters, and three ways to the same answer."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import eigh_tridiagonal, expm

from hypermaker.quote import exact
from hypermaker.quote.closed_form import Setting

Case = Callable[[str], dict[str, Any]]
FIGURE_1 = Setting(sigma=0.3, a=0.9, k=0.3, gamma=0.01, xi=0.01)


def at(quotes: Any, limits: tuple[int, int], lots: str) -> float:
    return float(quotes[int(lots) - limits[0]])


def test_quotes_of_figure_one(case: Case) -> None:
    """GLFT-1."""
    one = case("GLFT-1")
    limits = (-one["inputs"]["Q"], one["inputs"]["Q"])
    bid, ask = exact.depths(FIGURE_1, exact.at_horizon(FIGURE_1, limits, one["inputs"]["T"]))
    for quotes, wanted in ((bid, one["expected"]["bid"]), (ask, one["expected"]["ask"])):
        for lots, want in wanted.items():
            assert at(quotes, limits, lots) == pytest.approx(want, abs=1e-7)


def test_asymptotic_quotes_and_earning_rate(case: Case) -> None:
    """GLFT-2: eigenvalue, quotes, certainty-equivalent rate, stationary deviation."""
    one = case("GLFT-2")
    limits, want = (-30, 30), one["expected"]
    lowest, vector = exact.stationary(FIGURE_1, limits)
    bid, _ = exact.depths(FIGURE_1, vector)
    assert lowest == pytest.approx(want["lowest_eigenvalue"], abs=1e-10)
    for lots, depth in want["spectral_bid"].items():
        assert at(bid, limits, lots) == pytest.approx(depth, abs=1e-8)
    assert -lowest / FIGURE_1.k == pytest.approx(want["ce_rate_ticks_per_s"], abs=1e-7)
    lots = np.arange(-30, 31)
    deviation = np.sqrt(np.sum(lots**2 * vector**2))
    assert deviation == pytest.approx(want["stationary_inventory_std"], abs=1e-7)


def test_quotes_by_time_to_go(case: Case) -> None:
    """GLFT-3: at the end every quote is the base spread."""
    limits = (-30, 30)
    for left_s, wanted in case("GLFT-3")["expected"].items():
        bid, _ = exact.depths(FIGURE_1, exact.at_horizon(FIGURE_1, limits, float(left_s)))
        for name, want in wanted.items():
            assert at(bid, limits, name.removeprefix("bid_q")) == pytest.approx(want, abs=1e-7)


@pytest.mark.parametrize("model", ["modelA", "modelB"])
def test_quotes_of_the_credit_index(case: Case, model: str) -> None:
    """GLFT-5: the regime where the closed form is 15-20 % off."""
    one = case("GLFT-5")
    given = one["inputs"]
    xi = given["gamma"] if model == "modelA" else 0.0
    setting = Setting(given["sigma"], given["A"], given["k"], given["gamma"], xi, given["Delta"])
    v = exact.at_horizon(setting, (-4, 4), given["T"])
    bid, _ = exact.depths(setting, v)
    for lots, want in one["expected"][model]["exact_bid"].items():
        assert at(bid, (-4, 4), lots) == pytest.approx(want, rel=1e-5)


def test_quotes_under_drift(case: Case) -> None:
    """GLFT-8."""
    one = case("GLFT-8")
    setting = FIGURE_1._replace(drift=one["inputs"]["mu"])
    bid, ask = exact.depths(setting, exact.at_horizon(setting, (-30, 30), 600.0))
    for quotes, name in ((bid, "spectral_bid"), (ask, "spectral_ask")):
        for lots, want in one["expected"][name].items():
            assert at(quotes, (-30, 30), lots) == pytest.approx(want, abs=1e-6)


def test_quotes_with_own_impact(case: Case) -> None:
    """GLFT-9."""
    one = case("GLFT-9")
    setting = FIGURE_1._replace(impact=one["inputs"]["impact"])
    bid, _ = exact.depths(setting, exact.stationary(setting, (-30, 30))[1])
    for lots, want in one["expected"]["spectral_bid"].items():
        assert at(bid, (-30, 30), lots) == pytest.approx(want, abs=1e-6)


def test_quotes_with_a_rebate(case: Case) -> None:
    """GLFT-10, and the identity quotes(A, c) = c + quotes(A*exp(-k*c), 0)."""
    one = case("GLFT-10")
    rebate = FIGURE_1._replace(cost=one["inputs"]["c"])
    bid, _ = exact.depths(rebate, exact.at_horizon(rebate, (-10, 10), 600.0))
    for lots, want in one["expected"]["bid"].items():
        assert at(bid, (-10, 10), lots) == pytest.approx(want, abs=1e-7)
    busier = FIGURE_1._replace(a=FIGURE_1.a * np.exp(-FIGURE_1.k * rebate.cost))
    same, _ = exact.depths(busier, exact.at_horizon(busier, (-10, 10), 600.0))
    assert np.allclose(bid[:-1], rebate.cost + same[:-1], rtol=0.0, atol=1e-10)


def theta_equation(setting: Setting, lots: Any) -> Callable[[float, Any], Any]:
    """Return d(theta)/d(time to go) of the nonlinear HJB, Model B, written without the trick."""

    def rate(_: float, theta: Any) -> Any:
        def best(discount: Any) -> Any:  # sup over depth x of A*exp(-k*x)*(x - discount)
            depth = 1.0 / setting.k + discount
            return setting.a * np.exp(-setting.k * depth) * (depth - discount)

        change = setting.drift * lots - 0.5 * setting.gamma * setting.sigma**2 * lots**2
        change[:-1] += best(theta[:-1] - theta[1:])
        change[1:] += best(theta[1:] - theta[:-1])
        return change

    return rate


@pytest.mark.parametrize("drift", [0.0, 0.004])
def test_spectrum_exponential_and_differential_equation_agree(drift: float) -> None:
    """Three independent ways to the same finite-horizon quotes, to 1e-8 (asymmetric range)."""
    setting, limits, left_s = FIGURE_1._replace(xi=0.0, drift=drift), (-8, 12), 200.0
    lots = np.arange(limits[0], limits[1] + 1, dtype=np.float64)
    spectral, _ = exact.depths(setting, exact.at_horizon(setting, limits, left_s))
    matrix = exact.lattice(setting, limits)
    shift = np.eye(len(lots)) * eigh_tridiagonal(np.diag(matrix), np.diag(matrix, 1))[0][0]
    exponential, _ = exact.depths(setting, expm(-(matrix - shift) * left_s) @ np.ones(len(lots)))
    flow = theta_equation(setting, lots)
    path = solve_ivp(flow, (0.0, left_s), 0.0 * lots, "LSODA", rtol=1e-12, atol=1e-12)
    theta = path.y[:, -1]
    integrated = 1.0 / setting.k + theta[:-1] - theta[1:]
    assert np.allclose(spectral[:-1], exponential[:-1], rtol=0.0, atol=1e-8)
    assert np.allclose(spectral[:-1], integrated, rtol=0.0, atol=1e-8)


def test_closed_form_is_the_harmonic_limit() -> None:
    """Section 2.4's table at omega = 0.02 and 1: k*(bid depth - base) at 0 and 5 lots."""
    for omega, at_0, at_5 in ((0.02, 0.01004, 0.1104), (0.2, 0.1040, 1.085), (1.0, 0.625, 3.61)):
        eta = 1.0 / np.e
        setting = Setting(sigma=1.0, a=1.0, k=1.0, gamma=2.0 * omega**2 * eta)
        limits = (-30, 30) if omega < 0.5 else (-6, 6)  # further out nothing is left of 16 digits
        bid, _ = exact.depths(setting, exact.stationary(setting, limits)[1])
        assert at(bid, limits, "0") - 1.0 == pytest.approx(at_0, rel=2e-3)
        assert at(bid, limits, "5") - 1.0 == pytest.approx(at_5, rel=2e-3)
