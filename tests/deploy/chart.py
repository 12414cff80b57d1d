"""The chart of deploy/helm: rendered for several sets of values, then taken apart.

Objects of Kubernetes are compared with its strict schemas of the oldest and the newest version that the chart is for. Custom resources are
read into their models and written again: what is lost is a typo. References, ports, hooks, the restricted profile and the guards are compared
here, configurations and commands with the program, alerts with promtool. No API server is asked: `lookup` finds nothing.
"""

import functools
import itertools
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.parse

import alerts
import deployment
import helm_python
import kubernetes_validate
import values
import yaml
from cloudcoil.models.keda.v1alpha1 import ScaledObject
from cloudcoil.models.prometheus_operator.v1 import PodMonitor, PrometheusRule

VERSIONS = ["1.27", "1.37"]
# Of the same parser in C where there is one: hundreds of releases are read.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
CUSTOM = {"ScaledObject": ScaledObject, "PodMonitor": PodMonitor, "PrometheusRule": PrometheusRule}
SECRET = "a secret of this test"
USER = 65532
# Who asks what: a worker that waits for Kafka or ClickHouse is alive and not ready, and must not be restarted for that.
PROBES = {"startupProbe": "/healthz", "livenessProbe": "/healthz", "readinessProbe": "/readyz"}
BEGINS_SECONDS = 120
# With the number of a limit that is set: it is none.
NAMESPACE = "social-900"


def rendered(chart, case):
    """The objects of a release with the values of a case, or the text of Helm's refusal."""
    try:
        texts = chart.render(case, name="fleet", namespace=NAMESPACE, is_install=True)
    except helm_python.HelmError as refusal:
        return [], str(refusal)
    texts = [text for name, text in texts.items() if not name.endswith(".txt")]
    return [each for text in texts for each in yaml.load_all(text, LOADER) if each], None


def complaints(root):
    """What is wrong with the chart of a tree."""
    folder = root / "deploy" / "helm" / "grapevine"
    try:
        chart = helm_python.Chart.load(folder)
    except helm_python.HelmError as refusal:
        yield str(refusal)
        return
    version = tomllib.loads((deployment.ROOT / "Cargo.toml").read_text())["workspace"]["package"]["version"]
    if (chart.version, chart.metadata["appVersion"]) != (version, version):
        yield f"Chart.yaml is of {chart.version} for {chart.metadata['appVersion']}, the program of {version}"
    for case in values.CASES["accepted"]:
        objects, refusal = rendered(chart, case["values"])
        if refusal:
            yield f"{case['says']}: {refusal}"
            continue
        told = _notes_wrong(chart, case["values"], objects), _remembered_wrong(chart.metadata, case["values"], objects)
        for wrong in itertools.chain(_objects_wrong(root, objects, case), *told):
            yield f"{case['says']}: {wrong}"
    for case in values.CASES["refused"]:
        _, refusal = rendered(chart, case["values"])
        if case["refused"] not in (refusal or "nothing"):
            yield f"{case['says']}: refused with {refusal}, not {case['refused']!r}"
    yield from values.tables_wrong(lambda case: rendered(chart, case))
    defaults = yaml.safe_load((folder / "values.yaml").read_text())
    yield from values.untried(defaults)
    yield from values.unused(defaults, lambda case: rendered(chart, case))
    for message in helm_python.lint(folder, values.CASES["accepted"][0]["values"])["messages"]:
        if message["severity"] > 1:
            yield f"lint: {message['error']}"


def _notes_wrong(chart, case, objects):
    """What is told after an installation names what is there."""
    [text] = [text for name, text in chart.render(case, name="fleet", namespace=NAMESPACE, is_install=True).items() if name.endswith(".txt")]
    there = {f"sts/{each['metadata']['name']}" for each in objects if each["kind"] == "StatefulSet"}
    if case["config"]["kafka"].get("topic", "social-events") not in text or NAMESPACE not in text or not there & set(re.findall(r"\bsts/\S+", text)):
        yield f"NOTES.txt says {text!r}"


