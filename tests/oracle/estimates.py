#!/usr/bin/env python3
"""What the estimators must say, by scipy, statsmodels and exact fractions: an oracle that shares no code with them.

    target/python-venv/bin/python tests/oracle/estimates.py > src/core/estimate/tests/vectors.json

The file is committed and compared with the functions by `src/core/estimate/tests.rs`; it needs writing anew only when a formula changes.
A None is written as null: nothing can be said.
"""

import fractions
import itertools
import json
import math

import numpy
import statsmodels.api
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import CompareMeans
from statsmodels.tsa.stattools import acf

DICE = numpy.random.default_rng(20261129)


def cents(values):
    """Amounts as people write them, so that the file stays short."""
    return [round(float(value), 2) for value in values]


def freedom(values, squares):
    """max(3, floor(n) - 1), n exactly."""
    exact = [fractions.Fraction(str(value)) if squares == "decimal" else fractions.Fraction(value) for value in values]
    total, square = sum(exact), sum(value * value for value in exact)
    return max(3, math.floor(total * total / square) - 1)


def sums():
    worlds = [[], [5.0], [5.0, 5.0], [0.1, 0.1, 0.1], [7.3] * 5, [0.7] * 30, [1e-6, 1e-6], [1000.0, 1.0, 1.0], [10.0, 10.0, -4.0], [3.0, -3.0], [-5.0, 2.0], [0.0, 0.0],
              [0.0, 4.0, 4.0], [1e12, 9e11, 1.0], [100000.0] + [1.0] * 50, cents(DICE.lognormal(2, 0.5, 12)), cents(DICE.lognormal(2, 1.5, 200)), cents(DICE.lognormal(0, 2.5, 60)),
              cents(DICE.normal(5, 20, 40) + 3), cents(DICE.lognormal(3, 1, 1000))]
    for values in worlds:
        exact = [fractions.Fraction(str(value)) for value in values]
        total, square = sum(exact), sum(value * value for value in exact)
        effective = float(total * total / square) if square else 0.0
        row = {"values": values, "effective": effective, "half": None, "half_up": None, "half_of": None}
        if total > 0 and total * total >= 2 * square:
            half = stats.t.ppf(0.975, freedom(values, "decimal")) * math.sqrt(square) / float(total)
            row |= {"half": half, "half_up": half * (1 + 0.6 * max(values) / math.sqrt(square) * (1 - 2 / effective))}
            # The variance about the mean of so many units.
            row["half_of"] = stats.t.ppf(0.975, freedom(values, "decimal")) * math.sqrt(len(values) * max(0.0, float(numpy.var(values, ddof=1)))) / float(total)
        yield row


def likenesses():
    walk = numpy.cumsum(DICE.normal(0, 1, 120))
    for days in [[1.0, 2.0], [3.0, 3.0, 3.0], [1.0, -1.0] * 10, cents(walk), cents(DICE.lognormal(0, 1, 91)), cents(10 + 5 * numpy.sin(numpy.arange(91) * 2 * numpy.pi / 7))]:
        yield {"days": days, "likeness": None if len(set(days)) == 1 else float(acf(numpy.array(days), nlags=1, fft=False)[1])}


def scores(part, whole):
    """p, and what each cluster adds to its error: weighted least squares on a constant, whose HC1 variance is their sum of squares."""
    kept = whole > 0
    fit = statsmodels.api.WLS(part[kept] / whole[kept], numpy.ones(kept.sum()), weights=whole[kept]).fit(cov_type="HC1")
    p, number = float(fit.params[0]), int(kept.sum())
    each = numpy.where(kept, part - p * whole, 0) / whole.sum() * math.sqrt(number / (number - 1))
    assert abs(float(fit.cov_params()[0, 0]) - float((each**2).sum())) < 1e-12
    return p, each


def ratios():
    for number, both in [(2, 0.0), (25, 0.0), (40, 0.5), (80, 1.0)]:
        whole = DICE.poisson(6, (2, number)) + 1
        part = DICE.binomial(whole, [[0.9], [0.3]])
        if both < 1:
            drop = DICE.random(number) >= both
            whole[0, drop & (numpy.arange(number) % 2 == 0)] = 0
            whole[1, drop & (numpy.arange(number) % 2 == 1)] = 0
            part = numpy.minimum(part, whole)
        row = {"clusters": [[int(a1), int(b1), int(a2), int(b2)] for (a1, b1, a2, b2) in zip(part[0], whole[0], part[1], whole[1])], "difference": None, "low": None, "high": None}
        if min((whole > 0).sum(axis=1)) > 1:
            row["difference"] = scores(part[0], whole[0])[0] - scores(part[1], whole[1])[0]
            t = stats.t.ppf(0.975, min(freedom([int(b) for b in side if b], "") for side in whole))
            # Of a side that shows no spread the interval is that of two more clusters, all part and none.
            alike = numpy.repeat((part.sum(axis=1) == 0) | (part.sum(axis=1) == whole.sum(axis=1)), 2)
            sizes = whole.sum(axis=1) / (whole > 0).sum(axis=1)
            more = numpy.array([[sizes[0], sizes[0], 0, 0], [0, 0, sizes[1], sizes[1]]])[:, alike]
            part, whole = numpy.hstack([part, more * numpy.array([1, 0, 1, 0])[alike]]), numpy.hstack([whole, more])
            (p, own), (q, other) = scores(part[0], whole[0]), scores(part[1], whole[1])
            error = math.sqrt(float((own**2).sum() + (other**2).sum() - 2 * (own * other).sum()))
            row |= {"low": p - q - t * error, "high": p - q + t * error}
        yield row


