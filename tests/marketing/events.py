#!/usr/bin/env python3
"""Public data sets of marketing as events, one JSON object a line.

    events.py kag FILE.csv          Facebook ads as reports: impressions, clicks, spend, conversions of each ad
    events.py playbook FOLDER       sessions as visits, orders as conversions, ad spend as costs

Standard library only. Money beyond six decimals is rounded, half to even.
"""

import csv
import datetime
import decimal
import json
import pathlib
import sys

MILLIONTH = decimal.Decimal("0.000001")
KAG_METRICS = {
    "Impressions": "impressions",
    "Clicks": "clicks",
    "Spent": "spend",
    "Total_Conversion": "conversions",
    "Approved_Conversion": "approved_conversions",
}


def rows(path):
    with open(path, newline="", encoding="utf-8-sig") as file:
        yield from csv.DictReader(file)


def millis(text):
    """A time of the playbook, such as 2020-02-04 4:30:21, in UTC."""
    moment = datetime.datetime.strptime(text, "%Y-%m-%d %H:%M:%S" if " " in text else "%Y-%m-%d")
    return int(moment.replace(tzinfo=datetime.timezone.utc).timestamp() * 1000)


def money(text):
    return str(decimal.Decimal(text).quantize(MILLIONTH))


def kag(path):
    # The dates of the file were added later and mean nothing.
    time = millis("2023-08-31")
    for row in rows(path):
        for column, metric in KAG_METRICS.items():
            ad = row["ad_id"]
            yield {
                "type": "report", "id": f"kag/{ad}/{metric}", "time": time, "origin": "facebook_ads", "metric": metric,
                "value": money(row[column]), "grain": "ad", "brand": "kag", "campaign": row["xyz_campaign_id"], "channel": "facebook",
            }  # fmt: skip


def playbook(folder):
    folder = pathlib.Path(folder)
    for row in rows(folder / "sessions.csv"):
        utm = {name: row[name] for name in ("utm_source", "utm_medium", "utm_campaign") if row[name]}
        yield {
            "type": "visit", "id": f"session/{row['session_id']}", "time": millis(row["started_at"]),
            "visitor": f"customer/{row['customer_id']}", "brand": "playbook", **utm,
        }  # fmt: skip
    for number, row in enumerate(rows(folder / "customer_conversions.csv")):
        yield {
            "type": "conversion", "id": f"order/{number}", "time": millis(row["converted_at"]), "amount": money(row["revenue"]),
            "currency": "USD", "visitor": f"customer/{row['customer_id']}", "brand": "playbook", "kind": "order",
        }  # fmt: skip
    for number, row in enumerate(rows(folder / "ad_spend.csv")):
        yield {
            "type": "cost", "id": f"spend/{number}", "time": millis(row["date_day"]), "amount": money(row["spend"]), "currency": "USD",
            "brand": "playbook", "campaign": row["utm_campaign"], "channel": row["utm_source"], "kind": "ads",
        }  # fmt: skip


def main():
    makers = {"kag": kag, "playbook": playbook}
    if len(sys.argv) != 3 or sys.argv[1] not in makers:
        sys.exit(__doc__)
    for event in makers[sys.argv[1]](sys.argv[2]):
        print(json.dumps(event))


if __name__ == "__main__":
    main()
