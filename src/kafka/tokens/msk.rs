//! A token for Amazon MSK: a request to connect that is signed beforehand, by Signature Version 4.
//!
//! Pure: credentials and the time come in. What stands where is what AWS's own signers send, byte by byte, because brokers
//! compute the signature again (AWS: "Authenticating Requests: Using Query Parameters (AWS Signature Version 4)", and
//! aws-msk-iam-sasl-signer-python, whose tokens the tests compare with).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use object_store::aws::AwsCredential;
use ring::{digest, hmac};
use time::OffsetDateTime;

const ALGORITHM: &str = "AWS4-HMAC-SHA256";
const SERVICE: &str = "kafka-cluster";
const LAST: &str = "aws4_request";

/// For how many seconds brokers take a signature.
const SECONDS: &str = "900";

/// The token by which these credentials connect to brokers of a region. `agent` is who signs, for AWS's own records.
pub(super) fn token(credential: &AwsCredential, region: &str, agent: &str, at: OffsetDateTime) -> String {
    let day = format!("{:04}{:02}{:02}", at.year(), u8::from(at.month()), at.day());
    let time = format!("{day}T{:02}{:02}{:02}Z", at.hour(), at.minute(), at.second());
    let scope = format!("{day}/{region}/{SERVICE}/{LAST}");
    let host = format!("kafka.{region}.amazonaws.com");
    let mut asked = vec![
        ("Action", "kafka-cluster:Connect".to_owned()),
        ("X-Amz-Algorithm", ALGORITHM.to_owned()),
        ("X-Amz-Credential", format!("{}/{scope}", credential.key_id)),
        ("X-Amz-Date", time.clone()),
        ("X-Amz-Expires", SECONDS.to_owned()),
        ("X-Amz-SignedHeaders", "host".to_owned()),
    ];
    asked.extend(credential.token.clone().map(|token| ("X-Amz-Security-Token", token)));
    let sent = query(&asked);
    // Signed in the order of their names.
    asked.sort();
    let request = format!("GET\n/\n{}\nhost:{host}\n\nhost\n{}", query(&asked), hash(""));
    let text = format!("{ALGORITHM}\n{time}\n{scope}\n{}", hash(&request));
    let key = format!("AWS4{}", credential.secret_key).into_bytes();
    let key = [&day, region, SERVICE, LAST].into_iter().fold(key, |key, part| mac(&key, part));
    let signature = hex(&mac(&key, &text));
    let agent = encoded(agent);
    URL_SAFE_NO_PAD.encode(format!("https://{host}/?{sent}&X-Amz-Signature={signature}&User-Agent={agent}"))
}

fn query(pairs: &[(&str, String)]) -> String {
    let pairs: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    pairs.join("&")
}