def differences():
    shared = DICE.lognormal(3, 1, 91)
    lift = shared * DICE.lognormal(0, 0.4, 91)
    cases = [("jointly", cents(shared), cents(lift)), ("jointly", cents(DICE.lognormal(0, 2, 30)), cents(DICE.lognormal(0, 0.2, 30))), ("jointly", [5.0, 0.0], [0.0, 5.0]),
             ("jointly", [5.0, 5.0], [10.0, 10.0]), ("jointly", [0.0, -1.0], [1.0, 1.0]), ("apart", cents(shared[:28]), cents(lift[28:56])), ("apart", [9.0], [3.0]), ("apart", cents(lift), cents(shared[:30]))]
    # Few posts bring most; all posts alike; a single one; none is known; a side that lost money.
    of_units = [(numpy.random.default_rng(7).lognormal(0, 2, 40), [2.0, 2.5, 3.0]), ([1.0, 1.0, 1.0], [2.0, 2.0]), ([4.0], [1.0, 9.0, 1.0]), ([], []), ([3.0, -4.0], [1.0, 2.0])]
    for (kind, first, second), units in zip(cases, itertools.cycle(of_units)):
        costs, units = [100.0, 80.0], [cents(side) for side in units]
        row = {"kind": kind, "first": first, "second": second, "units": units, "costs": costs, "log_ratio": None, "low": None, "high": None, "p_first": None}
        own, other = sum(first), sum(second)
        if own > 0 and other > 0:
            by_day = numpy.array(first) / own - numpy.array(second) / other if kind == "jointly" else numpy.concatenate([numpy.array(first) / own, numpy.array(second) / other])
            if float((by_day**2).sum()) > 1e-20:
                ratio = math.log(own / costs[0]) - math.log(other / costs[1])
                error, t = max((spread(terms) for terms in (by_day, numpy.concatenate([of_their_units(side) for side in units])) if len(terms)), key=lambda found: found[0] * found[1].ppf(0.975))
                row |= {"log_ratio": ratio, "low": ratio - t.ppf(0.975) * error, "high": ratio + t.ppf(0.975) * error, "p_first": float(t.cdf(ratio / error))}
        yield row


def of_their_units(values):
    """What each unit adds to the error of a side, so that the squares are n times the variance of its values over their sum."""
    if not values or sum(values) <= 0:
        return numpy.array([])
    values = numpy.array(values)
    return (values - values.mean()) / values.sum() * math.sqrt(len(values) / (len(values) - 1)) if len(values) > 1 else numpy.array([1.0])


def spread(terms):
    """The error, and its t. A hair before rounding down, as for the sums: two equal terms are two."""
    square = float((terms**2).sum())
    return math.sqrt(square), stats.t(max(3, math.floor(square**2 / max(float((terms**4).sum()), 1e-300) * (1 + 1e-9)) - 1))


def corrections():
    for values in [[0.01], [0.04, 0.01, 0.03], [0.5, 0.5, 0.5], [0.0, 1.0, 0.02, 0.02], [round(float(p), 4) for p in DICE.random(12) ** 3]]:
        yield {"p": values, "corrected": [float(p) for p in multipletests(values, method="holm")[1]]}


