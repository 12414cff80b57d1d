//! What an error of the store asks for: another attempt, or somebody who acts.
//!
//! The only thing to go by is the exception's code in the text of the answer. A code that is not listed is taken
//! as transient: it is tried again, ever more slowly, and the log shows it; when the same rows have failed for long with one such
//! code, somebody is called (`worker/patience.rs`).

use std::time::Duration;

use ::clickhouse::error::Error;

use crate::failure::{Failure, causes};
use crate::worker::Unknown;

const MIGRATE: &str = "run: grapevine migrate";
const DATABASE: &str =
    "if the database was there before, bring back its backup, docs/operations.md says how; else run: grapevine migrate";
const SCHEMA: &str =
    "the table is not the one this version writes; run: grapevine migrate, which adds what is missing and names the rest";
const CONSTRAINT: &str =
    "somebody has put a constraint on the table that the rows do not meet; run: ALTER TABLE ... DROP CONSTRAINT ...";
const CREDENTIALS: &str = "check clickhouse.user and clickhouse.password";
const PERMISSION: &str =
    "the user (clickhouse.user) needs SELECT, INSERT on the database and SELECT on system tables; ask for the grants";
const READER: &str = "the user may only read (its profile says readonly); name one in clickhouse.user that may insert";
const SETTING: &str = "the user's profile must allow the settings of inserts; see the settings named in the answer, and those of clickhouse.settings";
const REFUSED: &str = "the store refuses what the rows say; keep the answer and report it";
const READ_ONLY: &str = "the table takes no rows for good; run: ALTER TABLE ... MODIFY SETTING table_readonly = 0, or move it to a \
    disk that can be written";
const TOO_LARGE: &str = "something between here and the store takes no request of this size; lower flush.bytes_max, or raise the \
    other's limit";
const PARTITIONS: &str = "the user's profile must leave throw_on_max_partitions_per_insert_block free to be set to 0";

/// Codes that no repetition heals, and what heals them. Sorted by code.
const OPERATOR: &[(u32, &str)] = &[
    (6, REFUSED),       // CANNOT_PARSE_TEXT
    (8, SCHEMA),        // THERE_IS_NO_COLUMN
    (10, SCHEMA),       // NOT_FOUND_COLUMN_IN_BLOCK
    (16, SCHEMA),       // NO_SUCH_COLUMN_IN_TABLE
    (20, SCHEMA),       // NUMBER_OF_COLUMNS_DOESNT_MATCH
    (26, REFUSED),      // CANNOT_PARSE_QUOTED_STRING
    (27, REFUSED),      // CANNOT_PARSE_INPUT_ASSERTION_FAILED
    (36, REFUSED),      // BAD_ARGUMENTS
    (38, REFUSED),      // CANNOT_PARSE_DATE
    (41, REFUSED),      // CANNOT_PARSE_DATETIME
    (43, SCHEMA),       // ILLEGAL_TYPE_OF_ARGUMENT
    (44, SCHEMA),       // ILLEGAL_COLUMN
    (46, SCHEMA),       // UNKNOWN_FUNCTION
    (47, SCHEMA),       // UNKNOWN_IDENTIFIER
    (48, SCHEMA),       // NOT_IMPLEMENTED: a view, or another thing that takes no rows
    (50, SCHEMA),       // UNKNOWN_TYPE
    (53, SCHEMA),       // TYPE_MISMATCH
    (60, MIGRATE),      // UNKNOWN_TABLE
    (62, REFUSED),      // SYNTAX_ERROR
    (69, REFUSED),      // ARGUMENT_OUT_OF_BOUND
    (70, SCHEMA),       // CANNOT_CONVERT_TYPE
    (72, REFUSED),      // CANNOT_PARSE_NUMBER
    (73, REFUSED),      // UNKNOWN_FORMAT
    (80, SCHEMA),       // INCORRECT_QUERY
    (81, DATABASE),     // UNKNOWN_DATABASE
    (115, SETTING),     // UNKNOWN_SETTING
    (117, REFUSED),     // INCORRECT_DATA
    (128, REFUSED),     // TOO_LARGE_ARRAY_SIZE
    (131, REFUSED),     // TOO_LARGE_STRING_SIZE
    (164, READER),      // READONLY: the user, not the table
    (192, CREDENTIALS), // UNKNOWN_USER
    (193, CREDENTIALS), // WRONG_PASSWORD
    (194, CREDENTIALS), // REQUIRED_PASSWORD
    (195, CREDENTIALS), // IP_ADDRESS_NOT_ALLOWED
    (218, MIGRATE),     // TABLE_IS_DROPPED
    (291, PERMISSION),  // DATABASE_ACCESS_DENIED
    (349, SCHEMA),      // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
    (452, SETTING),     // SETTING_CONSTRAINT_VIOLATION
    (469, CONSTRAINT),  // VIOLATED_CONSTRAINT
    (497, PERMISSION),  // ACCESS_DENIED
    (516, CREDENTIALS), // AUTHENTICATION_FAILED
    (774, READ_ONLY),   // TABLE_IS_PERMANENTLY_READ_ONLY: its own setting, or its disk
];

