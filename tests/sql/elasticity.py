"""Elasticity of visits on the brand's interactions: panel, Poisson fit, cluster error, lead and drawn signs against statsmodels.

Brands: `many` communities on a clock west of UTC; `few` without an effect; `caused`, whose interactions follow the visits;
`small` with too few communities; `brief` with too few days; `flat` whose interactions never vary; `silent` without a visit.
"""

import collections
import datetime
import zoneinfo

import numpy
import statsmodels.api
from scipy import stats

from store import LARGEST, ask, dicts, facts, insert, millis, opening, run, same

START = datetime.datetime(2026, 2, 27, tzinfo=datetime.timezone.utc)
ZONES = collections.defaultdict(lambda: "UTC", many="America/New_York")
DICE = numpy.random.default_rng(11)


def panel(places, days, effect, seed):
    """Interactions and visits by place and day: some places and days are busier, busy ones in both."""
    dice = numpy.random.default_rng(seed)
    place, day = dice.normal(0, 0.8, places)[:, None], 0.5 * numpy.sin(numpy.arange(days) / 3)
    interactions = dice.poisson(numpy.exp(0.4 + 0.6 * place + day + dice.normal(0, 0.6, (places, days))))
    return interactions, dice.poisson(numpy.exp(place + day + effect * numpy.log1p(interactions)))


def put(brand, interactions, visits):
    """Writes each cell as windows, clicks and visits within its local day; counts the same cells for the comparison."""
    zone, windows, clicks, seen, cells = zoneinfo.ZoneInfo(ZONES[brand]), [], [], [], {}
    midnight = START.replace(tzinfo=zone)
    for place, row in enumerate(interactions):
        root = {"root": f"{brand}-{place}", "brand": brand, "channel": f"ch{place % 2}", "community": f"town{place // 2}"}
        for day, count in enumerate(row):
            date = (midnight + datetime.timedelta(days=day)).date()
            cells[root["channel"], root["community"], str(date)] = (int(count), int(visits[place][day]))
            at = lambda: int((datetime.datetime.combine(date, datetime.time(), zone) + datetime.timedelta(minutes=int(DICE.integers(0, 1380)))).timestamp())
            for part in numpy.unique(DICE.integers(0, 2, count), return_counts=True)[1]:
                window = at() // 900 * 900
                post = int(DICE.integers(0, 2))
                windows.append({**root, "root": f"{root['root']}-{window}", "window_start": window, "epoch": 0, "source": "t/0", "opened": opening(), "version": 1,
                                "root_seen": True, "root_is_brand": post, "posts": 1, "brand_replies": int(part) - post, "replies": int(part) - post})
            for _ in range(visits[place][day]):
                click = {**root, "id": f"{brand}k{len(clicks)}", "time": millis(at() * 1000), "target_kind": "reply"}
                clicks.append(click)
                seen.append({"id": f"{brand}v{len(seen)}", "time": click["time"], "brand": brand, "click": click["id"], "has_visitor": bool(len(seen) % 3), "visitor": len(seen)})
    insert("activity_window", windows)
    facts("click", clicks)
    facts("visit", seen)
    return cells


def columns(interactions, visits):
    """Cells of the fit: the last day has no next one; days and places without a visit say nothing."""
    x = numpy.log1p(interactions)
    now, ahead, y = x[:, :-1], x[:, 1:], visits[:, :-1]
    days = y.sum(0) > 0
    now, ahead, y = now[:, days], ahead[:, days], y[:, days]
    places = y.sum(1) > 0
    return now[places], ahead[places], y[places]


def fit(y, *regressors):
    """Poisson with an effect per place and day; errors by place."""
    places, days = y.shape
    group = numpy.repeat(numpy.arange(places), days)
    effects = [group == k for k in range(places)] + [numpy.tile(numpy.arange(days), places) == k for k in range(1, days)]
    design = numpy.column_stack([*(r.ravel() for r in regressors), *effects]).astype(float)
    model = statsmodels.api.GLM(y.ravel(), design, family=statsmodels.api.families.Poisson())
    return model.fit(tol=1e-13, maxiter=200, cov_type="cluster", cov_kwds={"groups": group, "use_correction": False}), design


def scores_less_pull(y, fitted, x, others):
    """Scores of places by what of x is its own, each over the part of the information that other places hold; and the information."""
    root = numpy.sqrt(fitted)
    own = x - others @ numpy.linalg.lstsq(others * root[:, None], x * root, rcond=None)[0]
    held = (fitted * own * own).reshape(y.shape).sum(1)
    return ((y.ravel() - fitted) * own).reshape(y.shape).sum(1) / (1 - held / held.sum()), held


def errors(model, design, y):
    """Standard errors of the first two regressors by places, as the jackknife has them."""
    for k in (0, 1):
        scores, held = scores_less_pull(y, model.fittedvalues, design[:, k], numpy.delete(design, k, 1))
        yield numpy.sqrt((scores**2).sum() * (len(y) - 1) / len(y)) / held.sum()


def signs_drawn(brand, order, now, ahead, y):
    """P value of no effect: the scores of a fit without it, their signs drawn 1,999 times with the engine's hash."""
    model, design = fit(y, ahead)
    scores, _ = scores_less_pull(y, model.fittedvalues, now.ravel(), design)
    places = ",".join(f"({k},cityHash64('{channel}','{community}'))" for k, (channel, community) in enumerate(order))
    signs = numpy.array([row[1] for row in ask(f"SELECT draw, arrayMap(p -> cityHash64(p.2, draw) % 2, [{places}]) FROM (SELECT toUInt16(arrayJoin(range(1, 2000))) AS draw) ORDER BY draw")], int)
    assert abs(signs.mean() - 0.5) < 0.02
    # All signs kept or all turned is the observed sum again, whatever the order of adding.
    return (1 + (abs((1 - 2 * signs) @ scores) >= abs(scores.sum()) * (1 - 1e-9)).sum()) / 2000


