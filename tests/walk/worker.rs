//! `grapevine run` alone, as `tests/it/architecture.rs` has it built with counters: a program of another name, so that it never takes the
//! place of the one that is tested.

use std::path::PathBuf;

use grapevine::command::run;
use grapevine::config::Config;
use grapevine::logs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = Config::load(std::env::args_os().nth(1).map(PathBuf::from).as_deref(), std::env::vars())?;
    logs::start(&config.log)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(run::run(&config))?)
}