/// The cures of what may be wrong with some tables or rows and not with others.
const OF_ROWS: [&str; 5] = [MIGRATE, SCHEMA, CONSTRAINT, REFUSED, TOO_LARGE];

/// Codes that pass by themselves. Sorted by code.
const TRANSIENT: &[u32] = &[
    3,    // UNEXPECTED_END_OF_FILE: the body was cut
    23,   // CANNOT_READ_FROM_ISTREAM
    32,   // ATTEMPT_TO_READ_AFTER_EOF
    33,   // CANNOT_READ_ALL_DATA
    40,   // CHECKSUM_DOESNT_MATCH
    74,   // CANNOT_READ_FROM_FILE_DESCRIPTOR
    75,   // CANNOT_WRITE_TO_FILE_DESCRIPTOR
    76,   // CANNOT_OPEN_FILE
    95,   // CANNOT_READ_FROM_SOCKET
    96,   // CANNOT_WRITE_TO_SOCKET
    159,  // TIMEOUT_EXCEEDED
    160,  // TOO_SLOW
    173,  // CANNOT_ALLOCATE_MEMORY
    198,  // DNS_ERROR
    201,  // QUOTA_EXCEEDED
    202,  // TOO_MANY_SIMULTANEOUS_QUERIES
    203,  // NO_FREE_CONNECTION
    209,  // SOCKET_TIMEOUT
    210,  // NETWORK_ERROR
    225,  // NO_ZOOKEEPER
    236,  // ABORTED
    241,  // MEMORY_LIMIT_EXCEEDED
    242,  // TABLE_IS_READ_ONLY: a replica without its keeper; see STATIC_STORAGE
    243,  // NOT_ENOUGH_SPACE
    271,  // CANNOT_DECOMPRESS
    279,  // ALL_CONNECTION_TRIES_FAILED
    285,  // TOO_FEW_LIVE_REPLICAS
    286,  // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
    289,  // REPLICA_IS_NOT_IN_QUORUM
    319,  // UNKNOWN_STATUS_OF_INSERT
    394,  // QUERY_WAS_CANCELLED
    425,  // SYSTEM_ERROR
    439,  // CANNOT_SCHEDULE_TASK
    473,  // DEADLOCK_AVOIDED
    499,  // S3_ERROR
    571,  // DATABASE_REPLICATION_FAILED
    733,  // TABLE_IS_BEING_RESTARTED
    999,  // KEEPER_EXCEPTION
    1000, // POCO_EXCEPTION
    1001, // STD_EXCEPTION
    1002, // UNKNOWN_EXCEPTION
];

/// Of servers that do not know code 774 yet, what they say of a disk that is never written.
const STATIC_STORAGE: (u32, &str) = (242, "static storage");

/// FUNCTION_THROW_IF_VALUE_IS_NON_ZERO.
const THROWN: u32 = 395;

/// "Too many parts" and "too many partitions for one insert block" share this code.
const TOO_MANY_PARTS: u32 = 252;

/// What an error of the client asks for.
#[must_use]
pub fn classify(error: &Error) -> Failure {
    if let Error::BadResponse(text) = error {
        return classify_exception(text);
    }
    // Of answers: the client compares their columns with what is to be read.
    if let Error::SchemaMismatch(text) = error {
        return Failure::Operator(format!("{text}: {SCHEMA}"));
    }
    if matches!(error, Error::InvalidParams(_) | Error::Unsupported(_) | Error::Custom(_)) {
        return Failure::Operator(format!("{}: {REFUSED}", causes(error)));
    }
    // The network, deadlines, and answers that make no sense: a proxy in between, a server that is stopping.
    let text = causes(error);
    let cure = CONNECTION.iter().find(|(words, _)| text.contains(words)).map(|(_, cure)| format!(": {cure}"));
    Failure::Transient(text + &cure.unwrap_or_default())
}

/// Of an address at which nothing was said for so long.
pub(super) fn silence(url: &str, limit: Duration) -> Failure {
    Failure::Transient(format!("no answer from `clickhouse.urls` ({url}) within {limit:?}: {SILENT}"))
}

