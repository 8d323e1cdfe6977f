"""A tape through every estimator: the rows of the table and the curves of the plot."""

import msgspec
import numpy as np
import numpy.typing as npt

from hypermaker.errors import TapeError
from hypermaker.research import estimates
from hypermaker.research.drive import Heard, hear_tape
from hypermaker.research.estimates import BinFit, FlowFit
from hypermaker.research.findings import Estimate
from hypermaker.research.orders import Markout, markouts, taker_orders
from hypermaker.research.tapes import Tape


class Report(msgspec.Struct, frozen=True):
    """What a tape taught, as `--json` prints it.

    span_s      from the first to the last price, holes of the tape included
    estimates   in the order of the table; the markouts are among them
    """

    tape: str
    asset: str
    events: int
    taker_orders: int
    span_s: float
    estimates: list[Estimate]


class Curves(msgspec.Struct, frozen=True):
    """What the plot shows besides: diary of sigma, orders by depth, markouts, rescaled gaps."""

    diary: npt.NDArray[np.void]
    bins: list[BinFit]
    kappa_per_bps: float
    markouts: list[Markout]
    flow: list[FlowFit]


def calibrate(tape: Tape) -> tuple[Report, Curves]:
    """Return what the estimators learn from a tape, and the curves to draw.

    Raises TapeError when the tape holds no two prices of different times.
    Cost: one compiled pass and a few sorts; a two-hour tape takes about a second.
    """
    heard = hear_tape(tape.events, tape.config)
    if len(heard.mids) < 2 or heard.mids["venue_ns"][-1] == heard.mids["venue_ns"][0]:
        raise TapeError(tape.path, f"holds no two prices of {tape.asset}: nothing to learn from")
    orders = taker_orders(heard.prints)
    costs = markouts(orders, heard.mids)
    flow = estimates.fit_flow(heard, orders)
    rows = _rows(heard, flow, costs)
    span_s = float(heard.mids["venue_ns"][-1] - heard.mids["venue_ns"][0]) * 1e-9
    path = str(tape.path)
    report = Report(path, tape.asset, len(tape.events), len(orders), span_s, rows)
    kappa = float(heard.state[0].fill_intensity.kappa)
    return report, Curves(heard.diary, estimates.bins_of(heard), kappa, costs, flow)


def _rows(heard: Heard, flow: list[FlowFit], costs: list[Markout]) -> list[Estimate]:
    return [
        *estimates.of_volatility(heard),
        *estimates.of_stochastic_vol(heard),
        *estimates.of_fill_intensity(heard),
        *estimates.of_prices(heard),
        *estimates.of_flow(flow),
        *estimates.of_markouts(costs),
        *estimates.of_funding(heard),
        *estimates.of_forced_flow(heard),
    ]
