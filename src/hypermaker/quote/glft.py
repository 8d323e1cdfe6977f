"""GLFT: what the next coin is worth to us, from the stationary problem on the real limits.

The quoter's one model. Market orders reach depth x of one side at rate A*exp(-kappa*x); we hold q
lots, may hold -Q_a..Q_b, pay c a fill and dislike variance as gamma*sigma^2*q^2/2. The value of
inventory theta(q) of Gueant's Model B (xi = 0) is step/kappa * log f(q), f the lowest eigenvector
of a tridiagonal matrix (`quote.spectral`); depths are 1/kappa + c plus what theta loses by the
fill. Every step, with figures, is in docs/glft.md.

Depths in bps of the fair price, inventory in venue lots, `gamma` per (bps * quote size).
Source: Gueant, Lehalle, Fernandez-Tapia (2013), thm 2; Gueant (2017), eq. 3.13.
"""

from math import e, exp, log, sinh, sqrt
from typing import Any

from hypermaker.core.kernel import kernel, record
from hypermaker.core.market import Market
from hypermaker.core.units import BPS, grid_step_ticks
from hypermaker.quote.adverse import epsilon_at
from hypermaker.quote.spectral import CELLS_MAX, POINTS_MAX, solve_lattice

GLFT = record(
    ("cells", "i8"),  # lattice cells between the two limits, 0 when there is no room
    ("low_lots", "f8"),  # inventory at lattice point 0: -Q_a
    ("step_lots", "f8"),  # width of one cell
    ("cells_per_lot", "f8"),
    ("value_scale", "f8"),  # theta is this times log f  [bps * lots]
    ("stiffness", "f8"),  # omega^2 of one cell: alpha/eta, a pure number
    ("centre", "f8"),  # target inventory, in cells from the lower limit
    ("kappa_per_bps", "f8"),
    ("target_lots", "f8"),  # inventory that drift and funding make us want, inside the limits
    ("slope_bps", "f8"),  # closed-form skew of one lot
    ("flow_bps", "f8"),  # shift of both quotes by one-sided flow and one-sided cost, + is down
    ("fill_lots", "f8"),  # volume that one market order takes from us: GLFT's Delta
    ("eta_per_s", "f8"),  # rate of the lattice: A/e net of costs, times fill over cell
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
    ("bend", "f8", (POINTS_MAX,)),  # rise of the price of risk across each cell, in 1/kappa
)

KNOWN_MAX = 1e15
COST_HALF_SPREADS_MAX = 300.0

Glft = Any
"""One element of a GLFT array: a record with the fields above; all zeros is a valid start."""


@kernel
def _is_known(value: float) -> bool:
    """Return whether a quantity that cannot be negative is a number of this world."""
    return 0.0 <= value <= KNOWN_MAX


@kernel
def is_ready(market: Market) -> bool:
    """Return whether the models know enough to quote; NaN anywhere counts as not knowing.

    Costs of hundreds of half-spreads count as not knowing too: nobody would ever trade with us.
    """
    rates = market.a_bid_per_s > 0.0 and market.a_ask_per_s > 0.0 and market.kappa_per_bps > 0.0
    units = market.fair_ticks > 0.0 and market.lot_usd > 0.0 and market.quote_lots > 0.0
    numbers = _is_known(market.a_bid_per_s + market.a_ask_per_s + market.kappa_per_bps)
    numbers = numbers and _is_known(market.fair_ticks + market.lot_usd + market.quote_lots)
    risk = _is_known(market.sigma_bps) and _is_known(market.gamma)
    drift = _is_known(abs(market.drift_bps_per_s))
    costs = _is_known(market.epsilon_bid_bps) and _is_known(market.epsilon_ask_bps)
    cost = abs(market.fee_bps) + market.epsilon_bid_bps + market.epsilon_ask_bps
    worth = market.kappa_per_bps * cost <= COST_HALF_SPREADS_MAX
    return bool(rates and units and numbers and risk and drift and costs and worth)


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
def effective_rate(market: Market, epsilon_bps: float) -> float:
    """Return A of both sides together, net of the cost of a fill: sqrt(A_b*A_a)*exp(-kappa*c).

    epsilon_bps   expected adverse move of a fill, mean of the two sides
    """
    both = sqrt(market.a_bid_per_s * market.a_ask_per_s)
    return float(both * exp(-market.kappa_per_bps * (market.fee_bps + epsilon_bps)))


@kernel
def flow_shift_bps(market: Market, epsilon_gap_bps: float) -> float:
    """Return how much lower both quotes stand because one side's flow or cost is larger.

    epsilon_gap_bps   expected adverse move of a bid's fill less that of an ask's
    """
    flow = log(market.a_bid_per_s / market.a_ask_per_s) / market.kappa_per_bps
    return float(0.5 * (flow - epsilon_gap_bps))


@kernel
def slope_floor_bps(market: Market, step_lots: float) -> float:
    """Return the slope, bps per lot, below which the wanted least skew would not be seen.

    Far from the centre 2*cosh(kappa*p) - 2 = (omega*n)^2 - omega on the lattice; solved for omega
    at half the wider limit. One step of the venue's grid is added, for rounding may hide it.
    """
    half_cells = 0.5 * max(market.long_lots_max, market.short_lots_max) / step_lots
    if not (market.skew_bps_min > 0.0 and half_cells > 0.0):
        return 0.0
    grid_ticks = grid_step_ticks(int(market.fair_ticks), market.price_decimals)
    wanted_bps = market.skew_bps_min + grid_ticks / market.fair_ticks * BPS
    lean = 2.0 * sinh(0.5 * market.kappa_per_bps * wanted_bps)
    square = half_cells * half_cells
    omega = 0.5 * (1.0 + sqrt(1.0 + 4.0 * square * lean * lean)) / square
    return float(omega / (market.kappa_per_bps * step_lots))


