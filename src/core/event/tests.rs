//! What becomes an event and what a reject, case by case, on the real files, and on arbitrary bytes.

use std::collections::{BTreeMap, HashSet};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::GzDecoder;
use proptest::prelude::*;

use super::*;
use crate::record::Header;

fn read(payload: &[u8]) -> Result<Event<'_>, Reject> {
    parse(&Record { payload: Some(payload), ..Record::default() })
}

fn event(json: &str) -> Event<'_> {
    read(json.as_bytes()).unwrap_or_else(|reject| panic!("{json}: {reject:?}"))
}

fn reason(payload: &[u8]) -> Reason {
    match read(payload) {
        Ok(event) => panic!("{} became {event:?}", String::from_utf8_lossy(payload)),
        Err(reject) => {
            assert!(!reject.detail.is_empty() && reject.detail.len() <= 200, "{}: {}", reject.detail.len(), reject.detail);
            reject.reason
        }
    }
}

/// 4 March 2024, 12:00 UTC: the time of all events below.
const NOON: Millis = 1_709_553_600_000;

/// The smallest event of each type.
const SMALLEST: [&str; 13] = [
    r#"{"type":"post","id":"i","time":1709553600000,"actor":null}"#,
    r#"{"type":"share","id":"i","time":1709553600000,"actor":"a","root":"r","parent":"p"}"#,
    r#"{"type":"reply","id":"i","time":1709553600000,"actor":"a","root":"r","parent":"p"}"#,
    r#"{"type":"reaction","id":"i","time":1709553600000,"actor":"a","root":"r","target":"t"}"#,
    r#"{"type":"delete","id":"i","time":1709553600000,"root":"r","target":"t"}"#,
    r#"{"type":"sample","id":"i","time":1709553600000,"root":"r","metric":"m","value":2.5}"#,
    r#"{"type":"click","id":"i","time":1709553600000,"root":"r"}"#,
    r#"{"type":"visit","id":"i","time":1709553600000}"#,
    r#"{"type":"conversion","id":"i","time":1709553600000,"amount":"12.50","currency":"EUR"}"#,
    r#"{"type":"cost","id":"i","time":1709553600000,"amount":12.5}"#,
    r#"{"type":"assign","id":"i","time":1709553600000,"experiment":"e","arm":"a","unit":"u","unit_type":"community"}"#,
    r#"{"type":"report","id":"i","time":1709553600000,"origin":"o","metric":"m","value":7}"#,
    r#"{"type":"cost","id":"i","time":1709553600000,"seconds":90}"#,
];

fn object(json: &str) -> serde_json::Map<String, serde_json::Value> {
    serde_json::from_str(json).unwrap()
}

fn with(json: &str, field: &str, value: serde_json::Value) -> Vec<u8> {
    let mut fields = object(json);
    fields.insert(field.to_owned(), value);
    serde_json::to_vec(&fields).unwrap()
}

#[test]
fn every_type_parses_with_nothing_but_its_required_fields() {
    for (json, event_type) in SMALLEST.iter().zip(EventType::ALL) {
        let event = event(json);
        assert_eq!((event.event_type(), event.id.as_ref(), event.time), (event_type, "i", NOON));
        assert_eq!(EventType::from_name(event_type.as_str()), Some(event_type));
    }
    let time_only = Cost { seconds: Some(90), ..Cost::default() };
    assert_eq!(event(SMALLEST[12]).body, Body::Cost(Box::new(time_only)));
}

#[test]
fn a_required_field_that_is_absent_or_null_is_missing() {
    for json in SMALLEST {
        for field in object(json).keys() {
            let mut without = object(json);
            without.remove(field);
            assert_eq!(reason(&serde_json::to_vec(&without).unwrap()), Reason::MissingField, "{field} in {json}");
            if field != "actor" {
                assert_eq!(reason(&with(json, field, serde_json::Value::Null)), Reason::MissingField, "{field} in {json}");
            }
        }
    }
}

#[test]
fn a_required_field_of_another_json_type_is_a_wrong_type() {
    for json in SMALLEST {
        for field in object(json).keys() {
            for value in [serde_json::json!({"a": 1}), serde_json::json!(["a"]), serde_json::json!(true)] {
                assert_eq!(reason(&with(json, field, value)), Reason::WrongType, "{field} in {json}");
            }
        }
    }
}

