"""The compiled run against independent arithmetic: numpy sums, scipy's optimisers."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import optimize, stats

from hypermaker.estimate import adverse_selection, fill_intensity, volatility
from hypermaker.research import estimates
from hypermaker.research.drive import Heard, hear_tape
from hypermaker.research.findings import chi_square_p
from hypermaker.research.orders import block_error, markout, observed_s, taker_orders
from hypermaker.research.tapes import open_tape
from tests.research.markets import A_PER_S, KAPPA_PER_BPS, SIGMA_BPS, config, drawn, with_backfill

SESSIONS = ("l2_bbo_trades/2025-09-04T1946Z", "l2_bbo_trades/2025-12-10T2119Z")


def real(shared: Path, session: str) -> Heard:
    """What a recorded session teaches."""
    folder = shared / "data" / "hyperliquid" / session
    if not folder.is_dir():
        pytest.skip(f"no recording: {folder} does not exist")
    tape = open_tape(folder)
    return hear_tape(tape.events, tape.config)


@pytest.fixture(scope="module", params=["drawn", *SESSIONS])
def heard(request: pytest.FixtureRequest) -> Heard:
    """A drawn tape and the recorded ones."""
    if request.param == "drawn":
        return hear_tape(drawn(seed=1, seconds=1800), config())
    return real(request.getfixturevalue("shared"), request.param)


def brute_sigma(mids: Any) -> float:
    """Return sigma by its definition: sampled, standardised, weighted by time, jumps cut."""
    times, prices = mids["venue_ns"], mids["fair_ticks"]
    kept = [0]
    for at in range(1, len(times)):
        if times[at] - times[kept[-1]] >= volatility.SAMPLE_NS:
            kept.append(at)
    dt_s = np.diff(times[kept]) * 1e-9
    r = 1e4 * np.diff(np.log(prices[kept])) / np.sqrt(dt_s)
    realised = float(np.average(r**2, weights=dt_s))
    pairs = np.abs(r[1:] * r[:-1])
    bipower = float(np.pi / 2.0 * np.average(pairs, weights=dt_s[1:]))
    share = min(max(0.0, 1.0 - bipower / realised), volatility.JUMP_SHARE_MAX)
    return np.sqrt(bipower) + share * (np.sqrt(realised) - np.sqrt(bipower))


def test_sigma_is_that_of_a_sum_over_all_returns(heard: Heard) -> None:
    sigma = volatility.sigma_bps(heard.lessons[0].volatility)
    assert sigma == pytest.approx(brute_sigma(heard.mids), rel=1e-4)


def test_intensity_is_the_maximum_a_general_optimiser_finds(heard: Heard) -> None:
    """The same counts and exposures, both sides, one kappa: Nelder and Mead know no formula."""
    bins = estimates.bins_of(heard)

    def cost(theta: Any) -> float:
        kappa = np.exp(theta[2])
        total = 0.0
        for rate, one in zip(np.exp(theta[:2]), bins, strict=True):
            reached = np.exp(-kappa * one.depth_bps)
            expected = rate * one.seconds * (reached - np.append(reached[1:], 0.0))
            hit = one.counted > 0.0
            total += float(expected.sum() - one.counted[hit] @ np.log(expected[hit]))
        return total

    options = {"xatol": 1e-9, "fatol": 1e-9, "maxiter": 4000, "maxfev": 4000}
    found = optimize.minimize(cost, np.zeros(3), method="Nelder-Mead", options=options)
    rec = heard.state[0].fill_intensity
    ours = [fill_intensity.a_per_s(rec, -1), fill_intensity.a_per_s(rec, 1), rec.kappa]
    assert np.exp(found.x) == pytest.approx(ours, rel=1e-4)


def test_self_excitation_is_the_maximum_a_general_optimiser_finds(heard: Heard) -> None:
    """The exact likelihood with a plain loop over events."""
    orders = taker_orders(heard.prints)
    fits = estimates.fit_flow(heard, orders)
    assert fits
    end_s = float(observed_s(heard.mids["venue_ns"][-1:], heard.mids)[0])
    one = fits[0]
    times = observed_s(orders["venue_ns"][orders["side"] == one.side], heard.mids)
    times = np.unique(times[(times > 0.0) & (times <= end_s)])
    gaps = np.diff(times).tolist()

    def cost(theta: Any) -> float:
        mu, n, beta = np.exp(theta[0]), 1.0 / (1.0 + np.exp(-theta[1])), np.exp(theta[2])
        past, logs = 0.0, np.log(mu)
        for gap in gaps:
            past = (past + 1.0) * np.exp(-beta * gap)
            logs += np.log(mu + n * beta * past)
        return float(mu * end_s + n * (1.0 - np.exp(-beta * (end_s - times))).sum() - logs)

    begin = np.log([one.fit.mu, one.fit.branching / (1.0 - one.fit.branching), one.fit.beta])
    found = optimize.minimize(cost, begin + 0.3, method="Nelder-Mead", options={"maxfev": 300})
    assert -one.fit.loglik <= found.fun + 1e-6
    assert -one.fit.loglik == pytest.approx(cost(begin), rel=1e-9)
    wanted = stats.kstest(one.gaps, "expon").statistic
    assert one.fit.ks == pytest.approx(wanted, rel=1e-9)


def test_markouts_are_those_of_the_estimator() -> None:
    """Two minutes are one block, so the estimator has not faded yet: both must say the same."""
    heard = hear_tape(drawn(seed=2, seconds=115), config())
    orders = taker_orders(heard.prints)
    rec = heard.state[0].adverse_selection
    assert rec.dropped == 0
    edges = (0.0, *adverse_selection.EDGES_BPS)
    for side in (-1, 1):
        for bucket, depth in enumerate(edges):
            for h, horizon in enumerate(adverse_selection.HORIZON_NS):
                ours = markout(orders, heard.mids, side=side, depth_bps=depth, horizon_ns=horizon)
                theirs = adverse_selection.markout_bps(rec, side, bucket, h)
                count = adverse_selection.fills_counted(rec, side, bucket, h)
                assert ours.orders == round(count)
                assert ours.mean == pytest.approx(theirs, rel=1e-9, nan_ok=True)


def test_block_errors_are_honest_about_overlap() -> None:
    """Values that agree within a block are as many as there are blocks."""
    rng = np.random.default_rng(3)
    truth, told = [], []
    for _ in range(300):
        means = rng.normal(size=40)
        values = np.repeat(means, 25) + 0.1 * rng.normal(size=1000)
        times = np.repeat(np.arange(40) * adverse_selection.BLOCK_NS, 25)
        truth.append(values.mean())
        told.append(block_error(values, times))
    assert np.mean(told) == pytest.approx(np.std(truth), rel=0.1)
    assert block_error(np.ones(9), np.arange(9)) == float("inf")


@pytest.mark.parametrize(("distance", "freedom"), [(3.84, 1), (18.0, 11), (400.0, 9), (0.1, 5)])
def test_chi_square_is_scipys(distance: float, freedom: int) -> None:
    assert chi_square_p(distance, freedom) == pytest.approx(
        float(stats.chi2.sf(distance, freedom)), rel=1e-9
    )


def test_a_drawn_market_is_recovered() -> None:
    """Volatility, decay and a random walk come out as they went in, within three errors."""
    heard = hear_tape(drawn(seed=4, seconds=7200), config())
    rows = {row.name: row for row in estimates.of_volatility(heard)}
    kappa = estimates.of_fill_intensity(heard)[-1]
    for row, truth in ((rows["sigma"], SIGMA_BPS), (kappa, KAPPA_PER_BPS)):
        assert row.value is not None and row.stderr is not None
        assert abs(row.value - truth) < 3.0 * row.stderr
    assert rows["variance at 10 s / at 1 s"].fits
    lean = estimates.of_prices(heard)[0]
    assert lean.value is not None and lean.stderr is not None
    assert abs(lean.value) < 3.0 * lean.stderr


def test_the_test_of_decay_fails_a_true_model_one_time_in_twenty_and_a_wrong_one_always() -> None:
    """Of sixty exponential markets three fail on average; ten or more is one chance in 700."""
    failed = 0
    for seed in range(1000, 1060):
        bins = estimates.bins_of(hear_tape(drawn(seed=seed, seconds=1800), config()))
        failed += estimates.depth_test(bins)[1] is False
    assert 0 < failed < 10
    flat = [one._replace(counted=np.full(12, one.counted.sum() / 12)) for one in bins]
    assert estimates.depth_test(flat)[1] is False


def test_a_wide_touch_hides_no_rate() -> None:
    """Orders that come to a touch of 4 bps and go beyond it: A is extrapolated, the rate is not."""
    heard = hear_tape(drawn(seed=8, seconds=7200, half_bps=4.0), config())
    rec = heard.state[0].fill_intensity
    for side in (-1, 1):
        rate, error = fill_intensity.rate_per_s(rec, side, 4.5), A_PER_S / np.sqrt(A_PER_S * 7200)
        assert rate > 0.0
        assert rate == pytest.approx(A_PER_S * np.exp(-0.5 * KAPPA_PER_BPS), abs=4.0 * error)
    assert rec.kappa == pytest.approx(KAPPA_PER_BPS, abs=4.0 * fill_intensity.stderr(rec))


def test_old_news_teaches_nothing() -> None:
    """Back-fill after a reconnect changes no estimate."""
    events = drawn(seed=5, seconds=300)
    plain, more = (hear_tape(e, config()) for e in (events, with_backfill(events)))
    assert plain.prints.tobytes() == more.prints.tobytes()
    assert plain.state[0].fill_intensity.kappa == more.state[0].fill_intensity.kappa


def test_a_hole_in_the_tape_is_no_time_and_has_no_markout() -> None:
    """No order is marked across it, and the flow fit does not take it for a quiet market."""
    whole, torn = (
        hear_tape(drawn(seed=6, seconds=600, hole_s=hole), config()) for hole in (0, 3600)
    )
    ends = [float(observed_s(h.mids["venue_ns"][-1:], h.mids)[0]) for h in (whole, torn)]
    assert ends[1] == pytest.approx(ends[0], abs=1.0)
    marks = []
    for heard in (whole, torn):
        orders = taker_orders(heard.prints)
        found = markout(orders, heard.mids, side=1, depth_bps=0.0, horizon_ns=60 * 10**9)
        marks.append(found.orders)
    assert marks[0] > marks[1] > 0.6 * marks[0]
