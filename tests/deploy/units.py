"""The units of deploy/systemd: systemd knows every key and value, they are hardened, they run what the program can do, and
they are started, watched and stopped as they must be.

systemd itself is asked for nothing but its opinion: no unit is started.
"""

import pathlib
import re
import shlex
import tempfile

import deployment

# What `systemd-analyze security` may give at most: 0 is a service that can do nothing, 10 one that can do everything.
EXPOSURE = 2.0
PROGRAM = "/usr/local/bin/grapevine"
HARDENING = "# From here on"
# Both come with the machine, and are tried for as long as it takes.
ALWAYS = {"Restart": "always", "StartLimitIntervalSec": "0", "WantedBy": "multi-user.target"}
# A worker says itself when it has started and that it is alive, and only its own process is listened to and asked to stop;
# answers say nothing: a start that waits for a word of theirs would never end.
KEPT = {
    "grapevine.service": ALWAYS
    | {"Type": "notify", "NotifyAccess": "main", "WatchdogSec": "30", "KillMode": "mixed", "StateDirectoryMode": "0700"},
    "grapevine-rollup.service": ALWAYS | {"Type": "exec"},
}


def values(text, key):
    """All values of a key of a unit."""
    return re.findall(rf"^{key}=(.*)$", text, re.M)


def complaints(root):
    """What is wrong with the units of a tree."""
    units = {path.name: path.read_text() for path in sorted((root / "deploy" / "systemd").glob("*.service"))}
    yield from _unknown_to_systemd(units)
    for name, text in units.items():
        yield from _kept(name, text)
        yield from _exposed(root / "deploy" / "systemd" / name)
        yield from _commands(name, text)
        yield from _configured(root, name, text)
    if missing := deployment.PRODUCTION - {shlex.split(command)[1] for text in units.values() for command in values(text, "ExecStart")}:
        yield f"{sorted(missing)} does not run"
    configuration = (root / "config" / "worker.toml").read_text()
    states = re.search(r'^url = "file:///var/lib/([^/"]+)', configuration, re.M)[1]
    if (folders := values(units["grapevine.service"], "StateDirectory")) != [states]:
        yield f"grapevine.service: has the folders {folders} for states, and checkpoint.url is in {states}"
    deadline = int(re.search(r"^shutdown_deadline_seconds = (\d+)", configuration, re.M)[1])
    if values(units["grapevine.service"], "TimeoutStopSec") != [str(deadline + 5)]:
        yield f"grapevine.service: TimeoutStopSec is not worker.shutdown_deadline_seconds + 5 = {deadline + 5}"
    if len({text.partition(HARDENING)[2].partition("[Install]")[0] for text in units.values()}) != 1:
        yield "the units are not hardened alike"


def _unknown_to_systemd(units):
    with tempfile.TemporaryDirectory() as folder:
        for name, text in units.items():
            pathlib.Path(folder, name).write_text(text.replace(PROGRAM, deployment.GRAPEVINE))
        ended = deployment.run(["systemd-analyze", "verify", "--man=no", *(f"{folder}/{name}" for name in units)])
    # It ends with 0 whatever it finds.
    if ended.returncode != 0 or ended.stderr:
        yield deployment.said("systemd-analyze verify", ended)


def _kept(name, text):
    for key, value in KEPT[name].items():
        if (said := values(text, key)) != [value]:
            yield f"{name}: {key} is {said}, not {value}"


def _exposed(unit):
    command = ["systemd-analyze", "security", "--no-pager", "--offline=true", f"--threshold={round(EXPOSURE * 10)}", str(unit)]
    ended = deployment.run(command)
    if ended.returncode != 0:
        yield f"{unit.name}: {ended.stdout.strip().splitlines()[-1:]} is more than {EXPOSURE}"


def _commands(name, text):
    for command in values(text, "ExecStart"):
        program, *arguments = shlex.split(command)
        if program != PROGRAM:
            yield f"{name}: starts {program}"
        yield from deployment.arguments_wrong(name, arguments)
    if values(text, "RestartPreventExitStatus") != ["64"]:
        yield f"{name}: a mistake in the configuration would be tried again and again"


def _configured(root, name, text):
    """What the unit sets is known to the program: every credential is loaded that a variable names."""
    with tempfile.TemporaryDirectory() as credentials:
        for loaded in values(text, "LoadCredential"):
            pathlib.Path(credentials, loaded.partition(":")[0]).write_text("a secret of this test")
        environment = dict(setting.replace("%d", credentials).split("=", 1) for setting in values(text, "Environment"))
        # Only workers make pseudonyms; `check` asks for their key in any case.
        if " run " not in "".join(values(text, "ExecStart")):
            environment["GRAPEVINE_RULES_PSEUDONYM_KEY"] = "a secret of this test"
        yield from deployment.configuration_wrong(name, root / "config" / "worker.toml", environment)


if __name__ == "__main__":
    deployment.check("units", complaints)
