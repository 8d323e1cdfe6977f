"""STATE: all the engine knows, as one flat record assembled from each module's own part.

Copying it is a checkpoint, hashing it is an identity, memory-mapping it is how a screen looks in.
It stands beside `engine.py` and not in `core/`, because imports point one way and it needs every
room's part. A new estimator is a new file and one field here.
"""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import record
from hypermaker.core.ladder import LADDER, LEVELS_MAX
from hypermaker.core.market import MARKET
from hypermaker.core.units import NOTIONAL_MIN_USD, NS_PER_S, RATE_E10, price_decimals
from hypermaker.errors import ConfigError
from hypermaker.estimate import (
    adverse_selection,
    cascade,
    fair_price,
    fill_intensity,
    funding,
    liquidations,
    order_flow,
    regime,
    stochastic_vol,
    volatility,
)
from hypermaker.estimate.adverse_selection import ADVERSE_SELECTION
from hypermaker.estimate.cascade import CASCADE
from hypermaker.estimate.fair_price import FAIR_PRICE
from hypermaker.estimate.fill_intensity import FILL_INTENSITY
from hypermaker.estimate.funding import FUNDING
from hypermaker.estimate.liquidations import LIQUIDATIONS
from hypermaker.estimate.order_flow import ORDER_FLOW
from hypermaker.estimate.priors import INTENSITY_N, SIGMA_N, prior_for
from hypermaker.estimate.regime import REGIME
from hypermaker.estimate.stochastic_vol import STOCHASTIC_VOL
from hypermaker.estimate.touch import TOUCH
from hypermaker.estimate.volatility import VOLATILITY
from hypermaker.orders import budget, table
from hypermaker.orders.budget import BUDGET
from hypermaker.orders.differ import DIFFER, SIDE
from hypermaker.orders.fills import FILLS
from hypermaker.orders.ledger import LEDGER
from hypermaker.orders.table import TABLE
from hypermaker.quote import premium
from hypermaker.quote.glft import GLFT
from hypermaker.quote.premium import CAPS, SIGNALS
from hypermaker.quote.risk_aversion import Flow, gamma_from_skew
from hypermaker.risk import kept, kill_switch, limits, monitors
from hypermaker.risk.gate import GATE
from hypermaker.risk.kept import Kept
from hypermaker.risk.kill_switch import KILL_SWITCH
from hypermaker.risk.limits import LIMITS
from hypermaker.risk.monitors import MONITORS
from hypermaker.risk.settings import KILL_SETTINGS, MONITOR_SETTINGS, configure

CONFIG = record(
    ("price_decimals", "i8"),
    ("quote_lots", "i8"),
    ("levels", "i8"),
    ("span_bps", "f8"),
    ("half_spread_bps_min", "f8"),
    ("skew_bps_min", "f8"),
    ("gamma", "f8"),
    ("market_age_ns_max", "i8"),
)
COUNTERS = record(
    ("events", "i8"),
    ("decisions", "i8"),
    ("position_mismatches", "i8"),  # snapshots that did not agree with our fills
    ("mismatch_since_ns", "i8"),
    ("rule_faults", "i8"),  # decisions at which a user's rule raised
    ("withdrawn_ns", "i8"),  # how long nothing was quoted because of the market or the operator
)
STATE = record(
    ("now_ns", "i8"),
    ("venue_ns", "i8"),
    ("paused", "i8"),  # 1: the operator wants no quotes
    ("started", "i8"),  # 1: the exchange's position has been taken over
    ("equity_usd_micro", "i8"),
    ("mark_ticks", "i8"),
    ("funding_e10", "i8"),
    ("maker_e10", "i8"),
    ("transfer_ns", "i8"),  # venue time of the newest deposit or withdrawal that was counted
    ("transfers_usd_micro", "i8"),  # their sum since the start
    ("rate_error_ns", "i8"),  # when the venue last refused for rate; a batch counts once
    ("config", CONFIG),
    ("counters", COUNTERS),
    ("touch", TOUCH),
    ("volatility", VOLATILITY),
    ("stochastic_vol", STOCHASTIC_VOL),
    ("regime", REGIME),
    ("fill_intensity", FILL_INTENSITY),
    ("fair_price", FAIR_PRICE),
    ("order_flow", ORDER_FLOW),
    ("adverse_selection", ADVERSE_SELECTION),
    ("funding", FUNDING),
    ("liquidations", LIQUIDATIONS),
    ("cascade", CASCADE),
    ("signals", SIGNALS),
    ("caps", CAPS),
    ("market", MARKET),
    ("shown", MARKET),  # the copy that a user's rule works on
    ("glft", GLFT),
    ("ladder", LADDER),
    ("table", TABLE),
    ("fills", FILLS),
    ("ledger", LEDGER),
    ("budget", BUDGET),
    ("differ", DIFFER),
    ("side", SIDE),
    ("limits", LIMITS),
    ("gate", GATE),
    ("kill_switch", KILL_SWITCH),
    ("monitors", MONITORS),
)
State = npt.NDArray[Any]
"""An array of dtype STATE and shape (1,)."""


class EngineConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine must know before its first event; written into every journal.

    Attributes
    ----------
    coin, sz_decimals      the perpetual and its size grid
    position_limit_lots    the user's cap on |position|; nothing ever raises it
    position_limit_usd     the user's cap on its value
    quote_lots             size of the nearest level
    levels, span_bps       how many levels a side, and how far the last may stand behind the first
    skew_bps_at_limit      how far both quotes move at the full limit under the priors: the taste
                           for risk; gamma follows from it (quant-models 2.5)
    skew_bps_min           least shift of the final quotes at half the limit, whatever models say
    half_spread_bps_min    a floor beside fee + adverse selection
    leverage               of the account on this coin
    *_prior*               what is believed before data; sigma in bps per sqrt(second)
    started_ns             local time at which the session begins: silence is counted from here
    risk                   chosen limits of the kill switch, see `risk.settings`
    kept                   what the last session on this account and coin left, see `risk.kept`
    strategy               the quoting rule: a name of ours, or `/path/mine.py:function`
    strategy_sha256        of that file; empty for our own rules, which `kernel_key` covers
    """

    coin: str
    sz_decimals: int
    position_limit_lots: int
    position_limit_usd: float
    quote_lots: int
    levels: int = 4
    span_bps: float = 15.0
    skew_bps_at_limit: float = 6.0
    skew_bps_min: float = 1.0
    half_spread_bps_min: float = 0.0
    leverage: float = 5.0
    maker_fee_bps: float = 1.5
    sigma_prior_bps: float = 1.5
    a_prior_per_s: float = 0.05
    kappa_prior_per_bps: float = 0.5
    epsilon_prior_bps: float = 1.0
    market_age_s_max: float = 3.0
    started_ns: int = 0
    risk: Mapping[str, float] = {}
    kept: Kept = Kept()
    strategy: str = "glft"
    strategy_sha256: str = ""

    def __post_init__(self) -> None:
        """Refuse what cannot be quoted, naming the field."""
        positive = {
            "position_limit_lots": self.position_limit_lots,
            "position_limit_usd": self.position_limit_usd,
            "quote_lots": self.quote_lots,
            "skew_bps_at_limit": self.skew_bps_at_limit,
            "sigma_prior_bps": self.sigma_prior_bps,
            "a_prior_per_s": self.a_prior_per_s,
            "kappa_prior_per_bps": self.kappa_prior_per_bps,
            "leverage": self.leverage,
        }
        for name, value in positive.items():
            if not 0 < value < float("inf"):
                raise ConfigError(name, value, "a positive number")
        if not 1 <= self.levels <= LEVELS_MAX:
            raise ConfigError("levels", self.levels, f"a whole number from 1 to {LEVELS_MAX}")


FLOW_DECAY_PER_S = 0.5
FLOW_OWN = 0.4
FLOW_CROSS = 0.1
"""Trade flow excites itself for two seconds, with branching ratio 0.5, mostly its own side."""
VARIANCE_REVERTS_PER_S = 0.01
VARIANCE_SPREAD = 0.5
"""Before data: variance returns within minutes and scatters by half its level (stationary CIR)."""
BLOCK_S = 0.07
"""The venue's block: two takers of one side in one block look like one (sheet 9.3)."""
LIQUIDATIONS_PER_S = 5_043 / (8 * 3_600 * 100)
"""Liquidations of one coin: 5,043 in eight sampled hours over some hundred active coins."""
IMPACT_BPS_PER_USD = 0.5 / 100_000
"""Median adverse move between the tranches of forced closes, per USD."""
POSITION_LIMIT_USD = 2_000.0
QUOTE_SHARE = 8.0  # of the limit in one quote: a side's whole ladder fills it in a few levels


def config_for(
    coin: str, *, sz_decimals: int, price_usd: float, wishes: Mapping[str, Any]
) -> EngineConfig:
    """Return the configuration of one coin from what a trader wishes, in USD.

    Parameters
    ----------
    price_usd   the mid now; wishes in USD become lots at this price, rounded down
    wishes      fields of EngineConfig; `position_limit_usd` and `quote_usd` set the lots

    Raises ConfigError when the limit is below what one order must be worth.
    """
    lot_usd = price_usd / 10**sz_decimals
    limit_usd = float(wishes.get("position_limit_usd", POSITION_LIMIT_USD))
    smallest = ceil(1.2 * NOTIONAL_MIN_USD / lot_usd)
    limit_lots = floor(limit_usd / lot_usd)
    if limit_lots < smallest:
        raise ConfigError("position_limit_usd", limit_usd, f"at least {smallest * lot_usd:.2f}")
    quote_usd = float(wishes.get("quote_usd", limit_usd / QUOTE_SHARE))
    quote_lots = min(limit_lots, max(smallest, floor(quote_usd / lot_usd)))
    made = {key: value for key, value in wishes.items() if key != "quote_usd"}
    made["position_limit_usd"] = limit_usd
    prior = prior_for(coin)
    made.setdefault("sigma_prior_bps", prior.sigma_bps)
    made.setdefault("a_prior_per_s", prior.a_per_s)
    made.setdefault("kappa_prior_per_bps", prior.kappa_per_bps)
    made.setdefault("epsilon_prior_bps", prior.epsilon_bps)
    made.setdefault("position_limit_lots", limit_lots)
    made.setdefault("quote_lots", quote_lots)
    return EngineConfig(coin=coin, sz_decimals=sz_decimals, **made)