def _remembered_wrong(about, case, objects):
    """What the guards of the next upgrade read of this one, and of what version every object says to be."""
    known = {"app.kubernetes.io/version": about["appVersion"], "helm.sh/chart": f"{about['name']}-{about['version']}"}
    for each in objects:
        if not known.items() <= (labels := each["metadata"]["labels"]).items():
            yield f"{each['kind']} {each['metadata']['name']} is labelled {labels}, without {known}"
    wanted = {"epoch": str(case["config"].get("worker", {}).get("epoch", 0)), "version": about["appVersion"]}
    [kept] = [each["data"] for each in objects if (each["kind"], each["metadata"]["name"]) == ("ConfigMap", "fleet-grapevine")]
    for key, value in wanted.items():
        if kept.get(key) != value:
            yield f"the next upgrade reads the {key} {kept.get(key)}, and it is {value}"


def _objects_wrong(root, objects, case):
    kinds = {each["kind"] for each in objects}
    run = {container["args"][0] for each in objects if (pod := _pod(each)) for container in pod["containers"]}
    if "Deployment" in case["kinds"] and not deployment.PRODUCTION <= run:
        yield f"{sorted(deployment.PRODUCTION - run)} does not run"
    if missing := set(case["kinds"]) - kinds:
        yield f"no {sorted(missing)}"
    yield from values.wrong(objects, case)
    for each in objects:
        name = f"{each['kind']} {each['metadata']['name']}"
        for wrong in [*_schema(each), *_pods(each), *_references(each, objects), *_configuration(root, each, objects)]:
            yield f"{name}: {wrong}"
        if each["kind"] == "PrometheusRule":
            yield from _alerts(each, case)
        if each["kind"] == "ScaledObject":
            yield from _scaling(root, each, case)
        if each["kind"] == "NetworkPolicy":
            yield from _reached(each, case)


def _schema(each):
    return _complaints_of_schema(json.dumps(each))


@functools.cache
def _complaints_of_schema(text):
    """An object that a breakage has left as it was is not read again: that takes most of the time."""
    each = json.loads(text)
    if model := CUSTOM.get(each["kind"]):
        try:
            kept = model.model_validate(each).model_dump(by_alias=True, exclude_none=True, exclude_unset=True, mode="json")
        except ValueError as problem:
            return [str(problem)]
        return list(_lost(each, kept, ""))
    return [wrong for version in VERSIONS for wrong in _of_version(each, version)]


def _of_version(each, version):
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as problem:
        yield f"{version}: {'.'.join(map(str, problem.path))}: {problem.message}"


def _lost(before, after, place):
    """The keys that a model did not know."""
    if isinstance(before, dict):
        for key, value in before.items():
            if key not in (after or {}):
                yield f"{place}.{key} is no key"
            else:
                yield from _lost(value, after[key], f"{place}.{key}")
    elif isinstance(before, list):
        for at, value in enumerate(before):
            yield from _lost(value, after[at], f"{place}[{at}]")


def _pod(each):
    return each["spec"]["template"]["spec"] if each["kind"] in values.WORKLOADS else None


def _pods(each):
    """The restricted profile, a command that the program takes, an image that does not move, ports that exist, time to drain."""
    if not (pod := _pod(each)):
        return
    around = pod.get("securityContext", {})
    if not around.get("runAsNonRoot") or around.get("seccompProfile", {}).get("type") != "RuntimeDefault" or pod.get("automountServiceAccountToken") is not False:
        yield "the pod is not restricted"
    if any(around.get(key) != USER for key in ("runAsUser", "runAsGroup", "fsGroup")):
        yield f"the pod or its volumes are not those of {USER}, the image's user"
    for container in pod["containers"]:
        inner = container.get("securityContext", {})
        tight = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}
        if any(inner.get(key) != value for key, value in tight.items()) or inner.get("privileged"):
            yield "the container is not restricted"
        if "memory" not in container["resources"].get("limits", {}):
            yield "no memory limit"
        if re.search(r":latest$|:$", container["image"]) or ":" not in container["image"]:
            yield f"{container['image']} moves"
        yield from deployment.arguments_wrong("args", container["args"])
        yield from _probes(container)


def _probes(container):
    """A worker is asked how it is where it listens, and gets the time to begin; who has no admin port is not asked."""
    asked = {probe: container[probe].get("httpGet") for probe in PROBES if probe in container}
    worker = container["args"][0] == "run"
    if asked != (wanted := {probe: {"path": path, "port": "admin"} for probe, path in PROBES.items()} if worker else {}):
        yield f"is asked how it is by {asked}, not {wanted}"
    elif worker:
        yield from _begins(container)


