//! A brand's minutes: visits with lunch and evening peaks, weekends and good days; a reply, in sittings, brings visits with a mean lag of
//! four minutes, a share, in bursts, after about two hours. Beside them, if wanted, something that moves visits and replies alike.

use super::dice::Dice;
use grapevine_core::answers::response::minute::Minute;
use nalgebra::{DMatrix, DVector};

pub(crate) const DAYS: usize = 28;
const DAY: usize = 1440;
const SIZE: usize = DAYS * DAY;

/// Lags that an effect lasts.
const LAGS: usize = 720;

/// Visits of a reply.
const PER_REPLY: f64 = 0.6;

/// Visits of a share.
const PER_SHARE: f64 = 1.5;

/// Shares of a post of the brand that is liked as posts usually are.
const SHARES_OF_A_POST: f64 = 40.0;

/// What moves visits and replies alike.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Confounder {
    Nothing,
    /// Three hours in which more people come and write, twice a day.
    PersistentShock,
    /// A mail every four days that nobody entered.
    LaunchMail,
    /// The same, in the calendar.
    MailInCalendar,
    /// News that last for two days, every nine days.
    SuddenNews,
    /// The brand answers those who come.
    VisitsCauseReplies,
    /// A brand with so many times fewer visits.
    SmallBrand,
    /// The brand's own posts bring visits for hours and are answered in the same hours.
    OwnPosts,
    /// The same; one that people like better brings more visits, more answers and more shares.
    SharedPosts,
}

