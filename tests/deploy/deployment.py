"""What the checks of deployment files share: each says what is wrong with a tree, of the tree as it stands nothing, and of every
tree that `tests/deploy/broken` breaks in one place something that names the breakage. A check that takes everything is none.

GRAPEVINE names the program; the checks contact nothing.
"""

import itertools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
GRAPEVINE = os.environ["GRAPEVINE"]
# The commands that run in production, for ever, and the metric that says how each is: every way to deploy has them all, and alerts
# and dashboard ask how each is.
WATCHED_BY = {"run": "grapevine_worker_ready", "rollup": "grapevine_answers_age_seconds"}
PRODUCTION = set(WATCHED_BY)
# What the files of a deployment are, and what they name.
PARTS = ["config", "deploy", "docker-compose.yml", ".env", "tests/alerts", "tests/it/snapshots"]

# What a worker's registry says of itself; a test compares it with the program.
CATALOGUE = pathlib.PurePath("tests", "it", "snapshots", "it__admin__the_catalogue_is_the_golden_one.snap")
METRIC = r"\bgrapevine_\w+"
# The labels that whoever scrapes a worker adds.
SCRAPED = {"job", "namespace", "instance"}


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


def metrics_wrong(root, place, query):
    """Complaints about words of a query that look like a metric of the worker and are none, and labels that its metrics lack."""
    catalogue = re.findall(r"^(grapevine_\w+) \w+ \{(.*)\}$", (root / CATALOGUE).read_text(), re.M)
    known = {name: set(labels.split(",")) for name, labels in catalogue}
    for name in dict.fromkeys(re.findall(METRIC, query)):
        if not {name, family(name)} & known.keys():
            yield f"{place} names {name}, which does not exist"
            return
    for names, labels in _labelled(query):
        has = SCRAPED.union(*(_labels(known, name) for name in names))
        for label in labels if names else []:
            if label not in has:
                yield f"{place} asks for the label {label}, and none of {', '.join(names)} has it"


def family(name):
    """The name of a histogram, of one of its series."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def _labels(known, name):
    """What the catalogue says of a metric; those of a histogram go by its name."""
    return known.get(name) or known[family(name)] | ({"le"} if name.endswith("_bucket") else set())


def _labelled(query):
    """Metrics of the worker, with the labels by which they are selected, or added up."""
    for name, selected in re.findall(rf"({METRIC})\{{([^}}]*)\}}", query):
        yield [name], re.findall(r"(\w+) *(?:=~|!=|!~|=)", re.sub(r'"[^"]*"', "", selected))
    for by in re.finditer(r"\bby \(([^)]*)\) ?\(", query):
        added = query[by.end() - 1 :]
        depths = itertools.accumulate((sign == "(") - (sign == ")") for sign in added)
        end = next((at for at, depth in enumerate(depths) if depth == 0), len(added))
        yield re.findall(METRIC, added[:end]), re.findall(r"\w+", by[1])


def unwatched(place, queries):
    """Complaints about commands of production after which none of these queries asks."""
    return [f"{place}: nothing asks how {command} is ({metric})" for command, metric in WATCHED_BY.items() if not any(metric in query for query in queries)]


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
            (tree / part).parent.mkdir(parents=True, exist_ok=True)
            if (ROOT / part).is_dir():
                # The chart links to files outside of it: to those of the tree.
                shutil.copytree(ROOT / part, tree / part, symlinks=True)
            else:
                shutil.copy(ROOT / part, tree / part)
        for change in [breakage, *breakage.get("and", [])]:
            file = tree / change["file"]
            text = file.read_text()
            if change["from"] not in text:
                return f"{breakage['says']}: {change['file']} has changed; break it anew"
            file.write_text(text.replace(change["from"], change["to"], 1))
        wrong = []
        for complaint in complaints(tree):
            if breakage["refused"] in complaint:
                return None
            wrong.append(complaint)
    return f"{breakage['says']}: not refused with {breakage['refused']!r}, but: {'; '.join(wrong) or 'taken'}"