def trials():
    zeros, few = [0.0] * 200, cents(numpy.random.default_rng(45).lognormal(3, 1, 20))
    for arm, control in [(cents(DICE.lognormal(1, 1, 30)), cents(DICE.lognormal(1, 1, 45))), (zeros + cents(DICE.lognormal(3, 1, 9)), zeros + cents(DICE.lognormal(3, 1, 4))),
                         ([1.0, 2.0], [5.0, 9.0]), ([1.0, 1.0], [1.0, 2.0]), ([0.1, 0.1, 0.1], [0.1, 0.1]), ([1.0], [1.0, 2.0]), ([], []), ([1e9, 1e9 + 1], [1e9, 1e9 + 2]),
                         # A few units of which none sold anything, and a few that vary more than the many.
                         ([0.0] * 20, [0.0] * 380 + few), ([3.0, 40.0, 0.5], few),
                         # Nine and ten units that sold, beside few enough and too many.
                         *((few[:sold] + [0.0] * (20 - sold), few + [0.0] * (units - 20)) for sold, units in [(9, 30), (9, 31), (10, 31)])]:
        row = {"arm": arm, "control": control, "difference": None, "t": None, "freedom": None, "p": None, "low": None, "high": None}
        if min(len(arm), len(control)) > 1 and len(set(arm + control)) > 1:
            # Welch's; where fewer than ten units of an arm sold anything and the other has more than one and a half times as many, Student's if its interval is wider.
            tests = [(CompareMeans.from_data(numpy.array(arm), numpy.array(control)).tconfint_diff(usevar=usevar), stats.ttest_ind(arm, control, equal_var=usevar == "pooled")) for usevar in ("unequal", "pooled")]
            (low, high), test = max(tests if any(numpy.count_nonzero(few) < 10 and len(many) > 1.5 * len(few) for few, many in ((arm, control), (control, arm))) else tests[:1], key=lambda found: found[0][1] - found[0][0])
            row |= {"difference": float(numpy.mean(arm) - numpy.mean(control)), "t": float(test.statistic), "freedom": float(test.df), "p": float(test.pvalue), "low": float(low), "high": float(high)}
        yield row


def students():
    for freedom in [1, 2, 3, 3.5, 7, 12.25, 30, 99, 364, 10_000, 250_000]:
        yield {"freedom": freedom, "within_95": float(stats.t.ppf(0.975, freedom)), "within_90": float(stats.t.ppf(0.95, freedom)), "below": [[t, float(stats.t.cdf(t, freedom))] for t in (-40.0, -3.2, -1e-3, 0.0, 0.3, 1.96, 12.0)]}


def regressions():
    """Ordinary least squares with a constant for each cluster, and the error of leaving each of them out in turn."""
    dice = numpy.random.default_rng(7)
    for clusters, collinear in [(5, False), (14, False), (9, True), (2, False)]:
        where = numpy.repeat(numpy.arange(clusters), dice.integers(6, 11, clusters))
        x = dice.poisson(1.5, (len(where), 3)).astype(float)
        if collinear:
            x[:, 2] = 2 * x[:, 1]
        y = numpy.round(10 + where + x @ [0.5, -1.0, 2.0] + dice.normal(0, 1, clusters)[where] * x[:, 0] + dice.normal(0, 1, len(where)), 3)
        design = numpy.column_stack([x[:, :2] if collinear else x, where[:, None] == numpy.arange(clusters)])
        fit = lambda kept: statsmodels.api.OLS(y[kept], design[kept]).fit().params
        weights = [1.0, 4.0, 0.0 if collinear else 10.0]
        along = numpy.zeros(design.shape[1])
        # Of two columns of which one is twice the other the sum of both is told, neither alone.
        along[: 2 if collinear else 3] = weights[: 2 if collinear else 3]
        told = [weights, weights[:2] + [8.0]] if collinear else [weights]
        along_of = [None, along] if collinear else [along]
        for one, known in zip(told, along_of):
            row = {"rows": [[int(g), *map(float, values), float(outcome)] for g, values, outcome in zip(where, x, y)], "weights": one, "value": None, "error": None, "low": None, "high": None}
            if known is not None:
                value = float(known @ fit(where >= 0))
                error = math.sqrt(sum(float(known @ fit(where != cluster) - value) ** 2 for cluster in range(clusters)) * (clusters - 1) / clusters)
                half = stats.t.ppf(0.975, clusters - 1) * error
                row |= {"value": value, "error": error, "low": value - half, "high": value + half}
            yield row


def rates():
    dice = numpy.random.default_rng(41)
    for number, spread in [(1, 0.5), (2, 0.5), (25, 0.8), (60, 1.5), (40, 0.0)]:
        whole = dice.poisson(2, number) + 1
        part = dice.poisson(0.7 * whole * dice.lognormal(0, spread, number))
        row = {"clusters": [[int(a), int(b)] for a, b in zip(part, whole)], "value": None, "low": None, "high": None}
        total, squares = int(part.sum()), int((part**2).sum())
        if number > 1 and total and total**2 >= 2 * squares:
            p, each = scores(part, whole)
            half = stats.t.ppf(0.975, freedom([int(b) for b in whole], "")) * math.sqrt(float((each**2).sum())) / p
            up = half * (1 + 0.6 * int(part.max()) / math.sqrt(squares) * (1 - 2 * squares / total**2))
            row |= {"value": p, "low": p * math.exp(-half), "high": p * math.exp(up)}
        yield row


