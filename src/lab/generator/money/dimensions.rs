//! The dimension tables that belong to the events: what an operator would load, as SQL.

use super::anyway::mails;
use super::fact::{date, instant};
use super::figures::{BRANDS, CAMPAIGNS, LABOUR, MEDIA_PRICES, RATES, REFERENCE_CURRENCY};
use super::pull::{PLACES_PREFIX, place_name};
use super::settings::Settings;
use crate::generator::later::{self, first_monday};
use crate::generator::world::{self, DAY, Habit, WEEK_START};

/// Which side a parameter or a referrer stands for.
const SIDES: [(&str, &str, &str); 8] = [
    ("utm_medium", "social-broadcast", "broadcast"),
    ("utm_medium", "social-conversation", "conversation"),
    ("utm_medium", "email", "other"),
    ("utm_medium", "cpc", "other"),
    ("referrer_host", "chirper.example", "broadcast"),
    ("referrer_host", "facetown.example", "broadcast"),
    ("referrer_host", "agora.example", "conversation"),
    ("referrer_host", "huddle.example", "conversation"),
];

/// One statement a table.
pub(crate) fn sql(settings: &Settings) -> String {
    let tables = [
        ("fx (valid_from, currency, to_base)", fx(settings)),
        ("labour_rate (valid_from, role, rate, currency)", labour_rates(settings)),
        ("media_price (valid_from, metric, channel, price, currency)", media_prices(settings)),
        ("brand (valid_from, brand, margin_rate, timezone, base_currency, landing_hosts)", brands(settings)),
        ("campaign (valid_from, campaign, brand, owner, objective)", campaigns(settings)),
        ("place (valid_from, channel, community, name, kind, members)", places(settings)),
        ("utm_side (field, value, side)", SIDES.map(|(field, value, side)| format!("'{field}', '{value}', '{side}'")).to_vec()),
        ("calendar (time, brand, kind, name)", calendar(settings)),
    ];
    let statement =
        |(table, rows): (&str, Vec<String>)| format!("INSERT INTO {table} VALUES\n    ({});\n", rows.join("),\n    ("));
    tables.into_iter().map(statement).collect::<Vec<_>>().join("\n")
}

/// The date so many days after the first Monday.
fn day(settings: &Settings, number: i64) -> String {
    date(first_monday(settings.weeks_later) + number * DAY)
}

fn first_day(settings: &Settings) -> String {
    day(settings, RATES[0].0)
}

fn fx(settings: &Settings) -> Vec<String> {
    let row = |&(from, currency, rate): &(i64, &str, u64)| {
        format!("'{}', '{currency}', {}.{:08}", day(settings, from), rate / 100_000_000, rate % 100_000_000)
    };
    RATES.iter().map(row).collect()
}

fn labour_rates(settings: &Settings) -> Vec<String> {
    LABOUR
        .iter()
        .map(|&(from, role, cents)| format!("'{}', '{role}', {}.{:02}, 'EUR'", day(settings, from), cents / 100, cents % 100))
        .collect()
}

fn media_prices(settings: &Settings) -> Vec<String> {
    let row = |&(metric, channel, price): &(&str, &str, u64)| {
        format!(
            "'{}', '{metric}', '{channel}', {}.{:04}, '{REFERENCE_CURRENCY}'",
            first_day(settings),
            price / 10_000,
            price % 10_000
        )
    };
    MEDIA_PRICES.iter().map(row).collect()
}

fn brands(settings: &Settings) -> Vec<String> {
    let mut rows = Vec::new();
    for brand in &BRANDS {
        let [first, second] = brand.hosts;
        for (from, margin) in brand.margins {
            rows.push(format!(
                "'{}', '{}', 0.{margin:03}, '{}', '{}', ['{first}', '{second}']",
                day(settings, *from),
                brand.name,
                brand.timezone,
                brand.base_currency
            ));
        }
    }
    rows
}

fn campaigns(settings: &Settings) -> Vec<String> {
    let brand = BRANDS[0].name;
    CAMPAIGNS
        .iter()
        .map(|(name, owner, objective)| format!("'{}', '{name}', '{brand}', '{owner}', '{objective}'", first_day(settings)))
        .collect()
}

fn places(settings: &Settings) -> Vec<String> {
    let usual = world::communities().map(|(channel, community)| (channel, community.to_owned()));
    let many = world::communities()
        .find(|(channel, _)| channel.prefix == PLACES_PREFIX)
        .into_iter()
        .flat_map(|(channel, _)| (0..settings.places.into()).map(move |number| (channel, place_name(number))));
    let row = |(number, (channel, community)): (u64, (&world::Channel, String))| {
        let kind = if channel.habit == Habit::Broadcast { "feed" } else { "forum" };
        let name = community.split('/').next_back().unwrap_or_default().replace('-', " ");
        format!(
            "'{}', '{}', '{community}', '{name}', '{kind}', {}",
            first_day(settings),
            channel.name,
            400 + 1_234_567 / (number + 3)
        )
    };
    (0..).zip(usual.chain(many)).map(row).collect()
}

fn calendar(settings: &Settings) -> Vec<String> {
    let brand = BRANDS[0].name;
    let entry = |time, kind, name| {
        let time = instant(time + later::by(settings.weeks_later)).replace('T', " ").replace('Z', "");
        format!("'{time}', '{brand}', '{kind}', '{name}'")
    };
    let launch = entry(WEEK_START, "launch", "spring launch");
    let mails = mails(settings).into_iter().map(|time| entry(time, "mail", "launch mail"));
    std::iter::once(launch).chain(mails).collect()
}
