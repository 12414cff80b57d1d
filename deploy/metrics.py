"""Writes what is made from deploy/metrics.yml: docs/metrics.md, the views that people read, the dbt package, the Grafana dashboard.

    target/python-venv/bin/python deploy/metrics.py            writes the files
    target/python-venv/bin/python deploy/metrics.py --check    says which of them are stale, and changes nothing

It knows nothing of a database; tests/sql/catalogue.py compares the catalogue with one.
"""

import json
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
ADDS = {"additive", "set", "shape", "ratio", "none"}
MADE = "Made from deploy/metrics.yml by `make metrics`; change that file instead."
PUBLIC = "012_people.sql"
# The statements of the tables and views of the database of rows, by name.
SCHEMA = {
    name: statement
    for file in sorted((HERE / "clickhouse").glob("*.sql"))
    if file.name != PUBLIC
    for statement, name in re.findall(r"^(CREATE (?:TABLE IF NOT EXISTS|OR REPLACE VIEW) (\w+)\b.*?^COMMENT '[^\n]*');$", file.read_text(), re.M | re.S)
}
# The answers, by their tables. Each row of one names its run, a number of milliseconds.
ANSWERS = {name.removesuffix("_run") for name in SCHEMA if name.endswith("_run") and name.removesuffix("_run") in SCHEMA}
GRAFANA = {"type": "grafana-clickhouse-datasource", "uid": "${datasource}"}


def load():
    """The catalogue, or an exit that names the entry at fault."""
    catalogue = yaml.safe_load((HERE / "metrics.yml").read_text())
    for view in catalogue["views"]:
        for part in ("keys", "notes"):
            view[part] = {name: said if isinstance(said, dict) else {"says": said} for name, said in view.get(part, {}).items()}
        view.setdefault("beside_keys", [])
        for metric in view["metrics"]:
            _check(view["view"], metric)
    for panel in catalogue["panels"]:
        if panel["kind"] not in {"table", "timeseries", "bars"}:
            raise SystemExit(f"panel {panel['title']}: kind {panel['kind']}")
        for shown in panel["shows"]:
            metric_of(catalogue, shown)
        unknown = [name for name in asked_of(panel["sql"]) if name not in source_names(catalogue)]
        if unknown:
            raise SystemExit(f"panel {panel['title']} asks {unknown}, which the catalogue does not name")
    return catalogue


def asked_of(sql):
    """The views and tables that a query reads, in its order."""
    found = re.findall(r"\b(?:FROM|JOIN)\s+(\w+)", sql)
    return list(dict.fromkeys(found))


def source_names(catalogue):
    """Everything that may be asked: the views and the other blocks."""
    return {view["view"] for view in catalogue["views"]} | set(catalogue["blocks"])


def _check(view, metric):
    needed, known = {"column", "name", "formula", "unit", "adds"}, {"over", "never"}
    place = f"{view}.{metric.get('column')}"
    if not needed <= metric.keys() <= needed | known or not all(isinstance(value, str) for value in metric.values()):
        raise SystemExit(f"{place}: needs the texts {sorted(needed)} and may have {sorted(known)}; found {metric}")
    if metric["adds"] not in ADDS:
        raise SystemExit(f"{place}: adds is one of {sorted(ADDS)}, not {metric['adds']}")
    if metric["adds"] == "additive" and "over" not in metric:
        raise SystemExit(f"{place}: additive over what?")


def columns(view):
    """The names of all columns that the catalogue gives a view."""
    return [*view["keys"], *(metric["column"] for metric in view["metrics"]), *view["notes"]]


def metric_of(catalogue, shown):
    """The metric behind `view.column`."""
    name, column = shown.split(".")
    for view in catalogue["views"]:
        for metric in view["metrics"]:
            if (view["view"], metric["column"]) == (name, column):
                return metric
    raise SystemExit(f"no metric {shown}")


def _adds(metric):
    over = f", over {metric['over']}" if "over" in metric else ""
    return f"{metric['adds']}{over}"


def _sentence(metric):
    never = f" Never: {metric['never']}." if "never" in metric else ""
    return f"{metric['name']} = {metric['formula']}. Unit: {metric['unit']}. Adds: {_adds(metric)}.{never}"


def comments(catalogue):
    """What the database says of each column that people read, by view."""
    written = {name: dict(re.findall(r"^    (\w+) .* COMMENT '(.*?)',?$", SCHEMA[table], re.M)) for name, table in catalogue["as_written"].items()}
    written = {name: {column: says.replace("''", "'") for column, says in said.items()} for name, said in written.items()}
    return {view["view"]: _comments(view) for view in catalogue["views"]} | catalogue["plain"] | written


def _comments(view):
    of_run = {"run": "Number of the run of grapevine rollup that made the answer", "as_of": "How far the data reached when it began"}
    said = of_run if view["view"] in ANSWERS else {}
    said = said | {name: key["says"] + _values(key) for name, key in view["keys"].items()}
    said |= {metric["column"]: _sentence(metric) for metric in view["metrics"]}
    return said | {name: note["says"] + _values(note) for name, note in view["notes"].items()}