impl Confounder {
    pub(crate) const ALL: [(Confounder, &'static str, [f64; 3]); 8] = [
        (Confounder::PersistentShock, "persistent-shock", [0.5, 1.0, 3.0]),
        (Confounder::LaunchMail, "launch-mail", [0.5, 1.0, 3.0]),
        (Confounder::MailInCalendar, "launch-mail, in the calendar", [0.5, 1.0, 3.0]),
        (Confounder::SuddenNews, "sudden-news", [0.5, 1.0, 3.0]),
        (Confounder::VisitsCauseReplies, "visits-cause-replies", [0.01, 0.03, 0.1]),
        (Confounder::SmallBrand, "small-brand", [3.0, 10.0, 30.0]),
        (Confounder::OwnPosts, "own-posts", [100.0, 300.0, 1000.0]),
        (Confounder::SharedPosts, "own-posts, shared as they are liked", [100.0, 300.0, 1000.0]),
    ];
}

/// A brand, and what one who knows the model can know of it.
pub(crate) struct World {
    pub(crate) minutes: Vec<Minute>,
    /// The mean of the visits of each minute.
    rate: Vec<f64>,
    replies: Vec<f64>,
    shares: Vec<f64>,
}

/// Visits of a reply until so many minutes after it.
pub(crate) fn truth(minutes: usize, confounder: Confounder, strength: f64) -> f64 {
    let size = if confounder == Confounder::SmallBrand { strength } else { 1.0 };
    PER_REPLY * soon().iter().take(minutes).sum::<f64>() / size
}

fn kernel(of: impl Fn(f64) -> f64) -> Vec<f64> {
    let all: Vec<f64> = (0..LAGS).map(|lag| of(lag as f64)).collect();
    let sum: f64 = all.iter().sum();
    all.into_iter().map(|value| value / sum).collect()
}

fn soon() -> Vec<f64> {
    kernel(|lag| (-lag / 4.0).exp())
}

fn late() -> Vec<f64> {
    kernel(|lag| lag * lag * (-lag / 60.0).exp())
}

/// What events set off in the minutes after them.
fn after(events: &[f64], kernel: &[f64]) -> Vec<f64> {
    let mut sum = vec![0.0; events.len()];
    for (at, count) in events.iter().enumerate().filter(|(_, count)| **count != 0.0) {
        sum[at..].iter_mut().zip(kernel).for_each(|(sum, part)| *sum += count * part);
    }
    sum
}

fn rhythm(minute: usize) -> f64 {
    let of_day = (minute % DAY) as f64;
    let peak = |height: f64, at: f64, width: f64| height * (-((of_day - at) / width).powi(2)).exp();
    1.0 + 0.7 * (std::f64::consts::TAU * of_day / DAY as f64 - 1.2).sin() + peak(0.35, 760.0, 45.0) + peak(0.5, 1230.0, 70.0)
}

/// Minutes drawn by how much goes on in them.
fn by_traffic(dice: &mut Dice, busy: &[f64], count: usize) -> Vec<usize> {
    let mut sum = 0.0;
    let until: Vec<f64> = busy
        .iter()
        .map(|part| {
            sum += part;
            sum
        })
        .collect();
    (0..count).map(|_| dice.unit() * sum).map(|at| until.partition_point(|end| *end < at)).collect()
}

fn anywhere(dice: &mut Dice, below: usize) -> usize {
    (dice.unit() * below as f64) as usize
}

/// How much more goes on than usual: persistent shocks and news, and what follows a mail.
struct Stir {
    shock: Vec<f64>,
    mails: Vec<f64>,
    after_mail: Vec<f64>,
}

fn stir(dice: &mut Dice, confounder: Confounder, strength: f64) -> Stir {
    let (mut shock, mut mails) = (vec![0.0; SIZE], vec![0.0; SIZE]);
    match confounder {
        Confounder::PersistentShock => {
            for _ in 0..2 * DAYS {
                let (start, size) = (anywhere(dice, SIZE - 180), -0.5 * (dice.unit().ln() + dice.unit().ln()));
                shock[start..start + 180].iter_mut().for_each(|shock| *shock += strength * size);
            }
        }
        Confounder::SuddenNews => {
            for day in (2..DAYS).step_by(9) {
                let start = day * DAY + anywhere(dice, DAY);
                let fading = (0..2880).map(|at| 3.0 * strength * (-f64::from(at) / 720.0).exp());
                shock[start..].iter_mut().zip(fading).for_each(|(shock, more)| *shock += more);
            }
        }
        Confounder::LaunchMail | Confounder::MailInCalendar => {
            (2..DAYS).step_by(4).for_each(|day| mails[day * DAY + 600 + anywhere(dice, 240)] = 1.0);
        }
        Confounder::Nothing
        | Confounder::VisitsCauseReplies
        | Confounder::SmallBrand
        | Confounder::OwnPosts
        | Confounder::SharedPosts => {}
    }
    let rush: Vec<f64> = (0..300).map(|at| strength * (-f64::from(at) / 40.0).exp()).collect();
    let after_mail = after(&mails, &rush);
    Stir { shock, mails, after_mail }
}

/// One brand.
pub(crate) fn draw(dice: &mut Dice, confounder: Confounder, strength: f64) -> World {
    let levels: Vec<f64> = (0..DAYS).map(|day| (0.25 * dice.normal()).exp() * if day % 7 > 4 { 0.7 } else { 1.0 }).collect();
    let busy: Vec<f64> = (0..SIZE).map(|at| rhythm(at) * levels[at / DAY]).collect();
    let Stir { shock, mails, after_mail } = stir(dice, confounder, strength);
    let (mut posts, mut liked) = (vec![0.0; SIZE], vec![0.0; SIZE]);
    if matches!(confounder, Confounder::OwnPosts | Confounder::SharedPosts) {
        for at in by_traffic(dice, &busy, 3 * DAYS) {
            posts[at] += 1.0;
            liked[at] += if confounder == Confounder::SharedPosts { (dice.normal() - 0.5).exp() } else { 1.0 };
        }
    }
    let after_post = after(&liked, &late());
    let mut sittings = vec![0.0; SIZE];
    for start in by_traffic(dice, &busy, 8 * DAYS) {
        sittings.iter_mut().skip(start).take(30).for_each(|replies| *replies += 1.0);
    }
    let mut shares = vec![0.0; SIZE];
    for _ in 0..100 {
        let start = anywhere(dice, SIZE);
        for (at, share) in shares[start..].iter_mut().take(600).enumerate() {
            *share += f64::from(dice.poisson(3.0 * (-(at as f64) / 45.0).exp()));
        }
    }
    if confounder == Confounder::SharedPosts {
        shares.iter_mut().zip(&after_post).for_each(|(share, after)| *share += f64::from(dice.poisson(SHARES_OF_A_POST * after)));
    }
    let mut other: Vec<f64> =
        (0..SIZE).map(|at| 20.0 * busy[at] + 6.0 * shock[at] + 40.0 * after_mail[at] + strength * after_post[at]).collect();
    let mut asked = vec![0.0; SIZE];
    if confounder == Confounder::VisitsCauseReplies {
        other = other.into_iter().map(|rate| f64::from(dice.poisson(rate))).collect();
        let tempo: Vec<f64> = (0..120).map(|at| strength * (-f64::from(at) / 20.0).exp() / 20.0).collect();
        asked = after(&other, &tempo);
    }
    let replies: Vec<f64> = (0..SIZE)
        .map(|at| sittings[at] + 2.0 * shock[at] + 3.0 * after_mail[at] + asked[at] + 4.0 * after_post[at])
        .map(|rate| f64::from(dice.poisson(rate)))
        .collect();
    let size = if confounder == Confounder::SmallBrand { strength } else { 1.0 };
    let (of_replies, of_shares) = (after(&replies, &soon()), after(&shares, &late()));
    let caused = |at: usize| PER_REPLY * of_replies[at] + PER_SHARE * of_shares[at];
    let rate: Vec<f64> = (0..SIZE).map(|at| (other[at] + caused(at)) / size).collect();
    let minute = |at: usize| Minute {
        day: i32::try_from(at / DAY).unwrap_or_default(),
        minute_of_day: (at % DAY) as u16,
        visits: if confounder == Confounder::VisitsCauseReplies {
            other[at] as u32 + dice.poisson(caused(at))
        } else {
            dice.poisson(rate[at])
        },
        brand_replies: replies[at] as u32,
        shares: shares[at] as u32,
        brand_posts: posts[at] as u32,
        events: [if confounder == Confounder::MailInCalendar { mails[at] as u32 } else { 0 }, 0, 0, 0],
    };
    World { minutes: (0..SIZE).map(minute).collect(), rate, replies, shares }
}

impl World {
    /// Widths of 95 % intervals within 15 and 60 minutes of one who knows the rhythm of the day and how each effect falls off on either side
    /// of 15 minutes: by the information of a Poisson model with every day's level free.
    pub(crate) fn oracle(&self) -> [f64; 2] {
        let (soon, late) = (soon(), late());
        let parts = [(&self.replies, &soon), (&self.shares, &late)].into_iter().flat_map(|(events, kernel)| {
            let (early, rest) = kernel.split_at(15);
            let scaled = |part: &[f64]| part.iter().map(|value| value / part.iter().sum::<f64>()).collect::<Vec<f64>>();
            let shifted: Vec<f64> = std::iter::repeat_n(0.0, 15).chain(scaled(rest)).collect();
            [after(events, &scaled(early)), after(events, &shifted)]
        });
        let parts: Vec<Vec<f64>> = parts.collect();
        let columns = DAYS + parts.len();
        let mut information = DMatrix::<f64>::zeros(columns, columns);
        for (at, rate) in self.rate.iter().enumerate().skip(LAGS) {
            let known = [rhythm(at), parts[0][at], parts[1][at], parts[2][at], parts[3][at]];
            let where_ = [at / DAY, DAYS, DAYS + 1, DAYS + 2, DAYS + 3];
            for (one, first) in where_.iter().zip(known) {
                for (other, second) in where_.iter().zip(known) {
                    information[(*one, *other)] += first * second / rate;
                }
            }
        }
        let covariance = information.try_inverse().expect("parts that vary");
        let rest: f64 = soon[15..].iter().sum();
        [15, 60].map(|minutes| {
            let mut weights = DVector::<f64>::zeros(columns);
            weights[DAYS] = 1.0;
            weights[DAYS + 1] = soon[15..minutes].iter().sum::<f64>() / rest;
            2.0 * 1.96 * (weights.transpose() * &covariance * &weights)[(0, 0)].sqrt()
        })
    }
}
