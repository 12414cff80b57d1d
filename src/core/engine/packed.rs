//! Nodes as bytes in a snapshot: 37 bytes each, little-endian, in runs.

use std::fmt;

use serde::de::{Error, SeqAccess, Visitor};
use serde::{Deserializer, Serializer};
use serde_bytes::ByteBuf;

use super::tree::Node;

/// Bytes of a node.
pub(super) const NODE_BYTES: usize = 8 + 8 + 8 + 4 + 4 + 4 + 1;

/// Nodes of a run: a large tree is never copied as a whole on its way.
const RUN: usize = 4096;

pub(super) fn serialize<S: Serializer>(nodes: &[Node], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(nodes.chunks(RUN).map(packed))
}

fn packed(nodes: &[Node]) -> ByteBuf {
    let mut bytes = Vec::with_capacity(nodes.len() * NODE_BYTES);
    for node in nodes {
        let Node { id, actor, time, parent, head, followers, flags } = node;
        bytes.extend_from_slice(&id.to_le_bytes());
        bytes.extend_from_slice(&actor.to_le_bytes());
        bytes.extend_from_slice(&time.to_le_bytes());
        bytes.extend_from_slice(&parent.to_le_bytes());
        bytes.extend_from_slice(&head.to_le_bytes());
        bytes.extend_from_slice(&followers.to_le_bytes());
        bytes.push(*flags);
    }
    ByteBuf::from(bytes)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Node>, D::Error> {
    deserializer.deserialize_seq(Runs)
}

struct Runs;

impl<'de> Visitor<'de> for Runs {
    type Value = Vec<Node>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("runs of nodes")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut runs: A) -> Result<Vec<Node>, A::Error> {
        let mut nodes = Vec::new();
        while let Some(bytes) = runs.next_element::<&serde_bytes::Bytes>()? {
            if !bytes.len().is_multiple_of(NODE_BYTES) {
                return Err(A::Error::custom("a run of nodes is cut short"));
            }
            nodes.extend(bytes.chunks_exact(NODE_BYTES).map(node));
        }
        Ok(nodes)
    }
}

fn node(bytes: &[u8]) -> Node {
    let mut at = 0;
    Node {
        id: u64::from_le_bytes(take(bytes, &mut at)),
        actor: u64::from_le_bytes(take(bytes, &mut at)),
        time: i64::from_le_bytes(take(bytes, &mut at)),
        parent: u32::from_le_bytes(take(bytes, &mut at)),
        head: u32::from_le_bytes(take(bytes, &mut at)),
        followers: u32::from_le_bytes(take(bytes, &mut at)),
        flags: take::<1>(bytes, &mut at)[0],
    }
}

fn take<const N: usize>(bytes: &[u8], at: &mut usize) -> [u8; N] {
    let mut out = [0; N];
    out.copy_from_slice(&bytes[*at..*at + N]);
    *at += N;
    out
}
