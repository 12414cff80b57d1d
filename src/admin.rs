//! The admin server: `/metrics` for Prometheus, `/healthz` and `/readyz` for probes.
//!
//! It only tells; nothing can be changed through it. Plain HTTP, to be reached from inside the cluster.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;

use crate::metrics::{Health, Metrics};

mod connections;

use connections::Bounded;
pub use connections::{BOUNDS, Bounds};

const INDEX: &str = "grapevine\n\n/metrics  for Prometheus\n/healthz  200 while every loop ticks\n\
                     /readyz   200 while partitions are assigned and ClickHouse takes rows\n";

#[derive(Clone)]
struct Worker {
    metrics: Arc<Metrics>,
    health: Arc<Health>,
}

/// Answers within bounds until `shutdown` completes, then lets answers under way finish. The caller binds the listener, and says in the
/// log where.
///
/// # Errors
///
/// When the listener fails.
pub async fn serve(
    listener: TcpListener,
    bounds: Bounds,
    metrics: Arc<Metrics>,
    health: Arc<Health>,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> io::Result<()> {
    let routes = Router::new()
        .route("/", get(async || INDEX))
        .route("/metrics", get(show_metrics))
        .route("/healthz", get(show_health))
        .route("/readyz", get(show_readiness))
        .with_state(Worker { metrics, health });
    axum::serve(Bounded::new(listener, bounds), routes).with_graceful_shutdown(shutdown).await
}

async fn show_metrics(State(worker): State<Worker>) -> Response {
    match worker.metrics.page() {
        Ok(page) => ([(header::CONTENT_TYPE, prometheus::TEXT_FORMAT)], page).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("{error}\n")).into_response(),
    }
}

async fn show_health(State(worker): State<Worker>) -> Response {
    verdict(&worker.health.stalled(Instant::now()), &[])
}

async fn show_readiness(State(worker): State<Worker>) -> Response {
    let warnings = worker.health.warnings().into_iter().chain(worker.metrics.open_transactions());
    verdict(&worker.health.obstacles(), &warnings.map(|text| format!("warning: {text}")).collect::<Vec<_>>())
}

/// 200 if there is nothing to complain about, else 503 with one complaint a line; then what is warned of.
fn verdict(complaints: &[String], warnings: &[String]) -> Response {
    let ok = ["ok".to_owned()];
    let (status, said) =
        if complaints.is_empty() { (StatusCode::OK, &ok[..]) } else { (StatusCode::SERVICE_UNAVAILABLE, complaints) };
    (status, format!("{}\n", [said, warnings].concat().join("\n"))).into_response()
}
