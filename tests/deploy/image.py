"""deploy/Dockerfile: its bases are pinned, and what it builds has no shell, does not run as root, is small and works as a worker.

It is built with buildah, which needs no daemon, from the shipped file. No registry is asked: a root of the same packages of Debian stands for
the base, and the program under test, stripped, for the stages that compile (they take minutes; `docker build` runs them). The image is then run with
what a container would have: a root that nobody can write to, its own user, its own folders.
"""

import contextlib
import functools
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import urllib.parse
import urllib.request

import deployment
import programs

# Made by `.ci/setup test`.
BASE = deployment.ROOT / "target" / "image-base"
MIB_MAX = 60
PATIENCE = 120
VOLUME = "/var/lib/grapevine"
SECRETS = {"GRAPEVINE_RULES_PSEUDONYM_KEY": "a secret of this test, of no use elsewhere"}
# What the stages that compile may say to cargo.
CARGO = {"--release", "--locked", "--package", "--no-default-features", "--bin"}
# An image is entered like a container: its root made read-only in a name space of its own, its folder for states writable.
ENTER = f"""
set -eu
root=$1 state=$2 user=$3
shift 3
mount --bind "$root" "$root"
mount -o remount,ro,bind "$root"
mount --bind "$state" "$root{VOLUME}"
exec chroot --userspec="$user" "$root" "$@"
"""


def complaints_with(buildah):
    """What is wrong with the image of a tree, built by `buildah`."""

    def complaints(root):
        wrong = list(_written(root, (root / "deploy" / "Dockerfile").read_text()))
        yield from wrong or _built(root, buildah)

    return complaints


def _written(root, text):
    stages = set()
    for base, stage in re.findall(r"^FROM (\S+) AS (\S+)$", text, re.M):
        if base not in stages | {"scratch"} and not re.search(r":[\w.-]+@sha256:[0-9a-f]{64}$", base):
            yield f"{base} has no version with a digest"
        stages.add(stage)
    if len(stages) != len(re.findall("^FROM ", text, re.M)):
        yield "a stage has no name"
    for stage, path in re.findall(r"^COPY --from=(\S+) .*?(\S+) \S+$", text, re.M):
        if stage not in stages:
            yield f"copies {path} from {stage}, which is no stage"
    for files in re.findall(r"^COPY ([^-.].*) \S+$", text, re.M):
        yield from (f"copies {file}, which is not there" for file in files.split() if not (root / file).exists())
    [check] = re.findall(r"^HEALTHCHECK .*CMD (\[.*\])$", text, re.M)
    yield from deployment.arguments_wrong("health check", json.loads(check)[1:])
    if unlocked := re.findall(r"^RUN cargo build (?!.*--locked).*$", text, re.M):
        yield f"{unlocked[0]} takes other crates than Cargo.lock says"
    yield from _compiled_wrong(root, text)


def _compiled_wrong(root, text):
    """As far as the stages that compile can be judged without running them: by the compiler of the tests, of what is there, into what is copied."""
    read = lambda name: tomllib.loads((deployment.ROOT / name).read_text())
    channel, manifest = read("rust-toolchain.toml")["toolchain"]["channel"], read("Cargo.toml")
    for version in re.findall(r"^FROM rust:([\d.]+)", text, re.M):
        if not f"{channel}.".startswith(f"{version}."):
            yield f"compiles with Rust {version}, and rust-toolchain.toml says {channel}, which it would fetch"
    for command in re.findall(r"^RUN cargo build (.*)$", text, re.M):
        words = shlex.split(command)
        said = dict(zip(words, words[1:]))
        if unknown := {word for word in words if word.startswith("-")} - CARGO:
            yield f"cargo build: {sorted(unknown)} is no option that the tests know"
        if (said.get("--package"), said.get("--bin")) != (manifest["package"]["name"], manifest["package"]["name"]):
            yield f"cargo build {command}: the program is {manifest['package']['name']}"
    stages = dict(zip(re.findall(r"^FROM .* AS (\S+)$", text, re.M), re.split(r"^FROM .*$", text, flags=re.M)[1:]))
    for stage, path in re.findall(r"^COPY --from=(\S+) .*?(\S+) \S+$", text, re.M):
        if stage in stages and path not in stages[stage]:
            yield f"copies {path}, which {stage} does not make"
    for name in re.findall(r"\b(GRAPEVINE_\w+)=\$", text):
        if name not in (deployment.ROOT / "src" / "version.rs").read_text():
            yield f"tells the build {name}, for which it does not ask"
    for left_out in (root / "deploy" / "Dockerfile.dockerignore").read_text().splitlines():
        if not left_out.startswith("#") and left_out not in {".git", "target"}:
            yield f"{left_out} is left out of what is built, and may be a part of it"


