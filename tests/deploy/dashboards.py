"""The dashboard for operations: what its panels ask is Prometheus's language, of metrics and labels that exist, of one fleet;
every metric of a worker is on a panel; and every query has an answer on a real Prometheus that scrapes a working worker, or
says why not.

Grafana itself is not there: what it makes of the file is not seen.
"""

import contextlib
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

import deployment
import programs
import yaml

FILE = pathlib.PurePath("deploy", "grafana", "operations.json")
OWN = 'job="$job"'
JOB = "grapevine"
PATIENCE = 240


@contextlib.contextmanager
def watched():
    """A Prometheus that has scraped a worker from before its first record until after its last."""
    worker, port = programs.free_port(), programs.free_port()
    scrape = {"job_name": JOB, "static_configs": [{"targets": [f"127.0.0.1:{worker}"]}]}
    configuration = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape]}
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "prometheus.yml").write_text(yaml.safe_dump(configuration))
        demo = [deployment.GRAPEVINE, "demo", "--events", "2000", "--days", "8", "--serve", "--metrics-port", worker]
        prometheus = programs.running(programs.prometheus(port), folder, "prometheus.log")
        with prometheus, programs.running(demo, folder, "demo.log") as serving:
            programs.waited_for(pathlib.Path(folder, "demo.log"), serving, "Ctrl-C ends it all", PATIENCE)
            # A last scrape or two of the worker at rest.
            time.sleep(3)
            yield f"http://127.0.0.1:{port}"


def answers(url, query):
    """The series of a query now, over the whole life of the worker."""
    query = query.replace("$__rate_interval", "5m").replace("$job", JOB)
    with urllib.request.urlopen(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}", timeout=30) as answer:
        return json.load(answer)["data"]["result"]


def complaints_with(url):
    """What is wrong with the dashboard of a tree, asked of the Prometheus at `url`."""

    def complaints(root):
        made = deployment.run([sys.executable, str(root / "deploy" / "operations.py"), "--check"])
        if made.returncode != 0:
            yield deployment.said("deploy/operations.py", made)
        rows = yaml.safe_load((root / "deploy" / "operations.yml").read_text())
        rare = {query["expr"] for row in rows for panel in row["panels"] for query in panel["queries"] if "rare" in query}
        panels = [panel for panel in json.loads((root / FILE).read_text())["panels"] if panel["type"] != "row"]
        asked = [(panel["title"], target["expr"]) for panel in panels for target in panel["targets"]]
        wrong = _language_wrong([query for _, query in asked])
        for title, query in asked:
            wrong += [*deployment.metrics_wrong(root, title, query), *_fleet_wrong(title, query)]
        yield from wrong
        yield from deployment.unwatched(FILE.name, [query for _, query in asked])
        catalogue = set(re.findall(r"^(grapevine_\w+) ", (root / deployment.CATALOGUE).read_text(), re.M))
        shown = {deployment.family(name) for _, query in asked for name in re.findall(r"grapevine_\w+", query)}
        yield from (f"no panel shows {name}" for name in sorted(catalogue - shown))
        if wrong:
            return
        for title, query in asked:
            if not answers(url, query) and query not in rare:
                yield f"{title}: {query} returns nothing"

    return complaints


def _language_wrong(queries):
    """Complaints of promtool, about all of them at once: it starts slowly."""
    rules = [{"record": f"panel:{at}", "expr": query.replace("$__rate_interval", "5m")} for at, query in enumerate(queries)]
    rules = json.dumps({"groups": [{"name": "panels", "rules": rules}]})
    ended = subprocess.run(["promtool", "check", "rules", "/dev/stdin"], input=rules, text=True, capture_output=True, check=False)
    return [] if ended.returncode == 0 else [deployment.said("promtool", ended)]


def _fleet_wrong(title, query):
    selectors = re.findall(r"\b(?:grapevine|process)_\w+(\{[^}]*\})?", query)
    if not selectors or any(OWN not in labels for labels in selectors):
        yield f"{title} shows every fleet"


def main():
    """All of it."""
    with watched() as url:
        deployment.check("dashboards", complaints_with(url))


if __name__ == "__main__":
    main()
