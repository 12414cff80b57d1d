//! Who the worker tells brokers it is: which keys each mechanism of SASL needs, and which it would not use.

use super::judge::Judge;
use super::layers::variable;
use super::validate::web_address;
use super::{Kafka, Key, Secret};

/// All mechanisms: those with a password, and those with a token.
pub(super) const MECHANISMS: [&str; 5] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", OAUTH, AWS];

const OAUTH: &str = "OAUTHBEARER";
const AWS: &str = "AWS_MSK_IAM";

pub(super) fn sasl(judge: &mut Judge<'_>, kafka: &Kafka) {
    let mechanism = if kafka.security_protocol.starts_with("sasl_") { kafka.sasl_mechanism.as_str() } else { "" };
    match mechanism {
        "" => {}
        OAUTH => oauth(judge, kafka),
        AWS => aws(judge, kafka),
        _ => password(judge, kafka),
    }
    unused(judge, kafka, mechanism);
}

fn password(judge: &mut Judge<'_>, kafka: &Kafka) {
    if kafka.sasl_username.is_empty() {
        judge.wrong(("kafka", "sasl_username"), "is empty, and kafka.security_protocol asks for SASL", "name the user");
    }
    if kafka.sasl_password.0.is_empty() {
        let cure = format!("set {} or kafka.sasl_password_file", variable("kafka", "sasl_password"));
        judge.wrong(("kafka", "sasl_password"), "is empty, and kafka.security_protocol asks for SASL", cure);
    }
}

fn oauth(judge: &mut Judge<'_>, kafka: &Kafka) {
    let needed = "is empty, and kafka.sasl_mechanism asks for tokens";
    if kafka.oauth_token_url.is_empty() {
        judge.wrong(("kafka", "oauth_token_url"), needed, "write the address at which tokens are given");
    } else {
        token_address(judge, &kafka.oauth_token_url);
    }
    if kafka.oauth_client_id.is_empty() {
        judge.wrong(("kafka", "oauth_client_id"), needed, "name the client that may ask for tokens");
    }
    if kafka.oauth_client_secret.0.is_empty() {
        let cure = format!("set {} or kafka.oauth_client_secret_file", variable("kafka", "oauth_client_secret"));
        judge.wrong(("kafka", "oauth_client_secret"), needed, cure);
    }
    // As RFC 7628 has it; the client takes no others.
    for (name, value) in &kafka.oauth_extensions {
        let is_name = !name.is_empty() && name != "auth" && name.bytes().all(|byte| byte.is_ascii_alphabetic());
        if !is_name || !value.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
            let cure = "write name=value, several with commas between them; names of letters, none of them auth; values of ASCII";
            judge.wrong(("kafka", "oauth_extensions"), format!("{:?} is no extension", format!("{name}={value}")), cure);
        }
    }
}

fn token_address(judge: &mut Judge<'_>, address: &str) {
    let key = ("kafka", "oauth_token_url");
    let cure = "write https://host/path, the address at which tokens are given";
    let instead = format!("use kafka.oauth_client_id and {}", variable("kafka", "oauth_client_secret"));
    web_address(judge, key, address, cure, instead);
}

fn aws(judge: &mut Judge<'_>, kafka: &Kafka) {
    if kafka.security_protocol != "sasl_ssl" {
        let problem = format!("{:?} would show a signature to whoever listens", kafka.security_protocol);
        judge.wrong(("kafka", "security_protocol"), problem, "choose sasl_ssl, the only protocol of MSK's brokers with IAM");
    }
    let region = ("kafka", "aws_region");
    if kafka.aws_region.is_empty() {
        let problem = "is empty, and the names in kafka.brokers hold no region of AWS";
        judge.wrong(region, problem, "write the region of the brokers, such as eu-central-1");
    } else if !kafka.aws_region.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-') {
        judge.wrong(region, format!("{:?} is no region", kafka.aws_region), "write one such as eu-central-1");
    }
}

