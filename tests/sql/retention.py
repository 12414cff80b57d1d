"""The rules by age of deploy/clickhouse-retention.sql: the engine takes each, `coverage` knows each, and no table has one that must have none. And
each way in which the file can be broken is noticed.

That rows go by them, and what workers make of that, is seen in tests/it/commands/retain.rs.
"""

import re

import store
from store import ask, same, statements

TEMPLATE = (store.MIGRATIONS.parent / "clickhouse-retention.sql").read_text()
RULE = re.compile(r"ALTER TABLE (\w+) MODIFY TTL (.+)", re.S)
# What is one row a life, and says whose the rest is; and what is not a brand's.
KEPT = {"root", "cascade", "thread", "progress", "gap", "loss", "store", "active_epoch", "removal"}
# As long as a post may live at most by default: what it writes again must not be removed at once.
LIVES = int(re.search(r"^root_retention_days = (\d+)", (store.MIGRATIONS.parents[1] / "config" / "worker.toml").read_text(), re.M)[1])
# The rules as `coverage` finds them, by their tables.
KNOWN = re.search(r"FROM \(\s*(SELECT DISTINCT name, .+?)\)\) AS rules", (store.MIGRATIONS / "answers" / "coverage.sql").read_text(), re.S)[1]


def wrong(text):
    """What is wrong with a file of rules, which are set for as long as it takes to look at them."""
    found, days = [], {}
    for statement in statements(text):
        rule = RULE.fullmatch(statement)
        if not rule or rule[1] in KEPT:
            found.append(f"no rule for facts, windows or rejects: {statement}")
            continue
        try:
            store.run(statement)
        except SystemExit as refused:
            found.append(str(refused))
            continue
        days[rule[1]] = int(dict(ask(KNOWN)).get(rule[1], 0))
        store.run(f"ALTER TABLE {rule[1]} REMOVE TTL")
    # Rejects are nobody's, and no brand's week lacks them.
    days.pop("rejects", None)
    found += [f"coverage does not know the rule of {table}" for table, known in days.items() if known == 0]
    found += [f"{table} forgets what still lives" for table, known in days.items() if 0 < known <= LIVES]
    return found


same("what is wrong with the rules", wrong(TEMPLATE), [])
BROKEN = [
    ("an unknown word", "MODIFY TTL", "MODIFY TTLS", "no rule"),
    ("a table that does not exist", "TABLE visit", "TABLE visits", "UNKNOWN_TABLE"),
    ("a column that does not exist", "toDateTime(received)", "toDateTime(receive)", "receive"),
    ("a value of the wrong type", "window_start + toIntervalDay(800)", "sharers", "BAD_TTL_EXPRESSION"),
    ("a rule that coverage does not know", "toIntervalDay(400)", "toIntervalMonth(13)", "coverage does not know the rule of click"),
    ("a table that coverage does not look at", "TABLE click MODIFY TTL toDateTime(time)", "TABLE campaign MODIFY TTL toDateTime(valid_from)", "coverage does not know the rule of campaign"),
    ("windows that a post may still write", "window_start + toIntervalDay(800)", "window_start + toIntervalDay(20)", "activity_window forgets what still lives"),
    ("posts", "TABLE click MODIFY TTL toDateTime(time)", "TABLE root MODIFY TTL toDateTime(root_time)", "no rule for facts"),
]
for says, was, becomes, refused in BROKEN:
    assert was in TEMPLATE, f"{says}: the file has changed; break it anew"
    complaints = wrong(TEMPLATE.replace(was, becomes, 1))
    assert any(refused in complaint for complaint in complaints), f"{says}: not refused with {refused!r}, but: {complaints or 'taken'}"
print(f"retention: {len(statements(TEMPLATE))} rules, and {len(BROKEN)} breakages were refused")
