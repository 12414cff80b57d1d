"""docker-compose.yml, alone and with deploy/fleet.yml, and deploy/cluster/compose.yml, with what they mount: compose takes them with their
variables, and what they name is there.

Services, ports, files, stages that images are built to, commands, configurations, the memory that the worker's budgets add up to. No container is
started, no image pulled.
"""

import functools
import json
import pathlib
import re
import subprocess
import tempfile
import xml.etree.ElementTree

import deployment
import yaml

# The images of this project.
OURS = {"grapevine:local", "grapevine:lab"}
# What compose reads: the first alone, or both.
FILES = ["docker-compose.yml", "deploy/fleet.yml"]
MIB = {"m": 1, "g": 1024}


def complaints(root):
    """What is wrong with the compose file of a tree."""
    wrong, services = _resolved([(root / FILES[0]).read_text()], (root / ".env").read_text())
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
    yield from _prometheus(root, "prometheus.yml", services)
    yield from _fleet(root)
    yield from _grafana(root, services)
    yield from _memory(root, services["worker"])
    yield from (f"deploy/cluster: {wrong}" for wrong in _cluster(root / "deploy" / "cluster"))


@functools.cache
def _asked(texts, variables):
    """What compose makes of these files. It is asked once about the same ones: it starts slowly."""
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, ".env").write_text(variables)
        command = ["docker-compose", "--project-directory", folder]
        for number, text in enumerate(texts):
            pathlib.Path(folder, f"{number}.yml").write_text(text)
            command += ["-f", f"{folder}/{number}.yml"]
        return deployment.run([*command, "config"])


def _resolved(texts, variables):
    """What compose complains of, and the services: of one file as they stand there, with their variables put in; of several as compose merges them."""
    ended = _asked(tuple(texts), variables)
    if ended.returncode != 0 or ended.stderr:
        return deployment.said("docker-compose config", ended), None
    if len(texts) > 1:
        return None, yaml.safe_load(ended.stdout)["services"]
    values = dict(re.findall(r"^(\w+)=(.*)$", variables, re.M))
    return None, yaml.safe_load(re.sub(r"\$\{(\w+)\}", lambda name: values[name[1]], texts[0]))["services"]


def _cluster(folder):
    """Servers and Keepers are the services that the configurations of both name."""
    wrong, services = _resolved([(folder / "compose.yml").read_text()], "")
    if wrong:
        yield wrong
        return
    for name, service in services.items():
        yield from (f"{name}: {wrong}" for wrong in _service(folder, service))
    server, keeper = (xml.etree.ElementTree.parse(folder / name).getroot() for name in ("server.xml", "keeper.xml"))
    texts = lambda root, path: [node.text for node in root.iterfind(path)]
    keepers = {name for name, service in services.items() if "keeper" in service["image"]}
    for what, named, wanted in (
        ("keeper.xml", texts(keeper, ".//raft_configuration/server/hostname"), keepers),
        ("server.xml: zookeeper", texts(server, "zookeeper/node/host"), keepers),
        ("server.xml: remote_servers", texts(server, "remote_servers/*/shard/replica/host"), services.keys() - keepers),
    ):
        if sorted(named) != sorted(wanted):
            yield f"{what} names {sorted(named)}, and the services are {sorted(wanted)}"
    if set(texts(server, "zookeeper/node/port")) != {keeper.findtext(".//tcp_port")}:
        yield "server.xml: zookeeper asks at a port at which no Keeper listens"
    numbers = dict(zip(texts(keeper, ".//raft_configuration/server/hostname"), texts(keeper, ".//raft_configuration/server/id")))
    if numbers != (said := {name: services[name].get("environment", {}).get("KEEPER_ID") for name in keepers}):
        yield f"keeper.xml numbers {numbers}, and the services call themselves {said}"
    for at, shard in enumerate(server.iterfind("remote_servers/*/shard"), 1):
        said = [services.get(host, {}).get("environment", {}) for host in texts(shard, "replica/host")]
        if [(place.get("SHARD"), place.get("REPLICA")) for place in said] != [(str(at), str(replica)) for replica in range(1, len(said) + 1)]:
            yield f"the macros of shard {at} are {said}"
    if texts(server, "remote_servers/*/shard/internal_replication") != ["true"] * len(server.findall("remote_servers/*/shard")):
        yield "a shard is sent every row once a replica, although replicas copy"