def migration(catalogue):
    """deploy/clickhouse/012_people.sql: two statements per view."""
    lines = [PEOPLE.format(made=MADE)]
    for view, said in comments(catalogue).items():
        rows = f"{view} FINAL" if "ENGINE = Replacing" in SCHEMA[view] else view
        lines.append(f"\nCREATE OR REPLACE VIEW {{people}}.{view} SQL SECURITY DEFINER AS\nSELECT * FROM {rows}\nCOMMENT '{_comment_on(view)}';")
        quoted = [f"    COMMENT COLUMN {name} '{says.translate(ESCAPES)}'" for name, says in said.items()]
        lines.append(f"ALTER TABLE {{people}}.{view}\n" + ",\n".join(quoted) + ";")
    return "\n".join(lines) + "\n"


PEOPLE = """-- What people read, in the database that is theirs: each a view of the same name over the database of rows, with its maker's rights, so
-- that readers need none there. `grapevine migrate` puts the name of the database in the place of {{people}}. {made}"""


def _comment_on(name):
    """What the statement that makes a table or view says of it, as it stands there."""
    return re.search(r"\nCOMMENT '(.*)'$", SCHEMA[name])[1]


ESCAPES = str.maketrans({"'": "''", "\\": "\\\\"})


def document(catalogue):
    """docs/metrics.md: a table per view."""
    lines = [
        "# Metrics",
        "",
        f"{MADE} Queries with answers: docs/sql.md.",
        "",
        "How a metric adds: **additive**, sums over what is named and over nothing else; **set**, distinct people, count them",
        "again instead; **shape**, of a tree as it is now, never over windows or lives; **ratio**, divide the sums of its parts;",
        "**none**, read the row as it stands. A figure that the data cannot carry is NULL, and a note says why.",
    ]
    for view in catalogue["views"]:
        lines += ["", f"## `{view['view']}`", "", f"{view['says']}. One row: {view['row']}.", ""]
        lines += ["| metric | name | formula | unit | adds | never |", "|---|---|---|---|---|---|"]
        for metric in view["metrics"]:
            cells = [f"`{metric['column']}`", metric["name"], metric["formula"], metric["unit"], _adds(metric), metric.get("never", "")]
            lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |")
        lines += ["", "| key or note | says |", "|---|---|"]
        for name, key in view["keys"].items():
            lines.append(f"| `{name}` | {key['says']}{_values(key, '`')} |")
        lines += [f"| `{name}` | {note['says']}{_values(note, '`')} |" for name, note in view["notes"].items()]
    return "\n".join(lines) + "\n"


def _values(said, quote=""):
    """The values that a key or note may have, for people."""
    words = ["empty" if value == "" else f"{quote}{value}{quote}" for value in said.get("values", [])]
    return f" ({', '.join(words)})" if words else ""


def _dbt_column(name, says, values=None, meta=None):
    column = {"name": name, "description": says}
    if meta:
        column["config"] = {"meta": meta}
    tests = ["not_null"] if values is not None else []
    if values:
        quote = all(isinstance(value, str) for value in values)
        tests.append({"accepted_values": {"arguments": {"values": values, "quote": quote}}})
    if tests:
        column["data_tests"] = tests
    return column


def sources(catalogue):
    """deploy/dbt/models/sources.yml: the views as sources, with descriptions and tests of their keys."""
    tables = []
    for view in catalogue["views"]:
        described = [_dbt_column(name, key["says"], key.get("values", [])) for name, key in view["keys"].items() if name not in NULLABLE]
        described += [_dbt_column(name, key["says"]) for name, key in view["keys"].items() if name in NULLABLE]
        for metric in view["metrics"]:
            meta = {key: metric[key] for key in ("name", "formula", "unit", "adds", "over", "never") if key in metric}
            described.append(_dbt_column(metric["column"], _sentence(metric), meta=meta))
        described += [_dbt_column(name, note["says"] + _values(note)) for name, note in view["notes"].items()]
        table = {"name": view["view"], "description": f"{view['says']}. One row: {view['row']}."}
        if view["view"] in ANSWERS and not view.get("on_demand"):
            table["config"] = {"loaded_at_field": "fromUnixTimestamp64Milli(toInt64(run), 'UTC')", "freshness": FRESHNESS}
        grain = [*view["keys"], *view["beside_keys"]]
        tables.append({**table, "data_tests": [{"one_row": {"arguments": {"grain": grain}}}], "columns": described})
    for name, says in catalogue["blocks"].items():
        run = {"config": {"loaded_at_field": "published", "freshness": FRESHNESS}} if name == "run" else {}
        tables.append({"name": name, "description": says, **run})
    source = {"name": "grapevine", "description": "The views of Grapevine", "schema": "{{ var('grapevine_database', 'grapevine') }}", "tables": tables}
    return _yaml({"version": 2, "sources": [source]})


# How old a run may be. With `grapevine rollup --every 15m` a run of an hour ago is late.
FRESHNESS = {"warn_after": {"count": 2, "period": "hour"}, "error_after": {"count": 24, "period": "hour"}}


# Keys that may be unknown.
NULLABLE = {"members", "root_time"}


