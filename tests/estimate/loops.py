"""Compiled loops that feed long streams; what they call is what the tests are about."""

from typing import Any

from hypermaker.core.kernel import kernel
from hypermaker.estimate import (
    adverse_selection,
    cascade,
    fair_price,
    fill_intensity,
    hawkes_fit,
    liquidations,
    order_flow,
    stochastic_vol,
    volatility,
)


@kernel
def feed_prices(rec: Any, at_ns: Any, prices: Any) -> None:
    """Feed volatility."""
    for i in range(len(prices)):
        volatility.update(rec, at_ns[i], prices[i])


@kernel
def feed_variance_prices(rec: Any, at_ns: Any, prices: Any) -> None:
    """Feed stochastic volatility with prices."""
    for i in range(len(prices)):
        stochastic_vol.update(rec, at_ns[i], prices[i])


@kernel
def feed_blocks(rec: Any, variances: Any, moves: Any) -> None:
    """Feed stochastic volatility with blocks."""
    for i in range(len(variances)):
        stochastic_vol.observe(rec, variances[i], moves[i])


@kernel
def feed_marks(rec: Any, at_ns: Any, marks: Any) -> None:
    """Feed the online fit of a Hawkes process."""
    for i in range(len(at_ns)):
        hawkes_fit.record_event(rec, at_ns[i], marks[i])


@kernel
def feed_trades(rec: Any, at_ns: Any, sides: Any, depths: Any, lots: Any) -> None:
    """Feed fill intensity with one print an order."""
    for i in range(len(at_ns)):
        fill_intensity.observe_trade(rec, sides[i], depths[i], lots[i], at_ns[i])


@kernel
def feed_books(rec: Any, at_ns: Any, books: Any) -> None:
    """Feed the fair price; books has columns bid, bid lots, ask, ask lots."""
    for i in range(len(at_ns)):
        b = books[i]
        fair_price.update(rec, at_ns[i], (b[0], b[1]), (b[2], b[3]))


@kernel
def feed_flow(rec: Any, at_ns: Any, sides: Any, books: Any) -> None:
    """Feed order flow: side 0 is a book, else a print of that side."""
    for i in range(len(at_ns)):
        if sides[i] == 0:
            b = books[i]
            order_flow.observe_book(rec, at_ns[i], (b[0], b[1]), (b[2], b[3]))
        else:
            order_flow.observe_trade(rec, sides[i], at_ns[i])


@kernel
def feed_fills(rec: Any, at_ns: Any, mids: Any, sides: Any, depths: Any) -> None:
    """Feed adverse selection: a mid at every time, before it a print where side is not 0."""
    for i in range(len(at_ns)):
        if sides[i] != 0:
            adverse_selection.observe_trade(rec, sides[i], depths[i], at_ns[i])
        adverse_selection.observe_mid(rec, at_ns[i], mids[i])


@kernel
def feed_liquidations(rec: Any, at_ns: Any, sides: Any, usd: Any, severities: Any) -> None:
    """Feed the cascade detector and keep its severity after every event."""
    for i in range(len(at_ns)):
        cascade.record_liquidation(rec, sides[i], usd[i], 1.0, at_ns[i])
        severities[i] = cascade.severity(rec)


@kernel
def feed_windows(rec: Any, at_ns: Any, windows: Any, found: Any) -> None:
    """Feed the inference; columns sells, buys, open interest, gap; found gets side or 0."""
    for i in range(len(at_ns)):
        w = windows[i]
        if w[0] > 0.0:
            liquidations.observe_trade(rec, -1, w[0])
        if w[1] > 0.0:
            liquidations.observe_trade(rec, 1, w[1])
        hit = liquidations.observe_context(rec, at_ns[i], w[2], w[3], 1.0)
        found[i] = rec.side if hit else 0
