//! `grapevine run`: the worker, until a signal asks it to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use tokio::signal::unix::{SignalKind, signal};
use tracing::{info, warn};

use super::check;
use crate::config::Config;
use crate::metrics::Health;
use crate::service::supervisor::{self, Supervisor};
use crate::service::{Service, ServiceError, memory_limit};
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
    if let Some(said) = check::too_little_memory(config, memory_limit(config)) {
        warn!("{said}");
    }
    let service = Service::start(config, |_| Silent).await?;
    let supervisor = Supervisor::of(|name| std::env::var(name).ok()).map(Arc::new);
    // Its admin port listens: whoever waits for Kafka or ClickHouse says so there.
    let stopping = Arc::new(AtomicBool::new(false));
    if let Some(supervisor) = &supervisor {
        supervisor.tell(supervisor::READY);
        tokio::spawn(signs_of_life(Arc::clone(supervisor), service.health(), Arc::clone(&stopping)));
    }
    tokio::select! {
        name = asked => info!(signal = name, "asked to stop: flushing, checkpointing, committing"),
        () = until_ended(&service) => warn!("a loop ended by itself: stopping the others"),
    }
    stopping.store(true, Ordering::Relaxed);
    supervisor.iter().for_each(|supervisor| supervisor.tell(supervisor::STOPPING));
    // Blocks; metrics and probes answer meanwhile.
    tokio::task::spawn_blocking(|| service.stop()).await.map_err(ServiceError::Watcher)??;
    info!("stopped");
    Ok(())
}

/// Tells systemd's watchdog that the loops tick, twice as often as it asks for; and while they stop, for which there is a deadline of its own.
async fn signs_of_life(supervisor: Arc<Supervisor>, health: Arc<Health>, stopping: Arc<AtomicBool>) {
    let Some(watchdog) = supervisor.watchdog else { return };
    loop {
        if stopping.load(Ordering::Relaxed) || health.stalled(Instant::now()).is_empty() {
            supervisor.tell(supervisor::ALIVE);
        }
        tokio::time::sleep(watchdog / 2).await;
    }
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

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_has_a_loop_that_stands_still_gives_no_sign_of_life_before_it_stops() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        socket.set_nonblocking(true).unwrap();
        let variables = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "1000000")];
        let supervisor =
            Supervisor::of(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned()));
        let (began, hour) = (Instant::now(), Duration::from_secs(3600));
        let health = Arc::new(Health::new(2, Duration::ZERO, began + hour));
        let stopping = Arc::new(AtomicBool::new(false));
        tokio::spawn(signs_of_life(Arc::new(supervisor.unwrap()), Arc::clone(&health), Arc::clone(&stopping)));
        // The clock of waits is the test's: two seconds pass at once.
        let heard = async || {
            tokio::time::sleep(Duration::from_secs(2)).await;
            std::iter::from_fn(|| socket.recv(&mut [0; 64]).ok()).count()
        };
        assert!(heard().await >= 4, "all loops tick");
        health.tick(1, began);
        assert_eq!(heard().await, 0, "one does not");
        stopping.store(true, Ordering::Relaxed);
        assert!(heard().await >= 4, "it stops, for which there is a deadline of its own");
    }
}
