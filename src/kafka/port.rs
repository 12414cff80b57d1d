//! What a broker's port is, found out by asking it: does it speak TLS, is its certificate believed, does it want SASL, and of which kind?
//!
//! The client tells none of that: it says one text for five faults of a certificate, and for a wrong protocol only that it is disconnected.
//! One connection or two, each closed after one question that a broker answers before anybody has said who he is. Blocks.

use std::io::{Read, Write};
use std::net::{IpAddr, TcpStream, ToSocketAddrs as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use openssl::error::ErrorStack;
use openssl::pkey::PKey;
use openssl::ssl::{Ssl, SslContext, SslContextBuilder, SslFiletype, SslMethod, SslVerifyMode};
use openssl::x509::store::X509Lookup;
use openssl::x509::verify::X509VerifyFlags;
use openssl::x509::{X509NameRef, X509Ref, X509StoreContextRef, X509VerifyResult};

use crate::certificates::Lifetime;
use crate::config;

/// How long each step may take.
pub(super) const PATIENCE: Duration = Duration::from_secs(3);

/// An answer is a few names.
const ANSWER_MAX: usize = 65_536;

/// The number that an answer must repeat.
const CORRELATION: i32 = 0x6772_6170;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The host has no address.
    NoHost(String),
    /// Nobody takes the connection.
    Closed(String),
    /// Somebody takes it and says nothing that is Kafka's.
    Foreign,
    /// Its certificate is not believed.
    Distrusted(Distrust),
    /// It does not take what this side shows, or the way in which it speaks TLS.
    TurnedAway(String),
    /// A broker.
    Broker {
        /// It speaks TLS.
        tls: bool,
        /// Whether it wants to know who is there.
        sasl: Sasl,
    },
}

/// Whether a broker asks for a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sasl {
    /// It does not.
    None,
    /// By one of these mechanisms.
    Offers(Vec<String>),
    /// It was not found out.
    Unknown,
}

/// Why a certificate is not believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Distrust {
    /// OpenSSL's number (`X509_V_ERR_...`), and its words.
    pub(super) code: i32,
    pub(super) words: String,
    /// 0: the broker's own; else an authority's.
    pub(super) depth: u32,
    /// For whom the certificate is.
    pub(super) names: Vec<String>,
    pub(super) subject: String,
    pub(super) issuer: String,
    pub(super) life: Lifetime,
}

/// Asks a broker at host:port, as these settings would.
pub(super) fn ask(settings: &config::Kafka, address: &str) -> Found {
    let with_tls = settings.security_protocol.ends_with("ssl");
    let found = if with_tls { over_tls(settings, address, true) } else { in_clear(settings, address) };
    if found != Found::Foreign {
        return found;
    }
    // It may speak in the other way.
    match if with_tls { in_clear(settings, address) } else { over_tls(settings, address, false) } {
        broker @ Found::Broker { .. } => broker,
        // By then it has spoken TLS.
        Found::TurnedAway(_) | Found::Distrusted(_) if !with_tls => Found::Broker { tls: true, sasl: Sasl::Unknown },
        Found::NoHost(_) | Found::Closed(_) | Found::Foreign | Found::Distrusted(_) | Found::TurnedAway(_) => Found::Foreign,
    }
}

/// The host and the port of an address; an IPv6 address stands in brackets.
fn host_and_port(address: &str) -> (&str, u16) {
    let (host, port) = address.rsplit_once(':').unwrap_or((address, ""));
    (host.trim_start_matches('[').trim_end_matches(']'), port.parse().unwrap_or(9092))
}

fn connect(address: &str) -> Result<TcpStream, Found> {
    let resolved = host_and_port(address).to_socket_addrs().map_err(|error| Found::NoHost(error.to_string()))?;
    let mut last = Found::NoHost("it has no address".to_owned());
    for one in resolved {
        match TcpStream::connect_timeout(&one, PATIENCE) {
            Ok(stream) => {
                let patient = stream.set_read_timeout(Some(PATIENCE)).and_then(|()| stream.set_write_timeout(Some(PATIENCE)));
                return patient.map(|()| stream).map_err(|error| Found::Closed(error.to_string()));
            }
            Err(error) => last = Found::Closed(error.to_string()),
        }
    }
    Err(last)
}

