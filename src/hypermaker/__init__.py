"""hypermaker: a market maker for Hyperliquid perpetuals, and a local Hyperliquid to try it on.

Start with `engine.py`: one pure compiled function makes every decision, in simulation, on paper
and live. The rooms around it are nouns of the trade; `docs/design.md` says why they are so.
"""

__version__ = "0.1.0"
