"""Facts stand once per id, the first copy; only those of the active epoch; a second dimension row replaces the first."""

from store import LARGEST, ask, insert, one, run, same

visit = {"epoch": 0, "source": "t/0", "key_source": "t/0", "id": "v1", "time": 1}
insert("visit", [{**visit, "version": LARGEST - 9, "brand": "second"}, {**visit, "version": LARGEST - 3, "brand": "first"}])
insert("visit", [{**visit, "epoch": 1, "version": LARGEST - 3, "brand": "new rules"}])
same("the first copy stands", ask("SELECT id, brand FROM visit_row"), [["v1", "first"]])
run("INSERT INTO active_epoch VALUES ('t/0', 1, 1)")
same("the active epoch is read", ask("SELECT id, brand FROM visit_row"), [["v1", "new rules"]])
run("INSERT INTO fx VALUES ('2026-01-01', 'EUR', 1.1)")
run("INSERT INTO fx VALUES ('2026-01-01', 'EUR', 1.2)")
same("a corrected rate replaces", one("SELECT toString(to_base) FROM fx FINAL"), "1.2")
insert("visit", [{**visit, "epoch": 0, "source": "t/1", "key_source": "t/1", "version": LARGEST - 1, "brand": "other source"}])
same("of copies in two sources the least offset stands", ask("SELECT id, brand FROM visit_row"), [["v1", "other source"]])
same("and no source overwrites another's row", one("SELECT count() FROM visit FINAL"), 3)
sale = {"epoch": 0, "source": "t/1", "key_source": "t/1", "version": 1, "id": "o1", "amount": "12.50", "refund_of": ""}
insert("conversion", [sale, {**sale, "id": "o2", "refund_of": "o1"}, {**sale, "id": "o3", "amount": "-3", "refund_of": "o1"}])
amounts = ask("SELECT toString(amount) FROM conversion_row ORDER BY id")
same("a refund takes back, whatever its sign", amounts, [["12.5"], ["-12.5"], ["-3"]])
print("facts: 6 comparisons")
