"""Oracle, mark and funding: the prices the venue takes from outside its own book.

Oracle and mark change about every three seconds. Mark is the median of (1) the oracle plus a 150 s
average of mid - oracle, (2) the median of best bid, best ask and last trade, (3) what other venues
say, here the fundamental price itself. Funding is sampled every five seconds and paid every hour.
Source: venue docs, "Oracle", "Robust price indices", "Funding" (protocol sheet 10.4, 10.5).
"""

from math import exp
from statistics import median

from hypermaker.core.units import RATE_E10, USD_MICRO
from hypermaker.exchange.accounts import Accounts, Funding, holders
from hypermaker.exchange.book import HalfBook
from hypermaker.exchange.journal import BlockJournal
from hypermaker.exchange.markets import Market

MARK_EMA_S = 150.0
INTEREST_E10 = 1_000_000  # 0.0001 per 8 h
CLAMP_E10 = 5_000_000  # 0.0005
HOURS = 8
HOURLY_CAP_E10 = RATE_E10 * 4 // 100


class MarkPrice:
    """Oracle and mark of one asset.

    The average of mid - oracle forgets with exp(-t/150 s): num and den as the venue's docs print.
    """

    def __init__(self, market: Market) -> None:
        self.market = market
        self._num = self._den = 0.0

    def update(self, oracle_ticks: int, outside_ticks: int, dt_s: float) -> None:
        """Take a new oracle price and a new perp price from outside, dt_s after the last."""
        market = self.market
        market.oracle_ticks = oracle_ticks
        both = market.mid_half_ticks()
        if both is None:
            market.mark_ticks = round(median((market.mark_ticks, oracle_ticks, outside_ticks)))
            return
        decay = exp(-dt_s / MARK_EMA_S)
        self._num = self._num * decay + (both / 2 - oracle_ticks) * dt_s
        self._den = self._den * decay + dt_s
        basis = self._num / self._den if self._den else 0.0
        local = median((*market.book.touch(), market.last_ticks))
        market.mark_ticks = round(median((oracle_ticks + basis, local, outside_ticks)))


def impact_ticks(half: HalfBook, notional_usd_micro: int) -> int | None:
    """Return the average price of taking this notional from one side, None when it is too thin."""
    left, cost, lots = notional_usd_micro, 0, 0
    for price, size, _ in half.depth(len(half.keys)):
        take = min(size, -(-left // price))
        cost, lots, left = cost + take * price, lots + take, left - take * price
        if left <= 0:
            return round(cost / lots)
    return None


def impact_prices(market: Market) -> tuple[int, int] | None:
    """Return (bid, ask) impact prices in ticks, None when a side is empty.

    A side thinner than the impact notional counts with its touch.
    """
    bid, ask = market.book.touch()
    if not bid or not ask:
        return None
    notional = market.listing.impact_usd * USD_MICRO
    impact_bid = impact_ticks(market.book.bids, notional) or bid
    return impact_bid, impact_ticks(market.book.asks, notional) or ask


def premium_e10(market: Market) -> int | None:
    """Return how far the impact prices lie beyond the oracle, None with an empty side."""
    impact = impact_prices(market)
    if impact is None:
        return None
    above = max(impact[0] - market.oracle_ticks, 0)
    below = max(market.oracle_ticks - impact[1], 0)
    return (above - below) * RATE_E10 // market.oracle_ticks


def hourly_rate_e10(premium: int) -> int:
    """Return the funding rate of an hour from its mean premium, both in 10^-10.

    F8h = P + clamp(0.0001 - P, -0.0005, +0.0005), an eighth of it an hour, at most 4 %.
    >>> hourly_rate_e10(0), hourly_rate_e10(-6413454)
    (125000, -176681)
    """
    correction = max(-CLAMP_E10, min(INTEREST_E10 - premium, CLAMP_E10))
    rate = premium + correction
    hourly = rate // HOURS if rate >= 0 else -(-rate // HOURS)
    return max(-HOURLY_CAP_E10, min(hourly, HOURLY_CAP_E10))


class FundingClock:
    """Samples of one asset's premium since the last full hour."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self._sum = self._samples = 0

    def sample(self) -> None:
        """Take the premium of this moment; the estimate for the hour follows it."""
        self.market.premium_e10 = sampled = premium_e10(self.market)
        if sampled is not None:
            self._sum, self._samples = self._sum + sampled, self._samples + 1
        if self._samples:
            self.market.funding_e10 = hourly_rate_e10(self._sum // self._samples)

    def settle(self, accounts: Accounts, journal: BlockJournal, now_ms: int) -> None:
        """Pay the hour: longs pay a positive rate on their notional at the oracle price.

        Each payment is truncated toward zero; the crumbs stay with the fees.
        """
        rate, market = self.market.funding_e10, self.market
        for account, held in holders(accounts, market.index):
            owed = held.lots * market.oracle_ticks * rate
            paid = abs(owed) // RATE_E10 * (1 if owed < 0 else -1)
            funding = Funding(market.index, now_ms, paid, held.lots, rate)
            accounts.pay_funding(account, funding)
            journal.funded(account, funding)
        premium = self._sum // self._samples if self._samples else 0
        market.funding_paid.append((now_ms, rate, premium))
        self._sum = self._samples = 0
