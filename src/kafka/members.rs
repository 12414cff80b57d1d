//! The members of a consumer group, as its coordinator describes them: of the classic protocol only.
//!
//! The client could describe groups of the consumer protocol too, but that request aborts the process where a broker dies in the
//! middle of it (librdkafka 2.12, its issue 4605).

use std::time::Duration;

use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext};
use rdkafka::error::KafkaResult;

/// A member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// What its client calls itself (`client.id`).
    pub client: String,
    /// Where it is.
    pub host: String,
}

/// Asks the group's coordinator. A group that does not exist has no members.
pub(super) fn members<C: ConsumerContext>(client: &BaseConsumer<C>, group: &str, deadline: Duration) -> KafkaResult<Vec<Member>> {
    let list = client.fetch_group_list(Some(group), deadline)?;
    let members = list.groups().iter().filter(|found| found.name() == group).flat_map(|found| found.members());
    let member = |member: &rdkafka::groups::GroupMemberInfo| Member {
        client: member.client_id().to_owned(),
        host: member.client_host().to_owned(),
    };
    Ok(members.map(member).collect())
}
