//! Signals of the operating system: the end, a reload, and those without a meaning here.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::telemetry::access;

/// Ends with the first SIGTERM, SIGINT or SIGQUIT. A second one ends the process at once.
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
    let kinds = [
        SignalKind::terminate(),
        SignalKind::interrupt(),
        SignalKind::quit(),
    ];
    let [Ok(mut terminate), Ok(mut interrupt), Ok(mut quit)] = kinds.map(signal) else {
        tracing::error!("signals cannot be waited for; only a kill ends this process");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        _ = quit.recv() => {}
    }
}

/// SIGHUP, from the moment on at which this is made; without it the signal ends the process.
#[derive(Debug)]
pub struct Hangups(Signal);

impl Hangups {
    pub fn listen() -> io::Result<Self> {
        signal(SignalKind::hangup()).map(Self)
    }

    /// Waits for the next one; `false` when there can be none any more.
    pub async fn next(&mut self) -> bool {
        self.0.recv().await.is_some()
    }
}

/// Keeps SIGUSR1 and SIGUSR2 from ending the process, as long as its runtime lives.
pub fn ignore_others() -> io::Result<()> {
    for (name, kind) in [
        ("USR1", SignalKind::user_defined1()),
        ("USR2", SignalKind::user_defined2()),
    ] {
        let mut others = signal(kind)?;
        tokio::spawn(async move {
            while others.recv().await.is_some() {
                tracing::warn!("SIG{name} is ignored: SIGHUP reloads, SIGTERM drains and ends");
            }
        });
    }
    Ok(())
}
