"""Learn the parameters of a self-exciting process while it runs, with error bars and a verdict.

Recursive maximum likelihood: at every event the score of the interval that ended there moves the
parameters by the inverse of the information gathered so far (Fisher scoring on one event at a
time). Time and memory are O(1); on 2,000 events the estimates scatter as those of the full
maximum likelihood do within a fifth (HWK-8). The parameters are ln mu, logit n and ln beta, so the
branching ratio n is below 1 whatever the data say; alpha = n beta / E[mark].

Events of one venue time are one event with the sum of their marks (ties would drive beta to
infinity). An event from the past is counted in `rejected` and left out: the likelihood needs order.

The time-rescaled gaps (integral of lambda between events) are unit exponentials when the model is
right; they are sorted into 20 equally likely bins, whose largest deviation is the Kolmogorov
distance, and their lag-1 correlation shows clustering the model has missed.

Source: quant-models 5.2, 5.3; Ogata 1988; Brown et al. 2002.
"""

from math import exp, expm1, inf, log, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import welford

NS = 1e-9
BINS = 20
PRIOR_INFORMATION = 3.0
"""Information of the start values: a standard error of 0.6 in each log parameter."""
STEP_MAX = 0.5
"""Largest move of a log parameter at one event; only the first few events ever reach it."""
READY_N = 200.0
"""Events from which the error of the branching ratio is below 0.1 (quant-models 5.2)."""

