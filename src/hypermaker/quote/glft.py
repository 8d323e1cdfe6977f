"""GLFT: what the next coin is worth to us, from the stationary problem on the real limits.

The quoter's one model. Market orders reach depth x of one side at rate A*exp(-kappa*x); we hold q
lots, may hold -Q_a..Q_b, pay c a fill and dislike variance as gamma*sigma^2*q^2/2. The value of
inventory theta(q) of Gueant's Model B (xi = 0) is step/kappa * log f(q), f the lowest eigenvector
of a tridiagonal matrix (`quote.spectral`); depths are 1/kappa + c plus what theta loses by the
fill. Every step, with figures, is in docs/glft.md.

Depths in bps of the fair price, inventory in venue lots, `gamma` per (bps * quote size).
Source: Gueant, Lehalle, Fernandez-Tapia (2013), thm 2; Gueant (2017), eq. 3.13.
"""

from math import e, exp, log, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.market import Market
from hypermaker.quote.spectral import CELLS_MAX, POINTS_MAX, solve_lattice

GLFT = record(
    ("cells", "i8"),  # lattice cells between the two limits, 0 when there is no room
    ("low_lots", "f8"),  # inventory at lattice point 0: -Q_a
    ("step_lots", "f8"),  # width of one cell
    ("stiffness", "f8"),  # omega^2 of one cell: alpha/eta, a pure number
    ("centre", "f8"),  # target inventory, in cells from the lower limit
    ("kappa_per_bps", "f8"),
    ("target_lots", "f8"),  # inventory that drift and funding make us want, inside the limits
    ("slope_bps", "f8"),  # closed-form skew of one lot
    ("flow_bps", "f8"),  # shift of both quotes by one-sided flow and one-sided cost, + is down
    ("fill_lots", "f8"),  # volume that one market order takes from us: GLFT's Delta
    ("energy", "f8"),  # lowest eigenvalue over eta, plus 2
    ("residual", "f8"),  # last Newton step, the eigenvalue's error bound
    ("mean_cells", "f8"),  # stationary mean inventory, in cells
    ("spread_cells", "f8"),  # second moment of the stationary inventory about `peak`, cells^2
    ("peak", "i8"),  # lattice point where the recursions meet
    ("solves", "i8"),
    ("passes", "i8"),
    ("cold_starts", "i8"),
    ("excess", "f8", (POINTS_MAX,)),  # neighbour ratios of f, less one, pointing to the peak
    ("log_f", "f8", (POINTS_MAX,)),
)

Glft = Any
"""One element of a GLFT array: a record with the fields above; all zeros is a valid start."""


@kernel
def is_ready(market: Market) -> bool:
    """Return whether the models know enough to quote; NaN anywhere counts as not knowing."""
    rates = market.a_bid_per_s > 0.0 and market.a_ask_per_s > 0.0 and market.kappa_per_bps > 0.0
    units = market.fair_ticks > 0.0 and market.lot_usd > 0.0 and market.quote_lots > 0.0
    risk = market.sigma_bps >= 0.0 and market.gamma >= 0.0
    costs = market.epsilon_bid_bps >= 0.0 and market.epsilon_ask_bps >= 0.0
    return bool(rates and units and risk and costs and abs(market.drift_bps_per_s) < 1e9)


@kernel
def fill_lots(volume_lots: float, kappa_per_bps: float, stakes: float) -> float:
    """Return the mean volume one market order takes from a ladder that stands coin by coin.

    A sweep ends where its volume (exponential, mean v) or its reach (exponential, mean 1/kappa)
    ends: 1/fill = 1/v + kappa*slope, with slope = sqrt(stakes/fill) itself a function of fill.

    Parameters
    ----------
    stakes  gamma*sigma^2*e/(2*A*kappa) with gamma per lot  [bps^2 / lot]
    """
    half = 0.5 * kappa_per_bps * sqrt(stakes)
    root = half + sqrt(half * half + 1.0 / volume_lots)
    return 1.0 / (root * root)


@kernel
def effective_rate(market: Market) -> float:
    """Return A of both sides together, net of the cost of a fill: sqrt(A_b*A_a)*exp(-kappa*c)."""
    cost_bps = market.fee_bps + 0.5 * (market.epsilon_bid_bps + market.epsilon_ask_bps)
    both = sqrt(market.a_bid_per_s * market.a_ask_per_s)
    return both * exp(-market.kappa_per_bps * cost_bps)


@kernel
def flow_shift_bps(market: Market) -> float:
    """Return how much lower both quotes stand because one side's flow or cost is larger."""
    flow = log(market.a_bid_per_s / market.a_ask_per_s) / market.kappa_per_bps
    return 0.5 * (flow - (market.epsilon_bid_bps - market.epsilon_ask_bps))