def gamma_of(config: EngineConfig) -> float:
    """Return gamma*D that moves both quotes by the wanted skew at the limit, under the priors.

    Computed once: risk aversion is a taste, it does not move with the market.
    """
    cost_bps = config.maker_fee_bps + config.epsilon_prior_bps
    flow = Flow(config.sigma_prior_bps, config.a_prior_per_s, config.kappa_prior_per_bps, cost_bps)
    held = config.position_limit_lots / config.quote_lots
    return gamma_from_skew(flow, skew_bps=config.skew_bps_at_limit, held=held)


def initial_state(config: EngineConfig) -> State:
    """Return the state before the first event: priors, no position known, nothing quoted."""
    states = np.zeros(1, STATE)
    state = states[0]
    own = state.config
    own.price_decimals = price_decimals(config.sz_decimals)
    own.quote_lots, own.levels = config.quote_lots, config.levels
    own.span_bps, own.half_spread_bps_min = config.span_bps, config.half_spread_bps_min
    own.gamma, own.skew_bps_min = gamma_of(config), config.skew_bps_min
    own.market_age_ns_max = int(config.market_age_s_max * NS_PER_S)
    state.maker_e10 = round(config.maker_fee_bps * 1e-4 * RATE_E10)
    table.reset(state.table, 1)
    budget.reset(state.budget)
    _reset_estimators(state, config)
    premium.default_caps(state.caps)
    limits.reset(
        state.limits, config.position_limit_lots, config.position_limit_usd, config.leverage
    )
    chosen = {
        "position_lots_max": float(config.position_limit_lots),
        "value_usd_max": config.position_limit_usd,
    }
    kill_chosen, monitor_chosen = _chosen_limits(config.risk)
    configure(states["kill_switch"]["settings"], KILL_SETTINGS, chosen | kill_chosen)
    configure(states["monitors"]["settings"], MONITOR_SETTINGS, monitor_chosen)
    kill_switch.reset(state.kill_switch, config.started_ns)
    kept.restore(state.kill_switch, config.kept, config.started_ns)
    state.transfer_ns = config.started_ns
    monitors.reset(state.monitors, config.started_ns)
    return states


def _chosen_limits(chosen: Mapping[str, float]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the chosen limits of the kill switch and of the monitors.

    Raises ConfigError for a name that neither has.
    """
    kill = {setting.name for setting in KILL_SETTINGS}
    watch = {setting.name for setting in MONITOR_SETTINGS}
    for name in chosen:
        if name not in kill | watch:
            raise ConfigError(f"risk.{name}", chosen[name], f"one of {', '.join(kill | watch)}")
    return (
        {name: value for name, value in chosen.items() if name in kill},
        {name: value for name, value in chosen.items() if name in watch},
    )


def _reset_estimators(state: Any, config: EngineConfig) -> None:
    """Start every estimator from the priors of the configuration."""
    rate, kappa = config.a_prior_per_s, config.kappa_prior_per_bps
    volatility.reset(state.volatility, config.sigma_prior_bps, SIGMA_N)
    theta, revert = config.sigma_prior_bps**2, VARIANCE_REVERTS_PER_S
    xi = VARIANCE_SPREAD * (2.0 * revert * theta) ** 0.5
    stochastic_vol.reset(state.stochastic_vol, theta, revert, xi, 0.0)
    regime.reset(state.regime)
    fill_intensity.reset(state.fill_intensity, rate, kappa, INTENSITY_N)
    fill_intensity.set_memory(state.fill_intensity, fill_intensity.TAU_S, BLOCK_S, 0.0)
    fair_price.reset(state.fair_price)
    beta = FLOW_DECAY_PER_S
    order_flow.reset(state.order_flow, rate, FLOW_OWN * beta, FLOW_CROSS * beta, beta)
    adverse_selection.reset(state.adverse_selection, config.epsilon_prior_bps, 1.0 / kappa)
    funding.reset(state.funding)
    liquidations.reset(state.liquidations)
    cascade.reset(state.cascade, LIQUIDATIONS_PER_S, IMPACT_BPS_PER_USD)
