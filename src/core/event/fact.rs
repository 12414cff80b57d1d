//! Facts: what becomes a row of its own. Their texts are owned, because they move into the row.
//!
//! Labels and link parameters stay as they were sent; the views compare the latter in one spelling. Hosts and sides are
//! lower-cased, since producers write them as they like. Money is a whole number of millionths, never a float.

use std::borrow::Cow;

use url::Url;

use super::check;
use super::wire::{Field, Wire};
use super::{Reason, Reject};
use crate::record::Millis;

/// Millionths of a unit: what a `Decimal(38, 6)` holds.
pub type Millionths = i128;

/// A click on a link. Its id and time are the event's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Click {
    /// The root below which the link stood.
    pub root: String,
    /// What held the link; `None`: the root post.
    pub target: Option<String>,
    /// Who clicked, if the event says.
    pub visitor: Option<String>,
    /// The link's parameters.
    pub utm: Utm,
}

/// The parameters of a link, as they were sent; empty text stands for an absent one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Utm {
    pub source: String,
    pub medium: String,
    pub campaign: String,
    pub content: String,
    pub term: String,
}

/// A visit of a landing page.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Visit {
    pub visitor: Option<String>,
    /// Id of the click that led here; empty: none is known.
    pub click: String,
    pub brand: String,
    /// Host of the landing page, in lower case; empty: the address names none.
    pub landing_host: String,
    /// Path of the landing page, without query and fragment.
    pub landing_path: String,
    /// In lower case.
    pub referrer_host: String,
    pub utm: Utm,
}

/// A conversion, or its refund.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Conversion {
    pub visitor: Option<String>,
    pub brand: String,
    pub kind: String,
    pub amount: Millionths,
    /// In upper case.
    pub currency: String,
    /// Margin as a share of the amount, in millionths.
    pub margin_rate: Option<i32>,
    pub refund_of: String,
    pub relates_to: String,
}

/// Money or time spent.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Cost {
    pub kind: String,
    pub amount: Option<Millionths>,
    /// In upper case.
    pub currency: String,
    pub seconds: Option<i64>,
    pub seconds_low: Option<i64>,
    pub seconds_high: Option<i64>,
    pub role: String,
    pub estimated: bool,
    pub brand: String,
    pub campaign: String,
    pub channel: String,
    pub community: String,
    /// In lower case.
    pub side: String,
    pub period_start: Option<Millis>,
    pub period_end: Option<Millis>,
}

/// Who or what was assigned to an arm of an experiment.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Assignment {
    pub experiment: String,
    pub arm: String,
    pub unit: String,
    /// In lower case.
    pub unit_type: String,
}

/// A figure that a platform reports of itself; never summed with our own.
#[derive(Clone, Debug, Default, PartialEq)]
#[expect(missing_docs, reason = "the fields are those of the event format, described in docs/events.md")]
pub struct Report {
    pub origin: String,
    pub metric: String,
    pub value: Millionths,
    pub grain: String,
    pub period_start: Option<Millis>,
    pub period_end: Option<Millis>,
    pub brand: String,
    pub campaign: String,
    pub channel: String,
}

pub(super) fn click(wire: &Wire<'_>) -> Result<Click, Reject> {
    Ok(Click {
        root: check::id(wire, Field::Root)?.into_owned(),
        target: id(wire, Field::Target)?,
        visitor: id(wire, Field::Visitor)?,
        utm: utm(wire)?,
    })
}

pub(super) fn visit(wire: &Wire<'_>) -> Result<Visit, Reject> {
    let (landing_host, landing_path) = host_and_path(&check::address(wire, Field::LandingUrl)?);
    Ok(Visit {
        visitor: id(wire, Field::Visitor)?,
        click: id(wire, Field::Click)?.unwrap_or_default(),
        brand: label(wire, Field::Brand)?,
        landing_host: check::host(Field::LandingUrl, landing_host)?,
        landing_path,
        referrer_host: check::host(Field::ReferrerHost, host(&check::address(wire, Field::ReferrerHost)?))?,
        utm: utm(wire)?,
    })
}

pub(super) fn conversion(wire: &Wire<'_>) -> Result<Conversion, Reject> {
    Ok(Conversion {
        amount: check::required_decimal(wire, Field::Amount)?,
        currency: check::required_label(wire, Field::Currency)?.to_uppercase(),
        margin_rate: check::rate(wire, Field::MarginRate)?,
        visitor: id(wire, Field::Visitor)?,
        brand: label(wire, Field::Brand)?,
        kind: label(wire, Field::Kind)?,
        refund_of: id(wire, Field::RefundOf)?.unwrap_or_default(),
        relates_to: id(wire, Field::RelatesTo)?.unwrap_or_default(),
    })
}

