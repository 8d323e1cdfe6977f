"""Charts as SVG text: no plotting library for four charts nobody zooms.

A panel maps data to its box by two straight lines (or a logarithm); everything else is strings.
"""

from collections.abc import Iterable, Sequence
from math import isfinite, log10
from typing import NamedTuple

WIDTH, HEIGHT, MARGIN = 460, 300, 52
GREY = "#777"
Point = tuple[float, float]


class Panel(NamedTuple):
    """A chart's box: where it stands on the page and what range of data it shows."""

    left: int
    top: int
    x: Point
    y: Point
    log_y: bool = False

    def at(self, point: Point) -> Point:
        """Return a data point on the page; y below the box's range stays on its edge."""
        x0, x1 = self.x
        y0, y1, y = (*self.y, point[1])
        if self.log_y:
            y0, y1, y = log10(y0), log10(y1), log10(max(y, self.y[0]))
        across = (point[0] - x0) / (x1 - x0 or 1.0)
        up = min(1.0, max(0.0, (y - y0) / (y1 - y0 or 1.0)))
        inner_w, inner_h = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
        return self.left + MARGIN + across * inner_w, self.top + HEIGHT - MARGIN - up * inner_h

    def path(self, points: Iterable[Point]) -> str:
        """Return points as SVG coordinates; what is no number is left out."""
        sound = [p for p in points if isfinite(p[0]) and isfinite(p[1])]
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in map(self.at, sound))

    def line(self, points: Iterable[Point], colour: str, dash: str = "none") -> str:
        """Return a line through the points."""
        return (
            f'<polyline points="{self.path(points)}" fill="none" stroke="{colour}" '
            f'stroke-width="1.3" stroke-dasharray="{dash}"/>'
        )

    def band(self, low: Sequence[Point], high: Sequence[Point], colour: str) -> str:
        """Return the area between two lines."""
        around = self.path([*low, *reversed(high)])
        return f'<polygon points="{around}" fill="{colour}" fill-opacity="0.18"/>'

    def dot(self, point: Point, error: float, colour: str) -> str:
        """Return a dot with an error bar."""
        (x, y), (_, low), (_, high) = (
            self.at((point[0], point[1] + step)) for step in (0.0, -error, error)
        )
        bar = f'<path d="M{x:.1f},{low:.1f}V{high:.1f}" stroke="{colour}"/>'
        return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2.6" fill="{colour}"/>{bar}'

    def frame(self, title: str, *, across: str, up: str) -> str:
        """Return the box with its title, axis names and the ends of both ranges."""
        left, right = self.left + MARGIN, self.left + WIDTH - MARGIN
        top, low = self.top + MARGIN, self.top + HEIGHT - MARGIN
        texts = [
            (left, top - 10, "start", title, "13"),
            ((left + right) // 2, low + 30, "middle", across, "11"),
            (left, low + 15, "middle", f"{self.x[0]:.3g}", "10"),
            (right, low + 15, "middle", f"{self.x[1]:.3g}", "10"),
            (left - 5, low, "end", f"{self.y[0]:.3g}", "10"),
            (left - 5, top + 8, "end", f"{self.y[1]:.3g}", "10"),
            (left - 5, (top + low) // 2, "end", up, "11"),
        ]
        written = "".join(
            f'<text x="{x}" y="{y}" text-anchor="{anchor}" font-size="{size}">{text}</text>'
            for x, y, anchor, text, size in texts
        )
        box = f'width="{right - left}" height="{low - top}" fill="none" stroke="{GREY}"'
        return f'<rect x="{left}" y="{top}" {box}/>{written}'


def page(title: str, parts: Iterable[str], *, rows: int, columns: int) -> str:
    """Return one self-contained SVG: a title and the parts of its panels."""
    size = f'width="{columns * WIDTH}" height="{rows * HEIGHT + 30}"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" {size} font-family="sans-serif">'
    name = title.replace("&", "&amp;").replace("<", "&lt;")
    top = f'<rect {size} fill="white"/><text x="{MARGIN}" y="22" font-size="15">{name}</text>'
    return "\n".join([head, top, *parts, "</svg>", ""])
