//! TLS to the store: with the authorities of the system or with one's own, and with a certificate for this side.
//!
//! Nothing is read before the first connection by https: a machine without authorities can talk to a store without TLS.
//! The files are read again at each new connection, so that renewed ones are taken over; what cannot be read, or does not fit, counts for
//! nothing, and what was read before goes on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ::clickhouse::Client;
use hyper_util::client::legacy::Client as Http;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio::sync::watch;
use tracing::warn;

use crate::certificates::{File, Files, Flaw, Lifetime};
use crate::config::{self, Key};

/// As ClickHouse's client does by itself: a server closes what was idle for 3 s, and a dead peer is noticed.
const IDLE: Duration = Duration::from_secs(2);
const KEEPALIVE: Duration = Duration::from_secs(60);

/// A client that believes and shows what the configuration names.
pub(super) fn client(config: &config::ClickHouse) -> Client {
    let provider = Arc::new(ring::default_provider());
    let tls = ClientConfig::builder_with_provider(Arc::clone(&provider)).with_safe_default_protocol_versions();
    let believed = Believed::new(config.ca_file.clone(), Arc::clone(&provider));
    let tls = match tls {
        Ok(tls) => tls.dangerous().with_custom_certificate_verifier(Arc::new(believed)),
        Err(error) => {
            warn!(%error, "TLS to ClickHouse cannot be set up: only http:// will do");
            return Client::default();
        }
    };
    let tls = match &config.certificate_file {
        Some(_) => tls.with_client_cert_resolver(Arc::new(Shown::new(config.clone(), provider))),
        None => tls.with_no_client_auth(),
    };
    let mut connector = HttpConnector::new();
    connector.set_keepalive(Some(KEEPALIVE));
    connector.enforce_http(false);
    let connector =
        hyper_rustls::HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1().wrap_connector(connector);
    Client::with_http_client(Http::builder(TokioExecutor::new()).pool_idle_timeout(IDLE).build(connector))
}

/// What a new connection takes of the files that are named: from when until when it counts, and what is wrong with the rest.
pub(crate) fn taken(config: &config::ClickHouse) -> (Vec<(Key, Lifetime)>, Vec<Flaw>) {
    let (files, provider) = (Files::of_clickhouse(config), Arc::new(ring::default_provider()));
    let mut flaws = Vec::new();
    if files.authorities.is_named() {
        flaws.extend(named_authorities(files.authorities.clone(), &provider).err().unwrap_or_default());
    }
    if files.certificate.is_named() {
        flaws.extend(pair(&files, &provider).err().unwrap_or_default());
    }
    let is_taken = |key: Key| flaws.iter().all(|flaw| (flaw.key == files.authorities.key) != (key == files.authorities.key));
    (files.lives().into_iter().filter(|(key, _)| is_taken(*key)).collect(), flaws)
}

/// Whoever is signed by one of those in a file is believed, if all of it can be read: a half-written one is no reason to believe fewer.
fn named_authorities(authorities: File, provider: &Arc<CryptoProvider>) -> Result<Arc<WebPkiServerVerifier>, Vec<Flaw>> {
    let files = Files { authorities, ..Files::default() };
    let flaws = files.flaws();
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let pem = files.authorities.content().unwrap_or_default();
    let believed = self::authorities(CertificateDer::pem_slice_iter(pem).filter_map(Result::ok), provider);
    believed.ok_or_else(|| {
        vec![Flaw {
            key: files.authorities.key,
            problem: "holds no certificate that can be believed".to_owned(),
            cure: "name the authority that signs the server's certificate".to_owned(),
        }]
    })
}

