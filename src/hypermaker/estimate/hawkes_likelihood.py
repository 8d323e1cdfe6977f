"""Exact likelihood of a self-exciting process over a whole record of events, and its maximum.

What `hawkes_fit.py` is measured against, and what offline calibration uses: O(n) recursions over
arrays. Ties must be aggregated first (`aggregate`).

Units: times in s from the start of observation, marks are pure numbers, rates 1/s.
Source: quant-models 5.2; Ogata 1981; the several-node case as in the `tick` library.
"""

from math import exp, expm1, log
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from hypermaker.core.kernel import kernel

Floats = npt.NDArray[np.float64]
SCORING_STEPS = 200
SCORING_END = 1e-10
HALVINGS = 30


class Fit(NamedTuple):
    """Maximum likelihood estimates with standard errors from the information of the data.

    mu, alpha, beta   1/s;  branching  alpha E[mark] / beta;  *_se their standard errors
    loglik            of the times, marks not included
    ks, ks_bound      Kolmogorov distance of the rescaled gaps, and its 5 % bound
    """

    mu: float
    alpha: float
    beta: float
    branching: float
    mu_se: float
    alpha_se: float
    beta_se: float
    branching_se: float
    loglik: float
    ks: float
    ks_bound: float


def aggregate(times_ns: npt.NDArray[np.int64], marks: Floats) -> tuple[Floats, Floats]:
    """Return times [s, from the first] and marks with equal times summed; sorts by time."""
    unique, where = np.unique(times_ns, return_inverse=True)
    summed = np.zeros(len(unique))
    np.add.at(summed, where, marks)
    start = unique[0] if len(unique) else 0
    return (unique - start) * 1e-9, summed


@kernel
def log_likelihood(
    times_s: Floats, marks: Floats, nodes: Any, end_s: float, model: tuple[Floats, Floats, float]
) -> float:
    """Return the log-likelihood of marked events on D nodes with one common decay.

    nodes   int64, the node 0..D-1 of each event; times ascending
    model   (mu [D], jump [D, D], beta): an event on node j lifts lambda_i by jump[i, j] * mark
    """
    mu, jump, beta = model
    count = len(mu)
    excitation = np.zeros(count)
    total = -end_s * mu.sum()
    last = 0.0
    for e in range(len(times_s)):
        fade = exp(-beta * (times_s[e] - last))
        last = times_s[e]
        for i in range(count):
            excitation[i] *= fade
        total += log(mu[nodes[e]] + excitation[nodes[e]])
        for i in range(count):
            lift = jump[i, nodes[e]] * marks[e]
            excitation[i] += lift
            total += lift / beta * expm1(-beta * (end_s - times_s[e]))
    return float(total)


@kernel
def score(
    times_s: Floats, marks: Floats, end_s: float, theta: Floats, out: tuple[Floats, Floats, Floats]
) -> float:
    """Return the log-likelihood at theta = (ln mu, logit n, ln beta) and fill its derivatives.

    out   (score [3], information [3, 3], gaps [len(times)]): the information is the outer product
          of the events' terms; the gaps are rescaled times, unit exponentials under the model
    alpha is n * beta / mean mark, so n is the branching ratio.
    """
    gradient, information, gaps = out
    mu, n, beta = exp(theta[0]), 1.0 / (1.0 + exp(-theta[1])), exp(theta[2])
    unit = marks.mean()
    gradient[:] = 0.0
    information[:, :] = 0.0
    total = past = past_dt = last = 0.0
    event = np.empty(3)
    for e in range(len(times_s) + 1):
        time = times_s[e] if e < len(times_s) else end_s
        dt = time - last
        last = time
        fade, faded = exp(-beta * dt), -expm1(-beta * dt)
        gap = mu * dt + n / unit * past * faded
        total -= gap
        gradient[0] -= mu * dt
        gradient[1] -= n * (1.0 - n) / unit * past * faded
        gradient[2] -= n * beta / unit * (past * dt * fade - past_dt * faded)
        past_dt = fade * (past_dt + dt * past)
        past *= fade
        if e < len(times_s):
            gaps[e] = gap
            rate = mu + n * beta / unit * past
            total += log(rate)
            event[0] = mu / rate
            event[1] = n * (1.0 - n) * beta / unit * past / rate
            event[2] = n * beta / unit * (past - beta * past_dt) / rate
            for a in range(3):
                gradient[a] += event[a]
                for b in range(3):
                    information[a, b] += event[a] * event[b]
            past += marks[e]
    return float(total)


def fit(times_s: Floats, marks: Floats, end_s: float) -> Fit:
    """Return the maximum likelihood fit of a univariate process with marks.

    times_s   ascending, distinct, in (0, end_s]; at least 10 of them
    Raises ValueError when there are fewer.
    """
    if len(times_s) < 10:
        raise ValueError(f"{len(times_s)} events are too few for three parameters")
    gradient, information, gaps = np.zeros(3), np.zeros((3, 3)), np.zeros(len(times_s))
    out = (gradient, information, gaps)
    rate = len(times_s) / end_s
    theta = np.array([log(rate / 2.0), 0.0, log(2.0 * rate)])
    best = score(times_s, marks, end_s, theta, out)
    for _ in range(SCORING_STEPS):
        step = np.linalg.solve(information + 1e-6 * np.eye(3), gradient)
        step *= min(1.0, 1.0 / float(np.abs(step).max()))
        gain = 0.0
        for _ in range(HALVINGS):
            value = score(times_s, marks, end_s, theta + step, out)
            if value >= best:
                gain, best, theta = value - best, value, theta + step
                break
            step = step / 2.0
        else:
            score(times_s, marks, end_s, theta, out)
        if gain < SCORING_END:
            break
    return _summary(theta, marks, best, information, gaps)


def _summary(theta: Floats, marks: Floats, loglik: float, information: Floats, gaps: Floats) -> Fit:
    """Return the fit in natural units; errors by the delta method."""
    mu, n, beta = (
        float(np.exp(theta[0])),
        float(1 / (1 + np.exp(-theta[1]))),
        float(np.exp(theta[2])),
    )
    covariance = np.linalg.inv(information)
    alpha = n * beta / float(marks.mean())
    log_alpha = np.array([0.0, 1.0 - n, 1.0])
    return Fit(
        mu=mu,
        alpha=alpha,
        beta=beta,
        branching=n,
        mu_se=mu * float(np.sqrt(covariance[0, 0])),
        alpha_se=alpha * float(np.sqrt(log_alpha @ covariance @ log_alpha)),
        beta_se=beta * float(np.sqrt(covariance[2, 2])),
        branching_se=n * (1.0 - n) * float(np.sqrt(covariance[1, 1])),
        loglik=loglik,
        ks=ks_distance(gaps),
        ks_bound=1.36 / float(np.sqrt(len(gaps))),
    )


def ks_distance(gaps: Floats) -> float:
    """Return the Kolmogorov distance of rescaled gaps from the unit exponential."""
    levels = np.sort(-np.expm1(-gaps))
    n = len(levels)
    above = np.arange(1, n + 1) / n - levels
    below = levels - np.arange(n) / n
    return float(max(above.max(), below.max()))
