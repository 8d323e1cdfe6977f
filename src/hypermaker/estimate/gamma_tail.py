"""The upper tail of the gamma distribution as a logarithm, far beyond where the tail underflows.

ln Gamma is our own: the interpreter's and the compiler's differ in the last place, and the same
events must give the same bits in both.

Source: DLMF 5.11 (Stirling's series), 8.7 (series) and 8.9 (continued fraction, Lentz's method).
"""

from math import exp, inf, log, log1p, pi

from hypermaker.core.kernel import kernel

TERMS_MAX = 500
TERM_END = 1e-14
TINY = 1e-300
STIRLING_FROM = 12.0
HALF_LOG_TAU = 0.5 * log(2.0 * pi)


@kernel
def log_gamma(x: float) -> float:
    """Return ln Gamma(x) for x > 0 to about 1e-14."""
    shift = 0.0
    while x < STIRLING_FROM:
        shift += log(x)
        x += 1.0
    r = 1.0 / (x * x)
    series = 1.0 / 12.0 - r * (1.0 / 360.0 - r * (1.0 / 1260.0 - r * (1.0 / 1680.0 - r / 1188.0)))
    return (x - 0.5) * log(x) - x + HALF_LOG_TAU + series / x - shift


@kernel
def log_upper_gamma(shape: float, x: float) -> float:
    """Return ln P(G >= x) for a gamma variable of this shape > 0 and scale 1; 0 for x <= 0."""
    if not x > 0.0:
        return 0.0
    if x == inf:
        return -inf
    front = shape * log(x) - x - log_gamma(shape)
    if x < shape + 1.0:
        below = front + log(_series(shape, x))
        return log1p(-min(1.0 - 1e-16, exp(below)))
    return front + log(_fraction(shape, x))


@kernel
def _series(shape: float, x: float) -> float:
    term = 1.0 / shape
    total = term
    for n in range(1, TERMS_MAX):
        term *= x / (shape + n)
        total += term
        if term < total * TERM_END:
            break
    return total


@kernel
def _fraction(shape: float, x: float) -> float:
    b = x + 1.0 - shape
    c = 1.0 / TINY
    d = 1.0 / b
    value = d
    for n in range(1, TERMS_MAX):
        a = -n * (n - shape)
        b += 2.0
        d = a * d + b
        d = 1.0 / (d if abs(d) > TINY else TINY)
        c = b + a / c
        c = c if abs(c) > TINY else TINY
        value *= d * c
        if abs(d * c - 1.0) < TERM_END:
            break
    return value
