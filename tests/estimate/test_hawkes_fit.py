"""Learning a self-exciting process: likelihoods of the reference, recovery, coverage, verdict."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.optimize import minimize

from hypermaker.estimate import hawkes_fit, hawkes_likelihood
from tests.estimate.loops import feed_marks
from tests.estimate.simulate import hawkes_times

Cases = dict[str, dict[str, Any]]
TRUTH = (0.2, 0.5, 1.0)
END_S = 5_000.0


def online(times_s: Any, mu: float, beta: float = 1.0, tau_s: float = 1e12) -> Any:
    """Return the record of the online fit after these events."""
    array = np.zeros(1, hawkes_fit.HAWKES_FIT)
    hawkes_fit.reset(array[0], mu, 0.5, beta, tau_s)
    feed_marks(array[0], (times_s * 1e9).astype(np.int64), np.ones(len(times_s)))
    return array[0]


def model(mu: Any, jump: Any, beta: float) -> Any:
    """Return parameters as the likelihood takes them."""
    return np.atleast_1d(np.array(mu, float)), np.atleast_2d(np.array(jump, float)), beta


def test_marked_likelihood_and_residuals(cases: Cases) -> None:
    """HWK-3: recursion, compensator and rescaled gaps."""
    case = cases["HWK-3"]
    g, expected = case["inputs"], case["expected"]
    times, marks = np.array(g["times"]), np.array(g["sizes"])
    value = hawkes_likelihood.log_likelihood(
        times, marks, np.zeros(5, np.int64), g["T"], model(g["mu"], g["alpha"], g["beta"])
    )
    assert value == pytest.approx(expected["loglik"], abs=1e-10)
    n = g["alpha"] * marks.mean() / g["beta"]
    theta = np.array([math.log(g["mu"]), math.log(n / (1 - n)), math.log(g["beta"])])
    gaps = np.zeros(5)
    out = (np.zeros(3), np.zeros((3, 3)), gaps)
    assert hawkes_likelihood.score(times, marks, g["T"], theta, out) == pytest.approx(
        expected["loglik"], abs=1e-10
    )
    assert gaps == pytest.approx(expected["residuals"], abs=1e-10)
    rest = value - sum(math.log(r) for r in rates(times, marks, g))
    assert -rest == pytest.approx(expected["compensator"], abs=1e-10)


def rates(times: Any, marks: Any, g: dict[str, Any]) -> list[float]:
    """Return the left limits of the intensity by the definition."""
    return [
        g["mu"]
        + sum(
            g["alpha"] * m * math.exp(-g["beta"] * (t - u))
            for u, m in zip(times[:i], marks[:i], strict=True)
        )
        for i, t in enumerate(times)
    ]


def test_the_tick_library_agrees(cases: Cases) -> None:
    """HWK-4: an independent library's published losses, two nodes."""
    case = cases["HWK-4"]
    g, expected = case["inputs"], case["expected"]
    events = sorted((t, node) for node, ts in enumerate(g["timestamps"]) for t in ts)
    times = np.array([t for t, _ in events])
    nodes = np.array([node for _, node in events])
    jump = np.array(g["adjacency"], float) * g["decay"]
    value = hawkes_likelihood.log_likelihood(
        times, np.ones(len(times)), nodes, g["T"], model(g["mu"], jump, g["decay"])
    )
    assert value == pytest.approx(expected["loglik"], abs=1e-10)
    assert -value / 11 == pytest.approx(expected["tick_loss_old"], abs=1e-10)
    assert -(value + 2 * g["T"]) / 11 == pytest.approx(expected["tick_loss_new"], abs=1e-10)


def test_the_score_is_the_gradient() -> None:
    """Central differences of the likelihood, with marks."""
    times = hawkes_times(0.3, 0.4, 1.2, 400.0, 3)
    marks = np.random.default_rng(3).lognormal(0, 0.5, len(times))
    theta = np.array([-1.3, 0.2, 0.3])
    gradient = np.zeros(3)
    out = (gradient, np.zeros((3, 3)), np.zeros(len(times)))
    hawkes_likelihood.score(times, marks, 400.0, theta, out)
    told = gradient.copy()
    for i in range(3):
        step = np.eye(3)[i] * 1e-5
        up, down = (
            hawkes_likelihood.score(times, marks, 400.0, theta + sign * step, out)
            for sign in (1, -1)
        )
        assert told[i] == pytest.approx((up - down) / 2e-5, rel=1e-5, abs=1e-5)


def test_the_fit_is_where_scipy_finds_the_maximum() -> None:
    """An independent optimiser on an independently written likelihood."""
    times = hawkes_times(*TRUTH, 1_500.0, 11)

    def loss(theta: Any) -> float:
        mu, alpha, beta = np.exp(theta)
        gap = np.diff(times)
        excitation, total = 0.0, math.log(mu)
        for dt in gap:
            excitation = (excitation + alpha) * math.exp(-beta * dt)
            total += math.log(mu + excitation)
        rest = (1 - np.exp(-beta * (1_500.0 - times))).sum()
        return float(-(total - mu * 1_500.0 - alpha / beta * rest))

    found = minimize(
        loss,
        np.log(TRUTH),
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-11, "maxiter": 4000},
    )
    fit = hawkes_likelihood.fit(times, np.ones(len(times)), 1_500.0)
    assert (fit.mu, fit.alpha, fit.beta) == pytest.approx(tuple(np.exp(found.x)), rel=1e-4)
    assert fit.loglik == pytest.approx(-found.fun, abs=1e-6)