@kernel
def target_lots(market: Market) -> float:
    """Return Merton's position mu/(gamma*sigma^2), inside the limits, in lots."""
    variance = market.gamma / market.quote_lots * market.sigma_bps * market.sigma_bps
    wanted = market.drift_bps_per_s / variance if variance > 0.0 else 0.0
    return min(max(wanted, -float(market.short_lots_max)), float(market.long_lots_max))


@kernel
def solve(glft: Glft, market: Market) -> None:
    """Bring the value of inventory up to date with the market; needs `is_ready(market)`.

    The lattice spans exactly [-Q_a, Q_b] in cells as near to one quote size as fit, at most
    CELLS_MAX. The matrix depends on the market through two numbers, so it is only solved again
    when one of them or the number of cells has changed.
    """
    room = float(market.long_lots_max + market.short_lots_max)
    cells = int(min(float(CELLS_MAX), max(1.0, room / market.quote_lots + 0.5)))
    if room <= 0.0:
        cells, room = 0, 1.0
    rate = effective_rate(market)
    kappa = market.kappa_per_bps
    gamma = market.gamma / market.quote_lots
    stakes = gamma * market.sigma_bps * market.sigma_bps * e / (2.0 * rate * kappa)
    fill = market.quote_lots
    if market.volume_lots > 0.0:
        fill = min(fill_lots(market.volume_lots, kappa, stakes), max(room, market.quote_lots))
    glft.fill_lots = fill
    glft.slope_bps = sqrt(stakes / fill)
    glft.kappa_per_bps = kappa
    glft.flow_bps = flow_shift_bps(market)
    glft.target_lots = target_lots(market)
    glft.low_lots = -float(market.short_lots_max)
    glft.step_lots = room / max(cells, 1)
    omega = kappa * glft.slope_bps * glft.step_lots
    centre = (glft.target_lots - glft.low_lots) / glft.step_lots
    solve_lattice(glft, cells, omega * omega, centre)


@kernel
def value_of(glft: Glft, lots: float) -> float:
    """Return theta: what holding this inventory is worth, up to a constant  [bps * lots].

    Between lattice points theta is linear, so a whole cell trades at exactly GLFT's depth; beyond
    a limit it falls as the closed form does, which makes every coin on the way back worth more.
    """
    scale = glft.step_lots / glft.kappa_per_bps
    place = (lots - glft.low_lots) / glft.step_lots
    cell = min(max(int(place), 0), max(glft.cells - 1, 0))
    edge = 0.0 if glft.cells == 0 else glft.log_f[cell + 1] - glft.log_f[cell]
    inside = scale * (glft.log_f[cell] + (place - cell) * edge)
    beyond = max(glft.low_lots - lots, lots - glft.low_lots - glft.cells * glft.step_lots, 0.0)
    return float(inside - 0.5 * glft.slope_bps * beyond * beyond)


@kernel
def marginal_bps(glft: Glft, low_lots: float, high_lots: float) -> float:
    """Return the mean price discount of the coins from `low_lots` to `high_lots` of inventory.

    A bid for them stands this much lower than at no risk, an ask of them this much lower too.
    """
    return (value_of(glft, low_lots) - value_of(glft, high_lots)) / (high_lots - low_lots)


@kernel
def skew_bps(glft: Glft, lots: float, size_lots: float) -> float:
    """Return how far both quotes of `size_lots` move down when inventory goes from 0 to `lots`."""
    held = marginal_bps(glft, lots - size_lots, lots + size_lots)
    return held - marginal_bps(glft, -size_lots, size_lots)


@kernel
def bid_depth_bps(glft: Glft, lots: float, size_lots: float) -> float:
    """Return the bid's distance from fair before costs, for a quote of `size_lots` at `lots`."""
    inventory = marginal_bps(glft, lots, lots + size_lots)
    return float(1.0 / glft.kappa_per_bps + inventory + glft.flow_bps)


@kernel
def ask_depth_bps(glft: Glft, lots: float, size_lots: float) -> float:
    """Return the ask's distance from fair before costs, for a quote of `size_lots` at `lots`."""
    inventory = marginal_bps(glft, lots - size_lots, lots)
    return float(1.0 / glft.kappa_per_bps - inventory - glft.flow_bps)


@kernel
def inventory_deviation_lots(glft: Glft) -> float:
    """Return the standard deviation of inventory under these quotes: the law is f squared."""
    offset = glft.mean_cells - glft.peak
    return float(glft.step_lots * sqrt(max(glft.spread_cells - offset * offset, 0.0)))
