//! The causal truth: the same seed as it is, and with one side switched off.
//!
//! What a side caused is the difference between two worlds, never what some rule would credit it with.

use serde_json::{Map, Value, json};

use super::Economy;
use super::figures::{BRANDS, LAG_OF_SPREAD, LAG_OF_TALK};
use super::pull::{appeal_of_place, expected, place_number};
use super::settings::{Settings, Side};
use super::tally::{Figures, Micros, Tally};
use super::trial::NAME;
use crate::generator::dice::share_below;

/// What happened in each of three worlds.
#[derive(Clone, Debug)]
pub struct Truth {
    settings: Settings,
    as_it_is: Tally,
    without: [(Side, Tally); 2],
}

impl Truth {
    /// Generates all three worlds and keeps only their sums.
    #[must_use]
    pub fn of(settings: &Settings) -> Self {
        let tally = |settings: &Settings| {
            let mut economy = Economy::new(settings);
            while economy.next().is_some() {}
            economy.tally
        };
        Truth {
            as_it_is: tally(settings),
            without: [Side::Broadcast, Side::Conversation].map(|side| (side, tally(&settings.without(side)))),
            settings: settings.clone(),
        }
    }

    /// As a file says it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let mut caused = Map::new();
        let mut worlds = Map::from_iter([("as_it_is".to_owned(), by_brand(|brand| of_brand(&self.as_it_is, brand)))]);
        for (side, without) in &self.without {
            worlds.insert(format!("without_{}", side.word()), by_brand(|brand| of_brand(without, brand)));
            caused.insert(side.word().to_owned(), by_brand(|brand| self.difference(without, brand)));
        }
        json!({
            "settings": self.settings_json(),
            "worlds": worlds,
            "caused": caused,
            "expected": self.expected(),
            "places": self.places(),
        })
    }

    /// What is gone where a side is switched off.
    fn difference(&self, without: &Tally, brand: &str) -> Figures {
        let mut difference = of_brand(&self.as_it_is, brand);
        difference.add(&of_brand(without, brand), -1);
        difference
    }

    fn settings_json(&self) -> Value {
        let Settings { seed, events, days, weeks_later: _, visits_a_day, places, confounders, bots, experiment, without: _ } =
            &self.settings;
        let confounders: Map<String, Value> =
            confounders.iter().map(|(confounder, strength)| (kebab(confounder), json!(kebab(strength)))).collect();
        let experiment = experiment.map(|experiment| {
            json!({ "experiment": NAME, "unit_type": experiment.unit.word(), "effect_percent": experiment.effect_percent })
        });
        json!({
            "seed": seed,
            "events": events,
            "days": days,
            "visits_a_day": visits_a_day,
            "places": places,
            "confounders": confounders,
            "bots": bots,
            "experiment": experiment,
        })
    }

    /// What the generator's own figures say on average. First visits only: somebody may come back.
    fn expected(&self) -> Value {
        let [own_post, share, reply] = expected(&self.settings);
        let within = |curve| share_below(curve, 15 * 60 - 10);
        json!({
            "first_visits_per_own_post": thousandths(own_post),
            "first_visits_per_share_of_own_post": thousandths(share),
            "first_visits_per_brand_reply": thousandths(reply),
            "within_15_minutes": {
                "broadcast": thousandths(within(LAG_OF_SPREAD) / 10),
                "conversation": thousandths(within(LAG_OF_TALK) / 10),
            },
        })
    }

    fn places(&self) -> Vec<Value> {
        let mut places = Vec::new();
        for (cause, figures) in self.as_it_is.places() {
            let number = place_number(&cause.community);
            let mut place = Map::from_iter([
                ("brand".to_owned(), json!(cause.brand)),
                ("channel".to_owned(), json!(cause.channel)),
                ("community".to_owned(), json!(cause.community)),
                ("side".to_owned(), json!(cause.side.map_or("", Side::word))),
                (
                    "appeal".to_owned(),
                    json!(thousandths(number.map_or(1_000, |number| appeal_of_place(self.settings.seed, number)))),
                ),
            ]);
            place.extend(as_map(figures));
            places.push(Value::Object(place));
        }
        places
    }
}

fn kebab(value: &impl clap::ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn of_brand(tally: &Tally, brand: &str) -> Figures {
    tally.sum(|cause| cause.brand == brand)
}

fn by_brand(figures: impl Fn(&str) -> Figures) -> Value {
    BRANDS.iter().map(|brand| (brand.name.to_owned(), Value::Object(as_map(&figures(brand.name))))).collect::<Map<_, _>>().into()
}

fn as_map(figures: &Figures) -> Map<String, Value> {
    let revenue: Map<String, Value> =
        figures.revenue.iter().map(|(currency, micros)| ((*currency).to_owned(), json!(decimal(*micros)))).collect();
    Map::from_iter([
        ("visits".to_owned(), json!(figures.visits)),
        ("bot_visits".to_owned(), json!(figures.bot_visits)),
        ("clicks".to_owned(), json!(figures.clicks)),
        ("conversions".to_owned(), json!(figures.conversions)),
        ("refunds".to_owned(), json!(figures.refunds)),
        ("revenue".to_owned(), revenue.into()),
        ("revenue_base".to_owned(), json!(decimal(figures.revenue_base))),
        ("margin_base".to_owned(), json!(decimal(figures.margin_base))),
    ])
}

fn decimal(micros: Micros) -> String {
    let sign = if micros < 0 { "-" } else { "" };
    format!("{sign}{}.{:06}", micros.unsigned_abs() / 1_000_000, micros.unsigned_abs() % 1_000_000)
}

fn thousandths(value: u64) -> String {
    format!("{}.{:03}", value / 1_000, value % 1_000)
}
