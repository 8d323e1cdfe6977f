"""A user's quoting rule trades behind the same gate, and can harm nobody but itself."""

import ast
import itertools
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hypermaker.core.actions import Ask
from hypermaker.core.events import Kind
from hypermaker.core.ladder import Term
from hypermaker.engine import step
from hypermaker.errors import ConfigError
from hypermaker.shell.warmup import warm_up
from hypermaker.state import EngineConfig
from hypermaker.strategy import load_strategy, step_of
from hypermaker.summary import summarise
from hypermaker.tape.replay import with_strategy_now
from tests import test_engine
from tests.test_engine import Bench, World, btc, placed

pytestmark = pytest.mark.timeout(600)  # one rule is compiled here

HOSTILE = '''"""Everything a rule should not do; the span says what."""

from math import inf, nan

from hypermaker.core.kernel import kernel


@kernel
def fill(levels, count, price, size):
    """Ask for many levels of one kind."""
    for index in range(count):
        levels[index].raw_ticks = price
        levels[index].price_ticks = -5
        levels[index].size_lots = size
        levels[index].reduce_only = 0


@kernel
def rule(glft, market, ladder):
    """Misbehave."""
    kind = int(market.span_bps) if market.span_bps < 100.0 else market.now_ns // 1_000_000 % 11
    fair, count, size = market.fair_ticks, 16, 10**15
    price = fair * 0.999
    if kind == 1:
        price = nan
    elif kind == 2:
        price = inf
    elif kind == 3:
        size = -(10**15)
    elif kind == 4:
        price = fair * 1.5
    elif kind == 5:
        market.long_lots_max = market.bid_lots_max = 10**15
        market.position_lots, market.fair_ticks, market.price_decimals = -(10**9), nan, 0
    elif kind == 6:
        raise ValueError("no quotes from me")
    elif kind == 7:
        fill(ladder.bids, 10**6, price, 1)
    elif kind == 8:
        ladder.bids[10**9].size_lots = 1
    elif kind == 9:
        price, size = -fair, 1
    fill(ladder.bids, count, price, size)
    fill(ladder.asks, count, 2.0 * fair - price, size)
    ladder.bid_levels = ladder.ask_levels = 10**9 if kind == 10 else count
'''
KINDS = range(11)
REPOSITORY = Path(__file__).resolve().parent.parent
RULE_LINES_MAX = 20
RANDOM = 1_000.0
CALM = {"inventory_1": 9.0, "inventory_2": 9.0}
"""The graduated response stands aside: it would take size and add premium at these positions."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The wishes that name the hostile rule; compiled once."""
    path = tmp_path_factory.mktemp("rules") / "hostile.py"
    path.write_text(HOSTILE)
    strategy = load_strategy(str(path))
    wishes = {"strategy": strategy.name, "strategy_sha256": strategy.sha256}
    warm_up(btc(**wishes))
    return wishes


def configured(monkeypatch: pytest.MonkeyPatch, config: EngineConfig) -> EngineConfig:
    """Let the benches of the engine's own tests run this configuration's strategy."""
    monkeypatch.setattr(test_engine, "step", step_of(config))
    return config


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_a_rule_asks_for_the_limits_hold(
    hostile: dict[str, str], monkeypatch: pytest.MonkeyPatch, kind: int
) -> None:
    """I1, T-34: sizes, prices, counts, memory and MARKET itself: the gate believes none of it."""
    bench = Bench(configured(monkeypatch, btc(span_bps=float(kind), **hostile)))
    asked = bench.quote()
    state = bench.state
    bids, asks = placed(asked, 1), placed(asked, -1)
    assert bids["size_lots"].sum() <= 2_000 and asks["size_lots"].sum() <= 2_000
    assert (placed(asked)["size_lots"] > 0).all()
    assert all(0 < p < 1_000_000 for p in bids["price_ticks"])
    assert all(1_000_000 < p < 4_000_000 for p in asks["price_ticks"])
    raises = kind in (6, 7, 8)
    assert bool(state.counters.rule_faults > 0) is raises
    assert summarise(bench.states)["rule_faults"] == state.counters.rule_faults
    if raises or kind in (1, 2, 3):
        assert len(placed(asked)) == 0
    if kind == 9:
        assert len(bids) == 0
    if kind == 5:
        assert state.market.fair_ticks == 1_000_000 and len(bids) > 0


