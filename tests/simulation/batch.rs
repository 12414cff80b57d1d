//! What the tables must say, the slow and obvious way: whole logs, sets, and every tree built anew from its events.
//!
//! Shares nothing with the engine but `event::parse`, which turns bytes into events, and the rules' numbers. It knows the
//! columns of [`Figures`]; that all the others are right too, one straight pass through the engine says.
#![expect(clippy::wildcard_enum_match_arm, reason = "each computation is about one or two kinds of events")]

use std::collections::{BTreeMap, BTreeSet};

use crate::figures::{
    ClickFigures, FactFigures, Figures, LifeKey, ProgressFigures, RejectFigures, RootFigures, TreeFigures, WindowFigures,
};
use crate::log::Log;
use grapevine::engine::{Rules, actor_pseudonym};
use grapevine::event::{self, Body, Event, EventType};
use grapevine::record::{Millis, Offset};
use grapevine::row::{CustomerQuarter, TargetKind, TopNode};

/// The tables, and how many lives ended before the log did.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) rows: BTreeMap<String, Figures>,
    pub(crate) evicted_by_age: u64,
    pub(crate) evicted_by_budget: u64,
}

/// One root from its first event until it is evicted.
struct Life<'a> {
    root: String,
    opened: Offset,
    touched: Offset,
    /// How many records had been read then: all have stamps.
    touched_read: usize,
    /// Accepted events, in the order of the log.
    events: Vec<Event<'a>>,
}

/// Adds what one partition must have given.
pub(crate) fn add(expected: &mut Expected, rules: &Rules, source: &str, log: &Log) {
    let mut lives = pass(expected, rules, source, log, Offset::MAX);
    end(expected, rules, source, &mut lives, |_| true);
}

/// What is known when the records below an offset are read.
pub(crate) struct Known {
    /// The lives: source, root and where each was opened, as the keys of their rows say it.
    pub(crate) lives: BTreeSet<String>,
    /// By their keys, what clicks say that are written again then: one for each of their copies.
    pub(crate) clicks: BTreeMap<String, Vec<ClickFigures>>,
}

/// What one partition has given below an offset.
pub(crate) fn known_at(rules: &Rules, source: &str, log: &Log, next: Offset) -> Known {
    let lives = pass(&mut Expected::default(), rules, source, log, next);
    let mut known = Known { lives: BTreeSet::new(), clicks: BTreeMap::new() };
    for entry in log.entries.iter().take_while(|entry| entry.offset < next) {
        let record = entry.record();
        let Ok(event) = event::parse(&record) else { continue };
        let (Body::Click(_), Some(root)) = (&event.body, event.root()) else { continue };
        let none = Life { root: root.to_owned(), opened: Offset::MAX, touched: 0, touched_read: 0, events: Vec::new() };
        let life = lives.iter().find(|life| life.root == root).unwrap_or(&none);
        let mut figures = click_figures(life, &event, entry.offset);
        // What is not in the tree now was not then: its way ended at the post, as that of a click on the post.
        let is_exact = life.opened <= entry.offset && post(life).is_some() && figures.depth == 0;
        if !is_exact {
            (figures.target_inferred, figures.path_inferred) = (true, figures.depth.max(1));
        }
        known.clicks.entry(format!("click {source} {}", event.id)).or_default().push(figures);
    }
    known.lives = lives.iter().map(|Life { root, opened, .. }| format!("{source} {root} {opened}")).collect();
    known
}

