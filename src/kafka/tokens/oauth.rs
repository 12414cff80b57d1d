//! Tokens of an OAuth 2 endpoint, for the client's own credentials (RFC 6749, 4.4).
//!
//! The endpoint's answer is judged here, with a cure for each that is no token; nothing is tried again here.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{DATE, LOCATION};
use reqwest::{Certificate, Client, Response, redirect};
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc2822;
use url::{Url, form_urlencoded};

use super::claims::{self, Claims};
use crate::checkpoints::use_tls_of_the_program;
use crate::config::{self, Secret};
use crate::failure::causes;

/// How long the network may take to reach the endpoint; the whole has a deadline of its own.
const CONNECT_DEADLINE: Duration = Duration::from_secs(5);

/// An answer has a token of some kilobytes; more of it is not read.
const ANSWER_MAX: usize = 1 << 20;

/// How long a token is used of which nobody says how long it lasts.
const UNTOLD_SECONDS: i64 = 300;

/// How many characters of an answer are shown that nobody expected.
const SHOWN: usize = 200;

const SECRET: &str = "its secret (GRAPEVINE_KAFKA_OAUTH_CLIENT_SECRET or `kafka.oauth_client_secret_file`)";

/// Where tokens are given, and to whom.
pub(super) struct Endpoint {
    http: Mutex<Client>,
    authorities: Option<PathBuf>,
    url: Url,
    client: String,
    pub(super) secret: Secret,
    scope: String,
}

/// A token as the endpoint gave it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Granted {
    pub(super) token: Secret,
    /// For how many seconds, from now on.
    pub(super) lasts: i64,
    /// What it says of itself, if that can be read.
    pub(super) claims: Option<Claims>,
    /// By how many seconds the endpoint's clock is ahead of this machine's.
    pub(super) ahead: i64,
}

/// What came back.
#[derive(Debug, Default)]
struct Answer {
    status: u16,
    location: Option<String>,
    date: Option<i64>,
    body: Vec<u8>,
}

impl Endpoint {
    /// The configured one; nothing is contacted.
    pub(super) fn new(settings: &config::Kafka) -> Result<Endpoint, String> {
        let authorities = settings.oauth_ca_file.as_deref().map(authorities).transpose()?;
        Ok(Endpoint {
            http: http(authorities).map(Mutex::new).map_err(|error| {
                format!(
                    "the HTTP client cannot be made: {}; see `kafka.oauth_ca_file`, or this system's authorities",
                    causes(&error)
                )
            })?,
            authorities: settings.oauth_ca_file.clone(),
            url: Url::parse(&settings.oauth_token_url).map_err(|error| format!("`kafka.oauth_token_url` is no URL: {error}"))?,
            client: settings.oauth_client_id.clone(),
            secret: settings.oauth_client_secret.clone(),
            scope: settings.oauth_scope.clone(),
        })
    }

    /// Asks for a token. `now` is asked when the answer is there, in seconds since 1970.
    pub(super) async fn ask(&self, now: impl Fn() -> i64) -> Result<Granted, String> {
        let answer = match self.post().await {
            Ok(answer) => judge(&answer, now()),
            Err(error) => Err(unreachable(&causes(&error.without_url()))),
        };
        // What stands behind a question mark may be a secret.
        let mut address = self.url.clone();
        address.set_query(None);
        answer.map_err(|problem| format!("no token from `kafka.oauth_token_url` ({address}): {problem}"))
    }

    /// A client that believes the authorities of the file as it is now; where it is no good, those before go on.
    fn http(&self) -> Client {
        let renewed = self.authorities.as_deref().and_then(|file| authorities(file).ok());
        // One assignment: a panic in between leaves nothing half done.
        let mut last = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(renewed)) = renewed.map(|authorities| http(Some(authorities))) {
            *last = renewed;
        }
        last.clone()
    }

    async fn post(&self) -> Result<Answer, reqwest::Error> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "client_credentials");
        if !self.scope.is_empty() {
            form.append_pair("scope", &self.scope);
        }
        // As Kafka's own clients do it: not encoded any further.
        let request = self.http().post(self.url.clone()).basic_auth(&self.client, Some(&self.secret.0));
        let request = request.header("content-type", "application/x-www-form-urlencoded").header("accept", "application/json");
        let mut response = request.body(form.finish()).send().await?;
        let text =
            |response: &Response, name| response.headers().get(name).and_then(|value| Some(value.to_str().ok()?.to_owned()));
        let date = text(&response, DATE).and_then(|date| OffsetDateTime::parse(&date, &Rfc2822).ok());
        let mut answer = Answer {
            status: response.status().as_u16(),
            location: text(&response, LOCATION),
            date: date.map(OffsetDateTime::unix_timestamp),
            body: Vec::new(),
        };
        while let Some(chunk) = response.chunk().await? {
            answer.body.extend(&chunk);
            if answer.body.len() > ANSWER_MAX {
                break;
            }
        }
        Ok(answer)
    }
}