worlds = {"many": panel(44, 20, 0.4, 1), "few": panel(9, 30, 0, 2), "small": panel(5, 20, 0.3, 4), "brief": panel(12, 12, 0.3, 5)}
interactions, visits = panel(8, 40, 0, 3)
worlds["caused"] = numpy.random.default_rng(3).poisson(0.2 + 2.0 * numpy.column_stack([visits[:, :1], visits[:, :-1]])), visits
worlds["flat"] = numpy.full((8, 20), 2), panel(8, 20, 0, 6)[1]
worlds["silent"] = panel(8, 20, 0, 7)[0], numpy.zeros((8, 20), int)
worlds["many"][1][5, :] = 0
worlds["many"][1][:, 7] = 0
for interactions, _ in worlds.values():
    interactions[:, 0] |= 1
    interactions[:, -1] |= 1
run("INSERT INTO brand (valid_from, brand, timezone) VALUES ('2026-01-01', 'many', 'America/New_York')")
cells = {brand: put(brand, *world) for brand, world in worlds.items()}
# A place where the brand never took part is not in the panel; an own host as referrer is no visit.
facts("click", [{"id": "other", "time": millis(int(START.timestamp()) * 1000), "root": "elsewhere", "brand": "few", "channel": "ch0", "community": "elsewhere"}], source="t/9")
facts("visit", [{"id": "elsewhere", "time": millis(int(START.timestamp()) * 1000), "brand": "few", "click": "other", "has_visitor": True, "visitor": 7}], source="t/9")
# What is declared beyond the watermark does not move the last day.
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis(int((START + datetime.timedelta(days=60)).timestamp()) * 1000)}])
facts("click", [{"id": "later", "time": millis(4_000_000_000_000), "root": "many-0", "brand": "many", "channel": "ch0", "community": "town0"}], source="t/8")
facts("visit", [{"id": "later", "time": millis(4_000_000_000_000), "brand": "many", "click": "later", "has_visitor": True, "visitor": 8}], source="t/8")

found = collections.defaultdict(dict)
for brand, channel, community, day, count, came in ask("SELECT brand, channel, community, toString(day), interactions, visits FROM community_day"):
    found[brand][channel, community, day] = (int(count), int(came))
for brand, wanted in cells.items():
    assert found[brand] == wanted, (brand, [(key, found[brand].get(key), wanted.get(key)) for key in set(found[brand]) ^ set(wanted) or wanted if found[brand].get(key) != wanted.get(key)][:5])
print(f"elasticity: {sum(map(len, cells.values()))} cells of {len(cells)} brands, zeros among them, as inserted")

rows = {row["brand"]: row for row in dicts("SELECT * FROM elasticity")}
for brand in ("many", "few", "caused"):
    now, ahead, y = columns(*worlds[brand])
    model, design = fit(y, now, ahead)
    error = list(errors(model, design, y))
    # Beside the errors of statsmodels, which forget that a place pulls the fit: no smaller, and not by much.
    assert all(1 <= ours / theirs < 1.5 for ours, theirs in zip(error, model.bse[:2])), (error, model.bse[:2])
    row, estimate = rows[brand], model.params
    wanted = [estimate[0], error[0], estimate[1], error[1], estimate[1] / error[1]]
    same(brand, [row[c] for c in ("elasticity", "standard_error", "lead", "lead_standard_error", "lead_z")], list(map(float, wanted)), 1e-6)
    same(f"{brand} size", [int(row[c]) for c in ("communities", "days", "zero_cells")], [len(y), y.shape[1], int((y == 0).sum())])
    if brand == "many":
        _, held = scores_less_pull(y, model.fittedvalues, design[:, 0], numpy.delete(design, 0, 1))
        half = stats.t.ppf(0.975, held.sum() ** 2 / (held**2).sum() - 1) * error[0]
        same("interval", [row["low"], row["high"]], [estimate[0] - half, estimate[0] + half], 1e-5)
        same("p value", row["p_value"], 2 * stats.norm.sf(abs(estimate[0] / error[0])), 1e-6)
        same("reason", [row["reason"], row["verdict"]], ["", "supported"])
    else:
        order = list(dict.fromkeys(key[:2] for key in cells[brand]))
        order = [place for place, kept in zip(order, worlds[brand][1][:, :-1].sum(1) > 0) if kept]
        p = signs_drawn(brand, order, now, ahead, y)
        same(f"{brand} p value", row["p_value"], p, 1e-12)
        same(f"{brand} interval", [row["low"], row["high"], row["reason"]], [None, None, "no interval: fewer than 40 communities"])
        same(f"{brand} verdict", row["verdict"], {"few": "undecided", "caused": "flagged"}[brand])
    print(f"elasticity: {brand} {row['elasticity']:.4f} ({row['standard_error']:.4f}), p {row['p_value']:.4f}, lead z {row['lead_z']:.1f}, {row['verdict']}")
reasons = {
    "small": "fewer than 6 communities with visits", "brief": "fewer than 14 days with visits",
    "flat": "the interactions do not vary by themselves", "silent": "fewer than 14 days with visits",
}
for brand, reason in reasons.items():
    row = rows[brand]
    same(brand, [row[c] for c in ("elasticity", "standard_error", "low", "high", "p_value", "lead", "lead_standard_error", "lead_z", "verdict", "reason")], [None] * 8 + ["undecided", reason])
print(f"elasticity: {len(reasons)} brands are NULL with their reason")
