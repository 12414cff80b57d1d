//! Numbers as people read them.

use super::html::Html;
use super::words::said;

/// A figure without a fraction, its thousands apart.
pub(super) fn count(value: f64) -> String {
    grouped(value, 0)
}

/// With so many decimals, thousands apart, and a true minus.
pub(super) fn grouped(value: f64, decimals: usize) -> String {
    let digits = format!("{:.decimals$}", value.abs());
    let (whole, fraction) = digits.split_once('.').unwrap_or((&digits, ""));
    let mut text = String::new();
    if value < 0.0 && digits.bytes().any(|digit| digit.is_ascii_digit() && digit != b'0') {
        text.push('\u{2212}');
    }
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if fraction.is_empty() { text } else { text + "." + fraction }
}

/// With about three digits that matter.
pub(super) fn short(value: f64) -> String {
    let size = value.abs();
    grouped(
        value,
        if size == 0.0 || size >= 100.0 {
            0
        } else if size >= 10.0 {
            1
        } else {
            2
        },
    )
}

/// A figure on a scale: only the decimals that it needs.
pub(super) fn tick(value: f64) -> String {
    let text = grouped(value, 3);
    let text = if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.') } else { &text };
    text.to_owned()
}

/// An amount of money; large ones without cents. Without a currency it is in the reference currency.
pub(super) fn money(value: f64, currency: &str) -> String {
    let amount = grouped(value, if value.abs() < 1000.0 && value != 0.0 { 2 } else { 0 });
    if currency.is_empty() { amount } else { format!("{amount}\u{a0}{currency}") }
}

/// A share of a whole, in percent.
pub(super) fn share(value: f64) -> String {
    let percent = value * 100.0;
    let decimals = match percent.abs() {
        0.0 => 0,
        size if size < 0.095 => 2,
        size if size < 9.95 => 1,
        _ => 0,
    };
    format!("{}\u{a0}%", grouped(percent, decimals))
}

/// A change or a return, in percent with its sign.
pub(super) fn signed_share(value: f64) -> String {
    let text = format!("{}\u{a0}%", grouped(value * 100.0, 0));
    if value > 0.0 && !text.starts_with('0') { format!("+{text}") } else { text }
}

/// Hours of work.
pub(super) fn hours(value: f64) -> String {
    format!("{}\u{a0}h", grouped(value, usize::from(value.abs() < 100.0 && value != 0.0)))
}

/// From one bound to the other.
pub(super) fn range(low: f64, high: f64, format: fn(f64) -> String) -> String {
    format!("{} to {}", format(low), format(high))
}

/// A figure, or that it is not known and why.
pub(super) fn known(value: Option<f64>, reason: &str, format: impl Fn(f64) -> String) -> Html {
    value.map_or_else(|| unknown(reason), |value| Html::from(format(value)))
}

/// That something is not known, and why.
pub(super) fn unknown(reason: &str) -> Html {
    Html::classed("span", "unknown", Html::from(unknown_text(reason)))
}

/// The same for a picture.
pub(super) fn unknown_text(reason: &str) -> String {
    match said(reason) {
        reason if reason.is_empty() => "not known".to_owned(),
        reason => format!("not known: {reason}"),
    }
}

/// A name out of the tables as words.
pub(super) fn plain(name: &str) -> String {
    name.replace('_', " ")
}

/// The same as the beginning of a sentence.
pub(super) fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map_or_else(String::new, |first| first.to_uppercase().chain(characters).collect())
}

/// A text in lines of at most so many characters, broken between words where it can be. Nothing is left out.
pub(super) fn wrapped(text: &str, characters: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let letters: Vec<char> = word.chars().collect();
        for (at, piece) in letters.chunks(characters.max(1)).enumerate() {
            let taken = lines.last().map_or(0, |line| line.chars().count());
            if at > 0 || (taken > 0 && taken + 1 + piece.len() > characters) {
                lines.push(String::new());
            }
            if let Some(line) = lines.last_mut() {
                let space = if line.is_empty() { "" } else { " " };
                line.push_str(space);
                line.extend(piece);
            }
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_stand_apart_and_minus_is_a_minus() {
        let got = [0.0, 999.0, 1000.0, -1_234_567.0, 0.4, -0.4].map(count);
        assert_eq!(got, ["0", "999", "1,000", "\u{2212}1,234,567", "0", "0"]);
        assert_eq!([1234.5, -0.054].map(|value| grouped(value, 2)), ["1,234.50", "\u{2212}0.05"]);
        assert_eq!([0.0, 0.123, 12.34, 123.4].map(short), ["0", "0.12", "12.3", "123"]);
        assert_eq!([0.0, 0.25, 5.0, -1000.0].map(tick), ["0", "0.25", "5", "\u{2212}1,000"]);
    }

    #[test]
    fn money_and_shares_have_their_units() {
        assert_eq!(money(12.3, "EUR"), "12.30\u{a0}EUR");
        assert_eq!(money(-12_345.6, ""), "\u{2212}12,346");
        let got = [0.0, 0.000_3, 0.004, 0.0999, 1.0].map(share);
        assert_eq!(got, ["0\u{a0}%", "0.03\u{a0}%", "0.4\u{a0}%", "10\u{a0}%", "100\u{a0}%"]);
        assert_eq!([0.0, 0.251, -0.5, 0.001].map(signed_share), ["0\u{a0}%", "+25\u{a0}%", "\u{2212}50\u{a0}%", "0\u{a0}%"]);
        assert_eq!([0.0, 12.34].map(hours), ["0\u{a0}h", "12.3\u{a0}h"]);
        assert_eq!(money(0.0, "EUR"), "0\u{a0}EUR");
        assert_eq!(range(-0.5, 0.25, signed_share), "\u{2212}50\u{a0}% to +25\u{a0}%");
    }

    #[test]
    fn null_is_not_known_and_never_zero() {
        let html = known(None, "missing_<rate>", count).into_string();
        assert_eq!(html, "<span class=\"unknown\">not known: missing &lt;rate&gt;</span>");
        assert_eq!(unknown_text("no_cost"), "not known: no cost of it is known");
        assert_eq!(known(Some(0.0), "unused", count).into_string(), "0");
        assert_eq!(unknown_text(""), "not known");
    }

    #[test]
    fn long_names_go_on_below_and_lose_nothing() {
        assert_eq!(wrapped("Bread & butter", 8), ["Bread &", "butter"]);
        assert_eq!(wrapped("größer-als-alle anderen", 6), ["größer", "-als-a", "lle", "andere", "n"]);
        assert_eq!(wrapped("", 3), [""]);
    }
}
