//! What somebody does who comes once: comes back, buys, sends things back.
//!
//! A journey draws from a stream of its own, so that no other changes when it does not take place.

use super::fact::{Fact, Outbox, awake, millis, money, seconds};
use super::figures::{Brand, DECISION, PRICE, REGRET, REORDER, RETURN, VISIT_HOURS};
use super::settings::Side;
use super::tally::{Amount, Cause, Tally};
use crate::generator::dice::Dice;
use crate::generator::plan::Post;
use crate::record::Millis;

/// How a journey begins.
#[derive(Debug)]
pub(crate) struct Start<'a> {
    /// Unique: the ids of all its facts begin with it.
    pub(crate) name: String,
    pub(crate) brand: &'static Brand,
    pub(crate) time: Millis,
    pub(crate) origin: Origin<'a>,
}

/// Why somebody comes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Origin<'a> {
    /// For reasons of their own.
    Own(Way),
    /// By a link in the log.
    Link(Link<'a>),
}

/// How somebody comes whom no post, share or reply brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Direct,
    Search,
    Ad,
    Mail,
    News,
    /// From another page of the brand: the same session.
    Within,
}

/// The link in a post, share or reply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link<'a> {
    pub(crate) side: Side,
    pub(crate) post: &'a Post,
    pub(crate) root: &'a str,
    pub(crate) target: &'a str,
}

/// What a visit's parameters and referrer say.
#[derive(Debug, Default)]
struct Marks {
    click: String,
    referrer: String,
    source: &'static str,
    medium: &'static str,
    campaign: &'static str,
    content: String,
}

/// A journey under way.
pub(crate) struct Journey<'a> {
    dice: &'a mut Dice,
    outbox: &'a mut Outbox,
    tally: &'a mut Tally,
    start: &'a Start<'a>,
    cause: Cause,
    /// Empty: no consent.
    visitor: String,
    regular: bool,
    facts: u32,
}

/// Where facts go and are counted.
pub(crate) struct Books<'a> {
    pub(crate) outbox: &'a mut Outbox,
    pub(crate) tally: &'a mut Tally,
}

impl Start<'_> {
    fn cause(&self) -> Cause {
        let (side, channel, community) = match &self.origin {
            Origin::Own(_) => (None, "", String::new()),
            Origin::Link(link) => (Some(link.side), link.post.channel.name, link.post.community.to_string()),
        };
        Cause { brand: self.brand.name, side, channel, community }
    }
}

/// Plays a journey to its end.
pub(crate) fn play(dice: &mut Dice, start: &Start<'_>, books: &mut Books<'_>) {
    let regular = dice.permille(if matches!(start.origin, Origin::Own(_)) { 400 } else { 300 });
    // Few regulars come often.
    let number = dice.below(start.brand.regulars) * dice.below(1_000) / 1_000;
    let consents = dice.permille(900);
    let visitor = match (regular, consents) {
        (true, _) => format!("visitor:{}/{number}", start.brand.name),
        (false, true) => format!("visitor:{}", start.name),
        (false, false) => String::new(),
    };
    let Books { outbox, tally } = books;
    Journey { dice, outbox, tally, start, cause: start.cause(), visitor, regular, facts: 0 }.run();
}

