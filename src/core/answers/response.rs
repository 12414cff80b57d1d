//! How many visits follow a brand's reply within 15 and 60 minutes: a regression by minute. An association, never a cause.
//!
//! Visits of a minute are explained by the brand's replies of the minutes before it, beside shares, the brand's own posts, the calendar
//! and the rhythm of the day (`Regressors`); every day has a level of its own, and is a cluster
//! ([`crate::estimate::regression`]). Visits cannot come from replies that follow them: an effect of replies 6 to 30 minutes later
//! (the lead) flags the model.

pub mod minute;

use std::ops::Range;
use std::sync::Arc;

use self::minute::Minute;
use super::immediacy::Finding;
use crate::estimate::regression::{Cluster, Effect, Fit};

/// Whole days that are needed.
const DAYS_MIN: usize = 14;

/// Whole days with a reply that are needed.
const REPLY_DAYS_MIN: usize = 10;

/// Minutes that one must look back from a minute, and ahead, to know all that it is explained by.
const BEHIND: usize = 720;
const AHEAD: usize = 30;

/// Minutes that a day needs of which all is known.
const KNOWN_MIN: usize = 720;

/// Minutes of a day.
const DAY: usize = 1440;

/// Waves of the day: once to eight times a day.
const WAVES: usize = 8;

/// First and last minute since a reply or a share.
const LAGS: [(usize, usize); 6] = [(0, 0), (1, 4), (5, 14), (15, 59), (60, 239), (240, 719)];

/// The same since a post, a mail, an advertisement, a launch or another event.
const RUSH: [(usize, usize); 3] = [(0, 14), (15, 59), (60, 239)];

/// First and last minute until a reply or a share.
const LEAD: (usize, usize) = (6, 30);

/// What later replies say of the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lead {
    /// They seem to have an effect: something moves visits and replies alike.
    Flagged,
    /// They have less than a fifth of the effect: weak evidence for the model.
    NotFlagged,
    /// Neither.
    Undecided,
}

impl Lead {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Lead::Flagged => "flagged",
            Lead::NotFlagged => "not_flagged_at_20pct",
            Lead::Undecided => "undecided",
        }
    }
}

/// Whether the effect fits what clicks say ([`super::immediacy`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beside {
    /// People come sooner to conversation, and visits follow replies.
    Agrees,
    /// People come sooner to conversation, and hardly any visits follow replies.
    Contradicts,
    /// Neither.
    CannotTell,
}

impl Beside {
    /// Its word in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Beside::Agrees => "agrees",
            Beside::Contradicts => "contradicts",
            Beside::CannotTell => "cannot_tell",
        }
    }
}

/// Why there is no figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Too few days that the minutes wholly cover.
    FewDays,
    /// The brand did not reply.
    NoReplies,
    /// It replied on too few days.
    FewReplyDays,
    /// Replies never vary, or only together with something else.
    NoSpread,
}

impl Reason {
    /// Its words in a row.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Reason::FewDays => "fewer than 14 whole days",
            Reason::NoReplies => "no brand replies",
            Reason::FewReplyDays => "replies on fewer than 10 days",
            Reason::NoSpread => "the lags cannot be told apart",
        }
    }
}

/// The visits that follow a reply within some minutes.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The brand.
    pub brand: Arc<str>,
    /// 15 or 60.
    pub minutes: u8,
    /// Visits per reply.
    pub visits_per_reply: Option<f64>,
    /// Where it lies with 95 %.
    pub low: Option<f64>,
    /// Where it lies with 95 %.
    pub high: Option<f64>,
    /// The effect of replies 6 to 30 minutes later, which should be 0.
    pub lead: Option<f64>,
    /// Where it lies with 90 %.
    pub lead_low: Option<f64>,
    /// Where it lies with 90 %.
    pub lead_high: Option<f64>,
    /// What that says of the model.
    pub lead_verdict: Option<Lead>,
    /// Whether the clicks say the same.
    pub beside_immediacy: Beside,
    /// Whole days.
    pub days: usize,
    /// The brand's replies on them.
    pub replies: u64,
    /// Days with one.
    pub reply_days: usize,
    /// Why there is no figure.
    pub reason: Option<Reason>,
}

