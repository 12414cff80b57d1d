"""Writes what is made from config/worker.toml and the chart's values: config/worker.schema.json, for editors that complete TOML,
and deploy/helm/grapevine/values.schema.json, by which Helm refuses a misspelled value before it renders anything.

    target/python-venv/bin/python deploy/schemas.py            writes the files
    target/python-venv/bin/python deploy/schemas.py --check    says which of them are stale, and changes nothing

They know names and types; what values mean is for `grapevine check`.
"""

import json
import pathlib
import sys
import tomllib

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[1]
DRAFT = "http://json-schema.org/draft-07/schema#"
MADE = "Made from {} by `make schemas`; change that file instead."
# Objects of Kubernetes, whose keys are its own.
OPEN = {"resources"}
# Maps of texts: what YAML takes for a number or a truth there, Kubernetes refuses only when it is too late.
TEXTS = ("annotations", "labels", "nodeselector")
# Settings that go on to a client or a server, under its names.
PASSED_ON = {"type": "object", "additionalProperties": {"type": ["string", "integer", "boolean"]}}


def comments(text):
    """The comment above each `section.key` of a file in TOML."""
    found, section, above = {}, "", []
    for line in text.splitlines():
        if line.startswith("#"):
            above.append(line.lstrip("# "))
        elif line.startswith("["):
            section = line.strip("[]")
            if above:
                # A table within a section.
                found[section] = " ".join(above)
            above = []
        elif " = " in line:
            # Keys that share a comment stand below each other.
            found[f"{section}.{line.partition(' = ')[0]}"] = " ".join(above)
        else:
            above = []
    return found


def scalar(value):
    """The type of a default."""
    if isinstance(value, bool):
        return {"type": "boolean"}
    return {"type": "integer", "minimum": 0} if isinstance(value, int) else {"type": "string"}


def closed(properties):
    """An object without other keys."""
    return {"type": "object", "additionalProperties": False, "properties": properties}


def worker():
    """Sections and keys of config/worker.toml."""
    text = (ROOT / "config" / "worker.toml").read_text()
    says = comments(text)
    kind = lambda value: PASSED_ON if value == {} else values(value)
    key = lambda section, name, value: kind(value) | {"description": says[f"{section}.{name}"], "default": value}
    section = lambda title, keys: closed({name: key(title, name, value) for name, value in keys.items()})
    return closed({title: section(title, keys) for title, keys in tomllib.loads(text).items()})


def values(value, name=""):
    """What a default allows. Empty lists and objects are somebody else's, such as Kubernetes'."""
    if name == "config":
        return worker()
    if isinstance(value, list):
        return {"type": "array"}
    if not isinstance(value, dict):
        return scalar(value)
    if name.lower().endswith(TEXTS):
        return {"type": "object", "additionalProperties": {"type": "string"}}
    if not value or name in OPEN:
        return {"type": "object"}
    return closed({name: values(inner, name) for name, inner in value.items()})


def files():
    """What each generated file must hold, by its path."""
    chart = ROOT / "deploy" / "helm" / "grapevine"
    of_chart = values(yaml.safe_load((chart / "values.yaml").read_text()))
    # A chart that contains this one may hand down its own.
    of_chart["properties"]["global"] = {"type": "object"}
    made = {
        ROOT / "config" / "worker.schema.json": ("config/worker.toml", worker()),
        chart / "values.schema.json": ("values.yaml and config/worker.toml", of_chart),
    }
    return {path: json.dumps({"$schema": DRAFT, "$comment": MADE.format(source)} | schema, indent=1) + "\n" for path, (source, schema) in made.items()}


def main():
    """Writes the files, or with --check names those that are stale."""
    wrong = [path for path, text in files().items() if not path.exists() or path.read_text() != text]
    if sys.argv[1:] == ["--check"]:
        if wrong:
            raise SystemExit(f"not what their sources say: {', '.join(str(path.relative_to(ROOT)) for path in wrong)}; run: make schemas")
        return
    if sys.argv[1:]:
        raise SystemExit(__doc__)
    for path in wrong:
        path.write_text(files()[path])


if __name__ == "__main__":
    main()
