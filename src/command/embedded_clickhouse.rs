//! `grapevine embedded-clickhouse`: the process behind the embedded ClickHouse. Not for people: its parent starts it.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::embedded::clickhouse::{ServeError, serve};

/// Where the data is and where to listen.
#[derive(Debug, clap::Args)]
pub struct Options {
    /// The folder of the database; made when it is not there.
    #[arg(long, value_name = "DIR")]
    pub data: PathBuf,
    /// The address to listen on; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
}

/// Serves until standard input ends or a signal asks to stop.
///
/// # Errors
///
/// When the folder, the library or the address cannot be used.
pub fn run(options: &Options) -> Result<(), ServeError> {
    serve(&options.data, options.listen)
}
