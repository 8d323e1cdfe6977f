"""What capital, a largest position and a taste for risk mean in a market, before trading in it.

Taste is a fraction of Kelly: gamma is 1/(fraction * capital). A small limit under a large capital
would then be met all the time, so inventory is also held to a share of the limit, and quotes move
visibly at half of it: the strictest of the three skews counts. Nobody is asked for a gamma
(`quote.risk_aversion`).
"""

from math import isfinite
from typing import Any, Literal, NamedTuple, get_args

import msgspec

from hypermaker.config import Settings, check_keys, convert_table
from hypermaker.core.units import NOTIONAL_MIN_USD
from hypermaker.errors import ConfigError
from hypermaker.estimate.priors import prior_for
from hypermaker.quote.risk_aversion import (
    Flow,
    appetite,
    deviation_of_inventory,
    edge_bps,
    gamma_from_capital,
    gamma_from_deviation,
    gamma_from_skew,
    half_spread_bps,
    relaxation_s,
    slope_bps,
)
from hypermaker.risk.settings import KILL_SETTINGS, MONITOR_SETTINGS
from hypermaker.state import QUOTE_SHARE, EngineConfig, config_for
from hypermaker.strategy import load_strategy

RiskName = Literal["low", "medium", "high"]


class Taste(NamedTuple):
    """What a word for risk stands for.

    kelly          fraction of Kelly
    wander         inventory's standard deviation over the limit, at most
    skew_bps_min   least shift of both quotes at half the limit
    """

    kelly: float
    wander: float
    skew_bps_min: float


