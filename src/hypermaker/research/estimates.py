"""From what a tape taught to rows of a table: one function an estimator."""

from collections.abc import Iterable
from math import inf, nan, sqrt
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hypermaker.core.units import NS_PER_S
from hypermaker.estimate import (
    cascade,
    fair_price,
    fill_intensity,
    funding,
    hawkes_likelihood,
    liquidations,
    regime,
    slope,
    stochastic_vol,
    volatility,
)
from hypermaker.estimate.hawkes_likelihood import Fit
from hypermaker.research.drive import Heard, assumed_flow
from hypermaker.research.findings import Estimate, chi_square_p, estimate, fit_verdict
from hypermaker.research.forced_flow import run, steps_of_prints
from hypermaker.research.orders import Markout, observed_s, variance_ratio

Floats = npt.NDArray[np.float64]
Rec = Any
SIDES = ((-1, "sells, hit bids"), (1, "buys, hit asks"))
JUMP_Z = 3.0
HAWKES_ORDERS_MIN = 50
"""Orders of a side below which three parameters are not asked for."""
EXPECTED_MIN = 5.0
"""Expected orders in a bin from which the chi-square approximation holds; smaller ones merge."""
REGIMES = ("low", "normal", "high", "extreme")


class FlowFit(NamedTuple):
    """A self-exciting process fitted to one side's orders, and its rescaled gaps, shape (n,)."""

    side: int
    fit: Fit
    gaps: Floats


class BinFit(NamedTuple):
    """Orders by depth of one side: lower edge [bps], seconds at risk, counted, expected.

    seconds   during which a bin could be reached, less what orders seen hide of their own block
    """

    side: int
    depth_bps: Floats
    seconds: Floats
    counted: Floats
    expected: Floats


def of_volatility(heard: Heard) -> list[Estimate]:
    """Return sigma over the whole tape, its jump share, and what a random walk test says."""
    rec = heard.lessons[0].volatility
    count = float(rec.samples)
    realised = volatility.realised_variance(rec.slow)
    bipower = volatility.bipower_variance(rec.slow)
    z = volatility.jump_z_of(rec.slow)
    share = 1.0 - bipower / realised if realised > 0.0 else nan
    jumps = "jumps" if z > JUMP_Z else "no jumps beyond chance"
    ratio, error, steps = variance_ratio(heard.mids)
    walks = bool(abs(ratio - 1.0) <= 2.0 * error)
    walk = "moves as a random walk" if walks else "no random walk from 1 s to 10 s"
    known, has_ratio = z == z, ratio == ratio
    return [
        estimate(
            ("volatility", "sigma", "bps/√s"),
            volatility.sigma_bps(rec) if count else nan,
            volatility.stderr(rec),
            sample=count,
        ),
        estimate(
            ("volatility", "variance at 10 s / at 1 s", "ratio"),
            ratio,
            error,
            sample=steps,
            verdict=walk if has_ratio else "too short a tape",
            fits=walks if has_ratio else None,
        ),
        estimate(
            ("jumps", "share of variance", "fraction"),
            share,
            abs(share / z) if z else inf,
            sample=count,
            verdict=f"{jumps}, z = {z:.1f}" if known else "no answer: prices stood still",
            fits=z <= JUMP_Z if known else None,
        ),
    ]


def of_stochastic_vol(heard: Heard) -> list[Estimate]:
    """Return level, reversion, volatility and correlation of the variance, and the regime."""
    rec, seen = heard.state[0].stochastic_vol, heard.state[0].regime
    count = float(rec.blocks)
    values = (
        ("level of variance", "bps²/s", stochastic_vol.theta(rec)),
        ("reversion kappa", "1/s", stochastic_vol.kappa_per_s(rec)),
        ("volatility of variance xi", "bps/s", stochastic_vol.xi(rec)),
        ("correlation rho", "1", stochastic_vol.rho(rec)),
    )
    ready = stochastic_vol.ready(rec)
    trust = "" if ready else f"fewer than {stochastic_vol.READY_N:.0f} blocks of 10 s: a hint only"
    flat = "the variance shows no reversion"
    rows = [
        estimate(
            ("stochastic vol", name, unit),
            value,
            stochastic_vol.stderr_of(rec, which),
            sample=count,
            verdict=(trust if value == value else flat) if count else "",
        )
        for which, (name, unit, value) in enumerate(values)
    ]
    now = f"{REGIMES[seen.state]} at the end, {int(seen.changes)} changes"
    relative = regime.stderr(seen)
    level = regime.baseline_sigma(seen)
    learned = float(seen.learned)
    return [
        *rows,
        estimate(("regime", "normal sigma", "bps/√s"), level, relative * level, sample=learned,
                 verdict=now if learned else ""),
    ]  # fmt: skip


