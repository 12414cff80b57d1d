//! What comes out, against what was promised: bytes, counts, and the distributions of the real data.
//!
//! The targets are quantiles of 527 repost cascades and 3,431 threads; the bands are wide, because a model with
//! a dozen parameters resembles reality, no more.

mod believable;

use std::collections::{HashMap, HashSet};
use std::hash::Hasher;

use serde_json::Value;
use siphasher::sip::SipHasher13;

use super::*;

const DAY_MS: i64 = 24 * world::HOUR;

fn lines(seed: u64, events: usize) -> Vec<Line> {
    Generator::new(seed, events).collect()
}

fn event(line: &Line) -> Value {
    serde_json::from_slice(&line.json).unwrap()
}

fn text<'a>(event: &'a Value, field: &str) -> &'a str {
    event[field].as_str().unwrap_or_default()
}

#[test]
fn a_seed_and_a_number_give_the_same_bytes_for_ever() {
    let mut hasher = SipHasher13::new();
    for line in lines(1, 20_000) {
        hasher.write(&line.json);
        hasher.write(line.key.as_bytes());
        hasher.write(&line.time.to_le_bytes());
    }
    assert_eq!(
        hasher.finish(),
        5_389_353_992_889_865_256,
        "generated files changed: whoever compares runs by seed cannot any more"
    );
    assert_ne!(lines(1, 100), lines(2, 100));
}

#[test]
fn there_are_exactly_as_many_lines_as_asked() {
    for events in [0, 1, 2, 19, 300, 7_001] {
        assert_eq!(lines(4, events).len(), events);
    }
}

#[test]
fn lines_come_in_the_order_of_arrival_within_the_week() {
    let lines = lines(1, 50_000);
    assert!(lines.is_sorted_by_key(|line| line.time));
    for line in &lines {
        let time = event(line)["time"].as_i64().unwrap();
        assert!((world::WEEK_START..world::WEEK_END).contains(&time));
        assert!(time <= line.time);
    }
}

#[test]
fn every_line_has_the_fields_that_its_type_needs_and_its_root_as_key() {
    for line in lines(1, 50_000) {
        let event = event(&line);
        let needs: &[&str] = match text(&event, "type") {
            "post" => &["actor", "brand", "channel", "platform", "community"],
            "share" | "reply" => &["actor", "root", "parent"],
            "reaction" => &["actor", "root", "target"],
            "delete" => &["root", "target"],
            "sample" => &["root", "metric", "value"],
            other => panic!("a line of type {other:?}"),
        };
        assert!(needs.iter().all(|field| event.get(field).is_some()), "{event}");
        assert_eq!(event.get("root").unwrap_or(&event["id"]).as_str().unwrap(), line.key);
    }
}

#[test]
fn every_day_has_posts_and_nights_are_quiet() {
    let mut days = [0_u32; 7];
    let mut hours = [0_u32; 24];
    for line in lines(1, 200_000) {
        let age = event(&line)["time"].as_i64().unwrap() - world::WEEK_START;
        days[usize::try_from(age / DAY_MS).unwrap()] += 1;
        hours[usize::try_from(age / world::HOUR % 24).unwrap()] += 1;
    }
    assert!(days.iter().all(|&count| count > 200_000 / 7 / 3), "{days:?}");
    assert!(hours[4] * 2 < hours[19], "{hours:?}");
}

#[test]
fn the_log_is_as_dirty_as_real_ones() {
    let (mut seen, mut shared) = (HashSet::new(), HashSet::new());
    let (mut copies, mut missing, mut deleted_actors, mut overtaken, mut swapped) = (0, 0, 0, 0, 0);
    let mut greatest = 0;
    let lines = lines(1, 100_000);
    for line in &lines {
        let event = event(line);
        let id = text(&event, "id");
        copies += u32::from(!seen.insert((text(&event, "type").to_owned(), id.to_owned())));
        missing += u32::from(text(&event, "parent").contains("gone"));
        deleted_actors += u32::from(event.get("actor").is_some_and(Value::is_null));
        if text(&event, "type") == "share" {
            shared.insert(line.key.clone());
        }
        overtaken += u32::from(text(&event, "type") == "post" && shared.contains(id));
        let time = event["time"].as_i64().unwrap();
        swapped += u32::from(time + 300_000 < greatest);
        greatest = greatest.max(time);
    }
    assert!((500..1_500).contains(&copies), "{copies} copies");
    assert!((100..1_000).contains(&missing), "{missing} parents that never come");
    assert!((2_000..6_000).contains(&deleted_actors), "{deleted_actors} deleted actors");
    assert!((1..200).contains(&overtaken), "{overtaken} posts after their first share");
    assert!((500..5_000).contains(&swapped), "{swapped} lines more than five minutes late");
}

