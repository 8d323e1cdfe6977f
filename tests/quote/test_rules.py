"""Rules: the three shipped, one of the user's own, and the same bits in both modes."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypermaker.core.ladder import Term
from hypermaker.errors import ConfigError
from hypermaker.quote import rules
from hypermaker.quote.closed_form import AvellanedaStoikov

Make = Callable[..., Any]

OWN_RULE = '''
from hypermaker.core.kernel import kernel
from hypermaker.quote.ladder import add_ask, add_bid, clear


@kernel
def rule(glft, market, ladder):
    """Quote one level, three sigmas of a second away."""
    clear(ladder)
    add_bid(market, ladder, 3.0 * market.sigma_bps, 0.0)
    add_ask(market, ladder, 3.0 * market.sigma_bps, 0.0)


def not_a_rule(market):
    pass
'''


def test_rule_of_2008_is_its_formula(market: Make, quoted: Make, sides: Make) -> None:
    """Eqs 29 and 30 at a constant horizon, plus the venue's costs."""
    one = market(position_lots=600, fee_bps=0.0, epsilon_bid_bps=0.0, epsilon_ask_bps=0.0)
    bids, asks = sides(quoted(one, rule=rules.as2008, raw=True))
    model = AvellanedaStoikov(sigma=2.0, k=0.25, gamma=2.7e-4)
    bid, ask = model.quote(0.0, q=2.0, left_s=rules.AS_HORIZON_S)
    assert bids[0].terms_bps.sum() == pytest.approx(-bid, rel=1e-12)
    assert asks[0].terms_bps.sum() == pytest.approx(ask, rel=1e-12)
    assert bids[0].terms_bps[Term.INVENTORY] == -asks[0].terms_bps[Term.INVENTORY] > 0.0
    assert len(bids) == len(asks) == 1


@pytest.mark.parametrize(
    ("first", "span", "count", "depths"),
    [
        (2.0, 30.0, 5, [2.0, 4.0, 8.0, 16.0, 32.0]),
        (2.0, 48.0, 5, [2.0, 2.0 * 5**0.5, 10.0, 10.0 * 5**0.5, 50.0]),
        (2.0, 30.0, 1, [2.0]),
        (2.0, 30.0, 0, []),
    ],
)
def test_fixed_depths_stand_in_equal_ratios(
    market: Make,
    quoted: Make,
    sides: Make,
    first: float,
    span: float,
    count: int,
    depths: list[float],
) -> None:
    """T-42 (geometric); inventory and risk change nothing."""
    for held in (0, 600):
        one = market(
            half_spread_bps_min=first,
            span_bps=span,
            levels_max=count,
            position_lots=held,
            fee_bps=0.0,
            epsilon_bid_bps=0.0,
            epsilon_ask_bps=0.0,
        )
        bids, asks = sides(quoted(one, rule=rules.fixed, raw=True))
        for side in (bids, asks):
            stand = [float(level.terms_bps.sum()) for level in side]
            assert stand == pytest.approx(depths, rel=1e-9)


def test_rule_of_ones_own_from_a_file(
    market: Make, quoted: Make, sides: Make, tmp_path: Path
) -> None:
    path = tmp_path / "mine.py"
    path.write_text(OWN_RULE)
    one = market()
    one.premium_bid_bps[0] = 1.0
    bids, _ = sides(quoted(one, rule=rules.load_rule(str(path)), raw=True))
    assert bids[0].terms_bps.sum() == pytest.approx(6.0 + 1.8 + 1.0)
    assert rules.load_rule(f"{path}:rule") is not None


def test_names_of_the_shipped_rules() -> None:
    for name in ("glft", "as2008", "fixed"):
        assert rules.load_rule(name) is rules.RULES[name]


@pytest.mark.parametrize(
    "name", ["gltf", "nowhere.py", "mine.py:not_a_rule", "mine.py:none", "bad.py"]
)
def test_rule_that_cannot_be_is_one_clear_error(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(OWN_RULE)
    (tmp_path / "bad.py").write_text("import nothing_of_this_name\n")
    with pytest.raises(ConfigError):
        rules.load_rule(name)


@pytest.mark.parametrize("name", ["sigma_bps", "kappa_per_bps", "a_ask_per_s", "fair_ticks"])
def test_who_knows_too_little_quotes_nothing(market: Make, quoted: Make, name: str) -> None:
    for rule in rules.RULES.values():
        nothing = quoted(market(half_spread_bps_min=2.0, **{name: np.nan}), rule=rule)
        assert nothing.bid_levels == nothing.ask_levels == 0


def test_half_spread_of_the_rule_of_2008_does_not_depend_on_uptime(
    market: Make, quoted: Make
) -> None:
    """T-94: no T to run out: the same market at another time makes the same ladder."""
    for rule in rules.RULES.values():
        early = quoted(market(half_spread_bps_min=2.0, position_lots=700), rule=rule)
        late_market = market(half_spread_bps_min=2.0, position_lots=700, now_ns=86_400 * 10**9)
        assert early.tobytes() == quoted(late_market, rule=rule).tobytes()


BOTH_MODES = """
import hashlib, numpy as np
from hypermaker.core.ladder import LADDER
from hypermaker.core.market import MARKET
from hypermaker.quote import premium, quantize, rules
from hypermaker.quote.glft import GLFT
market, glft, ladder = np.zeros(1, MARKET), np.zeros(1, GLFT), np.zeros(1, LADDER)
signals, caps = np.zeros(1, premium.SIGNALS), np.zeros(1, premium.CAPS)
premium.default_caps(caps[0])
plain = dict(fair_ticks=1_000_000.3, bid_ticks=1_000_000, ask_ticks=1_000_010, price_decimals=1,
    lot_usd=1.0, a_bid_per_s=0.11, a_ask_per_s=0.1, kappa_per_bps=0.25, gamma=2.7e-4,
    quote_lots=300.0, fee_bps=1.5, epsilon_bid_bps=0.3, epsilon_ask_bps=0.4, long_lots_max=9000,
    short_lots_max=8100, bid_lots_max=9000, ask_lots_max=9000, levels_max=10, span_bps=50.0,
    volume_lots=700.0, epsilon_decay_bps=8.0, drift_bps_per_s=1e-4, half_spread_bps_min=3.0)
for name, value in plain.items():
    market[0][name] = value
signals[0].requote_s, signals[0].budget_share, signals[0].severity = 0.5, 0.3, 0.2
digest = hashlib.sha256()
for step in range(60):
    market[0].sigma_bps = 1.0 + 0.37 * (step % 7)
    market[0].position_lots = 250 * (step % 31) - 3000
    premium.compose(market[0], signals[0], caps[0])
    rule = (rules.glft, rules.glft, rules.as2008, rules.fixed)[step % 4]
    rule(glft[0], market[0], ladder[0])
    quantize.quantize(market[0], ladder[0])
    digest.update(ladder.tobytes() + glft.tobytes() + market.tobytes())
print(digest.hexdigest())
"""


def test_compiled_and_plain_python_give_the_same_bits() -> None:
    digests = []
    for disabled in ("0", "1"):
        environment = os.environ | {"NUMBA_DISABLE_JIT": disabled}
        done = subprocess.run(
            [sys.executable, "-c", BOTH_MODES],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        digests.append(done.stdout.strip())
    assert digests[0] == digests[1] != ""
