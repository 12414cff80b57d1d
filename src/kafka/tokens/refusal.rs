//! Why brokers may have refused a token: they say no more than that they did, so this looks at what is known here, and says what is not.

use super::Origin;

/// A difference of clocks that is worth a word, in seconds.
const CLOCKS: i64 = 30;

/// What is known of a token that lasts so many seconds more, and what to compare it with.
pub(super) fn explain(origin: &Origin, left: i64) -> String {
    match origin {
        Origin::Endpoint(Some(claims), ahead) => format!(
            "the token of `kafka.oauth_token_url` has {claims}, and {}{}. Brokers do not say what they dislike; compare with their \
             settings: issuer (sasl.oauthbearer.expected.issuer) and key (sasl.oauthbearer.jwks.endpoint.url) follow from \
             `kafka.oauth_token_url`; audience (sasl.oauthbearer.expected.audience) and scope from `kafka.oauth_scope`, and from what \
             the endpoint knows of `kafka.oauth_client_id`. This worker knows neither those settings, nor whether the brokers have \
             that key, nor their clocks",
            life(left),
            clocks(*ahead)
        ),
        Origin::Endpoint(None, ahead) => format!(
            "the token of `kafka.oauth_token_url` is one that only its issuer can read, and {}{}. Brokers do not say what they dislike; \
             look whether they know that issuer, and whether it gives `kafka.oauth_client_id` the audience, and the scope of \
             `kafka.oauth_scope`, that they want",
            life(left),
            clocks(*ahead)
        ),
        Origin::Signature { key, region } => format!(
            "signed with access key {key} for region {region} (`kafka.aws_region`), and {}. Look whether the role of that key may do \
             kafka-cluster:Connect on this cluster, whether the cluster is in that region, and whether this machine's clock is right: \
             a signature counts for 15 minutes. This worker does not know the policies",
            life(left)
        ),
    }
}

fn life(left: i64) -> String {
    if left > 0 {
        format!("lasts {left} s more by this machine's clock")
    } else {
        format!("ended {} s ago by this machine's clock", -left)
    }
}

fn clocks(ahead: i64) -> String {
    let side = if ahead > 0 { "behind" } else { "ahead of" };
    let apart = ahead.saturating_abs();
    if apart < CLOCKS { String::new() } else { format!(" (which is {apart} s {side} the endpoint's: set one of them right)") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kafka::tokens::claims::Claims;

    fn claims() -> Claims {
        let text = |text: &str| Some(text.to_owned());
        Claims {
            issuer: text("https://id"),
            audience: text("shop"),
            key: text("k1"),
            algorithm: text("RS256"),
            ..Claims::default()
        }
    }

    #[test]
    fn a_refusal_shows_what_brokers_compare_and_which_key_each_follows_from() {
        let said = explain(&Origin::Endpoint(Some(claims()), 0), 290);
        for part in [
            "issuer \"https://id\"",
            "audience \"shop\"",
            "key \"k1\" (RS256)",
            "lasts 290 s more",
            "`kafka.oauth_token_url`",
            "`kafka.oauth_scope`",
            "expected.audience",
            "knows neither",
        ] {
            assert!(said.contains(part), "{part}: {said}");
        }
        assert!(!said.contains("set one of them right"), "{said}");
    }

    #[test]
    fn an_ended_token_and_a_wrong_clock_are_told() {
        let said = explain(&Origin::Endpoint(None, -400), -7);
        assert!(said.contains("ended 7 s ago by this machine's clock (which is 400 s ahead"), "{said}");
        assert!(explain(&Origin::Endpoint(Some(claims()), 31), 5).contains("31 s behind the endpoint's"));
    }

    #[test]
    fn a_signature_names_its_key_and_region_and_what_only_aws_knows() {
        let said = explain(&Origin::Signature { key: "AKID".to_owned(), region: "eu-west-1".to_owned() }, 200);
        for part in ["access key AKID", "region eu-west-1 (`kafka.aws_region`)", "kafka-cluster:Connect", "clock"] {
            assert!(said.contains(part), "{part}: {said}");
        }
    }
}