/// Keys that are set and would change nothing.
fn unused(judge: &mut Judge<'_>, kafka: &Kafka, mechanism: &str) {
    let set = |text: &str| !text.is_empty();
    let secret = |secret: &Secret| !secret.0.is_empty();
    let with_password = !["", OAUTH, AWS].contains(&mechanism);
    let keys: [(&str, bool, bool); 9] = [
        ("sasl_username", set(&kafka.sasl_username), with_password),
        ("sasl_password", secret(&kafka.sasl_password), with_password),
        ("oauth_token_url", set(&kafka.oauth_token_url), mechanism == OAUTH),
        ("oauth_client_id", set(&kafka.oauth_client_id), mechanism == OAUTH),
        ("oauth_client_secret", secret(&kafka.oauth_client_secret), mechanism == OAUTH),
        ("oauth_scope", set(&kafka.oauth_scope), mechanism == OAUTH),
        ("oauth_extensions", !kafka.oauth_extensions.is_empty(), mechanism == OAUTH),
        ("oauth_ca_file", kafka.oauth_ca_file.is_some(), mechanism == OAUTH),
        ("aws_region", set(&kafka.aws_region), mechanism == AWS),
    ];
    for (key, is_set, is_used) in keys {
        if is_set && !is_used {
            unused_key(judge, ("kafka", key), mechanism);
        }
    }
}

fn unused_key(judge: &mut Judge<'_>, key: Key, mechanism: &str) {
    if mechanism.is_empty() {
        let cure = "choose sasl_ssl (or sasl_plaintext), or remove what is for SASL";
        judge.wrong(key, "is set, but kafka.security_protocol would not use it", cure);
    } else {
        let cure = "choose the mechanism that it is for, or remove it";
        judge.wrong(key, format!("is set, but kafka.sasl_mechanism = {mechanism:?} would not use it"), cure);
    }
}

/// Extensions as they are written: `name=value`, with commas between them.
pub(super) fn extensions(text: &str) -> Vec<(String, String)> {
    let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
    let pair = |part: &str| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        (name.trim().to_owned(), value.trim().to_owned())
    };
    parts.map(pair).collect()
}

/// The region of the brokers: the one that is written, or for MSK the one in their names.
pub(super) fn region(written: String, mechanism: &str, brokers: &str) -> String {
    if !written.is_empty() || mechanism != AWS {
        return written;
    }
    let hosts = brokers.split(',').map(|broker| broker.trim().rsplit_once(':').map_or(broker.trim(), |(host, _)| host));
    hosts.filter_map(region_of).next().unwrap_or_default().to_owned()
}

/// The region in the name of a broker of MSK, such as `b-1.shop.c2.kafka.eu-central-1.amazonaws.com`.
fn region_of(host: &str) -> Option<&str> {
    let labels = host.strip_suffix(".cn").unwrap_or(host).strip_suffix(".amazonaws.com")?;
    let (rest, region) = labels.rsplit_once('.')?;
    let service = rest.rsplit('.').next()?;
    (matches!(service, "kafka" | "kafka-serverless") && !region.is_empty()).then_some(region)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_region_stands_in_the_brokers_names() {
        for (brokers, expected) in [
            ("b-1.shop.abc123.c2.kafka.eu-central-1.amazonaws.com:9098", "eu-central-1"),
            ("boot-x1.c1.kafka-serverless.us-east-1.amazonaws.com:9098", "us-east-1"),
            ("b-2.shop.abc123.c4.kafka.cn-north-1.amazonaws.com.cn:9098", "cn-north-1"),
            ("proxy:9098, b-1.x.kafka.us-gov-west-1.amazonaws.com", "us-gov-west-1"),
            ("bucket.s3.eu-central-1.amazonaws.com:9098", ""),
            ("broker.example.com:9098", ""),
            ("kafka..amazonaws.com", ""),
            ("amazonaws.com,,:", ""),
        ] {
            assert_eq!(region(String::new(), AWS, brokers), expected, "{brokers}");
        }
        assert_eq!(region("eu-west-1".to_owned(), AWS, "b.kafka.us-east-1.amazonaws.com:9098"), "eu-west-1");
        assert_eq!(region(String::new(), OAUTH, "b.kafka.us-east-1.amazonaws.com:9098"), "");
    }

    #[test]
    fn extensions_are_pairs() {
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            extensions("logicalCluster=lkc-1, pool = a=b,,bare"),
            [pair("logicalCluster", "lkc-1"), pair("pool", "a=b"), pair("bare", "")]
        );
        assert!(extensions(" ").is_empty());
    }
}