/// The rows of a brand: within 15 and within 60 minutes. Its minutes follow each other without a gap.
#[must_use]
pub fn response(brand: &Arc<str>, minutes: &[Minute], immediacy: Option<Finding>) -> [Row; 2] {
    let days = whole_days(minutes);
    let counts = days.iter().map(|day| minutes[day.clone()].iter().map(|minute| u64::from(minute.brand_replies)).sum());
    let counts: Vec<u64> = counts.collect();
    let reply_days = counts.iter().filter(|count| **count > 0).count();
    let replies = counts.iter().sum::<u64>();
    let reason = match (days.len(), replies, reply_days) {
        (days, ..) if days < DAYS_MIN => Some(Reason::FewDays),
        (_, 0, _) => Some(Reason::NoReplies),
        (_, _, days) if days < REPLY_DAYS_MIN => Some(Reason::FewReplyDays),
        _ => None,
    };
    let fit = if reason.is_none() { Fit::of(&clusters(minutes, &days)).ok() } else { None };
    [15, 60].map(|minutes| {
        let of = |weights: Vec<f64>| fit.as_ref().and_then(|fit| fit.effect(&weights).ok());
        let told = of(within(usize::from(minutes))).zip(of(ahead()));
        let (effect, lead) = told.unzip();
        let (interval, ends) = (effect.map(|effect| effect.within_95()), lead.map(|lead| lead.within_90()));
        Row {
            brand: brand.clone(),
            minutes,
            visits_per_reply: effect.map(|effect| effect.value),
            low: interval.map(|(low, _)| low),
            high: interval.map(|(_, high)| high),
            lead: lead.map(|lead| lead.value),
            lead_low: ends.map(|(low, _)| low),
            lead_high: ends.map(|(_, high)| high),
            lead_verdict: told.map(|(effect, lead)| verdict(effect, lead)),
            beside_immediacy: beside(interval, immediacy),
            days: days.len(),
            replies,
            reply_days,
            reason: reason.or(told.is_none().then_some(Reason::NoSpread)),
        }
    })
}

fn verdict(effect: Effect, lead: Effect) -> Lead {
    let (low, high) = lead.within_90();
    if low.abs().max(high.abs()) < 0.2 * effect.value.abs() {
        Lead::NotFlagged
    } else if lead.value.abs() > 3.0 * lead.error {
        Lead::Flagged
    } else {
        Lead::Undecided
    }
}

fn beside(interval: Option<(f64, f64)>, immediacy: Option<Finding>) -> Beside {
    match interval {
        Some((low, _)) if immediacy == Some(Finding::Supported) && low > 0.0 => Beside::Agrees,
        Some((_, high)) if immediacy == Some(Finding::Supported) && high < 0.1 => Beside::Contradicts,
        _ => Beside::CannotTell,
    }
}

/// Where each whole day of which enough is known lies among the minutes.
fn whole_days(minutes: &[Minute]) -> Vec<Range<usize>> {
    let mut end = 0;
    let days = minutes.chunk_by(|one, next| one.day == next.day).filter_map(|day| {
        let range = end..end + day.len();
        end = range.end;
        let covered = day.first().is_some_and(|first| first.minute_of_day == 0)
            && day.last().is_some_and(|last| usize::from(last.minute_of_day) == DAY - 1);
        (covered && known(minutes, &range).len() >= KNOWN_MIN).then_some(range)
    });
    days.collect()
}

/// The minutes of a day of which all is known that they are explained by.
fn known(minutes: &[Minute], day: &Range<usize>) -> Range<usize> {
    day.start.max(BEHIND)..day.end.min(minutes.len().saturating_sub(AHEAD))
}

/// Each of these days as a cluster.
fn clusters(minutes: &[Minute], days: &[Range<usize>]) -> Vec<Cluster> {
    let regressors = Regressors::of(minutes);
    let mut row = Vec::with_capacity(COLUMNS + 1);
    let clusters = days.iter().map(|day| {
        let visits: u64 = minutes[day.clone()].iter().map(|minute| u64::from(minute.visits)).sum();
        #[expect(clippy::cast_precision_loss, reason = "a number of visits")]
        let level = visits as f64 / day.len() as f64;
        let mut cluster = Cluster::new(COLUMNS);
        for at in known(minutes, day) {
            regressors.write(minutes, at, level, &mut row);
            cluster.add(&row);
        }
        cluster
    });
    clusters.collect()
}

