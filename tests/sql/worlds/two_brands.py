"""Three weeks of two brands, in every table: enough that each of the views has something to say. No randomness."""

import math

from store import Sql

DAY_MS = 86_400_000
MONDAY_MS = 1_767_571_200_000  # 2026-01-05 00:00 UTC
DAYS = 21
BRANDS = ("acme", "bolt")
PLACES = 6
KEYS = {"epoch": 0, "source": "t/0", "version": 1}
# How many visits a day brings over the week, Monday first.
WEEKDAYS = (6, 5, 5, 6, 7, 3, 3)


def seconds(time):
    """Milliseconds as DateTime64(3) takes them in a VALUES list."""
    return time / 1000


class World:
    """The rows of one brand, by table, as dicts with the same keys."""

    def __init__(self, brand):
        self.brand, self.campaign, self.offset = brand, f"{brand} spring", 1_000_000 * BRANDS.index(brand)
        self.tables = {}
        for day in range(DAYS):
            self._day(day)
        self._dimensions()

    def add(self, table, **row):
        """Remembers one row."""
        self.tables.setdefault(table, []).append(row)

    def fact(self, table, **row):
        """Remembers a row of a table of facts, in the order of the log."""
        self.offset += 1
        self.add(table, epoch=0, source="t/0", key_source="t/0", version=2**64 - 1 - self.offset, **row)

    def _day(self, day):
        start = MONDAY_MS + day * DAY_MS
        for place in range(PLACES):
            if (day + place) % 4 < 2:
                self._post(day, place, start + (8 + place) * 3_600_000)
        self.fact("cost", id=f"{self.brand}-time-{day}", time=seconds(start), brand=self.brand, kind="time", amount=None, currency="", seconds=3600,
                  seconds_low=3000, seconds_high=4200, role="community", channel="x", community=f"c{day % PLACES}", side="conversation", campaign=self.campaign)
        self.fact("cost", id=f"{self.brand}-ads-{day}", time=seconds(start), brand=self.brand, kind="ads", amount="20.00", currency="EUR", seconds=None,
                  seconds_low=None, seconds_high=None, role="", channel="x", community=f"c{(day + 1) % PLACES}", side="broadcast", campaign=self.campaign)

    def _post(self, day, place, time):
        root, busy = f"{self.brand}-{day}-{place}", 1 + (day * 7 + place * 3) % 4
        head = {"root": root, "root_seen": True, "root_time": seconds(time), "root_is_brand": True, "brand": self.brand, "campaign": self.campaign, "channel": "x", "platform": "p",
                "community": f"c{place}", "experiment": f"{self.brand}-tone", "arm": "warm" if place % 2 else "control", "opened": self.offset, **KEYS}
        people = [10 * (self.offset // 1_000_000 + 1) * 1000 + (day * 5 + n * 3 + place) % 40 for n in range(busy + 1)]
        self.add("activity_window", window_start=time // 900_000 * 900, posts=1, shares=busy, quotes=1, replies=busy + 1, brand_replies=1, mentions=busy, reactions=busy, deletes=0, clicks=2,
                 sharers=people[:busy], repliers=people, share_minutes=[n * 3 % 15 for n in range(busy)], reply_minutes=list(range(busy + 1)), brand_reply_minutes=[(day + place) % 15],
                 samples={"impressions": 100.0 * busy}, **head)
        tree = {**head, "size": busy + 1, "max_depth": 1, "levels": [1, busy], "s1": busy, "s2": busy, "inferred": 0, "unique_actors": busy + 1, "first_time": seconds(time), "last_time": seconds(time + 600_000)}
        self.add("cascade", max_children=busy, reach=50 * busy, reach_known=busy, spreaders=1, top_nodes=Sql(f"[({people[0]}, 1, 1, 1, false)]"), **tree)
        self.add("thread", h_index=1, audience_replies=busy, brand_replies=0, nonself_replies=busy, two_way_replies=0, dyads=busy, reciprocal_pairs=1, dyad_fwd=people[:busy], dyad_rev=people[:1],
                 customer_quarters=Sql(f"[({time // 900_000 * 900}, {busy}, 0, 1, 1)]"), **tree)
        self._visits(day, place, root, time)

    def _visits(self, day, place, root, time):
        for n in range(WEEKDAYS[day % 7] + round(2 * math.sin(day + place))):
            visitor, at = self.offset // 1_000_000 * 1000 + (day * 11 + place * 5 + n * 7) % 60 + 1, time + 60_000 * (1 + n * n)
            visit, tracked = f"{root}-v{n}", n % 2 == 0
            if tracked:
                self.fact("click", id=f"{visit}-click", time=seconds(at - 5000), root=root, target=root, target_kind="reply" if n % 4 else "post", target_time=seconds(at - 65000), path=[root], path_actors=[7], depth=n % 2, visitor=visitor,
                          has_visitor=True, brand=self.brand, campaign=self.campaign, channel="x", platform="p", community=f"c{place}")
            self.fact("visit", id=visit, time=seconds(at), visitor=visitor, has_visitor=True, click=f"{visit}-click" if tracked else "", brand=self.brand, landing_host=f"{self.brand}.example")
            if (day + n + place) % 5 == 0:
                self.fact("conversion", id=f"{visit}-sale", time=seconds(at + 300_000), visitor=visitor, has_visitor=True, brand=self.brand, kind="sale", amount=f"{30 + n}.10", currency="EUR", margin_rate=None, refund_of="")
        if day % 10 == 4:
            self.fact("conversion", id=f"{root}-refund", time=seconds(time + DAY_MS), visitor=0, has_visitor=False, brand=self.brand, kind="refund", amount="-5.00", currency="EUR", margin_rate=None, refund_of=f"{root}-v1-sale")

    def _dimensions(self):
        day = "2025-01-01"
        self.add("brand", valid_from=day, brand=self.brand, margin_rate="0.4", timezone="Europe/Berlin", base_currency="EUR", landing_hosts=[f"{self.brand}.example"])
        self.add("campaign", valid_from=day, campaign=self.campaign, brand=self.brand, owner=f"{self.brand} owner", objective="sales")
        self.add("calendar", time=seconds(MONDAY_MS + 9 * DAY_MS), brand=self.brand, kind="mail", name=f"{self.brand} letter")
        base = self.offset // 1_000_000 * 1000
        for visitor in range(1, 60, 7):
            self.add("identity", valid_from=day, visitor=base + visitor, person=f"{self.brand}-{visitor // 14}", account="")
        for place in range(PLACES):
            self.fact("assignment", id=f"{self.brand}-assign-{place}", time=seconds(MONDAY_MS - DAY_MS), experiment=f"{self.brand}-tone", arm="warm" if place % 2 else "control", unit=f"c{place}", unit_type="community")
        self.fact("report", id=f"{self.brand}-report", time=seconds(MONDAY_MS), origin="ads", metric="clicks", value="12", brand=self.brand)


def shared():
    """Rows that are of no brand: rates, prices, places, how far the source was read."""
    day = "2025-01-01"
    return {
        "fx": [{"valid_from": day, "currency": "EUR", "to_base": "1.1"}],
        "labour_rate": [{"valid_from": day, "role": "community", "rate": "30", "currency": "EUR"}],
        "media_price": [{"valid_from": day, "metric": metric, "channel": "", "price": "0.5", "currency": "EUR"} for metric in ("share", "reply", "reaction", "click", "impression")],
        "place": [{"valid_from": day, "channel": "x", "community": f"c{place}", "name": f"Place {place}", "kind": "forum", "members": 100} for place in range(PLACES)],
        "progress": [{"epoch": 0, "source": "t/0", "first": 0, "version": 10, "watermark": seconds(MONDAY_MS + 111 * DAY_MS), "read": 10, "accepted": 10, "written": 0}],
    }


def nameless():
    """Rows that name no brand: a cost with its campaign only, a visit with its click only, a life that never saw its post."""
    world = World.__new__(World)
    world.offset, world.tables = 9_000_000, {}
    time = seconds(MONDAY_MS + 3 * DAY_MS)
    world.fact("cost", id="nameless", time=time, kind="ads", amount="99.00", currency="EUR", campaign="bolt spring")
    world.fact("visit", id="nameless", time=time, visitor=1, has_visitor=True, click="bolt-3-0-v0-click")
    life = {"root": "bolt-1-1", "epoch": 0, "source": "t/1", "opened": 5, "version": 9, "root_seen": False, "root_time": time, "brand": ""}
    world.add("activity_window", window_start=(MONDAY_MS + 3 * DAY_MS) // 1000, shares=30, share_minutes=[1] * 30, **life)
    world.add("cascade", size=31, max_depth=1, levels=[1, 30], s1=30, s2=30, max_children=30, **life)
    return world.tables
