//! All that a registry answers, to be compared with what another one answers.

use crate::{Answer, Client, encode};

/// Status, entity tag and body of every page, version, latest version and of some searches, deleted records included.
#[must_use]
pub fn everything(client: &Client) -> Vec<String> {
    let mut told = Vec::new();
    let mut keys = Vec::new();
    for query in [
        "include_deleted=true",
        "",
        "search=example",
        "search=e",
        "version=latest",
    ] {
        let mut target = format!("/v0.1/servers?limit=7&{query}");
        loop {
            let page = client.get(&target);
            told.push(line(&target, &page));
            if query == "include_deleted=true" {
                keys.extend(page.keys());
            }
            let Some(next) = page.next() else { break };
            target = format!("/v0.1/servers?limit=7&{query}&cursor={}", encode(&next));
        }
    }
    assert!(!keys.is_empty(), "an empty registry proves nothing");
    let split = |key: &String| {
        let (name, version) = key.split_once(' ').expect("a key");
        (encode(name), encode(version))
    };
    let mut last = String::new();
    for (name, version) in keys.iter().map(split) {
        let mut targets = vec![format!("/v0.1/servers/{name}/versions/{version}")];
        if name != last {
            targets.push(format!(
                "/v0.1/servers/{name}/versions?include_deleted=true"
            ));
            targets.push(format!("/v0.1/servers/{name}/versions/latest"));
            last = name;
        }
        told.extend(
            targets
                .iter()
                .map(|target| line(target, &client.get(target))),
        );
    }
    told
}

fn line(target: &str, answer: &Answer) -> String {
    let (status, tag) = (answer.status, answer.header("etag"));
    format!("{target} {status} {tag} {}", answer.text())
}