/// Reads the records below an offset; gives the lives that are left.
fn pass<'a>(expected: &mut Expected, rules: &Rules, source: &str, log: &'a Log, next: Offset) -> Vec<Life<'a>> {
    let mut lives: Vec<Life<'a>> = Vec::new();
    let mut progress = ProgressFigures { first: log.first, version: log.end, ..ProgressFigures::default() };
    let (mut clock, mut greatest) = (Clock::default(), None);
    for entry in log.entries.iter().take_while(|entry| entry.offset < next) {
        let record = entry.record();
        progress.read += 1;
        let time = entry.timestamp;
        clock.read(time, rules);
        expected.evicted_by_age +=
            end(expected, rules, source, &mut lives, |life| clock.age(life.touched_read, rules) > rules.root_retention);
        match event::parse(&record) {
            Err(reject) => {
                progress.rejected += 1;
                let figures = RejectFigures {
                    reason: reject.reason.as_str().to_owned(),
                    payload: entry.payload.clone().unwrap_or_default(),
                };
                expected.rows.insert(format!("rejects {source} {}", entry.offset), Figures::Reject(figures));
            }
            Ok(event) => match take(&mut lives, event.clone(), entry.offset, clock.stamps.len()) {
                Taken::New(event_time) => {
                    progress.accepted += 1;
                    *progress.accepted_by_type.entry(event.event_type().as_str().to_owned()).or_default() += 1;
                    add_fact(expected, source, &event, (&lives, entry.offset));
                    if event_time <= time + rules.future_bound {
                        greatest = greatest.max(Some(event_time));
                    }
                }
                Taken::Copy { conflicts } => {
                    progress.duplicates += 1;
                    progress.conflicting_copies += u64::from(conflicts);
                }
            },
        }
        while lives.iter().map(|life| entries(life, rules)).sum::<u64>() > rules.budget {
            let least = lives.iter().map(|life| life.touched).min().expect("something fills the budget");
            expected.evicted_by_budget += end(expected, rules, source, &mut lives, |life| life.touched == least);
        }
    }
    progress.watermark = greatest.map_or(0, |time| time - rules.watermark_lag).max(0);
    expected.rows.insert(format!("progress {source}"), Figures::Progress(progress));
    lives
}

/// The log's clock, by its definition.
#[derive(Default)]
struct Clock {
    stamps: Vec<Millis>,
    /// What it showed after each record, once it showed anything.
    shown: Vec<Option<Millis>>,
}

impl Clock {
    fn read(&mut self, stamp: Millis, rules: &Rules) {
        self.stamps.push(stamp);
        self.stamps.sort_unstable_by_key(|stamp| std::cmp::Reverse(*stamp));
        let begun = self.stamps.len() + 1 >= 2 * rules.clock_witnesses;
        let shows = begun.then(|| self.stamps[rules.clock_witnesses - 1]).map(|stamp| stamp - stamp % 3_600_000);
        self.shown.push(shows.max(self.shown.last().copied().flatten()));
    }

    /// The time since the clock had caught up with the record that touched it: that one and those behind it are enough.
    fn age(&self, touched_read: usize, rules: &Rules) -> Millis {
        let caught_up = self.shown.iter().skip(touched_read - 1 + rules.clock_witnesses - 1).flatten().next();
        caught_up.zip(self.shown.last().copied().flatten()).map_or(0, |(then, now)| now - then)
    }
}

/// A fact stands as its first copy; a click says how the tree was when it was read.
fn add_fact(expected: &mut Expected, source: &str, event: &Event<'_>, (lives, offset): (&[Life<'_>], Offset)) {
    let says = match &event.body {
        Body::Click(_) => String::new(),
        Body::Visit(visit) => format!("{} {}", visit.click, visit.utm.medium),
        Body::Conversion(conversion) => format!("{} {}", conversion.amount, conversion.currency),
        Body::Cost(cost) => format!("{:?} {:?}", cost.amount, cost.seconds),
        Body::Assign(assignment) => format!("{} {}", assignment.arm, assignment.unit_type),
        Body::Report(report) => format!("{} {}", report.metric, report.value),
        _ => return,
    };
    let table = if event.event_type() == EventType::Assign { "assignment" } else { event.event_type().as_str() };
    let figures = match lives.iter().find(|life| event.root() == Some(&*life.root)) {
        Some(life) => Figures::Click(click_figures(life, event, offset)),
        None => Figures::Fact(FactFigures { first: offset, time: event.time, says }),
    };
    expected.rows.entry(format!("{table} {source} {}", event.id)).or_insert(figures);
}