def bins_of(heard: Heard) -> list[BinFit]:
    """Return counted and expected orders by depth for both sides, shallow bins first."""
    rec = heard.state[0].fill_intensity
    scale = 1.0 / float(rec.grown)
    bins = fill_intensity.BINS
    hidden = np.array(rec.hidden_s).reshape(2, bins + 1)[:, :bins]
    depths = np.array(rec.depth_bps)
    reached = np.exp(-float(rec.kappa) * depths)
    share = reached - np.append(reached[1:], 0.0)
    found = []
    for i, (side, _) in enumerate(SIDES):
        hits = np.array(rec.hits[i * bins : (i + 1) * bins]) * scale
        seconds = np.cumsum(rec.dwell_s[:bins] + hidden[i]) * scale
        expected = float(rec.a_per_s[i]) * seconds * share
        found.append(BinFit(side, depths, seconds, hits, expected))
    return found


def depth_test(bins: Iterable[BinFit]) -> tuple[str, bool | None]:
    """Return the chi-square verdict on exponential decay: both A and kappa were fitted."""
    distance, cells = 0.0, 0
    for one in bins:
        counted = expected = 0.0
        for hits, wanted in zip(one.counted[::-1], one.expected[::-1], strict=True):
            counted, expected = counted + hits, expected + wanted
            if expected >= EXPECTED_MIN:
                distance += (counted - expected) ** 2 / expected
                cells, counted, expected = cells + 1, 0.0, 0.0
    freedom = cells - 3
    if freedom < 1:
        return "too few orders to test the decay", None
    return fit_verdict(f"exponential decay, chi² {distance:.0f}/{freedom}",
                       chi_square_p(distance, freedom))  # fmt: skip


def of_fill_intensity(heard: Heard) -> list[Estimate]:
    """Return A of both sides and kappa, data alone, and whether the decay is exponential."""
    rec = heard.state[0].fill_intensity
    bins = bins_of(heard)
    verdict, fits = depth_test(bins)
    rows = []
    for one, (side, name) in zip(bins, SIDES, strict=True):
        rate, count = fill_intensity.a_per_s(rec, side), float(one.counted.sum())
        error = rate * fill_intensity.log_a_stderr(rec, side)
        rows.append(estimate(("fill intensity", f"A, {name}", "1/s"), rate, error, sample=count))
    known = sum(row.sample for row in rows)
    kappa, error = fill_intensity.kappa_per_bps(rec), fill_intensity.stderr(rec)
    label = ("fill intensity", "kappa", "1/bps")
    return [
        *rows,
        estimate(label, kappa, error, sample=known, verdict=verdict if known else "", fits=fits),
    ]


def of_slope(label: tuple[str, str, str], rec: Rec, wins: tuple[str, str]) -> Estimate:
    """Return a learned slope without its prior, and whether it can be told from zero."""
    known = rec.xx > 0.0
    value = float(rec.xy / rec.xx) if known else nan
    told = slope.is_significant(rec)
    count = slope.effective_count(rec)
    words = wins[0] if told else wins[1]
    return estimate(label, value, slope.stderr(rec), sample=count, verdict=words if known else "")


def of_prices(heard: Heard) -> list[Estimate]:
    """Return the lean of the fair price and the drift that trade imbalance foretells."""
    state = heard.state[0]
    lean = ("fair price", "lean to the thinner side", "half-spreads")
    drift = ("order flow", "drift at full imbalance", "bps/s")
    horizon = fair_price.HORIZON_NS * 1e-9
    return [
        of_slope(
            lean,
            state.fair_price.lean,
            (f"tells the mid {horizon:.0f} s ahead", "not told from the plain mid"),
        ),
        of_slope(drift, state.order_flow.drift, ("acts on quotes", "not told from 0: no drift")),
    ]


def fit_flow(heard: Heard, orders: npt.NDArray[Any]) -> list[FlowFit]:
    """Return the exact maximum likelihood fit of each side that has enough orders."""
    fits: list[FlowFit] = []
    if len(heard.mids) < 2:
        return fits
    end_s = float(observed_s(heard.mids["venue_ns"][-1:], heard.mids)[0])
    for side, _ in SIDES:
        times = observed_s(orders["venue_ns"][orders["side"] == side], heard.mids)
        times = np.unique(times[(times > 0.0) & (times <= end_s)])
        if len(times) < HAWKES_ORDERS_MIN:
            continue
        marks = np.ones(len(times))
        fit = hawkes_likelihood.fit(times, marks, end_s)
        fits.append(FlowFit(side, fit, rescaled_gaps(times, end_s, fit)))
    return fits


