"""Quoting rules: what a strategy is. Each turns the market into a ladder and nothing else.

A rule is one `@kernel` function `rule(glft, market, ladder)`:

glft     one GLFT record: the value-of-inventory solver and its memory between calls
market   one MARKET record: all a rule may read
ladder   one LADDER record: cleared and filled by the rule, with `quote.ladder.add_bid`/`add_ask`
         or level by level; `raw_ticks` and `terms_bps`, best level first

Whatever a rule asks for passes the quantiser, the risk gate, the differ and the request budget,
which no rule can reach. A rule that knows too little leaves the ladder empty.
"""

from hypermaker.core.kernel import kernel
from hypermaker.core.ladder import Ladder
from hypermaker.core.market import Market
from hypermaker.quote.glft import Glft, is_ready, solve
from hypermaker.quote.ladder import clear, fill_ladder

@kernel
def glft(glft: Glft, market: Market, ladder: Ladder) -> None:
    """Quote every coin at its marginal value on the real inventory range: the default."""
    clear(ladder)
    if is_ready(market):
        solve(glft, market)
        fill_ladder(glft, market, ladder)
