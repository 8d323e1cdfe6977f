"""The recursive fit against the same steps taken with direct sums and a linear solver."""

import math
from typing import Any

import numpy as np

from hypermaker.estimate import hawkes_fit
from tests.estimate.laws.law import START_NS, Event

MU, BRANCHING, BETA, TAU_S = 0.3, 0.4, 1.5, 600.0
BAD: list[Event] = [
    ("event", START_NS + 10**15, mark) for mark in (0.0, -1.0, math.nan, math.inf)
] + [("event", START_NS - 1, 1.0)]


def start(rec: Any) -> None:
    """Reset."""
    hawkes_fit.reset(rec, MU, BRANCHING, BETA, TAU_S)


def stream(rng: np.random.Generator, count: int, ns: int) -> list[Event]:
    """Clustered marked events with ties and one long gap."""
    gaps = np.where(rng.random(count) < 0.5, rng.exponential(0.3, count), rng.exponential(4, count))
    gaps[rng.random(count) < 0.15] = 0.0
    gaps[count // 2] = 3 * TAU_S
    at = ns + np.cumsum((gaps * 1e9).astype(np.int64))
    marks = rng.lognormal(0.0, 0.7, count)
    return [("event", int(at[i]), float(marks[i])) for i in range(count)]


def feed(rec: Any, event: Event) -> None:
    """Record one event."""
    hawkes_fit.record_event(rec, event[1], event[2])


def read(rec: Any, ns: int) -> dict[str, float]:
    """Every getter."""
    errors = hawkes_fit.log_stderrs(rec)
    return {
        "mu": hawkes_fit.mu_per_s(rec),
        "n": hawkes_fit.branching(rec),
        "beta": hawkes_fit.beta_per_s(rec),
        "alpha": hawkes_fit.alpha_per_s(rec),
        "mark": hawkes_fit.mean_mark(rec),
        "events": hawkes_fit.effective_count(rec),
        "mu error": errors[0],
        "beta error": errors[2],
        "ks": hawkes_fit.ks_distance(rec),
        "correlation": hawkes_fit.gap_correlation(rec),
        "ready": hawkes_fit.ready(rec),
        "stderr": hawkes_fit.stderr(rec),
    }


def twin(events: list[Event], ns: int) -> dict[str, float]:
    """Keep every event, gap, gradient and parameter; sum from scratch at every step."""
    times: list[int] = []
    marks: list[float] = []
    for _, when, mark in events:
        if times and times[-1] == when:
            marks[-1] += mark
        else:
            times.append(when)
            marks.append(mark)
    theta = np.array([math.log(MU), math.log(BRANCHING / (1 - BRANCHING)), math.log(BETA)])
    betas: list[float] = []
    gradients: list[np.ndarray[Any, Any]] = []
    for e in range(1, len(times)):
        gaps = np.diff(np.array(times[: e + 1], dtype=np.int64)) * 1e-9
        betas.append(math.exp(theta[2]))
        unit = _faded_mean(marks[:e], gaps)
        value, score = _terms(theta, unit, marks[:e], gaps, betas)
        gradients.append(value)
        fades = np.exp(-np.append(np.cumsum(gaps[1:][::-1])[::-1], 0.0) / TAU_S)
        information = sum(f * np.outer(g, g) for f, g in zip(fades, gradients, strict=True))
        ridge = hawkes_fit.PRIOR_INFORMATION * math.exp(-gaps.sum() / TAU_S)
        theta = theta + np.clip(np.linalg.solve(information + ridge * np.eye(3), score), -0.5, 0.5)
    n = 1 / (1 + math.exp(-theta[1]))
    told = {"mu": math.exp(theta[0]), "n": n, "beta": math.exp(theta[2])}
    if len(times) > 10:
        share = float((fades**2).sum() / fades.sum())
        errors = np.sqrt(np.diag(np.linalg.inv(information)) * share)
        told |= {"mu error": errors[0], "beta error": errors[2], "stderr": n * (1 - n) * errors[1]}
        told["events"] = float(fades.sum() ** 2 / (fades**2).sum())
    return told


def _faded_mean(marks: list[float], gaps: Any) -> float:
    """Return the mean of the marks that have joined the past, the newest weighing most."""
    fades = np.exp(-np.append(np.cumsum(gaps[1:][::-1])[::-1], 0.0) / TAU_S)
    return float((fades * np.array(marks)).sum() / fades.sum())


def _terms(
    theta: Any, unit: float, marks: list[float], gaps: Any, betas: list[float]
) -> tuple[Any, Any]:
    """Return the gradient of ln lambda at the newest event, and the score of its interval.

    The past decays with the betas that held then; d/d(beta) of each factor is -gap.
    """
    mu, n, beta = math.exp(theta[0]), 1 / (1 + math.exp(-theta[1])), math.exp(theta[2])
    decay = np.array(betas) * gaps
    before = np.exp(
        -np.append(np.cumsum(decay[:-1][::-1])[::-1], 0.0)
    )  # right after the last event
    age = np.append(np.cumsum(gaps[:-1][::-1])[::-1], 0.0)
    past = float((np.array(marks) * before).sum())
    past_dt = float((np.array(marks) * before * age).sum())
    dt = float(gaps[-1])
    fade = math.exp(-beta * dt)
    recent, recent_dt = fade * past, fade * (past_dt + dt * past)
    rate = mu + n * beta / unit * recent
    gradient = np.array(
        [
            mu / rate,
            n * (1 - n) * beta / unit * recent / rate,
            n * beta / unit * (recent - beta * recent_dt) / rate,
        ]
    )
    compensator = np.array(
        [
            mu * dt,
            n * (1 - n) / unit * past * (1 - fade),
            n * beta / unit * (past * dt * fade - past_dt * (1 - fade)),
        ]
    )
    return gradient, gradient - compensator
