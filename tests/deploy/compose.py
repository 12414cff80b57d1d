"""docker-compose.yml with what it mounts: compose takes it with its variables, and what it names is there.

Services, ports, files, stages that images are built to, commands, configurations, the memory that the worker's budgets add up to. No container is
started, no image pulled.
"""

import functools
import json
import pathlib
import re
import tempfile

import deployment
import yaml

# The images of this project.
OURS = {"grapevine:local", "grapevine:lab"}
MIB = {"m": 1, "g": 1024}


def complaints(root):
    """What is wrong with the compose file of a tree."""
    wrong, services = _resolved((root / "docker-compose.yml").read_text(), (root / ".env").read_text())
    if wrong:
        yield wrong
        return
    for name, service in services.items():
        for wrong in _service(root, service):
            yield f"{name}: {wrong}"
    if missing := deployment.PRODUCTION - {service["command"][0] for service in services.values() if service["image"] in OURS}:
        yield f"{sorted(missing)} does not run"
    yield from _dimensions(root, services)
    for line in re.findall(r'"127.0.0.1:.*"|"\d+:\d+"', (root / "docker-compose.yml").read_text()):
        if not re.fullmatch(r'"127\.0\.0\.1:\$\{\w+\}:\d+"', line):
            yield f"the port {line} is not one of this machine alone, set by a variable"
    if unused := set(re.findall(r"^(\w+)=", (root / ".env").read_text(), re.M)) - _variables(root):
        yield f".env sets {sorted(unused)}, which nobody reads"
    yield from _prometheus(root, services)
    yield from _grafana(root, services)
    yield from _memory(root, services["worker"])


@functools.cache
def _resolved(text, variables):
    """What compose complains of, and the services with their variables put in. It is asked once about the same files: it starts slowly."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "docker-compose.yml").write_text(text)
        pathlib.Path(folder, ".env").write_text(variables)
        ended = deployment.run(["docker-compose", "--project-directory", folder, "-f", f"{folder}/docker-compose.yml", "config", "-q"])
    if ended.returncode != 0 or ended.stderr:
        return deployment.said("docker-compose config", ended), None
    values = dict(re.findall(r"^(\w+)=(.*)$", variables, re.M))
    return None, yaml.safe_load(re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], text))["services"]


def _variables(root):
    return set(re.findall(r"\$\{(\w+)\}", (root / "docker-compose.yml").read_text())) | {"COMPOSE_PROFILES"}


def _service(root, service):
    if "mem_limit" not in service:
        yield "has no memory limit"
    if service["image"] not in OURS and not re.search(r":v?\d+\.\d+[\w.-]*@sha256:[0-9a-f]{64}$", service["image"]):
        yield f"{service['image']} has no version with a digest"
    for volume in service.get("volumes", []):
        if volume.startswith("./") and not (root / volume.split(":")[0]).exists():
            yield f"mounts {volume}, which is not there"
    if service["image"] not in OURS:
        return
    command = service["command"]
    yield from deployment.arguments_wrong("command", command)
    if "--config" in command:
        file = command[command.index("--config") + 1].replace("/etc/grapevine", str(root / "config"))
        yield from deployment.configuration_wrong("command", file, service["environment"])
    if not re.search(rf"^FROM \S+ AS {service['build']['target']}$", (root / "deploy" / "Dockerfile").read_text(), re.M):
        yield f"is built to {service['build']['target']}, which is no stage of deploy/Dockerfile"
    deadline = int(re.search(r"^shutdown_deadline_seconds = (\d+)", (root / "config" / "worker.toml").read_text(), re.M)[1])
    if command[0] == "run" and int(service["stop_grace_period"].removesuffix("s")) <= deadline:
        yield "is killed before it has drained"


def _prometheus(root, services):
    folder = root / "deploy" / "prometheus"
    checks = [["promtool", "check", "config", folder / "prometheus.yml"], ["amtool", "check-config", folder / "alertmanager.yml"]]
    for check in checks:
        ended = deployment.run([str(word) for word in check])
        if ended.returncode != 0:
            yield deployment.said(" ".join(check[:1]), ended)
            return
    said = yaml.safe_load((folder / "prometheus.yml").read_text())
    configured = said["scrape_configs"] + said["alerting"]["alertmanagers"]
    targets = [target for each in configured for group in each["static_configs"] for target in group["targets"]]
    yield from _addresses("prometheus.yml", targets, services)


def _dimensions(root, services):
    """They are loaded where tables are, not where people read."""
    people = re.search(r'^database = "(\w+)"', (root / "config" / "worker.toml").read_text(), re.M)[1]
    if f"--database={people}_rows " not in " ".join(services["dimensions"]["command"]):
        yield f"dimensions: are loaded elsewhere than into {people}_rows"


def _grafana(root, services):
    folder = root / "deploy" / "grafana"
    sources = yaml.safe_load((folder / "provisioning" / "datasources" / "grapevine.yml").read_text())["datasources"]
    addresses = [source["url"].removeprefix("http://") if "url" in source else "{host}:{port}".format(**source["jsonData"]) for source in sources]
    yield from _addresses("Grafana's data sources", addresses, services)
    needed = {panel["datasource"]["type"] for file in folder.glob("*.json") for panel in json.loads(file.read_text())["panels"] if "datasource" in panel}
    if missing := needed - {source["type"] for source in sources}:
        yield f"no data source of the type {sorted(missing)}, which panels ask"
    if not services["grafana"]["environment"]["GF_PLUGINS_PREINSTALL_SYNC"].startswith("grafana-clickhouse-datasource@"):
        yield "grafana: the plugin of ClickHouse has no pinned version"
    dashboards = yaml.safe_load((folder / "provisioning" / "dashboards" / "grapevine.yml").read_text())["providers"][0]["options"]["path"]
    mounted = [volume.split(":")[1] for volume in services["grafana"]["volumes"]]
    if dashboards not in mounted:
        yield f"grafana: no dashboards are mounted at {dashboards}"


def _addresses(place, addresses, services):
    """Each address is a service, at the port that it opens for this machine, too."""
    for address in addresses:
        name, port = address.split(":")
        opened = [mapping.split(":")[-1] for mapping in services.get(name, {}).get("ports", [])]
        if port not in opened:
            yield f"{place}: nobody listens at {address}"


def _memory(root, worker):
    """All partitions of the topic, full, and one of them restored, fit into the container."""
    environment = {"GRAPEVINE_RULES_PSEUDONYM_KEY": "a secret of this test"}
    sums = deployment.run([deployment.GRAPEVINE, "check", "--config", str(root / "config" / "local.toml")], environment).stdout
    partition, fetched, answers, inserts, state = map(int, re.findall(r"(\d+) MiB", sums)[:5])
    topic = int(re.search(r"--partitions=(\d+)", (root / "docker-compose.yml").read_text())[1])
    needed = topic * (partition + fetched) + answers + inserts + state
    limit = int(worker["mem_limit"][:-1]) * MIB[worker["mem_limit"][-1]]
    if needed > limit:
        yield f"worker: {topic} full partitions need {needed} MiB, and it may have {limit}"


if __name__ == "__main__":
    deployment.check("compose", complaints)
