"""What to believe about a coin before it has traded in front of us, by class of coin.

Measured on recordings of Hyperliquid perpetuals (BTC, ETH, SOL, WLFI; 3 and 4 September and 10
December 2025, 80 minutes in all) with the estimators of this room and no prior: sigma 0.4-0.7
(BTC), 0.7-1.7 (ETH), 1.0-1.2 (SOL), 3.5 (WLFI) bps per sqrt(s); kappa 0.9-1.5, 0.25-1.1,
0.5-0.6, 0.27 per bps; A 0.04-0.09, 0.02-0.4, 0.02-0.09, 0.03 per second and side. The table
leans to the careful side: more volatility, fewer and shallower orders. It only has to be right
within a factor of two or three: after a minute or two the data outweigh it.
"""

from typing import NamedTuple


class Prior(NamedTuple):
    """First beliefs and how many observations they are worth.

    sigma_bps       volatility, bps per sqrt(s)
    a_per_s         taker orders per second and side that reach depth 0 (extrapolated)
    kappa_per_bps   decay of that rate with depth, 1/bps
    epsilon_bps     adverse move after a fill at the touch, bps
    """

    sigma_bps: float
    a_per_s: float
    kappa_per_bps: float
    epsilon_bps: float


SIGMA_N = 20.0
"""Samples (of a second) the prior volatility is worth."""
INTENSITY_N = 10.0
"""Taker orders a side the prior fill intensity is worth."""

MAJOR = Prior(sigma_bps=1.0, a_per_s=0.08, kappa_per_bps=0.9, epsilon_bps=0.5)
LARGE = Prior(sigma_bps=1.5, a_per_s=0.05, kappa_per_bps=0.5, epsilon_bps=1.0)
SMALL = Prior(sigma_bps=3.5, a_per_s=0.03, kappa_per_bps=0.25, epsilon_bps=3.0)

CLASSES = {
    **dict.fromkeys(("BTC", "ETH"), MAJOR),
    **dict.fromkeys(("SOL", "HYPE", "XRP", "BNB", "DOGE"), LARGE),
}


def prior_for(coin: str) -> Prior:
    """Return the first beliefs about a coin; one we do not know is taken for a small one."""
    return CLASSES.get(coin, SMALL)
