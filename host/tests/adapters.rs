//! The store suite from inside a guest: what the component says to its host by `spin:sqlite` and `spin:postgres`, writes and
//! transactions included, for which the component has no request yet.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test fails by panicking, and says which case it is at"
)]

#[path = "support/place.rs"]
mod place;
#[path = "support/postgres.rs"]
mod postgres;
mod support;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use cairn::{
    config::model::Limits,
    db::Store,
    guest::{Content, Guests, Offer, Statements},
    imports::postgres::ADDRESS,
    telemetry::metrics::Metrics,
};
use cairn_registry::store::Engine;
use cairn_store_suite as suite;
use http::Request;
use http_body_util::{BodyExt, Full};
use place::Place;

/// A case does in one request what many would do.
const PATIENCE: Duration = Duration::from_secs(120);

/// Their batches may take longer than a guest may compute on end. What the others are about is in none of them.
const LARGE: [&str; 3] = [
    "a_large_batch_is_one_all_the_same",
    "terms_in_many_records_are_paged_like_terms_in_few",
    "hits_are_paged_in_list_order_wherever_they_lie",
];

fn guests(db: &Store) -> Guests {
    let address = match db {
        Store::Libsql(_) => "",
        Store::Postgres(_) => ADDRESS,
    };
    let variables = [("database_url".to_owned(), address.to_owned())].into();
    let offer = Offer {
        db: db.clone(),
        variables: Arc::new(variables),
    };
    let limits = Limits {
        request_timeout: PATIENCE,
        instances: 1,
        instance_memory: 256 << 20,
        ..support::limits()
    };
    let metrics = Arc::new(Metrics::new().unwrap());
    let component = support::component();
    let made = Guests::load(
        &component,
        &limits,
        &offer,
        &metrics,
        Statements::Untraced,
        1,
    );
    made.unwrap().remove(0)
}

/// What a guest says of a case.
async fn outcome(db: &Store, case: &str) -> String {
    let (guests, target) = (guests(db), format!("/store-suite?case={case}"));
    tokio::select! {
        outcome = ask(&guests, &target) => outcome,
        () = drop_in(&guests) => panic!("it drops in for ever"),
    }
}

/// A case is more work than any request, and a guest that computes on end is stopped: but not while others are answered.
async fn drop_in(guests: &Guests) {
    loop {
        ask(guests, "/hello").await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn ask(guests: &Guests, target: &str) -> String {
    let body = Full::new(Bytes::new()).map_err(|never| match never {});
    let request = Request::post(target).body(body.boxed_unsync()).unwrap();
    let reply = guests.handle(target, request, 1 << 20, PATIENCE).await;
    match reply.map(|reply| reply.body) {
        Ok(Content::Whole(body)) => String::from_utf8_lossy(&body).into_owned(),
        Ok(_) => "part of an answer".to_owned(),
        Err(failure) => format!("{failure:?}"),
    }
}

async fn passes_on(engine: Engine) {
    let cases = suite::cases::<Store>().into_iter();
    for (name, _) in cases.filter(|(name, _)| !LARGE.contains(name)) {
        println!("{name}");
        let Some(place) = Place::on(engine).await else {
            return;
        };
        assert_eq!(outcome(&place.db, name).await, "passed", "{name}");
        place.end().await;
    }
}

#[tokio::test]
async fn the_store_suite_passes_through_spin_sqlite() {
    passes_on(Engine::Sqlite).await;
}

#[tokio::test]
async fn the_store_suite_passes_through_spin_postgres() {
    passes_on(Engine::Postgres).await;
}
