//! Programs that share the brand's posts and click on them. They buy nothing and bring nobody.

use std::sync::Arc;

use super::fact::{Fact, millis, seconds};
use super::journey::Books;
use super::pull::purpose;
use super::settings::Side;
use super::tally::{Cause, brand_named};
use crate::generator::dice::{Curve, Dice};
use crate::generator::line;
use crate::generator::plan::{Account, Parent, Pending, Post, What};
use crate::generator::world::{self, Habit};
use crate::record::Millis;

/// Accounts of the ring that shares.
const RING: u64 = 40;
/// Crawlers that follow links.
const CRAWLERS: u64 = 25;
/// Numbers of their shares, above those of people.
const FIRST_NUMBER: u32 = 1_000_000;
/// Seconds from the post to a bot's share or click.
const LAG: Curve = &[(0, 1), (8_000, 90), (10_000, 4_000)];

/// The shares of the ring below one of the brand's own posts, where people repeat: of three posts in ten.
pub(crate) fn shares(seed: u64, post: &Arc<Post>, time: Millis, until: Millis) -> Vec<Pending> {
    let mut dice = Dice::keyed(seed, purpose::BOT, [0, post.number]);
    if post.author != Account::Brand || post.channel.habit != Habit::Broadcast || !dice.permille(300) {
        return Vec::new();
    }
    let count = u32::try_from(5 + dice.below(RING)).unwrap_or(0);
    let mut lines = Vec::new();
    for number in FIRST_NUMBER..FIRST_NUMBER + count {
        let after = dice.draw(LAG);
        let time = time + seconds(&mut dice, after);
        let arrival = time + millis(dice.draw(world::ARRIVAL));
        let actor = Account::Bot(u32::try_from(dice.below(RING)).unwrap_or(0));
        let what =
            What::Share { number, parent: Parent::Root, actor, followers: Some(0), edge_source: Some("declared"), quote: false };
        lines.push(Pending { arrival, time, post: Arc::clone(post), what });
    }
    lines.retain(|line| line.time < until);
    lines
}

/// The crawlers' clicks on one of the brand's own posts, and the visits they make.
pub(crate) fn clicks(seed: u64, post: &Post, time: Millis, books: &mut Books<'_>) {
    if post.author != Account::Brand {
        return;
    }
    let mut dice = Dice::keyed(seed, purpose::BOT, [1, post.number]);
    let root = line::root_id(post);
    let cause = Cause {
        brand: post.brand,
        side: Some(Side::Broadcast),
        channel: post.channel.name,
        community: post.community.to_string(),
    };
    for number in 0..dice.poisson(6_000_000) {
        let visitor = format!("visitor:bot/{}", dice.below(CRAWLERS));
        let after = dice.draw(LAG);
        let time = time + seconds(&mut dice, after);
        let click = format!("click:{root}/bot{number}");
        let fact = Fact::new("click", &click, time).keyed(&root).text("root", &root).text("target", &root);
        if books.outbox.send(&mut dice, fact.text("visitor", &visitor)) {
            books.tally.of(&cause).clicks += 1;
        }
        let host = brand_named(post.brand).hosts[0];
        let fact = Fact::new("visit", &format!("visit:{root}/bot{number}"), time + 50)
            .keyed(&visitor)
            .text("visitor", &visitor)
            .text("click", &click)
            .text("brand", post.brand)
            .text("landing_url", &format!("https://{host}/"));
        if books.outbox.send(&mut dice, fact) {
            let figures = books.tally.of(&cause);
            figures.visits += 1;
            figures.bot_visits += 1;
        }
    }
}
