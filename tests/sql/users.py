"""The roles of deploy/clickhouse-users.sql: every statement parses, and what it names is there or is made by it. And a misspelled one does not parse.

The embedded engine has nowhere to store roles, so whether the grants are enough is not seen here.
"""

import re

import store
from store import ask, one, same, statements

TEMPLATE = (store.MIGRATIONS.parent / "clickhouse-users.sql").read_text()
OURS = {"grapevine", "grapevine_rows", "grapevine_rows_local"}
PURPOSES = ["grapevine_writer", "grapevine_rollup", "grapevine_migrator", "grapevine_reader"]


def refused(text):
    """The statements of a text that do not parse."""
    return [statement for statement in statements(text) if one(f"SELECT formatQueryOrNull({store._literal(statement)})") is None]


same("every statement parses", refused(TEMPLATE), [])
for was, becomes in [("GRANT SELECT, INSERT ON", "GRANT SELECT, INSER ON"), ("ALTER DELETE", "ALTER DELET"), ("FOR INTERVAL", "FOR INTERVALL")]:
    same(f"{becomes} is refused", len(refused(TEMPLATE.replace(was, becomes, 1))), 1)

named = re.findall(r" ON (\w+)\.([\w*]+) ", TEMPLATE)
tables = {name for (name,) in ask("SELECT name FROM system.tables WHERE database = currentDatabase()")}
of_system = {name for (name,) in ask("SELECT name FROM system.tables WHERE database = 'system'")}
strangers = [f"{database}.{name}" for database, name in named if database not in OURS | {"system"}]
same("databases are Grapevine's or the system's", strangers, [])
same("tables are there", [name for database, name in named if database in OURS and name != "*" and name not in tables], [])
same("tables of the system are there", [name for database, name in named if database == "system" and name not in of_system], [])

same("a role a purpose", re.findall(r"CREATE ROLE IF NOT EXISTS (\w+)", TEMPLATE), PURPOSES)
granted = set(re.findall(r" TO (\w+);", TEMPLATE))
same("nothing is granted to anybody else", sorted(granted), sorted(PURPOSES))
to_people = [statement for statement in statements(TEMPLATE) if statement.startswith("GRANT") and statement.endswith("TO grapevine_reader")]
same("people only read", [statement for statement in to_people if not statement.startswith("GRANT SELECT ON")], [])
print(f"users: {len(statements(TEMPLATE))} statements")