def _built(root, buildah):
    """One complaint after another: whoever has heard enough stops here, and nothing more is built or run for him."""
    with tempfile.TemporaryDirectory() as folder:
        contexts = _contexts(root, pathlib.Path(folder))
        opened = functools.partial(_opened, buildah, root, contexts)
        try:
            inside, settings = opened("worker")
            yield from _settings_wrong(settings)
            yield from _root_wrong(inside, settings)
            yield from _lab_wrong(*opened("lab"), settings)
        except _NotBuilt as error:
            yield str(error)
            return
    yield from _worker_wrong(inside, settings)


class _NotBuilt(Exception):
    """What buildah says of an image that did not become one."""


def _lab_wrong(inside, settings, of_worker):
    """It is run like the other, and has the generator."""
    if settings | {"Labels": None} != of_worker | {"Labels": None}:
        yield f"lab is run in another way than worker: {settings}"
    with _entered(inside, settings) as (within, _):
        generated = within(["generate", "--help"], {})
    if generated.returncode != 0:
        yield deployment.said("lab: generate", generated)


def _opened(buildah, root, contexts, image):
    """Where the files of an image are that is built of a tree, and how it is run."""
    words = ("--pull-never", "--layers", "--isolation", "chroot", *contexts, "--target", image, "--tag", image)
    said = buildah("bud", *words, "--file", root / "deploy" / "Dockerfile", root)
    if said.returncode != 0:
        raise _NotBuilt(deployment.said(f"buildah bud {image}", said))
    container = buildah("from", "--pull-never", image).stdout.strip()
    settings = json.loads(buildah("inspect", container).stdout)["OCIv1"]["config"]
    return pathlib.Path(buildah("mount", container).stdout.strip()), settings


@contextlib.contextmanager
def storage():
    """`buildah` with images of its own, which go with the block; the base is there."""
    with tempfile.TemporaryDirectory() as folder:

        def buildah(*arguments):
            places = ["--root", f"{folder}/images", "--runroot", f"{folder}/run"]
            # By these it knows that it is root in a name space alone.
            own = {name: value for name, value in os.environ.items() if name.startswith("_CONTAINERS_")}
            return deployment.run(["buildah", *places, *map(str, arguments)], own | {"HOME": folder}, cwd=folder)

        try:
            container = buildah("from", "scratch").stdout.strip()
            for made in [buildah("add", "-q", container, BASE, "/"), buildah("commit", "-q", container, "base")]:
                if made.returncode != 0:
                    raise SystemExit(deployment.said("the base cannot be made (.ci/setup image)", made))
            yield buildah
        finally:
            buildah("rm", "--all")
            buildah("rmi", "--all", "--force")


def _contexts(root, folder):
    """What images are built from: a root of Debian's packages for the base, and the program under test for what is compiled."""
    compiled = folder / "out"
    (compiled / "state" / "checkpoints").mkdir(parents=True)
    subprocess.run(["strip", "--strip-all", "-o", compiled / "grapevine", deployment.GRAPEVINE], check=True)
    base = re.search(r"^FROM (\S+) AS base$", (root / "deploy" / "Dockerfile").read_text(), re.M)[1]
    contexts = [f"{base}=container-image://localhost/base", *(f"{stage}={folder}" for stage in ("source", "build", "build-lab"))]
    return [word for context in contexts for word in ("--build-context", context)]


def _settings_wrong(settings):
    if not re.fullmatch(r"[1-9]\d*:[1-9]\d*", settings.get("User", "")):
        yield f"runs as {settings.get('User') or 'root'}, where Kubernetes wants the number of somebody without rights"
    if settings.get("StopSignal") != "SIGTERM":
        yield "is not stopped by SIGTERM, which drains"
    if settings.get("ExposedPorts") != {"9464/tcp": {}}:
        yield "does not name the port of metrics"
    if settings.get("Volumes") != {VOLUME: {}}:
        yield f"{VOLUME} is no volume: states would go with the container"
    if "GRAPEVINE_ADMIN_ADDRESS=0.0.0.0:9464" not in settings["Env"]:
        yield f"cannot be asked how it is from outside of its container: {settings['Env']}"
    labels = {name.removeprefix("org.opencontainers.image."): text for name, text in settings.get("Labels", {}).items()}
    about = tomllib.loads((deployment.ROOT / "Cargo.toml").read_text())
    if (labels.get("title"), labels.get("licenses")) != (about["package"]["name"], about["workspace"]["package"]["license"]) or not labels.get("description"):
        yield f"is labelled {labels}"
    yield from deployment.arguments_wrong("CMD", settings.get("Cmd", []))


