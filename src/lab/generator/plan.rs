//! Everything that will happen to one post: its shares, replies, reactions, deletes and samples, each with
//! the moment at which its line reaches the log.
//!
//! A plan is compact: what a line says in full is written when its turn comes (see the module `line`).

use std::borrow::Cow;
use std::sync::Arc;

use super::dice::Dice;
use super::people;
use super::tree::{self, Node, Stage};
use super::world::{
    self, BRANDS, CASCADE, CHANNELS, Channel, Growth, HOUR, Habit, SMALL_CASCADE_SIZE, SMALL_THREAD_SIZE, THREAD, WEEK_START,
};

/// An account on a channel's platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// Deleted: nobody knows who it was.
    Deleted,
    /// That of the brand that the post is about.
    Brand,
    /// Somebody, by number.
    Person(u32),
    /// A program that pretends to be somebody, by number.
    Bot(u32),
}

/// The root post that lines belong to.
#[derive(Debug)]
pub(crate) struct Post {
    pub(crate) number: u64,
    pub(crate) channel: &'static Channel,
    pub(crate) community: Cow<'static, str>,
    pub(crate) author: Account,
    pub(crate) brand: &'static str,
    pub(crate) campaign: Option<&'static str>,
    pub(crate) mentions_brand: bool,
    pub(crate) followers: u64,
    pub(crate) tags: Option<&'static str>,
    /// The experiment that it takes part in, and its arm there.
    pub(crate) trial: Option<(&'static str, &'static str)>,
}

/// What a share or a reply hangs from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Parent {
    /// The root post.
    Root,
    /// A node of the same tree, by number.
    Node(u32),
    /// Something that never reaches the log.
    Missing(u32),
}

/// What a reaction or a delete is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Post,
    Share(u32),
    Reply(u32),
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Post,
    Share { number: u32, parent: Parent, actor: Account, followers: Option<u32>, edge_source: Option<&'static str>, quote: bool },
    Reply { number: u32, parent: Parent, actor: Account, mentions_brand: bool },
    Reaction { number: u32, target: Target, actor: Account },
    Delete { number: u32, target: Target },
    Sample { number: u32, impressions: u64 },
}

/// A line to come.
#[derive(Clone, Debug)]
pub(crate) struct Pending {
    /// When it reaches the log.
    pub(crate) arrival: i64,
    /// When it happens.
    pub(crate) time: i64,
    pub(crate) post: Arc<Post>,
    pub(crate) what: What,
}

/// Plans what follows from a post. No tree gets more than `nodes_max` nodes.
pub(crate) fn plan(dice: &mut Dice, post: Post, stage: Stage, nodes_max: usize) -> Vec<Pending> {
    let post = Arc::new(post);
    let trees = Trees { stage, nodes_max };
    let shares = trees.cascade_nodes(dice, &post);
    let replies = trees.thread_nodes(dice, &post);
    let late = !(shares.is_empty() && replies.is_empty()) && dice.permille(20);
    let mut plan = Plan { dice, post, stage, lines: Vec::with_capacity(shares.len() + replies.len() + 2) };
    let lag = if late { world::LATE_POST } else { world::ARRIVAL };
    plan.add_with_lag(stage.from, What::Post, lag);
    plan.add_shares(&shares);
    plan.add_replies(&replies);
    plan.add_samples();
    plan.add_reactions(&shares, &replies);
    plan.add_copies();
    plan.lines
}

