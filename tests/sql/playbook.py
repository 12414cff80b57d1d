"""The public set dbt_attribution_playbook as events' rows: spend, sessions and conversions, against its models computed from the files."""

import collections
import csv
import datetime
import pathlib
from decimal import Decimal
from fractions import Fraction

from store import ask, facts, millis, run, same

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "shared/data/marketing/dbt_attribution_playbook"
if not FOLDER.is_dir():
    raise SystemExit(f"{FOLDER} is missing: the set is not part of the project; put its three files (ad_spend.csv, customer_conversions.csv, sessions.csv) there")


def read(name):
    with open(FOLDER / name, newline="") as file:
        return list(csv.DictReader(file))


def second(text):
    return int(datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S" if " " in text else "%Y-%m-%d").replace(tzinfo=datetime.timezone.utc).timestamp())


sessions, conversions, spend = read("sessions.csv"), read("customer_conversions.csv"), read("ad_spend.csv")
facts("visit", [{"id": f"s{s['session_id']}", "time": millis(1000 * second(s["started_at"])), "visitor": int(s["customer_id"]), "has_visitor": True, "brand": "shop",
                 "utm_source": s["utm_source"], "utm_medium": s["utm_medium"], "utm_campaign": s["utm_campaign"]} for s in sessions])
facts("conversion", [{"id": f"c{i}", "time": millis(1000 * second(c["converted_at"])), "visitor": int(c["customer_id"]), "has_visitor": True, "brand": "shop", "amount": Decimal(c["revenue"]), "currency": "USD"} for i, c in enumerate(conversions)], source="t/1")
facts("cost", [{"id": f"a{i}", "time": millis(1000 * second(a["date_day"])), "amount": Decimal(a["spend"]), "currency": "USD", "brand": "shop", "channel": a["utm_source"], "community": a["utm_medium"], "campaign": a["utm_campaign"]} for i, a in enumerate(spend)], source="t/2")
run("INSERT INTO fx VALUES ('2020-01-01', 'USD', 1)")

by_id, wanted, none = {f"s{s['session_id']}": s for s in sessions}, collections.Counter(), 0
for c in conversions:
    end = second(c["converted_at"])
    mine = sorted((second(s["started_at"]), f"s{s['session_id']}", s) for s in sessions if s["customer_id"] == c["customer_id"] and end - 30 * 86400 < second(s["started_at"]) <= end)
    # Sessions less than half an hour apart are one, unless they name another campaign; for it stands the first that is not direct.
    runs = []
    for row in mine:
        named = next((earlier[2]["utm_campaign"] for earlier in runs[-1] if earlier[2]["utm_campaign"]), "") if runs else ""
        if runs and row[0] - runs[-1][-1][0] <= 1800 and (row[2]["utm_campaign"].lower() or named.lower()) in ("", named.lower() or row[2]["utm_campaign"].lower()):
            runs[-1].append(row)
        else:
            runs.append([row])
    direct = lambda row: not (row[2]["utm_source"] or row[2]["utm_medium"] or row[2]["utm_campaign"])
    touches = [next((row for row in r if not direct(row)), r[0]) for r in runs]
    none += not touches
    n, known = len(touches), [i for i, t in enumerate(touches) if not direct(t)]
    for i, t in enumerate(touches):
        source, revenue = (t[2]["utm_source"], t[2]["utm_medium"], t[2]["utm_campaign"]), Fraction(c["revenue"])
        wanted["first", source] += revenue * (i == 0)
        wanted["last", source] += revenue * (i == (known[-1] if known else n - 1))
        wanted["linear", source] += revenue / n
        wanted["position", source] += revenue * (1 if n == 1 else Fraction(1, 2) if n == 2 else Fraction(2, 5) if i in (0, n - 1) else Fraction(1, 5) / (n - 2))
assert sum(v != 0 for v in wanted.values()) > 20, wanted
found = collections.Counter()
for model, visit, units in ask("SELECT model, visit, toString(toInt256(credit * 1000000)) FROM credit_by_rule WHERE lookback_days = 30 AND model != 'time_decay' AND visit != ''"):
    s = by_id[visit]
    found[model, (s["utm_source"], s["utm_medium"], s["utm_campaign"])] += Fraction(int(units), 1000000)
for key in set(wanted) | set(found):
    assert abs(found[key] - wanted[key]) < Fraction(1, 10000), (key, float(found[key]), float(wanted[key]))
revenue = sum(Decimal(c["revenue"]) for c in conversions)
for model, total in ask("SELECT model, toString(sum(c.credit)) FROM credit_by_rule AS c WHERE lookback_days = 30 GROUP BY model"):
    same(f"{model} adds up", Decimal(total), revenue)
same("unattributed", int(ask("SELECT count() FROM credit_by_rule WHERE side = 'unattributed' AND model = 'last' AND lookback_days = 30")[0][0]), none)
per_source = collections.Counter()
for a in spend:
    per_source[a["utm_source"], a["utm_medium"], a["utm_campaign"]] += Decimal(a["spend"])
ledger = {(c, m, k): Decimal(a) for c, m, k, a in ask("SELECT channel, community, campaign, toString(sum(m.amount_base)) FROM money AS m WHERE entry = 'cost_money' GROUP BY 1, 2, 3")}
assert ledger == {k: v for k, v in per_source.items() if v}, (ledger, per_source)
print(f"playbook: {len(conversions)} conversions, {none} without a session in 30 days, {len(wanted)} credits of first, last, linear and position; spend of {len(per_source)} sources to the cent")
