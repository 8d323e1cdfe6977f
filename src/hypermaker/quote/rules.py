"""Quoting rules: what a strategy is. Each turns the market into a ladder and does nothing else.

A rule is one `@kernel` function `rule(glft, market, ladder)`:

glft     one GLFT record: the value-of-inventory solver and its memory between calls
market   one MARKET record: all a rule may read
ladder   one LADDER record, filled by the rule: `quote.ladder.clear`, then `add_bid` and `add_ask`
         from the best level outwards

Whatever a rule asks for passes the quantiser, the risk gate, the differ and the request budget,
which no rule can reach; fee, adverse selection and premium are added to every quote by `add_bid`
and `add_ask`. A rule that knows too little leaves the ladder empty. A rule of one's own is a file
with one such function named `rule` (`load_rule`).
"""

import importlib.util
from collections.abc import Callable
from math import exp, log
from pathlib import Path
from typing import Any, cast

from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import Ladder
from hypermaker.core.market import Market
from hypermaker.errors import ConfigError
from hypermaker.quote.glft import Glft, is_ready, solve
from hypermaker.quote.ladder import add_ask, add_bid, clear, fill_ladder

Rule = Callable[[Any, Any, Any], None]

AS_HORIZON_S = 60.0
"""Avellaneda and Stoikov's T - t. A perpetual has no T: held constant, the skew has no clock."""


@kernel
def glft(glft: Glft, market: Market, ladder: Ladder) -> None:
    """Quote every coin at its marginal value on the real inventory range: the default."""
    clear(ladder)
    if is_ready(market):
        solve(glft, market)
        fill_ladder(glft, market, ladder)


@kernel
def as2008(glft: Glft, market: Market, ladder: Ladder) -> None:
    """Quote Avellaneda and Stoikov's eqs 29 and 30, one level a side, at a constant horizon."""
    clear(ladder)
    if is_ready(market) and market.gamma > 0.0:
        risk = market.gamma * market.sigma_bps * market.sigma_bps * AS_HORIZON_S
        half = 0.5 * risk + log(1.0 + market.gamma / market.kappa_per_bps) / market.gamma
        skew = risk * market.position_lots / market.quote_lots
        add_bid(market, ladder, half, skew)
        add_ask(market, ladder, half, skew)


@kernel
def fixed(glft: Glft, market: Market, ladder: Ladder) -> None:
    """Quote at fixed depths that know neither risk nor inventory: the baseline to beat.

    From `half_spread_bps_min` to `span_bps` behind it, in equal ratios.
    """
    clear(ladder)
    if is_ready(market) and market.half_spread_bps_min > 0.0:
        depth = market.half_spread_bps_min
        steps = max(market.levels_max - 1, 1)
        ratio = exp(log(1.0 + market.span_bps / market.half_spread_bps_min) / steps)
        for _ in range(market.levels_max):
            add_bid(market, ladder, depth, 0.0)
            add_ask(market, ladder, depth, 0.0)
            depth *= ratio


RULES: dict[str, Rule] = {"glft": glft, "as2008": as2008, "fixed": fixed}


def load_rule(name: str) -> Rule:
    """Return the rule of this name, or the one in this file: `mine.py` or `mine.py:function`.

    Raises ConfigError when there is no such rule, or what the file holds is not a kernel.
    """
    if name in RULES:
        return RULES[name]
    path, _, function = name.partition(":")
    valid = f"one of {', '.join(RULES)}, or a file as mine.py or mine.py:function"
    if not path.endswith(".py") or not Path(path).is_file():
        raise ConfigError("strategy", name, valid)
    rule = getattr(_import_file(Path(path)), function or "rule", None)
    if not _is_kernel(rule):
        raise ConfigError("strategy", name, "a @kernel function of (glft, market, ladder)")
    return cast(Rule, rule)


def _import_file(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location(f"hypermaker_rule_{path.stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except (ImportError, SyntaxError, NameError, AttributeError, TypeError, ValueError) as error:
        raise ConfigError("strategy", path, f"a file that imports ({error!r})") from error
    return module


def _is_kernel(rule: object) -> bool:
    """Return whether this is a function of three arguments, compiled or (without JIT) plain."""
    plain = getattr(rule, "py_func", rule)
    code = getattr(plain, "__code__", None)
    return callable(rule) and code is not None and code.co_argcount == 3
