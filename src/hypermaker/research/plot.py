"""The plot of a calibration: sigma in time, orders by depth, markouts, order-flow residuals."""

from math import isfinite, log, sqrt

import numpy as np

from hypermaker.research.calibrate import Curves
from hypermaker.research.orders import DEPTHS_BPS
from hypermaker.research.svg import GREY, HEIGHT, MARGIN, WIDTH, Panel, page

COLOURS = {-1: "#c0392b", 1: "#2471a3"}
NAMES = {-1: "sells", 1: "buys"}


def draw(curves: Curves, title: str) -> str:
    """Return the whole page as SVG text."""
    panels = [_sigma(curves), _depth(curves), _markouts(curves), _residuals(curves)]
    return page(title, (part for panel in panels for part in panel), rows=2, columns=2)


def _sigma(curves: Curves) -> list[str]:
    diary = curves.diary
    minutes = (diary["venue_ns"] - diary["venue_ns"][:1]) * (1e-9 / 60.0)
    sigma, error = diary["sigma_bps"], diary["sigma_stderr"]
    error = np.where(np.isfinite(error), error, sigma)
    panel = Panel(
        0, 30, (0.0, float(minutes[-1])), (0.0, 1.1 * float(np.quantile(sigma + 2 * error, 0.99)))
    )
    low = list(zip(minutes, sigma - 2 * error, strict=True))
    high = list(zip(minutes, sigma + 2 * error, strict=True))
    line = panel.line(zip(minutes, sigma, strict=True), COLOURS[1])
    frame = panel.frame("Volatility as the engine sees it, ± 2 s.e.", across="minutes", up="bps/√s")
    return [panel.band(low, high, COLOURS[1]), line, frame]


def _depth(curves: Curves) -> list[str]:
    """Orders per second and bin of depth: dots with Poisson bars, the fitted decay as a line."""
    rows = [
        (one.side, depth, n / seconds, sqrt(n) / seconds, expected / seconds)
        for one in curves.bins
        for depth, seconds, n, expected in zip(
            one.depth_bps, one.seconds, one.counted, one.expected, strict=True
        )
        if seconds > 0.0
    ]
    rates = [max(rate, fitted) for _, _, rate, _, fitted in rows] or [1.0]
    # Below a third of one order on the whole tape there is nothing to compare a line with.
    floor = min([0.3 / max(one.seconds) for one in curves.bins if max(one.seconds) > 0.0] or [0.1])
    deepest = max((row[1] for row in rows), default=1.0)
    panel = Panel(WIDTH, 30, (0.0, deepest), (floor, 2.0 * max(max(rates), floor)), log_y=True)
    parts = [
        panel.frame(
            f"Orders by depth, kappa {curves.kappa_per_bps:.3g}/bps", across="bps", up="1/s"
        )
    ]
    for side, colour in COLOURS.items():
        mine = [row for row in rows if row[0] == side]
        parts.append(panel.line([(row[1], row[4]) for row in mine], colour))
        parts += [panel.dot((row[1], row[2]), row[3], colour) for row in mine if row[2] > 0.0]
    return parts


def _markouts(curves: Curves) -> list[str]:
    """Adverse moves of all orders (line) and of those that went two bps deep (dashed)."""
    known = [m for m in curves.markouts if m.depth_bps <= DEPTHS_BPS[1] and isfinite(m.stderr)]
    banded = [m for m in known if m.depth_bps == 0.0]
    ends = [m.mean + sign * 2.0 * m.stderr for m in banded for sign in (-1, 1)] or [-1.0, 1.0]
    panel = Panel(0, 30 + HEIGHT, (0.0, 60.0), (min(0.0, *ends), max(0.0, *ends)))
    parts = [
        panel.frame("Adverse move after a fill, ± 2 s.e. (dashed: 2+ bps)", across="s", up="bps")
    ]
    parts.append(panel.line([(0.0, 0.0), (60.0, 0.0)], GREY))
    for side, colour in COLOURS.items():
        for depth, dash in zip(DEPTHS_BPS[:2], ("none", "4"), strict=True):
            mine = [m for m in known if m.side == side and m.depth_bps == depth]
            low = [(m.horizon_s, m.mean - 2.0 * m.stderr) for m in mine]
            high = [(m.horizon_s, m.mean + 2.0 * m.stderr) for m in mine]
            if depth == 0.0:
                parts.append(panel.band(low, high, colour))
            parts.append(panel.line([(m.horizon_s, m.mean) for m in mine], colour, dash))
    return parts


def _residuals(curves: Curves) -> list[str]:
    """Sorted rescaled gaps of the order-flow fit against the unit exponential."""
    top = max([4.0, *(max(float(one.gaps.max()), log(2 * len(one.gaps))) for one in curves.flow)])
    panel = Panel(WIDTH, 30 + HEIGHT, (0.0, top), (0.0, top))
    parts = [panel.frame("Order flow: rescaled gaps against Exp(1)", across="expected", up="seen")]
    parts.append(panel.line([(0.0, 0.0), (top, top)], GREY, "4"))
    for one in curves.flow:
        seen = np.sort(one.gaps)
        n = len(seen)
        wanted = -np.log1p(-(np.arange(n) + 0.5) / n)
        parts.append(panel.line(zip(wanted, seen, strict=True), COLOURS[one.side]))
    names = " / ".join(f'<tspan fill="{COLOURS[s]}">{NAMES[s]}</tspan>' for s in COLOURS)
    x, y = 2 * WIDTH - MARGIN, HEIGHT + 30 + MARGIN - 10
    return [*parts, f'<text x="{x}" y="{y}" text-anchor="end" font-size="11">{names}</text>']