def _variables(root):
    return {name for file in FILES for name in re.findall(r"\$\{(\w+)\}", (root / file).read_text())} | {"COMPOSE_PROFILES"}


def _fleet(root):
    """Its workers are like the one of the first file, but for what they are told of the broker; and the broker has the listener that they use."""
    wrong, services = _resolved([(root / file).read_text() for file in FILES], (root / ".env").read_text())
    if wrong:
        yield wrong
        return
    workers = {name: service for name, service in services.items() if service.get("command", [""])[0] == "run"}
    with tempfile.TemporaryDirectory() as folder:
        made = deployment.run(["sh", str(root / "deploy" / "tls" / "make.sh"), folder, "authority"])
        if made.returncode != 0:
            yield deployment.said("deploy/tls/make.sh", made)
            return
        for service in workers.values():
            service["environment"] = {key: value.replace("/etc/grapevine/tls", folder) for key, value in service["environment"].items()}
        for name, service in services.items():
            for wrong in _service(root, service):
                yield f"fleet: {name}: {wrong}"
    listeners = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"]
    names = [worker["environment"]["GRAPEVINE_KAFKA_GROUP_INSTANCE_ID"] for worker in workers.values()]
    if names != list(workers):
        yield f"fleet: {list(workers)} call themselves {names}"
    for name, worker in workers.items():
        if f"://{worker['environment']['GRAPEVINE_KAFKA_BROKERS']}" not in listeners:
            yield f"fleet: {name} looks for the broker where it does not listen"
        if worker["mem_limit"] != services["worker"]["mem_limit"] or worker["stop_grace_period"] != services["worker"]["stop_grace_period"]:
            yield f"fleet: {name} is limited in another way than worker"
        if not {volume.split(":")[0] for volume in worker["volumes"]} >= {"checkpoints", "tls"}:
            yield f"fleet: {name} has not the states of all, or no certificates"
    for worker in workers.values():
        worker["ports"] = ["9464:9464"]
    yield from _prometheus(root, services["prometheus"]["command"][0].rpartition("/")[2], services)
    told = yaml.safe_load((root / "deploy" / "prometheus" / "fleet.yml").read_text())["scrape_configs"][0]["static_configs"][0]["targets"]
    if missing := {f"{name}:9464" for name in workers} - set(told):
        yield f"fleet: nobody scrapes {sorted(missing)}"


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
    yield from _health(command[0], service.get("healthcheck", {}))
    if "--config" in command:
        file = command[command.index("--config") + 1].replace("/etc/grapevine", str(root / "config"))
        yield from deployment.configuration_wrong("command", file, service["environment"])
    if not re.search(rf"^FROM \S+ AS {service['build']['target']}$", (root / "deploy" / "Dockerfile").read_text(), re.M):
        yield f"is built to {service['build']['target']}, which is no stage of deploy/Dockerfile"
    deadline = int(re.search(r"^shutdown_deadline_seconds = (\d+)", (root / "config" / "worker.toml").read_text(), re.M)[1])
    if command[0] == "run" and int(service["stop_grace_period"].removesuffix("s")) <= deadline:
        yield "is killed before it has drained"


def _health(command, check):
    """A worker is asked how it is; who has no admin port is not."""
    if command != "run":
        # Compose writes it so once it has merged files.
        if not check.get("disable") and check.get("test") != ["NONE"]:
            yield "has the health check of a worker, which the image brings"
        return
    if check["test"][:2] != ["CMD", "grapevine"]:
        yield f"is asked how it is by {check['test']}"
    yield from deployment.arguments_wrong("health check", check["test"][2:])


def _prometheus(root, file, services):
    folder = root / "deploy" / "prometheus"
    checks = [["promtool", "check", "config", folder / file], ["amtool", "check-config", folder / "alertmanager.yml"]]
    for check in checks:
        ended = deployment.run([str(word) for word in check])
        if ended.returncode != 0:
            yield deployment.said(" ".join(check[:1]), ended)
            return
    said = yaml.safe_load((folder / file).read_text())
    configured = said["scrape_configs"] + said["alerting"]["alertmanagers"]
    targets = [target for each in configured for group in each["static_configs"] for target in group["targets"]]
    yield from _addresses(file, targets, services)


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
        opened = [mapping.split(":")[-1].removesuffix("/tcp") for mapping in services.get(name, {}).get("ports", [])]
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