fn click_figures(life: &Life<'_>, event: &Event<'_>, offset: Offset) -> ClickFigures {
    let Body::Click(click) = &event.body else { unreachable!("only clicks are facts with a root") };
    let post = post(life);
    let author = post.and_then(|(_, post)| post.actor.as_deref());
    let by_brand = post.is_some_and(|(_, post)| post.is_brand);
    let target = click.target.clone().unwrap_or_else(|| life.root.clone());
    let mut figures = ClickFigures {
        first: offset,
        time: event.time,
        target_kind: if target == life.root { TargetKind::Post } else { TargetKind::Unknown },
        target_time: post.filter(|_| target == life.root).map(|(time, _)| time),
        target_inferred: target != life.root,
        target,
        depth: 0,
        path_inferred: 0,
        known: usize::from(author.is_some()),
        by_brand: vec![by_brand],
        brand: post.map(|(_, post)| post.brand.to_string()).unwrap_or_default(),
    };
    for (kind, target_kind) in [(EventType::Reply, TargetKind::Reply), (EventType::Share, TargetKind::Share)] {
        let tree = tree(life, kind);
        let at = tree.nodes.iter().position(|node| node.id == figures.target).filter(|_| figures.target != life.root);
        let Some(at) = at else { continue };
        let way = way_up(&tree.up, at);
        let guessed = way.iter().filter(|at| !tree.declared[**at]).count();
        let people = way.iter().take(31).filter_map(|at| tree.nodes[*at].actor).count();
        figures.target_kind = target_kind;
        figures.target_time = Some(tree.nodes[at].time);
        figures.target_inferred = !tree.declared[at];
        figures.depth = u32::try_from(way.len()).expect("small trees");
        figures.path_inferred = u32::try_from(guessed).expect("small trees");
        figures.known = people + usize::from(author.is_some());
        figures.by_brand = way.iter().take(31).map(|at| tree.nodes[*at].by_brand).chain([by_brand]).collect();
        figures.by_brand.reverse();
    }
    figures
}

/// Ends the lives for which it is time; says how many.
fn end(expected: &mut Expected, rules: &Rules, source: &str, lives: &mut Vec<Life<'_>>, over: impl Fn(&Life<'_>) -> bool) -> u64 {
    let before = lives.len();
    for life in lives.iter().filter(|life| over(life)) {
        rows_of(life, rules, source, &mut expected.rows);
    }
    lives.retain(|life| !over(life));
    (before - lives.len()) as u64
}

enum Taken {
    New(Millis),
    Copy { conflicts: bool },
}

fn take<'a>(lives: &mut Vec<Life<'a>>, event: Event<'a>, offset: Offset, read: usize) -> Taken {
    let time = event.time;
    let Some(root) = event.root().map(str::to_owned) else { return Taken::New(time) };
    let at = lives.iter().position(|life| life.root == root).unwrap_or_else(|| {
        lives.push(Life { root, opened: offset, touched: offset, touched_read: read, events: Vec::new() });
        lives.len() - 1
    });
    let life = &mut lives[at];
    (life.touched, life.touched_read) = (offset, read);
    let kind = event.event_type();
    let copy_of = life.events.iter().find(|known| known.event_type() == kind && known.id == event.id);
    if let Some(first) = copy_of {
        return Taken::Copy { conflicts: conflict(first, &event) };
    }
    life.events.push(event);
    Taken::New(time)
}

/// Only posts and nodes are compared, by time, person and parent.
fn conflict(first: &Event<'_>, copy: &Event<'_>) -> bool {
    match (&first.body, &copy.body) {
        (Body::Post(one), Body::Post(other)) => first.time != copy.time || one.actor != other.actor,
        (Body::Share(one), Body::Share(other)) => {
            first.time != copy.time || (&one.actor, &one.parent) != (&other.actor, &other.parent)
        }
        (Body::Reply(one), Body::Reply(other)) => {
            first.time != copy.time || (&one.actor, &one.parent) != (&other.actor, &other.parent)
        }
        _ => false,
    }
}