/// Of a question that a command or a watch asked of a server that answers others.
pub(crate) fn late(limit: Duration) -> Failure {
    Failure::Transient(format!(
        "no answer within {limit:?}: look whether the server is busy (SELECT query, elapsed FROM system.processes); a larger \
         clickhouse.send_timeout_seconds gives it more time"
    ))
}

/// Of somebody who says nothing.
pub(super) const SILENT: &str = "look whether it runs, and whether this machine reaches it";

/// Of an address to which no way leads.
const UNREACHABLE: &str = "no way leads there from this machine: correct clickhouse.urls, or look at routes and firewalls";

/// Of somebody who hangs up.
const HANGS_UP: &str = "the other side hung up; if it goes on doing so, what listens there speaks no HTTP: write that port in clickhouse.urls \
    (8123, with TLS 8443)";

/// What TLS, HTTP and the network say of an address, and what it means here. Tried again all the same: certificates are renewed while workers
/// run, and servers come back.
const CONNECTION: [(&str, &str); 15] = [
    ("UnknownIssuer", "name in clickhouse.ca_file the authority that signs the server's certificate"),
    (
        "BadSignature",
        "clickhouse.ca_file holds an authority of that name with another key: name the one that signs the server's certificate",
    ),
    ("NotValidForName", "write in clickhouse.urls a name that the server's certificate is for"),
    ("certificate not valid for name", "write in clickhouse.urls a name that the server's certificate is for"),
    ("certificate expired", "renew the server's certificate"),
    ("CertificateRequired", "the server wants a certificate of this client: clickhouse.certificate_file and clickhouse.key_file"),
    ("received fatal alert", "the server does not take the certificate in clickhouse.certificate_file, or asks for one"),
    ("InvalidContentType", "the server speaks no TLS on this port: write http:// in clickhouse.urls, or another port"),
    ("dns error", "the host is not known: correct clickhouse.urls, or look whether this machine's name server answers"),
    ("Connection refused", "nobody takes connections there: correct clickhouse.urls, or start the server"),
    (
        "invalid HTTP version",
        "what answers there is no HTTP: where it is TLS, write https:// in clickhouse.urls, else the port of HTTP (8123)",
    ),
    ("No route to host", UNREACHABLE),
    ("Network is unreachable", UNREACHABLE),
    ("Connection reset", HANGS_UP),
    ("connection closed before message completed", HANGS_UP),
];

/// Of an answer that no ClickHouse gives.
const PAGE: &str = "this is no answer of a ClickHouse: correct clickhouse.urls (the port is that of HTTP, 8123 or with TLS 8443), or look at what \
    stands in between";

/// How many characters are shown of a page that somebody else wrote.
const SHOWN: usize = 300;

/// Whether the server threw an error of ours (`throwIf`), and which.
pub(super) fn says(error: &Error, ours: &str) -> bool {
    matches!(error, Error::BadResponse(text) if exception_code(text) == Some(THROWN) && text.contains(ours))
}

/// Whether nobody answered who is a ClickHouse: no connection, nothing in time, or a page of something in between that passes.
pub(super) fn is_silence(failure: &Failure) -> bool {
    matches!(failure, Failure::Transient(text) if exception_code(text).is_none())
}

/// Whether a proxy refused the request for its size.
pub(super) fn is_too_large(error: &Error) -> bool {
    matches!(error, Error::BadResponse(text) if exception_code(text).is_none() && says_too_large(text))
}

/// What an answer of the server asks for, by the code of its exception.
#[must_use]
pub fn classify_exception(text: &str) -> Failure {
    let Some(code) = exception_code(text) else {
        return classify_status(text);
    };
    if code == TOO_MANY_PARTS && text.contains("Too many partitions") {
        return Failure::Operator(format!("{text}: {PARTITIONS}"));
    }
    if code == STATIC_STORAGE.0 && text.contains(STATIC_STORAGE.1) {
        return Failure::Operator(format!("{text}: {READ_ONLY}"));
    }
    if let Ok(found) = OPERATOR.binary_search_by_key(&code, |entry| entry.0) {
        return Failure::Operator(format!("{text}: {}", OPERATOR[found].1));
    }
    if is_known_to_pass(code) {
        return Failure::Transient(text.to_owned());
    }
    Failure::Transient(format!("{text} (code {code} is not known to this program; trying again)"))
}

fn is_known_to_pass(code: u32) -> bool {
    code == TOO_MANY_PARTS || TRANSIENT.binary_search(&code).is_ok()
}

