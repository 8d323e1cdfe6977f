"""How much the fair price moves: per square root of a second, whatever the event rate.

The price is sampled on a grid of about a second, so that bounce between bid and ask and bursts of
messages do not count as movement, and every return is divided by the root of the time it took.
Two memories, fast and slow, keep realised variance (all movement), bipower variance (movement
without jumps) and tri-power quarticity (what the jump test needs). The estimate is

    clean = root of blended bipower, total = root of blended realised variance,
    sigma = clean + jump_share * (total - clean),     jump_share = max(0, 1 - BV/RV) <= 0.85

then pooled, as variances, with a prior that weighs `prior_n` samples. Error bars count samples
only: before the first return the standard error is infinite and `ready` is false.

Against the predecessor (its 1.3, 2.2): decay is in time, not in ticks; returns are divided by
their duration (it called "per bucket" "per second"); the jump test is the Huang-Tauchen
statistic, not RV/BV > 1.5; nothing is clamped.

Units: prices in any positive unit; sigma in bps per sqrt(second); times in ns.
Source: quant-models 4.1-4.3; Barndorff-Nielsen & Shephard 2004; Huang & Tauchen 2005.
"""

from math import exp, expm1, gamma, inf, log, pi, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

SAMPLE_NS = 1_000_000_000
"""Sampling grid: 1 s (quant-models 4.2 asks for 1 to 10 s)."""
FAST_S = 20.0
SLOW_S = 600.0
"""Time constants of the two memories."""
FAST_WEIGHT = 0.5
"""Share of the fast variance in the blend; the two are equally good forecasts at a minute."""
JUMP_SHARE_MAX = 0.85
"""A clean part always counts (T-85)."""
READY_N = 30.0
"""Effective samples of the slow memory from which its relative error is below 15 %."""
BIPOWER_SCALE = pi / 2.0
MU43 = 2.0 ** (2.0 / 3.0) * gamma(7.0 / 6.0) / gamma(0.5)
"""E|Z|^(4/3) of a standard normal: 2^(2/3) Gamma(7/6) / Gamma(1/2)."""
TRIPOWER_SCALE = MU43**-3
JUMP_VARIANCE = pi * pi / 4.0 + pi - 5.0
BIPOWER_VARIANCE = pi * pi / 4.0 + pi - 3.0
"""Variance of bipower variance relative to sigma^4/n (realised variance has 2)."""
BPS = 1e4

SCALE = record(
    ("tau_s", "f8"),
    ("singles", "f8"),  # sums of weights: of returns, of pairs, of triples
    ("pairs", "f8"),
    ("triples", "f8"),
    ("squares", "f8"),  # sum of squared weights, for the effective count
    ("realised", "f8"),  # weighted sums of r^2, |r||r'|, (|r||r'||r''|)^(4/3); r in bps/sqrt(s)
    ("bipower", "f8"),
    ("tripower", "f8"),
)
"""One exponential memory of powers of returns."""

VOLATILITY = record(
    ("prior_sigma_bps", "f8"),
    ("prior_n", "f8"),
    ("sample_ns", "i8"),
    ("sampled_ns", "i8"),  # when the grid price was taken
    ("sampled_price", "f8"),  # 0: no price yet, or the feed was interrupted
    ("run", "i8"),  # returns in a row without interruption: 0, 1, 2
    ("last", "f8"),  # |r| of the last return, and of the two last to the power 4/3
    ("last43", "f8"),
    ("earlier43", "f8"),
    ("fast", SCALE),
    ("slow", SCALE),
    ("crossed", "f8"),  # sum of products of fast and slow weights
    ("sigma", "f8"),  # the estimate, bps per sqrt(s)
    ("samples", "i8"),  # returns ever seen
    ("rejected", "i8"),  # prices that were no positive number, or came from the past
)

Rec = Any
"""One element of a VOLATILITY array (or of its SCALE parts): a record with attribute access."""


@kernel
def reset(rec: Rec, prior_sigma_bps: float, prior_n: float) -> None:
    """Forget everything; start from a prior of so many bps per sqrt(s), weighing `prior_n` samples.

    prior_n   0 switches the prior off: then sigma is 0 and not `ready` until there are data
    """
    rec.prior_sigma_bps = prior_sigma_bps
    rec.prior_n = prior_n
    rec.samples = 0
    rec.rejected = 0
    rec.sampled_ns = 0
    rec.last = 0.0
    rec.last43 = 0.0
    rec.earlier43 = 0.0
    interrupt(rec)
    set_scales(rec, FAST_S, SLOW_S, SAMPLE_NS)


