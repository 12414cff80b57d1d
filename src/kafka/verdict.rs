//! What to tell the operator about a connection that does not come about: which of our keys is wrong, and the cure.
//!
//! Pure: of what was found at the port, what the client said, and the settings. One text a cause, and what cannot be told apart is said so.

use std::cmp::Ordering;

use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::passed;
use super::port::{Distrust, Found, Sasl};
use crate::certificates::Lifetime;
use crate::config;

/// How a broker is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Diagnosis {
    /// It can be read from.
    Fine,
    /// It cannot be reached; it may come back by itself.
    Away(String),
    /// Somebody has to change something.
    Wrong(String),
}

/// OpenSSL's numbers for why a certificate is not believed (x509_vfy.h).
mod code {
    pub(super) const NO_ISSUER: i32 = 2;
    pub(super) const NO_LIST: i32 = 3;
    pub(super) const BAD_SIGNATURE: i32 = 7;
    pub(super) const NOT_YET_VALID: i32 = 9;
    pub(super) const EXPIRED: i32 = 10;
    pub(super) const LIST_EXPIRED: i32 = 12;
    pub(super) const SELF_SIGNED: i32 = 18;
    pub(super) const SELF_SIGNED_IN_CHAIN: i32 = 19;
    pub(super) const NO_LOCAL_ISSUER: i32 = 20;
    pub(super) const NO_FIRST_SIGNATURE: i32 = 21;
    pub(super) const REVOKED: i32 = 23;
    pub(super) const OTHER_HOST: i32 = 62;
    pub(super) const OTHER_ADDRESS: i32 = 64;
}

/// What is wrong at a broker's port; nothing if it is as the settings want it. `own`: the life of the client's certificate, and `now`
/// the time, in seconds since 1970.
pub(super) fn of_port(
    settings: &config::Kafka,
    address: &str,
    found: &Found,
    own: Option<Lifetime>,
    now: i64,
) -> Option<Diagnosis> {
    let named = settings.brokers.split(',').any(|broker| broker.trim() == address);
    let whose = if named { "see `kafka.brokers`" } else { "the brokers say that it is there: see their `advertised.listeners`" };
    Some(match found {
        Found::NoHost(error) => Diagnosis::Away(format!("the host of broker {address} is not known ({error}): {whose}")),
        Found::Closed(error) => {
            Diagnosis::Away(format!("nobody takes connections at broker {address} ({error}): {whose}, and whether it runs"))
        }
        Found::Foreign => Diagnosis::Away(format!("what listens at {address} is no Kafka broker, or hangs: {whose}")),
        Found::Distrusted(distrust) => Diagnosis::Wrong(distrusted(settings, address, distrust)),
        Found::TurnedAway(words) => Diagnosis::Wrong(turned_away(address, words, own, now)),
        Found::Broker { tls, sasl } => return protocol(settings, address, *tls, sasl).map(Diagnosis::Wrong),
    })
}

fn distrusted(settings: &config::Kafka, address: &str, distrust: &Distrust) -> String {
    let Distrust { code, words, depth, names, subject, issuer, life } = distrust;
    let whose = if *depth == 0 {
        format!("the certificate of broker {address}")
    } else {
        format!("the certificate of {subject}, an authority behind that of broker {address},")
    };
    match *code {
        code::OTHER_HOST | code::OTHER_ADDRESS => format!(
            "{whose} is for {}, and not for this name: write in `kafka.brokers`, and in the brokers' `advertised.listeners`, a name that it is \
             for, or give the broker one for this name",
            names.join(", ")
        ),
        code::EXPIRED => format!(
            "{whose} expired on {}: renew it (on the broker; nothing is wrong here, unless this clock is)",
            day(life.until)
        ),
        code::NOT_YET_VALID => {
            format!(
                "{whose} counts only from {} on: compare the clocks of both machines, or give the broker another one",
                day(life.from)
            )
        }
        code::REVOKED => format!("{whose} was revoked, as `kafka.ssl_crl_file` says: give the broker another one"),
        code::NO_LIST => {
            format!(
                "nobody knows whether {whose} was revoked: put the list of {issuer} into `kafka.ssl_crl_file`, or leave that empty"
            )
        }
        code::LIST_EXPIRED => format!("the list of {issuer} in `kafka.ssl_crl_file` is too old: fetch the newest"),
        code::NO_ISSUER | code::NO_LOCAL_ISSUER | code::NO_FIRST_SIGNATURE | code::SELF_SIGNED | code::SELF_SIGNED_IN_CHAIN
            if settings.ssl_ca_file.is_none() =>
        {
            format!(
                "{whose} is signed by {issuer}, whom this system does not know: name the file of that authority in `kafka.ssl_ca_file`"
            )
        }
        code::BAD_SIGNATURE
        | code::NO_ISSUER
        | code::NO_LOCAL_ISSUER
        | code::NO_FIRST_SIGNATURE
        | code::SELF_SIGNED
        | code::SELF_SIGNED_IN_CHAIN => format!(
            "{whose} is signed by {issuer}, who is not in `kafka.ssl_ca_file` (or only one of that name with another key): name there the file \
             of the authority that signs the brokers"
        ),
        _ => format!("{whose} is not believed ({words}): see `kafka.ssl_ca_file`"),
    }
}

