//! What the clients of a process complain of: brokers that they cannot talk to, and what they are not allowed.
//!
//! Kept until somebody looks into it; decides nothing.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rdkafka::error::RDKafkaErrorCode as Code;

/// Clones share it, so that one watch serves all loops of a process.
#[derive(Clone, Debug, Default)]
pub struct Complaints(Arc<Mutex<Heard>>);

#[derive(Debug, Default)]
struct Heard {
    brokers: BTreeSet<String>,
    denied: Option<&'static str>,
    talks: bool,
}

impl Complaints {
    /// The brokers that were complained of since this was asked last, each as host:port; an empty one for all of them.
    #[must_use]
    pub fn take(&self) -> BTreeSet<String> {
        std::mem::take(&mut self.lock().brokers)
    }

    /// What the user is not allowed, with the cure.
    #[must_use]
    pub fn denied(&self) -> Option<&'static str> {
        self.lock().denied
    }

    /// Whether a loop has ever had something of the brokers.
    #[must_use]
    pub fn talks(&self) -> bool {
        self.lock().talks
    }

    /// A client said this.
    pub(crate) fn note(&self, code: i32, text: &str) {
        if let Some(denied) = denial(code) {
            self.lock().denied = Some(denied);
        } else if is_about_a_connection(code) {
            self.lock().brokers.insert(broker_of(text).to_owned());
        }
    }

    /// Something came that would not have come if anything were forbidden.
    pub(crate) fn allowed(&self) {
        let mut heard = self.lock();
        (heard.denied, heard.talks) = (None, true);
    }

    fn lock(&self) -> MutexGuard<'_, Heard> {
        // Every write is complete: a panic in between leaves nothing half done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a user may not do, and who can change that.
pub(super) fn denial(code: i32) -> Option<&'static str> {
    if code == Code::TopicAuthorizationFailed as i32 {
        Some("the user may not read the topic (`kafka.topic`): grant it READ there, which DESCRIBE alone is not")
    } else if code == Code::GroupAuthorizationFailed as i32 {
        Some("the user may not join the group (`kafka.group`, with `-epoch-` and the epoch behind it): grant it READ there")
    } else if code == Code::ClusterAuthorizationFailed as i32 {
        Some(
            "the user may not do this with the cluster: grant it what the broker's log names; reading needs READ on topic and group only",
        )
    } else {
        None
    }
}

fn is_about_a_connection(code: i32) -> bool {
    [
        Code::AllBrokersDown,
        Code::BrokerTransportFailure,
        Code::Resolve,
        Code::SSL,
        Code::Authentication,
        Code::SaslAuthenticationFailed,
        Code::UnsupportedSASLMechanism,
        Code::IllegalSASLState,
        Code::BadMessage,
    ]
    .iter()
    .any(|known| *known as i32 == code)
}

/// The broker that a text of the client's begins with: `ssl://host:port/id: ...`, or `GroupCoordinator: host:port: ...`.
fn broker_of(text: &str) -> &str {
    let text = text.strip_prefix("GroupCoordinator: ").unwrap_or(text);
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let address = text.split(['/', ' ']).next().unwrap_or_default().trim_end_matches(':');
    let is_one = address.rsplit_once(':').is_some_and(|(host, port)| !host.is_empty() && port.parse::<u16>().is_ok());
    if is_one { address } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_broker_is_found_in_what_the_client_says() {
        for (text, broker) in [
            (
                "ssl://127.0.0.1:31002/bootstrap: SSL handshake failed: error:0A000086:SSL routines::certificate verify failed",
                "127.0.0.1:31002",
            ),
            ("sasl_ssl://kafka.example:9093/1: SASL authentication error: Authentication failed", "kafka.example:9093"),
            ("no.such.host.invalid:9092/bootstrap: Failed to resolve 'no.such.host.invalid:9092'", "no.such.host.invalid:9092"),
            ("GroupCoordinator: 127.0.0.1:31002: SSL handshake failed: Disconnected", "127.0.0.1:31002"),
            ("[::1]:9092/2: Connect to ipv6#[::1]:9092 failed: Connection refused", "[::1]:9092"),
            ("1/1 brokers are down", ""),
            ("", ""),
        ] {
            assert_eq!(broker_of(text), broker, "{text}");
        }
    }

    #[test]
    fn what_is_forbidden_is_said_until_something_comes() {
        let complaints = Complaints::default();
        complaints.note(Code::TopicAuthorizationFailed as i32, "Fetch from broker 1 failed: Broker: Topic authorization failed");
        assert!(complaints.denied().is_some_and(|text| text.contains("`kafka.topic`")) && complaints.take().is_empty());
        assert!(!complaints.talks());
        complaints.allowed();
        assert_eq!(complaints.denied(), None);
        assert!(complaints.talks());
        complaints.note(Code::AllBrokersDown as i32, "1/1 brokers are down");
        complaints.note(Code::OperationTimedOut as i32, "no connection");
        assert_eq!(complaints.take(), BTreeSet::from([String::new()]));
        assert!(complaints.take().is_empty());
    }
}