/// A client that believes these authorities, or those of the system.
fn http(authorities: Option<Vec<Certificate>>) -> Result<Client, reqwest::Error> {
    use_tls_of_the_program();
    // The secret goes nowhere else than where it is meant to go.
    let http = Client::builder().redirect(redirect::Policy::none()).connect_timeout(CONNECT_DEADLINE);
    match authorities {
        Some(authorities) => http.tls_certs_only(authorities).build(),
        None => http.build(),
    }
}

/// What `kafka.oauth_ca_file` names.
fn authorities(file: &Path) -> Result<Vec<Certificate>, String> {
    let wrong = |problem: String| format!("`kafka.oauth_ca_file` ({}) {problem}: name a PEM file of authorities", file.display());
    let text = std::fs::read(file).map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let found = Certificate::from_pem_bundle(&text).map_err(|error| wrong(format!("is damaged: {}", causes(&error))))?;
    if found.is_empty() { Err(wrong("holds no certificate".to_owned())) } else { Ok(found) }
}

/// What the endpoint gave.
fn judge(answer: &Answer, now: i64) -> Result<Granted, String> {
    let said: Option<Value> = serde_json::from_slice(&answer.body).ok();
    let text = |name: &str| said.as_ref().and_then(|said| said.get(name)?.as_str());
    if answer.status != 200 {
        return Err(refusal(answer, text("error"), text("error_description")));
    }
    let Some(token) = text("access_token").filter(|token| !token.is_empty()) else {
        return Err(format!("the answer holds no access_token ({}); correct the address", fields(said.as_ref())));
    };
    if let Some(kind) = text("token_type").filter(|kind| !kind.eq_ignore_ascii_case("bearer")) {
        return Err(format!(
            "the token's type is {kind:?}, and brokers take Bearer alone; the endpoint must give this client such ones"
        ));
    }
    if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("the token holds characters that no token has; mend the endpoint".to_owned());
    }
    let claims = Claims::of(token);
    // Both ends of the token's life are the issuer's, so its clock says how much is left; brokers judge by theirs.
    let issuers = answer.date.unwrap_or(now);
    let left = claims.as_ref().and_then(|claims| claims.expires).map(|expires| expires.saturating_sub(issuers));
    let told = said.as_ref().and_then(|said| claims::seconds(said.get("expires_in")?));
    let lasts = left.into_iter().chain(told).min().unwrap_or(UNTOLD_SECONDS);
    if lasts <= 0 {
        let clock = if answer.date.is_some() { "the endpoint's own clock" } else { "this machine's clock" };
        return Err(format!(
            "the token had expired {} s before it was given, by {clock}; mend the endpoint",
            lasts.saturating_neg()
        ));
    }
    Ok(Granted { token: Secret(token.to_owned()), lasts, claims, ahead: issuers.saturating_sub(now) })
}

/// Why an endpoint gives no token, and what to do. Errors by name: RFC 6749, 5.2.
fn refusal(answer: &Answer, error: Option<&str>, description: Option<&str>) -> String {
    let said = match (error, description) {
        (Some(error), Some(description)) => format!("{} {error}, {description:?}", answer.status),
        (Some(error), None) => format!("{} {error}", answer.status),
        _ => shown(answer),
    };
    let cure = match (error, answer.status) {
        (Some("invalid_client"), _) | (None, 401) => {
            format!("set `kafka.oauth_client_id` and {SECRET} as the endpoint knows them")
        }
        (Some("invalid_scope"), _) => "set `kafka.oauth_scope` to one that this client may ask for".to_owned(),
        (Some("unauthorized_client" | "unsupported_grant_type"), _) => {
            "the endpoint must allow the client of `kafka.oauth_client_id` the grant client_credentials".to_owned()
        }
        (_, 300..=399) => {
            let place = answer.location.as_deref().unwrap_or("somewhere else");
            format!("it sends to {place:?}, where the secret does not go by itself; write the address at which tokens are given")
        }
        (_, 404 | 405) => "no tokens are given at this address; correct it".to_owned(),
        (_, 429 | 500..=599) => "the endpoint is in trouble; look there".to_owned(),
        _ => "look there why, and compare `kafka.oauth_client_id`, `kafka.oauth_scope` and the secret".to_owned(),
    };
    format!("it answers {said}; {cure}")
}

