//! Who gives tokens in the tests: an endpoint on loopback with keys of its own, which can be told to go wrong.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::rsa::{KeyPair, PublicKeyComponents};
use ring::signature::RSA_PKCS1_SHA256;
use serde_json::json;

use crate::apache_kafka::broker::process::succeeded;

/// Who may ask, and by which secret.
pub(crate) const CLIENT: &str = "worker";
pub(crate) const SECRET: &str = "the client's: 50%";

/// What brokers have to be told to want.
pub(crate) const ISSUER: &str = "http://issuer.test";
pub(crate) const AUDIENCE: &str = "kafka";

/// What the endpoint gives.
#[derive(Clone)]
pub(crate) struct Grant {
    pub(crate) issuer: &'static str,
    pub(crate) audience: &'static str,
    pub(crate) subject: &'static str,
    /// For how many seconds brokers take the token, and for how many it is said to last.
    pub(crate) lasts: i64,
    pub(crate) said_to_last: i64,
    /// Signed by a key that nobody knows.
    pub(crate) foreign: bool,
    /// Nothing but this status.
    pub(crate) status: u16,
    /// Before anything is said.
    pub(crate) delay: Duration,
}

impl Default for Grant {
    fn default() -> Grant {
        Grant {
            issuer: ISSUER,
            audience: AUDIENCE,
            subject: CLIENT,
            lasts: 300,
            said_to_last: 300,
            foreign: false,
            status: 200,
            delay: Duration::ZERO,
        }
    }
}

/// The endpoint. It answers until this process ends.
pub(crate) struct Issuer {
    address: SocketAddr,
    gives: Arc<Mutex<Grant>>,
    given: Arc<AtomicUsize>,
}

/// The keys of every issuer: the one that brokers know, and a foreign one.
pub(crate) struct Keys([KeyPair; 2]);

impl Keys {
    pub(crate) fn new() -> Arc<Keys> {
        let make = || {
            let made = "openssl genpkey -algorithm RSA 2> /dev/null | openssl pkcs8 -topk8 -nocrypt -outform DER";
            KeyPair::from_pkcs8(&succeeded(Command::new("sh").args(["-c", made]).output().unwrap()).stdout).unwrap()
        };
        Arc::new(Keys([make(), make()]))
    }

    /// The key set that brokers read (RFC 7517).
    pub(crate) fn set(&self) -> String {
        let PublicKeyComponents { n, e } = PublicKeyComponents::<Vec<u8>>::from(self.0[0].public());
        let number = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        json!({"keys": [{"kty": "RSA", "use": "sig", "alg": "RS256", "kid": "known", "n": number(&n), "e": number(&e)}]})
            .to_string()
    }

    fn token(&self, grant: &Grant) -> String {
        let now = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()).unwrap();
        let header = json!({"alg": "RS256", "typ": "JWT", "kid": "known"});
        let body = json!({"iss": grant.issuer, "aud": grant.audience, "sub": grant.subject, "scope": "read", "iat": now - 1,
            "exp": now + grant.lasts});
        let text = [header, body].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
        let key = &self.0[usize::from(grant.foreign)];
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text.as_bytes(), &mut signature).unwrap();
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }
}

impl Issuer {
    pub(crate) fn start(keys: &Arc<Keys>, grant: Grant) -> Issuer {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (gives, given) = (Arc::new(Mutex::new(grant)), Arc::new(AtomicUsize::new(0)));
        let (keys, known, count) = (Arc::clone(keys), Arc::clone(&gives), Arc::clone(&given));
        std::thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let grant: Grant = known.lock().unwrap().clone();
                // A client that goes away has had enough.
                if answer(client, &keys, &grant).is_ok_and(|gave| gave) {
                    count.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        Issuer { address, gives, given }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    pub(crate) fn gives(&self, grant: Grant) {
        *self.gives.lock().unwrap() = grant;
    }

    /// How many tokens were given.
    pub(crate) fn given(&self) -> usize {
        self.given.load(Ordering::Relaxed)
    }
}

/// Reads a request and answers it; says whether a token was given.
fn answer(mut client: TcpStream, keys: &Keys, grant: &Grant) -> std::io::Result<bool> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(false);
        }
    }
    let of_header = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
    let mut form = vec![0; of_header("content-length:").unwrap().parse().unwrap()];
    reader.read_exact(&mut form)?;
    std::thread::sleep(grant.delay);
    let asks = String::from_utf8_lossy(&form) == "grant_type=client_credentials&scope=read+write";
    let is_known = of_header("authorization: Basic ") == Some(&*STANDARD.encode(format!("{CLIENT}:{SECRET}")));
    let (status, body) = match grant.status {
        _ if !head.starts_with("POST /token ") || !asks => (400, json!({"error": "invalid_request"})),
        _ if !is_known => (401, json!({"error": "invalid_client", "error_description": "who are you?"})),
        200 => (200, json!({"access_token": keys.token(grant), "token_type": "Bearer", "expires_in": grant.said_to_last})),
        status => (status, json!({})),
    };
    let body = body.to_string();
    write!(client, "HTTP/1.1 {status} .\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len())?;
    Ok(status == 200)
}
