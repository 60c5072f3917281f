//! The operating system's wish that the process ends.

use crate::telemetry::access;
use tokio::signal::unix::{SignalKind, signal};

/// Ends with the first SIGTERM or SIGINT. A second one ends the process at once.
pub async fn signals() {
    first().await;
    tokio::spawn(async {
        first().await;
        tracing::warn!("ended by a second signal");
        access::flush();
        std::process::exit(130);
    });
}

async fn first() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        tracing::error!("signals cannot be waited for; only a kill ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
