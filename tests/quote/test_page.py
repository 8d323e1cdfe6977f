"""The page about the mathematics prints what the code computes."""

import re
from pathlib import Path

import pytest

from hypermaker.quote import exact
from hypermaker.quote.closed_form import Setting, glft_quote

PAGE = Path(__file__).resolve().parents[2] / "docs" / "glft.md"
FIGURE_1 = Setting(sigma=0.3, a=0.9, k=0.3, gamma=0.01, xi=0.01)


def test_figures_of_the_page_are_those_of_the_code() -> None:
    row = r"^\| (-?\d+) \| ([\d.]+) \| ([\d.]+) \| ([\d.]+) \|$"
    rows = re.findall(row, PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 6
    finite, _ = exact.depths(FIGURE_1, exact.at_horizon(FIGURE_1, (-30, 30), 600.0))
    endless, _ = exact.depths(FIGURE_1, exact.stationary(FIGURE_1, (-30, 30))[1])
    for lots, at_600, stationary, closed in rows:
        place = int(lots) + 30
        assert float(at_600) == pytest.approx(finite[place], abs=6e-5)
        assert float(stationary) == pytest.approx(endless[place], abs=6e-5)
        assert float(closed) == pytest.approx(glft_quote(FIGURE_1, float(lots))[0], abs=6e-5)


def test_page_names_the_regimes_of_the_later_figures() -> None:
    text = PAGE.read_text(encoding="utf-8")
    for setting in (FIGURE_1._replace(sigma=0.4), FIGURE_1._replace(sigma=1.0, a=0.2)):
        omega = (setting.alpha / setting.eta) ** 0.5
        assert f"ω = {omega:.3f}" in text
