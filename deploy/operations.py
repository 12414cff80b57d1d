"""Writes deploy/grafana/operations.json, the dashboard for whoever carries the pager, from deploy/operations.yml and the help of the metrics.

    target/python-venv/bin/python deploy/operations.py            writes the file
    target/python-venv/bin/python deploy/operations.py --check    says whether it is stale, and changes nothing
"""

import json
import pathlib
import re
import sys

import yaml

HERE = pathlib.Path(__file__).resolve().parent
# What a worker's registry says of itself; a test compares it with the program.
CATALOGUE = HERE.parent / "tests" / "it" / "snapshots" / "it__admin__the_catalogue_is_the_golden_one.snap"
MADE = "Made from deploy/operations.yml by `make metrics`; change that file instead."
FILE = HERE / "grafana" / "operations.json"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
WIDTH, HEIGHT = 24, 8


def helps():
    """The help of each metric, by its name."""
    return dict(re.findall(r"^(grapevine_\w+) .*\n  (.*)", CATALOGUE.read_text(), re.M))


def family(name):
    """The name of a histogram, of one of its series."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def asked(panel):
    """The metrics of a worker that a panel asks for."""
    return dict.fromkeys(family(name) for query in panel["queries"] for name in re.findall(r"\bgrapevine_\w+", query["expr"]))


def described(panel, help_of):
    """How to read a panel: what it says itself, then the metrics."""
    lines = [panel["says"]] if "says" in panel else []
    return "\n\n".join(lines + [f"`{name}`: {help_of[name]}" for name in asked(panel)])


def drawn(panel, help_of, number, place):
    """One panel."""
    kind = panel.get("kind", "timeseries")
    # What is looked at once needs no history.
    now = {"instant": True} if kind != "timeseries" else {"range": True}
    queries = enumerate(panel["queries"])
    targets = [{"refId": chr(ord("A") + at), "datasource": SOURCE, "expr": query["expr"], "legendFormat": query["legend"]} | now for at, query in queries]
    defaults = {"unit": panel.get("unit", "short"), "min": 0}
    if panel.get("unit") == "percentunit":
        defaults["max"] = 1
    return {
        "id": number,
        "type": kind,
        "title": panel["title"],
        "description": described(panel, help_of),
        "datasource": SOURCE,
        "gridPos": place,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
    }


def panels(rows):
    """All of them, with the rows' own lines; those of a row share its width."""
    help_of, made, y = helps(), [], 0
    for row in rows:
        made.append({"id": len(made) + 1, "type": "row", "title": row["row"], "gridPos": {"x": 0, "y": y, "w": WIDTH, "h": 1}, "collapsed": False, "panels": []})
        y += 1
        across = len(row["panels"]) if len(row["panels"]) <= 4 else 3
        width = WIDTH // across
        for at, panel in enumerate(row["panels"]):
            place = {"x": width * (at % across), "y": y + HEIGHT * (at // across), "w": width, "h": HEIGHT}
            made.append(drawn(panel, help_of, len(made) + 1, place))
        y += HEIGHT * -(-len(row["panels"]) // across)
    return made


def dashboard():
    """The file."""
    variables = [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": SOURCE["type"]},
        {
            "name": "job",
            "label": "Fleet",
            "type": "query",
            "datasource": SOURCE,
            "query": {"query": "label_values(grapevine_build_info, job)", "refId": "job"},
            "refresh": 2,
        },
    ]
    made = {
        "uid": "grapevine-operations",
        "title": "Grapevine: operations",
        "description": MADE,
        "tags": ["grapevine"],
        "schemaVersion": 39,
        "editable": True,
        "timezone": "utc",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": variables},
        "panels": panels(yaml.safe_load((HERE / "operations.yml").read_text())),
    }
    return json.dumps(made, indent=1, ensure_ascii=False) + "\n"


def main():
    """Writes the file, or with --check says whether it is stale."""
    text = dashboard()
    if sys.argv[1:] == ["--check"]:
        if not FILE.exists() or FILE.read_text() != text:
            raise SystemExit("deploy/grafana/operations.json is not what deploy/operations.yml and the metrics say; run: make metrics")
        return
    if sys.argv[1:]:
        raise SystemExit(__doc__)
    FILE.write_text(text)


if __name__ == "__main__":
    main()
