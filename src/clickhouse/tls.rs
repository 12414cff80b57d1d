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

use crate::certificates::Files;
use crate::config;

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
        let mut roots = RootCertStore::empty();
        match &self.file {
            Some(file) => {
                let pem = std::fs::read(file).ok()?;
                roots.add_parsable_certificates(CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok));
            }
            None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
        }
        WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&self.provider)).build().ok()
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

    fn read(&self) -> Option<CertifiedKey> {
        // Only as a pair that fits.
        let files = Files::of_clickhouse(&self.config);
        if !files.flaws().is_empty() {
            return None;
        }
        let chain = CertificateDer::pem_slice_iter(files.certificate.content()?).collect::<Result<Vec<_>, _>>().ok()?;
        let key = PrivateKeyDer::from_pem_slice(files.key.content()?).ok()?;
        Some(CertifiedKey::new(chain, self.provider.key_provider.load_private_key(key).ok()?))
    }
}

impl ResolvesClientCert for Shown {
    fn resolve(&self, _root_hint_subjects: &[&[u8]], _sigschemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        if let Some(read) = self.read() {
            self.last.send_replace(Some(Arc::new(read)));
        }
        self.last.borrow().clone()
    }

    fn has_certs(&self) -> bool {
        true
    }
}
