//! What the brand spends: money, and the time of those who write and answer.

use std::collections::BTreeMap;

use super::fact::{Fact, Outbox, millis, money};
use super::figures::{COMMUNITY_MANAGER, EDITOR};
use super::pull::purpose;
use super::settings::Side;
use crate::generator::dice::Dice;
use crate::generator::line;
use crate::generator::people::hash;
use crate::generator::plan::{Account, Pending, Post, What};
use crate::generator::world::{BRANDS, DAY, EARLY, HOUR, Habit, WEEK_START};
use crate::record::Millis;

/// Where time goes: day, channel, community, campaign.
type Place = (Millis, &'static str, String, &'static str);

/// The brand's books, and the time sheets that are not written yet.
#[derive(Debug)]
pub(crate) struct Spending {
    seed: u64,
    without: Option<Side>,
    /// Answers, and the seconds they took.
    sheets: BTreeMap<Place, (u64, u64)>,
}

impl Spending {
    pub(crate) fn new(seed: u64, without: Option<Side>) -> Self {
        Spending { seed, without, sheets: BTreeMap::new() }
    }

    fn spends_on(&self, side: Side) -> bool {
        self.without != Some(side)
    }

    /// What a line of the brand costs: an own post at once, an answer on the day's sheet.
    pub(crate) fn note(&mut self, pending: &Pending, outbox: &mut Outbox) {
        match pending.what {
            What::Post if pending.post.author == Account::Brand => self.pay_for_post(&pending.post, pending.time, outbox),
            What::Reply { number, actor: Account::Brand, .. } if self.spends_on(Side::Conversation) => {
                let post = &pending.post;
                let taken = 20 + Dice::keyed(self.seed, purpose::SHEET, [post.number, number.into()]).below(70);
                let day = pending.time - (pending.time - WEEK_START) % DAY;
                let place = (day, post.channel.name, post.community.to_string(), post.campaign.unwrap_or("care"));
                let sheet = self.sheets.entry(place).or_default();
                *sheet = (sheet.0 + 1, sheet.1 + taken);
            }
            What::Post | What::Reply { .. } | What::Share { .. } => {}
            What::Reaction { .. } | What::Delete { .. } | What::Sample { .. } => {}
        }
    }

    /// Time to write it; where people repeat, sometimes money to promote it for three days.
    fn pay_for_post(&self, post: &Post, time: Millis, outbox: &mut Outbox) {
        let broadcasts = post.channel.habit == Habit::Broadcast;
        let side = if broadcasts { Side::Broadcast } else { Side::Conversation };
        if !self.spends_on(side) {
            return;
        }
        let mut dice = Dice::keyed(self.seed, purpose::SPENDING, [0, post.number]);
        let root = line::root_id(post);
        let place = |fact: Fact| fact.text("channel", post.channel.name).text("community", &post.community);
        let role = if broadcasts { EDITOR } else { COMMUNITY_MANAGER };
        let written = spent(&format!("cost:{root}/writing"), time, post.campaign.unwrap_or(""), side.word());
        let taken = 180 + dice.below(700);
        let fact = with_time(&mut dice, place(written).text("kind", "writing").text("role", role), taken);
        outbox.send(&mut dice, fact);
        if broadcasts && dice.permille(300) {
            let cents = millis(500 + dice.below(2_500));
            let promoted = spent(&format!("cost:{root}/promotion"), time, post.campaign.unwrap_or(""), side.word());
            let fact = place(promoted)
                .text("kind", "media")
                .text("amount", &money(cents))
                .text("currency", dice.pick(&["EUR", "EUR", "EUR", "USD"]))
                .number("period_start", time)
                .number("period_end", (time + 3 * DAY).min(outbox.until));
            outbox.send(&mut dice, fact);
        }
    }

