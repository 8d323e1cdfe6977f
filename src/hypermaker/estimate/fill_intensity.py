"""How often the market reaches a depth: lambda(d) = A exp(-kappa d), two A's and one kappa.

Every taker order counts once, at the deepest price it reached: all prints of one block and side
are one order. Orders fall into fixed bins of depth; how long each bin could be reached is counted
beside them (nothing is seen inside the touch, so those bins have no exposure). The likelihood of
disjoint Poisson bins,

    sum_b n_b ln p_b(k) + sum_s [N_s ln A_s - A_s M_s(k)],  M_s = sum_b T_sb p_b,
    p_b = exp(-k d_b) - exp(-k d_{b+1})

is maximised by a few Newton steps on ln k from the last value, at most every 5 s of venue time.
Old orders and old exposure fade with the same time constant. A Gamma prior, shipped per class of
coin, makes the first quote possible; own fills are not needed and do not enter (`observe_own`
keeps a fill ratio beside the estimate that cannot bias it).

Saturation: two orders of one side in one block look like one. The order seen hides the rest of
its block, so its block is taken off the exposure of the shallower bins that could be reached then
(no others have any) and half of it off its own; to third order in p this is
lambda = -ln(1-p)/dt (INT-2).

Against the predecessor (its 2.2, T-87): orders are counted, not contracts; depth is measured from
the fair price before the order, never from our own price; error bars ignore the prior.

Units: depth in bps of the fair price, A in 1/s, kappa in 1/bps, times in ns. `side` is the
AGGRESSOR's: +1 buys, which hit asks; -1 sells, which hit bids.
Source: quant-models 3.1, 3.2.
"""

from math import exp, expm1, inf, log, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