/// Every byte but those that RFC 3986 reserves for nothing, as a number.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    text.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hash(text: &str) -> String {
    hex(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What AWS's signer was given, and its token.
    struct OfAws {
        region: &'static str,
        key: &'static str,
        secret: &'static str,
        session: Option<&'static str>,
        /// Seconds since 1970.
        at: i64,
        token: &'static str,
    }

    /// Tokens of aws-msk-iam-sasl-signer-python 1.0.2 with botocore 1.44.8, whose `get_current_datetime` was made to tell the
    /// given second: `__construct_auth_token(region, Credentials(key, secret, token))`.
    const OF_AWS: [OfAws; 3] = [
        OfAws {
            region: "us-west-2",
            key: "AKIAIOSFODNN7EXAMPLE",
            secret: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            session: None,
            at: 1_796_005_800,
            token: "aHR0cHM6Ly9rYWZrYS51cy13ZXN0LTIuYW1hem9uYXdzLmNvbS8_QWN0aW9uPWthZmthLWNsdXN0ZXIlM0FDb25uZWN0JlgtQW16LUFsZ29yaXRobT1BV1M0LUhNQUMtU0hBMjU2JlgtQW16LUNyZWRlbnRpYWw9QUtJQUlPU0ZPRE5ON0VYQU1QTEUlMkYyMDI2MTEzMCUyRnVzLXdlc3QtMiUyRmthZmthLWNsdXN0ZXIlMkZhd3M0X3JlcXVlc3QmWC1BbXotRGF0ZT0yMDI2MTEzMFQwMjMwMDBaJlgtQW16LUV4cGlyZXM9OTAwJlgtQW16LVNpZ25lZEhlYWRlcnM9aG9zdCZYLUFtei1TaWduYXR1cmU9M2MyNWRmY2I3YjQzYjExZTM2NjQ1Mzk5NDc0MjgwZWVmYjEyM2IwOGEyODI5MjUwOTI3NTc0MGVhODcyN2QyNSZVc2VyLUFnZW50PWF3cy1tc2staWFtLXNhc2wtc2lnbmVyLXB5dGhvbiUyRjEuMC4y",
        },
        OfAws {
            region: "eu-central-1",
            key: "ASIAIOSFODNN7EXAMPLE",
            secret: "a+b/c=d e~f",
            session: Some("IQoJb3JpZ2luX2VjE+x/y==&z"),
            at: 1_709_251_199,
            token: "aHR0cHM6Ly9rYWZrYS5ldS1jZW50cmFsLTEuYW1hem9uYXdzLmNvbS8_QWN0aW9uPWthZmthLWNsdXN0ZXIlM0FDb25uZWN0JlgtQW16LUFsZ29yaXRobT1BV1M0LUhNQUMtU0hBMjU2JlgtQW16LUNyZWRlbnRpYWw9QVNJQUlPU0ZPRE5ON0VYQU1QTEUlMkYyMDI0MDIyOSUyRmV1LWNlbnRyYWwtMSUyRmthZmthLWNsdXN0ZXIlMkZhd3M0X3JlcXVlc3QmWC1BbXotRGF0ZT0yMDI0MDIyOVQyMzU5NTlaJlgtQW16LUV4cGlyZXM9OTAwJlgtQW16LVNpZ25lZEhlYWRlcnM9aG9zdCZYLUFtei1TZWN1cml0eS1Ub2tlbj1JUW9KYjNKcFoybHVYMlZqRSUyQnglMkZ5JTNEJTNEJTI2eiZYLUFtei1TaWduYXR1cmU9MjJlMTY3ZjM2ODE2M2NmYjg0NzI5MTg5MDlmMWIyZGVlOWU1OTAwM2E4YzAxZmMwODM1MjY5NzQ5M2YyYWU5YiZVc2VyLUFnZW50PWF3cy1tc2staWFtLXNhc2wtc2lnbmVyLXB5dGhvbiUyRjEuMC4y",
        },
        OfAws {
            region: "ap-southeast-2",
            key: "AKIDEXAMPLE",
            secret: "s",
            session: Some(""),
            at: 946_598_400,
            token: "aHR0cHM6Ly9rYWZrYS5hcC1zb3V0aGVhc3QtMi5hbWF6b25hd3MuY29tLz9BY3Rpb249a2Fma2EtY2x1c3RlciUzQUNvbm5lY3QmWC1BbXotQWxnb3JpdGhtPUFXUzQtSE1BQy1TSEEyNTYmWC1BbXotQ3JlZGVudGlhbD1BS0lERVhBTVBMRSUyRjE5OTkxMjMxJTJGYXAtc291dGhlYXN0LTIlMkZrYWZrYS1jbHVzdGVyJTJGYXdzNF9yZXF1ZXN0JlgtQW16LURhdGU9MTk5OTEyMzFUMDAwMDAwWiZYLUFtei1FeHBpcmVzPTkwMCZYLUFtei1TaWduZWRIZWFkZXJzPWhvc3QmWC1BbXotU2VjdXJpdHktVG9rZW49JlgtQW16LVNpZ25hdHVyZT1jOTNmODJiZjM1NzI3ODBjYjA0NGFhZmM5MzliYTgwMDA2NDMyODFkZDBiZjQ2ODBmM2IxZDg3MmM2ZjhjZjVmJlVzZXItQWdlbnQ9YXdzLW1zay1pYW0tc2FzbC1zaWduZXItcHl0aG9uJTJGMS4wLjI",
        },
    ];

    fn credential(key: &str, secret: &str, token: Option<&str>) -> AwsCredential {
        AwsCredential { key_id: key.to_owned(), secret_key: secret.to_owned(), token: token.map(str::to_owned) }
    }

    #[test]
    fn tokens_are_those_of_awss_own_signer_byte_by_byte() {
        for given in OF_AWS {
            let at = OffsetDateTime::from_unix_timestamp(given.at).unwrap();
            let credential = credential(given.key, given.secret, given.session);
            assert_eq!(token(&credential, given.region, "aws-msk-iam-sasl-signer-python/1.0.2", at), given.token);
        }
    }

    #[test]
    fn a_token_says_who_signed_and_holds_no_secret() {
        let made = token(&credential("AKID", "hidden", None), "eu-west-1", "grapevine/1 (x)", OffsetDateTime::UNIX_EPOCH);
        let url = String::from_utf8(URL_SAFE_NO_PAD.decode(made).unwrap()).unwrap();
        assert!(url.starts_with("https://kafka.eu-west-1.amazonaws.com/?Action=kafka-cluster%3AConnect&"), "{url}");
        assert!(url.ends_with("&User-Agent=grapevine%2F1%20%28x%29") && !url.contains("hidden"), "{url}");
    }
}