/// Why nobody answered, and what to do.
fn unreachable(error: &str) -> String {
    let cure = if error.contains("InvalidContentType") || error.contains("tls handshake eof") {
        "there is no TLS at this port; write http, or another port"
    } else if error.contains("UnknownIssuer") {
        "name the authority of its certificate in `kafka.oauth_ca_file`"
    } else if error.contains("NotValidForName") {
        "write the host that its certificate names"
    } else if error.contains("Expired") || error.contains("NotValidYet") {
        "its certificate must be renewed, or this machine's clock set right"
    } else {
        "look whether it runs, and whether this machine reaches it"
    };
    format!("{error}; {cure}")
}

/// What an answer that is no refusal is made of, but not what it says: it may be a token under another name.
fn fields(said: Option<&Value>) -> String {
    match said.and_then(Value::as_object) {
        Some(fields) => format!("it has {:?}", fields.keys().map(String::as_str).collect::<Vec<_>>()),
        None => "it is no JSON object".to_owned(),
    }
}

/// An answer that is none, on one line.
fn shown(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control()).take(SHOWN).collect();
    format!("{} {line:?}", answer.status)
}

#[cfg(test)]
mod tests {
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;

    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use openssl::pkey::{PKey, Private};
    use openssl::ssl::{SslAcceptor, SslMethod};
    use openssl::x509::X509;
    use proptest::prelude::*;

    use super::*;
    use crate::certificates::tests::self_signed;
    use crate::config::Config;

    const NOW: i64 = 1_796_005_800;

    fn answer(status: u16, body: &str) -> Answer {
        Answer { status, body: body.as_bytes().to_vec(), ..Answer::default() }
    }

    fn jwt(expires: i64) -> String {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.c2ln", part(r#"{"alg":"RS256","kid":"k"}"#), part(&format!(r#"{{"iss":"i","exp":{expires}}}"#)))
    }

