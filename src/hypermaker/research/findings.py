"""What a calibration says: one estimate a row, and a reason wherever there is no number."""

from math import exp, isfinite

import msgspec

from hypermaker.estimate.gamma_tail import log_upper_gamma

P_MIN = 0.05
"""A model is said not to fit when its data had a smaller chance than this."""


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """One number a tape taught.

    model     the estimator
    name      what was estimated, with the side or depth it is for
    unit      of value and stderr
    value     None when the tape names none; then `verdict` says why
    stderr    from the data alone; None when unknown
    sample    how many observations it rests on
    verdict   what a test of the model's fit says, in words
    fits      True or False: the model passed or failed its test; None: nothing was tested
    """

    model: str
    name: str
    unit: str
    value: float | None
    stderr: float | None
    sample: float
    verdict: str = ""
    fits: bool | None = None


def number(value: float) -> float | None:
    """Return a finite float, or None: what is not a number is never printed as one."""
    return float(value) if isfinite(value) else None


def estimate(
    label: tuple[str, str, str],
    value: float,
    error: float,
    *,
    sample: float,
    verdict: str = "",
    fits: bool | None = None,
) -> Estimate:
    """Return one row; (model, name, unit) and numbers that may be nan or inf for none.

    A missing number without a verdict gets the plainest reason there is.
    """
    shown, bar = number(value), number(error)
    if sample <= 0.0:
        shown = bar = None
    if not verdict and shown is None:
        verdict = "no data on this tape" if sample <= 0.0 else "the data name no value"
    elif not verdict and bar is None:
        verdict = "too little data for an error"
    model, name, unit = label
    return Estimate(
        model=model,
        name=name,
        unit=unit,
        value=shown,
        stderr=bar,
        sample=float(sample),
        verdict=verdict,
        fits=fits,
    )


def chi_square_p(distance: float, freedom: int) -> float:
    """Return the chance of a chi-square at least this large.

    >>> round(chi_square_p(3.841459, 1), 4)
    0.05
    """
    return exp(log_upper_gamma(0.5 * freedom, 0.5 * distance))


def fit_verdict(name: str, p: float) -> tuple[str, bool]:
    """Return the words for a test with this p-value, and whether the model passed."""
    passed = p >= P_MIN
    return f"{'fits' if passed else 'does not fit'}: {name}, p = {p:.2g}", passed