def exposures(catalogue):
    """deploy/dbt/models/exposures.yml: the dashboard and the report, so that lineage ends where people look."""
    questions = sorted((ROOT / "src" / "core" / "report" / "questions").glob("*.sql"))
    named = source_names(catalogue)
    # What a query of the report names besides is its own, or a table of dimensions.
    report = {name for question in questions for name in asked_of(question.read_text())} & named
    dashboard = {name for panel in catalogue["panels"] for name in asked_of(panel["sql"])}
    made = [
        _exposure("grapevine_dashboard", "Grapevine", "dashboard", "The Grafana dashboard deploy/grafana/grapevine.json", dashboard),
        _exposure("grapevine_report", "The report", "application", "The page that `grapevine report` writes", report),
    ]
    return _yaml({"version": 2, "exposures": made})


def _exposure(name, label, kind, description, used):
    return {
        "name": name,
        "label": label,
        "type": kind,
        "description": description,
        "depends_on": [f"source('grapevine', '{view}')" for view in sorted(used)],
        "owner": {"name": "Whoever runs Grapevine"},
    }


def _yaml(value):
    return f"# {MADE}\n" + yaml.safe_dump(value, sort_keys=False, width=140, allow_unicode=True)


def dashboard(catalogue):
    """deploy/grafana/grapevine.json, for the official ClickHouse data source."""
    panels = [_panel(catalogue, panel, place) for place, panel in enumerate(catalogue["panels"])]
    variables = [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": GRAFANA["type"]},
        {"name": "brand", "label": "Brand", "type": "query", "datasource": GRAFANA, "query": BRANDS, "refresh": 1},
        _choice("side", "Side", ["broadcast", "conversation", "other", "unattributed", "(unallocated)"]) | SEVERAL,
        _choice("period", "Period of returns", ["last_13_weeks", "last_4_weeks", "all", "quarter", "month", "week"]),
    ]
    made = {
        "uid": "grapevine",
        "title": "Grapevine",
        "description": MADE,
        "tags": ["grapevine"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "utc",
        "time": {"from": "now-90d", "to": "now"},
        "templating": {"list": variables},
        "panels": panels,
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


BRANDS = "SELECT DISTINCT brand FROM activity_daily WHERE brand != '' ORDER BY brand"

# A choice of several values, at first of all of them.
SEVERAL = {"multi": True, "includeAll": True, "current": {"text": "All", "value": "$__all"}}


def _choice(name, label, values):
    options = [{"text": value, "value": value, "selected": place == 0} for place, value in enumerate(values)]
    return {"name": name, "label": label, "type": "custom", "query": ",".join(values), "current": options[0], "options": options}


def _panel(catalogue, panel, place):
    described = "\n\n".join(_sentence(metric_of(catalogue, shown)) for shown in panel["shows"])
    described = described or "; ".join(catalogue["blocks"][name] for name in asked_of(panel["sql"]))
    table = panel["kind"] == "table"
    target = {"refId": "A", "datasource": GRAFANA, "editorType": "sql", "rawSql": panel["sql"]}
    target |= {"format": 1, "queryType": "table"} if table else {"format": 0, "queryType": "timeseries"}
    made = {
        "id": place + 1,
        "type": "table" if table else "timeseries",
        "title": panel["title"],
        "description": described,
        "datasource": GRAFANA,
        "gridPos": {"x": 12 * (place % 2), "y": 9 * (place // 2), "w": 12, "h": 9},
        "targets": [target],
    }
    defaults = {"unit": panel["unit"]} if "unit" in panel else {}
    if panel["kind"] == "bars":
        defaults["custom"] = {"drawStyle": "bars", "fillOpacity": 60}
    made["fieldConfig"] = {"defaults": defaults, "overrides": [_unit(column, unit) for column, unit in panel.get("units", {}).items()]}
    return made


def _unit(column, unit):
    return {"matcher": {"id": "byName", "options": column}, "properties": [{"id": "unit", "value": unit}]}


def files(catalogue):
    """What each generated file must hold, by its path."""
    return {
        ROOT / "docs" / "metrics.md": document(catalogue),
        HERE / "clickhouse" / PUBLIC: migration(catalogue),
        HERE / "dbt" / "models" / "sources.yml": sources(catalogue),
        HERE / "dbt" / "models" / "exposures.yml": exposures(catalogue),
        HERE / "grafana" / "grapevine.json": dashboard(catalogue),
    }


def stale(catalogue):
    """The generated files that do not hold what the catalogue says."""
    return [str(path.relative_to(ROOT)) for path, text in files(catalogue).items() if not path.exists() or path.read_text() != text]


def main():
    """Writes the files, or with --check names those that are stale."""
    catalogue = load()
    if sys.argv[1:] == ["--check"]:
        wrong = stale(catalogue)
        if wrong:
            raise SystemExit(f"not what deploy/metrics.yml says: {', '.join(wrong)}; run: make metrics")
        return
    if sys.argv[1:]:
        raise SystemExit(__doc__)
    for path, text in files(catalogue).items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


if __name__ == "__main__":
    main()
