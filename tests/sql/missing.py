"""Takes one input away at a time, each of a brand of its own: basis and reason change as the table in docs/roi.md says."""

import pathlib
from decimal import Decimal

from store import ask, facts, insert, millis, run, same

T0, DAY = 1704067200, 86400  # 2024-01-01 00:00 UTC, a Monday


clicks, visits, sales, costs, windows = [], [], [], [], []


def world(removed, brand):
    """Five posts of a brand, clicks on them and on shares of them, visits, sales and a cost; without one input."""
    place = {"brand": brand, "channel": "x", "community": "a"}
    for i in range(5):
        root, at = f"{brand}-{i}", T0 + i * 3600
        windows.append({"window_start": at // 900 * 900, "root": root, "epoch": 0, "source": "t/0", "opened": len(windows), "version": 1, "root_seen": True, "root_is_brand": True, "root_time": millis(at * 1000), **place, "posts": 1})
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
table = [[cell.strip() for cell in line.strip().strip("|").split("|")] for line in text.splitlines() if line.startswith("| ")][1:]
assert len(table) == 8, table
for number, row in enumerate(table):
    world(row[0], f"b{number}")
insert("activity_window", windows)
facts("click", clicks)
facts("visit", visits, source="t/1")
facts("conversion", sales, source="t/2")
facts("cost", costs, source="t/3")
insert("progress", [{"epoch": 0, "source": "t/0", "first": 0, "version": 1, "watermark": millis((T0 + 60 * DAY) * 1000)}])
run("INSERT INTO utm_side VALUES ('utm_medium', 'social', 'broadcast')")

RULE = "model = 'last' AND lookback_days = 30"
of_brand = {row[0]: row[1:] for row in ask(f"SELECT brand, basis, reason, roi, traced_share FROM roi WHERE grain = 'brand' AND side = 'all' AND {RULE} AND horizon_days = 30")}
of_place = {row[0]: row[1:] for row in ask(f"SELECT brand, basis, reason FROM places WHERE {RULE} AND horizon_days = 30 AND community = 'a'")}
of_path = dict(ask("SELECT brand, arraySort(groupUniqArrayIf(reason, reason != '')) FROM path_credit GROUP BY brand"))
of_credit = dict(ask(f"SELECT brand, arrayStringConcat(arraySort(groupUniqArray(side)), ', ') FROM credit WHERE {RULE} GROUP BY brand"))
for number, (removed, basis, reason, path_reason, sides, traced) in enumerate(table):
    brand = f"b{number}"
    found_basis, found_reason, roi, share = of_brand[brand]
    same(f"without {removed}", [found_basis, found_reason], [basis, reason])
    assert (roi is None) == (reason != ""), (removed, roi, reason)
    same(f"without {removed}: path_credit", of_path.get(brand, []), [path_reason] if path_reason else [])
    same(f"without {removed}: sides", of_credit[brand], sides)
    assert {"1": share == 1, "less": 0 < (share or 0) < 1, "none": not share}[traced], (removed, share)
    # Two places of a few posts do not differ by more than chance; that is no missing input.
    same(f"without {removed}: places", of_place[brand], [basis, reason or "no_difference"])
print(f"missing: {len(table)} rows of docs/roi.md")
