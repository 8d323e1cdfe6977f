"""Who is pushing: buyers and sellers as two processes that excite themselves and each other.

    lambda_buy(t) = mu + S_buy,  S_side -> S_side exp(-beta dt),  + alpha at an order of its own
    side, + cross at one of the other

Sum and difference of the two decay on their own: the sum at beta - alpha - cross, the difference
at beta - alpha + cross, which gives every forecast in closed form. `reset` refuses parameters with
(alpha + cross)/beta >= 1: the predecessor's defaults had 4 (T-90) and its forecast left the
feedback out (2.79 instead of 4.94 events in HWK-7), so T-90's 6.896362 is not reproduced.

Beside it stands the order-flow imbalance of Cont, Kukanov and Stoikov from the best bid and ask,
and the drift: the slope of the next seconds' return on trade imbalance, learned with a prior of
0. The drift is 0 until the data alone tell the slope from 0 (F-54: a signal acts once it has
shown its worth out of sample, and every prediction is made before its outcome).

Units: rates 1/s; prices for the drift in bps of log price; times ns. `side` +1 buys, -1 sells.
Source: quant-models 5.1, 6.3, 6.4; Cont, Kukanov & Stoikov 2014.
"""

from math import exp, expm1, inf, log, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.estimate import slope

NS = 1e-9
BPS = 1e4
HORIZON_NS = 5_000_000_000
"""How far ahead the return is predicted; also the grid of predictions, so they never overlap."""
DRIFT_TAU_S = 3600.0
PRIOR_PAIRS = 20.0
"""Pairs with an imbalance of 1 that the prior slope of 0 is worth."""
READY_N = 20
"""Taker orders from which the imbalance says something."""

ORDER_FLOW = record(
    ("mu", "f8"),
    ("alpha", "f8"),
    ("cross", "f8"),
    ("beta", "f8"),
    ("buy", "f8"),  # excitation of either side at last_ns
    ("sell", "f8"),
    ("last_ns", "i8"),
    ("buy_ns", "i8"),  # venue time of the last order of either side: prints of one are one order
    ("sell_ns", "i8"),
    ("orders", "i8"),
    ("bid_ticks", "f8"),  # the last best bid and ask
    ("bid_lots", "f8"),
    ("ask_ticks", "f8"),
    ("ask_lots", "f8"),
    ("ofi_lots", "f8"),  # order-flow imbalance, fading with beta, at ofi_ns
    ("ofi_ns", "i8"),
    ("drift", slope.SLOPE),
    ("pivot_ns", "i8"),  # when, where and with which imbalance the open prediction was made
    ("pivot_price", "f8"),
    ("pivot_imbalance", "f8"),
    ("rejected", "i8"),
)

Rec = Any
"""One element of an ORDER_FLOW array: a record with attribute access."""
Touch = tuple[float, float]
"""A best price and what stands there: (ticks, lots)."""


@kernel
def reset(rec: Rec, mu: float, alpha: float, cross: float, beta: float) -> None:
    """Forget everything. All rates 1/s; mu per side; (alpha + cross)/beta < 1 or it asserts."""
    assert mu > 0.0 and alpha >= 0.0 and cross >= 0.0 and alpha + cross < beta
    set_excitation(rec, mu, alpha, cross, beta)
    rec.orders = 0
    rec.bid_ticks = 0.0
    rec.bid_lots = 0.0
    rec.ask_ticks = 0.0
    rec.ask_lots = 0.0
    rec.ofi_lots = 0.0
    rec.ofi_ns = 0
    rec.pivot_ns = 0
    rec.pivot_price = 0.0
    rec.pivot_imbalance = 0.0
    rec.rejected = 0
    slope.reset(rec.drift, 0.0, PRIOR_PAIRS)


@kernel
def set_excitation(rec: Rec, mu: float, alpha: float, cross: float, beta: float) -> None:
    """Take parameters without the check of `reset`, and forget the orders, not the drift."""
    rec.mu = mu
    rec.alpha = alpha
    rec.cross = cross
    rec.beta = beta
    rec.buy = 0.0
    rec.sell = 0.0
    rec.last_ns = 0
    rec.buy_ns = 0
    rec.sell_ns = 0


@kernel
def observe_trade(rec: Rec, side: int, venue_ns: int) -> None:
    """Learn from a print of an aggressor; prints of one venue time and side are one order."""
    seen_ns = rec.buy_ns if side > 0 else rec.sell_ns
    if seen_ns == venue_ns and rec.orders > 0:
        return
    late = 1.0
    dt_s = (venue_ns - rec.last_ns) * NS
    if rec.orders == 0 or dt_s >= 0.0:
        fade = exp(-rec.beta * dt_s) if rec.orders > 0 else 0.0
        rec.buy *= fade
        rec.sell *= fade
        rec.last_ns = venue_ns
    else:
        late = exp(rec.beta * dt_s)
    if side > 0:
        rec.buy += rec.alpha * late
        rec.sell += rec.cross * late
        rec.buy_ns = venue_ns
    else:
        rec.sell += rec.alpha * late
        rec.buy += rec.cross * late
        rec.sell_ns = venue_ns
    rec.orders += 1


