"""What values make of the chart's objects, by tests/deploy/values.yml: what must be there and what must not, words that arrive
where they belong, that every value changes something, how many workers may be away, and who starts again.
"""

import json
import re
import tomllib

import deployment
import yaml

CASES = yaml.safe_load((deployment.ROOT / "tests" / "deploy" / "values.yml").read_text())
# Whose pods are whose.
OWNERS = {"worker": "StatefulSet", "rollup": "Deployment", "migrate": "Job"}
WORKLOADS = set(OWNERS.values())
# What cannot be a word: chart.py compares the limits, a case the digest.
NO_WORDS = {"prometheusRule.limits", "image.digest"}


def wrong(objects, case):
    """Complaints about the objects of a case."""
    read = [_read(each) for each in objects]
    config = case["values"]["config"]
    # Of the configuration everything arrives, whatever it is.
    files = {"worker.toml": config, "store.toml": {"clickhouse": config["clickhouse"]}}
    for wanted in [*case.get("holds", []), {"kind": "ConfigMap", "data": files}]:
        if not any(_holds(each, wanted) for each in read):
            yield f"nothing holds {json.dumps(wanted)}"
    for unwanted in case.get("lacks", []):
        if any(_holds(each, unwanted) for each in read):
            yield f"something holds {json.dumps(unwanted)}"
    for word in sorted(_words(case["values"])):
        found = {_name(each) for each in objects if word in _words(each)}
        if found != (wanted := {_name(each) for each in objects if _belongs(word, each["kind"])}) or not found:
            yield f"{word} arrives in {sorted(found)}, and belongs to {sorted(wanted)}"


def _name(each):
    return f"{each['kind']} {each['metadata']['name']}"


def _read(each):
    """An object with the tables of its configurations in place of their texts."""
    data = {name: _table(text) if name.endswith(".toml") else text for name, text in each.get("data", {}).items()}
    return each | {"data": data}


def _table(text):
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return text


def _holds(there, wanted):
    """Whether all that is wanted is there: a list need not be whole, and nothing is anything."""
    if isinstance(wanted, dict):
        return isinstance(there, dict) and all(key in there and _holds(there[key], value) for key, value in wanted.items())
    if isinstance(wanted, list):
        return isinstance(there, list) and all(any(_holds(one, each) for one in there) for each in wanted)
    return wanted is None or there == wanted


def _words(value):
    """Words for a test: `pods.x` is for every pod, `worker.x` for those of workers, `all.x` for every object, `Job.x` for the objects of a kind."""
    return set(re.findall(r"\b(?:all|pods|worker|rollup|migrate|[A-Z][A-Za-z]+)\.word-[\w-]+", json.dumps(value)))


def _belongs(word, kind):
    owner = word.partition(".")[0]
    return owner == "all" or kind == OWNERS.get(owner, owner) or (owner == "pods" and kind in WORKLOADS)


def untried(defaults):
    """Complaints about values for the operator to fill in of which no case shows where they arrive."""
    for place in _empty({name: value for name, value in defaults.items() if name != "config"}, ()):
        given = [_at(case["values"], place) for case in CASES["accepted"]]
        if ".".join(place) not in NO_WORDS and not any(_words(value) for value in given):
            yield f"values.yml: no case says where {'.'.join(place)} arrives"


def _empty(value, place):
    return (leaf for leaf, default in _leaves(value, place) if default in ("", [], {}))


def _leaves(value, place):
    """Every value that is no table of others, with its default."""
    if not isinstance(value, dict) or not value:
        yield place, value
        return
    for name, inner in value.items():
        yield from _leaves(inner, (*place, name))


def unused(defaults, rendered):
    """Complaints about values with a default that no template asks for: whatever they are, all objects stay the same."""
    cases = [(case["values"], rendered(case["values"])) for case in CASES["accepted"]]
    empty = set(_empty(defaults, ()))
    for place, default in _leaves(defaults, ()):
        if place not in empty and not any(_matters(place, default, values, before, rendered) for values, before in cases):
            yield f"in no case {'.'.join(place)} changes anything"


def _matters(place, default, values, before, rendered):
    """Whether another value makes other objects of a case. That it is refused there says nothing."""
    given = _at(values, place)
    objects, refusal = rendered(_with(values, place, _other(default if given is None else given)))
    return not refusal and (objects, refusal) != before


def _other(value):
    """A value of the same type: far enough from the first one for what is shared out to come out differently."""
    if isinstance(value, bool):
        return not value
    return 2 * value + 1 if isinstance(value, int) else f"{value}x"


def _with(values, place, value):
    """The same values with this one at a place."""
    name, *rest = place
    return values | {name: _with(values.get(name, {}), rest, value) if rest else value}


def _at(value, place):
    for name in place:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def tables_wrong(rendered):
    """Complaints about the tables: `rendered` gives the objects of values, and why they were refused."""
    base = CASES["tables"]["values"]
    for row in CASES["tables"]["away"]:
        objects, refusal = rendered(base | {name: value for name, value in row.items() if name != "away"})
        away = refusal or next(each["spec"]["maxUnavailable"] for each in objects if each["kind"] == "PodDisruptionBudget")
        if away != row["away"]:
            yield f"{row}: {away} may be away"
    before = _pods(*rendered(base))
    for row in CASES["tables"]["restarts"]:
        config = {name: base["config"].get(name, {}) | row["config"].get(name, {}) for name in base["config"] | row["config"]}
        after = _pods(*rendered(base | {"config": config}))
        if (other := {kind for kind in after if after[kind] != before.get(kind)}) != set(row["restarts"]):
            yield f"{row}: {sorted(other)} start again"


def _pods(objects, refusal):
    """What pods are made of, by the kind that makes them."""
    return {"refused": refusal} if refusal else {each["kind"]: each["spec"]["template"] for each in objects if each["kind"] in WORKLOADS}