def _begins(container):
    """The port that is asked is the one that the worker is told; it is not killed in its first two minutes."""
    told = {variable["name"]: variable.get("value") for variable in container["env"]}
    address = told.get("GRAPEVINE_ADMIN_ADDRESS") or "no address"
    opened = {port["name"]: port["containerPort"] for port in container["ports"]}
    if not address.endswith(f":{opened.get('admin')}"):
        yield f"opens {opened}, and listens at {address}"
    probe = container["startupProbe"]
    if (seconds := probe["periodSeconds"] * probe["failureThreshold"]) < BEGINS_SECONDS:
        yield f"is given {seconds} s to begin"


def _references(each, objects):
    """Everything named is there; a hook names nothing but hooks of lower weight and what is the operator's."""
    weight = lambda other: int(other["metadata"].get("annotations", {}).get("helm.sh/hook-weight", 0)) if _hook(other) else None
    there = {(other["kind"], other["metadata"]["name"]): other for other in objects}
    named = []
    if pod := _pod(each):
        named += [("ConfigMap", volume["configMap"]["name"]) for volume in pod["volumes"] if "configMap" in volume]
        named += [("ServiceAccount", pod["serviceAccountName"])] if pod["serviceAccountName"] != "default" else []
        claims = {claim["metadata"]["name"] for claim in each["spec"].get("volumeClaimTemplates", [])}
        volumes = {volume["name"] for volume in pod["volumes"]} | claims
        mounts = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        if mounts - volumes:
            yield f"mounts {sorted(mounts - volumes)}, which is no volume"
    if each["kind"] == "StatefulSet":
        named += [("Service", each["spec"]["serviceName"])]
    if each["kind"] == "ScaledObject":
        named += [(each["spec"]["scaleTargetRef"]["kind"], each["spec"]["scaleTargetRef"]["name"])]
    for name in named:
        if name not in there:
            yield f"names {' '.join(name)}, which is not there"
        elif _hook(each) and (weight(there[name]) is None or weight(there[name]) >= weight(each)):
            yield f"is a hook and names {' '.join(name)}, which is not there yet"
    yield from _selected(each, objects)


def _hook(each):
    return "helm.sh/hook" in each["metadata"].get("annotations", {})


def _selected(each, objects):
    """Whatever selects pods finds some, with the port that it wants."""
    selector = {"Service": "selector", "PodDisruptionBudget": "selector", "PodMonitor": "selector", "NetworkPolicy": "podSelector"}.get(each["kind"])
    if not selector:
        return
    wanted = each["spec"][selector]
    wanted = wanted.get("matchLabels", wanted)
    pods = [other["spec"]["template"] for other in objects if other["kind"] in values.WORKLOADS]
    found = [pod for pod in pods if wanted.items() <= pod["metadata"]["labels"].items()]
    ports = {port["name"] for pod in found for container in pod["spec"]["containers"] for port in container.get("ports", [])}
    spec = each["spec"]
    asked = [port["targetPort"] for port in spec.get("ports", [])] + [end["port"] for end in spec.get("podMetricsEndpoints", [])]
    asked += [port["port"] for rule in spec.get("ingress", []) for port in rule["ports"]]
    if not found or set(asked) - ports:
        yield f"selects {len(found)} workloads with the ports {sorted(ports)}, and asks {asked}"


def _reached(each, case):
    """Whoever the configuration names may be asked at its port."""
    config = case["values"]["config"]
    urls = [*config["clickhouse"]["urls"].split(","), *filter(None, [config["kafka"].get("oauth_token_url")])]
    wanted = {int(broker.rpartition(":")[2]) for broker in config["kafka"]["brokers"].split(",")}
    wanted |= {address.port or {"http": 80, "https": 443}[address.scheme] for address in map(urllib.parse.urlsplit, urls)}
    if missing := wanted - {port["port"] for rule in each["spec"]["egress"] for port in rule["ports"]}:
        yield f"NetworkPolicy: the ports {sorted(missing)} are asked, and nobody is let there"


