"""What a fill costs after it happened: signed moves of the mid at 1, 5, 30 and 60 s, by depth.

Every taker order is a fill of the quotes it swept, so the market's trades teach the cost before we
have any fill of our own, and our own fills join them under a label of their own. For a fill at
time t against an aggressor of sign s the adverse move is

    a(tau) = s * (M(t + tau) - M(t)) / M(t),  in bps; M(t) the mid just before the fill

signed, so that favourable moves count for us. A quote at some depth is hit by every order that
reaches it or goes deeper, so its cost is the mean over its own bucket of depth and all deeper ones,
shrunk towards a prior curve by the weight of 100 fills.

Against the predecessor (its 2.5; F-30, F-31): signed moves, not absolute ones; no threshold for
"informed"; depth and move are measured from mids of different instants (the mid at placement is
kept too, see `observe_fill`); a bucket with few fills leans on the prior instead of switching
the whole update off (T-93).

Errors: fills overlap, so the standard error comes from sums over blocks of two minutes, within
which anything may be correlated. Waiting fills stand in a ring of fixed size; when it is full
a fill is counted in `dropped`, not silently lost.

Units: prices in any unit; depths and moves in bps; `side` is the AGGRESSOR's, +1 buys (our asks).
Source: quant-models 6.1.
"""

from math import erfc, exp, inf, pi, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record

HORIZONS = 4
HORIZON_NS = (1_000_000_000, 5_000_000_000, 30_000_000_000, 60_000_000_000)
PLATEAU = 1
"""The horizon quotes are charged at, 5 s: beyond it the noise of the walk outweighs the drift."""
BUCKETS = 4
EDGES_BPS = (2.0, 5.0, 10.0)
"""Upper edges of the buckets of depth, exclusive; the last bucket has none."""
RING = 512
"""Fills that may wait for their last horizon: 8 a second over a minute; a power of two."""
RING_MASK = RING - 1
SHRINK_N = 100.0
"""Fills the prior is worth in every bucket (quant-models 6.1)."""
READY_N = 100.0
BLOCK_NS = 120_000_000_000
"""Length of the blocks for error bars: twice the longest horizon."""
BLOCKS_MIN = 4.0
"""Blocks below which their scatter says nothing."""
TAU_S = 3600.0
NEVER_NS = (1 << 63) - 1
MARKET = 0
OWN = 1
CELLS = 2 * 2 * BUCKETS * HORIZONS
PAIRS = 2 * HORIZONS
BPS = 1e4

WAITING = record(("venue_ns", "i8"), ("mid", "f8"), ("cell", "i8"), ("sign", "f8"))
"""A fill that waits: when, the mid just before, its first cell, the aggressor's sign."""