def test_a_rule_that_raises_loses_its_orders(
    hostile: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing stays on the book that nobody wants: what rested is cancelled."""
    bench = Bench(configured(monkeypatch, btc(span_bps=0.0, **hostile)))
    orders = placed(bench.quote())
    assert len(orders) > 0
    for row in orders:
        seq = int(row["order_seq"])
        bench.say(Kind.ORDER_RESTED, wait_ms=1, order_seq=seq, oid=seq + 900)
    bench.state.config.span_bps = 6.0
    assert (bench.touch(wait_ms=300)["kind"] == Ask.CANCEL).sum() == len(orders)


@pytest.mark.parametrize("seed", range(8))
def test_no_interleaving_lets_a_hostile_rule_break_the_users_cap(
    hostile: dict[str, str], monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """I1, T-34: the rule misbehaves in another way at every decision; the cap holds in truth."""
    config = configured(monkeypatch, btc(position_limit_usd=2_000, span_bps=RANDOM, **hostile))
    world = World(seed)
    world.bench = Bench(config)
    world.bench.start()
    for _ in range(300):
        world.step()
        world.check()
    assert world.bench.state.table.placed > 0
    assert world.bench.state.counters.rule_faults > 0


def test_the_same_source_is_the_same_engine_and_other_source_another(
    hostile: dict[str, str], tmp_path: Path
) -> None:
    """F72: machine code goes by the hash of the file; the default engine is the one in `engine`."""
    config = btc(**hostile)
    assert step_of(config) is step_of(config)
    assert step_of(btc()) is step
    other = tmp_path / "hostile.py"
    other.write_text(HOSTILE.replace("0.999", "0.998"))
    strategy = load_strategy(f"{other}:rule")
    changed = btc(strategy=strategy.name, strategy_sha256=strategy.sha256)
    assert getattr(step_of(changed), "__name__", "") != getattr(step_of(config), "__name__", "")


def test_a_file_that_changed_since_is_refused(tmp_path: Path) -> None:
    """A session runs what its journal says it runs."""
    path = tmp_path / "mine.py"
    path.write_text(HOSTILE)
    strategy = load_strategy(str(path))
    path.write_text(HOSTILE + "\n")
    with pytest.raises(ConfigError, match="changed"):
        step_of(btc(strategy=strategy.name, strategy_sha256=strategy.sha256))


def test_a_replay_knows_that_the_file_has_changed(tmp_path: Path) -> None:
    """The present file is what a replay runs, and it is not the recorded one."""
    path = tmp_path / "mine.py"
    path.write_text(HOSTILE)
    strategy = load_strategy(str(path))
    config = btc(strategy=strategy.name, strategy_sha256=strategy.sha256)
    assert with_strategy_now(config) == config
    path.write_text(HOSTILE + "\n")
    now = with_strategy_now(config)
    assert now != config and now.strategy == config.strategy
    path.unlink()
    with pytest.raises(ConfigError, match=r"mine\.py"):
        with_strategy_now(config)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("import requests\n", "imports only"),
        ("from . import other\n", "imports only"),
        ("def rule(:\n", "Python source"),
        ("x = 1\n", "kernel"),
        ("x = 1 / 0\n", "ZeroDivisionError"),
        ("x = {}['gone']\n", "KeyError"),
        ("from hypermaker.core.kernel import kernel\n@kernel\ndef rule(a):\n    pass\n", "kernel"),
    ],
)
def test_what_is_no_rule_is_refused_in_one_line(tmp_path: Path, text: str, words: str) -> None:
    """A rule is one file with one kernel of three arguments."""
    path = tmp_path / "mine.py"
    path.write_text(text)
    with pytest.raises(ConfigError, match=words) as caught:
        load_strategy(str(path))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [("market.fare", "'fare'"), ("[] + 1", "mine.py, line 22")],
)
def test_a_rule_that_does_not_compile_says_why(tmp_path: Path, wrong: str, words: str) -> None:
    """A typing mistake is one line, before any order; not pages of a compiler's own words."""
    path = tmp_path / "mine.py"
    path.write_text(HOSTILE.replace("market.fair_ticks, 16", f"{wrong}, 16"))
    strategy = load_strategy(str(path))
    if not hasattr(strategy.rule, "py_func"):
        pytest.skip("nothing is compiled here")
    with pytest.raises(ConfigError) as caught:
        warm_up(btc(strategy=strategy.name, strategy_sha256=strategy.sha256))
    assert "\n" not in str(caught.value) and words in str(caught.value)
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize("name", ["nothing", "gone.py", "", "/"])
def test_an_unknown_strategy_names_those_there_are(name: str) -> None:
    """T-80."""
    with pytest.raises(ConfigError, match="glft, as2008, fixed"):
        load_strategy(name)


def first_quotes(name: str) -> list[int]:
    """Return the final prices of a strategy of ours on a quiet market, flat and long."""
    config = btc(strategy=name, half_spread_bps_min=4.0, risk=CALM)
    test_engine.step = step_of(config)
    flat, long = Bench(config), Bench(config)
    asked = flat.quote()
    long.start(1_000)
    long.touch(wait_ms=300)
    ends = [
        [placed(a, 1)["price_ticks"].max(), placed(a, -1)["price_ticks"].min()]
        for a in (asked, long.last())
    ]
    return [int(price) for pair in ends for price in pair]


def test_our_own_rules_trade_behind_the_same_engine() -> None:
    """as2008 leans with inventory, fixed does not; both stand outside fee and adverse move."""
    program = "from tests.test_strategies import first_quotes as q;print(*q('as2008'), *q('fixed'))"
    environment = os.environ | {
        "NUMBA_DISABLE_JIT": "1",
        "PYTHONPATH": f"{REPOSITORY / 'src'}:{REPOSITORY}",
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True
    )
    prices = np.array(done.stdout.split(), int).reshape(2, 4)
    for bid, ask, bid_long, ask_long in prices:
        assert bid < 1_000_000 - 200 and ask > 1_000_000 + 200
        assert bid_long <= bid and ask_long <= ask
    assert prices[0, 2] < prices[0, 0] and prices[0, 3] < prices[0, 1]
    assert prices[1].tolist()[2:] == prices[1].tolist()[:2]


@pytest.mark.parametrize("skew_bps_min", [0.5, 2.0, 4.0])
def test_a_metric_says_that_skew_is_in_the_final_prices(skew_bps_min: float) -> None:
    """T-50: at half the limit both rounded quotes have moved by at least what was configured."""
    told = {}
    for position in (-1_000, 0, 1_000):
        bench = Bench(btc(skew_bps_min=skew_bps_min, skew_bps_at_limit=0.01))
        bench.start(position)
        bench.touch(wait_ms=300)
        told[position] = summarise(bench.states)
    flat = told[0]
    assert flat["skew_bps_min"] == skew_bps_min and abs(flat["skew_bps"]) < 0.5
    for position, seen in told.items():
        if position:
            sign = position // 1_000
            assert sign * (seen["skew_bps"] - flat["skew_bps"]) >= skew_bps_min
            for side in ("bids", "asks"):
                moved = flat[side][0]["price_ticks"] - seen[side][0]["price_ticks"]
                assert sign * moved / 100 >= skew_bps_min


def resting(bench: Bench, asked: np.ndarray) -> None:
    """Let what was placed rest, and what was cancelled end."""
    for row in asked:
        seq = int(row["order_seq"])
        if row["kind"] == Ask.PLACE:
            bench.say(Kind.ORDER_RESTED, wait_ms=1, order_seq=seq, oid=seq + 900)
        elif row["kind"] == Ask.CANCEL:
            left = int(next(s.size_lots for s in bench.state.table.slots if s.order_seq == seq))
            bench.say(Kind.ORDER_ENDED, wait_ms=1, order_seq=seq, remaining_lots=left)


def filled(bench: Bench, row: np.void) -> None:
    """Fill one order whole."""
    seq, side = int(row["order_seq"]), int(row["side"])
    price, size = int(row["price_ticks"]), int(row["size_lots"])
    bench.say(
        Kind.FILL, wait_ms=1, order_seq=seq, side=side, price_ticks=price, size_lots=size, tid=seq
    )
    bench.say(Kind.ORDER_ENDED, wait_ms=1, order_seq=seq, remaining_lots=0)


@pytest.mark.parametrize("side", [1, -1])
def test_no_order_of_fills_breaks_the_limit_and_a_sweep_ends_at_it(side: int) -> None:
    """T-34: all orders in which one side's levels can fill, every level; nothing is added to them.

    What the engine asks for after each fill counts as open at once, what it cancels as open still.
    """
    levels = len(placed(Bench(btc()).quote(), side))
    assert levels >= 3
    for order in itertools.permutations(range(levels)):
        bench = Bench(btc())
        first = bench.quote()
        resting(bench, first)
        may_fill = {int(r["order_seq"]): int(r["size_lots"]) for r in placed(first, side)}
        rows = placed(first, side)
        for index in order:
            filled(bench, rows[index])
            may_fill.pop(int(rows[index]["order_seq"]))
            asked = bench.touch(wait_ms=1)
            may_fill |= {int(r["order_seq"]): int(r["size_lots"]) for r in placed(asked, side)}
            held = side * int(bench.state.fills.position_lots)
            assert held + sum(may_fill.values()) <= 2_000


@pytest.mark.parametrize("side", [1, -1])
@pytest.mark.parametrize("swept", [1, 2, 3])
def test_what_a_sweep_leaves_stands_where_it_is_wanted(side: int, swept: int) -> None:
    """T-32: the coins behind a sweep were priced at the inventory they now meet.

    The inventory's part of the price, summed over the coins that are left, is the same in the old
    ladder and in the new one: a difference of one value function between the same two positions.
    """
    bench = Bench(btc(span_bps=900.0, skew_bps_min=0.0, risk=CALM))
    asked = bench.quote()
    resting(bench, asked)
    name = "bids" if side > 0 else "asks"
    before = bench.state.ladder[name].copy()
    count = int(bench.state.ladder.bid_levels if side > 0 else bench.state.ladder.ask_levels)
    for row in placed(asked, side)[:swept]:
        filled(bench, row)
    bench.touch(wait_ms=600)
    after = bench.state.ladder[name]
    left = int(bench.state.ladder.bid_levels if side > 0 else bench.state.ladder.ask_levels)
    was = sum(float(b.size_lots * b.terms_bps[Term.INVENTORY]) for b in before[swept:count])
    now = sum(float(a.size_lots * a.terms_bps[Term.INVENTORY]) for a in after[:left])
    assert sum(int(a.size_lots) for a in after[:left]) == pytest.approx(
        sum(int(b.size_lots) for b in before[swept:count]), abs=2
    )
    assert now == pytest.approx(was, rel=0.02)


def test_the_tutorial_shows_the_example_and_it_is_short() -> None:
    """Issue 4, item 7: one kernel of at most twenty lines; what is printed is what runs."""
    source = (REPOSITORY / "examples" / "lean.py").read_text()
    page = (REPOSITORY / "docs" / "strategies.md").read_text()
    assert f"```python\n{source}```" in page
    (rule,) = (n for n in ast.parse(source).body if isinstance(n, ast.FunctionDef))
    assert rule.end_lineno is not None
    assert rule.end_lineno - rule.lineno < RULE_LINES_MAX


@pytest.mark.system
def test_every_command_of_the_tutorial_works(tmp_path: Path) -> None:
    """The page's commands in its order, with the session the first of them names."""
    page = (REPOSITORY / "docs" / "strategies.md").read_text()
    commands = re.findall(r"^\./hm (.*)$", page, re.MULTILINE)
    assert [line.split()[0] for line in commands] == ["demo", "replay", *["explain"] * 3]
    environment = os.environ | {"HYPERMAKER_HOME": str(tmp_path)}
    environment["PYTHONPATH"] = str(REPOSITORY / "src")
    session, said = "", {}
    for line in commands:
        arguments = line.replace("SESSION", session).split()
        done = subprocess.run(
            [sys.executable, "-m", "hypermaker", *arguments],
            cwd=REPOSITORY,
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, (line, done.stderr)
        said[line] = done.stdout
        session = session or json.loads(done.stdout)["session"]
    demo, replayed, last, order, at = said.values()
    assert json.loads(demo)["orders_placed"] > 0
    assert "byte for byte" in replayed
    assert "lean.py" in last and "half spread" in last and "order 1 " in order
    assert all(abs(q["gap_bps"]) < 1e-9 for q in json.loads(at)["quotes"])