/// What a life costs against the budget, as docs of `rules.budget_entries` count it: 8, one for each 64 bytes of text,
/// one for each node and one more while it hangs from the root without naming it, one for everybody who replied as the brand,
/// one for each other fact, two for each window of such.
fn entries(life: &Life<'_>, rules: &Rules) -> u64 {
    let (cascade, thread) = (tree(life, EventType::Share), tree(life, EventType::Reply));
    let others: Vec<&Event<'_>> = life.events.iter().filter(|event| is_other(event)).collect();
    let windows: BTreeSet<Millis> = others.iter().map(|event| event.time.div_euclid(rules.window)).collect();
    let gauges: BTreeSet<(Millis, &str)> = others.iter().filter_map(|event| gauge(event, rules)).collect();
    let gauge_text: usize = gauges.iter().map(|(_, metric)| metric.len() / 64).sum();
    let mut text = life.root.len();
    if let Some((_, post)) = post(life) {
        let dimensions =
            [&post.brand, &post.campaign, &post.channel, &post.platform, &post.community, &post.experiment, &post.arm];
        text += 4 * 64 + post.url.len() + dimensions.map(|name| name.len()).iter().sum::<usize>();
        text += post.tags.iter().map(|tag| tag.len() + 32).sum::<usize>();
    }
    let facts = others.len() + 2 * windows.len() + gauges.len() + gauge_text;
    let nodes = cascade.nodes.len() + thread.nodes.len();
    let to_quotes = thread.quotes.iter().flatten().count();
    let people = brand_repliers(life).len();
    (8 + text / 64 + nodes + to_quotes + people + facts) as u64 + cascade.inferred + thread.inferred
}

/// Known people who replied as the brand.
fn brand_repliers<'l>(life: &'l Life<'_>) -> BTreeSet<&'l str> {
    let authors = life.events.iter().filter_map(|event| match &event.body {
        Body::Reply(reply) if reply.is_brand => reply.actor.as_deref(),
        _ => None,
    });
    authors.collect()
}

/// Known people who wrote the post or a reply as the brand.
fn brand_people<'l>(life: &'l Life<'_>) -> BTreeSet<&'l str> {
    let mut people = brand_repliers(life);
    people.extend(post(life).filter(|(_, post)| post.is_brand).and_then(|(_, post)| post.actor.as_deref()));
    people
}

fn is_other(event: &Event<'_>) -> bool {
    matches!(event.event_type(), EventType::Reaction | EventType::Delete | EventType::Sample | EventType::Click)
}

fn gauge<'e>(event: &'e Event<'_>, rules: &Rules) -> Option<(Millis, &'e str)> {
    match &event.body {
        Body::Sample { metric, .. } => Some((event.time.div_euclid(rules.window), metric)),
        _ => None,
    }
}

fn post<'l>(life: &'l Life<'_>) -> Option<(Millis, &'l event::Post<'l>)> {
    life.events.iter().find_map(|event| match &event.body {
        Body::Post(post) => Some((event.time, &**post)),
        _ => None,
    })
}

/// One share or reply.
struct Node<'l> {
    id: &'l str,
    parent: &'l str,
    actor: Option<&'l str>,
    time: Millis,
    followers: Option<u32>,
    by_brand: bool,
    mentions_brand: bool,
}

/// A tree, with every link settled: where each node hangs, `None` being the root.
struct Tree<'l> {
    nodes: Vec<Node<'l>>,
    up: Vec<Option<usize>>,
    inferred: u64,
    cycles_cut: u32,
    self_edges: u32,
    /// Whether the edge above a node is the one it declared, or it is known to answer a quote.
    declared: Vec<bool>,
    /// The quote that a reply answers, where it answers one.
    quotes: Vec<Option<&'l event::Share<'l>>>,
}

fn nodes<'l>(life: &'l Life<'_>, kind: EventType) -> Vec<Node<'l>> {
    let nodes = life.events.iter().filter(|event| event.event_type() == kind).map(|event| {
        let (actor, parent, followers, by_brand, mentions_brand) = match &event.body {
            Body::Share(share) => (share.actor.as_deref(), &*share.parent, share.followers, false, false),
            Body::Reply(reply) => (reply.actor.as_deref(), &*reply.parent, None, reply.is_brand, reply.mentions_brand),
            _ => unreachable!("only shares and replies are nodes"),
        };
        Node { id: &event.id, parent, actor, time: event.time, followers, by_brand, mentions_brand }
    });
    nodes.collect()
}

