"""The alerts of deploy/prometheus: what they ask exists and is of their own fleet, and the tests of tests/alerts hold.

That those tests are worth something is tried, too: each alert must be missed where it never fires, and noticed where it always fires, where it fires
without waiting, and where it watches every fleet.
"""

import pathlib
import re
import shutil
import tempfile

import deployment
import yaml

RULES = pathlib.PurePath("deploy", "prometheus", "alerts.yml")
OWN = 'job="grapevine"'
# Metrics that Prometheus or the process brings.
OTHERS = {"up", "process_start_time_seconds"}


def alerts(root):
    """The alerts of a tree, in their order."""
    return [rule for group in yaml.safe_load((root / RULES).read_text())["groups"] for rule in group["rules"]]


def complaints(root):
    """What is wrong with the alerts of a tree."""
    ended = deployment.run(["promtool", "check", "rules", str(root / RULES)])
    if ended.returncode != 0:
        yield deployment.said("promtool", ended)
        return
    for rule in alerts(root):
        yield from deployment.metrics_wrong(root, rule["alert"], rule["expr"])
        metrics = re.findall(r"\b(grapevine_\w+|" + "|".join(OTHERS) + r")\b(\{[^}]*\})?", rule["expr"])
        if not metrics or any(OWN not in labels for _, labels in metrics):
            yield f"{rule['alert']} watches other fleets, too"
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
        rules = yaml.safe_load((deployment.ROOT / RULES).read_text())
        for group in rules["groups"]:
            group["rules"] = [change(rule) for rule in group["rules"]]
        (tree / RULES).parent.mkdir(parents=True)
        (tree / RULES).write_text(yaml.safe_dump(rules))
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


if __name__ == "__main__":
    if unnoticed := list(untested()):
        raise SystemExit("\n".join(unnoticed))
    deployment.check("alerts", complaints)