ADVERSE_SELECTION = record(
    ("prior_touch_bps", "f8"),
    ("prior_decay_bps", "f8"),
    ("last_ns", "i8"),
    ("last_mid", "f8"),  # 0: none
    ("due_ns", "i8"),  # the next time a waiting fill passes a horizon
    ("pushed", "i8"),  # fills ever put into the ring
    ("done", "i8", (HORIZONS,)),  # fills that have passed each horizon
    ("waiting", WAITING, (RING,)),
    ("last_side_ns", "i8", (2,)),  # venue time of the last market order of either side
    ("last_slot", "i8", (2,)),  # and where in the ring it stands, -1: nowhere
    ("weight", "f8", (CELLS,)),  # by source, side, bucket, horizon
    ("total", "f8", (CELLS,)),
    ("block_ns", "i8"),
    ("block_n", "f8", (PAIRS,)),  # of the running block, by side and horizon
    ("block_total", "f8", (PAIRS,)),
    ("scatter", "f8", (PAIRS,)),  # sum over blocks of (sum of deviations)^2
    ("blocks", "f8", (PAIRS,)),
    ("own_fills", "f8", (2,)),
    ("own_drift", "f8", (2,)),  # summed moves of the mid from placement to fill, adverse > 0
    ("dropped", "i8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of an ADVERSE_SELECTION array: a record with attribute access."""


@kernel
def reset(rec: Rec, prior_touch_bps: float, prior_decay_bps: float) -> None:
    """Forget everything; before data the cost at depth d is touch * exp(-d / decay), bps."""
    rec.prior_touch_bps = prior_touch_bps
    rec.prior_decay_bps = prior_decay_bps
    rec.last_ns = 0
    rec.block_ns = 0
    rec.pushed = 0
    rec.dropped = 0
    rec.rejected = 0
    for c in range(CELLS):
        rec.weight[c] = 0.0
        rec.total[c] = 0.0
    for p in range(PAIRS):
        rec.block_n[p] = 0.0
        rec.block_total[p] = 0.0
        rec.scatter[p] = 0.0
        rec.blocks[p] = 0.0
    for i in range(2):
        rec.last_side_ns[i] = 0
        rec.own_fills[i] = 0.0
        rec.own_drift[i] = 0.0
    interrupt(rec)


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: fills that wait for a mid are given up."""
    rec.last_mid = 0.0
    rec.due_ns = NEVER_NS
    for h in range(HORIZONS):
        rec.done[h] = rec.pushed
    for i in range(2):
        rec.last_slot[i] = -1


@kernel
def bucket_of(depth_bps: float) -> int:
    """Return the bucket of a depth; an edge belongs to the deeper bucket (T-93)."""
    b = 0
    while b < BUCKETS - 1 and depth_bps >= EDGES_BPS[b]:
        b += 1
    return b


@kernel
def observe_mid(rec: Rec, venue_ns: int, mid: float) -> None:
    """Take a mid; fills whose horizon has passed are settled with the mid of that instant."""
    if not (mid > 0.0 and mid < inf) or venue_ns < rec.last_ns:
        rec.rejected += 1
        return
    if venue_ns >= rec.due_ns and rec.last_mid > 0.0:
        for h in range(HORIZONS):
            _settle(rec, h, venue_ns, mid)
        _look_ahead(rec)
    if venue_ns - rec.block_ns >= BLOCK_NS:
        _close_block(rec, venue_ns)
    rec.last_ns = venue_ns
    rec.last_mid = mid


@kernel
def _look_ahead(rec: Rec) -> None:
    """Note when the next waiting fill is due, so that mids before that cost nothing."""
    rec.due_ns = NEVER_NS
    for h in range(HORIZONS):
        if rec.done[h] < rec.pushed:
            first = rec.waiting[rec.done[h] & RING_MASK]
            rec.due_ns = min(rec.due_ns, first.venue_ns + HORIZON_NS[h])


@kernel
def _settle(rec: Rec, h: int, venue_ns: int, mid: float) -> None:
    """Settle every waiting fill whose horizon h is due; a mid holds until the next one comes."""
    while rec.done[h] < rec.pushed:
        fill = rec.waiting[rec.done[h] & RING_MASK]
        due_ns = fill.venue_ns + HORIZON_NS[h]
        if due_ns > venue_ns:
            return
        then = mid if due_ns == venue_ns else rec.last_mid
        move = fill.sign * (then - fill.mid) / fill.mid * BPS
        rec.weight[fill.cell + h] += 1.0
        rec.total[fill.cell + h] += move
        pair = h if fill.sign < 0.0 else HORIZONS + h
        rec.block_n[pair] += 1.0
        rec.block_total[pair] += move
        rec.done[h] += 1


@kernel
def _close_block(rec: Rec, venue_ns: int) -> None:
    """Turn the running block into one draw for the error bars, and let the past fade."""
    for p in range(PAIRS):
        if rec.block_n[p] > 0.0:
            gap = rec.block_total[p] - rec.block_n[p] * _mean_of_pair(rec, p)
            rec.scatter[p] += gap * gap
            rec.blocks[p] += 1.0
            rec.block_n[p] = 0.0
            rec.block_total[p] = 0.0
    if rec.block_ns > 0:
        keep = exp(-(venue_ns - rec.block_ns) * 1e-9 / TAU_S)
        for c in range(CELLS):
            rec.weight[c] *= keep
            rec.total[c] *= keep
        for p in range(PAIRS):
            rec.scatter[p] *= keep * keep
    rec.block_ns = venue_ns


@kernel
def _weight_of_pair(rec: Rec, pair: int) -> float:
    """Return the fills of a side at a horizon (pair = side index * HORIZONS + horizon)."""
    total = 0.0
    for source in range(2):
        for b in range(BUCKETS):
            total += rec.weight[_cell(source, pair // HORIZONS, b) + pair % HORIZONS]
    return total


@kernel
def _mean_of_pair(rec: Rec, pair: int) -> float:
    weight = 0.0
    total = 0.0
    for source in range(2):
        for b in range(BUCKETS):
            c = _cell(source, pair // HORIZONS, b) + pair % HORIZONS
            weight += rec.weight[c]
            total += rec.total[c]
    return total / weight if weight > 0.0 else 0.0


@kernel
def _cell(source: int, i: int, bucket: int) -> int:
    return ((source * 2 + i) * BUCKETS + bucket) * HORIZONS


@kernel
def _push(rec: Rec, cell: int, side: int, venue_ns: int) -> int:
    """Put a fill into the ring and return its place, or -1 when the ring is full."""
    if rec.pushed - rec.done[HORIZONS - 1] >= RING:
        rec.dropped += 1
        return -1
    slot = int(rec.pushed & RING_MASK)
    fill = rec.waiting[slot]
    fill.venue_ns = max(venue_ns, rec.last_ns)
    fill.mid = rec.last_mid
    fill.cell = cell
    fill.sign = 1.0 if side > 0 else -1.0
    rec.pushed += 1
    rec.due_ns = min(rec.due_ns, fill.venue_ns + HORIZON_NS[0])
    return slot


@kernel
def observe_trade(rec: Rec, side: int, depth_bps: float, venue_ns: int) -> None:
    """Take a print of the market: a fill of anybody's quotes down to its depth.

    side        of the aggressor; depth_bps from the mid before it, the deepest print counts
    Prints of one venue time and side are one order. Needs a mid first, else it is not counted.
    """
    if not abs(depth_bps) < inf:
        rec.rejected += 1
        return
    if rec.last_mid == 0.0:
        return
    i = 1 if side > 0 else 0
    cell = _cell(MARKET, i, bucket_of(depth_bps))
    if rec.last_side_ns[i] == venue_ns:
        if rec.last_slot[i] >= 0:
            fill = rec.waiting[rec.last_slot[i]]
            fill.cell = max(fill.cell, cell)
        return
    rec.last_side_ns[i] = venue_ns
    rec.last_slot[i] = _push(rec, cell, side, venue_ns)


@kernel
def observe_fill(rec: Rec, side: int, depth_bps: float, mid_placed: float, venue_ns: int) -> None:
    """Take one of our own fills.

    side         of the aggressor that hit us: -1 when our bid was filled
    depth_bps    how far from `mid_placed` the order stood
    mid_placed   the mid when the order was placed, in the unit of `observe_mid`
    """
    if not (abs(depth_bps) < inf and mid_placed > 0.0 and mid_placed < inf):
        rec.rejected += 1
        return
    if rec.last_mid == 0.0:
        return
    i = 1 if side > 0 else 0
    sign = 1.0 if side > 0 else -1.0
    rec.own_fills[i] += 1.0
    rec.own_drift[i] += sign * (rec.last_mid - mid_placed) / mid_placed * BPS
    _push(rec, _cell(OWN, i, bucket_of(depth_bps)), side, venue_ns)


@kernel
def prior_bps(rec: Rec, depth_bps: float) -> float:
    """Return the cost believed without data, bps."""
    return float(rec.prior_touch_bps * exp(-depth_bps / rec.prior_decay_bps))


@kernel
def markout_bps(rec: Rec, side: int, bucket: int, h: int) -> float:
    """Return the mean adverse move after fills of this bucket or deeper, bps; NaN without any.

    h   index into HORIZON_NS; market orders and own fills together, no prior
    """
    i = 1 if side > 0 else 0
    weight = 0.0
    total = 0.0
    for source in range(2):
        for b in range(bucket, BUCKETS):
            weight += rec.weight[_cell(source, i, b) + h]
            total += rec.total[_cell(source, i, b) + h]
    return total / weight if weight > 0.0 else float("nan")


@kernel
def fills_counted(rec: Rec, side: int, bucket: int, h: int) -> float:
    """Return the faded number of fills behind `markout_bps`."""
    i = 1 if side > 0 else 0
    weight = 0.0
    for source in range(2):
        for b in range(bucket, BUCKETS):
            weight += rec.weight[_cell(source, i, b) + h]
    return weight


@kernel
def epsilon_at(rec: Rec, side: int, depth_bps: float, h: int) -> float:
    """Return the expected adverse move after a fill at this depth and horizon, bps, with prior."""
    bucket = bucket_of(depth_bps)
    weight = fills_counted(rec, side, bucket, h)
    seen = markout_bps(rec, side, bucket, h) if weight > 0.0 else 0.0
    return (SHRINK_N * prior_bps(rec, depth_bps) + weight * seen) / (SHRINK_N + weight)


@kernel
def epsilon_bps(rec: Rec, side: int, depth_bps: float) -> float:
    """Return what a fill at this depth costs, bps (may be negative): `epsilon_at` the plateau."""
    return epsilon_at(rec, side, depth_bps, PLATEAU)


@kernel
def pickoff_bps(rec: Rec, side: int) -> float:
    """Return how far the mid had moved against our orders from placement to fill; NaN if none."""
    i = 1 if side > 0 else 0
    return float(rec.own_drift[i] / rec.own_fills[i]) if rec.own_fills[i] > 0.0 else float("nan")


@kernel
def break_even_bps(touch_bps: float, decay_bps: float, fee_bps: float) -> float:
    """Return the depth d that pays for itself: d = fee + touch * exp(-d / decay) (T-93)."""
    d = fee_bps + touch_bps
    for _ in range(100):
        cost = touch_bps * exp(-d / decay_bps)
        step = (d - fee_bps - cost) / (1.0 + cost / decay_bps)
        d -= step
        if abs(step) < 1e-13:
            break
    return d


@kernel
def stale_cost_bps(depth_bps: float, sigma_bps: float, latency_s: float) -> float:
    """Return the expected loss a side and refresh when a quote is stale for latency_s (MIC-1).

    sd * (phi(z) - z * (1 - Phi(z))), sd = sigma * sqrt(latency), z = depth / sd; 0 without time.
    """
    sd = sigma_bps * sqrt(latency_s)
    if not sd > 0.0:
        return 0.0
    z = depth_bps / sd
    density = exp(-0.5 * z * z) / sqrt(2.0 * pi)
    return sd * (density - 0.5 * z * erfc(z / sqrt(2.0)))


@kernel
def ready(rec: Rec) -> bool:
    """Return whether both sides have as many fills as the prior is worth."""
    fewer = min(fills_counted(rec, -1, 0, PLATEAU), fills_counted(rec, 1, 0, PLATEAU))
    return bool(fewer >= READY_N)


@kernel
def stderr_at(rec: Rec, side: int, h: int) -> float:
    """Return the standard error of the mean adverse move of a side, bps, from blocks alone.

    All buckets together; inf below four blocks, which is eight minutes.
    """
    pair = h if side < 0 else HORIZONS + h
    weight = _weight_of_pair(rec, pair)
    if not (rec.blocks[pair] >= BLOCKS_MIN and weight > 0.0):
        return inf
    return float(sqrt(rec.scatter[pair] * rec.blocks[pair] / (rec.blocks[pair] - 1.0)) / weight)


@kernel
def stderr(rec: Rec) -> float:
    """Return the larger of both sides' standard errors at the plateau, bps; inf without data."""
    return max(stderr_at(rec, -1, PLATEAU), stderr_at(rec, 1, PLATEAU))