@kernel
def set_scales(rec: Rec, fast_s: float, slow_s: float, sample_ns: int) -> None:
    """Choose the two memories (time constants in s) and the sampling grid; forgets the returns."""
    rec.sample_ns = sample_ns
    _clear(rec.fast, fast_s)
    _clear(rec.slow, slow_s)
    rec.crossed = 0.0
    rec.sigma = rec.prior_sigma_bps if rec.prior_n > 0.0 else 0.0


@kernel
def _clear(scale: Rec, tau_s: float) -> None:
    scale.tau_s = tau_s
    scale.singles = 0.0
    scale.pairs = 0.0
    scale.triples = 0.0
    scale.squares = 0.0
    scale.realised = 0.0
    scale.bipower = 0.0
    scale.tripower = 0.0


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: no return across the gap, the next price starts anew."""
    rec.sampled_price = 0.0
    rec.run = 0


@kernel
def update(rec: Rec, venue_ns: int, price: float) -> None:
    """Learn from a fair price (mid or micro-price, never a trade print) at a venue time.

    Cheap between grid points. A price that is not a positive number, or is older than the last
    sample, changes nothing but `rejected`. After a feed gap call `interrupt` first.
    """
    if not (price > 0.0 and price < inf):
        rec.rejected += 1
        return
    if rec.sampled_price == 0.0:
        _decay_gap(rec, venue_ns)
        rec.sampled_ns = venue_ns
        rec.sampled_price = price
        return
    elapsed_ns = venue_ns - rec.sampled_ns
    if elapsed_ns < rec.sample_ns:
        if elapsed_ns < 0:
            rec.rejected += 1
        return
    dt_s = elapsed_ns * 1e-9
    _observe(rec, dt_s, BPS * log(price / rec.sampled_price) / sqrt(dt_s))
    rec.sampled_ns = venue_ns
    rec.sampled_price = price


@kernel
def _decay_gap(rec: Rec, venue_ns: int) -> None:
    """Let what was learned before an interruption age by its length."""
    gap_s = (venue_ns - rec.sampled_ns) * 1e-9
    if rec.samples > 0 and gap_s > 0.0:
        fast = exp(-gap_s / rec.fast.tau_s)
        slow = exp(-gap_s / rec.slow.tau_s)
        _decay(rec.fast, fast)
        _decay(rec.slow, slow)
        rec.crossed *= fast * slow
        rec.sigma = _estimate(rec)


@kernel
def _decay(scale: Rec, keep: float) -> None:
    scale.singles *= keep
    scale.pairs *= keep
    scale.triples *= keep
    scale.squares *= keep * keep
    scale.realised *= keep
    scale.bipower *= keep
    scale.tripower *= keep


@kernel
def _observe(rec: Rec, dt_s: float, r: float) -> None:
    """Add one standardised return r [bps/sqrt(s)] that took dt_s."""
    grid_s = rec.sample_ns * 1e-9
    size = abs(r)
    size43 = size ** (4.0 / 3.0)
    pair = size * rec.last
    triple = size43 * rec.last43 * rec.earlier43
    fade_fast = expm1(-dt_s / rec.fast.tau_s)
    fade_slow = expm1(-dt_s / rec.slow.tau_s)
    gain_fast = -fade_fast * rec.fast.tau_s / grid_s
    gain_slow = -fade_slow * rec.slow.tau_s / grid_s
    _decay(rec.fast, 1.0 + fade_fast)
    _decay(rec.slow, 1.0 + fade_slow)
    _add(rec.fast, gain_fast, size * size)
    _add(rec.slow, gain_slow, size * size)
    rec.crossed = (1.0 + fade_fast) * (1.0 + fade_slow) * rec.crossed + gain_fast * gain_slow
    if rec.run > 0:
        _add_pair(rec.fast, gain_fast, pair)
        _add_pair(rec.slow, gain_slow, pair)
    if rec.run > 1:
        _add_triple(rec.fast, gain_fast, triple)
        _add_triple(rec.slow, gain_slow, triple)
    rec.run = min(rec.run + 1, 2)
    rec.earlier43 = rec.last43
    rec.last43 = size43
    rec.last = size
    rec.samples += 1
    rec.sigma = _estimate(rec)


@kernel
def _add(scale: Rec, gain: float, square: float) -> None:
    scale.singles += gain
    scale.squares += gain * gain
    scale.realised += gain * square


@kernel
def _add_pair(scale: Rec, gain: float, pair: float) -> None:
    scale.pairs += gain
    scale.bipower += gain * pair


@kernel
def _add_triple(scale: Rec, gain: float, triple: float) -> None:
    scale.triples += gain
    scale.tripower += gain * triple


@kernel
def realised_variance(scale: Rec) -> float:
    """Return the mean squared return, bps^2 per second; 0 before the first return."""
    return float(scale.realised / scale.singles) if scale.singles > 0.0 else 0.0


@kernel
def bipower_variance(scale: Rec) -> float:
    """Return jump-free variance, bps^2 per second; realised variance until there is a pair."""
    if scale.pairs > 0.0:
        return float(BIPOWER_SCALE * scale.bipower / scale.pairs)
    return realised_variance(scale)


@kernel
def tripower_quarticity(scale: Rec) -> float:
    """Return jump-free quarticity, (bps^2 per second)^2; 0 until there are three returns."""
    if not scale.triples > 0.0:
        return 0.0
    return float(TRIPOWER_SCALE * scale.tripower / scale.triples)


@kernel
def effective_count(scale: Rec) -> float:
    """Return how many equally weighted returns this memory is worth."""
    if not scale.squares > 0.0:
        return 0.0
    return float(scale.singles * scale.singles / scale.squares)


@kernel
def jump_ratio_of(scale: Rec) -> float:
    """Return RV/BV of one memory: 1 without jumps; 1 when nothing moved, inf when only RV did."""
    realised = realised_variance(scale)
    bipower = bipower_variance(scale)
    if bipower > 0.0:
        return realised / bipower
    return inf if realised > 0.0 else 1.0


@kernel
def jump_z_of(scale: Rec) -> float:
    """Return the ratio statistic of Huang and Tauchen, standard normal without jumps.

    NaN says that there is no answer: fewer than three returns, or prices that stood still.
    """
    n = effective_count(scale)
    realised = realised_variance(scale)
    bipower = bipower_variance(scale)
    if not (scale.triples > 0.0 and bipower > 0.0):
        return float("nan")
    spread = max(1.0, tripower_quarticity(scale) / (bipower * bipower))
    return float((1.0 - bipower / realised) / sqrt(JUMP_VARIANCE / n * spread))


@kernel
def jump_ratio(rec: Rec) -> float:
    """Return RV/BV of the fast memory; see `jump_z` for whether it means anything."""
    return jump_ratio_of(rec.fast)


@kernel
def jump_z(rec: Rec) -> float:
    """Return the jump statistic of the fast memory (NaN: no answer): above 3 is a jump."""
    return jump_z_of(rec.fast)


@kernel
def sigma_effective(clean: float, total: float, ratio: float) -> float:
    """Return clean + j * (total - clean), j = 1 - 1/ratio between 0 and 0.85 (T-85)."""
    share = 1.0 - 1.0 / ratio if ratio > 1.0 else 0.0
    return clean + min(share, JUMP_SHARE_MAX) * (total - clean)


@kernel
def _estimate(rec: Rec) -> float:
    fast = _fast_weight(rec)
    clean = fast * bipower_variance(rec.fast) + (1.0 - fast) * bipower_variance(rec.slow)
    total = fast * realised_variance(rec.fast) + (1.0 - fast) * realised_variance(rec.slow)
    ratio = 1.0
    if total > clean:
        ratio = total / clean if clean > 0.0 else inf
    seen = sigma_effective(sqrt(clean), sqrt(total), ratio)
    n = _pooled_count(rec)
    weight = rec.prior_n + n
    if weight == 0.0:
        return 0.0
    prior = rec.prior_sigma_bps
    return float(sqrt((rec.prior_n * prior * prior + n * seen * seen) / weight))


@kernel
def _fast_weight(rec: Rec) -> float:
    """Return the fast memory's share: none once an interruption has emptied it."""
    return FAST_WEIGHT if rec.fast.squares > 0.0 else 0.0


@kernel
def _pooled_count(rec: Rec) -> float:
    """Return the effective number of returns behind the blend of both memories."""
    if not rec.slow.squares > 0.0:
        return 0.0
    b = (1.0 - _fast_weight(rec)) / rec.slow.singles
    squares = b * b * rec.slow.squares
    if rec.fast.squares > 0.0:
        a = FAST_WEIGHT / rec.fast.singles
        squares += a * a * rec.fast.squares + 2.0 * a * b * rec.crossed
    return float(1.0 / squares)


@kernel
def sigma_bps(rec: Rec) -> float:
    """Return volatility, bps per sqrt(second), prior included; 0 without data and prior."""
    return float(rec.sigma)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether the slow memory holds enough returns to be believed without the prior."""
    return bool(effective_count(rec.slow) >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of sigma_bps from the number of returns alone; inf without any.

    Asymptotic for bipower variance of a diffusion: var(v) = 2.609 v^2 / n, sigma = sqrt(v).
    """
    n = _pooled_count(rec)
    if n == 0.0:
        return inf
    return float(rec.sigma * sqrt(BIPOWER_VARIANCE / n) / 2.0)
