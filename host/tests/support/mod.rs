//! What the host's tests share: the test guest, built once, and limits to put it under.
#![allow(
    dead_code,
    unreachable_pub,
    reason = "each test file uses its own part"
)]
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may fail")]

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use bytes::Bytes;
use cairn::{
    config::model::{
        Auth, Cache, Config, Database, Limits, Log, Networks, Probes, Sync, Telemetry,
    },
    db::{Libsql, Store},
    guest,
    imports::{postgres::ADDRESS, variables::Variables},
    serve::{self, Bound, Health, Schema},
    telemetry::{metrics::Metrics, trace::Tracer},
};
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::{net::TcpStream, sync::oneshot, task::JoinHandle};

/// The test guest, compiled for this engine. Built in a target folder of its own, as the component is.
pub fn component() -> guest::Source {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    guest::Source::File(BUILT.get_or_init(build).clone())
}

fn build() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let target =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root.join("target"), PathBuf::from);
    let target = target.join("component");
    let built = Command::new(env!("CARGO"))
        .current_dir(root)
        .args([
            "build",
            "--quiet",
            "--release",
            "--package",
            "cairn-test-guest",
        ])
        .args(["--target", "wasm32-wasip2", "--target-dir"])
        .arg(&target)
        .status()
        .unwrap();
    assert!(
        built.success(),
        "the test guest does not build; is the target wasm32-wasip2 installed?"
    );
    let wasm = target.join("wasm32-wasip2/release/cairn_test_guest.wasm");
    // Test binaries may run at the same time: each sees a whole file, made by whichever came last.
    let artifact = target.join("cairn_test_guest.cwasm");
    let unfinished = tempfile::NamedTempFile::new_in(&target)
        .unwrap()
        .into_temp_path();
    let compiled = guest::compile(&std::fs::read(&wasm).unwrap()).unwrap();
    std::fs::write(&unfinished, compiled).unwrap();
    unfinished.persist(&artifact).unwrap();
    artifact
}

/// How long something may take to become true.
const PATIENCE: Duration = Duration::from_secs(10);

