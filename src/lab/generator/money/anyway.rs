//! What happens without any post, share or reply: ordinary visits, and what confounds.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::fact::{awake, millis, seconds};
use super::figures::{ANSWER, BRANDS, Brand, FADE_OF_MAIL, FADE_OF_NEWS, FADE_OF_SHOCK, HOUR_LEVEL, VISIT_DAYS, VISIT_HOURS};
use super::journey::{self, Books, Origin, Start, Way};
use super::pull::{purpose, size};
use super::settings::{Confounder, Settings};
use crate::generator::dice::{Curve, Dice};
use crate::generator::people::hash;
use crate::generator::plan::{Account, Parent, Pending, Post, What, followers_of_brand};
use crate::generator::week::Days;
use crate::generator::world::{self, DAY, HOUR, WEEK_START};
use crate::record::Millis;

/// How visits come that nobody's post brings, as often in the list as they do.
const WAYS: [Way; 20] = [
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Direct,
    Way::Search,
    Way::Search,
    Way::Search,
    Way::Search,
    Way::Search,
    Way::Search,
    Way::Mail,
    Way::Mail,
    Way::Ad,
    Way::Ad,
    Way::Ad,
];

/// When on a day the thread for its questions is opened; until then people ask in that of the day before.
const OPENING: Millis = 6 * HOUR;
/// Numbers of the help threads' posts: above those of all others.
const FIRST_HELP_POST: u64 = 1_000_000_000;

/// A cause that brings visits and questions from a moment on.
struct Surge {
    /// Unique.
    name: String,
    start: Millis,
    fade: Curve,
    way: Way,
    /// Visits on average, in 1/1,000 of an ordinary day's.
    visits: u64,
    /// Questions on average.
    questions: u64,
}

/// Ordinary visits and confounders.
#[derive(Debug)]
pub(crate) struct Anyway {
    seed: u64,
    days: Days,
    /// Visits of an ordinary day, by brand.
    visits: [u64; BRANDS.len()],
    /// Shocks, mails and news: visits in 1/1,000 of a day's, and questions; (0, 0) where they are off.
    shock: (u64, u64),
    mail: (u64, u64),
    news: (u64, u64),
    /// How many of 1,000 visitors ask.
    asking: u64,
    /// Questions and answers so far in the thread of each day.
    asked: BTreeMap<Millis, u32>,
}

impl Anyway {
    pub(crate) fn new(settings: &Settings, days: &Days) -> Self {
        let by = |confounder, values| settings.by_strength(confounder, (0, 0), values);
        let [measured, other] = [&BRANDS[0], &BRANDS[1]].map(|brand| u64::from(settings.visits_a_day) * brand.visits / 1_000);
        Anyway {
            seed: settings.seed,
            days: days.clone(),
            visits: [measured * size(settings) / 1_000, other],
            shock: by(Confounder::PersistentShock, [(50, 4), (100, 12), (200, 36)]),
            mail: by(Confounder::LaunchMail, [(100, 6), (250, 18), (600, 54)]),
            news: by(Confounder::SuddenNews, [(300, 15), (1_000, 50), (3_000, 150)]),
            asking: settings.by_strength(Confounder::VisitsCauseReplies, 0, [5, 20, 60]),
            asked: BTreeMap::new(),
        }
    }

    fn has_questions(&self) -> bool {
        self.asking > 0 || [self.shock, self.mail, self.news].iter().any(|&(_, questions)| questions > 0)
    }

    /// What begins on a day: the thread for questions, and surges.
    pub(crate) fn start_day(&mut self, day: Millis, books: &mut Books<'_>) -> Vec<Pending> {
        let mut lines = Vec::new();
        if self.has_questions() {
            let time = day + OPENING;
            lines.push(Pending { arrival: time + 1_000, time, post: Arc::new(help_post(day)), what: What::Post });
        }
        for surge in self.surges(day) {
            self.play_surge(&surge, books, &mut lines);
        }
        lines
    }

    fn surges(&self, day: Millis) -> Vec<Surge> {
        let number = ((day - WEEK_START) / DAY).unsigned_abs();
        let mut dice = Dice::keyed(self.seed, purpose::SURGE, [number, 0]);
        let mut surges = Vec::new();
        for half in 0..2 {
            let start = day + half * 12 * HOUR + millis(dice.below(12 * 3_600_000));
            surges.push((format!("shock/{number}/{half}"), start, FADE_OF_SHOCK, Way::Direct, self.shock));
        }
        let (is_news, start) = (dice.permille(111), day + millis(dice.below(24 * 3_600_000)));
        if is_news {
            surges.push((format!("news/{number}"), start, FADE_OF_NEWS, Way::News, self.news));
        }
        if let Some(start) = mail_of(self.seed, day) {
            surges.push((format!("mail/{number}"), start, FADE_OF_MAIL, Way::Mail, self.mail));
        }
        surges
            .into_iter()
            .map(|(name, start, fade, way, (visits, questions))| Surge { name, start, fade, way, visits, questions })
            .collect()
    }

    /// Each surge is larger or smaller than it is on average, its visits and its questions together.
    fn play_surge(&mut self, surge: &Surge, books: &mut Books<'_>, lines: &mut Vec<Pending>) {
        let mut dice = Dice::keyed(self.seed, purpose::SURGE, [hash(&surge.name), 1]);
        let level = 2 * dice.below(1_000);
        let visits = dice.poisson(self.visits[0] * surge.visits * level);
        let questions = dice.poisson(surge.questions * 1_000 * level);
        for n in 0..visits {
            let mut dice = Dice::keyed(self.seed, purpose::SURGE, [hash(&surge.name), 2 + n]);
            let after = dice.draw(surge.fade);
            let time = surge.start + seconds(&mut dice, after);
            // Not every reader of a mail comes by its link.
            let way = if dice.permille(600) { surge.way } else { Way::Direct };
            let start = Start {
                name: format!("{}/{}/{n}", BRANDS[0].name, surge.name),
                brand: &BRANDS[0],
                time,
                origin: Origin::Own(way),
            };
            journey::play(&mut dice, &start, books);
        }
        for _ in 0..questions {
            let after = dice.draw(surge.fade);
            let time = surge.start + seconds(&mut dice, after);
            self.ask(time, books.outbox.until, lines);
        }
    }