def _configuration(root, each, objects):
    """The program takes what each pod reads, under its variables; a worker has the time that it says to stop."""
    if not (pod := _pod(each)):
        return
    maps = {other["metadata"]["name"]: other["data"] for other in objects if other["kind"] == "ConfigMap"}
    name = next(volume["configMap"]["name"] for volume in pod["volumes"] if volume["name"] == "config")
    container = pod["containers"][0]
    environment = {variable["name"]: variable.get("value", SECRET) for variable in container["env"]}
    if container["args"][0] != "run":
        # Only workers make pseudonyms; `check` asks for their key in any case.
        environment |= {"GRAPEVINE_RULES_PSEUDONYM_KEY": SECRET}
    file = pathlib.PurePath(container["args"][container["args"].index("--config") + 1])
    text = maps.get(name, {}).get(file.name, "there is no such file")
    with tempfile.NamedTemporaryFile("w", suffix=".toml") as copy:
        copy.write(text)
        copy.flush()
        yield from deployment.configuration_wrong(file, copy.name, environment)
    if each["kind"] == "StatefulSet":
        default = tomllib.loads((root / "config" / "worker.toml").read_text())["worker"]["shutdown_deadline_seconds"]
        said = re.search(r"^shutdown_deadline_seconds = (\d+)$", text, re.M)
        if pod["terminationGracePeriodSeconds"] <= int(said[1] if said else default):
            yield "is killed before it has drained"


def _promtool(words, text):
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        json.dump(text, file)
        file.flush()
        ended = deployment.run(["promtool", *words, "rules", file.name])
    return [] if ended.returncode == 0 else [deployment.said("promtool", ended)]


def _alerts(each, case):
    """They are Prometheus's, about this release, and as patient as the values say."""
    yield from _promtool(["check"], each["spec"])
    if 'job=\\"grapevine\\"' in json.dumps(each):
        yield "PrometheusRule: an alert watches a fleet that is not this release"
    rules = {rule.get("alert"): rule for group in each["spec"].get("groups", []) for rule in group["rules"]}
    for name, own in case["values"]["prometheusRule"].get("rules", {}).items():
        if not own.items() <= rules[name].items() or "annotations" not in rules[name]:
            yield f"PrometheusRule: {name} is not {own} and what is shipped of it"
    own = f'job="{NAMESPACE}/{each["metadata"]["name"]}"'
    shipped = {rule["alert"]: rule["expr"] for rule in alerts.alerts(deployment.ROOT)}
    limits = alerts.limits(deployment.ROOT)
    for name, limit in case["values"]["prometheusRule"].get("limits", {}).items():
        before, after = re.split(alerts.as_number(limits[name]["limit"]), shipped[name])
        asked = f"{before}{limit}{after}".replace('job="grapevine"', own)
        if rules[name]["expr"] != asked:
            yield f"PrometheusRule: the limit of {name} is not {limit}: {rules[name]['expr']} is not {asked}"


def _scaling(root, each, case):
    spec = each["spec"]
    query = spec["triggers"][0]["metadata"]["query"]
    yield from deployment.metrics_wrong(root, "ScaledObject", query)
    yield from _asked(query, f"{NAMESPACE}/{each['metadata']['name']}")
    if spec["maxReplicaCount"] * case["values"]["config"].get("worker", {}).get("threads", 1) > case["values"]["topicPartitions"]:
        yield "more workers than partitions"


def _asked(query, job):
    """What KEDA is told: the worst partition of this fleet, as a scrape has it; nothing while no worker runs."""
    series = [
        {"series": f'grapevine_kafka_consumer_lag_seconds{{job="{of}", pod="{pod}", topic="events", partition="{partition}"}}', "values": f"_ {lag}"}
        for of, pod, partition, lag in [(job, "one", 0, 3), (job, "one", 1, 90), (job, "two", 2, 0), ("social/other", "one", 0, 5000)]
    ]
    asked = [{"expr": query, "eval_time": "0m", "exp_samples": []}, {"expr": query, "eval_time": "1m", "exp_samples": [{"labels": "{}", "value": 90}]}]
    return _promtool(["test"], {"tests": [{"interval": "1m", "input_series": series, "promql_expr_test": asked}]})


def main():
    """First whether the schemas are what their sources say: the rest is judged by them."""
    stale = subprocess.run([sys.executable, deployment.ROOT / "deploy" / "schemas.py", "--check"], text=True, capture_output=True, check=False)
    if stale.returncode:
        raise SystemExit(stale.stderr)
    deployment.check("chart", complaints)


if __name__ == "__main__":
    main()