/// Who writes what where.
pub(crate) fn write_post(dice: &mut Dice, number: u64, time: i64) -> Post {
    let channel = dice.pick(&CHANNELS);
    let community = dice.pick(channel.communities);
    // In a brand's own communities they talk about that brand.
    let brand = dice.pick(&BRANDS);
    let brand = BRANDS.into_iter().find(|name| community.contains(name)).unwrap_or(brand);
    let own = brand == BRANDS[0] && dice.permille(channel.own_posts * world::office(brand, time) / 1_000);
    let deleted = if channel.habit == Habit::Broadcast { 5 } else { 40 };
    let author = if own { Account::Brand } else { people::somebody(dice, channel, community, deleted) };
    let campaign = match channel.habit {
        Habit::Broadcast => dice.pick(&world::BROADCAST_CAMPAIGNS),
        Habit::Conversation => dice.pick(&world::CONVERSATION_CAMPAIGNS),
    };
    Post {
        number,
        channel,
        community: Cow::Borrowed(community),
        author,
        brand,
        campaign: own.then_some(campaign),
        mentions_brand: !own && dice.permille(700),
        followers: if own { followers_of_brand(time) } else { people::followers(author) },
        tags: dice.permille(300).then(|| dice.pick(&world::TAGS)),
        trial: None,
    }
}

/// A few more every hour.
pub(crate) fn followers_of_brand(time: i64) -> u64 {
    184_000 + 3 * ((time - WEEK_START) / HOUR).unsigned_abs()
}

/// The room that a post's trees have.
struct Trees {
    stage: Stage,
    nodes_max: usize,
}

impl Trees {
    /// 93 % of the posts are not shared at all.
    fn cascade_nodes(&self, dice: &mut Dice, post: &Post) -> Vec<Node> {
        let broadcast = post.channel.habit == Habit::Broadcast;
        if !dice.permille(if broadcast { 75 } else { 50 }) {
            return Vec::new();
        }
        let wide = broadcast && dice.permille(400);
        let size = dice.draw(if wide { CASCADE.size } else { SMALL_CASCADE_SIZE });
        self.grow(dice, &CASCADE, size)
    }

    fn thread_nodes(&self, dice: &mut Dice, post: &Post) -> Vec<Node> {
        let size = match post.channel.habit {
            Habit::Conversation => dice.draw(THREAD.size),
            Habit::Broadcast if dice.permille(150) => dice.draw(SMALL_THREAD_SIZE),
            Habit::Broadcast => return Vec::new(),
        };
        self.grow(dice, &THREAD, size)
    }

    fn grow(&self, dice: &mut Dice, growth: &Growth, size: u64) -> Vec<Node> {
        let size = usize::try_from(size).unwrap_or(self.nodes_max).min(self.nodes_max);
        tree::grow(dice, growth, size, self.stage)
    }
}

/// A plan under way.
struct Plan<'a> {
    dice: &'a mut Dice,
    post: Arc<Post>,
    stage: Stage,
    lines: Vec<Pending>,
}

