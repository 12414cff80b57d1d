//! What a life holds: against the budget, kept up with every event; and, as a gauge, of memory, weighed at every flush.

use std::sync::Arc;

use super::super::memory;
use super::super::window::{Facts, WindowIndex};
use super::{Dimensions, Life, Others, Post, Tree};

/// What a life holds.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Load {
    /// Shares and replies.
    pub(in crate::engine) nodes: u64,
    /// Of them, those that hang from the root by inference.
    pub(in crate::engine) inferred: u64,
    /// What it costs against the budget.
    pub(in crate::engine) entries: u64,
}

/// What a life costs beyond its nodes, in entries of the budget.
const LIFE_ENTRIES: u64 = 8;

impl Life {
    /// What the life holds. Asked twice an event, so it is kept cheap.
    pub(in crate::engine) fn load(&self) -> Load {
        let (nodes, inferred) = (self.nodes() as u64, self.of_both_trees(Tree::inferred) as u64);
        let beside_nodes = (self.of_both_trees(Tree::unlinked) + self.brand_people.len()) as u64;
        let others =
            self.others.as_ref().map_or(0, |others| others.ids.len() as u64 + 2 * others.windows.len() as u64 + others.samples);
        let entries = LIFE_ENTRIES + self.text_entries + nodes + beside_nodes + others;
        Load { nodes, inferred, entries }
    }

    /// Notes about what it takes of memory now.
    pub(in crate::engine) fn weigh(&mut self) {
        let bytes = memory::shared::<Life>()
            + memory::text(self.root.len())
            + self.post.as_deref().map_or(0, Post::bytes)
            + self.of_both_trees(Tree::bytes)
            + self.others.as_deref().map_or(0, Others::bytes)
            + memory::tree(self.brand_people.len(), size_of::<u64>());
        self.weight = bytes as u64;
    }
}

impl Post {
    fn bytes(&self) -> usize {
        memory::allocated(size_of::<Post>()) + memory::text(self.url.len()) + self.dimensions.allocated()
    }
}

impl Others {
    fn bytes(&self) -> usize {
        memory::allocated(size_of::<Others>())
            + memory::tree(self.ids.len(), size_of::<u64>())
            + memory::tree(self.windows.len(), size_of::<(WindowIndex, Facts)>())
            + usize::try_from(self.samples).unwrap_or(usize::MAX).saturating_mul(Facts::SAMPLE_BYTES)
    }
}

impl Dimensions {
    /// The memory of what no other post shares.
    fn allocated(&self) -> usize {
        let Dimensions { brand, campaign, channel, platform, community, experiment, arm, tags } = self;
        let texts = [brand, campaign, channel, platform, community, experiment, arm].into_iter().chain(tags.iter());
        let own = texts.filter(|text| !text.is_empty() && Arc::strong_count(text) == 1);
        let list = if tags.is_empty() { 0 } else { memory::text(size_of::<Arc<str>>() * tags.len()) };
        list + own.map(|text| memory::text(text.len())).sum::<usize>()
    }
}