#[test]
fn an_optional_field_may_be_null_and_must_have_its_type() {
    let optional = [
        (0, "brand campaign channel platform community is_brand mentions_brand url followers experiment arm tags"),
        (1, "kind edge_source followers mentions_brand"),
        (2, "is_brand mentions_brand tags"),
        (3, "kind"),
        (4, "reason"),
        (6, "target visitor utm_source utm_medium utm_campaign utm_content utm_term utm_id"),
        (7, "visitor click brand landing_url referrer_host utm_source utm_id"),
        (8, "visitor brand kind margin_rate refund_of relates_to"),
        (9, "currency campaign brand channel community side kind role period_start period_end estimated seconds"),
        (11, "grain period_start period_end brand campaign channel"),
    ];
    for (smallest, fields) in optional {
        let json = SMALLEST[smallest];
        for field in fields.split(' ') {
            assert!(read(&with(json, field, serde_json::Value::Null)).is_ok(), "{field} in {json}");
            assert_eq!(reason(&with(json, field, serde_json::json!({"a": 1}))), Reason::WrongType, "{field} in {json}");
        }
    }
}

#[test]
fn fields_of_other_types_and_unknown_fields_are_not_looked_at() {
    let json = r#"{"type":"post","id":"i","time":1709553600000,"actor":null,"root":{"a":[1]},"value":"x","ID":7,"":null,"meta":{"id":"j"}}"#;
    assert_eq!(event(json).root(), Some("i"));
    event(
        r#"{"type":"share","id":"i","time":1709553600000,"actor":"a","root":"r","parent":"r","kind":"boost","edge_source":"api","tags":3}"#,
    );
}

#[test]
fn a_post_keeps_what_it_says() {
    let event = event(
        r#"{"type":"post","id":"i","time":1709553600000,"actor":"a","brand":"b","campaign":"c","channel":"ch","platform":"pl","community":"co",
            "experiment":"e","arm":"ar","tags":["x","\u00e9"],"is_brand":true,"mentions_brand":false,"followers":4294967294,
            "url":"https://B.example:80/?q#F"}"#,
    );
    let Body::Post(post) = event.body else { panic!("no post") };
    assert_eq!(post.actor.as_deref(), Some("a"));
    assert_eq!([post.brand, post.campaign, post.channel, post.platform], ["b", "c", "ch", "pl"]);
    assert_eq!([post.community, post.experiment, post.arm], ["co", "e", "ar"]);
    assert_eq!(post.url, "https://B.example:80/?q#F", "as it was sent");
    assert_eq!((post.tags, post.is_brand, post.mentions_brand), (vec!["x".into(), "é".into()], true, false));
}

