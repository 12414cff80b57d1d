#!/usr/bin/env python3
"""What the answers of a period must say of a small random ledger, the slow and obvious way: an oracle that shares no code with them.

    target/python-venv/bin/python tests/oracle/answers.py > src/core/answers/tests/ledger.json

The file holds the ledger and the rows; it is committed and compared by `src/core/answers/tests/oracle.rs`. The rules are those of the
chapter "What ROI means here" of docs/roi.md. Money is exact, in fractions.
"""

import datetime
import itertools
import json
import math
import random
from fractions import Fraction

from scipy import stats

DICE = random.Random(20261129)
RULES = ["first", "last", "linear", "position", "time_decay"]
CONFIGURED, LOOKBACK = 1, 30
COMPLETE_TO = 330 * 86_400_000 + 5_000_000
REACHED = 330
END = REACHED - LOOKBACK
FIRST_VISIT, FIRST_COST = 20, 33
SIDES = ["broadcast", "conversation", "other"]
PLACES = [("forum", "a", ""), ("forum", "b", "spring"), ("mail", "", "")]
CLICKED = ["broadcast", "conversation"]
ACTIVE = [day for day in range(-3, REACHED, 7)]


def monday(day):
    return day - datetime.date.fromordinal(day + datetime.date(1970, 1, 1).toordinal()).weekday()


def earned():
    for number in range(420):
        day = DICE.randrange(25, 331)
        side = DICE.choices(SIDES + ["unattributed"], [6, 5, 2, 1])[0]
        direct = side == "other" and DICE.random() < 0.6
        traced = side not in ("other", "unattributed") and DICE.random() < 0.85
        touches = DICE.choice([1, 1, 2, 3])
        # A loud half of the year and a quiet one, so that days hang together.
        margin = round(DICE.lognormvariate(3, 0.6) * (2.5 if 120 <= day < 240 else 0.5) * 1e6)
        share = [1.0] * 5 if touches == 1 else [0.0, 1.0, 1 / touches, 0.4, 0.3] if number % 2 else [1.0, 0.0, 1 / touches, 0.4, 0.2]
        refund = DICE.random() < 0.06
        root = DICE.randrange(60) if traced else None
        yield {"day": day, "side": side, "place": DICE.choice(PLACES), "root": root, "root_day": day - DICE.choice([0, 0, 1, 40]) if root is not None and DICE.random() < 0.9 else None,
               "direct": direct, "refund": refund, "age": DICE.randrange(30 * 86_400_000), "share": share, "margin": [(-1 if refund else 1) * int(margin * part) for part in share]}


def spent():
    for _ in range(170):
        day, side = DICE.randrange(33, 331), DICE.choices(["broadcast", "conversation", "(unallocated)"], [5, 5, 1])[0]
        time = round(DICE.uniform(5, 40) * 1e6)
        yield {"day": day, "side": side, "place": DICE.choice(PLACES), "money": round(DICE.uniform(0, 30) * 1e6), "time": time, "low": round(time * 0.7), "high": round(time * 1.6), "timed": DICE.random() < 0.8}


