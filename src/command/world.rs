//! The options of the generated world: the same for `generate` and for `demo`, so that both make the same one.

use std::fmt::Display;

use clap::{Args, ValueEnum};

use crate::generator::money::{Confounder, Experiment, Settings, Side, Strength, Unit};

/// Where nobody says otherwise: long enough for what came back within 30 days to be known of a month, and quick to make.
const DAYS: u16 = 63;
const VISITS: u32 = 1_000;

/// Which world. The same options give the same lines.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// The generator's seed
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// How many posts, shares, replies and what belongs to them; visits, sales and costs come on top
    #[arg(long, default_value_t = 100_000)]
    pub events: usize,
    /// The money side.
    #[command(flatten)]
    pub money: Money,
}

/// What the money side holds.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
#[command(next_help_heading = "Money side (docs/generator.md says what each option changes, and why)")]
pub struct Money {
    /// How many days, from Monday, 2024-03-04 [default: 63]. Cohorts mature after 7, 30 or 90 days: shorter logs leave them open
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=730))]
    pub days: Option<u16>,
    /// People who come to the measured brand on an ordinary day for reasons of their own [default: 1000]
    #[arg(long, value_name = "VISITORS", value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub visits: Option<u32>,
    /// Spread the feed over so many communities, some of which return more than others, to rank them [default: 0]
    #[arg(long, value_name = "COMMUNITIES", value_parser = clap::value_parser!(u16).range(..=20_000))]
    pub places: Option<u16>,
    /// What misleads estimates, and how much (repeatable): persistent-shock, launch-mail, sudden-news,
    /// visits-cause-replies or small-brand, each =weak, =medium or =strong
    #[arg(long, value_name = "NAME=STRENGTH", value_parser = confounder)]
    pub confounder: Vec<(Confounder, Strength)>,
    /// Programs share the brand's posts and click on them; their accounts and visitors have `bot` in their ids
    #[arg(long)]
    pub bots: bool,
    /// Assign these to two arms. Without --effect nothing differs: an A/A test
    #[arg(long, value_name = "UNIT")]
    pub experiment: Option<Unit>,
    /// How many percent more visitors the links of treated units bring
    #[arg(long, value_name = "PERCENT", requires = "experiment", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub effect: u32,
    /// The same world without what this side does, costs and brings; every other line stays the same
    #[arg(long, value_name = "SIDE")]
    pub switch_off: Option<Side>,
}

impl Money {
    /// Whether anything of it is asked for.
    pub(super) fn is_given(&self) -> bool {
        let numbers = self.days.is_some() || self.visits.is_some() || self.places.is_some();
        numbers || !self.confounder.is_empty() || self.bots || self.experiment.is_some() || self.switch_off.is_some()
    }
}

impl Arguments {
    /// The world with its money side.
    pub(super) fn settings(&self) -> Settings {
        let money = &self.money;
        Settings {
            seed: self.seed,
            events: self.events,
            days: money.days.unwrap_or(DAYS),
            weeks_later: 0,
            visits_a_day: money.visits.unwrap_or(VISITS),
            places: money.places.unwrap_or(0),
            confounders: money.confounder.iter().copied().collect(),
            bots: money.bots,
            experiment: money.experiment.map(|unit| Experiment { unit, effect_percent: money.effect }),
            without: money.switch_off,
        }
    }
}

fn confounder(text: &str) -> Result<(Confounder, Strength), String> {
    let (name, strength) = text.split_once('=').ok_or("write it as NAME=STRENGTH, such as launch-mail=medium")?;
    Ok((one_of("no confounder is called", name)?, one_of("no strength is called", strength)?))
}

fn one_of<T: ValueEnum>(none: impl Display, text: &str) -> Result<T, String> {
    T::from_str(text, false).map_err(|_| {
        let values = T::value_variants().iter().filter_map(ValueEnum::to_possible_value);
        format!("{none} {text:?}; there are {}", values.map(|value| value.get_name().to_owned()).collect::<Vec<_>>().join(", "))
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::command::{demo, generate};

    #[derive(Parser)]
    enum Command {
        Demo(demo::Arguments),
        Generate(generate::Arguments),
    }

    fn settings(command: &str, options: &[&str]) -> Settings {
        match Command::try_parse_from([&["grapevine", command], options].concat()) {
            Ok(Command::Demo(arguments)) => arguments.world.settings(),
            Ok(Command::Generate(arguments)) => arguments.world.settings(),
            Err(error) => panic!("{error}"),
        }
    }

    #[test]
    fn both_commands_make_the_same_world_of_the_same_options() {
        for options in [
            &["--money"][..],
            &["--money", "--seed", "7", "--events", "500"],
            &["--money", "--days", "9", "--visits", "30", "--places", "4", "--bots"],
            &[
                "--money",
                "--confounder",
                "launch-mail=weak",
                "--experiment",
                "post",
                "--effect",
                "20",
                "--switch-off",
                "broadcast",
            ],
        ] {
            assert_eq!(settings("demo", options), settings("generate", options), "{options:?}");
        }
        assert_eq!(settings("demo", &[]), settings("generate", &["--money"]));
    }
}
