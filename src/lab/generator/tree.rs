//! Grows one tree: when its nodes come, and below which other each of them hangs.
//!
//! Nodes come in the order of their times; a parent is always older than its child.

use super::dice::Dice;
use super::world::{Growth, HOUR, WEEK_START, rhythm};

/// How often somebody who would come at a quiet hour comes at another one instead, if that is a better one.
const TRIES: u32 = 4;

/// A node of a tree; number 0 is the root post and not in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    /// Number of its parent: 0 is the root, n the n-th node of the list.
    pub(crate) parent: usize,
    /// When it happens.
    pub(crate) time: i64,
}

/// The time in which a post's lines come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Stage {
    /// When the post is written.
    pub(crate) from: i64,
    /// When the generated days end.
    pub(crate) until: i64,
}

/// The nodes of a tree of this size below a post, as far as the days go.
pub(crate) fn grow(dice: &mut Dice, growth: &Growth, size: usize, stage: Stage) -> Vec<Node> {
    let times = node_times(dice, growth, size, stage);
    let root_share = dice.draw(growth.root_share);
    let hub_share = dice.draw(growth.hub_share);
    let mut nodes: Vec<Node> = Vec::with_capacity(times.len());
    let mut children = vec![0_u32; times.len() + 1];
    // The nodes below other nodes than the root, by number.
    let mut deeper: Vec<usize> = Vec::new();
    for time in times {
        let number = nodes.len() + 1;
        let parent = if number == 1 || dice.permille(root_share) {
            0
        } else if !deeper.is_empty() && dice.permille(hub_share) {
            nodes[dice.pick(&deeper) - 1].parent
        } else {
            recent_node(dice, growth, number, &children)
        };
        let parent = read_by_then(parent, time - growth.pause.cast_signed(), &nodes);
        children[parent] += 1;
        if parent > 0 {
            deeper.push(number);
        }
        nodes.push(Node { parent, time });
    }
    nodes
}

/// When the nodes come, in order. What would come after the last day is left out.
fn node_times(dice: &mut Dice, growth: &Growth, size: usize, stage: Stage) -> Vec<i64> {
    let median = dice.draw(growth.median);
    let mut times: Vec<i64> =
        (1..size).map(|_| waking_time(dice, growth, median, stage.from)).filter(|&time| time < stage.until).collect();
    times.sort_unstable();
    times
}

/// People sleep: at a quiet hour most of them are not there.
fn waking_time(dice: &mut Dice, growth: &Growth, median: u64, post_time: i64) -> i64 {
    let mut time = node_time(dice, growth, median, post_time);
    for _ in 1..TRIES {
        if dice.below(10_000) < week_rhythm(time) {
            break;
        }
        time = node_time(dice, growth, median, post_time);
    }
    time
}

/// Seconds times thousandths are milliseconds; between two thousandths anything. Whoever is quick has still read the post.
fn node_time(dice: &mut Dice, growth: &Growth, median: u64, post_time: i64) -> i64 {
    let age = median * dice.draw(growth.lag) + dice.below(median);
    let reading = growth.pause + dice.below(4 * growth.pause);
    post_time.saturating_add_unsigned(age + reading)
}

/// The node itself, or the nearest one above it that was there by then.
fn read_by_then(mut node: usize, time: i64, nodes: &[Node]) -> usize {
    while node > 0 && nodes[node - 1].time > time {
        node = nodes[node - 1].parent;
    }
    node
}

fn week_rhythm(time: i64) -> u64 {
    rhythm(usize::try_from((time - WEEK_START) / HOUR).unwrap_or(0) % 168)
}

/// A node some way back from this one; of several candidates the one with the fewest children.
fn recent_node(dice: &mut Dice, growth: &Growth, number: usize, children: &[u32]) -> usize {
    let mut best = 0;
    for _ in 0..growth.candidates {
        let gap = usize::try_from(dice.draw(growth.gap)).unwrap_or(usize::MAX);
        let older = number - 1;
        let gap = if gap < older { gap } else { dice.index(older) };
        let candidate = older - gap;
        if best == 0 || children[candidate] < children[best] {
            best = candidate;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::world::{CASCADE, THREAD, WEEK_END};

    #[test]
    fn a_parent_comes_before_its_child() {
        let mut dice = Dice::new(3);
        for growth in [&CASCADE, &THREAD] {
            let nodes = grow(&mut dice, growth, 500, Stage { from: WEEK_START, until: WEEK_END });
            assert!(nodes.len() > 300);
            for (i, node) in nodes.iter().enumerate() {
                assert!(node.parent <= i, "node {} hangs from {}", i + 1, node.parent);
            }
            assert!(nodes.is_sorted_by_key(|node| node.time));
            assert!(nodes.iter().all(|node| node.time > WEEK_START && node.time < WEEK_END));
            let of = |node: usize| if node == 0 { WEEK_START } else { nodes[node - 1].time };
            assert!(nodes.iter().all(|node| node.time - of(node.parent) >= growth.pause.cast_signed()));
        }
    }
}