fn in_clear(settings: &config::Kafka, address: &str) -> Found {
    let mut stream = match connect(address) {
        Ok(stream) => stream,
        Err(found) => return found,
    };
    match converse(&mut stream, &settings.sasl_mechanism) {
        Ok(Some(sasl)) => Found::Broker { tls: false, sasl },
        Ok(None) | Err(_) => Found::Foreign,
    }
}

/// `believes`: only a broker whose certificate is good, with what the settings name.
fn over_tls(settings: &config::Kafka, address: &str, believes: bool) -> Found {
    let stream = match connect(address) {
        Ok(stream) => stream,
        Err(found) => return found,
    };
    let distrust = Arc::new(Mutex::new(None));
    let Ok(ssl) = client(settings, host_and_port(address).0, believes, &distrust) else { return Found::Foreign };
    let failed = |text: String| {
        let distrust = distrust.lock().unwrap_or_else(PoisonError::into_inner).take();
        match distrust {
            Some(distrust) => Found::Distrusted(distrust),
            // What the other side sends before it hangs up.
            None if text.contains("alert") => Found::TurnedAway(text),
            None => Found::Foreign,
        }
    };
    match ssl.connect(stream) {
        // Since TLS 1.3 this side hears only with the first answer whether its certificate was taken.
        Ok(mut stream) => match converse(&mut stream, &settings.sasl_mechanism) {
            Ok(Some(sasl)) => Found::Broker { tls: true, sasl },
            Ok(None) => Found::Broker { tls: true, sasl: Sasl::Unknown },
            Err(error) => {
                let found = failed(error.to_string());
                if found == Found::Foreign { Found::Broker { tls: true, sasl: Sasl::Unknown } } else { found }
            }
        },
        Err(error) => failed(error.to_string()),
    }
}

/// This side of a connection with TLS, as the Kafka client makes it of the same settings.
fn client(
    settings: &config::Kafka,
    host: &str,
    believes: bool,
    distrust: &Arc<Mutex<Option<Distrust>>>,
) -> Result<Ssl, ErrorStack> {
    let mut context = SslContext::builder(SslMethod::tls_client())?;
    if believes {
        believe(&mut context, settings)?;
    }
    let mut ssl = Ssl::new(&context.build())?;
    match host.parse::<IpAddr>() {
        Ok(address) => ssl.param_mut().set_ip(address)?,
        Err(_) => {
            ssl.param_mut().set_host(host)?;
            ssl.set_hostname(host)?;
        }
    }
    if believes {
        let first = Arc::clone(distrust);
        ssl.set_verify_callback(SslVerifyMode::PEER, move |well, chain| {
            if !well {
                first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_with(|| Distrust::of(chain));
            }
            well
        });
    } else {
        ssl.set_verify(SslVerifyMode::NONE);
    }
    Ok(ssl)
}

fn believe(context: &mut SslContextBuilder, settings: &config::Kafka) -> Result<(), ErrorStack> {
    let of_the_system = || SYSTEMS.iter().map(Path::new).find(|file| file.exists());
    match settings.ssl_ca_file.as_deref().or_else(of_the_system) {
        Some(file) => context.set_ca_file(file)?,
        None => context.set_default_verify_paths()?,
    }
    if let Some(file) = &settings.ssl_crl_file {
        let store = context.cert_store_mut();
        store.add_lookup(X509Lookup::file())?.load_crl_file(file, SslFiletype::PEM)?;
        store.set_flags(X509VerifyFlags::CRL_CHECK)?;
    }
    if let (Some(certificate), Some(key)) = (&settings.ssl_certificate_file, &settings.ssl_key_file) {
        context.set_certificate_chain_file(certificate)?;
        let pem = std::fs::read(key).unwrap_or_default();
        let key = PKey::private_key_from_pem_passphrase(&pem, settings.ssl_key_password.0.as_bytes())?;
        context.set_private_key(&key)?;
    }
    Ok(())
}

/// Where systems keep the authorities that they believe, in the order in which the client looks (rdkafka_ssl.c:985).
const SYSTEMS: [&str; 6] = [
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/tls/cacert.pem",
    "/etc/ssl/cert.pem",
    "/etc/ssl/certs/ca-certificates.crt",
];

