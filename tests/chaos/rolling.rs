//! Three replicas behind a balancing proxy are replaced one after another while clients ask. (How the chart does it, with
//! its hooks and its user, is `deploy/rolling.rs`.)

use std::{sync::atomic::Ordering, time::Duration};

use cairn_tests::{
    Proxy, Server,
    load::{Load, assert_all_right},
    until,
};
use serde_json::json;

use crate::stage::{PATIENCE, alone, filled, on, postgres, questions, rounds};

#[test]
fn a_rolling_restart_behind_a_proxy_fails_no_request() {
    let _alone = alone();
    let Some(postgres) = postgres(&[]) else {
        return;
    };
    let installation = filled(on(&postgres.url(), &json!({})));
    let start = || installation.serve(&[]);
    let mut running: Vec<Server> = (0..3).map(|_| start()).collect();
    let addresses = |running: &[Server]| -> Vec<String> {
        let authority = |server: &Server| server.public.authority.clone();
        running.iter().map(authority).collect()
    };
    let proxy = Proxy::to(&addresses(&running));
    let questions = questions(&running[0]);
    let load = Load {
        clients: 4,
        questions: &questions,
        pause: Duration::from_millis(1),
    };
    let replaced = rounds(3, 15);
    let roll = |ended: &std::sync::atomic::AtomicUsize| {
        for _ in 0..replaced {
            let wanted = ended.load(Ordering::Relaxed) + 300;
            until("requests", PATIENCE, || {
                (ended.load(Ordering::Relaxed) >= wanted).then_some(())
            });
            running.push(start());
            // The old one is told to go while the proxy still leads to it: whoever it no longer takes goes elsewhere.
            proxy.lead_to(&addresses(&running));
            assert!(running.remove(0).stop().success());
            proxy.lead_to(&addresses(&running));
        }
    };
    let ((), outcomes) = load.run(|_| proxy.authority(), roll);
    println!("{} requests, {replaced} replicas replaced", outcomes.len());
    assert_all_right(&outcomes);
    assert!(outcomes.len() > 900, "only {} requests", outcomes.len());
    for server in running {
        assert!(server.stop().success());
    }
}