/// Takes the links in the order in which they were declared; one that would close a cycle is cut. A reply whose parent is no
/// reply but a quote answers that.
fn tree<'l>(life: &'l Life<'_>, kind: EventType) -> Tree<'l> {
    let nodes = nodes(life, kind);
    let mut up: Vec<Option<usize>> = vec![None; nodes.len()];
    let mut declared = vec![false; nodes.len()];
    let mut quotes = vec![None; nodes.len()];
    let (mut cycles_cut, mut self_edges) = (0, 0);
    for (at, node) in nodes.iter().enumerate() {
        if node.parent == life.root {
            declared[at] = true;
        } else if node.parent == node.id {
            self_edges += 1;
        } else if let Some(parent) = nodes.iter().position(|other| other.id == node.parent) {
            if way_up(&up, parent).contains(&at) {
                cycles_cut += 1;
            } else {
                (up[at], declared[at]) = (Some(parent), true);
            }
        } else if kind == EventType::Reply {
            quotes[at] = quote(life, node.parent);
            declared[at] = quotes[at].is_some();
        }
    }
    let inferred = declared.iter().filter(|declared| !**declared).count() as u64;
    Tree { nodes, up, inferred, cycles_cut, self_edges, declared, quotes }
}

/// The quote with an id, if there is one.
fn quote<'l>(life: &'l Life<'_>, id: &str) -> Option<&'l event::Share<'l>> {
    life.events.iter().find_map(|event| match &event.body {
        Body::Share(share) if share.is_quote && event.id == id => Some(share),
        _ => None,
    })
}

/// A node and all above it but the root.
fn way_up(up: &[Option<usize>], from: usize) -> Vec<usize> {
    std::iter::successors(Some(from), |&at| up[at]).collect()
}

fn figures(life: &Life<'_>, tree: &Tree<'_>, kind: EventType, rules: &Rules) -> TreeFigures {
    let Tree { nodes, up, inferred, cycles_cut, self_edges, .. } = tree;
    let depths: Vec<usize> = (0..nodes.len()).map(|at| way_up(up, at).len()).collect();
    let max_depth = depths.iter().copied().max().unwrap_or(0);
    let levels =
        (0..=max_depth).map(|depth| if depth == 0 { 1 } else { depths.iter().filter(|at| **at == depth).count() as u64 });
    let below = |at: usize| (0..nodes.len()).filter(|&other| way_up(up, other).contains(&at)).count() as u128;
    let post = post(life);
    let people = nodes.iter().map(|node| node.actor).chain(post.map(|(_, post)| post.actor.as_deref()));
    let times: Vec<Millis> = nodes.iter().map(|node| node.time).chain(post.map(|(time, _)| time)).collect();
    TreeFigures {
        life: LifeKey::default(),
        size: nodes.len() as u64 + 1,
        max_depth: u32::try_from(max_depth).expect("small trees"),
        levels: levels.collect(),
        s1: depths.iter().sum::<usize>() as u64,
        s2: (0..nodes.len()).map(|at| below(at) * below(at)).sum(),
        inferred: *inferred,
        cycles_cut: *cycles_cut,
        self_edges: *self_edges,
        unique_actors: people.clone().flatten().collect::<BTreeSet<_>>().len() as u64,
        deleted_actors: people.filter(Option::is_none).count() as u64,
        deletes: life.events.iter().filter(|event| event.event_type() == EventType::Delete).count() as u64,
        first_time: times.iter().copied().min().unwrap_or_default(),
        last_time: times.iter().copied().max().unwrap_or_default(),
        own: if kind == EventType::Share { spread(tree) } else { dialogue(life, tree) },
        spread: if kind == EventType::Share { top_nodes(life, tree, rules) } else { (0, Vec::new()) },
        customers: if kind == EventType::Share { Vec::new() } else { customers(life, tree) },
    }
}

