"""How volatility itself moves: level, reversion, volatility and correlation of the variance.

    dv = kappa (theta - v) dt + xi sqrt(v) dZ,   rho = corr(return, dv)

fed with blocks of equal length: the variance of the block (per second) and its return. Everything
follows from two autocovariances g(a), g(b) about the block values' own means:

    kappa = -ln(g(b)/g(a)) / ((b - a) dt)
    Var(v) = g(a) exp(kappa a dt),  xi^2 = 2 kappa Var(v)/theta

With a = 0 that is the textbook map and right for exact variances. A variance that is itself an
estimate carries noise that sits in g(0) only, so lags 1 and 11 are the default: noise makes the
textbook kappa 20 times too large and these lags leave it unharmed (quant-models 4.6). rho does
shrink under noise; nothing in the quoting path may depend on it.

Against the predecessor (its 1.3, 1.4): kappa is divided by dt; xi is not std(dv), so T-17's
numbers for xi are not reproduced; each leg has its own mean; a return is paired with the change
of variance of its own block; everything forgets; no threshold has a unit; no answer is NaN, not
a clamp or a floor.

Errors: sums over batches of 64 blocks of each estimate's influence, so neither noise, overlap of
lags nor changing scatter fools them.

Units: v in any squared unit per second (bps^2/s from `update`), theta likewise; kappa 1/s; times
ns.
Source: quant-models 4.5, 4.6; Heston 1993; Cox, Ingersoll & Ross 1985.
"""

from math import exp, expm1, inf, isnan, log, nan, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import welford

BLOCK_NS = 10_000_000_000
SAMPLE_NS = 1_000_000_000
LAG_A = 1
LAG_B = 11
LAGS_MAX = 32
BATCH = 64
TAU_S = 7200.0
"""Memory: a change of level is 95 % learned after three of these (T-21)."""
SPOT_GAIN = 0.05
CALIBRATED_N = 20
"""Blocks from which estimates replace the start values, where there are any (T-22)."""
READY_N = 400.0
"""kappa needs about 400/kappa seconds for 10 % (quant-models 4.6); this many blocks at least."""
BPS = 1e4

ERROR = record(("scatter", "f8"), ("weight", "f8"))
"""Sum over batches of (sum of influences)^2, and the blocks they hold."""

STOCHASTIC_VOL = record(
    ("dt_s", "f8"),
    ("keep", "f8"),
    ("lag_a", "i8"),
    ("lag_b", "i8"),
    ("used_theta", "f8"),  # what consumers read: the start value, then the estimate
    ("used_kappa", "f8"),
    ("used_xi", "f8"),
    ("used_rho", "f8"),
    ("spot", "f8"),  # smoothed current variance
    ("block_ns", "i8"),  # the block being filled by `update`
    ("block_price", "f8"),  # 0: none
    ("sampled_ns", "i8"),
    ("sampled_price", "f8"),
    ("block_squares", "f8"),
    ("blocks", "i8"),  # blocks ever seen
    ("run", "i8"),  # blocks in a row without interruption
    ("past", "f8", (LAGS_MAX,)),
    ("level", welford.WELFORD),
    ("pair_a", welford.PAIR),
    ("pair_b", welford.PAIR),
    ("shock", welford.PAIR),  # (return, change of variance)
    ("batch_n", "i8"),
    ("batch", "f8", (7,)),  # sums of d_t, g(a) and g(b) products, rr, rd, dd, and g(a) both ends
    ("errors", ERROR, (4,)),  # theta, kappa, ln xi^2, rho
    ("rejected", "i8"),
)

Rec = Any
"""One element of a STOCHASTIC_VOL array: a record with attribute access."""


