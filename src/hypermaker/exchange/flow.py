"""The simulated market of one asset: a fundamental price, makers around it, takers across it.

The fundamental is a random walk. Background makers quote a ladder around an older value of it and
renew it now and then. Takers come as a Poisson stream, each willing to walk a depth drawn from an
exponential, so that sweeps reaching depth d arrive with A*exp(-kappa*d) a second and side; part of
them know where the fundamental goes next. All of them are ordinary accounts on the same book.
"""

from math import exp, sqrt

import numpy as np

from hypermaker.core.units import BPS, NS_PER_S, USD_MICRO, ceil_to_grid, floor_to_grid
from hypermaker.exchange.accounts import Account, Accounts
from hypermaker.exchange.fees import FREE
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import Matcher
from hypermaker.exchange.orders import Order, Rested, Tif, Wish
from hypermaker.exchange.presets import FlowConfig

WEALTH_USD = 1_000_000_000  # deposit of every simulated trader: it never runs out
TRADER_ADDRESSES = 0x5100_0000  # addresses of simulated traders count up from here
HISTORY_S = 5.0  # how far back a maker's view of the fundamental may lie


class Fundamental:
    """Where the price would be if everybody knew everything, in ticks (a float: it is no quote)."""

    def __init__(self, price_ticks: float, config: FlowConfig, random: np.random.Generator) -> None:
        self._random, self._config = random, config
        self.price_ticks = price_ticks
        self._pending_bps = 0.0
        self._past: list[tuple[int, float]] = []
        impact = 2 * config.taker_a_per_s * config.informed_share * config.informed_bps**2
        self._sigma_bps = sqrt(max(config.sigma_bps**2 - impact, 0.0))

    def step(self, now_ns: int, dt_s: float) -> None:
        """Move on by dt_s: diffusion, and what informed traders knew."""
        known = self._pending_bps * (1.0 - exp(-dt_s / self._config.informed_tau_s))
        self._pending_bps -= known
        moved = known + self._sigma_bps * sqrt(dt_s) * float(self._random.standard_normal())
        self.price_ticks *= 1.0 + moved / BPS
        self._past.append((now_ns, self.price_ticks))
        oldest = now_ns - int(HISTORY_S * NS_PER_S)
        while self._past[0][0] < oldest:
            self._past.pop(0)

    def foretell(self, side: int) -> None:
        """Let the price move the way an informed trader has just traded."""
        self._pending_bps += side * self._config.informed_bps

    def seen(self, at_ns: int) -> float:
        """Return the price as it was at an earlier time."""
        for when_ns, price in reversed(self._past):
            if when_ns <= at_ns:
                return price
        return self._past[0][1] if self._past else self.price_ticks


class Flow:
    """Everybody but us on one market; once a block makers `quote`, then takers `take`.

    Parameters
    ----------
    random     its own stream, so that markets do not disturb each other
    start_ns   when the market opens
    """

    def __init__(
        self,
        market: Market,
        config: FlowConfig,
        *,
        matcher: Matcher,
        accounts: Accounts,
        random: np.random.Generator,
        start_ns: int,
    ) -> None:
        self.market, self._config, self._matcher = market, config, matcher
        self._random = random
        self.fundamental = Fundamental(float(market.start_ticks), config, random)
        self._makers = [
            _open(accounts, market.index, 1 + at) for at in range(len(config.maker_half_bps))
        ]
        self._orders: list[list[Order]] = [[] for _ in self._makers]
        self._due_ns = [0 for _ in self._makers]
        self._takers = [_open(accounts, market.index, 101 + at) for at in range(2)]
        self._last_ns = start_ns
        self._dt_s = 0.0

    @property
    def fair_ticks(self) -> float:
        """Return the fundamental price."""
        return self.fundamental.price_ticks

    def quote(self, now_ns: int) -> None:
        """Let time pass and the makers whose turn it is renew their quotes."""
        self._dt_s = (now_ns - self._last_ns) / NS_PER_S
        self._last_ns = now_ns
        self.fundamental.step(now_ns, self._dt_s)
        for at in range(len(self._makers)):
            if now_ns >= self._due_ns[at]:
                wait_s = self._random.exponential(self._config.maker_refresh_s)
                self._due_ns[at] = now_ns + int(wait_s * NS_PER_S)
                self._renew(at, now_ns)

    def take(self, now_ns: int) -> None:
        """Let the takers of this block come."""
        for taker, side in zip(self._takers, (1, -1), strict=True):
            for _ in range(self._random.poisson(self._config.taker_a_per_s * self._dt_s)):
                self._sweep(taker, side)

    def _renew(self, at: int, now_ns: int) -> None:
        """Replace every quote of one maker."""
        maker, config = self._makers[at], self._config
        for order in self._orders[at]:
            if order.oid in maker.open_orders:
                self._matcher.cancel(maker, order)
        self._orders[at].clear()
        fair = self.fundamental.seen(now_ns - int(config.maker_lag_s * NS_PER_S))
        sizes = self._random.pareto(config.tail, (2, config.maker_levels)) + 0.2
        shifts = self._random.random((2, config.maker_levels))
        for row, side in enumerate((1, -1)):
            for level in range(config.maker_levels):
                step = level + float(shifts[row, level]) - 0.5 * (level == 0)
                depth_bps = max(0.5, config.maker_half_bps[at] + step * config.maker_step_bps)
                usd = config.maker_usd * float(sizes[row, level]) * (config.tail - 1.0)
                self._quote(at, side, fair * (1.0 - side * depth_bps / BPS), usd=usd)

    def _quote(self, at: int, side: int, price: float, *, usd: float) -> None:
        decimals = self.market.listing.price_decimals
        ticks = floor_to_grid(price, decimals) if side > 0 else ceil_to_grid(price, decimals)
        wish = Wish(self.market.index, side, ticks, self._lots(usd, ticks), Tif.ALO)
        outcome = self._matcher.place(self._makers[at], wish)
        if isinstance(outcome, Rested):
            self._orders[at].append(outcome.order)

    def _sweep(self, taker: Account, side: int) -> None:
        """Send one taker: it walks no deeper than it is willing to, and no more than its size."""
        config, random = self._config, self._random
        depth_bps = float(random.exponential(1.0 / config.taker_kappa_per_bps))
        wild = float(random.pareto(config.tail)) * (config.tail - 1.0)
        usd = config.taker_usd * wild + config.taker_usd_per_bps * depth_bps
        informed = random.random() < config.informed_share
        limit = self.fundamental.price_ticks * (1.0 + side * depth_bps / BPS)
        decimals = self.market.listing.price_decimals
        ticks = floor_to_grid(limit, decimals) if side > 0 else ceil_to_grid(limit, decimals)
        if self.market.book.crosses(side, ticks):
            wish = Wish(self.market.index, side, ticks, self._lots(usd, ticks), Tif.IOC)
            self._matcher.begin_transaction()
            self._matcher.place(taker, wish)
        if informed:
            self.fundamental.foretell(side)

    def _lots(self, usd: float, price_ticks: int) -> int:
        """Return a size of about this value, never below the venue's minimum."""
        lots = int(max(usd, 11.0) * USD_MICRO / price_ticks)
        return lots if lots * price_ticks >= 10 * USD_MICRO else lots + 1


def _open(accounts: Accounts, asset: int, number: int) -> Account:
    """Open the account of a simulated trader: it pays no fees and needs no margin."""
    address = f"0x{TRADER_ADDRESSES + asset * 1000 + number:040x}"
    account = accounts.open(address, rates=FREE, simulated=True)
    accounts.deposit(account.address, WEALTH_USD * USD_MICRO, 0)
    return account
