"""Facts stand once per id, the first copy; only those of the active epoch; a second dimension row replaces the first."""

from store import LARGEST, ask, insert, one, run, same

visit = {"epoch": 0, "source": "t/0", "id": "v1", "time": 1}
insert("visit", [{**visit, "version": LARGEST - 9, "brand": "second"}, {**visit, "version": LARGEST - 3, "brand": "first"}])
insert("visit", [{**visit, "epoch": 1, "version": LARGEST - 3, "brand": "new rules"}])
same("the first copy stands", ask("SELECT id, brand FROM visit_row"), [["v1", "first"]])
run("INSERT INTO active_epoch VALUES ('t/0', 1, 1)")
same("the active epoch is read", ask("SELECT id, brand FROM visit_row"), [["v1", "new rules"]])
run("INSERT INTO fx VALUES ('2026-01-01', 'EUR', 1.1)")
run("INSERT INTO fx VALUES ('2026-01-01', 'EUR', 1.2)")
same("a corrected rate replaces", one("SELECT toString(to_base) FROM fx FINAL"), "1.2")
print("facts: 3 comparisons")
