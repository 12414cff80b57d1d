//! What a token says of itself, if it is a JSON web token (RFC 7519). Nothing is verified here: that is for the brokers.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

/// How much of a claim is shown.
const SHOWN: usize = 120;

/// The claims that brokers judge, and who signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Claims {
    pub(super) issuer: Option<String>,
    pub(super) audience: Option<String>,
    pub(super) subject: Option<String>,
    pub(super) scope: Option<String>,
    /// The name of the key that signed (`kid`), and the algorithm.
    pub(super) key: Option<String>,
    pub(super) algorithm: Option<String>,
    /// Seconds since 1970, by the issuer's clock.
    pub(super) expires: Option<i64>,
}

impl Claims {
    /// Those of a token; nothing if it is opaque.
    pub(super) fn of(token: &str) -> Option<Claims> {
        let mut parts = token.split('.');
        let (header, body) = (json(parts.next()?)?, json(parts.next()?)?);
        let text = |name: &str| body.get(name).and_then(words);
        Some(Claims {
            issuer: text("iss"),
            audience: text("aud"),
            subject: text("sub"),
            scope: text("scope").or_else(|| text("scp")),
            key: header.get("kid").and_then(words),
            algorithm: header.get("alg").and_then(words),
            expires: body.get("exp").and_then(seconds),
        })
    }
}

/// A part of a token.
fn json(part: &str) -> Option<Value> {
    let bytes = URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok()?;
    serde_json::from_slice(&bytes).ok().filter(Value::is_object)
}

/// A text, or a list of them.
fn words(value: &Value) -> Option<String> {
    let shown = |text: &str| text.chars().filter(|c| !c.is_control()).take(SHOWN).collect::<String>();
    match value {
        Value::String(text) => Some(shown(text)),
        Value::Array(all) => Some(shown(&all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", "))),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => None,
    }
}

/// A number of seconds, whole or not, also one in quotes.
pub(super) fn seconds(value: &Value) -> Option<i64> {
    let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok())?;
    // Far beyond any clock, and safe to add up.
    const FAR: f64 = 1e12;
    #[expect(clippy::cast_possible_truncation, reason = "bounded above, and fractions of a second do not matter")]
    let whole = number.clamp(-FAR, FAR) as i64;
    number.is_finite().then_some(whole)
}

impl fmt::Display for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |claim: &Option<String>| claim.as_ref().map_or_else(|| "none".to_owned(), |text| format!("{text:?}"));
        write!(
            f,
            "issuer {}, audience {}, subject {}, scope {}, signed by key {} ({})",
            said(&self.issuer),
            said(&self.audience),
            said(&self.subject),
            said(&self.scope),
            said(&self.key),
            self.algorithm.as_deref().unwrap_or("no algorithm")
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn token(header: &str, body: &str) -> String {
        format!("{}.{}.c2lnbmF0dXJl", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(body))
    }

    #[test]
    fn claims_are_read_in_all_their_forms() {
        let claims = Claims::of(&token(
            r#"{"alg":"RS256","kid":"k1"}"#,
            r#"{"iss":"https://id","aud":["a","b"],"sub":"worker","scp":["read"],"exp":1796005800.5}"#,
        ));
        let claims = claims.unwrap();
        assert_eq!(claims.expires, Some(1_796_005_800));
        assert_eq!(
            claims.to_string(),
            r#"issuer "https://id", audience "a, b", subject "worker", scope "read", signed by key "k1" (RS256)"#
        );
        let bare = Claims::of(&token("{}", r#"{"exp":"7"}"#)).unwrap();
        assert_eq!(bare, Claims { expires: Some(7), ..Claims::default() });
        assert_eq!(bare.to_string(), "issuer none, audience none, subject none, scope none, signed by key none (no algorithm)");
    }

    #[test]
    fn hostile_claims_are_cut_and_lose_what_would_break_a_log_line() {
        let claims = Claims::of(&token("{}", &format!(r#"{{"iss":"a\nb","aud":"{}","exp":1e300}}"#, "x".repeat(9000)))).unwrap();
        assert_eq!((claims.issuer.as_deref(), claims.audience.map(|text| text.len())), (Some("ab"), Some(SHOWN)));
        assert_eq!(claims.expires, Some(1_000_000_000_000));
    }

    #[test]
    fn what_is_no_json_web_token_has_no_claims() {
        for opaque in ["", ".", "..", "abc", "abc.def.ghi", &token("[]", "{}"), &token("{}", "7"), "eyJhbGciOiJub25lIn0"] {
            assert_eq!(Claims::of(opaque), None, "{opaque}");
        }
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_reader(text: String, header: String, body: String) {
            Claims::of(&text);
            Claims::of(&token(&header, &body));
        }
    }
}
