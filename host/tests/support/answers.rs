//! What several databases answer to the same request, by the component's own router.
#![allow(
    unreachable_pub,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeSet;

use cairn::db::Store;
use cairn_component::{Router, router};
use cairn_registry::{model::Namespace, ops::browse::Query};
use http::Request;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use crate::history::{Dice, Side};

const OFFICIAL: &str = "io.modelcontextprotocol.registry/official";

/// A list of a registry, as a client asks for it.
pub fn target(registry: &str, query: &Query) -> String {
    let mut target = format!("/registry/{registry}/v0.1/servers?limit={}", query.limit);
    let since = query.updated_since.map(|time| time.to_string());
    let deleted = query.include_deleted.map(|deleted| deleted.to_string());
    for (name, value) in [
        ("search", &query.search),
        ("version", &query.version),
        ("updated_since", &since),
        ("include_deleted", &deleted),
    ] {
        if let Some(value) = value {
            target += &format!("&{name}={}", encoded(value));
        }
    }
    target
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

/// How much was compared.
#[derive(Debug, Default)]
pub struct Seen {
    pub records: usize,
    pub deleted: usize,
    pub next_pages: usize,
}

/// Databases that have to answer alike.
pub struct Places {
    places: Vec<(Side, Router<Store>)>,
    pub seen: Seen,
    /// Names and versions that lists have shown, encoded.
    known: BTreeSet<(String, String)>,
}

impl Places {
    pub fn over<const N: usize>(stores: [Store; N]) -> Self {
        let place = |store: Store| {
            let router = router(store.clone(), Namespace::default());
            (Side::new(store), router)
        };
        Self {
            places: stores.map(place).into(),
            seen: Seen::default(),
            known: BTreeSet::new(),
        }
    }

    pub fn sides(&self) -> impl Iterator<Item = &Side> {
        self.places.iter().map(|(side, _)| side)
    }

    /// Asks all of them, which have to say the same; gives the body.
    pub async fn alike(&self, target: &str) -> Value {
        let mut answers = Vec::new();
        for (_, router) in &self.places {
            answers.push(answer(router, target).await);
        }
        let (head, body) = &answers[0];
        for (other_head, other_body) in &answers {
            assert_eq!(head, other_head, "{target}");
            let text = String::from_utf8_lossy;
            assert_eq!(text(body), text(other_body), "{target}");
        }
        serde_json::from_slice(body).expect(target)
    }

    /// Follows a list from its first page, for at most so many pages.
    pub async fn walk(&mut self, first: &str, pages: usize) {
        let mut target = first.to_owned();
        for page in 0..pages {
            let body = self.alike(&target).await;
            self.note(&body, &target);
            self.seen.next_pages += usize::from(page > 0);
            let Some(next) = body["metadata"]["nextCursor"].as_str() else {
                return;
            };
            // The cursor carries what the first page was asked for, except how long pages are.
            let (list, query) = first.split_once('?').expect("a query");
            let limit = query.split('&').next().expect("a limit");
            target = format!("{list}?{limit}&cursor={next}");
        }
    }

    fn note(&mut self, body: &Value, target: &str) {
        let servers = body["servers"].as_array().expect(target);
        for element in servers {
            let text = |field: &str| element["server"][field].as_str().map(encoded);
            let (name, version) = (text("name"), text("version"));
            let key = name.zip(version).expect("a name and a version");
            let status = &element["_meta"][OFFICIAL]["status"];
            self.seen.deleted += usize::from(status == "deleted");
            self.known.insert(key);
        }
        self.seen.records += servers.len();
    }

    /// A record that a list has shown.
    pub fn some_record(&self, dice: &mut Dice) -> Option<(String, String)> {
        let place = dice.below(self.known.len().max(1));
        self.known.iter().nth(place).cloned()
    }
}

/// Status, headers and body.
async fn answer(router: &Router<Store>, target: &str) -> (String, Vec<u8>) {
    let request = Request::get(target).body(()).expect(target);
    let (head, body) = router.answer(&request).await.into_parts();
    let head = format!("{} {:?}", head.status, head.headers);
    (head, body.to_vec())
}