/// The code of an error that is only taken as transient because its code is not known, and where to ask for its meaning.
pub(super) fn unknown(failure: &Failure) -> Option<Unknown> {
    let Failure::Transient(text) = failure else { return None };
    let code = exception_code(text).filter(|code| !is_known_to_pass(*code))?;
    let cure = format!(
        "Ask the server: SELECT * FROM system.errors WHERE code = {code}; if the name speaks of a limit (of bytes, rows or memory), raise \
         it for the user, or lower flush.bytes_max; else keep the answer and report it"
    );
    Some(Unknown { code, cure })
}

/// Whether other rows may be taken where these were not: the server says no to what was sent, or a proxy to its size; not where it says no
/// to the user, to every insert, or to nobody in particular.
pub(super) fn is_of_rows(failure: &Failure) -> bool {
    let Failure::Operator(text) = failure else { return false };
    let Some(code) = exception_code(text) else { return says_too_large(text) };
    match OPERATOR.binary_search_by_key(&code, |entry| entry.0) {
        Ok(found) => OF_ROWS.contains(&OPERATOR[found].1),
        Err(_) => !is_known_to_pass(code),
    }
}

/// An answer without an exception comes from a proxy, or from a server that did not get far.
fn classify_status(text: &str) -> Failure {
    if text.contains("401 Unauthorized") || text.contains("403 Forbidden") {
        return Failure::Operator(format!("{text}: {CREDENTIALS}"));
    }
    if says_too_large(text) {
        return Failure::Operator(format!("{text}: {TOO_LARGE}"));
    }
    let page: String = text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(SHOWN).collect();
    Failure::Transient(format!("{page}: {PAGE}"))
}

/// Status 413 has had several names; a page that says it may not have the number. Other statuses speak of what is too large, too.
fn says_too_large(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    ["413 ", "payload too large", "content too large", "request entity too large"].iter().any(|name| text.contains(name))
}