/// A certificate with its key, if they fit each other and TLS takes them.
fn pair(files: &Files, provider: &CryptoProvider) -> Result<CertifiedKey, Vec<Flaw>> {
    let flaws: Vec<Flaw> = files.flaws().into_iter().filter(|flaw| flaw.key != files.authorities.key).collect();
    if !flaws.is_empty() {
        return Err(flaws);
    }
    let (shown, key) = (files.certificate.content().unwrap_or_default(), files.key.content().unwrap_or_default());
    let refused = |error: &dyn std::fmt::Display| {
        let (section, certificate) = files.certificate.key;
        vec![Flaw {
            key: files.key.key,
            problem: format!("is a key that TLS to ClickHouse does not take: {error}"),
            cure: format!("make another one, of 2048 bits or more or of the curve P-256, with its {section}.{certificate}"),
        }]
    };
    let chain = CertificateDer::pem_slice_iter(shown).collect::<Result<Vec<_>, _>>().map_err(|error| refused(&error))?;
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|error| refused(&error))?;
    let key = provider.key_provider.load_private_key(key).map_err(|error| refused(&error))?;
    Ok(CertifiedKey::new(chain, key))
}

/// Whoever is signed by one of these is believed; nothing if none of them can be read.
fn authorities<'a>(
    found: impl IntoIterator<Item = CertificateDer<'a>>,
    provider: &Arc<CryptoProvider>,
) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(found);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider)).build().ok()
}

/// Who signs servers.
#[derive(Debug)]
struct Believed {
    file: Option<PathBuf>,
    provider: Arc<CryptoProvider>,
    last: watch::Sender<Option<Arc<WebPkiServerVerifier>>>,
}

impl Believed {
    fn new(file: Option<PathBuf>, provider: Arc<CryptoProvider>) -> Believed {
        Believed { file, provider, last: watch::Sender::new(None) }
    }

    /// What the file says now, else what it said last.
    fn current(&self) -> Result<Arc<WebPkiServerVerifier>, Error> {
        // Those of a system do not change under a process.
        let known = self.last.borrow().clone();
        if let (None, Some(known)) = (&self.file, &known) {
            return Ok(Arc::clone(known));
        }
        match self.read() {
            Some(read) => {
                self.last.send_replace(Some(Arc::clone(&read)));
                Ok(read)
            }
            None => {
                let lacking = match self.file {
                    Some(_) => "clickhouse.ca_file holds no certificate that can be believed",
                    None => "this system has no authorities: install ca-certificates, or name some in clickhouse.ca_file",
                };
                known.ok_or_else(|| Error::General(lacking.to_owned()))
            }
        }
    }

    fn read(&self) -> Option<Arc<WebPkiServerVerifier>> {
        let Some(file) = &self.file else { return authorities(rustls_native_certs::load_native_certs().certs, &self.provider) };
        named_authorities(File::read(("clickhouse", "ca_file"), Some(file)), &self.provider).ok()
    }
}

impl ServerCertVerifier for Believed {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.current()?.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

/// What this side shows.
#[derive(Debug)]
struct Shown {
    config: config::ClickHouse,
    provider: Arc<CryptoProvider>,
    last: watch::Sender<Option<Arc<CertifiedKey>>>,
}

impl Shown {
    fn new(config: config::ClickHouse, provider: Arc<CryptoProvider>) -> Shown {
        Shown { config, provider, last: watch::Sender::new(None) }
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _sigschemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        // Only as a pair that fits.
        if let Ok(read) = pair(&Files::of_clickhouse(&self.config), &self.provider) {
            self.last.send_replace(Some(Arc::new(read)));
        }
        self.last.borrow().clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::certificates::tests::self_signed;
    use crate::config::Config;

    #[test]
    fn what_is_said_of_authorities_is_what_a_connection_makes_of_them() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let mut config = Config::load_without_key(None, std::iter::empty()).unwrap().clickhouse;
        config.ca_file = Some(file.path().to_owned());
        let believed = Believed::new(config.ca_file.clone(), Arc::new(ring::default_provider()));
        let one = String::from_utf8(self_signed(2048, 10).0.to_pem().unwrap()).unwrap();
        let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let half = &one[..one.len() / 2];
        for (held, is_well) in [
            (one.clone(), true),
            (one.repeat(2), true),
            (format!("{one}{broken}"), false),
            (format!("{broken}{one}"), false),
            (half.to_owned(), false),
            (String::new(), false),
        ] {
            std::fs::write(file.path(), &held).unwrap();
            assert_eq!((believed.read().is_some(), taken(&config).1.is_empty()), (is_well, is_well), "{held}");
        }
    }
}