def pools():
    """Weighted least squares on a constant says the mean and how far apart all are; the rest is Morris's, by hand."""
    dice = numpy.random.default_rng(42)
    for number, apart in [(1, 0.0), (2, 1.0), (3, 1.0), (4, 1.0), (11, 0.0), (12, 0.4), (40, 2.0)]:
        variance = numpy.round(dice.lognormal(-2, 0.8, number), 4)
        values = numpy.round(dice.normal(0.2, numpy.sqrt(variance + apart)), 3)
        fit = lambda weights: statsmodels.api.WLS(values, numpy.ones(number), weights=weights).fit()
        w = 1 / variance
        around = float((w * (values - fit(w).params[0]) ** 2).sum())
        tau2 = max(0.0, (around - (number - 1)) / float(w.sum() - (w**2).sum() / w.sum())) if number > 1 else 0.0
        w = 1 / (variance + tau2)
        mean = float(fit(w).params[0])
        drawn = (number - 3) / (number - 1) * variance * w if number > 3 else 0 * variance
        doubt = 2 / (number - 3) if number > 3 else 0
        own = variance * (1 - drawn)
        sd = numpy.sqrt(own + drawn**2 * (1 / w.sum() + doubt * (values - mean) ** 2))
        yield {"values": values.tolist(), "variances": variance.tolist(), "tau2": tau2, "pooled": (drawn * mean + (1 - drawn) * values).tolist(), "sd": sd.tolist(), "own_sd": numpy.sqrt(own).tolist()}


def bests():
    """Among the best: each by quadrature of its own density, the others counted by multiplying polynomials."""
    dice = numpy.random.default_rng(43)
    for number, best in [(3, 1), (12, 10), (30, 10), (25, 3)]:
        mean, sd = numpy.round(dice.normal(0, 1, number), 3), numpy.round(dice.lognormal(-1, 0.7, number), 3)
        found = []
        for i in range(number):
            x = numpy.linspace(-9, 9, 4001)
            fewer = []
            for value in mean[i] + sd[i] * x:
                count = numpy.ones(1)
                for p in numpy.delete(stats.norm.sf(value, mean, sd), i):
                    count = numpy.convolve(count, [1 - p, p])
                fewer.append(count[:best].sum())
            found.append(float(numpy.trapezoid(numpy.array(fewer) * stats.norm.pdf(x), x)))
        yield {"mean": mean.tolist(), "sd": sd.tolist(), "best": best, "p": found}


def within():
    """Weighted least squares with an effect of each cluster, its CR2 variance by matrices, and freedom by the traces of the quadratic form."""
    dice = numpy.random.default_rng(44)
    for number in (2, 5, 25):
        whole = dice.poisson(dice.lognormal(1, 0.8, (number, 1)), (number, 2)) + 1
        part = dice.poisson(0.6 * whole)
        y, w = (part / whole).ravel(), whole.ravel().astype(float)
        group, busy = numpy.repeat(numpy.arange(number), 2), numpy.tile([1.0, 0.0], number)
        root = numpy.sqrt(w)
        # The effects of the clusters are taken off first.
        dummies = (group[:, None] == numpy.arange(number)).astype(float) * root[:, None]
        off = lambda v: v - dummies @ numpy.linalg.lstsq(dummies, v, rcond=None)[0]
        x, z = off(busy * root), off(y * root)
        beta = float(x @ z / (x @ x))
        error, hat = z - x * beta, numpy.outer(x, x) / (x @ x)
        scores, forms = [], []
        for g in range(number):
            own = group == g
            values, vectors = numpy.linalg.eigh(numpy.eye(2) - hat[numpy.ix_(own, own)])
            adjust = vectors @ numpy.diag(1 / numpy.sqrt(values)) @ vectors.T
            scores.append(float(x[own] @ adjust @ error[own]))
            form = numpy.zeros(2 * number)
            form[own] = adjust @ x[own]
            forms.append((numpy.eye(2 * number) - hat) @ form)
        variance = sum(score**2 for score in scores) / float(x @ x) ** 2
        gram = numpy.array(forms) @ numpy.array(forms).T
        half = stats.t.ppf(0.975, numpy.trace(gram) ** 2 / float((gram**2).sum())) * math.sqrt(variance)
        yield {"cells": [[int(a), int(b), int(c), int(d)] for (a, c), (b, d) in zip(part, whole)], "difference": beta, "low": beta - half, "high": beta + half}


def main():
    parts = {"student": students(), "sum": sums(), "weeks": likenesses(), "ratio": ratios(), "difference": differences(), "holm": corrections(), "welch": trials(), "rate": rates(), "pool": pools(), "best": bests(), "within": within(), "regression": regressions()}
    print("{" + ",\n".join(f'"{name}":[\n' + ",\n".join(json.dumps(row, allow_nan=False, separators=(",", ":")) for row in rows) + "\n]" for name, rows in parts.items()) + "}")


if __name__ == "__main__":
    main()