impl Distrust {
    fn of(chain: &X509StoreContextRef) -> Distrust {
        let error = chain.error();
        let certificate = chain.current_cert();
        Distrust {
            code: error.as_raw(),
            words: words(error).to_owned(),
            depth: chain.error_depth(),
            names: certificate.map(names).unwrap_or_default(),
            subject: certificate.map(|certificate| name(certificate.subject_name())).unwrap_or_default(),
            issuer: certificate.map(|certificate| name(certificate.issuer_name())).unwrap_or_default(),
            life: certificate.map_or(Lifetime { from: 0, until: 0 }, Lifetime::of),
        }
    }
}

fn words(error: X509VerifyResult) -> &'static str {
    error.error_string()
}

/// For whom a certificate is.
fn names(certificate: &X509Ref) -> Vec<String> {
    let all = certificate.subject_alt_names().into_iter().flatten();
    let text = |name: openssl::x509::GeneralName| {
        let address = name.ipaddress().and_then(|bytes| match bytes.len() {
            4 => <[u8; 4]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
            _ => <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        });
        name.dnsname().map(str::to_owned).or(address)
    };
    all.filter_map(text).collect()
}

/// A name on a certificate as people read it.
fn name(name: &X509NameRef) -> String {
    let parts = name.entries().filter_map(|entry| {
        let value = entry.data().to_string().ok()?;
        Some(format!("{}={value}", entry.object().nid().short_name().ok()?))
    });
    parts.collect::<Vec<_>>().join(", ")
}

/// Asks whether SASL is wanted (`SaslHandshake`, version 1); nothing if the answer is none of Kafka's.
fn converse(stream: &mut (impl Read + Write), mechanism: &str) -> std::io::Result<Option<Sasl>> {
    let text = |text: &str| [&i16::try_from(text.len()).unwrap_or(0).to_be_bytes()[..], text.as_bytes()].concat();
    let head = [&17_i16.to_be_bytes()[..], &1_i16.to_be_bytes(), &CORRELATION.to_be_bytes()].concat();
    let question = [head, text("grapevine"), text(mechanism)].concat();
    let length = u32::try_from(question.len()).unwrap_or(0).to_be_bytes();
    stream.write_all(&[&length[..], &question].concat())?;
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > ANSWER_MAX {
        return Ok(None);
    }
    let mut answer = vec![0; length];
    stream.read_exact(&mut answer)?;
    Ok(offered(&answer))
}

/// What an answer says.
fn offered(answer: &[u8]) -> Option<Sasl> {
    let mut rest = answer.strip_prefix(&CORRELATION.to_be_bytes())?;
    let code = i16::from_be_bytes(take(&mut rest)?);
    // Not valid in the state of this connection: there is no SASL on it.
    if code == 34 {
        return Some(Sasl::None);
    }
    let mut mechanisms = Vec::new();
    for _ in 0..i32::from_be_bytes(take(&mut rest)?) {
        let length = usize::try_from(i16::from_be_bytes(take(&mut rest)?)).ok()?;
        let (name, others) = rest.split_at_checked(length)?;
        mechanisms.push(String::from_utf8_lossy(name).into_owned());
        rest = others;
    }
    Some(Sasl::Offers(mechanisms))
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (first, others) = rest.split_first_chunk()?;
    *rest = others;
    Some(*first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_says_which_mechanisms_there_are() {
        let head = CORRELATION.to_be_bytes();
        let listed = [&head[..], &[0, 33, 0, 0, 0, 2, 0, 5], b"PLAIN", &[0, 1], b"X"].concat();
        assert_eq!(offered(&listed), Some(Sasl::Offers(vec!["PLAIN".to_owned(), "X".to_owned()])));
        assert_eq!(offered(&[&head[..], &[0, 34, 0, 0, 0, 0]].concat()), Some(Sasl::None));
        for length in 0..listed.len() {
            assert_eq!(offered(&listed[..length]), None, "{length}");
        }
        assert_eq!(offered(b"HTTP/1.1 400 Bad Request"), None);
        assert_eq!(offered(&[&head[..], &[0, 0, 0, 0, 0, 1, 255, 255]].concat()), None, "a name of no length");
    }

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(host_and_port("kafka.example:9093"), ("kafka.example", 9093));
        assert_eq!(host_and_port("[::1]:9093"), ("::1", 9093));
        assert_eq!(host_and_port("kafka"), ("kafka", 9092));
    }
}
