//! Production's three replicas, by the chart's own values, as processes on a real Postgres: through a rolling restart, as
//! a Deployment does it, under load, and not one request fails.

use std::{
    env,
    sync::{Mutex, PoisonError, atomic::Ordering},
    thread,
    time::{Duration, Instant},
};

use cairn_tests::{
    Server, encode,
    load::{Load, Question, assert_all_right},
    until,
};
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
    let endpoints: Endpoints = Mutex::new(addresses.collect());
    let one = format!("/v0.1/servers/{}/versions/latest", encode("com.example/a"));
    let questions = ["/v0.1/servers?limit=30", "/v0.1/servers?search=a", &one]
        .map(|target| Question::learn(&running[0].1.public.authority, target));
    let load = Load {
        clients: CLIENTS,
        questions: &questions,
        pause: Duration::ZERO,
    };
    let endpoint = |turn: usize| {
        let known = endpoints.lock().unwrap_or_else(PoisonError::into_inner);
        known[turn % known.len()].clone()
    };
    let (running, outcomes) = load.run(endpoint, |ended| {
        until(
            "requests before the restart",
            Duration::from_secs(20),
            || (ended.load(Ordering::Relaxed) > 100).then_some(()),
        );
        roll(&objects, running, &endpoints)
    });
    println!("{} requests through a rolling restart", outcomes.len());
    assert_all_right(&outcomes);
    assert!(outcomes.len() > 500, "only {} requests", outcomes.len());
    for (_, server) in running {
        assert!(server.stop().success());
    }
}