/// The number after `Code: `.
fn exception_code(text: &str) -> Option<u32> {
    let (_, after) = text.split_once("Code: ")?;
    let digits = after.bytes().take_while(u8::is_ascii_digit).count();
    after[..digits].parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_operator(text: &str) -> bool {
        matches!(classify_exception(text), Failure::Operator(_))
    }

    #[test]
    fn the_tables_are_sorted_and_disjoint() {
        assert!(OPERATOR.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(TRANSIENT.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(OPERATOR.iter().all(|(code, _)| TRANSIENT.binary_search(code).is_err()));
    }

    #[test]
    fn each_code_has_its_class() {
        let operator = [
            6, 8, 10, 16, 20, 27, 36, 44, 46, 47, 48, 50, 53, 60, 62, 69, 70, 72, 73, 81, 115, 117, 128, 131, 164, 192, 193, 194,
            195, 218, 291, 349, 452, 469, 497, 516, 774,
        ];
        let transient = [
            3, 32, 33, 40, 74, 75, 95, 96, 159, 160, 173, 198, 201, 202, 203, 209, 210, 225, 236, 241, 242, 243, 271, 279, 285,
            286, 289, 319, 394, 425, 439, 473, 499, 571, 733, 999, 1000, 1001, 1002,
        ];
        for code in operator {
            assert!(is_operator(&format!("Code: {code}. DB::Exception: something (NAME) (version 26.7)")), "{code}");
        }
        for code in transient {
            let text = format!("Code: {code}. DB::Exception: something (NAME) (version 26.7)");
            assert!(matches!(classify_exception(&text), Failure::Transient(said) if said == text), "{code}");
        }
    }

    #[test]
    fn a_code_with_two_meanings_is_told_by_its_words() {
        assert!(!is_operator(
            "Code: 252. DB::Exception: Too many parts (600 with average size of 1 MiB) in table 'x'. (TOO_MANY_PARTS)"
        ));
        assert!(is_operator(
            "Code: 252. DB::Exception: Too many partitions for single INSERT block (more than 100). (TOO_MANY_PARTS)"
        ));
        assert!(!is_operator("Code: 242. DB::Exception: Table is in readonly mode (replica path: /a). (TABLE_IS_READ_ONLY)"));
        assert!(is_operator("Code: 242. DB::Exception: Table is in readonly mode due to static storage. (TABLE_IS_READ_ONLY)"));
    }

    #[test]
    fn an_unknown_code_is_tried_again_and_said() {
        let said = classify_exception("Code: 98765. DB::Exception: new").to_string();
        assert!(said.ends_with("(code 98765 is not known to this program; trying again)"), "{said}");
        assert!(!is_operator("Code: 98765. DB::Exception: new"));
        let code = |text: &str| unknown(&classify_exception(text)).map(|unknown| unknown.code);
        assert_eq!(code("Code: 98765. DB::Exception: new"), Some(98765));
        for known in ["Code: 241. DB::Exception: memory", "Code: 60. DB::Exception: no table", "503 Service Unavailable"] {
            assert_eq!(code(known), None, "{known}");
        }
    }

    #[test]
    fn an_answer_without_an_exception_is_judged_by_its_status() {
        assert!(!is_operator("503 Service Unavailable"));
        assert!(!is_operator(""));
        assert!(!is_operator("Code: none"));
        assert!(!is_operator("gateway timed out after 4030 ms"));
        assert!(is_operator("403 Forbidden"));
    }

    #[test]
    fn what_the_server_says_of_rows_is_told_from_what_it_says_of_everything() {
        let answer = |code: u32| classify_exception(&format!("Code: {code}. DB::Exception: something (NAME)")).on("no insert");
        for code in [8, 16, 53, 60, 117, 131, 469] {
            assert!(is_of_rows(&answer(code)), "{code}");
        }
        for code in [81, 115, 164, 193, 209, 241, 242, 243, 252, 291, 307, 452, 497, 516, 774] {
            assert!(!is_of_rows(&answer(code)), "{code}");
        }
        assert!(is_of_rows(&classify_exception("413 Payload Too Large").on("no insert")));
        for text in ["403 Forbidden", "503 Service Unavailable", "a page"] {
            assert!(!is_of_rows(&classify_exception(text)), "{text}");
        }
        assert!(!is_of_rows(&classify(&Error::TimedOut)));
        // When somebody is called because of a code that is not known.
        let called = "Code: 307. DB::Exception: something (NAME): it has failed 20 times in a row";
        assert!(is_of_rows(&Failure::Operator(called.to_owned())));
    }

    #[test]
    fn a_missing_table_says_what_to_run() {
        let said =
            classify_exception("Code: 60. DB::Exception: Table grapevine.cascade does not exist. (UNKNOWN_TABLE)").to_string();
        assert!(said.ends_with("run: grapevine migrate"), "{said}");
    }

    #[test]
    fn a_request_that_is_too_large_is_told_from_what_the_store_finds_too_large() {
        let answer = |text: &str| Error::BadResponse(text.to_owned());
        for page in ["413 Payload Too Large", "<title>413 Request Entity Too Large</title>", "Content Too Large"] {
            assert!(is_too_large(&answer(page)), "{page}");
            assert!(matches!(classify(&answer(page)), Failure::Operator(said) if said.contains("flush.bytes_max")), "{page}");
        }
        assert!(!is_too_large(&answer("Code: 131. DB::Exception: Too large string size. (TOO_LARGE_STRING_SIZE)")));
        for other in ["414 Request-URI Too Large", "400 Request Header Or Cookie Too Large", "414 URI Too Long"] {
            assert!(!is_too_large(&answer(other)), "{other}");
        }
        assert!(!is_too_large(&Error::TimedOut));
    }

    #[test]
    fn what_we_throw_is_told_from_what_others_throw() {
        let thrown = |text: &str| Error::BadResponse(format!("Code: 395. DB::Exception: {text}: while executing"));
        assert!(says(&thrown("grapevine: less"), "grapevine: less"));
        assert!(!says(&thrown("a view of the operator's"), "grapevine: less"));
        assert!(!says(&Error::BadResponse("Code: 60. grapevine: less".to_owned()), "grapevine: less"));
        assert!(!is_operator("Code: 395. DB::Exception: a view of the operator's"), "tried again");
    }

    #[test]
    fn errors_of_the_client_have_their_class() {
        assert!(matches!(classify(&Error::TimedOut), Failure::Transient(_)));
        for said in [
            "dns error: failed to lookup address information: Temporary failure in name resolution",
            "tcp connect error: No route to host (os error 113)",
            "tcp connect error: Network is unreachable (os error 101)",
            "connection error: Connection reset by peer (os error 104)",
        ] {
            let failure = classify(&Error::Network(said.into()));
            assert!(
                matches!(&failure, Failure::Transient(text) if text.contains(said) && text.contains("clickhouse.urls")),
                "{failure}"
            );
        }
        assert!(
            matches!(classify(&Error::SchemaMismatch("no column".to_owned())), Failure::Operator(said) if said.contains("migrate"))
        );
        assert!(matches!(classify(&Error::Custom("sizes".to_owned())), Failure::Operator(_)));
    }
}