def test_one_path_lies_within_four_deviations(cases: Cases) -> None:
    """HWK-8: batch and online, single path; the Poisson null is rejected, the truth is not."""
    sd = cases["HWK-8"]["expected"]["sd_mle"]
    times = hawkes_times(*TRUTH, END_S, 5)
    fit = hawkes_likelihood.fit(times, np.ones(len(times)), END_S)
    rec = online(times, len(times) / END_S / 2)
    live = (hawkes_fit.mu_per_s(rec), hawkes_fit.alpha_per_s(rec), hawkes_fit.beta_per_s(rec))
    for told in ((fit.mu, fit.alpha, fit.beta), live):
        for value, truth, spread in zip(told, TRUTH, sd, strict=True):
            assert abs(value - truth) < 4 * spread
    assert live == pytest.approx((fit.mu, fit.alpha, fit.beta), rel=0.05)
    assert fit.ks < fit.ks_bound
    assert hawkes_fit.ks_distance(rec) < 1.36 / math.sqrt(hawkes_fit.effective_count(rec))
    assert abs(hawkes_fit.gap_correlation(rec)) < 3 / math.sqrt(len(times))
    poisson = np.diff(np.append(0.0, times)) * len(times) / END_S
    assert hawkes_likelihood.ks_distance(poisson) > fit.ks_bound


def coverage(paths: int) -> dict[str, Any]:
    """Return how often the 95 % intervals of both fits hold the truth, and their scatter."""
    inside = {"online": np.zeros(3), "batch": np.zeros(3)}
    estimates = {"online": [], "batch": []}
    rejected = 0
    for path in range(paths):
        times = hawkes_times(*TRUTH, END_S, path + 1)
        fit = hawkes_likelihood.fit(times, np.ones(len(times)), END_S)
        rec = online(times, len(times) / END_S / 2, beta=(0.5, 1.0, 2.0)[path % 3])
        errors = hawkes_fit.log_stderrs(rec)
        live = (hawkes_fit.mu_per_s(rec), hawkes_fit.branching(rec), hawkes_fit.beta_per_s(rec))
        logs = np.array([rec.log_mu, rec.logit_n, rec.log_beta])
        truth = np.array([math.log(0.2), 0.0, 0.0])
        inside["online"] += np.abs(logs - truth) < 1.96 * np.array(errors)
        batch = np.array([fit.mu - 0.2, fit.branching - 0.5, fit.beta - 1.0])
        inside["batch"] += np.abs(batch) < 1.96 * np.array(
            [fit.mu_se, fit.branching_se, fit.beta_se]
        )
        estimates["online"].append(live)
        estimates["batch"].append((fit.mu, fit.branching, fit.beta))
        rejected += fit.ks > fit.ks_bound
    spread = {key: np.std(value, axis=0) for key, value in estimates.items()}
    return {
        "online": inside["online"] / paths,
        "batch": inside["batch"] / paths,
        "spread": spread,
        "ks": rejected / paths,
    }


def test_intervals_cover_the_truth_on_a_sample() -> None:
    """40 paths: no parameter's interval misses more than 15 %."""
    told = coverage(40)
    for which in ("online", "batch"):
        assert (told[which] >= 0.85).all(), told


@pytest.mark.slow
def test_intervals_cover_the_truth(cases: Cases) -> None:
    """200 paths, beta started at half to twice: 90 to 98 %; scatter as the full likelihood's."""
    told = coverage(200)
    for which in ("online", "batch"):
        assert ((told[which] >= 0.90) & (told[which] <= 0.985)).all(), told
    assert (told["spread"]["online"] <= 1.2 * told["spread"]["batch"]).all(), told
    low, high = cases["HWK-8"]["expected"]["ks_reject_rate_true"]
    assert low <= told["ks"] <= high, told


def test_ties_are_one_event() -> None:
    """5.5: prints of one block do not drive beta to infinity."""
    times = np.repeat(hawkes_times(*TRUTH, END_S, 2), 3)
    rec = online(times, 0.2)
    once = online(times[::3], 0.2)
    assert hawkes_fit.beta_per_s(rec) == pytest.approx(hawkes_fit.beta_per_s(once), rel=1e-9)
    assert hawkes_fit.mean_mark(rec) == pytest.approx(3.0, rel=1e-12)
    at_ns = (times * 1e9).astype(np.int64)
    merged, marks = hawkes_likelihood.aggregate(at_ns, np.ones(len(times)))
    assert len(merged) == len(times) // 3 and set(marks) == {3.0}


def test_branching_stays_below_one_whatever_comes() -> None:
    """A burst that no stationary process makes still has n < 1 and finite parameters."""
    times = np.cumsum(np.geomspace(1.0, 1e-4, 3_000))
    rec = online(times, 0.5)
    assert 0.0 < hawkes_fit.branching(rec) < 1.0
    assert math.isfinite(hawkes_fit.mu_per_s(rec)) and math.isfinite(hawkes_fit.beta_per_s(rec))


def test_forgetting_follows_a_change() -> None:
    """Twice the baseline after a change is learned within a few memories."""
    first = hawkes_times(0.2, 0.5, 1.0, 20_000.0, 7)
    later = hawkes_times(0.6, 0.5, 1.0, 20_000.0, 8) + 20_000.0
    rec = online(np.append(first, later), 0.2, tau_s=4_000.0)
    assert hawkes_fit.mu_per_s(rec) == pytest.approx(0.6, rel=0.2)


def test_too_few_events_are_refused() -> None:
    """Three parameters need more than nine events."""
    with pytest.raises(ValueError, match="too few"):
        hawkes_likelihood.fit(np.arange(1.0, 9.0), np.ones(8), 10.0)
