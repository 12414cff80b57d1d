"""The alerts of deploy/prometheus: what they ask exists and is of their own fleet, and the tests of tests/alerts hold.

That those tests are worth something is tried, too: each alert must be missed where it never fires, and noticed where it always fires, where it fires
without waiting, and where it watches every fleet. And one goes all the way, by the shipped files: from a worker's page to a receiver.
"""

import concurrent.futures
import http.server
import json
import pathlib
import queue
import re
import shutil
import tempfile
import threading

import deployment
import programs
import yaml

RULES = pathlib.PurePath("deploy", "prometheus", "alerts.yml")
LIMITS = RULES.with_name("limits.yml")
OWN = 'job="grapevine"'
# Metrics that Prometheus or the process brings.
OTHERS = {"up", "process_start_time_seconds", "process_resident_memory_bytes"}
# What joins or adds up series keeps the labels by which fleets are told apart.
FLEET = {"job", "namespace"}


def rules(root):
    """Alerts and what is recorded for them, in their order."""
    return [rule for group in yaml.safe_load((root / RULES).read_text())["groups"] for rule in group["rules"]]


def limits(root):
    """The limits that are a matter of taste, by alert."""
    return yaml.safe_load((root / LIMITS).read_text())


def as_number(limit):
    """A pattern for a number that is no part of another one, or of a word."""
    return rf"\b{re.escape(str(limit))}\b"


def alerts(root):
    """The alerts of a tree, in their order."""
    return [rule for rule in rules(root) if "alert" in rule]


def complaints(root):
    """What is wrong with the alerts of a tree."""
    ended = deployment.run(["promtool", "check", "rules", str(root / RULES)])
    if ended.returncode != 0:
        yield deployment.said("promtool", ended)
        return
    recorded = {rule["record"] for rule in rules(root) if "record" in rule}
    for rule in rules(root):
        name = rule.get("alert") or rule["record"]
        yield from deployment.metrics_wrong(root, name, rule["expr"])
        metrics = re.findall(r"\b(grapevine[\w:]+|" + "|".join(OTHERS) + r")\b(\{[^}]*\})?", rule["expr"])
        if not metrics or any(OWN not in labels for _, labels in metrics):
            yield f"{name} watches other fleets, too"
        if unknown := {metric for metric, _ in metrics if ":" in metric} - recorded:
            yield f"{name} asks for {sorted(unknown)}, which nobody records"
        for labels in re.findall(r"\b(?:by|on) \(([^)]*)\)", rule["expr"]):
            if missing := FLEET - set(re.split(r",\s*", labels)):
                yield f"{name} mixes fleets: ({labels}) lacks {sorted(missing)}"
    asked = {rule["alert"]: rule["expr"] for rule in alerts(root)}
    yield from deployment.unwatched(RULES.name, asked.values())
    for name, limit in limits(root).items():
        if set(limit) != {"limit", "counts"} or len(re.findall(as_number(limit["limit"]), asked.get(name, ""))) != 1:
            yield f"{LIMITS.name}: {limit} does not stand once in the query of {name}"
    for ended in tested(root):
        if ended.returncode != 0:
            yield deployment.said("promtool", ended)


def tested(root):
    """promtool on the tests of a tree, a file at a time."""
    for file in sorted((root / "tests" / "alerts").glob("*.yml")):
        yield deployment.run(["promtool", "test", "rules", str(file)])


