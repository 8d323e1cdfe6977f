"""Are liquidations feeding on themselves, and what should the side that adds risk give up for it.

Each liquidation has the mark sqrt(usd / unit): sizes scatter over four decades, and their roots
are what has usable moments. The recent flow of a side is X = sum of mark * exp(-beta age); the
normal regime (rate, moments of marks, learned while nothing is going on, with a prior) says how
such a sum scatters, and

    severity = -log10 P(flow >= observed | normal regime), the largest single event left out

so a threshold means the same on every coin, severity has no upper end, and one liquidation alone,
however large, has severity 0. What it costs is a separate question, answered in money: the premium
is impact * expected USD of the liquidations still to come within a horizon, from the intensity
lambda = mu + n beta X / E[mark] with branching ratio n < 1. Only the side that fills against
the forced flow pays it, and only what adds to a position: `size_factor` and `is_pulled` are 1 and
false for whatever reduces it (T-15, F-41).

Against the predecessor (its 1.2): nothing is measured in multiples of a baseline that was never
calibrated (one event of $800 pulled every quote: T-07, T-08 and the ratios of T-10 are gone);
premiums add, nothing multiplies a spread or gamma; expected counts include decay and feedback;
direction comes from faded flow, not from a list of the last 500 events (T-12).

Units: notionals USD, rates 1/s, premiums bps, times ns. `side` is the FORCED aggressor's:
-1 sells (longs are liquidated, bids are hit), +1 buys.
Source: quant-models 5.1, 5.5, 7.3; defaults measured on 5,043 liquidations in eight sampled hours
of Hyperliquid, October 2025 to July 2026 (median $337, mean $8,079), and 5,721 tranche gaps
(median 0.5 bps per $100,000).
"""

from math import exp, expm1, inf, log, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate.gamma_tail import log_upper_gamma

NONE = 0
LONGS = 1
SHORTS = 2
BOTH = 3
UNIT_USD = 1300.0
"""The size whose mark is about the mean mark: (E sqrt(usd))^2 of the measured sizes."""
PRIOR_MARK2 = 5.0
"""E[mark^2] when E[mark] = 1, of the measured sizes."""
PRIOR_USD = 8000.0
PRIOR_EVENTS = 5.0
BRANCHING = 0.5
BETA = 1.0 / 15.0
"""Memory of the flow: forced closes come in tranches over about half a minute."""
CALM_S = 21600.0
"""Memory of the normal regime."""
WARMUP_NS = 60_000_000_000
REVIEW_NS = 1_000_000_000
SEVERITY_ACTIVE = 3.0
SEVERITY_FULL = 6.0
"""From one chance in a thousand to one in a million the response fades in."""
SHARE = 0.7
PULL_COST = 3.0
"""kappa * premium beyond which a fill is worth e^-3 of a normal one: then the adding side goes."""
HEDGE_BPS = 5.0
NS = 1e-9

FLOW = record(
    ("marks", "f8"),  # X, faded to last_ns
    ("largest", "f8"),  # the largest single part of it
    ("count", "f8"),
    ("usd", "f8"),
    ("severity", "f8"),
)
"""Forced flow of one side."""

