"""Honest accounting: profit is spread + adverse + inventory + fees + funding, to the last unit.

    X_T + q_T*M_T - X_0 - q_0*M_0
        = sum size*side*(M(t_i) - p_i)      spread: what we were paid against the mid before
        + sum q(t-)*dM                      of which adverse: size*side*(M(t_i + tau) - M(t_i)),
                                            and inventory: the rest
        - fees + funding

Everything is integers: mids are kept doubled (bid + ask), so money is in half-micro USD and the
identity is exact, not approximate. M(t_i) is the mid just before the fill in exchange time; what
the mid did between then and the fill's arrival is part of the inventory term.
Source: quant-models 8.1 (test PER-4), 6.1 for tau.
"""

from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.units import NS_PER_S

PENDING = 64
MIDS = 32
MARKOUT_NS = 5 * NS_PER_S

LEDGER = record(
    ("cash_usd_micro", "i8"),
    ("fees_usd_micro", "i8"),
    ("funding_usd_micro", "i8"),
    ("spread_half", "i8"),  # half-micro USD
    ("moved_half", "i8"),  # sum of q*dM
    ("adverse_half", "i8"),  # settled after MARKOUT_NS
    ("start_half", "i8"),  # q_0 * 2M_0: the value of what we started with
    ("mid2_ticks", "i8"),  # bid + ask, 0 until the first two-sided touch
    ("position_lots", "i8"),
    ("mid_write", "i8"),
    ("mid_venue_ns", "i8", (MIDS,)),
    ("mid_mid2", "i8", (MIDS,)),
    ("pending_read", "i8"),
    ("pending_write", "i8"),
    ("pending_ns", "i8", (PENDING,)),
    ("pending_lots", "i8", (PENDING,)),  # side * size
    ("pending_mid2", "i8", (PENDING,)),
)
Rec = Any


@kernel
def mark(ledger: Rec, mid2_ticks: int, venue_ns: int, now_ns: int) -> None:
    """Move the mark; `mid2_ticks` is bid + ask of a two-sided book, > 0."""
    if ledger.mid2_ticks == 0:
        ledger.start_half = ledger.position_lots * mid2_ticks
    else:
        ledger.moved_half += ledger.position_lots * (mid2_ticks - ledger.mid2_ticks)
    if mid2_ticks != ledger.mid2_ticks:
        at = ledger.mid_write % MIDS
        ledger.mid_venue_ns[at], ledger.mid_mid2[at] = venue_ns, mid2_ticks
        ledger.mid_write += 1
    ledger.mid2_ticks = mid2_ticks
    while ledger.pending_read < ledger.pending_write:
        at = ledger.pending_read % PENDING
        if now_ns - ledger.pending_ns[at] < MARKOUT_NS:
            break
        _settle_markout(ledger)


@kernel
def _settle_markout(ledger: Rec) -> None:
    at = ledger.pending_read % PENDING
    moved = ledger.mid2_ticks - ledger.pending_mid2[at]
    ledger.adverse_half += ledger.pending_lots[at] * moved
    ledger.pending_read += 1


@kernel
def mid2_before(ledger: Rec, venue_ns: int) -> int:
    """Return the doubled mid in force just before this exchange time."""
    for back in range(1, min(MIDS, ledger.mid_write) + 1):
        at = (ledger.mid_write - back) % MIDS
        if ledger.mid_venue_ns[at] < venue_ns:
            return int(ledger.mid_mid2[at])
    return int(ledger.mid2_ticks)


@kernel
def book_fill(ledger: Rec, fill: Rec) -> None:
    """Book one new fill (an EVENT of kind FILL)."""
    signed_lots = fill.side * fill.size_lots
    ledger.cash_usd_micro -= signed_lots * fill.price_ticks
    ledger.fees_usd_micro += fill.fee_usd_micro
    if ledger.mid2_ticks == 0:  # no mid yet: the fill's own price is the only mark there is
        ledger.mid2_ticks = 2 * fill.price_ticks
        ledger.start_half = ledger.position_lots * ledger.mid2_ticks
    before = mid2_before(ledger, fill.venue_ns)
    ledger.spread_half += signed_lots * (before - 2 * fill.price_ticks)
    ledger.moved_half += signed_lots * (ledger.mid2_ticks - before)
    ledger.position_lots += signed_lots
    if ledger.pending_write - ledger.pending_read == PENDING:
        _settle_markout(ledger)  # a burst of fills: the oldest markout is cut short
    at = ledger.pending_write % PENDING
    ledger.pending_ns[at], ledger.pending_mid2[at] = fill.received_ns, before
    ledger.pending_lots[at] = signed_lots
    ledger.pending_write += 1


@kernel
def book_funding(ledger: Rec, payment_usd_micro: int) -> None:
    """Book a funding payment, negative when we paid."""
    ledger.funding_usd_micro += payment_usd_micro


@kernel
def inherit(ledger: Rec, position_lots: int) -> None:
    """Begin with a position, worth the mid of now or the first one; what it gained is past."""
    ledger.position_lots = position_lots
    ledger.start_half = position_lots * ledger.mid2_ticks


@kernel
def adopt(ledger: Rec, position_lots: int) -> None:
    """Correct the position to the exchange's, at the current mid: no profit is invented."""
    change = position_lots - ledger.position_lots
    ledger.cash_usd_micro -= change * (ledger.mid2_ticks // 2)
    ledger.spread_half += change * (ledger.mid2_ticks % 2)
    ledger.position_lots = position_lots


@kernel
def adverse_half(ledger: Rec) -> int:
    """Return the adverse term with fills still inside their markout at the current mid."""
    total = int(ledger.adverse_half)
    for i in range(ledger.pending_read, ledger.pending_write):
        at = i % PENDING
        total += ledger.pending_lots[at] * (ledger.mid2_ticks - ledger.pending_mid2[at])
    return total


@kernel
def total_half(ledger: Rec) -> int:
    """Return the profit by cause, summed, in half-micro USD."""
    fees_and_funding = ledger.funding_usd_micro - ledger.fees_usd_micro
    return int(ledger.spread_half + ledger.moved_half + 2 * fees_and_funding)


@kernel
def value_half(ledger: Rec) -> int:
    """Return the same profit from cash and position alone: the other side of the identity."""
    cash = ledger.cash_usd_micro + ledger.funding_usd_micro - ledger.fees_usd_micro
    return int(2 * cash + ledger.position_lots * ledger.mid2_ticks - ledger.start_half)
