"""Which bursts were liquidations, when nobody tells us: an inference with a weight, never a fact.

The venue has no public stream of liquidations. What a forced close leaves behind between two
context messages (about a second) is:

    a burst     one side's taker volume far above its habit, in deviations of its logarithm
    one side    hardly any taker volume against it
    closing     open interest falls by a share of that volume (opening flow lifts it)
    a gap       the book is pushed past the mark price, which follows oracle and other venues

Each is turned into log-odds; their sum is the chance that the flow was forced. From 0.5 on it is
an event for `cascade.record_liquidation`: side, USD and weight = chance. Confirmed sources (own
fills that say so, watched addresses, a node) carry weight 1 and do not pass through here.

The habit is learned from windows that were not taken for forced, so a cascade does not become the
norm while it runs. Open interest that is not sent is absent, which is evidence of nothing.

Units: volumes in lots, prices in ticks, `usd_per_lot` at the window's end; times ns.
Source: protocol sheet 8.3 (method J); weights are declared below and measured on simulated
cascades with known truth in the tests; `set_weights` takes calibrated ones.
"""

from math import exp, inf, log1p, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import welford

EMIT = 0.5
HABIT_S = 3600.0
READY_N = 120.0
"""Windows with taker volume from which the habit is known: a few minutes of trading."""
WEIGHTS = (-10.5, 2.0, 3.0, 3.5, 0.5)
"""Log-odds: base, per deviation of the burst, one-sidedness, closing share, per bps of gap."""
BURST_MAX = 4.0
GAP_MAX = 10.0
"""Evidence saturates here, so that no single clue decides."""
NS = 1e-9

LIQUIDATIONS = record(
    ("weights", "f8", (5,)),
    ("taken_lots", "f8", (2,)),  # taker volume since the last context: sells, buys
    ("context_ns", "i8"),  # 0: none yet
    ("interest_lots", "f8"),  # last open interest; negative: never sent
    ("habit", welford.WELFORD),  # of log1p(larger side's volume) of windows with volume
    ("windows", "i8"),
    ("found", "i8"),
    ("side", "i8"),  # the last finding: forced side, USD, chance, when
    ("usd", "f8"),
    ("chance", "f8"),
    ("found_ns", "i8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of a LIQUIDATIONS array: a record with attribute access."""


@kernel
def reset(rec: Rec) -> None:
    """Forget everything; the weights of evidence are the shipped ones."""
    for w in range(5):
        rec.weights[w] = WEIGHTS[w]
    rec.taken_lots[0] = 0.0
    rec.taken_lots[1] = 0.0
    rec.context_ns = 0
    rec.interest_lots = -1.0
    rec.windows = 0
    rec.found = 0
    rec.side = 0
    rec.usd = 0.0
    rec.chance = 0.0
    rec.found_ns = 0
    rec.rejected = 0
    welford.reset(rec.habit)


@kernel
def set_weights(rec: Rec, weights: tuple[float, float, float, float, float]) -> None:
    """Take calibrated weights of evidence, in the order of WEIGHTS."""
    for w in range(5):
        rec.weights[w] = weights[w]


@kernel
def observe_trade(rec: Rec, side: int, size_lots: float) -> None:
    """Take a print of an aggressor (+1 buys, -1 sells) into the running window."""
    if not (size_lots > 0.0 and size_lots < inf):
        rec.rejected += 1
        return
    rec.taken_lots[1 if side > 0 else 0] += size_lots


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: the running window is dropped."""
    rec.taken_lots[0] = 0.0
    rec.taken_lots[1] = 0.0
    rec.context_ns = 0
    rec.interest_lots = -1.0


@kernel
def observe_context(
    rec: Rec, venue_ns: int, interest_lots: float, mark_gap_bps: float, usd_per_lot: float
) -> bool:
    """Close the window at a context message; return whether it holds a likely liquidation.

    interest_lots   open interest, negative when it was not sent
    mark_gap_bps    (mark - mid)/mid in bps: > 0 when the book stands below the mark
    The finding is in `side`, `usd`, `chance` and `found_ns` of the record.
    """
    if not (interest_lots < inf and abs(mark_gap_bps) < inf and usd_per_lot > 0.0):
        rec.rejected += 1
        return False
    sells = rec.taken_lots[0]
    buys = rec.taken_lots[1]
    first = rec.context_ns == 0
    closing = 0.0
    if rec.interest_lots >= 0.0 and interest_lots >= 0.0 and sells + buys > 0.0:
        closing = (rec.interest_lots - interest_lots) / (sells + buys)
    window_s = (venue_ns - rec.context_ns) * NS
    rec.context_ns = venue_ns
    rec.interest_lots = interest_lots
    rec.taken_lots[0] = 0.0
    rec.taken_lots[1] = 0.0
    if first or sells + buys == 0.0:
        return False
    side = 1 if buys > sells else -1
    volume = max(sells, buys)
    rec.windows += 1
    chance = _chance(rec, volume, min(sells, buys), closing, -side * mark_gap_bps)
    if chance < EMIT:
        welford.update(rec.habit, log1p(volume), exp(-max(0.0, window_s) / HABIT_S))
        return False
    rec.found += 1
    rec.side = side
    rec.usd = volume * usd_per_lot
    rec.chance = chance
    rec.found_ns = venue_ns
    return True


@kernel
def _chance(rec: Rec, volume: float, against: float, closing: float, gap_bps: float) -> float:
    """Return the chance that this window's flow was forced; 0 before there is a habit."""
    spread = welford.variance(rec.habit)
    if not (ready(rec) and spread > 0.0):
        return 0.0
    burst = (log1p(volume) - rec.habit.center) / sqrt(spread)
    odds = rec.weights[0]
    odds += rec.weights[1] * _within(burst, BURST_MAX)
    odds += rec.weights[2] * (volume - against) / (volume + against)
    odds += rec.weights[3] * _within(closing, 1.0)
    odds += rec.weights[4] * _within(gap_bps, GAP_MAX)
    return float(1.0 / (1.0 + exp(-odds)))


@kernel
def _within(value: float, bound: float) -> float:
    return max(-bound, min(bound, value))


@kernel
def ready(rec: Rec) -> bool:
    """Return whether the habit of this coin is known; before that nothing is inferred."""
    return bool(welford.effective_count(rec.habit) >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the habit (mean log volume) from its windows; inf below two."""
    return welford.stderr(rec.habit)