def failing(change):
    """The alerts whose tests fail where they are changed so: silent ones that were to fire, and those that fire where they should not."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        shutil.copytree(deployment.ROOT / "tests" / "alerts", tree / "tests" / "alerts")
        changed = yaml.safe_load((deployment.ROOT / RULES).read_text())
        for group in changed["groups"]:
            group["rules"] = [change(rule) for rule in group["rules"]]
        (tree / RULES).parent.mkdir(parents=True)
        (tree / RULES).write_text(yaml.safe_dump(changed))
        texts = "".join(ended.stdout + ended.stderr for ended in tested(tree))
    found = re.findall(r"alertname: (\w+), time: \S+,\s+exp:\[(\]?)", texts)
    return {name for name, nothing in found if not nothing}, {name for name, _ in found}


def at_once(rule):
    """The same without its patience."""
    return {key: value for key, value in rule.items() if key != "for"}


def untested():
    """Complaints about alerts whose tests would not notice."""
    names = {rule["alert"] for rule in alerts(deployment.ROOT)}
    patient = {rule["alert"] for rule in alerts(deployment.ROOT) if "for" in rule}
    missed, _ = failing(lambda rule: rule | {"expr": "vector(1) > 1"})
    _, always = failing(lambda rule: at_once(rule) | {"expr": "vector(1)"})
    _, hasty = failing(at_once)
    _, everywhere = failing(lambda rule: rule | {"expr": rule["expr"].replace(OWN, 'job=~".+"')})
    for what, wanted, found in [
        ("never fires", names, missed),
        ("always fires", names, always),
        ("does not wait", patient, hasty),
        ("watches every fleet", names, everywhere),
    ]:
        yield from (f"tests/alerts do not notice that {name} {what}" for name in sorted(wanted - found))


class Worker(http.server.BaseHTTPRequestHandler):
    """The page of a worker that has put a partition aside; and a receiver of notifications."""

    notified = queue.Queue()

    def do_GET(self):
        """The page."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'grapevine_partition_refused{partition="7"} 1\n')

    def do_POST(self):
        """A notification."""
        self.notified.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_):
        """Says nothing."""


def notified():
    """The first notification, within a minute: the shipped files, with their own intervals and other addresses."""
    worker = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Worker)
    threading.Thread(target=worker.serve_forever, daemon=True).start()
    port = programs.free_port()
    with tempfile.TemporaryDirectory() as folder:
        shipped = deployment.ROOT / RULES.parent
        prometheus = yaml.safe_load((shipped / "prometheus.yml").read_text())
        prometheus["rule_files"] = [str(shipped / file) for file in prometheus["rule_files"]]
        prometheus["scrape_configs"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{worker.server_port}"]}]
        prometheus["alerting"]["alertmanagers"][0]["static_configs"] = [{"targets": [f"127.0.0.1:{port}"]}]
        pathlib.Path(folder, "prometheus.yml").write_text(yaml.safe_dump(prometheus))
        alertmanager = yaml.safe_load((shipped / "alertmanager.yml").read_text())
        alertmanager["receivers"][0]["webhook_configs"] = [{"url": f"http://127.0.0.1:{worker.server_port}/"}]
        pathlib.Path(folder, "alertmanager.yml").write_text(yaml.safe_dump(alertmanager))
        alone = ["--cluster.listen-address=", "--storage.path=notified", f"--web.listen-address=127.0.0.1:{port}"]
        receiving = programs.running(["prometheus-alertmanager", "--config.file=alertmanager.yml", *alone], folder, "alertmanager.log")
        with receiving, programs.running(programs.prometheus(programs.free_port()), folder, "prometheus.log"):
            try:
                return Worker.notified.get(timeout=60)
            except queue.Empty:
                logs = [pathlib.Path(folder, name).read_text()[-1000:] for name in ("prometheus.log", "alertmanager.log")]
                raise SystemExit(f"nobody was notified within a minute: {logs}") from None


def main():
    """The alerts, their tests, and the way to a receiver."""
    with concurrent.futures.ThreadPoolExecutor() as beside:
        notification = beside.submit(notified)
        unnoticed = list(untested())
    [alert] = notification.result()["alerts"]
    if alert["labels"] | {"alertname": "GrapevinePartitionRefused", "job": "grapevine", "partition": "7"} != alert["labels"]:
        raise SystemExit(f"somebody was notified of {alert}")
    if "partition 7 must not be read on" not in alert["annotations"]["summary"]:
        raise SystemExit(f"the notification says {alert['annotations']}")
    if unnoticed:
        raise SystemExit("\n".join(unnoticed))
    deployment.check("alerts", complaints)


if __name__ == "__main__":
    main()