def calendar(span, day):
    date = datetime.date(1970, 1, 1) + datetime.timedelta(day)
    count = lambda date: (date - datetime.date(1970, 1, 1)).days
    if span == "week":
        return monday(day), monday(day) + 7
    months = {"month": 1, "quarter": 3}[span]
    first = (date.month - 1) // months * months
    return count(datetime.date(date.year, first + 1, 1)), count(datetime.date(date.year + (first + months) // 12, (first + months) % 12 + 1, 1))


def periods(span, days):
    trailing = {"last_4_weeks": END - 28, "last_13_weeks": END - 91, "all": max(FIRST_VISIT, FIRST_COST)}
    return [(trailing[span], END)] if span in trailing else sorted({calendar(span, day) for day in days if day <= REACHED})


def units(rows, start, end):
    """The margin of each unit: posts, days of a channel, or weeks where days hang together."""
    def grouped(key):
        found = {}
        for row in rows:
            if row["share"][CONFIGURED] or row["margin"][CONFIGURED]:
                found[key(row)] = found.get(key(row), 0) + row["margin"][CONFIGURED]
        return found
    first = start if monday(start) == start else monday(start) + 7
    if (monday(end) - first) // 7 >= 13:
        daily = grouped(lambda row: row["day"])
        series = [Fraction(daily.get(day, 0)) for day in range(start, end)]
        mean = sum(series) / len(series)
        spread = sum((x - mean) ** 2 for x in series)
        if spread and sum((x - mean) * (y - mean) for x, y in itertools.pairwise(series)) / spread > 2 / math.sqrt(len(series)):
            return list(grouped(lambda row: monday(row["day"])).values())
    return list(grouped(lambda row: ("root", row["root"]) if row["root"] is not None else (row["day"], row["place"][0])).values())


def interval(values):
    total, square = sum(values), sum(value * value for value in values)
    effective = Fraction(total * total, square) if square else Fraction(0)
    if total <= 0:
        return effective, "no_value"
    if effective < 2:
        return effective, "few_units"
    half = stats.t.ppf(0.975, max(3, math.floor(effective) - 1)) * math.sqrt(square) / total
    return effective, (half, half * (1 + 0.6 * max(values) / math.sqrt(square) * (1 - 2 / float(effective))))


def cost(rows, word="time"):
    return sum(row["money"] + row[word] for row in rows)


def span_of_assumptions(cell, cells):
    """Least and greatest margin over cost."""
    returning = {key: value for key, value in cells.items() if key[1] in SIDES}
    pool = [row for key, (_, out) in cells.items() if key[1] == "(unallocated)" for row in out]
    own = cells[cell]
    ratios = []
    for rule in range(5):
        rest = {key: sum(row["margin"][rule] for row in rows if not row["direct"]) for key, (rows, _) in returning.items()}
        direct = sum(row["margin"][rule] for rows, _ in returning.values() for row in rows if row["direct"])
        takers = sum(max(value, 0) for value in rest.values())
        part = Fraction(cost(own[1]), sum(cost(out) for _, out in returning.values()) or 1)
        shared = rest[cell] + direct * (Fraction(max(rest[cell], 0), takers) if takers else part)
        for margin, word, share in itertools.product((rest[cell], shared), ("low", "high"), (0, part)):
            ratios.append(float(margin / (cost(own[1], word) + share * cost(pool, word))) if cost(own[1]) else None)
    return None if None in ratios else (min(ratios), max(ratios))


def expected(side, rows, ledger):
    """The share of the margin that usually has come by now."""
    known = [row for row in ledger["earned"] if row["side"] == side and END - 91 <= row["day"] < END]
    total = sum(row["margin"][CONFIGURED] for row in known)
    if sum(row["share"][CONFIGURED] for row in known if not row["refund"]) < 30 or total <= 0 or not rows:
        return None
    come = lambda day: sum(row["margin"][CONFIGURED] for row in known if row["age"] <= COMPLETE_TO - (day + 1) * 86_400_000) / total
    return sum((row["money"] + row["time"]) * come(row["day"]) for row in rows) / cost(rows)


def answer(ledger, key, spans):
    days = [row["day"] for row in ledger["earned"] + ledger["spent"]]
    for span in spans:
        for start, end in periods(span, days):
            cells = {}
            for at, name in enumerate(("earned", "spent")):
                for row in ledger[name]:
                    if start <= row["day"] < end:
                        cells.setdefault((key(row["place"]), row["side"]), ([], []))[at].append(row)
            weeks = [week for week in ACTIVE if start <= week < end]
            covered = {monday(row["day"]) for row in ledger["spent"] if row["timed"] or row["side"] == "conversation" and row["money"] > 0}
            all_cost, no_side = sum(cost(out) for _, out in cells.values()), sum(cost(out) for (_, side), (_, out) in cells.items() if side == "(unallocated)")
            for (place, side), (rows, out) in cells.items():
                margin, spending = sum(row["margin"][CONFIGURED] for row in rows), cost(out)
                sold = sum(row["share"][CONFIGURED] for row in rows if not row["refund"])
                traced = sum(row["margin"][CONFIGURED] for row in rows if row["root"] is not None)
                effective, spread = interval(units(rows, start, end))
                found = {"place": place, "side": side, "span": span, "start": start, "end": end, "margin": margin, "cost": spending, "conversions": sold, "units": len(units(rows, start, end)), "effective": float(effective),
                         "traced": traced if side in CLICKED else None, "earlier": sum(row["margin"][CONFIGURED] for row in rows if row["root_day"] is not None and row["root_day"] < start),
                         "without_side": no_side / all_cost if all_cost else None, "roi": None, "low": None, "high": None, "from": None, "to": None, "verdict": None, "so_far": None, "expected": None}
                reasons = {"unattributed": side == "unattributed", "unallocated_cost": side == "(unallocated)", "not_complete": end > END, "partial_start": start < max(FIRST_VISIT, FIRST_COST), "labour_coverage": 5 * sum(week in covered for week in weeks) < 4 * len(weeks), "no_cost": spending <= 0}
                if end > END and start >= max(FIRST_VISIT, FIRST_COST) and side in SIDES and spending > 0:
                    found |= {"so_far": margin / spending - 1, "expected": expected(side, out, ledger)}
                if not any(reasons.values()):
                    found["roi"] = margin / spending - 1
                    found["from"], found["to"] = (end - 1 for end in span_of_assumptions((place, side), cells))
                    reasons |= {word: spread == word for word in ("no_value", "few_units")} | {"short_period": end - start < 28}
                    if not isinstance(spread, str) and end - start >= 28:
                        half, half_up = spread
                        found["low"], found["high"] = margin / spending * math.exp(-half) - 1, margin / spending * math.exp(half_up) - 1
                        found["verdict"] = "positive" if (1 + found["from"]) * math.exp(-half) > 1 else "negative" if (1 + found["to"]) * math.exp(half_up) < 1 else "cannot_tell"
                found["reason"] = next((word for word, holds in reasons.items() if holds), "")
                notes = {"partly_traced": side in CLICKED and abs(margin - traced) > 0.1 * abs(margin), "partly_allocated": bool(all_cost) and no_side > 0.1 * all_cost, "few_sales": sold < 10, "no_clicks": side not in CLICKED}
                found["notes"] = [word for word, holds in notes.items() if holds and side in SIDES]
                yield found


def main():
    ledger = {"earned": list(earned()), "spent": list(spent())}
    brand = {"complete_to": COMPLETE_TO, "lookback": LOOKBACK, "first_visit": FIRST_VISIT, "first_cost": FIRST_COST, "clicked": CLICKED, "active": ACTIVE}
    long = ["month", "quarter", "last_13_weeks", "all"]
    answers = {"brand": answer(ledger, lambda place: ("", "", ""), ["week", "last_4_weeks", *long]), "campaign": answer(ledger, lambda place: ("", "", place[2]), long[1:]), "place": answer(ledger, lambda place: (place[0], place[1], ""), long[1:])}
    lines = lambda rows: "[\n" + ",\n".join(json.dumps(row, allow_nan=False, separators=(",", ":")) for row in rows) + "\n]"
    parts = {"brand": json.dumps(brand), "earned": lines(ledger["earned"]), "spent": lines(ledger["spent"])} | {f"by_{name}": lines(rows) for name, rows in answers.items()}
    print("{" + ",\n".join(f'"{name}":{text}' for name, text in parts.items()) + "}")


if __name__ == "__main__":
    main()