#[test]
fn the_lines_to_come_are_a_small_part_of_all() {
    let mut generator = Generator::new(1, 300_000);
    let mut most = 0;
    while generator.next().is_some() {
        most = most.max(generator.pending.len());
    }
    assert!(most < 300_000 / 5, "{most} lines were held at once");
}

/// A tree as read back from the lines: its nodes' parents (0 is the root) and ages in seconds, by time.
struct Read {
    parents: Vec<usize>,
    ages: Vec<i64>,
}

impl Read {
    fn size(&self) -> usize {
        self.parents.len() + 1
    }

    fn depths(&self) -> Vec<usize> {
        let mut depths = vec![0];
        for &parent in &self.parents {
            depths.push(depths[parent] + 1);
        }
        depths
    }

    fn virality(&self) -> f64 {
        let mut below = vec![1_u32; self.size()];
        for number in (1..self.size()).rev() {
            below[self.parents[number - 1]] += below[number];
        }
        let n = f64::from(u32::try_from(self.size()).unwrap());
        let s1: usize = self.depths().iter().sum();
        let s2: f64 = below[1..].iter().map(|&nodes| f64::from(nodes).powi(2)).sum();
        2.0 * (n * f64::from(u32::try_from(s1).unwrap()) - s2) / (n * (n - 1.0))
    }
}

/// A node as its line tells it: time, id, parent.
type Told = (i64, String, String);

/// The trees of one type of node below posts of Monday to Wednesday on such platforms.
fn trees(lines: &[Line], kind: &str, platforms: &[&str]) -> Vec<Read> {
    let mut posts: HashMap<String, (i64, Vec<Told>)> = HashMap::new();
    let events: Vec<Value> = lines.iter().map(event).collect();
    let mut seen = HashSet::new();
    for post in events.iter().filter(|event| text(event, "type") == "post" && platforms.contains(&text(event, "platform"))) {
        let time = post["time"].as_i64().unwrap();
        if time < world::WEEK_START + 3 * DAY_MS {
            posts.insert(text(post, "id").to_owned(), (time, Vec::new()));
        }
    }
    for event in events.iter().filter(|event| text(event, "type") == kind) {
        if let Some((_, nodes)) = posts.get_mut(text(event, "root"))
            && seen.insert(text(event, "id"))
        {
            nodes.push((event["time"].as_i64().unwrap(), text(event, "id").to_owned(), text(event, "parent").to_owned()));
        }
    }
    posts.into_values().map(|(time, nodes)| read(time, nodes)).collect()
}

fn read(post_time: i64, mut nodes: Vec<Told>) -> Read {
    nodes.sort();
    let numbers: HashMap<String, usize> = nodes.iter().enumerate().map(|(i, (_, id, _))| (id.clone(), i + 1)).collect();
    let parents = nodes.iter().enumerate().map(|(i, (_, _, parent))| match numbers.get(parent) {
        Some(&number) if number <= i => number,
        _ => 0,
    });
    let parents = parents.collect();
    Read { parents, ages: nodes.iter().map(|(time, _, _)| (time - post_time) / 1_000).collect() }
}

fn quantile<T: PartialOrd + Copy>(values: &[T], percent: usize) -> T {
    let mut sorted = values.to_vec();
    sorted.sort_by(|one, other| one.partial_cmp(other).unwrap());
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

/// Fails unless each quantile lies within a factor of its target.
fn assert_quantiles(what: &str, values: &[f64], targets: &[(usize, f64)], factor: f64) {
    for &(percent, target) in targets {
        let found = quantile(values, percent);
        let within = found >= target / factor && found <= target * factor;
        assert!(within, "{what}: {percent} % is {found:.2}, the real data's is {target:.2}");
    }
}

fn of_sizes(trees: &[Read], from: usize, to: usize) -> Vec<&Read> {
    trees.iter().filter(|tree| (from..to).contains(&tree.size())).collect()
}

fn small(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap())
}

fn sizes(trees: &[Read]) -> Vec<f64> {
    trees.iter().map(|tree| small(tree.size())).collect()
}

fn max_depths(trees: &[&Read]) -> Vec<f64> {
    trees.iter().map(|tree| small(tree.depths().into_iter().max().unwrap())).collect()
}