@kernel
def intensities(rec: Rec, venue_ns: int) -> tuple[float, float]:
    """Return (buys, sells) per second at a time, without changing anything."""
    dt_s = max(0.0, (venue_ns - rec.last_ns) * NS)
    fade = exp(-rec.beta * dt_s) if rec.orders > 0 else 0.0
    return rec.mu + rec.buy * fade, rec.mu + rec.sell * fade


@kernel
def imbalance(rec: Rec, venue_ns: int) -> float:
    """Return (buys - sells)/(buys + sells) of the intensities, between -1 and 1."""
    buys, sells = intensities(rec, venue_ns)
    return float((buys - sells) / (buys + sells))


@kernel
def activity(rec: Rec, venue_ns: int) -> float:
    """Return 1/(1 + exp(-2 (total/(2 mu) - 1))): 0.5 at the baseline, towards 1 when busy."""
    buys, sells = intensities(rec, venue_ns)
    return float(1.0 / (1.0 + exp(-2.0 * ((buys + sells) / (2.0 * rec.mu) - 1.0))))


@kernel
def expected_orders(rec: Rec, venue_ns: int, horizon_s: float) -> tuple[float, float]:
    """Return the expected (buys, sells) of the next horizon_s, feedback included."""
    buys, sells = intensities(rec, venue_ns)
    slow = rec.beta - rec.alpha - rec.cross
    fast = rec.beta - rec.alpha + rec.cross
    level = 2.0 * rec.mu * rec.beta / slow
    total = level * horizon_s - (buys + sells - level) * expm1(-slow * horizon_s) / slow
    net = -(buys - sells) * expm1(-fast * horizon_s) / fast
    return 0.5 * (total + net), 0.5 * (total - net)


@kernel
def ofi_step(
    before: tuple[float, float, float, float], after: tuple[float, float, float, float]
) -> float:
    """Return the order-flow imbalance from one (bid, lots, ask, lots) to the next (MIC-1)."""
    step = 0.0
    if after[0] >= before[0]:
        step += after[1]
    if after[0] <= before[0]:
        step -= before[1]
    if after[2] <= before[2]:
        step -= after[3]
    if after[2] >= before[2]:
        step += before[3]
    return step


@kernel
def observe_book(rec: Rec, venue_ns: int, bid: Touch, ask: Touch) -> None:
    """Learn from a best bid and ask, each (ticks, lots); a bad book is counted and ignored."""
    if not (0.0 < bid[0] < ask[0] < inf and 0.0 < bid[1] < inf and 0.0 < ask[1] < inf):
        rec.rejected += 1
        return
    if rec.bid_ticks > 0.0:
        before = (rec.bid_ticks, rec.bid_lots, rec.ask_ticks, rec.ask_lots)
        step = ofi_step(before, (bid[0], bid[1], ask[0], ask[1]))
        dt_s = max(0.0, (venue_ns - rec.ofi_ns) * NS)
        rec.ofi_lots = rec.ofi_lots * exp(-rec.beta * dt_s) + step
    rec.ofi_ns = max(rec.ofi_ns, venue_ns)
    rec.bid_ticks = bid[0]
    rec.bid_lots = bid[1]
    rec.ask_ticks = ask[0]
    rec.ask_lots = ask[1]
    _predict(rec, venue_ns, 0.5 * (bid[0] + ask[0]))


@kernel
def _predict(rec: Rec, venue_ns: int, mid: float) -> None:
    """Close the open prediction when its horizon has passed, and make the next."""
    waited_ns = venue_ns - rec.pivot_ns
    if rec.pivot_price > 0.0:
        if waited_ns < HORIZON_NS:
            return
        per_s = BPS * log(mid / rec.pivot_price) / (waited_ns * NS)
        keep = exp(-waited_ns * NS / DRIFT_TAU_S)
        slope.update(rec.drift, rec.pivot_imbalance, per_s, keep)
    rec.pivot_ns = venue_ns
    rec.pivot_price = mid
    rec.pivot_imbalance = imbalance(rec, venue_ns)


@kernel
def interrupt(rec: Rec) -> None:
    """Say that the feed was broken: drop the open prediction and the last book."""
    rec.pivot_price = 0.0
    rec.bid_ticks = 0.0


@kernel
def drift_bps_per_s(rec: Rec, venue_ns: int) -> float:
    """Return the expected drift of the price, bps/s; 0 until the data show that there is one."""
    if not slope.is_significant(rec.drift):
        return 0.0
    return slope.slope(rec.drift) * imbalance(rec, venue_ns)


@kernel
def ofi_lots(rec: Rec, venue_ns: int) -> float:
    """Return the faded order-flow imbalance at a time, lots; > 0 is buying pressure."""
    dt_s = max(0.0, (venue_ns - rec.ofi_ns) * NS)
    return float(rec.ofi_lots * exp(-rec.beta * dt_s))


@kernel
def ready(rec: Rec) -> bool:
    """Return whether enough taker orders were seen for an imbalance."""
    return bool(rec.orders >= READY_N)


@kernel
def stderr(rec: Rec) -> float:
    """Return the standard error of the imbalance from the number of orders alone; inf without.

    The memory of the imbalance holds about min(orders, 2 mu / beta) orders.
    """
    if rec.orders == 0:
        return inf
    return float(1.0 / sqrt(min(float(rec.orders), max(1.0, 2.0 * rec.mu / rec.beta))))