/// Waves, waves times the level of the day (because good days multiply traffic and talk alike), what the calendar and the brand's posts
/// set off, replies, shares.
const COLUMNS: usize = 4 * WAVES + 5 * RUSH.len() + 2 * TREATED;

/// Columns of replies, and of shares: their lags and the lead.
const TREATED: usize = LAGS.len() + 1;

/// Where the columns of replies begin.
const REPLIES: usize = COLUMNS - 2 * TREATED;

/// The weights that add up the visits of a reply within some minutes: a lag's coefficient is of each of its minutes.
fn within(minutes: usize) -> Vec<f64> {
    let lags = LAGS.into_iter().map(|lag| if lag.1 < minutes { length(lag) } else { 0.0 });
    std::iter::repeat_n(0.0, REPLIES).chain(lags).collect()
}

/// The same of the visits before a reply.
fn ahead() -> Vec<f64> {
    std::iter::repeat_n(0.0, REPLIES + LAGS.len()).chain([length(LEAD)]).collect()
}

/// How many minutes there are from the first to the last.
#[expect(clippy::cast_precision_loss, reason = "minutes of a day")]
fn length((first, last): (usize, usize)) -> f64 {
    (last + 1 - first) as f64
}

/// What explains the visits of a minute.
struct Regressors {
    /// Of each minute of the day.
    waves: Vec<[f64; 2 * WAVES]>,
    /// How many events there were before each minute: mails, advertisements, launches, others and own posts.
    rush: [Vec<u64>; 5],
    /// The same of replies and shares.
    treated: [Vec<u64>; 2],
}

impl Regressors {
    #[expect(clippy::cast_precision_loss, reason = "minutes of a day")]
    fn of(minutes: &[Minute]) -> Regressors {
        let wave = |minute: usize| {
            std::array::from_fn(|at| {
                let angle = std::f64::consts::TAU * (at / 2 + 1) as f64 * minute as f64 / DAY as f64;
                if at % 2 == 0 { angle.cos() } else { angle.sin() }
            })
        };
        let before = |of: &dyn Fn(&Minute) -> u32| {
            let sums = minutes.iter().scan(0_u64, |sum, minute| {
                *sum += u64::from(of(minute));
                Some(*sum)
            });
            std::iter::once(0).chain(sums).collect()
        };
        let event = |kind: usize| before(&move |minute: &Minute| minute.events[kind]);
        Regressors {
            waves: (0..DAY).map(wave).collect(),
            rush: [event(0), event(1), event(2), event(3), before(&|minute| minute.brand_posts)],
            treated: [before(&|minute| minute.brand_replies), before(&|minute| minute.shares)],
        }
    }

    /// Writes the regressors of a minute and its visits.
    fn write(&self, minutes: &[Minute], at: usize, level: f64, row: &mut Vec<f64>) {
        row.clear();
        let Some(minute) = minutes.get(at) else { return };
        let waves = self.waves.get(usize::from(minute.minute_of_day)).copied().unwrap_or_default();
        row.extend(waves);
        row.extend(waves.map(|wave| wave * level));
        for before in &self.rush {
            row.extend(RUSH.map(|(first, last)| between(before, at.saturating_sub(last), (at + 1).saturating_sub(first))));
        }
        for before in &self.treated {
            row.extend(LAGS.map(|(first, last)| between(before, at.saturating_sub(last), (at + 1).saturating_sub(first))));
            row.push(between(before, at + LEAD.0, at + LEAD.1 + 1));
        }
        row.push(f64::from(minute.visits));
    }
}

/// How many events there were from one minute to before another.
#[expect(clippy::cast_precision_loss, reason = "a number of events")]
fn between(before: &[u64], from: usize, to: usize) -> f64 {
    let until = |minute: usize| before.get(minute).or(before.last()).copied().unwrap_or_default();
    until(to).saturating_sub(until(from)) as f64
}
