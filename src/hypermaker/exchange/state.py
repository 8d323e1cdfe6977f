"""The whole of an exchange at one moment: what every part of it reads and writes."""

from hypermaker.core.units import NS_PER_MS
from hypermaker.exchange.accounts import Accounts
from hypermaker.exchange.agents import Agents
from hypermaker.exchange.config import ExchangeConfig
from hypermaker.exchange.journal import BlockJournal
from hypermaker.exchange.markets import Market
from hypermaker.exchange.matching import Matcher
from hypermaker.exchange.nonces import NonceSet
from hypermaker.exchange.universe import LISTINGS


class ExchangeState:
    """Markets, accounts and what has happened to them so far.

    now_ns   time of the block being executed (or of the last one)
    """

    def __init__(self, config: ExchangeConfig) -> None:
        self.config = config
        self.now_ns = config.start_ns
        self.markets = {
            listing.index: Market(listing, listing.start_ticks)
            for listing in LISTINGS
            if not listing.delisted
        }
        self.by_name = {market.name: market for market in self.markets.values()}
        self.delisted = {listing.name for listing in LISTINGS if listing.delisted}
        self.accounts = Accounts()
        self.agents = Agents()
        self.nonces: dict[str, NonceSet] = {}
        self.journal = BlockJournal()
        self.matcher = Matcher(self.markets, self.accounts, self.journal, config.seed)
        self.start_ms = self.now_ms
        for address, usd_micro in config.funded:
            self.accounts.deposit(address, usd_micro, self.now_ms)

    @property
    def now_ms(self) -> int:
        """Return the time of the block in whole milliseconds, as everything on the wire says it."""
        return self.now_ns // NS_PER_MS

    def begin_block(self, now_ns: int) -> None:
        """Enter a block."""
        self.now_ns = now_ns
        self.matcher.begin(self.now_ms)