/// Looks again and again until it is so; panics with `what` was waited for.
pub async fn until(what: &str, mut look: impl AsyncFnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !look().await {
        assert!(Instant::now() < end, "waited {PATIENCE:?} for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Limits small enough to be reached.
pub fn limits() -> Limits {
    Limits {
        connections: 64,
        requests: 64,
        header_size: 16 * 1024,
        body_size: 64 * 1024,
        header_timeout: Duration::from_millis(500),
        idle_timeout: Duration::from_millis(1500),
        request_timeout: Duration::from_secs(4),
        drain_timeout: Duration::from_secs(5),
        instances: 4,
        concurrent_per_instance: 8,
        requests_per_instance: 1000,
        instance_memory: 16 << 20,
    }
}

/// Settings of a server for tests.
pub fn config() -> Config {
    let any = "127.0.0.1:0".parse().unwrap();
    Config {
        name: "test".to_owned(),
        address: any,
        internal_address: any,
        trusted_proxies: Networks::default(),
        auth: Auth::Anonymous,
        data_dir: PathBuf::new(),
        database: Database {
            postgres: None,
            server: cairn::config::Server::default(),
            path: PathBuf::new(),
            readers: 2,
            busy_timeout: Duration::from_secs(1),
        },
        sources: Vec::new(),
        registries: Vec::new(),
        limits: limits(),
        cache: Cache {
            enabled: true,
            size: 4 << 20,
            stale_if_error: Duration::ZERO,
        },
        probes: Probes {
            public: true,
            public_metrics: false,
        },
        log: Log {
            level: "info".to_owned(),
            json: None,
        },
        telemetry: Telemetry::default(),
        sync: Sync {
            enabled: false,
            max_record_size: 1 << 20,
            lease: Duration::from_secs(60),
            full_pass_interval: Duration::from_secs(3600),
        },
    }
}

/// A server under test. Its database can be changed as a sync would.
pub struct Server<D = Arc<Libsql>> {
    pub bound: Bound,
    pub db: D,
    pub metrics: Arc<Metrics>,
    pub health: Arc<Health>,
    pub stop: Option<oneshot::Sender<()>>,
    pub running: JoinHandle<()>,
}

/// A server that is ready, with an empty table `t`.
pub async fn server(config: Config) -> Server {
    let db = Arc::new(Libsql::temporary().unwrap());
    db.script("CREATE TABLE t (x BIGINT)").await.unwrap();
    server_on(config, Store::Libsql(Arc::clone(&db)), db).await
}

/// The same on any store, which is told as `db`.
pub async fn server_on<D>(config: Config, store: Store, db: D) -> Server<D> {
    let health = Arc::new(Health::default());
    health.set_schema(Schema {
        status: "current",
        version: Some(1),
    });
    health.set_loaded();
    let metrics = Arc::new(Metrics::new().unwrap());
    let traces = config.telemetry.traces.as_ref();
    let tracer = traces.map(|traces| Tracer::start(traces, &metrics).unwrap());
    let (stop, stopped) = oneshot::channel();
    let (bound, told) = oneshot::channel();
    let options = serve::Options {
        config: Arc::new(config),
        component: component(),
        offer: guest::Offer {
            variables: Arc::new(variables(&store)),
            db: store,
        },
        health: Arc::clone(&health),
        metrics: Arc::clone(&metrics),
        tracer,
        stop: Box::pin(async { drop(stopped.await) }),
        after: Box::pin(async {}),
        bound: Box::new(|at| bound.send(at).unwrap()),
    };
    let running = tokio::spawn(async { serve::run(options).await.unwrap() });
    Server {
        bound: told.await.unwrap(),
        db,
        metrics,
        health,
        stop: Some(stop),
        running,
    }
}

/// Which database a guest is told of: its own file, unless there is a server.
fn variables(store: &Store) -> Variables {
    let address = match store {
        Store::Libsql(_) => "",
        Store::Postgres(_) => ADDRESS,
    };
    [("database_url".to_owned(), address.to_owned())].into()
}

impl<D> Server<D> {
    /// A `GET` with headers.
    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Bytes> {
        self.send("GET", path, headers, Bytes::new()).await
    }

    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Response<Bytes> {
        send(self.bound.public, method, path, headers, body).await
    }

    /// Waits until a figure of its own, one without further labels, has this value.
    pub async fn shows(&self, figure: &str, value: u32) {
        let line = format!(
            "\n{figure}{{stacklok_component=\"registry\",stacklok_product=\"cairn\"}} {value}\n"
        );
        let shown = async || self.metrics.render().unwrap().contains(&line);
        until(line.trim(), shown).await;
    }

    /// Waits until so many requests are being answered.
    pub async fn answering(&self, number: u32) {
        self.shows("http_server_active_requests", number).await;
    }

    /// A `GET` from the internal listener.
    pub async fn inside(&self, path: &str) -> Response<Bytes> {
        send(self.bound.internal, "GET", path, &[], Bytes::new()).await
    }
}

impl Server {
    /// Changes the database, as a sync would.
    pub async fn commit(&self) {
        self.db.script("INSERT INTO t VALUES (1)").await.unwrap();
    }
}

fn request(
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Request<Full<Bytes>> {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(Full::new(body)).unwrap()
}

/// One request over a connection of its own.
pub async fn send(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Response<Bytes> {
    let stream = TokioIo::new(TcpStream::connect(to).await.unwrap());
    let (mut sender, connection) = http1::handshake(stream).await.unwrap();
    tokio::spawn(connection);
    let mut request = request(method, path, headers, body.into());
    let host = to.to_string().parse().unwrap();
    request.headers_mut().entry("host").or_insert(host);
    whole(sender.send_request(request).await.unwrap()).await
}

/// The same over HTTP/2 without TLS.
pub async fn send_h2(
    to: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Response<Bytes> {
    let stream = TokioIo::new(TcpStream::connect(to).await.unwrap());
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream)
        .await
        .unwrap();
    tokio::spawn(connection);
    let uri = format!("http://{to}{path}");
    let request = request(method, &uri, headers, Bytes::new());
    whole(sender.send_request(request).await.unwrap()).await
}

async fn whole(response: Response<hyper::body::Incoming>) -> Response<Bytes> {
    let (parts, body) = response.into_parts();
    Response::from_parts(parts, body.collect().await.unwrap().to_bytes())
}

/// A header's text, or nothing.
pub fn header<'a, B>(response: &'a Response<B>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}