impl Plan<'_> {
    fn add(&mut self, time: i64, what: What) {
        self.add_with_lag(time, what, world::ARRIVAL);
    }

    /// What would happen after the last day is left out.
    fn add_with_lag(&mut self, time: i64, what: What, lag: super::dice::Curve) {
        if time < self.stage.until {
            let arrival = time + millis(self.dice.draw(lag));
            self.lines.push(Pending { arrival, time, post: Arc::clone(&self.post), what });
        }
    }

    fn add_shares(&mut self, nodes: &[Node]) {
        for (i, node) in nodes.iter().enumerate() {
            let number = number(i + 1);
            let parent = self.parent(node, number);
            let actor = self.somebody(CASCADE.deleted);
            let followers = self.dice.permille(600).then(|| people::followers(actor)).filter(|&followers| followers > 0);
            let edge_source = self.edge_source(parent);
            let quote = self.dice.permille(120);
            let followers = followers.and_then(|followers| u32::try_from(followers).ok());
            self.add(node.time, What::Share { number, parent, actor, followers, edge_source, quote });
        }
    }

    fn edge_source(&mut self, parent: Parent) -> Option<&'static str> {
        match (parent, self.dice.below(100)) {
            (_, 0..10) => None,
            (Parent::Root, 10..15) => Some("root_fallback"),
            (Parent::Root, _) | (_, 10..55) => Some("declared"),
            (_, 55..85) => Some("via"),
            _ => Some("inferred"),
        }
    }

    /// Who answers: often the one who was answered before, sometimes the post's author or the brand.
    fn add_replies(&mut self, nodes: &[Node]) {
        let mut actors = vec![self.post.author];
        let mut to_brand = vec![self.post.mentions_brand];
        for (i, node) in nodes.iter().enumerate() {
            let number = number(i + 1);
            let parent = self.parent(node, number);
            let answered = actors[node.parent];
            let before = node.parent.checked_sub(1).map(|index| actors[nodes[index].parent]);
            let actor = self.answerer(node.time, answered, before, to_brand[node.parent]);
            let mentions_brand =
                actor != Account::Brand && self.dice.permille(if self.post.author == Account::Brand { 150 } else { 60 });
            actors.push(actor);
            to_brand.push(mentions_brand);
            self.add(node.time, What::Reply { number, parent, actor, mentions_brand });
        }
    }

    fn answerer(&mut self, time: i64, answered: Account, before: Option<Account>, asked_brand: bool) -> Account {
        let after_brand = before == Some(Account::Brand);
        let often = if asked_brand || after_brand { 280 } else { 30 };
        let brand_answers = self.dice.permille(often * world::office(self.post.brand, time) / 1_000);
        if brand_answers && answered != Account::Brand {
            return Account::Brand;
        }
        match (before, self.dice.below(100)) {
            (Some(Account::Person(person)), 0..44) => Account::Person(person),
            (Some(_), 44..50) if self.post.author != answered => self.post.author,
            _ => self.somebody(THREAD.deleted),
        }
    }

    /// One parent in a hundred never reaches the log.
    fn parent(&mut self, node: &Node, child: u32) -> Parent {
        match node.parent {
            0 => Parent::Root,
            _ if self.dice.permille(10) => Parent::Missing(child),
            parent => Parent::Node(number(parent)),
        }
    }

    /// The platform tells after an hour, six and a day how often the brand's own post was seen.
    fn add_samples(&mut self) {
        if self.post.author == Account::Brand {
            let first = 500 + self.dice.below(20_000);
            for (number, hours, times) in [(1, 1, 1), (2, 6, 3), (3, 24, 5)] {
                let impressions = first * times + self.dice.below(100);
                self.add(self.stage.from + hours * HOUR, What::Sample { number, impressions });
            }
        }
    }

    /// Likes for the post and for one node in twelve; one node in two hundred is deleted.
    fn add_reactions(&mut self, shares: &[Node], replies: &[Node]) {
        let time = self.stage.from;
        let mut count = 0;
        for _ in 0..self.dice.below(4) {
            count += 1;
            self.react(time, count, Target::Post);
        }
        let shares = shares.iter().enumerate().map(|(i, node)| (node.time, Target::Share(number(i + 1))));
        let replies = replies.iter().enumerate().map(|(i, node)| (node.time, Target::Reply(number(i + 1))));
        for (node_time, target) in shares.chain(replies) {
            count += 1;
            match self.dice.below(1_000) {
                0..83 => self.react(node_time, count, target),
                83..88 => {
                    let time = node_time + millis(1_000 + self.dice.below(40_000_000));
                    self.add(time, What::Delete { number: count, target });
                }
                _ => {}
            }
        }
        if self.dice.permille(5) {
            let time = time + millis(60_000 + self.dice.below(80_000_000));
            self.add(time, What::Delete { number: count + 1, target: Target::Post });
        }
    }

    fn react(&mut self, after: i64, number: u32, target: Target) {
        let time = after + millis(5_000 + self.dice.below(6_000) * self.dice.below(6_000));
        let actor = self.somebody(5);
        self.add(time, What::Reaction { number, target, actor });
    }

    fn somebody(&mut self, deleted: u64) -> Account {
        people::somebody(self.dice, self.post.channel, &self.post.community, deleted)
    }

    /// One line in a hundred is sent twice.
    fn add_copies(&mut self) {
        for i in 0..self.lines.len() {
            if self.dice.permille(10) {
                let mut copy = self.lines[i].clone();
                copy.arrival += millis(200 + self.dice.below(3_000_000));
                self.lines.push(copy);
            }
        }
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).unwrap_or(u32::MAX)
}

fn millis(duration: u64) -> i64 {
    i64::try_from(duration).unwrap_or(i64::MAX)
}