def _root_wrong(root, settings):
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    shells = [path for path in files if path.name in {"sh", "bash", "dash", "busybox", "apt-get", "dpkg"} and os.access(path, os.X_OK)]
    yield from (f"has {path.relative_to(root)}, of use to an intruder" for path in shells)
    for folder in [root / VOLUME.strip("/"), root / VOLUME.strip("/") / "checkpoints"]:
        if f"{folder.stat().st_uid}:{folder.stat().st_gid}" != settings["User"]:
            yield f"/{folder.relative_to(root)} does not belong to whom the worker runs as"
    mib = sum(path.stat().st_size for path in files) / (1 << 20)
    if mib > MIB_MAX:
        yield f"has {mib:.0f} MiB, of which {MIB_MAX} were promised"


def _worker_wrong(root, settings):
    """Says of itself what it should, makes tables, and writes what a worker outside of an image wrote, with states in its volume."""
    with _entered(root, settings) as (within, state):
        for command in sorted(deployment.PRODUCTION):
            if (known := within([command, "--help"], {})).returncode != 0:
                yield deployment.said(command, known)
        checked = within(["check", "--config", "/etc/grapevine/local.toml"], SECRETS)
        if checked.returncode != 0:
            yield deployment.said("check", checked)
            return
        with _demo(state.parent) as (environment, clickhouse):
            migrated = within(["migrate", "--config", settings["Cmd"][-1]], environment)
            if migrated.returncode != 0:
                yield deployment.said("migrate", migrated)
                return
            yield from _run_wrong(within, settings["Cmd"], environment, clickhouse)
        if not list((state / "checkpoints").rglob("*/*")):
            yield "left no state in its volume"


@contextlib.contextmanager
def _entered(root, settings):
    """What runs the program of an image inside of it, and its folder of states."""
    with tempfile.TemporaryDirectory() as folder:
        state = pathlib.Path(folder, "state")
        shutil.copytree(root / VOLUME.strip("/"), state)
        for path in [state, state / "checkpoints"]:
            os.chown(path, *map(int, settings["User"].split(":")))
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "enter", str(root), str(state), settings["User"]]
        path = dict(variable.split("=", 1) for variable in settings["Env"])["PATH"]
        yield functools.partial(_within, enter, path, settings["Entrypoint"]), state


def _within(enter, path, entrypoint, arguments, environment, start=deployment.run):
    """Runs the image's program inside of it."""
    return start([*enter, *entrypoint, *arguments], environment | {"PATH": f"{path}:{os.environ['PATH']}"})


@contextlib.contextmanager
def _demo(folder):
    """A broker with events, and a ClickHouse where another worker has written them: where they are, as variables, and its address."""
    demo = [deployment.GRAPEVINE, "demo", "--events", "2000", "--days", "8", "--serve"]
    with programs.running(demo, folder, "demo.log") as serving:
        said = programs.waited_for(folder / "demo.log", serving, "Ctrl-C ends it all", PATIENCE)
        broker, topic = re.search(r"^broker\s+(\S+)\s+\(topic (\S+)\)", said, re.M).groups()
        clickhouse = re.search(r"^clickhouse\s+(\S+)", said, re.M)[1]
        environment = {
            "GRAPEVINE_KAFKA_BROKERS": broker,
            "GRAPEVINE_KAFKA_TOPIC": topic,
            "GRAPEVINE_KAFKA_GROUP": "image",
            "GRAPEVINE_WORKER_LOG": "demo",
            "GRAPEVINE_CLICKHOUSE_URLS": clickhouse,
            "GRAPEVINE_CLICKHOUSE_DATABASE": "image",
            "GRAPEVINE_CHECKPOINT_URL": f"file://{VOLUME}/checkpoints",
            "GRAPEVINE_ADMIN_ADDRESS": f"127.0.0.1:{programs.free_port()}",
        }
        yield environment | SECRETS, clickhouse


def _run_wrong(within, command, environment, clickhouse):
    worker = within(command, environment, _started)
    try:
        until = time.monotonic() + PATIENCE
        while (rows := _rows(clickhouse, "image")) != _rows(clickhouse, "grapevine") or not rows:
            if worker.poll() is not None or time.monotonic() > until:
                worker.kill()
                yield f"run: wrote {rows}; said: {worker.communicate()[0][-2000:]}"
                return
            time.sleep(0.3)
    finally:
        worker.terminate()
    said = worker.communicate(timeout=40)[0]
    if worker.returncode != 0:
        yield f"run: a stop ended with {worker.returncode}; said: {said[-2000:]}"


def _started(command, environment):
    return subprocess.Popen(command, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def _rows(clickhouse, database):
    """What is read of every source, as text."""
    query = f"SELECT source, accepted, rejected, duplicates FROM {database}.sources ORDER BY source FORMAT TSV"
    with urllib.request.urlopen(f"{clickhouse}/?{urllib.parse.urlencode({'query': query})}", timeout=30) as answer:
        return answer.read().decode()


if __name__ == "__main__":
    if os.geteuid() != 0:
        # Somebody who is root in a name space of their own.
        os.execvp("buildah", ["buildah", "unshare", sys.executable, *sys.argv])
    with storage() as commands:
        deployment.check("image", complaints_with(commands))
