"""Takes one input away at a time, each of a brand of its own: basis and reason change as the table in docs/roi.md says."""

import pathlib
from decimal import Decimal

from store import ask, facts, insert, millis, opening, run, same

T0, DAY = 1704067200, 86400  # 2024-01-01 00:00 UTC, a Monday


clicks, visits, sales, costs, windows = [], [], [], [], []


def world(removed, brand):
    """Five posts of a brand, clicks on them and on shares of them, visits, sales and a cost; without one input."""
    place = {"brand": brand, "channel": "x", "community": "a"}
    for i in range(5):
        root, at = f"{brand}-{i}", T0 + i * 3600
        windows.append({"window_start": at // 900 * 900, "root": root, "epoch": 0, "source": "t/0", "opened": opening(), "version": 1, "root_seen": True, "root_is_brand": True, "root_time": millis(at * 1000), **place, "posts": 1})
        for k, kind in enumerate(("post", "share")):
            name, guessed, visitor = f"{root}-{kind}", removed == "parents of shares" and kind == "share", len(sales)
            click = {"id": f"c-{name}", "time": millis((at + 60) * 1000), "root": root, "target_kind": kind, "path": [root, name][: k + 1], "path_actors": [1, 2][: k + 1], "depth": k, "path_inferred": int(guessed), **place}
            if not (removed in ("every click", "all but UTM") or removed == "clicks on shares" and kind == "share"):
                clicks.append(click)
            visits.append({"id": f"v-{name}", "time": millis((at + 61) * 1000), "visitor": visitor, "has_visitor": not removed.startswith("consent"), "click": "" if removed == "all but UTM" else f"c-{name}", "brand": brand, "utm_medium": "social" if removed == "all but UTM" else ""})
            sales.append({"id": f"o-{name}", "time": millis((at + 600) * 1000), "visitor": visitor, "has_visitor": removed != "visitors of conversions", "brand": brand, "amount": Decimal(100 + i), "currency": "EUR"})
    if removed != "costs":
        costs.append({"id": f"k-{brand}", "time": millis(T0 * 1000), **place, "side": "broadcast", "amount": Decimal(100), "currency": "EUR"})
    run(f"INSERT INTO brand (valid_from, brand, margin_rate, base_currency) VALUES ('2023-01-01', '{brand}', 0.5, 'EUR')")


text = (pathlib.Path(__file__).resolve().parents[2] / "docs/roi.md").read_text()
text = text.split("\n## What a missing input does to ROI\n")[1].split("\n## ")[0]
table = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")][1:]
assert len(table) == 8, table
for number, row in enumerate(table):
    world(row[0], f"b{number}")
insert("activity_window", windows)
facts("click", clicks)
facts("visit", visits, source="t/1")
facts("conversion", sales, source="t/2")
facts("cost", costs, source="t/3")
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis((T0 + 70 * DAY) * 1000)}])
run("INSERT INTO utm_side VALUES ('utm_medium', 'social', 'broadcast')")

RULE = "model = 'last' AND lookback_days = 30"
of_brand = {row[0]: row[1:] for row in ask("SELECT brand, basis, reason, roi, traced_share FROM roi_cohort WHERE side = 'all' AND posts > 0")}
of_path = dict(ask("SELECT brand, arraySort(groupUniqArrayIf(reason, reason != '')) FROM path_credit GROUP BY brand"))
of_credit = dict(ask(f"SELECT brand, arrayStringConcat(arraySort(groupUniqArray(side)), ', ') FROM credit_by_rule WHERE {RULE} GROUP BY brand"))
for number, (removed, basis, reason, path_reason, sides, traced) in enumerate(table):
    brand = f"b{number}"
    found_basis, found_reason, roi, share = of_brand[brand]
    same(f"without {removed}", [found_basis, found_reason], [basis, reason])
    assert (roi is None) == (reason != ""), (removed, roi, reason)
    same(f"without {removed}: path_credit", of_path.get(brand, []), [path_reason] if path_reason else [])
    same(f"without {removed}: sides", of_credit[brand], sides)
    assert {"1": share == 1, "less": 0 < (share or 0) < 1, "none": not share}[traced], (removed, share)
print(f"missing: {len(table)} rows of docs/roi.md")

# ---------------------------------------------------------------- a stranger's post that sells for two brands, and a refund weeks after its sale
LATE = T0 + 35 * DAY
for table in ("root", "activity_window", "click", "visit", "conversion", "cost"):
    run(f"TRUNCATE TABLE {table}")


def post(root, brand, at):
    return {"window_start": at // 900 * 900, "root": root, "epoch": 0, "source": "t/0", "opened": opening(), "version": 1, "root_seen": True, "root_is_brand": brand != "", "root_time": millis(at * 1000), "brand": brand, "channel": "x", "community": "a", "posts": 1}


def sold(name, brand, root, amount):
    """A click on the post, a visit and a sale of the brand."""
    visitor = {"visitor": len(name) * 1000 + ord(name[-1]), "has_visitor": True}
    facts("click", [{"id": f"c-{name}", "time": millis((T0 + 60) * 1000), "root": root, "target_kind": "post", "path": [root], "path_actors": [1], "depth": 0, "path_inferred": 0, "brand": "", "channel": "x", "community": "a"}])
    facts("visit", [{"id": f"v-{name}", "time": millis((T0 + 61) * 1000), **visitor, "click": f"c-{name}", "brand": brand}], source="t/1")
    facts("conversion", [{"id": f"o-{name}", "time": millis((T0 + 600) * 1000), **visitor, "brand": brand, "amount": Decimal(amount), "currency": "EUR", "refund_of": ""}], source="t/2")


insert("activity_window", [post("stranger", "", T0), post("b0-own", "b0", T0), post("b1-own", "b1", T0), post("b0-late", "b0", LATE)])
for brand, amount in (("b0", 100), ("b1", 1000)):
    sold(f"{brand}-stranger-x", brand, "stranger", amount)
    sold(f"{brand}-own-y", brand, f"{brand}-own", amount)
facts("conversion", [{"id": "refund", "time": millis((LATE + DAY) * 1000), "visitor": 0, "has_visitor": False, "brand": "b0", "amount": Decimal(10), "currency": "EUR", "refund_of": "o-b0-own-y"}], source="t/2")
facts("cost", [{"id": "k", "time": millis(LATE * 1000), "brand": "b0", "channel": "x", "community": "a", "side": "broadcast", "amount": Decimal(20), "currency": "EUR"}], source="t/3")
cohorts = {row[0]: row[1:] for row in ask("SELECT brand || ' ' || toString(cohort), round(traced_share, 4), revenue_base, roi, reason FROM roi_cohort WHERE side = 'all' AND posts > 0")}
same("half of each brand's revenue comes by the stranger's post, less what was given back of the other half", [cohorts["b0 2024-01-01"][0], cohorts["b1 2024-01-01"][0]], [round(90 / 190, 4), 0.5])
same("the refund counts with its sale", cohorts["b0 2024-01-01"][1], 90)
same("and is no conversion of the week in which it came", cohorts["b0 2024-02-05"][2:], [None, "no_conversions"])
print("missing: a post of nobody's and a late refund")