def rescaled_gaps(times_s: Floats, end_s: float, fit: Fit) -> Floats:
    """Return the integrals of the fitted intensity between orders: unit exponentials if right."""
    n = fit.branching
    theta = np.log(np.array([fit.mu, n / (1.0 - n), fit.beta]))
    gaps = np.zeros(len(times_s))
    marks = np.ones(len(times_s))
    hawkes_likelihood.score(times_s, marks, end_s, theta, (np.zeros(3), np.zeros((3, 3)), gaps))
    return gaps


def of_flow(fits: list[FlowFit]) -> list[Estimate]:
    """Return baseline, branching ratio and decay of each side, with the time-rescaling test."""
    found = {one.side: one for one in fits}
    rows = []
    for side, name in SIDES:
        labels = [
            ("self-excitation", f"{what}, {name}", unit)
            for what, unit in (
                ("baseline mu", "1/s"),
                ("branching ratio", "1"),
                ("decay beta", "1/s"),
            )
        ]
        if side not in found:
            few = f"fewer than {HAWKES_ORDERS_MIN} orders"
            rows += [estimate(label, nan, inf, sample=0, verdict=few) for label in labels]
            continue
        fit, gaps = found[side].fit, found[side].gaps
        passed = fit.ks <= fit.ks_bound
        verdict = (
            f"{'fits' if passed else 'does not fit'}: time-rescaling KS {fit.ks:.4f}, "
            f"bound {fit.ks_bound:.4f}"
        )
        told = fit.branching > 2.0 * fit.branching_se
        beta = (fit.beta, fit.beta_se) if told else (nan, inf)
        numbers = ((fit.mu, fit.mu_se), (fit.branching, fit.branching_se), beta)
        assumed = "engine assumes n {:.1f}, beta {:.1f}/s".format(*assumed_flow())
        chance = "clustering not told from chance"
        words = (verdict, assumed if told else chance, "" if told else chance)
        verdicts: tuple[bool | None, ...] = (passed, None, None)
        rows += [
            estimate(label, value, error, sample=len(gaps), verdict=word, fits=fits_it)
            for label, (value, error), word, fits_it in zip(
                labels, numbers, words, verdicts, strict=True
            )
        ]
    return rows


def of_markouts(found: list[Markout]) -> list[Estimate]:
    """Return the adverse move after orders of each side, depth and horizon, with block errors."""
    names = dict(SIDES)
    return [
        estimate(
            (
                "adverse selection",
                f"{names[one.side]}, {one.depth_bps:g}+ bps deep, after {one.horizon_s:g} s",
                "bps",
            ),
            one.mean,
            one.stderr,
            sample=one.orders,
        )
        for one in found
    ]


def of_funding(heard: Heard) -> list[Estimate]:
    """Return the rate expected of the coming settlement and how settled rates scatter."""
    state = heard.state[0]
    rec = state.funding
    said = 1.0 if rec.rate_ns > 0 else 0.0
    rate = funding.next_rate(rec, state.venue_ns) * 1e4
    error = funding.error_of_next(rec, state.venue_ns) * 1e4
    few = f"{int(rec.hours)} settled hours on the tape"
    none = "no context messages on this tape"
    label = ("funding", "next hourly rate", "bps")
    return [estimate(label, rate, error, sample=said, verdict=few if said else none)]


def _inferred(heard: Heard, hours: float) -> Estimate:
    """Return how often a burst was taken for forced flow, with as much evidence as there was."""
    found = heard.state[0].liquidations
    count, windows = float(found.found), float(found.windows + found.found)
    why = "inferred from bursts, open interest and mark: none is confirmed"
    if found.context_ns == 0 and len(heard.prints):
        seen = run(steps_of_prints(heard.prints), feed=False)
        count = float((seen["chance"] > 0.0).sum())
        windows = float(len(np.unique(heard.prints["venue_ns"] // NS_PER_S)))
        why = "from bursts alone: no open interest and no mark on this tape"
    elif not liquidations.ready(found):
        why = "the habit of this coin is not known yet"
    label = ("forced flow", "bursts taken for forced", "1/h")
    return estimate(
        label, count / hours, max(1.0, sqrt(count)) / hours, sample=windows, verdict=why
    )


def of_forced_flow(heard: Heard) -> list[Estimate]:
    """Return how often forced flow was inferred, and what the cascade detector made of it."""
    seen, extra = heard.state[0].cascade, heard.lessons[0]
    span_ns = heard.mids["venue_ns"][-1] - heard.mids["venue_ns"][0]
    events = float(seen.events)
    rate, relative = cascade.normal_rate(seen) * 3600.0, cascade.stderr(seen)
    worst = f"largest severity {extra.severity_max:.1f}, active {extra.cascade_s:.0f} s"
    none = "no liquidation confirmed or inferred on this tape"
    label = ("cascade", "normal rate of liquidations", "1/h")
    return [
        _inferred(heard, float(span_ns) / (3600.0 * NS_PER_S)),
        estimate(label, rate, rate * relative, sample=events, verdict=worst if events else none),
    ]