impl Journey<'_> {
    fn run(&mut self) {
        let mut last = self.start.time;
        match self.start.origin {
            Origin::Own(way) => self.visit_by(way, last),
            Origin::Link(link) => self.visit_by_link(link, last),
        }
        if self.dice.permille(120) {
            let later = last + millis(60_000 + self.dice.below(1_400_000));
            let way = if self.dice.permille(800) { Way::Within } else { Way::Direct };
            self.visit_by(way, later);
            last = later;
        }
        for _ in 0..3 {
            if !self.dice.permille(220) {
                break;
            }
            let after = self.dice.draw(RETURN);
            last = self.later(last, after);
            let way = self.dice.pick(&[Way::Direct, Way::Direct, Way::Direct, Way::Search, Way::Mail]);
            self.visit_by(way, last);
        }
        let buys = match (&self.start.origin, self.regular) {
            (Origin::Own(_), true) => 60,
            (Origin::Own(_), false) => 25,
            (Origin::Link(Link { side: Side::Conversation, .. }), false) => 60,
            (Origin::Link(_), false) => 40,
            // They would have bought anyway.
            (Origin::Link(_), true) => 8,
        };
        if self.dice.permille(buys) {
            let after = self.dice.draw(DECISION);
            let time = self.later(last, after);
            self.buy(time);
        }
    }

    /// So many seconds later, or in the morning after.
    fn later(&mut self, time: Millis, after: u64) -> Millis {
        let time = time + seconds(self.dice, after);
        awake(time, &VISIT_HOURS, self.dice)
    }

    fn next_id(&mut self, kind: &str) -> String {
        self.facts += 1;
        format!("{kind}:{}/{}", self.start.name, self.facts)
    }

    /// Mostly by a tracked link; or only parameters or a referrer tell; or nothing does.
    fn visit_by_link(&mut self, link: Link<'_>, time: Millis) {
        let known = match link.side {
            Side::Broadcast => [400, 550, 700],
            Side::Conversation => [600, 700, 850],
        };
        let channel = link.post.channel;
        let (medium, campaign) = match link.side {
            Side::Broadcast => ("social-broadcast", link.post.campaign.unwrap_or("")),
            Side::Conversation => ("social-conversation", link.post.campaign.unwrap_or("care")),
        };
        let at = self.dice.below(1_000);
        let mut marks = Marks::default();
        if at < known[1] {
            marks = Marks { source: channel.platform, medium, campaign, content: link.target.to_owned(), ..marks };
        }
        if at < known[0] {
            marks.click = self.click(link, time, &marks);
        }
        // Apps send no referrer.
        if at < known[2] && (at >= known[1] || self.dice.permille(500)) {
            marks.referrer = format!("{}.example", channel.platform);
        }
        self.visit(time, &marks);
    }

    /// A few seconds before the visit. Some trackers know the post and not what below it held the link; a few name
    /// something that never reaches the log.
    fn click(&mut self, link: Link<'_>, visit_time: Millis, marks: &Marks) -> String {
        let id = self.next_id("click");
        let time = visit_time - millis(1_000 + self.dice.below(8_000));
        let target = match self.dice.below(100) {
            0..4 => String::new(),
            4..6 => format!("{}-gone", link.target),
            _ => link.target.to_owned(),
        };
        let visitor = if self.dice.permille(800) { self.visitor.clone() } else { String::new() };
        let fact = Fact::new("click", &id, time).keyed(link.root).text("root", link.root).text("target", &target);
        let fact = self.with_parameters(fact.text("visitor", &visitor), marks);
        if self.outbox.send(self.dice, fact) {
            self.tally.of(&self.cause).clicks += 1;
        }
        id
    }

    fn visit_by(&mut self, way: Way, time: Millis) {
        let brand = self.start.brand;
        let marks = match way {
            Way::Direct => Marks::default(),
            Way::Search => Marks { referrer: "seek.example".to_owned(), ..Marks::default() },
            Way::Ad => Marks { source: "seek", medium: "cpc", campaign: "always-on", ..Marks::default() },
            Way::Mail => Marks { source: "newsletter", medium: "email", ..Marks::default() },
            Way::News => Marks { referrer: "daily-news.example".to_owned(), ..Marks::default() },
            Way::Within => Marks { referrer: brand.hosts[1].to_owned(), ..Marks::default() },
        };
        self.visit(time, &marks);
    }

    fn visit(&mut self, time: Millis, marks: &Marks) {
        let id = self.next_id("visit");
        let host = self.dice.pick(&self.start.brand.hosts);
        let page = self.dice.pick(&["", "bikes", "bikes/city", "helmets", "offers", "help"]);
        let fact = Fact::new("visit", &id, time)
            .keyed(if self.visitor.is_empty() { &id } else { &self.visitor })
            .text("visitor", &self.visitor)
            .text("click", &marks.click)
            .text("brand", self.start.brand.name)
            .text("landing_url", &format!("https://{host}/{page}"))
            .text("referrer_host", &marks.referrer);
        let fact = self.with_parameters(fact, marks);
        if self.outbox.send(self.dice, fact) {
            self.tally.of(&self.cause).visits += 1;
        }
    }

    /// People write them as they like.
    fn with_parameters(&mut self, fact: Fact, marks: &Marks) -> Fact {
        let [source, medium, campaign] = [marks.source, marks.medium, marks.campaign].map(|text| spelled(self.dice, text));
        fact.text("utm_source", &source)
            .text("utm_medium", &medium)
            .text("utm_campaign", &campaign)
            .text("utm_content", &marks.content)
    }

    /// A sign-up costs nothing; of purchases some are sent back, and some followed by another.
    fn buy(&mut self, time: Millis) {
        let currency = self.dice.pick(&self.start.brand.currencies);
        let margin_rate = self.dice.permille(300).then(|| 250 + 10 * self.dice.below(40));
        if self.dice.permille(150) {
            self.convert("signup", Amount { time, cents: 0, currency, margin_rate: None }, ("relates_to", ""));
            return;
        }
        let cents = millis(self.dice.draw(PRICE));
        let sale = Amount { time, cents, currency, margin_rate };
        let id = self.convert("purchase", sale, ("relates_to", ""));
        if self.dice.permille(80) {
            self.send_back(&id, sale);
        }
        if self.dice.permille(60) {
            let after = self.dice.draw(REORDER);
            let time = self.later(time, after);
            let cents = millis(self.dice.draw(PRICE));
            self.convert("purchase", Amount { time, cents, ..sale }, ("relates_to", &id));
        }
    }

    /// All of it, a part, or two parts; some systems say so before the sale itself is there.
    fn send_back(&mut self, sale_id: &str, sale: Amount) {
        let after = self.dice.draw(REGRET);
        let later = self.later(sale.time, after);
        let part = (sale.cents * millis(100 + self.dice.below(400)) / 1_000).max(1);
        let refunds = match self.dice.below(10) {
            0..4 => vec![(later, sale.cents)],
            4..7 => vec![(later, part)],
            7..9 => vec![(later, part), (later + millis(self.dice.below(400_000_000)), part)],
            _ => vec![((sale.time - millis(60_000 + self.dice.below(1_800_000))).max(self.start.time), sale.cents)],
        };
        let visitor = self.visitor.clone();
        for (time, cents) in refunds {
            if self.dice.permille(500) {
                self.visitor.clear();
            }
            self.convert("refund", Amount { time, cents: -cents, ..sale }, ("refund_of", sale_id));
            self.visitor.clone_from(&visitor);
        }
    }

    fn convert(&mut self, kind: &str, amount: Amount, (relation, to): (&str, &str)) -> String {
        let id = self.next_id(if kind == "refund" { "refund" } else { "order" });
        let mut fact = Fact::new("conversion", &id, amount.time)
            .keyed(if self.visitor.is_empty() { &id } else { &self.visitor })
            .text("visitor", &self.visitor)
            .text("brand", self.start.brand.name)
            .text("kind", kind)
            .text("amount", &money(amount.cents))
            .text("currency", amount.currency)
            .text(relation, to);
        if let Some(rate) = amount.margin_rate {
            fact = fact.number("margin_rate", format_args!("0.{rate:03}"));
        }
        if self.outbox.send(self.dice, fact) {
            let figures = self.tally.of(&self.cause);
            *(if kind == "refund" { &mut figures.refunds } else { &mut figures.conversions }) += 1;
            figures.add_amount(self.start.brand, amount);
        }
        id
    }
}

/// In lower case, with capitals, or all in capitals.
fn spelled(dice: &mut Dice, text: &str) -> String {
    match dice.below(10) {
        0..6 => text.to_owned(),
        6..9 => text.split_inclusive('-').map(capitalised).collect(),
        _ => text.to_ascii_uppercase(),
    }
}

fn capitalised(word: &str) -> String {
    let (first, rest) = word.split_at(word.len().min(1));
    first.to_ascii_uppercase() + rest
}
