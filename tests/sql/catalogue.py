"""deploy/metrics.yml against the database: every column of the views is described, in its comment, too, and none is made up; the values
of keys and the words of reasons are those that occur, the generated files are fresh, and the queries of the dashboard and of the dbt package run.
"""

import json
import pathlib
import re
import sys
import time

import store
import yaml
from store import ask, in_plain_sql, insert, one, read, run, same
from worlds.two_brands import BRANDS, World, shared

DEPLOY = pathlib.Path(__file__).resolve().parents[2] / "deploy"
sys.path.insert(0, str(DEPLOY))
import metrics  # noqa: E402

PRODUCT = "coverage activity_daily answer_times cascade_shape thread_shape buzz people traffic money credit credit_by_rule roi_cohort places response click_lag carriers customers freshness".split()
catalogue = metrics.load()
same("generated files are what the catalogue says (make metrics)", metrics.stale(catalogue), [])
described = {view["view"]: view for view in catalogue["views"]}
same("each of the views that matter most is described", [view for view in PRODUCT if view not in described], [])

same("every answer is described", sorted(set(metrics.ANSWERS) - described.keys()), [])
found = {(table, column): text for table, column, text in ask(f"SELECT table, name, comment FROM system.columns WHERE database = '{store.PEOPLE}' ORDER BY table, position")}
for name, said in metrics.comments(catalogue).items():
    for column, text in said.items():
        same(f"{name}.{column}: the comment", found.get((name, column)), text)
same("what people read is what the catalogue names", sorted({table for table, _ in found}), sorted(metrics.comments(catalogue)))
same("columns that people read and that have no comment", sorted(".".join(place) for place, text in found.items() if not text), [])
others = ask(f"SELECT name FROM system.tables WHERE database = '{store.PEOPLE}' AND (comment = '' OR create_table_query NOT LIKE '%SQL SECURITY DEFINER%')")
same("every one says what it is, and needs no grant on rows", others, [])

for name, view in described.items():
    real = {column: kind for column, kind in ask(f"SELECT name, type FROM system.columns WHERE database = '{store.PEOPLE}' AND table = '{name}' ORDER BY position")}
    said = metrics.columns(view)
    # Every answer says of which run it is, and how far the data reached.
    if name in metrics.ANSWERS:
        assert real.pop("run", "") == "UInt64" and real.pop("as_of", ""), name
    same(f"{name}: no column is described twice", sorted(column for column in set(said) if said.count(column) > 1), [])
    same(f"{name}: every column is described", [column for column in real if column not in said], [])
    same(f"{name}: every column described is there", [column for column in said if column not in real], [])
    for metric in view["metrics"]:
        kind = real[metric["column"]]
        text = re.search(r"String|Bool", kind) is not None
        assert not text, f"{name}.{metric['column']} is a metric and a {kind}"
        assert metric["adds"] != "ratio" or re.search(r"Float64|Decimal", kind), f"{name}.{metric['column']} is a ratio and a {kind}"
        assert "emv" not in metric["column"] or name == "activity_daily", f"{name}.{metric['column']}: the media price has a namespace of its own"

for brand in BRANDS:
    for table, rows in World(brand).tables.items():
        insert(table, rows)
for table, rows in shared().items():
    insert(table, rows)
# Runs of yesterday and the day before, so that there is something to hold against what was expected.
for days, complete in ((2, "false"), (1, "true")):
    number = int(1000 * (time.time() - 86400 * days))
    run(f"INSERT INTO run (run, as_of) VALUES ({number}, now64(3))")
    run(f"INSERT INTO roi_run (run, as_of, brand, side, period, period_start, period_end, complete) VALUES ({number}, now64(3), 'acme', 'broadcast', 'week', '2025-05-05', '2025-05-12', {complete})")

for name, view in described.items():
    grain = [*view["keys"], *view["beside_keys"]]
    rows, distinct = read(f"SELECT count(), uniqExact(tuple({', '.join(grain)})) FROM {name}")[0]
    assert int(rows) > 0, f"{name} is empty"
    same(f"{name}: its keys tell the rows apart", distinct, rows)
    for key, entry in {**view["keys"], **view["notes"]}.items():
        if "values" in entry:
            found = [value for (value,) in read(f"SELECT DISTINCT {key} FROM {name}")]
            same(f"{name}.{key}: the values are those listed", [value for value in found if value not in entry["values"]], [])



def panels_wrong(text):
    """Complaints about the panels of a dashboard: what each shows is there, and described."""
    for panel in json.loads(text)["panels"]:
        title, (target,) = panel["title"], panel["targets"]
        query = in_plain_sql(target["rawSql"])
        try:
            shown, rows = [name for name, *_ in read(f"DESCRIBE ({query})")], read(query)
        except SystemExit as refused:
            yield f"{title}: {refused}"
            continue
        if not rows or not panel["description"]:
            yield f"{title}: no row, or no description"
        units = [override["matcher"]["options"] for override in panel["fieldConfig"]["overrides"]]
        if unknown := [column for column in units if column not in shown]:
            yield f"{title}: units of {unknown}, which are no columns that are shown"
        whole = re.search(r"\((the latest|all) .+\)", title)
        picked = re.search(r"\$__(date|time)Filter|\$__fromTime", target["rawSql"])
        if bool(whole) == bool(picked):
            yield f"{title}: looks at the range of time, or its title says at which days it does"


dashboard_text = (DEPLOY / "grafana" / "grapevine.json").read_text()
same("what is wrong with the panels", list(panels_wrong(dashboard_text)), [])
for breakage in yaml.safe_load((DEPLOY.parent / "tests" / "deploy" / "broken" / "panels.yml").read_text()):
    assert breakage["from"] in dashboard_text, f"{breakage['says']}: the dashboard has changed; break it anew"
    wrong = list(panels_wrong(dashboard_text.replace(breakage["from"], breakage["to"], 1)))
    assert any(breakage["refused"] in complaint for complaint in wrong), f"{breakage['says']}: not refused, but {wrong}"
dashboard = json.loads(dashboard_text)
for variable in dashboard["templating"]["list"]:
    if variable["type"] == "query":
        assert read(variable["query"]), variable["name"]

generic = (DEPLOY / "dbt" / "tests" / "generic" / "one_row.sql").read_text()
for name, view in described.items():
    columns = ", ".join([*view["keys"], *view["beside_keys"]])
    query = re.sub(r"\{% \w*test.*?%\}", "", generic).replace("{{ model }}", name).replace("{{ grain | join(', ') }}", columns)
    same(f"dbt test one_row of {name}", read(query), [])
for name in metrics.ANSWERS:
    assert one(f"SELECT isNotNull(max(fromUnixTimestamp64Milli(toInt64(run), 'UTC'))) FROM {name}") == 1, name

checks = sorted((DEPLOY / "dbt" / "tests").glob("*.sql"))
for check in checks:
    query = re.sub(r"\{\{ source\('grapevine', '(\w+)'\) \}\}", r"\1", check.read_text())
    same(f"dbt test {check.stem}", read(query), [])
count = sum(len(metrics.columns(view)) for view in catalogue["views"])
assert checks and one("SELECT count() FROM credit_by_rule") != 0
print(f"catalogue: {len(described)} views, {count} columns, {len(dashboard['panels'])} panels, {len(checks)} dbt tests")
