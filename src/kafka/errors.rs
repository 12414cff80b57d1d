//! What the client's errors ask for.

use std::time::Duration;

use rdkafka::consumer::Consumer as _;
use rdkafka::error::{KafkaError, KafkaResult, RDKafkaErrorCode};

use super::client::Client;
use super::complaints;
use crate::reader::{Answer, ClientError, PartitionError};

/// Lets the client work off one of its events, with the newest token. What it hands out there is an error, its number, and what the
/// client says about it.
pub(super) fn poll(client: &Client) -> Option<(ClientError, i32, String)> {
    client.context().tokens().give(client.client());
    match client.poll(Duration::ZERO)? {
        // Records take the way through the queues of their partitions.
        Ok(_) => Some((ClientError::Astray, 0, String::new())),
        Err(error) => Some(judged(client, &error)),
    }
}

/// What the client said to a command.
pub(super) fn answer(client: &Client, done: KafkaResult<()>) -> Answer {
    match done {
        Ok(()) => Answer::Done,
        Err(_) if turned_away(client).is_some() => Answer::Fenced,
        Err(error) => Answer::Refused(error.to_string()),
    }
}

/// Why the group has turned this member away for good, if it has.
fn turned_away(client: &Client) -> Option<String> {
    let (code, reason) = client.client().fatal_error()?;
    matches!(code, RDKafkaErrorCode::FencedInstanceId | RDKafkaErrorCode::UnreleasedInstanceId).then_some(reason)
}

/// What an error of the whole client asks for, its number, and what the client says about it. The first thing that a
/// client says after it was fenced is that.
fn judged(client: &Client, error: &KafkaError) -> (ClientError, i32, String) {
    let reason = client.context().take_reason().unwrap_or_else(|| error.to_string());
    let code = error.rdkafka_error_code().unwrap_or(RDKafkaErrorCode::Unknown);
    let refusal = client.context().tokens().refusal(&reason);
    let is_refused = refusal.is_some();
    let reason = refusal.unwrap_or_else(|| format!("{reason}{}", cure(code)));
    if let Some(reason) = turned_away(client) {
        return (ClientError::Fenced, code as i32, reason);
    }
    let class = if matches!(error, KafkaError::MessageConsumptionFatal(_)) {
        ClientError::Fatal
    } else if needs_operator(code) && !is_refused {
        ClientError::NeedsOperator
    } else {
        // The next token may be a better one.
        ClientError::Recovers
    };
    (class, code as i32, reason)
}

/// What an error of one partition asks for.
pub(super) fn partition_error(code: RDKafkaErrorCode) -> PartitionError {
    use RDKafkaErrorCode as Code;
    if matches!(code, Code::AutoOffsetReset | Code::OffsetOutOfRange | Code::LogTruncation) {
        PartitionError::CutOff
    } else if recovers(code) {
        PartitionError::Recovers
    } else {
        PartitionError::Fatal
    }
}

/// Errors of one partition from which the client comes back by itself, at the same offset.
fn recovers(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [
        Code::BrokerTransportFailure,
        Code::AllBrokersDown,
        Code::OperationTimedOut,
        Code::RequestTimedOut,
        Code::NotLeaderForPartition,
        Code::LeaderNotAvailable,
        Code::ReplicaNotAvailable,
        Code::KafkaStorageError,
        Code::FencedLeaderEpoch,
        Code::UnknownLeaderEpoch,
        Code::OffsetNotAvailable,
        Code::UnknownTopicOrPartition,
        Code::UnknownTopic,
        Code::UnknownPartition,
        Code::TopicAuthorizationFailed,
    ]
    .contains(&code)
}

/// What to do about an error that the client only names; begins with a separator.
fn cure(code: RDKafkaErrorCode) -> String {
    if code == RDKafkaErrorCode::InconsistentGroupProtocol {
        ": another kind of consumer is in the group, one that shares partitions out in another way; stop it, or give the workers a \
         group of their own (`kafka.group`)"
            .to_owned()
    } else {
        complaints::denial(code as i32).map(|denial| format!(": {denial}")).unwrap_or_default()
    }
}

/// Errors of the whole client that no waiting repairs. What a user may do, his password and certificates are none of them: they are mended
/// while workers run, and a worker that waits for it says so (see [`complaints`]).
pub(super) fn needs_operator(code: RDKafkaErrorCode) -> bool {
    use RDKafkaErrorCode as Code;
    [Code::InvalidTopic, Code::InvalidGroupId, Code::InconsistentGroupProtocol].contains(&code)
}