fn seconds(age: i64) -> f64 {
    f64::from(u32::try_from(age).unwrap())
}

/// Ages at the root, and after a parent that is not the root, of the first four days.
fn delays(trees: &[Read]) -> (Vec<f64>, Vec<f64>) {
    let (mut at_root, mut after_parent) = (Vec::new(), Vec::new());
    for tree in trees {
        for (i, &age) in tree.ages.iter().enumerate().filter(|&(_, &age)| age <= 4 * 86_400) {
            at_root.push(seconds(age));
            if let Some(parent) = tree.parents[i].checked_sub(1) {
                after_parent.push(seconds(age - tree.ages[parent]));
            }
        }
    }
    (at_root, after_parent)
}

fn assert_mean_virality(what: &str, trees: &[&Read], target: f64) {
    assert!(trees.len() >= 20, "{what}: only {} trees", trees.len());
    let mean = trees.iter().map(|tree| tree.virality()).sum::<f64>() / small(trees.len());
    assert!((mean / target - 1.0).abs() < 0.15, "{what}: mean virality {mean:.2}, the real data's is {target:.2}");
}

#[test]
fn cascades_resemble_real_ones() {
    let all = trees(&lines(1, 500_000), "share", &["chirper", "facetown"]);
    let shared = all.iter().filter(|tree| tree.size() > 1).count();
    let unshared = 1.0 - small(shared) / small(all.len());
    assert!((0.91..0.95).contains(&unshared), "{unshared:.3} of the posts are not shared");

    // The real set holds only cascades that spread.
    let wide: Vec<Read> = all.into_iter().filter(|tree| tree.size() >= 41).collect();
    assert!(wide.len() > 150, "{} wide cascades", wide.len());
    assert_quantiles("size", &sizes(&wide), &[(10, 100.0), (50, 257.0), (90, 689.0), (100, 937.0)], 1.25);
    for (from, depths, virality) in [
        (64, [(50, 5.0), (90, 8.0)], 3.24),
        (128, [(50, 5.0), (90, 9.0)], 3.44),
        (256, [(50, 6.0), (90, 10.0)], 3.43),
        (512, [(50, 7.0), (90, 12.0)], 3.57),
    ] {
        let bin = of_sizes(&wide, from, 2 * from);
        assert_quantiles(&format!("depth of cascades from {from}"), &max_depths(&bin), &depths, 1.6);
        assert_mean_virality(&format!("cascades from {from}"), &bin, virality);
    }
    assert_quantiles("depth", &max_depths(&of_sizes(&wide, 2, usize::MAX)), &[(100, 24.0)], 1.6);
    let (at_root, after_parent) = delays(&wide);
    assert_quantiles("age", &at_root, &[(10, 730.0), (25, 2_798.0), (50, 13_694.0), (75, 46_832.0), (90, 102_250.0)], 1.6);
    assert_quantiles("delay", &after_parent, &[(10, 189.0), (25, 541.0), (50, 2_232.0), (75, 10_736.0), (90, 40_888.0)], 2.5);
}

#[test]
fn threads_resemble_real_ones() {
    let all = trees(&lines(1, 400_000), "reply", &["agora", "huddle"]);
    assert_quantiles("size", &sizes(&all), &[(5, 1.0), (25, 6.0), (50, 22.0), (75, 72.0), (90, 133.0), (95, 184.0)], 1.3);
    for (from, depths, virality) in [
        (4, [(50, 2.0), (90, 4.0), (100, 6.0)], 1.91),
        (16, [(50, 4.0), (90, 7.0), (100, 14.0)], 3.28),
        (32, [(50, 5.0), (90, 9.0), (95, 10.0)], 3.76),
        (64, [(50, 7.0), (90, 12.0), (95, 13.0)], 4.39),
        (128, [(50, 9.0), (90, 15.0), (95, 17.0)], 5.06),
    ] {
        let bin = of_sizes(&all, from, 2 * from);
        assert_quantiles(&format!("depth of threads from {from}"), &max_depths(&bin), &depths, 1.6);
        assert_mean_virality(&format!("threads from {from}"), &bin, virality);
    }
    let (at_root, after_parent) = delays(&all);
    assert_quantiles("age", &at_root, &[(10, 5_488.0), (25, 11_813.0), (50, 23_381.0), (75, 43_164.0), (90, 69_570.0)], 1.6);
    assert_quantiles("delay", &after_parent, &[(25, 659.0), (50, 4_397.0), (75, 17_355.0), (90, 38_894.0)], 2.0);
}