@kernel
def reset(rec: Rec, theta: float, kappa_per_s: float, xi: float, rho: float) -> None:
    """Forget everything and start from these values, which hold until 20 blocks were seen."""
    rec.used_theta = theta
    rec.used_kappa = kappa_per_s
    rec.used_xi = xi
    rec.used_rho = rho
    rec.spot = theta
    rec.blocks = 0
    rec.rejected = 0
    rec.block_ns = 0
    rec.sampled_ns = 0
    rec.sampled_price = 0.0
    rec.block_squares = 0.0
    welford.reset(rec.level)
    welford.reset_pair(rec.pair_a)
    welford.reset_pair(rec.pair_b)
    welford.reset_pair(rec.shock)
    for e in range(4):
        rec.errors[e].scatter = 0.0
        rec.errors[e].weight = 0.0
    for p in range(LAGS_MAX):
        rec.past[p] = 0.0
    set_lags(rec, LAG_A, LAG_B, BLOCK_NS * 1e-9, TAU_S)


@kernel
def set_lags(rec: Rec, lag_a: int, lag_b: int, dt_s: float, tau_s: float) -> None:
    """Choose lags 0 <= a < b < 32 (a = 0: variances without noise), block length and memory."""
    assert 0 <= lag_a < lag_b < LAGS_MAX
    rec.lag_a = lag_a
    rec.lag_b = lag_b
    rec.dt_s = dt_s
    rec.keep = exp(-dt_s / tau_s)
    interrupt(rec)


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: no lag and no block reaches across the gap."""
    rec.run = 0
    rec.block_price = 0.0
    rec.batch_n = 0
    for s in range(7):
        rec.batch[s] = 0.0


@kernel
def update(rec: Rec, venue_ns: int, price: float) -> None:
    """Learn from a fair price: returns of about a second fill blocks of dt_s.

    A block that took half as long again (a quiet or broken feed) breaks the chain of lags.
    """
    if not (price > 0.0 and price < inf) or (rec.block_price > 0.0 and venue_ns < rec.sampled_ns):
        rec.rejected += 1
        return
    if rec.block_price == 0.0:
        _open_block(rec, venue_ns, price)
        return
    if venue_ns - rec.sampled_ns < SAMPLE_NS:
        return
    step = BPS * log(price / rec.sampled_price)
    rec.block_squares += step * step
    rec.sampled_ns = venue_ns
    rec.sampled_price = price
    length_s = (venue_ns - rec.block_ns) * 1e-9
    if length_s < rec.dt_s:
        return
    variance = rec.block_squares / length_s
    moved = BPS * log(price / rec.block_price)
    if length_s > 1.5 * rec.dt_s:
        interrupt(rec)
    else:
        observe(rec, variance, moved)
    _open_block(rec, venue_ns, price)


@kernel
def _open_block(rec: Rec, venue_ns: int, price: float) -> None:
    rec.block_ns = venue_ns
    rec.block_price = price
    rec.sampled_ns = venue_ns
    rec.sampled_price = price
    rec.block_squares = 0.0


@kernel
def observe(rec: Rec, variance: float, moved: float) -> None:
    """Learn from one block: its variance (per second, >= 0) and its log return (any unit)."""
    if not (variance >= 0.0 and variance < inf and abs(moved) < inf):
        rec.rejected += 1
        return
    rec.blocks += 1
    rec.spot += SPOT_GAIN * (variance - rec.spot)
    welford.update(rec.level, variance, rec.keep)
    if rec.run > 0:
        before = rec.past[(rec.run - 1) % LAGS_MAX]
        welford.update_pair(rec.shock, moved, variance - before, rec.keep)
    if rec.lag_a > 0 and rec.run >= rec.lag_a:
        _pair(rec, rec.pair_a, rec.lag_a, variance)
    if rec.run >= rec.lag_b:
        _pair(rec, rec.pair_b, rec.lag_b, variance)
        _batch(rec, variance, moved)
    rec.past[rec.run % LAGS_MAX] = variance
    rec.run += 1
    if rec.blocks >= CALIBRATED_N:
        apply_calibration(rec)


@kernel
def _pair(rec: Rec, pair: Rec, lag: int, variance: float) -> None:
    welford.update_pair(pair, rec.past[(rec.run - lag) % LAGS_MAX], variance, rec.keep)


@kernel
def _batch(rec: Rec, variance: float, moved: float) -> None:
    """Add one block to the running batch; a full batch becomes one draw for the error bars."""
    mean = rec.level.center
    now = variance - mean
    oldest = rec.past[(rec.run - rec.lag_b) % LAGS_MAX] - mean
    after_oldest = oldest
    before_now = now
    if rec.lag_a > 0:
        after_oldest = rec.past[(rec.run - rec.lag_b + rec.lag_a) % LAGS_MAX] - mean
        before_now = rec.past[(rec.run - rec.lag_a) % LAGS_MAX] - mean
    change = variance - rec.past[(rec.run - 1) % LAGS_MAX] - rec.shock.mean_y
    shock = moved - rec.shock.mean_x
    rec.batch[0] += now
    rec.batch[1] += oldest * after_oldest
    rec.batch[2] += oldest * now
    rec.batch[3] += shock * shock
    rec.batch[4] += shock * change
    rec.batch[5] += change * change
    rec.batch[6] += 0.5 * (oldest * after_oldest + now * before_now)
    rec.batch_n += 1
    if rec.batch_n == BATCH:
        _close_batch(rec)


@kernel
def _close_batch(rec: Rec) -> None:
    """Turn a batch into influences: kappa's is a regression's score, which looks back only; xi's
    takes g(a) at both ends, because xi rests on small differences of it.
    """
    kappa = kappa_per_s(rec)
    if not isnan(kappa):
        ga = rec.level.spread / rec.level.weight * _correlation_a(rec)
        span_s = (rec.lag_b - rec.lag_a) * rec.dt_s
        of_gb = rec.batch[2] / (ga * exp(-kappa * span_s))
        _draw(rec, 1, (rec.batch[1] / ga - of_gb) / span_s)
        of_kappa = (rec.batch[6] / ga - of_gb) / span_s
        of_level = rec.batch[6] / ga - BATCH - rec.batch[0] / rec.level.center
        _draw(rec, 2, of_kappa * (1.0 / kappa + rec.lag_a * rec.dt_s) + of_level)
    _draw(rec, 0, rec.batch[0])
    rho_now = rho(rec)
    if not isnan(rho_now):
        sxx = rec.shock.spread_x / rec.shock.weight
        syy = rec.shock.spread_y / rec.shock.weight
        tilt = 0.5 * rho_now * (rec.batch[3] / sxx + rec.batch[5] / syy)
        _draw(rec, 3, rec.batch[4] / sqrt(sxx * syy) - tilt)
    for s in range(7):
        rec.batch[s] = 0.0
    rec.batch_n = 0


@kernel
def _draw(rec: Rec, which: int, influence: float) -> None:
    keep = exp(BATCH * log(rec.keep))
    error = rec.errors[which]
    error.scatter = keep * keep * error.scatter + influence * influence
    error.weight = keep * error.weight + BATCH


@kernel
def _correlation_a(rec: Rec) -> float:
    return welford.correlation(rec.pair_a) if rec.lag_a > 0 else 1.0


@kernel
def theta(rec: Rec) -> float:
    """Return the mean variance; NaN before the first block."""
    return welford.mean(rec.level)


@kernel
def kappa_per_s(rec: Rec) -> float:
    """Return the reversion, 1/s; NaN when the autocovariances do not fall from a to b."""
    first = _correlation_a(rec)
    second = welford.correlation(rec.pair_b)
    if isnan(first) or not first > 0.0:
        return nan
    return welford.reversion_per_s(second / first, (rec.lag_b - rec.lag_a) * rec.dt_s)


@kernel
def variance_of_variance(rec: Rec) -> float:
    """Return Var(v) without the noise of the blocks; NaN without kappa."""
    kappa = kappa_per_s(rec)
    if isnan(kappa):
        return nan
    at_a = welford.variance_biased(rec.level) * _correlation_a(rec)
    return float(at_a * exp(kappa * rec.lag_a * rec.dt_s))


@kernel
def xi(rec: Rec) -> float:
    """Return the volatility of variance of the CIR model; NaN without kappa or level."""
    level = theta(rec)
    spread = variance_of_variance(rec)
    if isnan(spread) or not level > 0.0:
        return nan
    return sqrt(2.0 * kappa_per_s(rec) * spread / level)


@kernel
def rho(rec: Rec) -> float:
    """Return corr(return, change of variance) of the same blocks; NaN when one does not vary."""
    return welford.correlation(rec.shock)


@kernel
def is_ready(rec: Rec, blocks: int) -> bool:
    """Return whether so many blocks were seen."""
    return bool(rec.blocks >= blocks)


@kernel
def apply_calibration(rec: Rec) -> None:
    """Let every estimate there is replace the value consumers read."""
    now = theta(rec)
    rec.used_theta = rec.used_theta if isnan(now) else now
    now = kappa_per_s(rec)
    rec.used_kappa = rec.used_kappa if isnan(now) else now
    now = xi(rec)
    rec.used_xi = rec.used_xi if isnan(now) else now
    now = rho(rec)
    rec.used_rho = rec.used_rho if isnan(now) else now


@kernel
def average_variance(level: float, now: float, kappa: float, horizon_s: float) -> float:
    """Return E[mean variance over the horizon | v = now]; `now` at horizon 0 or kappa 0 (T-23)."""
    x = kappa * horizon_s
    share = -expm1(-x) / x if x > 0.0 else 1.0
    return level + (now - level) * share


@kernel
def expected_avg_variance(rec: Rec, horizon_s: float) -> float:
    """Return the expected mean variance of the next horizon_s from the current one."""
    return average_variance(rec.used_theta, rec.spot, rec.used_kappa, horizon_s)


@kernel
def leverage_factor(rho_now: float, sigma: float, moved: float) -> float:
    """Return by how much a return lifts volatility: 1 + 0.2 |r|/sigma, at most 1.5 (T-24).

    Only for returns that variance goes with: falls when rho < 0, rises when rho > 0.
    """
    if not (moved * rho_now > 0.0 and sigma > 0.0):
        return 1.0
    return 1.0 + min(0.2 * abs(moved) / sigma, 0.5)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether kappa has an estimate and enough blocks behind it."""
    return bool(welford.effective_count(rec.level) >= READY_N and not isnan(kappa_per_s(rec)))


@kernel
def stderr_of(rec: Rec, which: int) -> float:
    """Return a standard error from the blocks alone: 0 theta, 1 kappa, 2 xi, 3 rho; inf if none."""
    error = rec.errors[which]
    if not error.weight > BATCH:
        return inf
    value = float(sqrt(error.scatter) / error.weight)
    if which == 0:
        return _theta_stderr(rec, value)
    return 0.5 * xi(rec) * value if which == 2 else value


@kernel
def _theta_stderr(rec: Rec, from_batches: float) -> float:
    """Return the error of the level: batches are too short for it, so kappa stretches them.

    Var(v) (1 + f)/(1 - f)/n with f = exp(-kappa dt), plus the noise of the blocks over n.
    """
    spread = variance_of_variance(rec)
    if isnan(spread):
        return from_batches
    fade = exp(-kappa_per_s(rec) * rec.dt_s)
    noise = max(0.0, welford.variance_biased(rec.level) - spread)
    per_block = spread * (1.0 + fade) / (1.0 - fade) + noise
    return sqrt(per_block / welford.effective_count(rec.level))


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of kappa, 1/s; inf below two batches."""
    return stderr_of(rec, 1)
