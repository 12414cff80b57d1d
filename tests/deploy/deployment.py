"""What the checks of deployment files share: each says what is wrong with a tree, of the tree as it stands nothing, and of every
tree that `tests/deploy/broken` breaks in one place something that names the breakage. A check that takes everything is none.

GRAPEVINE names the program; the checks contact nothing.
"""

import os
import pathlib
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPEVINE = os.environ["GRAPEVINE"]
# What the files of a deployment are, and what they name.
PARTS = ["config", "deploy", "docker-compose.yml", "src/core/report", "tests/alerts"]


def run(command, environment=None, **more):
    """Runs a command to its end, with nothing in the environment but what is said: a shell's own variables must not help."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent"} | (environment or {})
    return subprocess.run(command, env=environment, text=True, capture_output=True, timeout=120, check=False, **more)


def said(place, ended):
    """One complaint about a command that did not go well."""
    return f"{place}: {(ended.stderr + ended.stdout).strip()}"


def arguments_wrong(place, arguments):
    """Complaints about the arguments of `grapevine`: they are parsed, not carried out."""
    ended = run([GRAPEVINE, *arguments, "--help"])
    return [] if ended.returncode == 0 else [said(place, ended)]


def configuration_wrong(place, file, environment):
    """Complaints of `grapevine check` about a file under an environment."""
    ended = run([GRAPEVINE, "check", "--config", str(file)], environment)
    return [] if ended.returncode == 0 else [said(place, ended)]


def check(name, complaints):
    """Ends the program with what is wrong, if anything is; else prints what was refused."""
    wrong = list(complaints(ROOT))
    if wrong:
        raise SystemExit("\n".join(wrong))
    breakages = yaml.safe_load((ROOT / "tests" / "deploy" / "broken" / f"{name}.yml").read_text())
    failed = [problem for breakage in breakages if (problem := _unnoticed(breakage, complaints))]
    if failed:
        raise SystemExit("\n".join(failed))
    print(f"{name}: sound, and {len(breakages)} breakages were refused")


def _unnoticed(breakage, complaints):
    """Why a breakage was not refused, or None."""
    with tempfile.TemporaryDirectory() as folder:
        tree = pathlib.Path(folder)
        for part in PARTS:
            source = ROOT / part
            copy = shutil.copytree if source.is_dir() else shutil.copy
            (tree / part).parent.mkdir(parents=True, exist_ok=True)
            copy(source, tree / part)
        file = tree / breakage["file"]
        text = file.read_text()
        if breakage["from"] not in text:
            return f"{breakage['says']}: {breakage['file']} has changed; break it anew"
        file.write_text(text.replace(breakage["from"], breakage["to"], 1))
        wrong = "\n".join(complaints(tree))
    return None if breakage["refused"] in wrong else f"{breakage['says']}: not refused with {breakage['refused']!r}, but: {wrong or 'taken'}"