pub(super) fn cost(wire: &Wire<'_>) -> Result<Cost, Reject> {
    if wire.get(Field::Amount).is_none() && wire.get(Field::Seconds).is_none() {
        return Err(Reject::new(Reason::MissingField, "`amount` and `seconds` are both missing; a cost needs one of them"));
    }
    let amount = check::money(wire, Field::Amount)?;
    let currency = label(wire, Field::Currency)?.to_uppercase();
    Ok(Cost {
        kind: label(wire, Field::Kind)?,
        amount,
        currency,
        seconds: check::seconds(wire, Field::Seconds)?,
        seconds_low: check::seconds(wire, Field::SecondsLow)?,
        seconds_high: check::seconds(wire, Field::SecondsHigh)?,
        role: label(wire, Field::Role)?,
        estimated: check::flag(wire, Field::Estimated)?,
        brand: label(wire, Field::Brand)?,
        campaign: label(wire, Field::Campaign)?,
        channel: label(wire, Field::Channel)?,
        community: label(wire, Field::Community)?,
        side: lower(wire, Field::Side)?,
        period_start: check::optional_time(wire, Field::PeriodStart)?,
        period_end: check::optional_time(wire, Field::PeriodEnd)?,
    })
}

pub(super) fn assignment(wire: &Wire<'_>) -> Result<Assignment, Reject> {
    Ok(Assignment {
        experiment: check::required_label(wire, Field::Experiment)?.into_owned(),
        arm: check::required_label(wire, Field::Arm)?.into_owned(),
        unit: check::id(wire, Field::Unit)?.into_owned(),
        unit_type: check::required_label(wire, Field::UnitType)?.trim().to_lowercase(),
    })
}

pub(super) fn report(wire: &Wire<'_>) -> Result<Report, Reject> {
    Ok(Report {
        origin: check::required_label(wire, Field::Origin)?.into_owned(),
        metric: check::required_label(wire, Field::Metric)?.into_owned(),
        value: check::required_decimal(wire, Field::Value)?,
        grain: label(wire, Field::Grain)?,
        period_start: check::optional_time(wire, Field::PeriodStart)?,
        period_end: check::optional_time(wire, Field::PeriodEnd)?,
        brand: label(wire, Field::Brand)?,
        campaign: label(wire, Field::Campaign)?,
        channel: label(wire, Field::Channel)?,
    })
}

fn utm(wire: &Wire<'_>) -> Result<Utm, Reject> {
    check::label(wire, Field::UtmId)?;
    Ok(Utm {
        source: label(wire, Field::UtmSource)?,
        medium: label(wire, Field::UtmMedium)?,
        campaign: label(wire, Field::UtmCampaign)?,
        content: label(wire, Field::UtmContent)?,
        term: label(wire, Field::UtmTerm)?,
    })
}

fn id(wire: &Wire<'_>, field: Field) -> Result<Option<String>, Reject> {
    Ok(check::optional_id(wire, field)?.map(Cow::into_owned))
}

fn label(wire: &Wire<'_>, field: Field) -> Result<String, Reject> {
    check::label(wire, field).map(Cow::into_owned)
}

fn lower(wire: &Wire<'_>, field: Field) -> Result<String, Reject> {
    Ok(check::label(wire, field)?.to_lowercase())
}

/// The longest path that is kept, in bytes.
const PATH_BYTES_MAX: usize = 1024;

/// Host and path of a page's address, or of one without a host. Query and fragment are cut off, and no other kind of
/// address is kept: they may name people.
fn host_and_path(address: &str) -> (String, String) {
    let (host, path) = match Url::parse(address) {
        Ok(url) if matches!(url.scheme(), "http" | "https") => {
            (url.host_str().unwrap_or_default().to_owned(), url.path().to_owned())
        }
        Err(url::ParseError::RelativeUrlWithoutBase) if address.starts_with('/') => {
            (String::new(), address.split(['?', '#']).next().unwrap_or_default().to_owned())
        }
        Ok(_) | Err(_) => return Default::default(),
    };
    let end = path.floor_char_boundary(PATH_BYTES_MAX.min(path.len()));
    (host, path[..end].to_owned())
}

/// A host in the one form that addresses give: lower case, without a port, names of other scripts as ASCII. What is
/// no host stays as it is, in lower case.
fn host(text: &str) -> String {
    let address = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
    let parsed = Url::parse(&address).ok().and_then(|url| url.host_str().map(str::to_owned));
    parsed.unwrap_or_else(|| text.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::{host, host_and_path};

    #[test]
    fn an_address_is_split_and_another_kind_is_not_kept() {
        let long = format!("/{}", "ü".repeat(1000));
        for (address, host, path) in [
            ("https://Shop.Example:8080/a/b?utm_source=x#top", "shop.example", "/a/b"),
            ("https://shop.example", "shop.example", "/"),
            ("/pricing?x=1", "", "/pricing"),
            ("", "", ""),
            ("mailto:a@b", "", ""),
            (&long, "", &long[..1023]),
        ] {
            assert_eq!(host_and_path(address), (host.to_owned(), path.to_owned()), "{address}");
        }
    }

    #[test]
    fn a_referrer_has_the_form_of_a_landing_host() {
        for (text, wanted) in [
            ("News.Example:443", "news.example"),
            ("https://news.example/a", "news.example"),
            ("müller.example", "xn--mller-kva.example"),
            ("", ""),
            ("no host", "no host"),
        ] {
            assert_eq!(host(text), wanted, "{text}");
        }
    }
}
