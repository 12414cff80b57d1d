"""Every query of docs/sql.md runs on a world of two brands and has an answer."""

import pathlib
import re

from store import ask, insert, read, statements
from worlds.two_brands import BRANDS, World, shared

GUIDE = (pathlib.Path(__file__).resolve().parents[2] / "docs" / "sql.md").read_text()

for world in (*(World(brand).tables for brand in BRANDS), shared()):
    for table, rows in world.items():
        insert(table, rows)

reject = {"epoch": 0, "source": "events/0", "offset": 1, "version": 2, "reason": "broken_json", "detail": "not one JSON value"}
insert("rejects", [{**reject, "source": source} for (source,) in ask("SELECT DISTINCT source FROM progress")])

queries = [query for block in re.findall(r"```sql\n(.*?)```", GUIDE, re.S) for query in statements(block)]
assert len(queries) >= 30, len(queries)
silent = [query for query in queries if not read(query)]
assert not silent, f"{len(silent)} without an answer, the first: {silent[0]}"
print(f"cookbook: {len(queries)} queries")
