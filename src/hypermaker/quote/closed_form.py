"""Formulas with a name, in plain Python: what textbooks print and tests and docs compare with.

The quoter itself uses the exact stationary solution (`quote.glft`); these are its limits, with the
general xi of Gueant (2017): xi = gamma is the CARA trader (Model A), xi = 0 the running inventory
penalty (Model B). Any price unit, sizes in units of `delta`, time in seconds.
"""

from math import asinh, e, erf, exp, log1p, sqrt
from typing import NamedTuple


class Setting(NamedTuple):
    """One GLFT problem: prices in any unit P, inventory in coins.

    sigma   volatility, P per sqrt(s)          a       fill intensity at depth 0, 1/s
    k       its decay, 1/P                     gamma   risk aversion, 1/(P * coin)
    xi      aversion to not being filled       delta   coins of one fill
    drift   of the price, P/s                  impact  move of the price by a fill of ours, P
    cost    fee of one coin, P, < 0 a rebate
    """

    sigma: float
    a: float
    k: float
    gamma: float
    xi: float = 0.0
    delta: float = 1.0
    drift: float = 0.0
    impact: float = 0.0
    cost: float = 0.0

    @property
    def base(self) -> float:
        """Return the half-spread of a trader who minds no inventory: log(1 + xi*D/k)/(xi*D)."""
        appetite = self.xi * self.delta
        return log1p(appetite / self.k) / appetite if appetite > 0.0 else 1.0 / self.k

    @property
    def damping(self) -> float:
        """Return C = (1 + xi*D/k)^-(1 + k/(xi*D)), which is 1/e at xi = 0."""
        ratio = self.xi * self.delta / self.k
        return exp(-(1.0 + 1.0 / ratio) * log1p(ratio)) if ratio > 0.0 else 1.0 / e

    @property
    def eta(self) -> float:
        """Return the off-diagonal rate A*C, net of cost and impact, in 1/s."""
        return self.a * self.damping * exp(-self.k * (self.cost + 0.5 * self.impact))

    @property
    def alpha(self) -> float:
        """Return the diagonal rate of one lot, k*gamma*D*sigma^2/2, in 1/s."""
        return 0.5 * self.k * self.gamma * self.delta * self.sigma**2

    @property
    def slope(self) -> float:
        """Return the closed form's skew, P per coin: sqrt(alpha/eta)/(k*D), Gueant eqs 4.6-4.9."""
        return sqrt(self.alpha / self.eta) / (self.k * self.delta)

    @property
    def target(self) -> float:
        """Return Merton's position mu/(gamma*sigma^2), in coins."""
        return self.drift / (self.gamma * self.sigma**2)


def glft_quote(setting: Setting, q: float) -> tuple[float, float]:
    """Return (bid depth, ask depth) of the closed form at inventory q coins, from the price.

    The harmonic limit, good for sqrt(alpha/eta) < 0.1 and far from the limits.
    """
    flat = setting.base + setting.cost + 0.5 * setting.impact
    away = q - setting.target
    half = 0.5 * setting.delta
    return flat + (away + half) * setting.slope, flat - (away - half) * setting.slope


class AvellanedaStoikov(NamedTuple):
    """The 2008 model: volatility, decay of intensity and risk aversion, one price unit."""

    sigma: float
    k: float
    gamma: float

    def reservation(self, price: float, *, q: float, left_s: float) -> float:
        """Return the price at which we would be indifferent to one coin more (eq. 29)."""
        return price - q * self.gamma * self.sigma**2 * left_s

    def spread(self, left_s: float) -> float:
        """Return the whole spread, ask less bid (eq. 30)."""
        return self.gamma * self.sigma**2 * left_s + 2.0 / self.gamma * log1p(self.gamma / self.k)

    def quote(self, price: float, *, q: float, left_s: float) -> tuple[float, float]:
        """Return (bid, ask) prices."""
        middle, half = self.reservation(price, q=q, left_s=left_s), 0.5 * self.spread(left_s)
        return middle - half, middle + half


def sweep_discount(setting: Setting, y: float) -> float:
    """Return p(y): the price of risk of the coin at inventory y when sweeps are unlimited, xi = 0.

    Differentiate the HJB in q: H(p) - H(-p) = -gamma*sigma^2*y with H(p) = A/(k*e)*exp(-k*p).
    """
    rate = setting.a * exp(-setting.k * setting.cost)
    return asinh(setting.gamma * setting.sigma**2 * setting.k * e * y / (2.0 * rate)) / setting.k


def size_ladder_slope(setting: Setting, rates: dict[float, float]) -> float:
    """Return a of theta = -a*q^2 for clients who ask for one size each: size -> intensity at 0.

    Source: Bergault and Gueant (2021), quadratic approximation, exponential intensity, xi = 0;
    the bid for a size z is 1/k + a*(2q + z), the ask 1/k - a*(2q - z).
    """
    flow = sum(size * rate for size, rate in rates.items())
    return 0.5 * sqrt(setting.gamma * setting.sigma**2 * e / (2.0 * setting.k * flow))


def touch_probability(depth: float, *, sigma: float, horizon_s: float) -> float:
    """Return how likely the price touches a depth within a horizon: 2*Phi(-depth/(sigma*sqrt t)).

    Depth in the unit of sigma; reflection principle. 1 at depth 0, 0 when nothing moves.
    """
    if depth <= 0.0:
        return 1.0
    reach = sigma * sqrt(horizon_s)
    return 1.0 - erf(depth / (reach * sqrt(2.0))) if reach > 0.0 else 0.0
