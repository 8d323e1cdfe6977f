"""First beliefs: sane for every coin, careful about those we do not know."""

import pytest

from hypermaker.estimate import priors


@pytest.mark.parametrize("coin", ["BTC", "SOL", "kPEPE", ""])
def test_first_beliefs_are_usable(coin: str) -> None:
    """Positive rates and a half-spread 1/kappa between one and ten bps."""
    prior = priors.prior_for(coin)
    assert min(prior) > 0.0
    assert 1.0 <= 1.0 / prior.kappa_per_bps <= 10.0


def test_an_unknown_coin_is_taken_for_a_small_one() -> None:
    """Wider and rarer than a major in every respect."""
    small, major = priors.prior_for("NOBODY"), priors.prior_for("BTC")
    assert small.sigma_bps > major.sigma_bps and small.epsilon_bps > major.epsilon_bps
    assert small.a_per_s < major.a_per_s and small.kappa_per_bps < major.kappa_per_bps