/// The nodes below which others hang: how many there are, and the 32 with most, the earlier of equals.
fn top_nodes(life: &Life<'_>, tree: &Tree<'_>, rules: &Rules) -> (u64, Vec<TopNode>) {
    let brand = brand_people(life);
    let number = |count: usize| u32::try_from(count).expect("small trees");
    let all = (0..tree.nodes.len()).map(|at| {
        let below = (0..tree.nodes.len()).filter(|&other| other != at && way_up(&tree.up, other).contains(&at)).count() as u64;
        let children = number(tree.up.iter().filter(|up| **up == Some(at)).count());
        let author = tree.nodes[at].actor;
        let hash = author.map_or(0, |author| actor_pseudonym(&rules.pseudonym_key, author));
        let is_brand = author.is_some_and(|author| brand.contains(author));
        (tree.nodes[at].time, (hash, children, below, number(way_up(&tree.up, at).len()), is_brand))
    });
    let mut all: Vec<(Millis, TopNode)> = all.filter(|(_, node)| node.2 > 0).collect();
    all.sort_by_key(|&(time, node)| (std::cmp::Reverse(node.2), time));
    let mut top: Vec<TopNode> = all.iter().take(32).map(|&(_, node)| node).collect();
    top.sort_unstable();
    (all.len() as u64, top)
}

/// Shares by people who had shared before; and the audience of everybody's first share.
fn spread(tree: &Tree<'_>) -> [u64; 2] {
    let mut first: BTreeMap<&str, (Millis, std::cmp::Reverse<Option<u32>>)> = BTreeMap::new();
    let mut known = 0;
    for node in &tree.nodes {
        let Some(actor) = node.actor else { continue };
        known += 1;
        let share = (node.time, std::cmp::Reverse(node.followers));
        first.entry(actor).and_modify(|least| *least = share.min(*least)).or_insert(share);
    }
    [known - first.len() as u64, first.values().map(|(_, followers)| u64::from(followers.0.unwrap_or(0))).sum()]
}

/// Pairs of people who answered each other; and the h-index in its prefix form.
fn dialogue(life: &Life<'_>, tree: &Tree<'_>) -> [u64; 2] {
    let author = post(life).and_then(|(_, post)| post.actor.as_deref());
    let above = |at: usize| match (tree.quotes[at], tree.up[at]) {
        (Some(quote), _) => quote.actor.as_deref(),
        (None, Some(parent)) => tree.nodes[parent].actor,
        (None, None) => author,
    };
    let declared = (0..tree.nodes.len()).filter(|&at| tree.declared[at]);
    let answers: BTreeSet<(&str, &str)> = declared.filter_map(|at| Some((tree.nodes[at].actor?, above(at)?))).collect();
    let mutual = answers.iter().filter(|(one, other)| one < other && answers.contains(&(*other, *one))).count();
    let at_depth = |depth: usize| (0..tree.nodes.len()).filter(|&at| way_up(&tree.up, at).len() == depth).count();
    let h_index = (1..).take_while(|&depth| at_depth(depth) >= depth).count();
    [mutual as u64, h_index as u64]
}

/// Messages to the brand by their quarter of an hour, and how many of them it answered within a quarter, an hour and a day.
fn customers(life: &Life<'_>, tree: &Tree<'_>) -> Vec<CustomerQuarter> {
    const MINUTE: Millis = 60_000;
    let (brand, nodes) = (brand_people(life), &tree.nodes);
    let mut messages: Vec<(Millis, Option<usize>)> = Vec::new();
    if let Some((time, post)) = post(life)
        && post.mentions_brand
        && !post.is_brand
        && post.actor.is_some()
    {
        messages.push((time, None));
    }
    for (at, node) in nodes.iter().enumerate() {
        let answered = match (tree.quotes[at], tree.up[at]) {
            _ if !tree.declared[at] => None,
            (Some(quote), _) => quote.actor.as_deref().filter(|to| brand.contains(to)),
            (None, Some(parent)) => nodes[parent].actor.filter(|_| nodes[parent].by_brand),
            (None, None) => post(life).filter(|(_, post)| post.is_brand).and_then(|(_, post)| post.actor.as_deref()),
        };
        let answers = answered.is_some_and(|to| node.actor.is_some_and(|by| by != to));
        if node.actor.is_some() && !node.by_brand && (node.mentions_brand || answers) {
            messages.push((node.time, Some(at)));
        }
    }
    let mut quarters: BTreeMap<Millis, [u32; 4]> = BTreeMap::new();
    for (time, message) in messages {
        let below = (0..nodes.len()).filter(|&at| tree.declared[at] && tree.quotes[at].is_none() && tree.up[at] == message);
        let wait = below.filter(|&at| nodes[at].by_brand).map(|at| nodes[at].time - time).min();
        let within = |minutes: i64| u32::from(wait.is_some_and(|wait| wait <= minutes * MINUTE));
        let counts = quarters.entry(time.div_euclid(15 * MINUTE)).or_default();
        counts.iter_mut().zip([1, within(15), within(60), within(24 * 60)]).for_each(|(count, more)| *count += more);
    }
    let start = |quarter: Millis| u32::try_from(quarter * 900).expect("within the range of times");
    quarters.into_iter().map(|(quarter, [all, soon, hour, day])| (start(quarter), all, soon, hour, day)).collect()
}