fn turned_away(address: &str, words: &str, own: Option<Lifetime>, now: i64) -> String {
    let about_us = ["certificate", "unknown ca", "decrypt error"].iter().any(|word| words.contains(word));
    match own.map(|life| (life, life.compare(now))) {
        Some((life, Ordering::Greater)) => format!(
            "broker {address} turns this client away, whose certificate (`kafka.ssl_certificate_file`) expired on {}: renew it",
            day(life.until)
        ),
        Some((life, Ordering::Less)) => format!(
            "broker {address} turns this client away, whose certificate (`kafka.ssl_certificate_file`) counts only from {} on",
            day(life.from)
        ),
        _ if !about_us => {
            format!(
                "broker {address} and this client find no way to speak TLS ({words}): see its `ssl.enabled.protocols` and `ssl.cipher.suites`"
            )
        }
        None => format!(
            "broker {address} asks for a certificate of this client: name one in `kafka.ssl_certificate_file`, and its key in \
             `kafka.ssl_key_file`"
        ),
        Some((_, Ordering::Equal)) => format!(
            "broker {address} does not take the certificate in `kafka.ssl_certificate_file` ({words}; more it does not say): it has to be signed \
             by an authority that the broker believes, for clients"
        ),
    }
}

/// A broker that wants to be spoken to in another way than it is.
fn protocol(settings: &config::Kafka, address: &str, tls: bool, sasl: &Sasl) -> Option<String> {
    let configured = settings.security_protocol.as_str();
    let wanted = match (tls, sasl) {
        (false, Sasl::None) => "plaintext",
        (true, Sasl::None) => "ssl",
        (false, Sasl::Offers(_)) => "sasl_plaintext",
        (true, Sasl::Offers(_)) => "sasl_ssl",
        (_, Sasl::Unknown) if configured.ends_with("ssl") == tls => configured,
        (true, Sasl::Unknown) => "ssl or sasl_ssl",
        (false, Sasl::Unknown) => "plaintext or sasl_plaintext",
    };
    if wanted != configured {
        return Some(format!(
            "broker {address} speaks {wanted} on this port, and `kafka.security_protocol` is {configured}: set it to {wanted}, or name in \
             `kafka.brokers` the port of a listener for {configured}"
        ));
    }
    match sasl {
        Sasl::Offers(mechanisms) if !mechanisms.iter().any(|known| known == settings.mechanism()) => Some(format!(
            "broker {address} does not know the mechanism {}: set `kafka.sasl_mechanism` to one of its own ({})",
            settings.sasl_mechanism,
            mechanisms.join(", ")
        )),
        Sasl::None | Sasl::Unknown | Sasl::Offers(_) => None,
    }
}

/// What is wrong where no client could be made, by its own words: no broker has been asked yet.
pub(super) fn of_creation(said: &str) -> Option<Diagnosis> {
    let (key, said) = passed::in_our_words(said.strip_prefix("Client creation error: ")?);
    Some(Diagnosis::Wrong(format!("`kafka.{key}` lets no Kafka client be made: {said}")))
}

/// What the client says when a broker does not take its user, and what this means. The broker says the same of both.
const NOT_TAKEN: [&str; 3] = ["due to invalid credentials", "Invalid username or password", "SASL authentication error"];

/// What is wrong by the client's own words, where the port is as it should be.
pub(super) fn of_client(settings: &config::Kafka, address: &str, said: &str) -> Diagnosis {
    if NOT_TAKEN.iter().any(|words| said.contains(words)) {
        return Diagnosis::Wrong(format!(
            "broker {address} does not take user {:?} with this password, and does not say which of the two is wrong (nor whether the user has a \
             password for {}): see `kafka.sasl_username`, and `kafka.sasl_password_file` or GRAPEVINE_KAFKA_SASL_PASSWORD",
            settings.sasl_username, settings.sasl_mechanism
        ));
    }
    Diagnosis::Away(format!("broker {address} does not answer the client ({said}): see its log, and `kafka.brokers`"))
}

/// Of a broker of which nothing was found out in time.
pub(super) fn of_silence(address: &str) -> Diagnosis {
    Diagnosis::Away(format!(
        "nothing was heard of broker {address} in time: see `kafka.brokers`, whether this machine's name server answers, and whether something \
         on the way drops what is sent"
    ))
}

fn day(seconds: i64) -> String {
    let time = OffsetDateTime::from_unix_timestamp(seconds).ok();
    time.and_then(|time| time.format(&Rfc3339).ok()).unwrap_or_else(|| seconds.to_string())
}

#[cfg(test)]
mod tests;