BINS = 12
GRID = (0.125, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
"""Lower edges of the bins, in units of 1/kappa of the prior; the last bin has no upper edge."""
TAU_S = 1800.0
"""Time constant of forgetting."""
REFRESH_NS = 5_000_000_000
"""Venue time between refreshes of A and kappa."""
READY_N = 20.0
"""Effective orders below which the estimate leans on the prior (quant-models 3.2)."""
STEPS_MAX = 20
STEP_END = 1e-7
"""A Newton step this small leaves an error of about its square."""
NS = 1e-9

OPEN = record(
    ("venue_ns", "i8"),
    ("touch", "i8"),  # first bin that could be reached before the order came
    ("depth_bps", "f8"),  # deepest print so far
    ("size_lots", "f8"),
    ("weight", "f8"),  # 0: no order is open
)
"""The taker order of one side that is still being printed."""

FILL_INTENSITY = record(
    ("prior_a_per_s", "f8"),
    ("prior_kappa_per_bps", "f8"),
    ("prior_n", "f8"),
    ("prior_lots", "f8"),
    ("tau_s", "f8"),
    ("block_s", "f8"),
    ("depth_bps", "f8", (BINS,)),
    ("started", "i8"),
    ("last_ns", "i8"),
    ("refreshed_ns", "i8"),
    ("touch", "i8"),
    ("grown", "f8"),  # weight of an order that comes now; sums are in weights of `grown` = 1
    ("hits", "f8", (2 * BINS,)),  # weighted orders by deepest bin: sells, then buys
    ("hidden_s", "f8", (2 * (BINS + 1),)),  # steps of exposure that blocks hid: sells, then buys
    ("dwell_s", "f8", (BINS + 1,)),  # weighted seconds during which bin j was the first reachable
    ("hit_squares", "f8"),
    ("orders", "f8"),  # weighted orders at any depth, and their volume
    ("volume_lots", "f8"),
    ("open", OPEN, (2,)),
    ("waiting", "i8"),  # how many of them hold an order, and the side of the latest
    ("latest", "i8"),
    ("own_hits", "f8"),  # own fills, and how many the model expected for the same quotes
    ("own_expected", "f8"),
    ("a_per_s", "f8", (2,)),
    ("kappa", "f8"),
    ("kappa_var", "f8"),
    ("log_a_var", "f8", (2,)),
    ("lever", "f8", (2,)),  # d ln A / d kappa of either side
    ("share", "f8", (BINS,)),  # p_b, (ln p_b)' and (ln p_b)'' at the last kappa tried
    ("tilt", "f8", (BINS,)),
    ("bend", "f8", (BINS,)),
    ("seen", "i8"),  # orders ever seen
    ("rejected", "i8"),  # prints that made no sense
)

Rec = Any
"""One element of a FILL_INTENSITY array: a record with attribute access."""


@kernel
def reset(rec: Rec, prior_a_per_s: float, prior_kappa_per_bps: float, prior_n: float) -> None:
    """Forget everything and start from a prior worth `prior_n` orders a side.

    prior_a_per_s         orders per second and side that reach depth 0, > 0
    prior_kappa_per_bps   > 0; also sets the grid of depths
    prior_n               > 0
    """
    rec.prior_a_per_s = prior_a_per_s
    rec.prior_kappa_per_bps = prior_kappa_per_bps
    rec.prior_n = prior_n
    rec.prior_lots = 0.0
    rec.tau_s = TAU_S
    rec.block_s = 0.0
    rec.started = 0
    rec.last_ns = 0
    rec.refreshed_ns = 0
    rec.touch = 0
    rec.waiting = 0
    rec.latest = 0
    rec.grown = 1.0
    rec.hit_squares = 0.0
    rec.orders = 0.0
    rec.volume_lots = 0.0
    rec.own_hits = 0.0
    rec.own_expected = 0.0
    rec.seen = 0
    rec.rejected = 0
    rec.dwell_s[BINS] = 0.0
    for j in range(2 * (BINS + 1)):
        rec.hidden_s[j] = 0.0
    for b in range(BINS):
        rec.depth_bps[b] = GRID[b] / prior_kappa_per_bps
        rec.hits[b] = 0.0
        rec.hits[BINS + b] = 0.0
        rec.dwell_s[b] = 0.0
    _shape(rec, prior_kappa_per_bps)
    for i in range(2):
        rec.open[i].weight = 0.0
        rec.open[i].venue_ns = 0
        rec.open[i].touch = 0
        rec.open[i].depth_bps = 0.0
        rec.open[i].size_lots = 0.0
        rec.a_per_s[i] = prior_a_per_s
        rec.log_a_var[i] = inf
        rec.lever[i] = 0.0
    rec.kappa = prior_kappa_per_bps
    rec.kappa_var = inf


@kernel
def set_memory(rec: Rec, tau_s: float, block_s: float, prior_lots: float) -> None:
    """Choose forgetting, the venue's block time (0: no saturation) and a prior order size."""
    rec.tau_s = tau_s
    rec.block_s = block_s
    rec.prior_lots = prior_lots


@kernel
def see_touch(rec: Rec, venue_ns: int, half_spread_bps: float) -> None:
    """Say how far the best price stands from fair; shallower bins cannot be reached from now on."""
    elapse(rec, venue_ns)
    touch = 0
    while touch < BINS and rec.depth_bps[touch] < half_spread_bps:
        touch += 1
    rec.touch = touch


@kernel
def observe_trade(rec: Rec, side: int, depth_bps: float, size_lots: float, venue_ns: int) -> None:
    """Learn from one print; prints of one venue time and side are one taker order.

    side        of the aggressor, +1 buys, -1 sells
    depth_bps   how far beyond the fair price it printed, seen in the aggressor's direction, with
                the fair price of before the order; negative depths reach no bin
    Old prints (venue_ns before the last event) count with the weight of their own time.
    """
    if not (abs(depth_bps) < inf and size_lots > 0.0 and size_lots < inf):
        rec.rejected += 1
        return
    elapse(rec, venue_ns)
    i = 1 if side > 0 else 0
    order = rec.open[i]
    if order.weight > 0.0 and order.venue_ns == venue_ns:
        order.depth_bps = max(order.depth_bps, depth_bps)
        order.size_lots += size_lots
        return
    _close(rec, i)
    rec.latest = i
    rec.waiting += 1
    order.venue_ns = venue_ns
    order.touch = rec.touch
    order.depth_bps = depth_bps
    order.size_lots = size_lots
    order.weight = rec.grown
    if venue_ns < rec.last_ns:
        order.weight *= exp((venue_ns - rec.last_ns) * NS / rec.tau_s)


@kernel
def _close(rec: Rec, i: int) -> None:
    """Count the open order of side i: no more of its prints will come."""
    order = rec.open[i]
    weight = order.weight
    if weight == 0.0:
        return
    order.weight = 0.0
    rec.waiting -= 1
    b = -1
    for edge in range(BINS):
        b += 1 if rec.depth_bps[edge] <= order.depth_bps else 0
    if b >= order.touch:
        rec.hits[i * BINS + b] += weight
        rec.hit_squares += weight * weight
        _hide(rec, i, order.touch, b, weight)
    rec.orders += weight
    rec.volume_lots += weight * order.size_lots
    rec.seen += 1


@kernel
def _hide(rec: Rec, i: int, touch: int, b: int, weight: float) -> None:
    """Take the block of an order that reached bin b off what side i could have shown in it."""
    hidden = weight * rec.block_s
    row = i * (BINS + 1)
    rec.hidden_s[row + touch] -= hidden
    rec.hidden_s[row + b] += 0.5 * hidden
    rec.hidden_s[row + b + 1] += 0.5 * hidden


@kernel
def elapse(rec: Rec, venue_ns: int) -> None:
    """Let time pass to `venue_ns`; the past changes nothing. Refreshes the estimate when due."""
    if rec.started == 0:
        rec.started = 1
        rec.last_ns = venue_ns
        rec.refreshed_ns = venue_ns
    if venue_ns <= rec.last_ns:
        return
    if rec.waiting > 0:
        _close(rec, rec.latest)
        if rec.waiting > 0:
            _close(rec, 1 - rec.latest)
    spans = (venue_ns - rec.last_ns) * NS / rec.tau_s
    if spans > 1.0 or rec.grown > 1e6:
        _fold(rec, spans)
    else:
        growth = rec.grown * _rise(spans)
        rec.dwell_s[rec.touch] += growth * rec.tau_s
        rec.grown += growth
    rec.last_ns = venue_ns
    if venue_ns - rec.refreshed_ns >= REFRESH_NS:
        rec.refreshed_ns = venue_ns
        refresh(rec)


@kernel
def _rise(x: float) -> float:
    """Return e^x - 1; between two events x is tiny and five terms are exact to the last place."""
    if x > 1e-3:
        return expm1(x)
    return x * (1.0 + x * (0.5 + x * (1.0 / 6.0 + x * (1.0 / 24.0 + x / 120.0))))


@kernel
def _fold(rec: Rec, spans: float) -> None:
    """Pass `spans` time constants and bring all weights back to 1 = now, so nothing overflows."""
    fade = expm1(-spans)
    keep = (1.0 + fade) / rec.grown
    for b in range(BINS):
        rec.hits[b] *= keep
        rec.hits[BINS + b] *= keep
        rec.dwell_s[b] *= keep
    rec.dwell_s[BINS] *= keep
    for j in range(2 * (BINS + 1)):
        rec.hidden_s[j] *= keep
    rec.hit_squares *= keep * keep
    rec.orders *= keep
    rec.volume_lots *= keep
    rec.dwell_s[rec.touch] -= fade * rec.tau_s
    rec.grown = 1.0


@kernel
def _shape(rec: Rec, k: float) -> None:
    """Work out p_b, (ln p_b)' and (ln p_b)'' of every bin at kappa = k.

    Widths are powers of two of the first depth, so one expm1 serves: e^2x - 1 = y (2 + y).
    """
    width_now = rec.depth_bps[0]
    rise = expm1(k * width_now)
    survive = 1.0 / (1.0 + rise)
    for b in range(BINS - 1):
        width = rec.depth_bps[b + 1] - rec.depth_bps[b]
        while width > 1.5 * width_now:
            width_now *= 2.0
            rise *= 2.0 + rise
        beyond = survive / (1.0 + rise)
        steep = width / rise
        rec.share[b] = survive - beyond
        rec.tilt[b] = steep - rec.depth_bps[b]
        rec.bend[b] = -steep * (width + steep)
        survive = beyond
    rec.share[BINS - 1] = survive
    rec.tilt[BINS - 1] = -rec.depth_bps[BINS - 1]
    rec.bend[BINS - 1] = 0.0


@kernel
def _sums(rec: Rec, i: int) -> tuple[float, float, float, float, float, float, float]:
    """Return N, M, M', M'', F = sum T p'^2/p, and both derivatives of sum n ln p, after `_shape`.

    All of side i (0 sells, 1 buys), in weights of now.
    """
    total = 0.0
    for b in range(BINS):
        total += rec.hits[i * BINS + b]
    exposed = 0.0
    m = m1 = m2 = f = slope = curve = 0.0
    for b in range(BINS):
        hits = rec.hits[i * BINS + b]
        exposed += rec.dwell_s[b] + rec.hidden_s[i * (BINS + 1) + b]
        tilt = rec.tilt[b]
        expected = exposed * rec.share[b]
        m += expected
        m1 += expected * tilt
        m2 += expected * (tilt * tilt + rec.bend[b])
        f += expected * tilt * tilt
        slope += hits * tilt
        curve += hits * rec.bend[b]
    now = 1.0 / rec.grown
    return total * now, m * now, m1 * now, m2 * now, f * now, slope * now, curve * now


@kernel
def _newton_step(rec: Rec, k: float) -> float:
    """Return the Newton step on ln k of the posterior with both A's profiled out; |step| <= 1."""
    _shape(rec, k)
    first = rec.prior_n * (1.0 / k - 1.0 / rec.prior_kappa_per_bps)
    second = -rec.prior_n / (k * k)
    weight = rec.prior_n
    for i in range(2):
        n, m, m1, m2, _, slope, curve = _sums(rec, i)
        held = rec.prior_n / rec.prior_a_per_s + m
        a = (rec.prior_n + n) / held
        first += slope - a * m1
        second += curve - a * m2 + a / held * m1 * m1
        weight += n
    first *= k
    second = k * k * second + first
    step = first / (-second if second < 0.0 else weight)
    return float(max(-1.0, min(1.0, step)))


@kernel
def refresh(rec: Rec) -> None:
    """Bring A, kappa and their variances up to date with all counted orders and exposure."""
    k = rec.kappa
    for _ in range(STEPS_MAX):
        step = _newton_step(rec, k)
        k *= exp(step)
        if abs(step) < STEP_END:
            break
    rec.kappa = k
    _shape(rec, k)
    information = 0.0
    for i in range(2):
        n, m, m1, _, f, _, _ = _sums(rec, i)
        rec.a_per_s[i] = (rec.prior_n + n) / (rec.prior_n / rec.prior_a_per_s + m)
        rec.log_a_var[i] = inf
        rec.lever[i] = 0.0
        if n > 0.0 and m > 0.0:
            information += n / m * (f - m1 * m1 / m)
            rec.log_a_var[i] = 1.0 / n
            rec.lever[i] = m1 / m
    share = _weight_share(rec)
    rec.kappa_var = share / information if information > 0.0 else inf
    for i in range(2):
        if rec.log_a_var[i] < inf:
            turned = rec.lever[i] * rec.lever[i] * rec.kappa_var
            rec.log_a_var[i] = share * rec.log_a_var[i] + turned


@kernel
def _hits_total(rec: Rec) -> float:
    total = 0.0
    for b in range(2 * BINS):
        total += rec.hits[b]
    return total


@kernel
def _weight_share(rec: Rec) -> float:
    """Return sum w^2 / sum w of the orders in bins: the variance of a faded count over its mean."""
    total = _hits_total(rec)
    return rec.hit_squares / (total * rec.grown) if total > 0.0 else 1.0


@kernel
def effective_count(rec: Rec) -> float:
    """Return how many equally weighted taker orders the estimate rests on, both sides."""
    total = _hits_total(rec)
    return total * total / rec.hit_squares if rec.hit_squares > 0.0 else 0.0


@kernel
def a_per_s(rec: Rec, side: int) -> float:
    """Return A of aggressors of this side (-1 sells: they hit our bids), 1/s, prior included."""
    return float(rec.a_per_s[1 if side > 0 else 0])


@kernel
def kappa_per_bps(rec: Rec) -> float:
    """Return the decay of fill intensity with depth, 1/bps, prior included."""
    return float(rec.kappa)


@kernel
def rate_per_s(rec: Rec, side: int, depth_bps: float) -> float:
    """Return how often aggressors of this side reach a depth, 1/s: the number to report."""
    return a_per_s(rec, side) * exp(-rec.kappa * depth_bps)


@kernel
def volume_lots(rec: Rec) -> float:
    """Return the mean volume of one taker order, lots; the prior's before the first."""
    weight = rec.prior_n + rec.orders / rec.grown
    return float((rec.prior_n * rec.prior_lots + rec.volume_lots / rec.grown) / weight)


@kernel
def ready(rec: Rec) -> bool:
    """Return whether enough taker orders were seen, in more than one bin, to trust the data."""
    bins = 0
    for b in range(BINS):
        if rec.hits[b] + rec.hits[BINS + b] > 0.0:
            bins += 1
    return bool(bins > 1 and effective_count(rec) >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of kappa_per_bps from the orders seen alone; inf without any."""
    return float(sqrt(rec.kappa_var))


@kernel
def log_a_stderr(rec: Rec, side: int) -> float:
    """Return the standard error of ln A of this side from the orders seen alone; inf without."""
    return float(sqrt(rec.log_a_var[1 if side > 0 else 0]))


@kernel
def observe_own(rec: Rec, expected: float, fills: float) -> None:
    """Compare our fills with the model: `expected` is the integral of lambda over our quotes.

    Kept beside the estimate and never fed into it: where we quote depends on the estimate, so
    our own fills may correct its level but must not shape it.
    """
    rec.own_expected += expected
    rec.own_hits += fills


@kernel
def fill_ratio(rec: Rec) -> float:
    """Return fills per fill the model expected; Gamma prior of weight `prior_n` around 1."""
    return float((rec.prior_n + rec.own_hits) / (rec.prior_n + rec.own_expected))


@kernel
def unsaturated_per_s(hit_intervals: float, intervals: float, dt_s: float) -> float:
    """Return the rate behind "at least one hit in so many of these intervals" (INT-2).

    inf when every interval was hit: then the data set no upper bound.
    """
    if hit_intervals >= intervals:
        return inf
    return -log(1.0 - hit_intervals / intervals) / dt_s
