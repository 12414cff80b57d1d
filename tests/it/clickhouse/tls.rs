//! A store behind TLS with an authority of its own, which wants to see a certificate: the worker's, and renewed ones.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use grapevine::clickhouse::{client, reach};
use grapevine::config::ClickHouse;
use grapevine::failure::Failure;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;

use crate::apache_kafka::make_certificates;
use crate::store::Database;

/// What the server shows and believes now.
fn server(folder: &Path) -> ServerConfig {
    let provider = Arc::new(ring::default_provider());
    let read = |name: &str| CertificateDer::pem_file_iter(folder.join(name)).unwrap().collect::<Result<Vec<_>, _>>().unwrap();
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(read("ca.pem"));
    let clients = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider)).build().unwrap();
    let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).unwrap();
    config.with_client_cert_verifier(clients).with_single_cert(read("server.pem"), key).unwrap()
}

/// TLS in front of a store. Every connection reads the folder anew; all of them end when `cut` changes.
async fn front(folder: PathBuf, store: String) -> (SocketAddr, watch::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (cut, ended) = watch::channel(());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = TlsAcceptor::from(Arc::new(server(&folder)));
            let (store, mut ended) = (store.clone(), ended.clone());
            // What was cut before it began is none of its business.
            ended.mark_unchanged();
            tokio::spawn(async move {
                let Ok(mut encrypted) = acceptor.accept(stream).await else { return };
                let mut plain = TcpStream::connect(&store).await.unwrap();
                tokio::select! {
                    _ = copy_bidirectional(&mut encrypted, &mut plain) => {}
                    _ = ended.changed() => {}
                }
            });
        }
    });
    (address, cut)
}

/// An authority, a server of it and a client, in a folder.
fn authority(folder: &Path, name: &str) {
    make_certificates(folder, &["authority", name], &[]);
    make_certificates(folder, &["server", "server", "IP:127.0.0.1"], &[]);
    make_certificates(folder, &["client", "worker"], &[]);
}

/// Puts another authority in the place of what a folder shows, as a swapped link does.
fn swap(link: &Path, to: &Path) {
    let next = link.with_extension("next");
    std::os::unix::fs::symlink(to, &next).unwrap();
    std::fs::rename(next, link).unwrap();
}

#[tokio::test]
async fn a_store_behind_tls_is_believed_by_its_own_authority_sees_a_certificate_and_renewals_are_taken_over() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for name in ["one", "two"] {
        authority(&at(name), name);
    }
    let (ours, theirs) = (at("ours"), at("theirs"));
    swap(&ours, &at("one"));
    swap(&theirs, &at("one"));
    let database = Database::absent("behind_tls");
    let plain = database.config.clone();
    let store = plain.urls[0].trim_start_matches("http://").to_owned();
    let (address, cut) = front(theirs.clone(), store).await;
    let url = format!("https://{address}");
    let patience = Duration::from_secs(60);
    let unaware = ClickHouse { urls: vec![url.clone()], ..plain };
    let bare = ClickHouse { ca_file: Some(ours.join("ca.pem")), ..unaware.clone() };
    let config =
        ClickHouse { certificate_file: Some(ours.join("worker.pem")), key_file: Some(ours.join("worker.key")), ..bare.clone() };
    let said = async |config: &ClickHouse| match reach(&client(config, &url), patience).await {
        Err(Failure::Transient(text)) => text,
        other => panic!("{other:?}"),
    };
    let text = said(&unaware).await;
    assert!(text.contains("name in clickhouse.ca_file the authority"), "{text}");
    let text = said(&bare).await;
    assert!(text.contains("clickhouse.certificate_file"), "{text}");
    // A client that finds a connection cut says so once.
    let well = async |client: &clickhouse::Client| {
        for _ in 0..100 {
            match reach(client, patience).await {
                Ok(()) => return,
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            }
        }
        reach(client, patience).await.unwrap();
    };
    let running = client(&config, &url);
    well(&running).await;

    // The server has another authority now, and this side not yet.
    swap(&theirs, &at("two"));
    cut.send_replace(());
    let text = said(&config).await;
    assert!(text.contains("name in clickhouse.ca_file the authority"), "{text}");
    swap(&ours, &at("two"));
    well(&running).await;

    // A pair that does not fit: the last one that did goes on.
    std::fs::copy(at("one").join("worker.key"), at("two").join("worker.key")).unwrap();
    cut.send_replace(());
    well(&running).await;
}

/// As in an image without certificates: a store without TLS is a store all the same, and one with it is told what is missing.
#[tokio::test]
async fn a_system_without_authorities_ends_nothing() {
    let store = Database::absent("tls_without_authorities");
    let migrate = |url: String| {
        let mut command = crate::demo::grapevine();
        command.arg("migrate").env("SSL_CERT_FILE", "/nonexistent").env("SSL_CERT_DIR", "/nonexistent");
        command.env("GRAPEVINE_CLICKHOUSE_URLS", url).env("GRAPEVINE_CLICKHOUSE_DATABASE", "tls_without_authorities_more");
        command.env("GRAPEVINE_RULES_PSEUDONYM_KEY", "a key for tests only");
        tokio::task::spawn_blocking(move || command.output().unwrap())
    };
    let plain = migrate(store.config.urls[0].clone()).await.unwrap();
    assert!(plain.status.success(), "{}", String::from_utf8_lossy(&plain.stderr));
    let folder = tempfile::tempdir().unwrap();
    authority(folder.path(), "one");
    let (address, _cut) = front(folder.path().to_owned(), store.config.urls[0].trim_start_matches("http://").to_owned()).await;
    let encrypted = migrate(format!("https://{address}")).await.unwrap();
    let said = String::from_utf8_lossy(&encrypted.stderr);
    assert_eq!(encrypted.status.code(), Some(1), "{said}");
    assert!(said.contains("this system has no authorities"), "{said}");
    assert!(!said.contains("panicked"), "{said}");
}
