//! The options of the generator's money side, and the files beside its events.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Arguments, GenerateError};
use crate::generator::money::{Confounder, Economy, Experiment, Settings, Side, Strength, Truth, Unit};

/// What the money side holds.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Money side (docs/generator.md says what each option changes, and why)")]
pub struct MoneyArguments {
    /// Also make clicks, visits, conversions, costs, assignments and reports, on top of --events posts, shares,
    /// replies and what belongs to them.
    #[arg(long)]
    pub money: bool,
    /// How many days, from Monday, 2024-03-04. Cohorts mature after 7, 30 or 90 days: shorter logs leave them open.
    #[arg(long, requires = "money", default_value_t = 63, value_parser = clap::value_parser!(u16).range(1..=730))]
    pub days: u16,
    /// People who come to the measured brand on an ordinary day for reasons of their own.
    #[arg(long, value_name = "VISITORS", requires = "money", default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    pub visits: u32,
    /// Spread the feed over so many communities, some of which return more than others, to rank them.
    #[arg(long, value_name = "COMMUNITIES", requires = "money", default_value_t = 0, value_parser = clap::value_parser!(u16).range(..=20_000))]
    pub places: u16,
    /// What misleads estimates, and how much (repeatable): persistent-shock, launch-mail, sudden-news,
    /// visits-cause-replies or small-brand, each =weak, =medium or =strong.
    #[arg(long, value_name = "NAME=STRENGTH", requires = "money", value_parser = confounder)]
    pub confounder: Vec<(Confounder, Strength)>,
    /// Programs share the brand's posts and click on them; their accounts and visitors have `bot` in their ids.
    #[arg(long, requires = "money")]
    pub bots: bool,
    /// Assign these to two arms. Without --effect nothing differs: an A/A test.
    #[arg(long, value_name = "UNIT", requires = "money")]
    pub experiment: Option<Unit>,
    /// How many percent more visitors the links of treated units bring.
    #[arg(long, value_name = "PERCENT", requires = "experiment", default_value_t = 0, value_parser = clap::value_parser!(u32).range(..=1_000))]
    pub effect: u32,
    /// The same world without what this side does, costs and brings; every other line stays the same.
    #[arg(long, value_name = "SIDE", requires = "money")]
    pub switch_off: Option<Side>,
    /// Write the causal truth there, as JSON: what is missing from the log when a side is switched off.
    #[arg(long, value_name = "FILE", requires = "money", conflicts_with = "switch_off")]
    pub truth: Option<PathBuf>,
    /// Write exchange rates, hourly rates, margins, places and the other dimensions there, as SQL to load.
    #[arg(long, value_name = "FILE", requires = "money")]
    pub dimensions: Option<PathBuf>,
}

fn confounder(text: &str) -> Result<(Confounder, Strength), String> {
    let (name, strength) = text.split_once('=').ok_or("write it as NAME=STRENGTH, such as launch-mail=medium")?;
    let names = |values: Vec<String>| values.join(", ");
    let confounder = Confounder::from_str(name, false)
        .map_err(|_| format!("no confounder is called {name:?}; there are {}", names(spellings::<Confounder>())))?;
    let strength =
        Strength::from_str(strength, false).map_err(|_| format!("a strength is one of {}", names(spellings::<Strength>())))?;
    Ok((confounder, strength))
}

fn spellings<T: ValueEnum>() -> Vec<String> {
    T::value_variants().iter().filter_map(|value| value.to_possible_value()).map(|value| value.get_name().to_owned()).collect()
}

/// The settings that were asked for; `None`: no money side.
pub(super) fn settings(arguments: &Arguments) -> Option<Settings> {
    let money = &arguments.money;
    money.money.then(|| Settings {
        seed: arguments.seed,
        events: arguments.events,
        days: money.days,
        visits_a_day: money.visits,
        places: money.places,
        confounders: money.confounder.iter().copied().collect(),
        bots: money.bots,
        experiment: money.experiment.map(|unit| Experiment { unit, effect_percent: money.effect }),
        without: money.switch_off,
    })
}

/// Writes the dimensions and the causal truth, if they were asked for.
pub(super) fn write_files(arguments: &MoneyArguments, settings: &Settings) -> Result<(), GenerateError> {
    if let Some(path) = &arguments.dimensions {
        write(path, |file| file.write_all(Economy::dimensions(settings).as_bytes()))?;
    }
    if let Some(path) = &arguments.truth {
        let truth = Truth::of(settings).to_json();
        write(path, |file| {
            serde_json::to_writer_pretty(&mut *file, &truth)?;
            file.write_all(b"\n")
        })?;
    }
    Ok(())
}

fn write(path: &Path, content: impl FnOnce(&mut File) -> io::Result<()>) -> Result<(), GenerateError> {
    let written = File::create(path).and_then(|mut file| content(&mut file));
    written.map_err(|error| GenerateError::Write(path.display().to_string(), error))
}