HAWKES_FIT = record(
    ("tau_s", "f8"),
    ("log_mu", "f8"),
    ("logit_n", "f8"),
    ("log_beta", "f8"),
    ("last_ns", "i8"),
    ("pending_mark", "f8"),  # summed mark at last_ns, not yet part of the past
    ("recent", "f8"),  # R and B of quant-models 5.2, at last_ns, without the pending mark
    ("recent_dt", "f8"),
    ("information", "f8", (6,)),  # of the data: mm, mn, mb, nn, nb, bb
    ("prior", "f8"),  # what is left of the information of the start values
    ("weight", "f8"),  # events learned from, and the sum of their squared weights
    ("squares", "f8"),
    ("mark", welford.WELFORD),
    ("bins", "f8", (BINS,)),  # rescaled gaps by their exponential distribution function
    ("gap_pair", welford.PAIR),  # successive rescaled gaps
    ("gap_before", "f8"),
    ("events", "i8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of a HAWKES_FIT array: a record with attribute access."""


@kernel
def reset(rec: Rec, mu: float, branching: float, beta: float, tau_s: float) -> None:
    """Forget everything; start from mu [1/s], a branching ratio inside (0, 1) and beta [1/s].

    tau_s   time constant of forgetting; take hours, a few hundred events pin n to 0.06 only
    """
    assert 0.0 < branching < 1.0 and mu > 0.0 and beta > 0.0
    rec.tau_s = tau_s
    rec.log_mu = log(mu)
    rec.logit_n = log(branching / (1.0 - branching))
    rec.log_beta = log(beta)
    rec.last_ns = 0
    rec.pending_mark = 0.0
    rec.recent = 0.0
    rec.recent_dt = 0.0
    rec.prior = PRIOR_INFORMATION
    rec.weight = 0.0
    rec.squares = 0.0
    rec.gap_before = 0.0
    rec.events = 0
    rec.rejected = 0
    for a in range(6):
        rec.information[a] = 0.0
    for b in range(BINS):
        rec.bins[b] = 0.0
    welford.reset(rec.mark)
    welford.reset_pair(rec.gap_pair)


@kernel
def mu_per_s(rec: Rec) -> float:
    """Return the baseline, 1/s."""
    return exp(rec.log_mu)


@kernel
def branching(rec: Rec) -> float:
    """Return how many events one event causes, inside (0, 1)."""
    return 1.0 / (1.0 + exp(-rec.logit_n))


@kernel
def beta_per_s(rec: Rec) -> float:
    """Return the decay of excitation, 1/s."""
    return exp(rec.log_beta)


@kernel
def mean_mark(rec: Rec) -> float:
    """Return the mean mark of an aggregated event; 1 before the first."""
    return float(rec.mark.center) if rec.mark.weight > 0.0 else 1.0


@kernel
def alpha_per_s(rec: Rec) -> float:
    """Return the jump of intensity per unit mark, 1/s."""
    return branching(rec) * beta_per_s(rec) / mean_mark(rec)


@kernel
def record_event(rec: Rec, venue_ns: int, mark: float) -> None:
    """Learn from an event; its mark joins the past when the next venue time comes."""
    if not (mark > 0.0 and mark < inf) or (rec.events > 0 and venue_ns < rec.last_ns):
        rec.rejected += 1
        return
    if rec.events > 0 and venue_ns > rec.last_ns:
        _learn(rec, (venue_ns - rec.last_ns) * NS)
    if rec.events == 0 or venue_ns > rec.last_ns:
        rec.pending_mark = 0.0
        rec.last_ns = venue_ns
        rec.events += 1
    rec.pending_mark += mark


@kernel
def _learn(rec: Rec, dt_s: float) -> None:
    """Score the interval of dt_s that ends with an event, and move the parameters."""
    mu = mu_per_s(rec)
    n = branching(rec)
    beta = beta_per_s(rec)
    keep = exp(-dt_s / rec.tau_s)
    welford.update(rec.mark, rec.pending_mark, keep)
    unit = rec.mark.center
    fade = exp(-beta * dt_s)
    faded = -expm1(-beta * dt_s)
    past = rec.recent + rec.pending_mark
    before_dt = rec.recent_dt
    rec.recent_dt = fade * (before_dt + dt_s * past)
    rec.recent = fade * past
    now = mu + n * beta / unit * rec.recent
    d_mu = mu / now
    d_n = n * (1.0 - n) * beta / unit * rec.recent / now
    d_beta = n * beta / unit * (rec.recent - beta * rec.recent_dt) / now
    s_mu = d_mu - mu * dt_s
    s_n = d_n - n * (1.0 - n) / unit * past * faded
    s_beta = d_beta - n * beta / unit * (past * dt_s * fade - before_dt * faded)
    _gather(rec, keep, d_mu, d_n, d_beta)
    _move(rec, s_mu, s_n, s_beta)
    _judge(rec, keep, mu * dt_s + n / unit * past * faded)


@kernel
def _gather(rec: Rec, keep: float, d_mu: float, d_n: float, d_beta: float) -> None:
    """Add the information of one event, after what was there has faded."""
    info = rec.information
    info[0] = keep * info[0] + d_mu * d_mu
    info[1] = keep * info[1] + d_mu * d_n
    info[2] = keep * info[2] + d_mu * d_beta
    info[3] = keep * info[3] + d_n * d_n
    info[4] = keep * info[4] + d_n * d_beta
    info[5] = keep * info[5] + d_beta * d_beta
    rec.prior *= keep
    rec.weight = keep * rec.weight + 1.0
    rec.squares = keep * keep * rec.squares + 1.0


@kernel
def _cofactors(rec: Rec, ridge: float) -> tuple[float, float, float, float, float, float, float]:
    """Return determinant and cofactors (mm mn mb nn nb bb) of the information plus a ridge."""
    info = rec.information
    a = info[0] + ridge
    b = info[1]
    c = info[2]
    d = info[3] + ridge
    e = info[4]
    f = info[5] + ridge
    mm = d * f - e * e
    mn = c * e - b * f
    mb = b * e - c * d
    nn = a * f - c * c
    nb = b * c - a * e
    bb = a * d - b * b
    return a * mm + b * mn + c * mb, mm, mn, mb, nn, nb, bb


@kernel
def _move(rec: Rec, s_mu: float, s_n: float, s_beta: float) -> None:
    """Move the parameters by the inverse information times the score."""
    det, mm, mn, mb, nn, nb, bb = _cofactors(rec, rec.prior)
    if not det > 0.0:
        return
    rec.log_mu += _bounded((mm * s_mu + mn * s_n + mb * s_beta) / det)
    rec.logit_n += _bounded((mn * s_mu + nn * s_n + nb * s_beta) / det)
    rec.log_beta += _bounded((mb * s_mu + nb * s_n + bb * s_beta) / det)


@kernel
def _bounded(step: float) -> float:
    return max(-STEP_MAX, min(STEP_MAX, step))


@kernel
def _judge(rec: Rec, keep: float, gap: float) -> None:
    """Sort one rescaled gap into the bins of the unit exponential."""
    for b in range(BINS):
        rec.bins[b] *= keep
    rec.bins[min(BINS - 1, int(-expm1(-gap) * BINS))] += 1.0
    if rec.weight > 1.5:
        welford.update_pair(rec.gap_pair, rec.gap_before, gap, keep)
    rec.gap_before = gap


@kernel
def effective_count(rec: Rec) -> float:
    """Return how many equally weighted intervals were learned from."""
    return float(rec.weight * rec.weight / rec.squares) if rec.squares > 0.0 else 0.0


@kernel
def ready(rec: Rec) -> bool:
    """Return whether there were enough events to tell clustering from chance."""
    return bool(effective_count(rec) >= READY_N)


@kernel
def log_stderrs(rec: Rec) -> tuple[float, float, float]:
    """Return the standard errors of ln mu, logit n and ln beta from the events alone, inf without.

    >= 0 each; by the delta method the error of mu is mu times the first, that of n is n(1-n)
    times the second and that of beta is beta times the third.
    """
    det, mm, _, _, nn, _, bb = _cofactors(rec, 0.0)
    if not (det > 0.0 and mm > 0.0 and nn > 0.0 and bb > 0.0):
        return inf, inf, inf
    share = rec.squares / rec.weight / det
    return sqrt(mm * share), sqrt(nn * share), sqrt(bb * share)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the branching ratio from the events alone; inf without."""
    n = branching(rec)
    return n * (1.0 - n) * log_stderrs(rec)[1]


@kernel
def ks_distance(rec: Rec) -> float:
    """Return the largest gap between the rescaled gaps' distribution and Exp(1), at bin edges.

    Below 1.36 / sqrt(effective_count) the model passes at 5 %; 0 before the first gap.
    """
    total = 0.0
    for b in range(BINS):
        total += rec.bins[b]
    seen = 0.0
    worst = 0.0
    for b in range(BINS - 1):
        seen += rec.bins[b]
        if total > 0.0:
            worst = max(worst, abs(seen / total - (b + 1.0) / BINS))
    return worst


@kernel
def gap_correlation(rec: Rec) -> float:
    """Return the lag-1 correlation of the rescaled gaps; 0 when the model has all the clustering.

    NaN before there are two of them.
    """
    return welford.correlation(rec.gap_pair)