fn rows_of(life: &Life<'_>, rules: &Rules, source: &str, rows: &mut BTreeMap<String, Figures>) {
    let key = LifeKey { source: source.to_owned(), root: life.root.clone(), opened: life.opened };
    if let Some((time, post)) = post(life) {
        let figures = RootFigures {
            time,
            is_brand: post.is_brand,
            to_brand: post.mentions_brand && !post.is_brand && post.actor.is_some(),
            brand: post.brand.to_string(),
            channel: post.channel.to_string(),
            tags: post.tags.iter().map(ToString::to_string).collect(),
            url: post.url.to_string(),
        };
        rows.insert(format!("root {source} {} {}", life.root, life.opened), Figures::Root(figures));
    }
    for kind in [EventType::Share, EventType::Reply] {
        let tree = tree(life, kind);
        if !tree.nodes.is_empty() {
            let table = if kind == EventType::Share { "cascade" } else { "thread" };
            let figures = TreeFigures { life: key.clone(), ..figures(life, &tree, kind, rules) };
            rows.insert(format!("{table} {source} {} {}", life.root, life.opened), Figures::Tree(figures));
        }
    }
    let starts: BTreeSet<Millis> = life.events.iter().map(|event| event.time.div_euclid(rules.window)).collect();
    for window in starts {
        let start = window * rules.window / 1000;
        let here: Vec<&Event<'_>> = life.events.iter().filter(|event| event.time.div_euclid(rules.window) == window).collect();
        let figures = WindowFigures { life: key.clone(), ..window_figures(&here) };
        rows.insert(format!("activity_window {source} {} {} {start}", life.root, life.opened), Figures::Window(figures));
    }
}

fn window_figures(here: &[&Event<'_>]) -> WindowFigures {
    let count = |kind: EventType| u32::try_from(here.iter().filter(|event| event.event_type() == kind).count()).expect("few");
    let people = |kind: EventType| {
        let actors = here.iter().filter(|event| event.event_type() == kind).filter_map(|event| match &event.body {
            Body::Share(share) => share.actor.as_deref(),
            Body::Reply(reply) => reply.actor.as_deref(),
            _ => None,
        });
        actors.collect::<BTreeSet<_>>().len()
    };
    WindowFigures {
        posts: count(EventType::Post),
        shares: count(EventType::Share),
        replies: count(EventType::Reply),
        reactions: count(EventType::Reaction),
        deletes: count(EventType::Delete),
        clicks: count(EventType::Click),
        sharers: people(EventType::Share),
        repliers: people(EventType::Reply),
        samples: samples(here),
        ..WindowFigures::default()
    }
}

/// The last value of each gauge by time; of equal times, the greatest.
fn samples(here: &[&Event<'_>]) -> Vec<(String, f64)> {
    let mut last: BTreeMap<&str, (Millis, f64)> = BTreeMap::new();
    for event in here {
        if let Body::Sample { metric, value, .. } = &event.body {
            let known = last.entry(metric).or_insert((event.time, *value));
            if (event.time, *value) > *known {
                *known = (event.time, *value);
            }
        }
    }
    last.into_iter().map(|(metric, (_, value))| (metric.to_owned(), value)).collect()
}
