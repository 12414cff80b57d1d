//! `grapevine run`: the worker, until a signal asks it to stop.

use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use crate::config::Config;
use crate::service::{Service, ServiceError};
use crate::version;
use crate::worker::Silent;

/// How often the loops are looked at.
const WATCH: std::time::Duration = std::time::Duration::from_millis(200);

/// Runs until SIGTERM or SIGINT, then flushes, checkpoints, commits and leaves the group.
///
/// # Errors
///
/// When the service cannot start, or a loop ends by itself: then the operator must act, and the message says how.
pub async fn run(config: &Config) -> Result<(), ServiceError> {
    // First of all: a signal that comes while the worker starts must find somebody.
    let asked = asked_to_stop();
    info!(version = version::text(), threads = config.worker.threads, topic = config.kafka.topic, "grapevine starts");
    let service = Service::start(config, |_| Silent).await?;
    tokio::select! {
        name = asked => info!(signal = name, "asked to stop: flushing, checkpointing, committing"),
        () = until_ended(&service) => warn!("a loop ended by itself: stopping the others"),
    }
    // Blocks; metrics and probes answer meanwhile.
    tokio::task::spawn_blocking(|| service.stop()).await.map_err(ServiceError::Watcher)??;
    info!("stopped");
    Ok(())
}

/// Ready when a loop has ended by itself.
pub(crate) async fn until_ended(service: &Service) {
    while service.is_running() {
        tokio::time::sleep(WATCH).await;
    }
}

/// The name of the signal that asks to stop, once it comes; signals are watched from the call on.
pub(crate) fn asked_to_stop() -> impl Future<Output = &'static str> {
    let watched = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()));
    async move {
        let (Ok(mut terminate), Ok(mut interrupt)) = watched else {
            warn!("signals cannot be watched: only a kill will end this process");
            return std::future::pending().await;
        };
        tokio::select! {
            _ = terminate.recv() => "SIGTERM",
            _ = interrupt.recv() => "SIGINT",
        }
    }
}
