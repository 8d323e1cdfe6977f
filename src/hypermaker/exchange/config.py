"""Everything about a local exchange that is decided before it starts, with its units.

Defaults are the venue's as measured (protocol sheet 14); what only a test bench wants to change is
a field here too, never a constant in the code that uses it.
"""

import msgspec

from hypermaker.core.units import NS_PER_MS, USD_MICRO
from hypermaker.exchange.presets import PRESETS, FlowConfig
from hypermaker.exchange.universe import LISTINGS, listing_named

EPOCH_2026_NS = 1_767_225_600_000_000_000


class BlockConfig(msgspec.Struct, frozen=True, kw_only=True):
    """When blocks are made and when their result is known.

    interval_ms_min, _mean, _max   gap between blocks: min plus an exponential, cut at max
    commit_ms                      from a block's time to its answers and feeds (about 2 blocks)
    taker_delay_ms                 GTC and IOC wait this much longer for a block than ALO, cancels
    """

    interval_ms_min: float = 50.0
    interval_ms_mean: float = 70.0
    interval_ms_max: float = 160.0
    commit_ms: float = 140.0
    taker_delay_ms: float = 140.0

    @property
    def commit_ns(self) -> int:
        """Return commit_ms in nanoseconds."""
        return int(self.commit_ms * NS_PER_MS)

    @property
    def taker_delay_ns(self) -> int:
        """Return taker_delay_ms in nanoseconds."""
        return int(self.taker_delay_ms * NS_PER_MS)


class LimitConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What an address may ask of the exchange.

    requests_initial        actions before any volume; each traded USD adds one
    slow_lane_s             spacing of actions once the budget is spent
    schedule_cancel_usd     volume from which the dead man's switch is offered
    """

    requests_initial: int = 10_000
    slow_lane_s: float = 10.0
    schedule_cancel_usd: int = 1_000_000


class ExchangeConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One exchange.

    seed        everything random follows from it
    start_ns    venue time at the start, ns since the epoch
    assets      which listed assets have a simulated (or replayed) market; others stay empty
    funded      (lowercase address, deposit in 10^-6 USD)
    mainnet     which `source` signatures must carry; official clients sign for testnet here
    flow        the simulated market's parameters
    """

    seed: int = 1
    start_ns: int = EPOCH_2026_NS
    assets: tuple[str, ...] = ("BTC", "ETH", "SOL")
    funded: tuple[tuple[str, int], ...] = ()
    mainnet: bool = False
    blocks: BlockConfig = BlockConfig()
    limits: LimitConfig = LimitConfig()
    flow: FlowConfig = PRESETS["calm"]

    def checked(self) -> "ExchangeConfig":
        """Return itself; raises ConfigError for an asset that is not listed."""
        for name in self.assets:
            listing_named(name)
        return self

    @property
    def asset_indices(self) -> tuple[int, ...]:
        """Return the asset ids that have a market, in the universe's order."""
        return tuple(listing.index for listing in LISTINGS if listing.name in self.assets)


def usd(amount: float) -> int:
    """Return an amount of USD in 10^-6 USD."""
    return round(amount * USD_MICRO)
