//! Production's three replicas, by the chart's own values, as processes on a real Postgres: through a rolling restart, as
//! a Deployment does it, under load, and not one request fails.

use std::{
    env,
    io::{Read as _, Write as _},
    net::TcpStream,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{Server, encode, until};
use serde_json::{Value, json};

use crate::{
    image,
    manifest::{Manifests, chart},
    pod::Pod,
    tool::{self, tool},
    workload::{catalog, offline},
};

const REPLICAS: usize = 3;
const CLIENTS: usize = 4;
/// Until the last load balancer has heard that a pod is going; less than the preStop hook takes.
const RUMOUR: Duration = Duration::from_millis(500);

/// Addresses that a Service leads to.
type Endpoints = Mutex<Vec<String>>;

/// What the clients have seen.
#[derive(Default)]
struct Seen {
    answered: AtomicUsize,
    failed: Mutex<Vec<String>>,
    enough: AtomicBool,
}

/// An empty database on the server that `CAIRN_TEST_POSTGRES` names, as the Secret that production's values want.
fn database() -> Option<Value> {
    let about = "three replicas on a Postgres";
    let Ok(server) = env::var("CAIRN_TEST_POSTGRES") else {
        println!("not checked: {about}: CAIRN_TEST_POSTGRES names no server");
        return None;
    };
    let mut psql = tool("psql", about)?;
    let name = format!("cairn_rolling_{}", std::process::id());
    let create = format!("CREATE DATABASE {name}");
    tool::output(psql.args(["-q", "-d", &server, "-c", &create]));
    let (address, parameters) = server.split_once('?').unwrap_or((&server, ""));
    let (address, _) = address.rsplit_once('/').expect("a database in the URL");
    let url = format!("{address}/{name}?{parameters}");
    Some(json!({
        "kind": "Secret", "metadata": { "name": "cairn-database" }, "stringData": { "database-url": url },
    }))
}

fn production() -> Option<Manifests> {
    let offline = offline();
    let mut args = vec!["--values=deploy/helm/cairn/values-prod.yaml"];
    args.extend(offline.iter().map(String::as_str));
    let mut objects = chart("cairn", &args)?;
    if !image::can_chroot() {
        return None;
    }
    objects.0.extend([catalog(), database()?]);
    Some(objects)
}

/// One request on a connection of its own; what went wrong, if anything did.
fn request(address: &str, target: &str) -> Result<(), String> {
    let told = |error: std::io::Error| format!("{address}: {error}");
    let mut stream = TcpStream::connect(address).map_err(told)?;
    let request = format!("GET {target} HTTP/1.1\r\nHost: cairn\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).map_err(told)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).map_err(told)?;
    let head = String::from_utf8_lossy(&answer);
    let status = head.lines().next().unwrap_or_default().to_owned();
    let is_whole = head.contains("\r\n\r\n") && status == "HTTP/1.1 200 OK";
    is_whole
        .then_some(())
        .ok_or(format!("{address}: `{status}`"))
}

/// Asks one endpoint after another until it is told that it was enough.
fn load(endpoints: &Endpoints, seen: &Seen, client: usize) {
    let one = format!("/v0.1/servers/{}/versions/latest", encode("com.example/a"));
    let targets = ["/v0.1/servers?limit=30", "/v0.1/servers?search=a", &one];
    let mut turn = client;
    while !seen.enough.load(Ordering::Relaxed) {
        turn += 1;
        let address = {
            let known = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
            known[turn % known.len()].clone()
        };
        // Not each turn another target: the cache of each replica is to be used, and to be missed.
        match request(&address, targets[turn / 7 % targets.len()]) {
            Ok(()) => drop(seen.answered.fetch_add(1, Ordering::Relaxed)),
            Err(why) => seen
                .failed
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(why),
        }
    }
}

/// Replaces each replica as `maxSurge: 1, maxUnavailable: 0` says: a new one first, and only then an old one goes.
fn roll<'a>(
    objects: &'a Manifests,
    mut running: Vec<(Pod<'a>, Server)>,
    endpoints: &Endpoints,
) -> Vec<(Pod<'a>, Server)> {
    let change = |change: &dyn Fn(&mut Vec<String>)| {
        change(&mut endpoints.lock().unwrap_or_else(PoisonError::into_inner));
    };
    for _ in 0..REPLICAS {
        let (fresh, server) = start(objects);
        let address = server.public.authority.clone();
        change(&|known| known.push(address.clone()));
        running.push((fresh, server));
        let (old, server) = running.remove(0);
        let gone = server.public.authority.clone();
        thread::scope(|scope| {
            scope.spawn(|| {
                thread::sleep(RUMOUR);
                change(&|known| known.retain(|address| *address != gone));
            });
            old.before_stop();
        });
        let asked = Instant::now();
        assert!(server.stop().success(), "a replica does not end well");
        assert!(
            asked.elapsed() < Duration::from_secs(40),
            "longer than its grace period"
        );
    }
    running
}

fn start(objects: &Manifests) -> (Pod<'_>, Server) {
    let pod = Pod::new(objects, objects.pod("Deployment", "cairn-registry"));
    let server = pod.start();
    (pod, server)
}

#[test]
fn a_rolling_restart_under_load_fails_no_request() {
    let Some(objects) = production() else {
        return;
    };
    let job = Pod::new(&objects, objects.pod("Job", "cairn-registry-migrate"));
    assert!(job.complete().stdout.contains("applied"));
    let running: Vec<(Pod, Server)> = (0..REPLICAS).map(|_| start(&objects)).collect();
    let addresses = running
        .iter()
        .map(|(_, server)| server.public.authority.clone());
    let (endpoints, seen) = (Mutex::new(addresses.collect()), Seen::default());
    let running = thread::scope(|scope| {
        for client in 0..CLIENTS {
            let (endpoints, seen) = (&endpoints, &seen);
            scope.spawn(move || load(endpoints, seen, client));
        }
        until(
            "requests before the restart",
            Duration::from_secs(20),
            || (seen.answered.load(Ordering::Relaxed) > 100).then_some(()),
        );
        let running = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            roll(&objects, running, &endpoints)
        }));
        seen.enough.store(true, Ordering::Relaxed);
        running
    });
    let running = running.expect("the restart");
    let failed = seen.failed.lock().unwrap_or_else(PoisonError::into_inner);
    let answered = seen.answered.load(Ordering::Relaxed);
    println!(
        "{answered} requests through a rolling restart, {} failed",
        failed.len()
    );
    assert_eq!(*failed, [""; 0]);
    assert!(answered > 500, "only {answered} requests");
    for (_, server) in running {
        assert!(server.stop().success());
    }
}
