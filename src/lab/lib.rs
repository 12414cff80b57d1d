//! What trials and tests of Grapevine need beside it: events, a broker, a ClickHouse.
//!
//! It knows core and not the worker. The commands that use it are the root's, behind the feature `lab`; the image is
//! built without it.

#[cfg(test)]
use grapevine_core::event;
use grapevine_core::record;

pub mod embedded;
pub mod generator;