CASCADE = record(
    ("prior_rate", "f8"),
    ("impact", "f8"),  # bps per USD
    ("last_ns", "i8"),
    ("started_ns", "i8"),
    ("reviewed_ns", "i8"),
    ("started", "i8"),
    ("flows", FLOW, (2,)),  # forced sells, forced buys
    ("calm_s", "f8"),  # the normal regime: faded time, events, marks, marks^2, USD
    ("calm_events", "f8"),
    ("calm_marks", "f8"),
    ("calm_marks2", "f8"),
    ("calm_usd", "f8"),
    ("events", "i8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of a CASCADE array (or of its FLOW parts): a record with attribute access."""


@kernel
def reset(rec: Rec, prior_rate: float, impact: float) -> None:
    """Forget everything.

    prior_rate   liquidations per second of this coin in normal times, both sides, > 0
    impact       bps the price gives way per USD of forced flow, >= 0
    """
    rec.prior_rate = prior_rate
    rec.impact = impact
    rec.last_ns = 0
    rec.started_ns = 0
    rec.reviewed_ns = 0
    rec.started = 0
    rec.calm_s = 0.0
    rec.calm_events = 0.0
    rec.calm_marks = 0.0
    rec.calm_marks2 = 0.0
    rec.calm_usd = 0.0
    rec.events = 0
    rec.rejected = 0
    for i in range(2):
        _clear(rec.flows[i])


@kernel
def _clear(flow: Rec) -> None:
    flow.marks = 0.0
    flow.largest = 0.0
    flow.count = 0.0
    flow.usd = 0.0
    flow.severity = 0.0


@kernel
def elapse(rec: Rec, venue_ns: int) -> None:
    """Let time pass; severities are reviewed at most once a second. The past changes nothing."""
    if rec.started == 0:
        rec.started = 1
        rec.started_ns = venue_ns
        rec.reviewed_ns = venue_ns
        rec.last_ns = venue_ns
    if venue_ns - rec.reviewed_ns >= REVIEW_NS:
        _pass(rec, venue_ns)
        _review(rec)


@kernel
def _pass(rec: Rec, venue_ns: int) -> None:
    """Fade the flows to a later time; time counts for the normal regime while all is calm."""
    dt_s = (venue_ns - rec.last_ns) * NS
    if dt_s <= 0.0:
        return
    fade = exp(-BETA * dt_s)
    calm = not is_active(rec)
    for i in range(2):
        flow = rec.flows[i]
        flow.marks *= fade
        flow.largest *= fade
        flow.count *= fade
        flow.usd *= fade
    if calm:
        keep = exp(-dt_s / CALM_S)
        rec.calm_s = keep * rec.calm_s - CALM_S * expm1(-dt_s / CALM_S)
        rec.calm_events *= keep
        rec.calm_marks *= keep
        rec.calm_marks2 *= keep
        rec.calm_usd *= keep
    rec.last_ns = venue_ns


@kernel
def record_liquidation(rec: Rec, side: int, usd: float, weight: float, venue_ns: int) -> None:
    """Learn from a liquidation.

    side     of the forced order: -1 sells (a long is closed), +1 buys
    weight   the chance that it was one: 1 when confirmed, less when inferred; in (0, 1]
    """
    if not (usd > 0.0 and usd < inf and weight > 0.0 and weight <= 1.0):
        rec.rejected += 1
        return
    elapse(rec, venue_ns)
    _pass(rec, venue_ns)
    age_s = max(0.0, (rec.last_ns - venue_ns) * NS)
    part = weight * exp(-BETA * age_s)
    mark = sqrt(usd / UNIT_USD)
    if not is_active(rec):
        rec.calm_events += weight
        rec.calm_marks += weight * mark
        rec.calm_marks2 += weight * mark * mark
        rec.calm_usd += weight * usd
    flow = rec.flows[1 if side > 0 else 0]
    flow.marks += part * mark
    flow.largest = max(flow.largest, part * mark)
    flow.count += part
    flow.usd += part * usd
    rec.events += 1
    _review(rec)


@kernel
def normal_rate(rec: Rec) -> float:
    """Return liquidations per second in normal times, both sides, prior included."""
    return float((PRIOR_EVENTS + rec.calm_events) / (PRIOR_EVENTS / rec.prior_rate + rec.calm_s))


@kernel
def _mean_mark(rec: Rec) -> float:
    return float((PRIOR_EVENTS + rec.calm_marks) / (PRIOR_EVENTS + rec.calm_events))


@kernel
def _review(rec: Rec) -> None:
    """Work out both severities: a gamma tail with the mean and variance of the normal flow.

    Mean rate * E[mark]/beta, variance rate * E[mark^2]/(2 beta) times the clustering 1/(1-n)^2.
    """
    rec.reviewed_ns = rec.last_ns
    rate = 0.5 * normal_rate(rec)
    mark = _mean_mark(rec)
    mark2 = (PRIOR_EVENTS * PRIOR_MARK2 + rec.calm_marks2) / (PRIOR_EVENTS + rec.calm_events)
    mean = rate * mark / BETA
    spread = rate * mark2 / (2.0 * BETA * (1.0 - BRANCHING) * (1.0 - BRANCHING))
    warm = rec.last_ns - rec.started_ns >= WARMUP_NS
    for i in range(2):
        flow = rec.flows[i]
        flow.severity = 0.0
        beyond = flow.marks - flow.largest
        if warm and beyond > mean:
            scale = spread / mean
            flow.severity = max(0.0, -log_upper_gamma(mean / scale, beyond / scale) / log(10.0))


@kernel
def severity(rec: Rec) -> float:
    """Return decades of surprise at the forced flow, worse side: 3 is one chance in a thousand."""
    return float(max(rec.flows[0].severity, rec.flows[1].severity))


@kernel
def is_active(rec: Rec) -> bool:
    """Return whether the flow of a side is abnormal."""
    return severity(rec) >= SEVERITY_ACTIVE


@kernel
def response(rec: Rec, side: int) -> float:
    """Return how far the response to forced flow of this side has faded in, 0 to 1."""
    seen = rec.flows[1 if side > 0 else 0].severity
    ramp = (seen - SEVERITY_ACTIVE) / (SEVERITY_FULL - SEVERITY_ACTIVE)
    return float(min(1.0, max(0.0, ramp)))


@kernel
def direction(rec: Rec) -> int:
    """Return who is being liquidated: NONE, LONGS, SHORTS or BOTH, by faded counts (T-11)."""
    sells = rec.flows[0].count
    total = sells + rec.flows[1].count
    if not (is_active(rec) and total > 0.0):
        return NONE
    if sells > SHARE * total * (1.0 + 1e-12):
        return LONGS
    return SHORTS if sells < (1.0 - SHARE) * total * (1.0 - 1e-12) else BOTH


@kernel
def intensity(rec: Rec, side: int) -> float:
    """Return the rate of liquidations of a side at the last review, 1/s."""
    mu = 0.5 * normal_rate(rec) * (1.0 - BRANCHING)
    flow = rec.flows[1 if side > 0 else 0]
    return float(mu + BRANCHING * BETA * flow.marks / _mean_mark(rec))


@kernel
def expected_liquidations(rec: Rec, side: int, horizon_s: float) -> float:
    """Return how many liquidations of a side to expect within horizon_s, feedback included."""
    relax = BETA * (1.0 - BRANCHING)
    long_run = 0.5 * normal_rate(rec)
    excess = intensity(rec, side) - long_run
    return long_run * horizon_s - excess * expm1(-relax * horizon_s) / relax


@kernel
def expected_excess_usd(rec: Rec, side: int, horizon_s: float) -> float:
    """Return the USD of liquidations to expect within horizon_s beyond normal times, >= 0.

    Sizes as in the running burst, leaning on the normal mean by the weight of one event.
    """
    usd = (PRIOR_EVENTS * PRIOR_USD + rec.calm_usd) / (PRIOR_EVENTS + rec.calm_events)
    flow = rec.flows[1 if side > 0 else 0]
    size = (usd + flow.usd) / (1.0 + flow.count)
    excess = expected_liquidations(rec, side, horizon_s) - 0.5 * normal_rate(rec) * horizon_s
    return float(max(0.0, excess) * size)


@kernel
def premium_bps(rec: Rec, side: int, horizon_s: float) -> float:
    """Return what quotes that fill against forced flow of this side should ask on top, bps >= 0.

    side -1: our bids; side +1: our asks. The expected move against the fill, times `response`.
    """
    return float(rec.impact * expected_excess_usd(rec, side, horizon_s) * response(rec, side))


@kernel
def size_factor(rec: Rec, side: int, horizon_s: float, kappa_per_bps: float) -> float:
    """Return the share of normal size that still pays on the side that fills against `side`.

    exp(-kappa * premium): what the premium leaves of a quote's value. For the part of an order
    that adds to a position only; what reduces it keeps its size.
    """
    return exp(-kappa_per_bps * premium_bps(rec, side, horizon_s))


@kernel
def is_pulled(
    rec: Rec, side: int, horizon_s: float, kappa_per_bps: float, position_lots: int
) -> bool:
    """Return whether quotes that fill against `side` should go: never when they reduce (T-15).

    Forced sells (-1) hit our bids, which reduce a short position; forced buys a long one.
    """
    if position_lots * side > 0:
        return False
    return kappa_per_bps * premium_bps(rec, side, horizon_s) > PULL_COST


@kernel
def hedging_cost_usd(rec: Rec, notional_usd: float) -> float:
    """Return what taking liquidity for this notional would cost now; 0 while inactive (T-13)."""
    if not is_active(rec):
        return 0.0
    worse = max(response(rec, -1), response(rec, 1))
    return abs(notional_usd) * HEDGE_BPS * 1e-4 * (1.0 + 9.0 * worse)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether the normal regime rests on data: an hour of calm, or ten events."""
    return bool(rec.calm_s >= 3600.0 or rec.calm_events >= 10.0)


@kernel
def stderr(rec: Rec) -> float:
    """Return the relative standard error of the normal rate from its events alone; inf if none."""
    if not rec.calm_events > 0.0:
        return inf
    return float(1.0 / ((1.0 - BRANCHING) * sqrt(rec.calm_events)))