    /// The ordinary visits of an hour, and the questions that they bring.
    pub(crate) fn pass_hour(&mut self, hour: Millis, books: &mut Books<'_>) -> Vec<Pending> {
        let mut lines = Vec::new();
        for (index, brand) in BRANDS.iter().enumerate() {
            let number = ((hour - WEEK_START) / HOUR).unsigned_abs();
            let level = Dice::keyed(self.seed, purpose::HOUR, [number, index as u64]).draw(HOUR_LEVEL);
            for minute in 0..60 {
                let rate = self.rate(index, number, minute) * level / 1_000 * self.days.level(hour) / 1_000;
                let thing = (number * 60 + minute) << 8 | index as u64;
                let count = Dice::keyed(self.seed, purpose::MINUTE, [thing, 0]).poisson(rate);
                for n in 0..count {
                    let mut dice = Dice::keyed(self.seed, purpose::OWN_JOURNEY, [thing, n]);
                    let time = hour + millis(minute * 60_000 + dice.below(60_000));
                    self.visit(&mut dice, brand, (time, n), (&mut *books, &mut lines));
                }
            }
        }
        lines
    }

    /// Millionths of a visit in a minute: straight lines between the hours of an ordinary day.
    fn rate(&self, brand: usize, hour: u64, minute: u64) -> u64 {
        let at = |hour: u64| VISIT_HOURS[usize::try_from(hour % 24).unwrap_or(0)];
        let shape = (at(hour) * (60 - minute) + at(hour + 1) * minute) / 60;
        let day = VISIT_DAYS[usize::try_from(hour / 24 % 7).unwrap_or(0)];
        self.visits[brand] * 1_000_000 / 1_440 * shape / 1_000 * day / 1_000
    }

    fn visit(
        &mut self,
        dice: &mut Dice,
        brand: &'static Brand,
        (time, n): (Millis, u64),
        to: (&mut Books<'_>, &mut Vec<Pending>),
    ) {
        let (books, lines) = to;
        let name = format!("{}/{}/{n}", brand.name, (time - WEEK_START) / 60_000);
        let asks = dice.permille(self.asking) && brand.name == BRANDS[0].name;
        let start = Start { name, brand, time, origin: Origin::Own(dice.pick(&WAYS)) };
        if asks {
            let after = 20 + dice.below(600);
            self.ask(time + seconds(dice, after), books.outbox.until, lines);
        }
        journey::play(dice, &start, books);
    }

    /// A question in the day's thread, and the brand's answer: in the morning if nobody is there.
    fn ask(&mut self, time: Millis, until: Millis, lines: &mut Vec<Pending>) {
        let day = time - OPENING - (time - OPENING - WEEK_START).rem_euclid(DAY);
        if day < WEEK_START {
            return;
        }
        let post = Arc::new(help_post(day));
        let asked = self.asked.entry(day).or_default();
        *asked += 2;
        let (question, answer) = (*asked - 1, *asked);
        let mut dice = Dice::keyed(self.seed, purpose::QUESTION, [post.number, question.into()]);
        let after = dice.draw(ANSWER);
        let mut answered = time + seconds(&mut dice, after);
        if world::office(post.brand, answered) == 0 {
            answered = awake(answered, &[0; 24], &mut dice);
        }
        let somebody = Account::Person(u32::try_from(10_000_000 + dice.below(500_000)).unwrap_or(0));
        let mut add = |time: Millis, what: What| {
            let arrival = time + millis(dice.draw(world::ARRIVAL));
            if time < until {
                lines.push(Pending { arrival, time, post: Arc::clone(&post), what });
            }
        };
        add(time, What::Reply { number: question, parent: Parent::Root, actor: somebody, mentions_brand: true });
        let parent = Parent::Node(question);
        add(answered, What::Reply { number: answer, parent, actor: Account::Brand, mentions_brand: false });
    }
}

/// The brand's thread for a day's questions.
fn help_post(day: Millis) -> Post {
    let number = FIRST_HELP_POST + ((day - WEEK_START) / DAY).unsigned_abs();
    Post {
        number,
        channel: world::help_channel(),
        community: "agora/beginners".into(),
        author: Account::Brand,
        brand: BRANDS[0].name,
        campaign: Some("care"),
        mentions_brand: false,
        followers: followers_of_brand(day),
        tags: None,
        trial: None,
    }
}

/// When the mail of a day is sent, if it has one: every fourth, before noon or soon after.
fn mail_of(seed: u64, day: Millis) -> Option<Millis> {
    let number = ((day - WEEK_START) / DAY).unsigned_abs();
    let mut dice = Dice::keyed(seed, purpose::DAY, [1, number]);
    (number % 4 == 2).then(|| day + 9 * HOUR + millis(dice.below(4 * 3_600_000)))
}

/// The mails that the calendar knows of.
pub(crate) fn mails(settings: &Settings) -> Vec<Millis> {
    if !settings.confounders.contains_key(&Confounder::LaunchMail) {
        return Vec::new();
    }
    (0..i64::from(settings.days)).filter_map(|day| mail_of(settings.seed, WEEK_START + day * DAY)).collect()
}