@kernel
def flat_epsilon_bps(market: Market, epsilon_bps: float) -> float:
    """Return the adverse move at the depth a flat book would quote, given that at depth 0."""
    depth_bps = 1.0 / market.kappa_per_bps + market.fee_bps
    return epsilon_at(epsilon_bps, market.epsilon_decay_bps, market.kappa_per_bps, depth_bps)


@kernel
def _lay_lattice(glft: Glft, market: Market) -> int:
    """Span [-Q_a, Q_b] with cells as near to one quote size as fit; return how many."""
    room = float(market.long_lots_max + market.short_lots_max)
    cells = int(min(float(CELLS_MAX), max(1.0, room / market.quote_lots + 0.5)))
    if room <= 0.0:
        cells, room = 0, 1.0
    glft.low_lots = -float(market.short_lots_max)
    glft.step_lots = room / max(cells, 1)
    glft.cells_per_lot = 1.0 / glft.step_lots
    glft.value_scale = glft.step_lots / market.kappa_per_bps
    return cells


@kernel
def _weigh_risk(glft: Glft, market: Market, epsilon_bps: float) -> None:
    """Set fill size, slope, target inventory and rate: the closed form's numbers, per lot."""
    kappa = market.kappa_per_bps
    rate = effective_rate(market, epsilon_bps)
    variance = market.gamma / market.quote_lots * market.sigma_bps * market.sigma_bps
    stakes = variance * e / (2.0 * rate * kappa)
    fill = market.quote_lots
    if market.volume_lots > 0.0:
        room = float(market.long_lots_max + market.short_lots_max)
        volume = max(market.volume_lots, 1.0)  # the venue trades no less than a lot
        fill = min(fill_lots(volume, kappa, stakes), max(room, fill))
    slope = max(sqrt(stakes / fill), slope_floor_bps(market, glft.step_lots))
    weight = slope * slope * fill * 2.0 * rate * kappa / e
    wanted = market.drift_bps_per_s / weight if weight > 0.0 else 0.0
    low, high = -float(market.short_lots_max), float(market.long_lots_max)
    glft.kappa_per_bps = kappa
    glft.fill_lots = fill
    glft.slope_bps = slope
    glft.target_lots = min(max(wanted, low), high)
    glft.eta_per_s = rate * fill / (e * glft.step_lots)


@kernel
def solve(glft: Glft, market: Market) -> None:
    """Bring the value of inventory up to date with the market; needs `is_ready(market)`.

    The matrix depends on the market through two numbers (stiffness, centre), so it is only solved
    again when one of them or the number of cells has changed. The target inventory is Merton's
    position mu/(gamma*sigma^2), inside the limits.
    """
    epsilon_bid = flat_epsilon_bps(market, market.epsilon_bid_bps)
    epsilon_ask = flat_epsilon_bps(market, market.epsilon_ask_bps)
    cells = _lay_lattice(glft, market)
    _weigh_risk(glft, market, 0.5 * (epsilon_bid + epsilon_ask))
    glft.flow_bps = flow_shift_bps(market, epsilon_bid - epsilon_ask)
    omega = glft.kappa_per_bps * glft.slope_bps * glft.step_lots
    centre = (glft.target_lots - glft.low_lots) * glft.cells_per_lot
    solve_lattice(glft, cells, omega * omega, centre)


@kernel
def value_of(glft: Glft, lots: float) -> float:
    """Return theta: what holding this inventory is worth, up to a constant  [bps * lots].

    Exact at lattice points, so a whole cell trades at exactly GLFT's depth; in between the price
    of risk is linear. Beyond a limit it falls as the closed form does, which makes every coin on
    the way back worth more.
    """
    place = (lots - glft.low_lots) * glft.cells_per_lot
    beyond = max(-place, place - glft.cells, 0.0) * glft.step_lots
    fall = 0.5 * glft.slope_bps * beyond * beyond
    if glft.cells == 0:
        return float(-fall)
    cell = min(max(int(place), 0), glft.cells - 1)
    part = place - cell
    inner = min(max(part, 0.0), 1.0)
    edge = glft.log_f[cell + 1] - glft.log_f[cell]
    bow = 0.5 * glft.bend[cell] * inner * (1.0 - inner)
    return float(glft.value_scale * (glft.log_f[cell] + part * edge + bow) - fall)


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


@kernel
def earning_bps_lots_per_s(glft: Glft) -> float:
    """Return what these quotes earn, certainty equivalent: -(step/kappa)*(lowest eigenvalue).

    In bps of the fair price times lots, per second; times `lot_usd`*1e-4 it is USD per second.
    What drift earns on the target inventory is in it.
    """
    target = glft.target_lots * glft.cells_per_lot
    lowest = glft.energy - 2.0 - glft.stiffness * target * target
    return float(-glft.value_scale * glft.eta_per_s * lowest)
