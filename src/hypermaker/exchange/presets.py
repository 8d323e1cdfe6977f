"""The simulated market's parameters, and the named sets of them."""

import msgspec


class FlowConfig(msgspec.Struct, frozen=True, kw_only=True):
    """How simulated traders behave around a fundamental price.

    sigma_bps             volatility of the fundamental, bps per sqrt(second), impact included
    maker_half_bps        half-spread of each background maker
    maker_levels          orders a side of each
    maker_step_bps        distance between its levels
    maker_usd             mean size of one of its orders
    maker_refresh_s       mean time between its re-quotes
    maker_lag_s           age of the fundamental it quotes around
    taker_a_per_s         rate of sweeps per side at depth 0
    taker_kappa_per_bps   sweeps that reach depth d arrive with a*exp(-kappa*d)
    taker_usd             mean size of the exponential part of a sweep
    taker_usd_per_bps     size a sweep brings for each bp it is willing to walk
    tail                  Pareto exponent of the sizes; > 1, smaller is wilder
    informed_share        part of the takers that know where the price goes
    informed_bps          how far it then goes
    informed_tau_s        how quickly
    """

    sigma_bps: float = 1.5
    maker_half_bps: tuple[float, ...] = (5.0, 7.0, 10.0)
    maker_levels: int = 8
    maker_step_bps: float = 3.0
    maker_usd: float = 1_500.0
    maker_refresh_s: float = 0.6
    maker_lag_s: float = 0.25
    taker_a_per_s: float = 1.5
    taker_kappa_per_bps: float = 0.25
    taker_usd: float = 300.0
    taker_usd_per_bps: float = 150.0
    tail: float = 2.5
    informed_share: float = 0.1
    informed_bps: float = 2.0
    informed_tau_s: float = 1.0


PRESETS = {
    "calm": FlowConfig(),
    "busy": FlowConfig(taker_a_per_s=4.0, sigma_bps=2.5, maker_half_bps=(3.0, 4.0, 6.0)),
    "toxic": FlowConfig(sigma_bps=4.0, informed_share=0.4, informed_bps=5.0, maker_lag_s=0.5),
    "still": FlowConfig(taker_a_per_s=0.0, sigma_bps=0.0),
}
"""Named markets: `still` has no takers and a fundamental that does not move, for tests."""
