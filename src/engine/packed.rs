//! Nodes as bytes in a snapshot: 37 bytes each, little-endian, in one run a tree.

use serde::de::Error;
use serde::{Deserializer, Serializer};
use serde_bytes::ByteBuf;

use super::tree::Node;

const SIZE: usize = 8 + 8 + 8 + 4 + 4 + 4 + 1;

pub(super) fn serialize<S: Serializer>(nodes: &[Node], serializer: S) -> Result<S::Ok, S::Error> {
    let mut bytes = Vec::with_capacity(nodes.len() * SIZE);
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
    serde_bytes::serialize(&bytes, serializer)
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Node>, D::Error> {
    let bytes: ByteBuf = serde_bytes::deserialize(deserializer)?;
    if !bytes.len().is_multiple_of(SIZE) {
        return Err(D::Error::custom("a run of nodes is cut short"));
    }
    Ok(bytes.chunks_exact(SIZE).map(node).collect())
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