TASTES: dict[str, Taste] = {
    "low": Taste(0.1, 0.2, 1.0),
    "medium": Taste(0.25, 0.3, 0.5),
    "high": Taste(0.5, 0.4, 0.25),
}
LEVERAGE = 5.0
LIMIT_PER_CAPITAL_MAX = 2.5
"""Below the kill switch's own `value_equity_max`, so that a full position does not fire it."""
MAKER_FEE_BPS = 1.5
"""Of an address without volume or stake, perpetuals."""
TOUCH_HALF_SPREAD_BPS = {"BTC": 0.05, "ETH": 0.15, "SOL": 0.25}
TOUCH_HALF_SPREAD_BPS_OTHER = 1.5
"""Medians of the recordings behind `estimate.priors`; the last is WLFI's, a small coin."""
LIMIT_USD_MIN = 1.2 * NOTIONAL_MIN_USD
PRICE_TAKEN_USD = 100.0
"""Any price will do to check a file: what is in USD does not depend on it."""
NOT_SHOWN = ("coin", "sz_decimals", "position_limit_lots", "quote_lots", "started_ns", "kept")
SET_ELSEWHERE = ("strategy", "strategy_sha256", "risk")


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What a trader says.

    position_limit_usd      None: what the capital and the taste allow
    epsilon_bps             adverse move after a fill; None: the prior of the coin
    touch_half_spread_bps   of the market; None: as recorded
    """

    asset: str
    capital_usd: float
    risk: str = "medium"
    position_limit_usd: float | None = None
    maker_fee_bps: float = MAKER_FEE_BPS
    epsilon_bps: float | None = None
    touch_half_spread_bps: float | None = None


class Proposal(msgspec.Struct, frozen=True):
    """What follows from a wish, under the priors.

    half_spread_bps         of a flat first quote, costs included, before the premium
    skew_bps_per_quote      how far both quotes move for each quote held
    inventory_deviation_usd standard deviation of the position
    turnover_s              how long an inventory takes to come home
    edge_at_touch_bps       what a fill at the touch would earn; <= 0: it would cost
    """

    position_limit_usd: float
    quote_usd: float
    cost_bps: float
    half_spread_bps: float
    skew_bps_per_quote: float
    skew_bps_at_limit: float
    inventory_deviation_usd: float
    turnover_s: float
    edge_at_touch_bps: float


def propose(wish: Wish) -> Proposal:
    """Return what a wish means.

    Raises ConfigError for numbers that cannot be and for a limit the capital does not carry.
    """
    _check(wish)
    taste, prior = TASTES[wish.risk], prior_for(wish.asset)
    epsilon = prior.epsilon_bps if wish.epsilon_bps is None else wish.epsilon_bps
    cost = wish.maker_fee_bps + epsilon
    flow = Flow(prior.sigma_bps, prior.a_per_s, prior.kappa_per_bps, cost)
    limit_usd = wish.position_limit_usd or _limit_usd(flow, wish, taste)
    quote_usd = min(limit_usd, max(LIMIT_USD_MIN, limit_usd / QUOTE_SHARE))
    held = limit_usd / quote_usd
    kelly = gamma_from_capital(
        capital_usd=wish.capital_usd, kelly_fraction=taste.kelly, quote_usd=quote_usd
    )
    gamma = max(
        kelly,
        gamma_from_deviation(flow, taste.wander * held),
        gamma_from_skew(flow, skew_bps=taste.skew_bps_min, held=held / 2.0),
    )
    touch = TOUCH_HALF_SPREAD_BPS.get(wish.asset, TOUCH_HALF_SPREAD_BPS_OTHER)
    if wish.touch_half_spread_bps is not None:
        touch = wish.touch_half_spread_bps
    return Proposal(
        position_limit_usd=limit_usd,
        quote_usd=quote_usd,
        cost_bps=cost,
        half_spread_bps=half_spread_bps(flow, gamma),
        skew_bps_per_quote=slope_bps(flow, gamma),
        skew_bps_at_limit=slope_bps(flow, gamma) * held,
        inventory_deviation_usd=deviation_of_inventory(flow, gamma) * quote_usd,
        turnover_s=relaxation_s(flow, gamma),
        edge_at_touch_bps=edge_bps(flow, touch),
    )


def _limit_usd(flow: Flow, wish: Wish, taste: Taste) -> float:
    """Return the largest position that the capital and the taste make worth holding."""
    worth = appetite(
        flow,
        capital_usd=wish.capital_usd,
        kelly_fraction=taste.kelly,
        leverage=LIMIT_PER_CAPITAL_MAX,
        quotes=int(QUOTE_SHARE),
    )
    return max(LIMIT_USD_MIN, worth.position_usd_max)


def _check(wish: Wish) -> None:
    if wish.risk not in TASTES:
        raise ConfigError("--risk", wish.risk, f"one of {', '.join(get_args(RiskName))}")
    least = LIMIT_USD_MIN / LIMIT_PER_CAPITAL_MAX
    if not (isfinite(wish.capital_usd) and wish.capital_usd >= least):
        raise ConfigError("--capital-usd", wish.capital_usd, f"at least {least:.2f}")
    limit, most = wish.position_limit_usd, wish.capital_usd * LIMIT_PER_CAPITAL_MAX
    if limit is not None and not LIMIT_USD_MIN <= limit <= most:
        valid = f"from {LIMIT_USD_MIN:.2f} to {most:.2f}, {LIMIT_PER_CAPITAL_MAX} times capital"
        raise ConfigError("--position-limit-usd", limit, valid)
    for name in ("maker_fee_bps", "epsilon_bps", "touch_half_spread_bps"):
        value = getattr(wish, name)
        if value is not None and not (isfinite(value) and (value >= 0 or name == "maker_fee_bps")):
            raise ConfigError(f"--{name.replace('_', '-')}", value, "a number of bps")


def file_text(wish: Wish, proposal: Proposal, *, network: str) -> str:
    """Return the settings file of a proposal, TOML with its reasons as comments."""
    lines = [
        f"# {wish.asset}, capital {wish.capital_usd:.2f} USD, taste for risk: {wish.risk}",
        f'network = "{network}"',
        f"asset = {msgspec.json.encode(wish.asset).decode()}",
        'strategy = "glft"',
        "",
        "[engine]",
        f"position_limit_usd = {proposal.position_limit_usd:.2f}",
        f"quote_usd = {proposal.quote_usd:.2f}",
        f"skew_bps_at_limit = {proposal.skew_bps_at_limit:.4f}  # both quotes, at the full limit",
        f"skew_bps_min = {TASTES[wish.risk].skew_bps_min}  # at half the limit, at least",
        f"leverage = {LEVERAGE}",
        f"maker_fee_bps = {wish.maker_fee_bps}  # until the venue says what it is",
    ]
    if wish.epsilon_bps is not None:
        lines.append(f"epsilon_prior_bps = {wish.epsilon_bps}")
    return "\n".join(lines) + "\n"


def engine_wishes(settings: Settings, where: str) -> EngineConfig:
    """Return the engine's configuration that a file asks for, at a price taken for the check.

    Raises ConfigError naming the file and the key for whatever a session would refuse.
    """
    valid = [field.name for field in msgspec.structs.fields(EngineConfig)]
    valid = [name for name in valid if name not in (*NOT_SHOWN, *SET_ELSEWHERE)]
    check_keys(settings.engine, sorted([*valid, "quote_usd", "risk"]), f"{where}, [engine]")
    limits = [setting.name for setting in (*KILL_SETTINGS, *MONITOR_SETTINGS)]
    check_keys(settings.risk, limits, f"{where}, [risk]")
    strategy = load_strategy(settings.strategy)
    try:
        made = config_for(
            settings.asset,
            sz_decimals=4,
            price_usd=PRICE_TAKEN_USD,
            wishes={
                **settings.engine,
                "risk": {**settings.engine.get("risk", {}), **settings.risk},
                "strategy": strategy.name,
                "strategy_sha256": strategy.sha256,
            },
        )
    except ConfigError as error:
        raise ConfigError(f"{where}, {error.where}", error.value, error.valid) from error
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{where}, [engine]", settings.engine, str(error)) from error
    return convert_table(msgspec.to_builtins(made), EngineConfig, f"{where}, [engine]")


def effective(settings: Settings, where: str) -> dict[str, Any]:
    """Return every value a session with these settings would run on; keys are not among them."""
    made = msgspec.to_builtins(engine_wishes(settings, where))
    shown = {name: value for name, value in made.items() if name not in NOT_SHOWN}
    chosen = shown.pop("risk")
    limits = {setting.name: setting.default for setting in (*KILL_SETTINGS, *MONITOR_SETTINGS)}
    limits["value_usd_max"] = made["position_limit_usd"]
    del limits["position_lots_max"]
    plain = msgspec.to_builtins(settings)
    head = {name: plain[name] for name in ("network", "base_url", "asset", "account", "key_file")}
    return {**head, "engine": shown, "risk": {**limits, **chosen}, "on_kill": plain["on_kill"]}
