//! Tokens: what a worker shows to brokers that want no password (OAUTHBEARER), or its signature (IAM of Amazon MSK, on the same wire).
//!
//! One thread of the process fetches them and fetches the next one in time, so that no loop ever waits for somebody else's endpoint; each
//! client is given the newest whenever it is polled. The client's own request for one (rdkafka's `generate_oauth_token`) stays
//! without an answer: it comes when there cannot be a token yet, its answer has no room for extensions, and clients that nobody
//! polls never make it.

mod claims;
mod client;
mod msk;
mod oauth;
mod refusal;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use object_store::aws::{AmazonS3Builder, AwsCredential, AwsCredentialProvider};
use object_store::{BackoffConfig, RetryConfig};
use rdkafka::client::{Client, ClientContext};
use time::OffsetDateTime;
use tokio::sync::watch;
use tracing::{debug, info, warn};

use crate::backoff::Backoff;
use crate::certificates::Lifetime;
use crate::checkpoints::{self, use_tls_of_the_program};
use crate::config::{self, Secret};
use crate::failure::Failure;

use super::Renewals;
use claims::Claims;
use oauth::Endpoint;

/// How long whoever gives tokens, or credentials, may take.
pub const DEADLINE: Duration = Duration::from_secs(10);

/// The waits between attempts. A token is fetched anew long before it ends, so there is time for many of them.
const BACKOFF: Backoff = Backoff { min: Duration::from_secs(1), max: Duration::from_secs(30) };

/// A token is fetched anew when this part of its life is over: before the client would ask for it (four fifths), and before brokers want
/// to see another one (nine tenths of what they allow a connection, which is never more than the token's life).
const RENEW_AFTER: f64 = 0.7;

/// The shortest wait between two tokens, for those that hardly last.
const RENEW_MIN: Duration = Duration::from_secs(1);

/// How long one signature is used, of the 900 s that brokers would take it: credentials that are handed out last 5 minutes or more.
const SIGNATURE_SECONDS: i64 = 300;

/// What a client says where brokers did not take its token: those that answer a request, and those of old.
const REFUSED: [&str; 2] = ["SASL authentication error", "SASL OAUTHBEARER authentication failed"];

/// How long a refusal counts: the client tries again all the time, and repeats what stays the same after 30 s.
const REFUSED_FOR: Duration = Duration::from_secs(45);

/// How often somebody looks who waits for the first token.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Something that proves who this worker is.
struct Token {
    value: String,
    /// What the client calls its user in its own messages; brokers have their name for it.
    principal: String,
    /// When it came and when it ends, in milliseconds since 1970 by this machine's clock.
    given: i64,
    expires: i64,
    extensions: Vec<(String, String)>,
    origin: Origin,
}

/// Where a token comes from.
enum Origin {
    /// An endpoint: what the token says of itself, and by how many seconds the endpoint's clock is ahead.
    Endpoint(Option<Claims>, i64),
    /// A signature: by which access key, for which region.
    Signature { key: String, region: String },
}

/// The newest token, and why there is no newer one.
#[derive(Clone, Default)]
struct Held {
    token: Option<Arc<Token>>,
    problem: Option<String>,
}

/// The tokens of one configuration, as one client sees them; a clone is for another client. The thread ends with the last of them.
pub struct Tokens {
    /// Nothing where brokers are shown none.
    newest: Option<watch::Receiver<Held>>,
    given: Mutex<Option<Arc<Token>>>,
    /// What was known when brokers refused one last, and when that was. Of all clients.
    refused: Arc<Mutex<Option<(String, Instant)>>>,
}

impl Clone for Tokens {
    fn clone(&self) -> Tokens {
        Tokens { newest: self.newest.clone(), given: Mutex::default(), refused: Arc::clone(&self.refused) }
    }
}

impl Tokens {
    /// Begins to fetch tokens, where the configuration asks for such.
    ///
    /// # Errors
    /// [`Failure::Operator`] when nobody can be asked with what is configured, or the system refuses a thread.
    pub fn start(settings: &config::Kafka) -> Result<Tokens, Failure> {
        Tokens::following(&watch::channel(Arc::new(settings.clone())).1)
    }