    fn granted(expires: i64, more: &str) -> Answer {
        answer(200, &format!(r#"{{"access_token":"{}","token_type":"Bearer"{more}}}"#, jwt(expires)))
    }

    fn lasts(answer: &Answer) -> i64 {
        judge(answer, NOW).unwrap().lasts
    }

    #[test]
    fn a_token_lasts_as_long_as_both_its_own_claim_and_the_answer_say() {
        assert_eq!(lasts(&granted(NOW + 60, "")), 60);
        assert_eq!(lasts(&granted(NOW + 60, r#","expires_in":40"#)), 40);
        assert_eq!(lasts(&granted(NOW + 60, r#","expires_in":"3599""#)), 60);
        assert_eq!(lasts(&answer(200, r#"{"access_token":"opaque","expires_in":7}"#)), 7);
        assert_eq!(lasts(&answer(200, r#"{"access_token":"opaque"}"#)), UNTOLD_SECONDS);
        assert_eq!(lasts(&answer(200, r#"{"access_token":"opaque","expires_in":1e300}"#)), 1_000_000_000_000);
    }

    #[test]
    fn a_wrong_clock_of_this_machine_shortens_no_token() {
        for wrong in [-7200, -60, 60, 7200] {
            let answer = Answer { date: Some(NOW), ..granted(NOW + 300, "") };
            let granted = judge(&answer, NOW + wrong).unwrap();
            assert_eq!((granted.lasts, granted.ahead), (300, -wrong));
        }
    }

    #[test]
    fn an_expired_token_is_told_before_a_broker_sees_it() {
        let by_its_own = judge(&Answer { date: Some(NOW), ..granted(NOW - 9, r#","expires_in":300"#) }, NOW).unwrap_err();
        assert!(by_its_own.contains("expired 9 s before it was given, by the endpoint's own clock"), "{by_its_own}");
        let by_ours = judge(&granted(NOW, ""), NOW).unwrap_err();
        assert!(by_ours.contains("expired 0 s before it was given, by this machine's clock"), "{by_ours}");
        assert!(judge(&answer(200, r#"{"access_token":"opaque","expires_in":-1}"#), NOW).is_err());
    }

    #[test]
    fn every_answer_that_is_no_token_names_a_key_or_the_endpoint() {
        for (status, body, expected) in [
            (
                401,
                r#"{"error":"invalid_client","error_description":"bad secret"}"#,
                "401 invalid_client, \"bad secret\"; set `kafka.oauth_client_id` and its secret",
            ),
            (400, r#"{"error":"invalid_client"}"#, "400 invalid_client; set `kafka.oauth_client_id`"),
            (401, "", "401 \"\"; set `kafka.oauth_client_id`"),
            (400, r#"{"error":"invalid_scope"}"#, "set `kafka.oauth_scope`"),
            (400, r#"{"error":"unauthorized_client"}"#, "must allow the client of `kafka.oauth_client_id` the grant"),
            (404, "<html>\n no\tsuch page</html>", "404 \"<html> no such page</html>\"; no tokens are given at this address"),
            (503, "busy", "503 \"busy\"; the endpoint is in trouble"),
            (403, "{}", "403 \"{}\"; look there why"),
        ] {
            let said = judge(&answer(status, body), NOW).unwrap_err();
            assert!(said.contains(expected), "{said}");
        }
        for body in ["<html>", "[]", "7", "{}", r#"{"access_token":""}"#, r#"{"access_token":7}"#, ""] {
            assert!(judge(&answer(200, body), NOW).unwrap_err().contains("holds no access_token"), "{body}");
        }
        let other = judge(&answer(200, r#"{"accessToken":"hidden","scope":"all"}"#), NOW).unwrap_err();
        assert!(other.contains("accessToken") && !other.contains("hidden"), "{other}");
        assert!(judge(&answer(200, r#"{"access_token":"a","token_type":"DPoP"}"#), NOW).unwrap_err().contains("\"DPoP\""));
        for hostile in ["a b", "a\\u0000b", "a\\nb", "\u{e9}"] {
            let said = judge(&answer(200, &format!(r#"{{"access_token":"{hostile}"}}"#)), NOW).unwrap_err();
            assert!(said.contains("characters that no token has"), "{said}");
        }
        let elsewhere = Answer { location: Some("https://b".to_owned()), ..answer(302, "") };
        assert!(judge(&elsewhere, NOW).unwrap_err().contains("it sends to \"https://b\""));
    }

    proptest! {
        #[test]
        fn no_answer_breaks_the_judge(status in 0_u16..1000, body: Vec<u8>, date: Option<i64>, now: i64, expires: i64) {
            let told = judge(&Answer { status, location: None, date, body }, now);
            prop_assert!(status == 200 || told.is_err());
            let told = judge(&Answer { date, ..granted(expires, "") }, now);
            prop_assert!(told.is_err() || told.unwrap().lasts > 0);
        }
    }

    /// Where an endpoint with this certificate gives tokens.
    fn endpoint((certificate, key): &(X509, PKey<Private>)) -> String {
        let mut acceptor = SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).unwrap();
        acceptor.set_certificate(certificate).unwrap();
        acceptor.set_private_key(key).unwrap();
        let (acceptor, listener) = (acceptor.build(), TcpListener::bind("127.0.0.1:0").unwrap());
        let url = format!("https://{}/token", listener.local_addr().unwrap());
        let body = String::from_utf8(granted(NOW + 600, "").body).unwrap();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = acceptor.accept(stream.unwrap()) else { continue };
                let (mut asked, mut part) = (Vec::new(), [0; 1024]);
                while !String::from_utf8_lossy(&asked).contains("grant_type=") {
                    match stream.read(&mut part) {
                        Ok(1..) => asked.extend(part),
                        _ => break,
                    }
                }
                let length = body.len();
                let told = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
                told.unwrap();
                drop(stream.shutdown());
            }
        });
        url
    }

    #[tokio::test]
    async fn renewed_authorities_are_believed_and_damaged_ones_count_for_nothing() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (others, ours) = (self_signed(2048, 10), self_signed(2048, 10));
        let hold = |held: &[u8]| std::fs::write(file.path(), held).unwrap();
        let mut settings = Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
        settings.oauth_ca_file = Some(file.path().to_owned());
        settings.oauth_token_url = endpoint(&ours);
        hold(&others.0.to_pem().unwrap());
        let asked = Endpoint::new(&settings).unwrap();
        let refused = asked.ask(|| NOW).await.unwrap_err();
        assert!(refused.contains("invalid peer certificate"), "{refused}");
        hold(&ours.0.to_pem().unwrap());
        assert_eq!(asked.ask(|| NOW).await.unwrap().lasts, 600);
        hold(b"no certificate");
        assert_eq!(asked.ask(|| NOW).await.unwrap().lasts, 600, "those before go on");
    }
}
