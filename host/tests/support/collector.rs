//! A collector of traces that takes whatever it is sent.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

#[path = "../../../tests/src/otlp.rs"]
mod otlp;

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use cairn::config::model::{Share, Traces};
use http::Response;
use http_body_util::{BodyExt, Full};
use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

pub use otlp::Span;

/// A running collector.
pub struct Collector {
    url: String,
    spans: Arc<Mutex<Vec<Span>>>,
}

impl Collector {
    pub async fn start() -> Self {
        // As the binary does it: a client needs it, even where nothing is encrypted.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/v1/traces", listener.local_addr().unwrap());
        let spans = Arc::<Mutex<Vec<Span>>>::default();
        let received = Arc::clone(&spans);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let received = Arc::clone(&received);
                let take = service_fn(move |request: http::Request<hyper::body::Incoming>| {
                    let received = Arc::clone(&received);
                    async move {
                        let body = request.into_body().collect().await.unwrap().to_bytes();
                        received.lock().unwrap().extend(otlp::spans(&body));
                        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
                    }
                });
                let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), take);
                tokio::spawn(connection);
            }
        });
        Self { url, spans }
    }

    /// What sends everything here.
    pub fn traces(&self, share: &str) -> Traces {
        Traces {
            url: self.url.clone(),
            headers: Vec::new(),
            share: share.parse::<Share>().unwrap(),
            resource: vec![("service.name".to_owned(), "test".to_owned())],
        }
    }

    /// All spans, as soon as so many requests are among them.
    pub async fn after(&self, requests: usize) -> Vec<Span> {
        loop {
            let spans = self.spans.lock().unwrap().clone();
            if spans.iter().filter(|span| span.kind == 2).count() >= requests {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}