    /// The same, with the newest secret of settings that are renewed.
    ///
    /// # Errors
    /// As [`Tokens::start`].
    pub fn following(renewals: &Renewals) -> Result<Tokens, Failure> {
        let Some(provider) = Provider::of(&renewals.borrow()).map_err(Failure::Operator)? else {
            return Ok(Tokens::new(None));
        };
        let renewals = renewals.clone();
        let refused = |error| Failure::Operator(format!("could not start a thread that fetches tokens: {error}"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(refused)?;
        let (tell, newest) = watch::channel(Held::default());
        let fetch = move || {
            runtime.block_on(async {
                tokio::select! {
                    () = tell.closed() => {}
                    () = follow(provider, renewals, &tell) => {}
                }
            });
            // Reading a file of credentials may hang.
            runtime.shutdown_background();
        };
        thread::Builder::new().name("kafka-tokens".to_owned()).spawn(fetch).map_err(refused)?;
        Ok(Tokens::new(Some(newest)))
    }

    fn new(newest: Option<watch::Receiver<Held>>) -> Tokens {
        Tokens { newest, given: Mutex::default(), refused: Arc::default() }
    }

    /// Gives the client the newest token, unless it has it.
    pub(crate) fn give<C: ClientContext>(&self, client: &Client<C>) {
        let Some(token) = self.newest.as_ref().and_then(|newest| newest.borrow().token.clone()) else { return };
        // One assignment: a panic in between leaves nothing half done.
        let mut given = self.given.lock().unwrap_or_else(PoisonError::into_inner);
        if given.as_ref().is_some_and(|given| Arc::ptr_eq(given, &token)) {
            return;
        }
        if let Err(problem) = client::give(client, &token) {
            warn!("the Kafka client does not take the token: {problem}");
        }
        *given = Some(token);
    }

    /// Waits for the first token, and blocks: for whoever asks the brokers something once.
    ///
    /// # Errors
    /// Why there is none.
    pub(crate) fn wait(&self) -> Result<(), String> {
        let until = Instant::now() + DEADLINE + DEADLINE;
        let Some(newest) = &self.newest else { return Ok(()) };
        loop {
            let Held { token, problem } = newest.borrow().clone();
            match problem {
                _ if token.is_some() => return Ok(()),
                Some(problem) => return Err(problem),
                None if Instant::now() >= until => return Err("no token in time".to_owned()),
                None => thread::sleep(LOOK_EVERY),
            }
        }
    }

    /// From when until when the newest token counts, by this machine's clock; nothing before the first.
    pub(crate) fn life(&self) -> Option<Lifetime> {
        let token = self.newest.as_ref()?.borrow().token.clone()?;
        Some(Lifetime { from: token.given / 1000, until: token.expires / 1000 })
    }

    /// Why nobody can be shown anything that is worth something: there is no token, or brokers have refused it.
    pub(crate) fn trouble(&self) -> Option<String> {
        let newest = self.newest.as_ref()?.borrow();
        let is_good = newest.token.as_ref().is_some_and(|token| token.expires > millis());
        let refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let refused = refused.as_ref().filter(|(_, at)| at.elapsed() < REFUSED_FOR).map(|(text, _)| text.clone());
        newest.problem.clone().filter(|_| !is_good).or(refused)
    }

    /// What is known of the token, where a client says that brokers have refused it: they do not say more.
    pub(crate) fn refusal(&self, said: &str) -> Option<String> {
        let Held { token, problem } = self.newest.as_ref()?.borrow().clone();
        let token = token.filter(|_| REFUSED.iter().any(|words| said.contains(words)))?;
        let known = refusal::explain(&token.origin, (token.expires - millis()) / 1000);
        let newer = problem.map_or_else(String::new, |problem| format!(". No newer one came: {problem}"));
        let text = format!("{said}: {known}{newer}");
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = Some((text.clone(), Instant::now()));
        Some(text)
    }

    /// Brokers have let a client in.
    pub(crate) fn accepted(&self) {
        *self.refused.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

/// Who gives tokens.
enum Provider {
    Endpoint { endpoint: Box<Endpoint>, principal: String, extensions: Vec<(String, String)> },
    Aws { credentials: AwsCredentialProvider, region: String },
}

impl Provider {
    fn of(settings: &config::Kafka) -> Result<Option<Provider>, String> {
        match settings.sasl_mechanism.as_str() {
            _ if !settings.shows_tokens() => Ok(None),
            "OAUTHBEARER" => Ok(Some(Provider::Endpoint {
                endpoint: Box::new(Endpoint::new(settings)?),
                principal: settings.oauth_client_id.clone(),
                extensions: settings.oauth_extensions.clone(),
            })),
            "AWS_MSK_IAM" => {
                let region = settings.aws_region.clone();
                Ok(Some(Provider::Aws { credentials: aws_credentials(&region)?, region }))
            }
            _ => Ok(None),
        }
    }

    async fn token(&self) -> Result<Token, String> {
        match self {
            Provider::Endpoint { endpoint, principal, extensions } => {
                let granted = endpoint.ask(|| millis() / 1000).await?;
                Ok(Token {
                    value: granted.token.0,
                    principal: principal.clone(),
                    given: millis(),
                    expires: ends(granted.lasts),
                    extensions: extensions.clone(),
                    origin: Origin::Endpoint(granted.claims, granted.ahead),
                })
            }
            Provider::Aws { credentials, region } => {
                let credential =
                    credentials.get_credential().await.map_err(|error| no_credentials(&checkpoints::reason(&error)))?;
                Ok(signature(&credential, region))
            }
        }
    }

    fn secret(&mut self) -> Option<&mut Secret> {
        match self {
            Provider::Endpoint { endpoint, .. } => Some(&mut endpoint.secret),
            Provider::Aws { .. } => None,
        }
    }

    /// What to say where nothing came in time.
    fn silence(&self) -> String {
        match self {
            Provider::Endpoint { .. } => {
                format!(
                    "`kafka.oauth_token_url` gave no token within {DEADLINE:?}; look whether it runs, and whether this machine reaches it"
                )
            }
            Provider::Aws { .. } => no_credentials(&format!("no answer within {DEADLINE:?}")),
        }
    }
}

fn no_credentials(why: &str) -> String {
    format!("nothing to sign with (`kafka.sasl_mechanism` = \"AWS_MSK_IAM\"): {why}; give this process a role of AWS, or a key")
}

/// The credentials that this process has with AWS, found as those of the object store are.
fn aws_credentials(region: &str) -> Result<AwsCredentialProvider, String> {
    use_tls_of_the_program();
    let retry = RetryConfig { backoff: BackoffConfig::default(), max_retries: 1, retry_timeout: DEADLINE };
    // Only a store gives its provider away; this one is never asked for anything.
    let store = AmazonS3Builder::from_env().with_region(region).with_bucket_name("none").with_retry(retry).build();
    store.map(|store| Arc::clone(store.credentials())).map_err(|error| no_credentials(&checkpoints::reason(&error)))
}

fn signature(credential: &AwsCredential, region: &str) -> Token {
    let agent = concat!("grapevine/", env!("CARGO_PKG_VERSION"));
    Token {
        value: msk::token(credential, region, agent, OffsetDateTime::now_utc()),
        principal: "AWS_MSK_IAM".to_owned(),
        given: millis(),
        expires: ends(SIGNATURE_SECONDS),
        extensions: Vec::new(),
        origin: Origin::Signature { key: credential.key_id.clone(), region: region.to_owned() },
    }
}

/// Fetches tokens by the newest secret, until it is dropped.
async fn follow(mut provider: Provider, mut renewals: Renewals, tell: &watch::Sender<Held>) {
    loop {
        let used = provider.secret().map(|secret| secret.clone());
        let newest = tokio::select! {
            () = renew(&provider, tell) => return,
            // Where nobody renews anything, the first of them goes on for ever.
            Ok(newest) = renewals.wait_for(|newest| used.as_ref().is_some_and(|used| newest.oauth_client_secret != *used)) => {
                newest.oauth_client_secret.clone()
            }
        };
        info!("the secret of `kafka.oauth_client_id` was renewed: asking for a token with it");
        if let Some(secret) = provider.secret() {
            *secret = newest;
        }
    }
}

/// Fetches tokens, each in time before the one before ends, until it is dropped.
async fn renew(provider: &Provider, tell: &watch::Sender<Held>) {
    let seed = rand::random();
    let mut failed = 0_u32;
    loop {
        let token = tokio::time::timeout(DEADLINE, provider.token()).await;
        let wait = match token.unwrap_or_else(|_| Err(provider.silence())) {
            Ok(token) => {
                if failed > 0 {
                    info!("there is a token for the brokers again");
                }
                failed = 0;
                let left = Duration::from_millis(u64::try_from(token.expires - millis()).unwrap_or(0));
                debug!("there is a token for the brokers, which lasts {} s", left.as_secs());
                warn_of_another_user(tell.borrow().token.as_deref(), &token);
                tell.send_replace(Held { token: Some(Arc::new(token)), problem: None });
                left.mul_f64(RENEW_AFTER).max(RENEW_MIN)
            }
            Err(problem) => {
                warn!("{problem}");
                tell.send_modify(|held| held.problem = Some(problem));
                failed += 1;
                BACKOFF.delay(failed - 1, seed)
            }
        };
        tokio::time::sleep(wait).await;
    }
}

/// Brokers let nobody become somebody else on a connection: they close it.
fn warn_of_another_user(before: Option<&Token>, after: &Token) {
    if let (Some(Origin::Endpoint(Some(before), _)), Origin::Endpoint(Some(after), _)) =
        (before.map(|token| &token.origin), &after.origin)
        && before.subject != after.subject
    {
        warn!(?before.subject, ?after.subject, "`kafka.oauth_token_url` gives tokens of another user now; brokers will close connections");
    }
}

/// When something ends that lasts so many seconds from now on.
fn ends(seconds: i64) -> i64 {
    millis().saturating_add(seconds.saturating_mul(1000))
}

/// Milliseconds since 1970, by this machine's clock.
fn millis() -> i64 {
    i64::try_from(OffsetDateTime::now_utc().unix_timestamp_nanos() / 1_000_000).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use object_store::StaticCredentialProvider;
    use rdkafka::ClientConfig;
    use rdkafka::consumer::{BaseConsumer, Consumer as _};

    use super::*;

    fn aws() -> Provider {
        let credential = AwsCredential { key_id: "AKID".to_owned(), secret_key: "hidden".to_owned(), token: None };
        Provider::Aws { credentials: Arc::new(StaticCredentialProvider::new(credential)), region: "eu-west-1".to_owned() }
    }

    fn tokens(held: Held) -> (watch::Sender<Held>, Tokens) {
        let (tell, newest) = watch::channel(held);
        (tell, Tokens::new(Some(newest)))
    }

    fn token(expires: i64, extensions: &[(&str, &str)]) -> Token {
        Token {
            value: "value".to_owned(),
            principal: "worker".to_owned(),
            given: 0,
            expires,
            extensions: extensions.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
            origin: Origin::Endpoint(None, 0),
        }
    }

    fn client() -> BaseConsumer {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", "127.0.0.1:1").set("security.protocol", "sasl_plaintext");
        config.set("sasl.mechanism", "OAUTHBEARER").create().unwrap()
    }

    #[test]
    fn a_client_takes_a_token_with_its_extensions_and_says_what_is_wrong_with_one() {
        let client = client();
        let give = |expires: i64, extensions: &[(&str, &str)]| client::give(client.client(), &token(expires, extensions));
        assert_eq!(give(ends(60), &[]), Ok(()));
        assert_eq!(give(ends(60), &[("logicalCluster", "lkc-1"), ("pool", "a b")]), Ok(()));
        assert!(give(ends(0), &[]).unwrap_err().contains("unexpired token"));
        assert!(give(ends(60), &[("a1", "b")]).unwrap_err().contains("extension keys"));
        assert!(give(ends(60), &[("a", "b\0c")]).unwrap_err().contains("zero byte"));
    }

    #[test]
    fn a_client_is_given_each_token_once_and_a_clone_is_for_another_client() {
        let (tell, tokens) = tokens(Held::default());
        let (one, other) = (client(), client());
        let given = |tokens: &Tokens| tokens.given.lock().unwrap().as_ref().map(|token| token.expires);
        tokens.give(one.client());
        assert_eq!(given(&tokens), None);
        let expires = [ends(60), ends(120)];
        tell.send_replace(Held { token: Some(Arc::new(token(expires[0], &[]))), problem: None });
        tokens.give(one.client());
        assert_eq!(given(&tokens), Some(expires[0]));
        let clone = tokens.clone();
        assert_eq!(given(&clone), None);
        tell.send_replace(Held { token: Some(Arc::new(token(expires[1], &[]))), problem: None });
        // Whoever fetches tokens may be gone: the newest stays.
        drop(tell);
        tokens.give(one.client());
        clone.give(other.client());
        assert_eq!((given(&tokens), given(&clone)), (Some(expires[1]), Some(expires[1])));
    }

    #[test]
    fn a_problem_counts_only_while_no_good_token_is_there() {
        let problem = Some("the endpoint is down".to_owned());
        for (expires, troubled) in [(None, true), (Some(ends(-1)), true), (Some(ends(60)), false)] {
            let token = expires.map(|expires| Arc::new(token(expires, &[])));
            let waits = token.is_some();
            let (_tell, tokens) = tokens(Held { token, problem: problem.clone() });
            assert_eq!(tokens.trouble(), problem.clone().filter(|_| troubled), "{expires:?}");
            assert_eq!(tokens.wait().is_ok(), waits);
        }
        let (_tell, nothing_yet) = tokens(Held::default());
        assert_eq!(nothing_yet.trouble(), None);
        let none = Tokens::new(None);
        assert_eq!((none.trouble(), none.wait()), (None, Ok(())));
    }

    #[test]
    fn only_a_refusal_of_the_token_is_explained_and_counts_until_a_client_is_let_in() {
        let problem = Some("the endpoint is down".to_owned());
        let (tell, tokens) = tokens(Held { token: Some(Arc::new(token(ends(-7), &[]))), problem });
        assert_eq!(tokens.refusal("Connection refused"), None);
        for words in REFUSED {
            let said = format!("ssl://a:1/bootstrap: {words}: {{\"status\":\"invalid_token\"}} (after 5ms in state AUTH_REQ)");
            let text = tokens.refusal(&said).unwrap();
            assert!(
                text.starts_with(&said) && text.contains("ended 7 s ago") && text.ends_with("the endpoint is down"),
                "{text}"
            );
            tell.send_replace(Held { token: Some(Arc::new(token(ends(60), &[]))), problem: None });
            assert_eq!(tokens.clone().trouble(), Some(text));
            tokens.accepted();
            assert_eq!(tokens.trouble(), None);
            tell.send_replace(Held {
                token: Some(Arc::new(token(ends(-7), &[]))),
                problem: Some("the endpoint is down".to_owned()),
            });
        }
    }

    #[tokio::test(start_paused = true)]
    async fn signatures_are_made_anew_long_before_they_end() {
        let (tell, mut newest) = watch::channel(Held::default());
        let provider = aws();
        let watched = async {
            let mut last = tokio::time::Instant::now();
            for number in 0..10 {
                newest.changed().await.unwrap();
                let token = newest.borrow_and_update().token.clone().unwrap();
                assert!(token.principal == "AWS_MSK_IAM" && token.expires > ends(SIGNATURE_SECONDS - 5));
                let waited = last.elapsed().as_secs_f64();
                assert!(number == 0 || (200.0..=211.0).contains(&waited), "{waited}");
                last = tokio::time::Instant::now();
            }
        };
        tokio::select! {
            () = renew(&provider, &tell) => panic!("it ended"),
            () = watched => {}
        }
    }

    #[test]
    fn passwords_need_no_tokens() {
        let mut settings = config::Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
        "OAUTHBEARER".clone_into(&mut settings.sasl_mechanism);
        assert!(Tokens::start(&settings).unwrap().newest.is_none(), "nothing is shown without SASL");
        "sasl_ssl".clone_into(&mut settings.security_protocol);
        "PLAIN".clone_into(&mut settings.sasl_mechanism);
        assert!(Tokens::start(&settings).unwrap().newest.is_none());
    }

    #[test]
    fn a_file_of_authorities_that_holds_none_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("ca.pem");
        let mut settings = config::Config::load_without_key(None, std::iter::empty()).unwrap().kafka;
        "sasl_ssl".clone_into(&mut settings.security_protocol);
        "OAUTHBEARER".clone_into(&mut settings.sasl_mechanism);
        "https://id/token".clone_into(&mut settings.oauth_token_url);
        settings.oauth_ca_file = Some(file.clone());
        for text in
            [None, Some(""), Some("no certificate"), Some("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")]
        {
            if let Some(text) = text {
                std::fs::write(&file, text).unwrap();
            }
            let Err(Failure::Operator(said)) = Tokens::start(&settings) else { panic!("{text:?} was taken") };
            assert!(said.contains("`kafka.oauth_ca_file`") && said.contains("authorities"), "{said}");
        }
    }
}