#[test]
fn a_share_keeps_what_it_says() {
    let share = |rest: &str| {
        let json = format!(r#"{{"type":"share","id":"i","time":1709553600000,"actor":null,"root":"r","parent":"p"{rest}}}"#);
        let Body::Share(share) = super::owned::into_owned(event(&json)).body else { panic!("no share: {json}") };
        share
    };
    let plain = Share { root: "r".into(), parent: "p".into(), ..Share::default() };
    assert_eq!(share(""), plain);
    assert_eq!(
        share(r#","kind":"quote","mentions_brand":true"#),
        Share { is_quote: true, mentions_brand: true, ..plain.clone() }
    );
    assert_eq!(
        share(r#","edge_source":"inferred","followers":0"#),
        Share { parent_guessed: true, followers: Some(0), ..plain.clone() }
    );
    assert_eq!(share(r#","edge_source":"root_fallback""#), Share { parent_guessed: true, ..plain });
}

#[test]
fn text_without_escapes_is_borrowed_from_the_payload() {
    let event = event(r#"{"type":"reply","id":"i","time":1709553600000,"actor":"\u0061","root":"ü","parent":"p"}"#);
    let Body::Reply(reply) = event.body else { panic!("no reply") };
    assert!(matches!((&event.id, &reply.root, &reply.parent), (Cow::Borrowed("i"), Cow::Borrowed("ü"), Cow::Borrowed("p"))));
    assert_eq!(reply.actor.as_deref(), Some("a"));
}

#[test]
fn what_is_not_one_json_object_has_its_reason() {
    let nested = [b"[".repeat(1_000_000), b"]".repeat(1_000_000)].concat();
    let cases: [(&[u8], Reason); 24] = [
        (b"", Reason::Empty),
        (b" \t\r\n", Reason::Empty),
        (b"{\"id\":\"\xe2\x82\"}", Reason::BadUtf8),
        (b"\xff", Reason::BadUtf8),
        (b"{\"x\":\"\xed\xa0\x80\"}", Reason::BadUtf8),
        (b"{", Reason::BrokenJson),
        (b"{}}", Reason::BrokenJson),
        (b"{} {}", Reason::BrokenJson),
        (b"{\"id\":\"a\",}", Reason::BrokenJson),
        (b"{'id':'a'}", Reason::BrokenJson),
        (b"{\"time\":NaN}", Reason::BrokenJson),
        (b"{\"time\":-Infinity}", Reason::BrokenJson),
        (b"{\"time\":01}", Reason::BrokenJson),
        (b"{\"id\":\"a\tb\"}", Reason::BrokenJson),
        (b"{\"id\":\"\\x41\"}", Reason::BrokenJson),
        (b"{\"id\":\"a\",\"id\":\"b\"", Reason::BrokenJson),
        (b"\xef\xbb\xbf{}", Reason::BrokenJson),
        (b"[1,2", Reason::BrokenJson),
        (b"nul", Reason::BrokenJson),
        (b"[\"i\",\"post\",1,null]", Reason::NotAnObject),
        (b"null", Reason::NotAnObject),
        (b"12", Reason::NotAnObject),
        (b"\"{}\"", Reason::NotAnObject),
        (&nested, Reason::NotAnObject),
    ];
    for (payload, expected) in cases {
        assert_eq!(reason(payload), expected, "{}", String::from_utf8_lossy(&payload[..payload.len().min(60)]));
    }
    assert_eq!(parse(&Record::default()).unwrap_err().reason, Reason::Empty);
}

#[test]
fn half_a_surrogate_pair_is_broken_json_wherever_it_is_read() {
    for (field, json) in [("id", SMALLEST[0]), ("parent", SMALLEST[1]), ("type", SMALLEST[2]), ("utm_source", SMALLEST[7])] {
        let with_mark = String::from_utf8(with(json, field, "MARK".into())).unwrap();
        assert_eq!(reason(with_mark.replace("MARK", r"\ud83d").as_bytes()), Reason::BrokenJson, "{field}");
    }
}

#[test]
fn values_nested_a_million_deep_overflow_no_stack() {
    let deep = format!("{}{}", r#"{"a":["#.repeat(500_000), "]}".repeat(500_000));
    let json = format!(r#"{{"type":"visit","id":"i","time":1709553600000,"meta":{deep}}}"#);
    assert_eq!(event(&json).body, Body::Visit(Box::default()));
    for field in ["id", "time", "brand"] {
        let json = format!(r#"{{"type":"visit","{field}":{deep},"id":"i","time":1709553600000}}"#);
        assert!(matches!(reason(json.as_bytes()), Reason::WrongType | Reason::RepeatedField));
    }
    let tags = format!(r#"{{"type":"post","id":"i","time":1709553600000,"actor":null,"tags":[{deep}]}}"#);
    assert_eq!(reason(tags.as_bytes()), Reason::WrongType);
}

#[test]
fn a_known_key_that_stands_twice_is_refused_and_an_unknown_one_is_not() {
    assert_eq!(reason(br#"{"type":"visit","id":"i","time":1709553600000,"id":"i"}"#), Reason::RepeatedField);
    assert_eq!(reason(br#"{"type":"visit","id":"i","time":1709553600000,"\u0069d":null}"#), Reason::RepeatedField);
    event(r#"{"type":"visit","id":"i","time":1709553600000,"x":1,"x":2}"#);
}

#[test]
fn a_type_is_one_of_the_twelve_names_exactly() {
    for name in ["", "Share", "share ", "com.example.share.v1", "repost"] {
        assert_eq!(reason(&with(SMALLEST[1], "type", name.into())), Reason::UnknownType, "{name}");
    }
}

#[test]
fn ids_have_1_to_512_bytes_after_unescaping() {
    for (smallest, field) in
        [(0, "id"), (0, "actor"), (1, "root"), (1, "parent"), (3, "target"), (6, "visitor"), (7, "click"), (10, "unit")]
    {
        for (id, good) in [("", false), ("x", true), (&*"x".repeat(512), true), (&*"x".repeat(513), false)] {
            let payload = with(SMALLEST[smallest], field, id.into());
            if good {
                assert!(read(&payload).is_ok(), "{field}");
            } else {
                assert_eq!(reason(&payload), Reason::BadId, "{field}");
            }
        }
    }
    let escaped = |times: usize| format!(r#"{{"type":"visit","time":1709553600000,"id":"{}"}}"#, r"\u00e9".repeat(times));
    assert_eq!(event(&escaped(256)).id.len(), 512);
    assert_eq!(reason(escaped(257).as_bytes()), Reason::BadId);
}

/// Every text that is neither an id nor an address, by the smallest event that has it.
const LABELS: [(usize, &str); 10] = [
    (0, "brand campaign channel platform community experiment arm"),
    (1, "kind edge_source"),
    (3, "kind"),
    (4, "reason"),
    (5, "metric"),
    (7, "brand utm_source utm_medium utm_campaign utm_content utm_term utm_id"),
    (8, "currency brand kind"),
    (9, "currency campaign brand channel community side kind role"),
    (10, "experiment arm unit_type"),
    (11, "origin metric grain brand campaign channel"),
];

#[test]
fn a_label_has_up_to_512_bytes_and_is_not_cut() {
    for (smallest, fields) in LABELS {
        for field in fields.split(' ') {
            for (label, expected) in [("ü".repeat(256), None), ("ü".repeat(257), Some(Reason::TooLong))] {
                let found = read(&with(SMALLEST[smallest], field, label.into())).err().map(|reject| reject.reason);
                assert_eq!(found, expected, "{field} in {}", SMALLEST[smallest]);
            }
        }
    }
}

#[test]
fn an_address_has_up_to_8_kib_and_its_host_up_to_512_bytes() {
    for (smallest, field) in [(0, "url"), (7, "landing_url"), (7, "referrer_host")] {
        let refused = |address: String| read(&with(SMALLEST[smallest], field, address.into())).err().map(|reject| reject.reason);
        let address = |bytes: usize| format!("https://a.example/{}", "x".repeat(bytes - 18));
        assert_eq!((refused(address(8192)), refused(address(8193))), (None, Some(Reason::TooLong)), "{field}");
        let host = |bytes: usize| format!("https://{}/", "x".repeat(bytes));
        let beyond = (field != "url").then_some(Reason::TooLong);
        assert_eq!((refused(host(512)), refused(host(513))), (None, beyond), "{field}: of `url` the host is not taken out");
    }
}

#[test]
fn an_event_has_up_to_256_tags_of_512_bytes() {
    for smallest in [0, 2] {
        let refused = |tags: Vec<String>| read(&with(SMALLEST[smallest], "tags", tags.into())).err().map(|reject| reject.reason);
        assert_eq!(refused(vec!["x".repeat(512); 256]), None);
        assert_eq!(refused(vec!["x".to_owned(); 257]), Some(Reason::TooLong));
        assert_eq!(refused(vec!["x".to_owned(), "x".repeat(513)]), Some(Reason::TooLong));
    }
}

#[test]
fn what_is_too_long_is_told_by_its_size_and_never_by_its_value() {
    let detail = |field: &str, value: serde_json::Value| read(&with(SMALLEST[0], field, value)).expect_err("too long").detail;
    assert_eq!(detail("brand", "q".repeat(600).into()), "`brand` has 600 bytes of UTF-8; send at most 512");
    assert_eq!(detail("url", "q".repeat(9000).into()), "`url` has 9000 bytes of UTF-8; send at most 8192");
    let visit = with(SMALLEST[7], "landing_url", format!("https://{}/", "q".repeat(600)).into());
    let host = read(&visit).expect_err("too long").detail;
    assert_eq!(host, "`host of landing_url` has 600 bytes of UTF-8; send at most 512");
    assert_eq!(detail("tags", vec!["q"; 300].into()), "`tags` has 300 texts; send at most 256");
    assert_eq!(
        detail("tags", vec!["q".to_owned(), "q".repeat(600)].into()),
        "`tags[1]` has 600 bytes of UTF-8; send at most 512"
    );
}

#[test]
fn a_parent_may_be_the_root() {
    event(r#"{"type":"share","id":"i","time":1709553600000,"actor":"a","root":"r","parent":"r"}"#);
}

fn time_of(value: &str) -> Result<Millis, Reason> {
    let json = format!(r#"{{"type":"visit","id":"i","time":{value}}}"#);
    read(json.as_bytes()).map(|event| event.time).map_err(|reject| reject.reason)
}

#[test]
fn times_are_unix_milliseconds_or_rfc_3339() {
    const MOMENT: Millis = 1_708_937_115_302;
    let good = [
        ("5097600000", 5_097_600_000),
        ("4291747199999", 4_291_747_199_999),
        ("1708937115302", MOMENT),
        (r#""2024-02-26T08:45:15.302Z""#, MOMENT),
        (r#""2024-02-26t08:45:15.302z""#, MOMENT),
        (r#""2024-02-26 08:45:15.302Z""#, MOMENT),
        (r#""2024-02-26T14:30:15.302+05:45""#, MOMENT),
        (r#""2024-02-26T00:45:15.302-08:00""#, MOMENT),
        (r#""2024-02-26T08:45:15.302999999Z""#, MOMENT),
        (r#""2024-02-26T14:30:15.302999999999999999+05:45""#, MOMENT),
        (r#""2024-02-26T08\u003a45:15.302-00:00""#, MOMENT),
        (r#""2024-02-26T08:45:15.3Z""#, MOMENT - 2),
        (r#""2024-02-26T08:45:15Z""#, MOMENT - 302),
        (r#""1970-03-01T00:00:00.0009Z""#, 5_097_600_000),
        (r#""2016-12-31T23:59:60Z""#, 1_483_228_799_999),
    ];
    for (value, time) in good {
        assert_eq!(time_of(value), Ok(time), "{value}");
    }
    let bad = "1.5 1e12 1708937115302.0 \"1708937115302\" \"\" \"soon\" \"2024-02-26\" \"10:00:00Z\" \"2024-02-26T10:00:00\" \
        \"2024-02-30T10:00:00Z\" \"2024-13-01T10:00:00Z\" \"2024-02-26x10:00:00Z\" \"2024-02-26T24:00:00Z\" \"2024-02-26T10:00:00+24:00\" \
        \"2024-02-26T10:00:00Zz\" \"24-02-26T10:00:00Z\" \"2024-02-26T10:00:00.Z\" \"+2024-02-26T10:00:00Z\"";
    for value in bad.split(' ') {
        assert_eq!(time_of(value), Err(Reason::BadTime), "{value}");
    }
}

#[test]
fn times_outside_march_1970_to_2105_are_out_of_range() {
    let digits = "9".repeat(5_000);
    for value in [
        "-1",
        "-0",
        "0",
        "1",
        "1709553600",
        "5097599999",
        "4291747200000",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        &digits,
        r#""1969-12-31T23:59:59.9999Z""#,
        r#""1970-01-01T00:00:00+05:45""#,
        r#""1970-02-28T23:59:59.9999Z""#,
        r#""1970-03-01T00:00:00+05:45""#,
        r#""2106-01-01T00:00:00Z""#,
        r#""0000-01-01T00:00:00Z""#,
        r#""9999-12-31T23:59:59-23:59""#,
    ] {
        assert_eq!(time_of(value), Err(Reason::TimeOutOfRange), "{value}");
    }
}

#[test]
fn seconds_are_told_from_microseconds() {
    let detail = |json: &str| read(json.as_bytes()).expect_err("a time that is refused").detail;
    for (value, says) in [("1709553600", "seconds times 1000"), ("1709553600000000", "micro"), ("-1", "micro")] {
        let json = format!(r#"{{"type":"visit","id":"i","time":{value}}}"#);
        let detail = detail(&json);
        assert!(detail.contains("`time`") && detail.contains(says) && !detail.contains(value), "{value}: {detail}");
    }
    let period = r#"{"type":"report","id":"i","time":1709553600000,"origin":"o","metric":"m","value":7,"period_end":1709553600}"#;
    assert!(detail(period).contains("`period_end`"));
}

/// The reason for refusing a field's value in an event, if it is refused.
fn refused(json: &str, field: &str, value: &str) -> Option<Reason> {
    let marked = String::from_utf8(with(json, field, "MARK".into())).unwrap();
    read(marked.replace("\"MARK\"", value).as_bytes()).err().map(|reject| reject.reason)
}

#[test]
fn money_is_a_plain_decimal_that_fits_its_column() {
    let (whole, beyond) = ("9".repeat(15), "1".repeat(16));
    for value in
        ["0", "-12.5", "0.000001", "1.5000000000", &whole, "\"12.50\"", "\"007\"", "\"-0.1\"", &format!("{whole}.999999")]
    {
        assert_eq!(refused(SMALLEST[8], "amount", value), None, "{value}");
    }
    for value in ["1e3", "0.0000001", &beyond, "\"0.1234567\"", "0.30000000000000004"] {
        assert_eq!(refused(SMALLEST[8], "amount", value), Some(Reason::NumberOutOfRange), "{value}");
    }
    for value in [
        "\"\"",
        "\"1,5\"",
        "\"1e3\"",
        "\" 1\"",
        "\"1.\"",
        "\".5\"",
        "\"+5\"",
        "\"--5\"",
        "\"1.-5\"",
        "\"1.2.3\"",
        "\"NaN\"",
        "true",
    ] {
        assert_eq!(refused(SMALLEST[8], "amount", value), Some(Reason::WrongType), "{value}");
        assert_eq!(refused(SMALLEST[11], "value", value), Some(Reason::WrongType), "{value}");
    }
    assert_eq!(refused(SMALLEST[8], "margin_rate", "\"999.999999\""), None);
    assert_eq!(refused(SMALLEST[8], "margin_rate", "1000"), Some(Reason::NumberOutOfRange));
}

#[test]
fn money_is_read_to_the_last_millionth() {
    for (value, millionths) in [
        ("0", 0),
        ("-0", 0),
        ("12.5", 12_500_000),
        ("\"007\"", 7_000_000),
        ("-0.000001", -1),
        ("\"-999999999999999.999999\"", -999_999_999_999_999_999_999),
    ] {
        let json = SMALLEST[8].replace("\"12.50\"", value);
        let Body::Conversion(conversion) = event(&json).body else { panic!("{json}") };
        assert_eq!(conversion.amount, millionths, "{value}");
    }
    let json =
        r#"{"type":"conversion","id":"i","time":1709553600000,"amount":1,"currency":"eur","margin_rate":"0.35","refund_of":"o"}"#;
    let Body::Conversion(conversion) = event(json).body else { panic!("{json}") };
    assert_eq!((conversion.margin_rate, &*conversion.currency, &*conversion.refund_of), (Some(350_000), "EUR", "o"));
}

#[test]
fn counts_and_gauges_have_their_ranges() {
    let cases = [
        (1, "followers", "4294967295", Some(Reason::NumberOutOfRange)),
        (1, "followers", "-1", Some(Reason::NumberOutOfRange)),
        (1, "followers", "99999999999999999999999", Some(Reason::NumberOutOfRange)),
        (1, "followers", "1.0", Some(Reason::WrongType)),
        (1, "followers", "\"5\"", Some(Reason::WrongType)),
        (0, "followers", "-0", None),
        (0, "followers", "4294967295", Some(Reason::NumberOutOfRange)),
        (12, "seconds", "4294967295", None),
        (12, "seconds", "4294967296", Some(Reason::NumberOutOfRange)),
        (12, "seconds", "-4294967295", None),
        (12, "seconds", "-4294967296", Some(Reason::NumberOutOfRange)),
        (12, "seconds", "-99999999999999999999999", Some(Reason::NumberOutOfRange)),
        (12, "seconds_low", "-5", None),
        (12, "seconds_high", "-5", None),
        (12, "seconds", "1.5", Some(Reason::WrongType)),
        (5, "value", "-1.5e3", None),
        (5, "value", "1e400", Some(Reason::NumberOutOfRange)),
        (5, "value", "\"5\"", Some(Reason::WrongType)),
        (9, "period_start", "1.5", Some(Reason::BadTime)),
        (9, "period_end", "-1", Some(Reason::TimeOutOfRange)),
        (0, "tags", "[\"a\",1]", Some(Reason::WrongType)),
        (0, "tags", "[null]", Some(Reason::WrongType)),
        (2, "tags", "\"a\"", Some(Reason::WrongType)),
        (0, "is_brand", "1", Some(Reason::WrongType)),
    ];
    for (smallest, field, value, expected) in cases {
        assert_eq!(refused(SMALLEST[smallest], field, value), expected, "{field} = {value}");
    }
}

fn with_headers<'a>(headers: &[(&'a str, &'a str)], payload: &'a str) -> Result<Event<'a>, Reason> {
    let headers = headers.iter().map(|(name, value)| Header { name, value: Some(value.as_bytes()) }).collect();
    parse(&Record { payload: Some(payload.as_bytes()), headers, ..Record::default() }).map_err(|reject| reject.reason)
}

const BINARY: [(&str, &str); 4] =
    [("ce_specversion", "1.0"), ("CE_Type", "com.example.share.v1"), ("ce_id", "c"), ("ce_time", "2024-03-04T12:00:00Z")];

#[test]
fn a_binary_envelope_fills_in_id_time_and_type() {
    let event = with_headers(&BINARY, r#"{"actor":"a","root":"r","parent":"p"}"#).unwrap();
    assert_eq!((event.event_type(), event.id.as_ref(), event.time), (EventType::Share, "c", NOON));
    let named = |name| with_headers(&[BINARY[0], ("ce_type", name), BINARY[2], BINARY[3]], "{}").map(|event| event.event_type());
    assert_eq!(named("visit"), Ok(EventType::Visit));
    assert_eq!(named("com.example.post.visit"), Ok(EventType::Visit));
    assert_eq!(named("com.example.repost"), Err(Reason::UnknownType));
    assert_eq!(named("visit.v12"), Ok(EventType::Visit));
    for name in [
        "com.example.post.deleted",
        "share.removed",
        "reply.updated",
        "x.report.click.v2.old",
        "visit.v1.2",
        "post.vx",
        "post.v",
        "v1",
    ] {
        assert_eq!(named(name), Err(Reason::UnknownType), "{name} is no type of event");
    }
    assert_eq!(named(""), Err(Reason::MissingField));
}

#[test]
fn the_fields_of_the_data_win_over_a_binary_envelope() {
    let event = with_headers(&BINARY, r#"{"type":"visit","id":"i","time":1709553600000,"specversion":"0.3","data":1}"#).unwrap();
    assert_eq!((event.event_type(), event.id.as_ref(), event.time), (EventType::Visit, "i", NOON));
    assert_eq!(with_headers(&BINARY, r#"{"type":"visit","id":7}"#), Err(Reason::WrongType));
}

#[test]
fn a_binary_envelope_is_checked_like_the_fields() {
    let long = "x".repeat(513);
    assert_eq!(with_headers(&[("ce_specversion", "0.3")], SMALLEST[7]), Err(Reason::BadEnvelope));
    assert_eq!(with_headers(&[BINARY[0], BINARY[1], ("ce_id", &long)], r#"{"time":1709553600000}"#), Err(Reason::BadId));
    assert_eq!(with_headers(&[BINARY[0], BINARY[1], BINARY[2], ("ce_time", "7")], "{}"), Err(Reason::BadTime));
    assert_eq!(with_headers(&[("ce_id", "c")], r#"{"type":"visit","time":1709553600000}"#), Err(Reason::MissingField));
    let headers = vec![Header { name: "ce_specversion", value: Some(b"1.0") }, Header { name: "ce_id", value: Some(b"\xff") }];
    let record = Record { payload: Some(SMALLEST[7].as_bytes()), headers, ..Record::default() };
    assert_eq!(parse(&record).unwrap_err().reason, Reason::BadEnvelope);
}

#[test]
fn a_structured_envelope_is_opened() {
    let bare =
        r#"{"specversion":"1.0","type":"com.example.visit.v1","id":"c","time":"2024-03-04T12:00:00Z","source":"s","data":{}}"#;
    let event = with_headers(&[], bare).unwrap();
    assert_eq!((event.event_type(), event.id.as_ref(), event.time), (EventType::Visit, "c", NOON));
    let content_type = [("Content-Type", "application/CloudEvents+json; charset=UTF-8")];
    let full = format!(r#"{{"specversion":"1.0","type":"post","id":"c","time":1700000000000,"data": {} }}"#, SMALLEST[1]);
    let event = with_headers(&content_type, &full).unwrap();
    assert_eq!((event.event_type(), event.id.as_ref(), event.time, event.root()), (EventType::Share, "i", NOON, Some("r")));
}

#[test]
fn a_structured_envelope_may_hold_base64() {
    for (encoded, good) in [
        ("eyJ0eXBlIjoicG9zdCIsInRpbWUiOjE3MDk1NTM2MDAwMDAsImFjdG9yIjoiYSIsInRhZ3MiOlsidCJdfQ==", true),
        ("eyJ0eXBlIjoicG9zdCIsInRpbWUiOjE3MDk1NTM2MDAwMDAsImFjdG9yIjoiYSIsInRhZ3MiOlsidCJdfQ", false),
        ("e30=", false),
        ("====", false),
        ("e===", false),
        ("/w==", false),
        ("", false),
        ("e30\\n", false),
    ] {
        let payload = format!(r#"{{"specversion":"1.0","id":"c","data_base64":"{encoded}"}}"#);
        match with_headers(&[], &payload) {
            Ok(event) => assert!(good && event.id == "c" && event.event_type() == EventType::Post, "{encoded}: {event:?}"),
            Err(reason) => assert!(!good && (encoded == "e30=" || reason == Reason::BadEnvelope), "{encoded}: {reason:?}"),
        }
    }
}

#[test]
fn an_envelope_without_readable_data_or_of_another_version_is_refused() {
    let content_type = ("content-type", "application/cloudevents+json");
    for payload in [
        r#"{"specversion":"1.0","id":"c"}"#,
        r#"{"specversion":"1.0","data":null}"#,
        r#"{"specversion":"1.0","data":[1]}"#,
        r#"{"specversion":"1.0","data":"{}"}"#,
        r#"{"specversion":"1.0","data_base64":7}"#,
        r#"{"specversion":"0.3","data":{}}"#,
        r#"{"specversion":1.0,"data":{}}"#,
        r#"{"specversion":"","data":{}}"#,
    ] {
        assert_eq!(reason(payload.as_bytes()), Reason::BadEnvelope, "{payload}");
    }
    assert_eq!(with_headers(&[content_type], SMALLEST[7]), Err(Reason::BadEnvelope));
    for format in ["application/cloudevents-batch+json", "application/cloudevents+avro", "application/cloudevents"] {
        assert_eq!(with_headers(&[("content-type", format)], SMALLEST[7]), Err(Reason::BadEnvelope), "{format}");
    }
    assert!(with_headers(&[("content-type", "application/json")], SMALLEST[7]).is_ok());
}

fn unzipped(path: &Path) -> Vec<u8> {
    let mut bytes = Vec::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_end(&mut bytes).unwrap();
    bytes
}

/// The lines that become records: all that are not blank.
fn lines(bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
    bytes.split(|byte| *byte == b'\n').filter(|line| !line.trim_ascii().is_empty())
}

#[test]
fn the_edge_cases_give_the_events_copies_and_rejects_of_their_truth() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/data");
    let truth: serde_json::Value = serde_json::from_slice(&unzipped(&folder.join("edge_cases.truth.json.gz"))).unwrap();
    let bytes = unzipped(&folder.join("edge_cases.jsonl.gz"));
    let (mut seen, mut copies, mut rejects, mut by_type) = (HashSet::new(), 0_u64, 0_u64, BTreeMap::<&str, u64>::new());
    for line in lines(&bytes) {
        let Ok(event) = read(line) else {
            rejects += 1;
            continue;
        };
        let event_type = event.event_type();
        if seen.insert((event.root().map(str::to_owned), event_type, event.id.into_owned())) {
            *by_type.entry(event_type.as_str()).or_default() += 1;
        } else {
            copies += 1;
        }
    }
    let totals = &truth["totals"];
    assert_eq!((totals["rejects"].as_u64(), totals["duplicates"].as_u64()), (Some(rejects), Some(copies)));
    assert_eq!(totals["accepted"].as_u64(), Some(by_type.values().sum()));
    assert_eq!(totals["events_by_type"], serde_json::json!(by_type));
}

/// What needs the folder of real events, other people's data that lie beside the project.
mod real_events {
    use super::*;

    fn shared(path: &str) -> PathBuf {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data").join(path);
        assert!(
            path.exists(),
            "{} is missing: this test needs the folder of real events, other people's data that are no part of the project; \
             put it beside the clone, or leave out what needs it: -- --skip real_events::",
            path.display()
        );
        path
    }

    #[test]
    fn the_real_files_hold_no_reject() {
        for file in ["weibo_ced_dev.jsonl.gz", "reddit_college_dev.jsonl.gz"] {
            let bytes = unzipped(&shared(file));
            assert!(lines(&bytes).count() > 100_000);
            for line in lines(&bytes) {
                assert!(read(line).is_ok(), "{file}: {}", String::from_utf8_lossy(line));
            }
        }
    }

    #[test]
    fn native_formats_of_platforms_become_rejects_without_panic() {
        let mut files = 0;
        for folder in std::fs::read_dir(shared("formats")).unwrap() {
            for file in std::fs::read_dir(folder.unwrap().path()).unwrap() {
                let bytes = std::fs::read(file.unwrap().path()).unwrap();
                files += 1;
                for payload in std::iter::once(bytes.as_slice()).chain(lines(&bytes)) {
                    reason(payload);
                }
            }
        }
        assert!(files > 30, "only {files} files");
    }
}

#[test]
fn every_example_in_the_reference_does_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let (mut types, mut reasons) = (HashSet::new(), HashSet::new());
    for block in text.split("```json").skip(1) {
        let (info, rest) = block.split_once('\n').unwrap();
        let (json, _) = rest.split_once("```").unwrap();
        match (read(json.as_bytes()), info.trim().strip_prefix("reject=")) {
            (Ok(event), None) => drop(types.insert(event.event_type())),
            (Err(reject), Some(name)) => {
                assert_eq!(reject.reason.as_str(), name, "{json}");
                reasons.insert(reject.reason);
            }
            (outcome, _) => panic!("{info}: {json}: {outcome:?}"),
        }
    }
    assert_eq!(types.len(), EventType::ALL.len(), "each type needs an example");
    for reason in Reason::ALL {
        assert!(text.contains(&format!("`{}`", reason.as_str())), "{} is not in the reference", reason.as_str());
        // An empty payload and bytes that are not UTF-8 cannot be shown in a code block of text.
        let shown = reasons.contains(&reason) || matches!(reason, Reason::Empty | Reason::BadUtf8);
        assert!(shown, "{} has no example", reason.as_str());
    }
}

proptest! {
    #[test]
    fn parse_never_panics_on_arbitrary_bytes(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _outcome = read(&bytes);
    }

    #[test]
    fn parse_never_panics_on_damaged_events(
        smallest in 0..SMALLEST.len(),
        damages in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), 0..3_u8), 1..6),
    ) {
        let mut bytes = SMALLEST[smallest].as_bytes().to_vec();
        for (place, byte, damage) in damages {
            let place = place.index(bytes.len());
            match damage {
                0 => bytes[place] = byte,
                1 => bytes.insert(place, byte),
                _ => drop(bytes.splice(place..=place, br#""\ud83d\n","#.iter().copied())),
            }
        }
        if let Err(reject) = read(&bytes) {
            prop_assert!(reject.detail.len() <= 200, "{}", reject.detail);
        }
    }

    #[test]
    fn parse_never_panics_on_any_value_of_any_field(
        smallest in 0..SMALLEST.len(),
        place in any::<prop::sample::Index>(),
        value in "[-+0-9.eE\"TZ:a-c\\\\{}\\[\\]]{1,30}",
    ) {
        let mut fields: Vec<_> = object(SMALLEST[smallest]).into_iter().map(|(key, value)| (key, value.to_string())).collect();
        let place = place.index(fields.len());
        fields[place].1 = value;
        let inside: Vec<_> = fields.iter().map(|(key, value)| format!("\"{key}\":{value}")).collect();
        let _outcome = read(format!("{{{}}}", inside.join(",")).as_bytes());
    }

    #[test]
    fn any_text_of_good_length_is_an_id(id in "\\PC{1,100}") {
        let payload = with(SMALLEST[7], "id", id.clone().into());
        prop_assert_eq!(read(&payload).unwrap().id, id);
    }
}