    /// What is written down at the start of a day: the sheets of the day before; on Mondays what the week costs,
    /// every 28 days what agency and tools do.
    pub(crate) fn start_day(&mut self, day: Millis, outbox: &mut Outbox) {
        self.write_sheets(day, outbox);
        let number = (day - WEEK_START) / DAY;
        if number % 7 == 0 {
            self.pay_for_week(day, outbox);
        }
        if number % 28 == 0 {
            if self.spends_on(Side::Broadcast) {
                let mut dice = Dice::keyed(self.seed, purpose::SPENDING, [1, number.unsigned_abs()]);
                let fee = millis(45_000 + dice.below(10_000));
                let fact =
                    spent(&format!("cost:agency/{number}"), day + 8 * HOUR, "always-on", "broadcast").text("kind", "agency");
                let fact = over(fact, fee, "EUR", (day, 28), outbox.until);
                outbox.send(&mut dice, fact);
            }
            // Needed in any case, and for nothing in particular.
            let mut dice = Dice::keyed(self.seed, purpose::SPENDING, [2, number.unsigned_abs()]);
            let fact = spent(&format!("cost:tools/{number}"), day + 9 * HOUR, "", "").text("kind", "tool");
            let fact = over(fact, 19_900, "USD", (day, 28), outbox.until);
            outbox.send(&mut dice, fact);
        }
    }

    /// Advertising for a channel as a whole.
    fn pay_for_week(&self, monday: Millis, outbox: &mut Outbox) {
        if !self.spends_on(Side::Broadcast) {
            return;
        }
        for (index, (channel, campaign, least)) in
            [("chirper-feed", "spring-launch", 4_000), ("facetown-page", "always-on", 2_500)].into_iter().enumerate()
        {
            let week = ((monday - WEEK_START) / (7 * DAY)).unsigned_abs();
            let mut dice = Dice::keyed(self.seed, purpose::SPENDING, [3 + index as u64, week]);
            let cents = millis(least + dice.below(least));
            let fact = spent(&format!("cost:media/{channel}/{week}"), monday + 9 * HOUR, campaign, "broadcast");
            let fact = fact.text("channel", channel).text("kind", "media");
            let fact = over(fact, cents, "EUR", (monday, 7), outbox.until);
            outbox.send(&mut dice, fact);
        }
    }

    /// Sheets say the day they are for, and reach the log the next morning.
    fn write_sheets(&mut self, day: Millis, outbox: &mut Outbox) {
        let later = self.sheets.split_off(&(day, "", String::new(), ""));
        for ((worked, channel, community, campaign), (replies, taken)) in std::mem::replace(&mut self.sheets, later) {
            let id = format!("cost:sheet/{}/{channel}/{community}/{campaign}", (worked - WEEK_START) / DAY);
            let mut dice = Dice::keyed(self.seed, purpose::SHEET, [hash(&id), replies]);
            // Filled in before people go home.
            let written = worked + 15 * HOUR + millis(dice.below(7_200_000));
            let fact = spent(&id, written, campaign, "conversation").text("channel", channel).text("community", &community);
            let fact = fact.text("kind", "handling").text("role", COMMUNITY_MANAGER);
            let fact = with_time(&mut dice, lasting(fact, worked, 1), taken);
            let known = day + millis(dice.below(9 * 3_600_000));
            outbox.send_later(&mut dice, fact, known);
        }
    }
}

/// The key is the campaign's id; a cost of no campaign has its own.
fn spent(id: &str, time: Millis, campaign: &str, side: &str) -> Fact {
    let fact = Fact::new("cost", id, time).keyed(if campaign.is_empty() { id } else { campaign });
    fact.text("brand", BRANDS[0]).text("campaign", campaign).text("side", side)
}

/// One in four is an estimate, with bounds.
fn with_time(dice: &mut Dice, fact: Fact, taken: u64) -> Fact {
    let fact = fact.number("seconds", taken);
    if !dice.permille(250) {
        return fact;
    }
    let (low, high) = (taken * (500 + dice.below(400)) / 1_000, taken * (1_100 + dice.below(700)) / 1_000);
    fact.number("estimated", true).number("seconds_low", low).number("seconds_high", high)
}

/// Money for a period of so many days; of one that outlasts the log its share.
fn over(fact: Fact, cents: i64, currency: &str, (from, days): (Millis, i64), until: Millis) -> Fact {
    let left = days.min((until + EARLY - from) / DAY);
    lasting(fact.text("amount", &money(cents * left / days)).text("currency", currency), from, left)
}

/// So many days, which are the brand's own: where it is, days end up to two hours earlier than in UTC.
fn lasting(fact: Fact, from: Millis, days: i64) -> Fact {
    fact.number("period_start", from).number("period_end", from + days * DAY - EARLY)
}
