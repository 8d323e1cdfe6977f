"""gamma from something a trader knows: a skew, an inventory scale, or capital and Kelly.

gamma is the inventory dial (how far quotes lean per lot held), kappa the spread dial: at realistic
values gamma hardly moves the half-spread, so nobody should be asked for a bare gamma. Everything
here is for one quote size, gamma in 1/(bps * quote size), as MARKET holds it, and xi = 0.
Source: quant-models 2.5 and 2.9 (d); the formulas invert slope = sqrt(gamma*sigma^2*e/(2*A*kappa)).
"""

from math import e, exp, sinh, sqrt
from typing import NamedTuple

BPS_OF_ONE = 1e-4
FULL_SKEW_SHARE = 1.0
"""At the Kelly position the skew is this share of the half-spread 1/kappa: the marginal coin
bought at the touch then has no edge left."""


class Flow(NamedTuple):
    """What is known of the market before gamma is chosen.

    sigma_bps      volatility, bps per sqrt(second)
    a_per_s        fill intensity at depth 0, per side
    kappa_per_bps  its decay with depth
    cost_bps       fee plus expected adverse move of a fill
    """

    sigma_bps: float
    a_per_s: float
    kappa_per_bps: float
    cost_bps: float = 0.0

    @property
    def rate(self) -> float:
        """Return A net of costs: A*exp(-kappa*c), in 1/s."""
        return self.a_per_s * exp(-self.kappa_per_bps * self.cost_bps)


class Appetite(NamedTuple):
    """What capital and taste for risk mean in this market.

    gamma               risk aversion, 1/(bps * quote size)
    quote_usd           size of one quote
    position_usd_max    largest position worth holding
    """

    gamma: float
    quote_usd: float
    position_usd_max: float


def gamma_from_slope(flow: Flow, slope_bps: float) -> float:
    """Return the gamma at which quotes move by `slope_bps` for each quote size held."""
    return 2.0 * flow.rate * flow.kappa_per_bps / e * (slope_bps / flow.sigma_bps) ** 2


def gamma_from_skew(flow: Flow, *, skew_bps: float, held: float) -> float:
    """Return the gamma at which `held` quote sizes of inventory move both quotes by `skew_bps`."""
    return gamma_from_slope(flow, skew_bps / held)


def gamma_from_deviation(flow: Flow, deviation: float) -> float:
    """Return the gamma at which inventory wanders by `deviation` quote sizes (one s.d.)."""
    omega = 1.0 / (2.0 * deviation * deviation)
    return gamma_from_slope(flow, omega / flow.kappa_per_bps)


def gamma_from_capital(*, capital_usd: float, kelly_fraction: float, quote_usd: float) -> float:
    """Return the gamma of a fractional-Kelly trader: 1/(fraction * capital) per USD of profit."""
    return quote_usd * BPS_OF_ONE / (kelly_fraction * capital_usd)


def slope_bps(flow: Flow, gamma: float) -> float:
    """Return by how much quotes move for each quote size held, in bps (closed form)."""
    return flow.sigma_bps * sqrt(gamma * e / (2.0 * flow.rate * flow.kappa_per_bps))


def deviation_of_inventory(flow: Flow, gamma: float) -> float:
    """Return the standard deviation of inventory that a gamma makes, in quote sizes."""
    return 1.0 / sqrt(2.0 * flow.kappa_per_bps * slope_bps(flow, gamma))


def half_spread_bps(flow: Flow, gamma: float) -> float:
    """Return the flat half-spread of one quote, costs included, in bps (closed form)."""
    return 1.0 / flow.kappa_per_bps + 0.5 * slope_bps(flow, gamma) + flow.cost_bps


def relaxation_s(flow: Flow, gamma: float) -> float:
    """Return how long inventory takes to come home: 1/(2*sqrt(alpha*eta)), in seconds."""
    alpha = 0.5 * flow.kappa_per_bps * gamma * flow.sigma_bps**2
    return 1.0 / (2.0 * sqrt(alpha * flow.rate / e))


def edge_bps(flow: Flow, touch_half_spread_bps: float) -> float:
    """Return what a fill at the touch earns after its cost; <= 0: this market pays nobody."""
    return touch_half_spread_bps - flow.cost_bps


def kelly_position_usd(flow: Flow, capital_usd: float) -> float:
    """Return the position at which a full-Kelly trader's marginal coin has no edge at the touch.

    From p(y) = asinh(gamma*sigma^2*kappa*e*y/(2A))/kappa, the price of risk of a ladder that
    stands coin by coin, with gamma = 1/capital: proportional to capital, like every Kelly size.
    """
    gamma = gamma_from_capital(capital_usd=capital_usd, kelly_fraction=1.0, quote_usd=1.0)
    curvature = gamma * flow.sigma_bps**2 * flow.kappa_per_bps * e / (2.0 * flow.rate)
    return sinh(FULL_SKEW_SHARE) / curvature


def appetite(
    flow: Flow, *, capital_usd: float, kelly_fraction: float, leverage: float, quotes: int
) -> Appetite:
    """Return gamma and sizes for a capital, all of them scaling with capital and Kelly fraction.

    leverage   position over capital that the venue (or the trader's nerve) allows at most
    quotes     how many quote sizes the largest position is made of
    """
    full_usd = min(kelly_position_usd(flow, capital_usd), capital_usd * leverage)
    position_usd = kelly_fraction * full_usd
    quote_usd = position_usd / quotes
    gamma = gamma_from_capital(
        capital_usd=capital_usd, kelly_fraction=kelly_fraction, quote_usd=quote_usd
    )
    return Appetite(gamma, quote_usd, position_usd)
