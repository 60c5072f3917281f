//! Records that turn bad: the last good one of their key stays.

use super::fixture::{World, raw, record, with_deleted};
use cairn_registry::{
    model::Filter,
    ops::{
        ingest::Item,
        pass::Mode,
        report::{self, Class},
    },
    store::Db,
};

const ALL: &[(&str, &[&str])] = &[("all", &["a"])];

fn rejected(position: &str, name: Option<&str>) -> Item {
    Item::Rejected {
        position: position.to_owned(),
        name: name.map(str::to_owned),
        reason: "2 MB are more than a record may have".to_owned(),
    }
}

/// Records whose documents could be served, but for one fault each.
fn bad(position: &str, name: &str, rest: &str) -> Item {
    raw(position, &format!(r#"{{"name":"{name}",{rest}}}"#))
}

pub(super) async fn records_that_turn_bad_keep_their_last_good_entry(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let names = ["empty", "gone", "huge", "keyless", "number", "two"];
    let mut good: Vec<Item> = names
        .iter()
        .map(|name| record(&format!("n/{name}"), "1.0.0", "d"))
        .collect();
    good.push(record("n/two", "2.0.0", "d"));
    world.sync("a", Mode::Full, good).await;
    let before = world.shown("", with_deleted()).await;
    let spoiled = || {
        vec![
            record("n/other", "1.0.0", "d"),
            bad("s0", "n/empty", r#""version":"1.0.0","description":"""#),
            bad("s1", "n/keyless", r#""description":"d""#),
            bad("s2", "n/number", r#""version":"1.0.0","x":1e400"#),
            bad("s3", "n/two", r#""version":"2.0.0","description":7"#),
            rejected("s4", Some("n/huge")),
            rejected("s5", None),
            rejected("s6", Some("n/nul\0")),
        ]
    };
    // Again and again: what a pass has kept, the next one finds.
    for _ in 0..2 {
        world.sync("a", Mode::Full, spoiled()).await;
        let shown = world.shown("", with_deleted()).await;
        let gone: Vec<&String> = shown.iter().filter(|one| one.contains('!')).collect();
        assert_eq!(gone, ["n/gone@1.0.0*!deleted", "n/two@1.0.0!deleted"]);
        assert_eq!(shown.len(), before.len() + 1, "{shown:?}");
    }
    let report = report::list(world.cx(), 99).await.unwrap().remove(0);
    let findings = report.findings.lines.iter();
    let quarantined: Vec<_> = findings
        .filter(|finding| finding.class == Class::Quarantined)
        .map(|finding| (finding.position.as_str(), finding.version.as_str()))
        .collect();
    let versions = [
        ("s0", "1.0.0"),
        ("s1", ""),
        ("s2", "1.0.0"),
        ("s3", "2.0.0"),
    ];
    assert_eq!(quarantined[..4], versions);
    for (index, finding) in report.findings.lines.iter().enumerate() {
        let kept = finding
            .detail
            .ends_with("; the last good record is served on");
        assert_eq!(kept, index < 5, "{finding:?}");
    }
    assert_eq!(report.source.records, 6);
    // Told plainly that it is gone, it goes.
    let rest = vec![record("n/other", "1.0.0", "d")];
    world.sync("a", Mode::Full, rest).await;
    let living = world.shown("", cairn_registry::ops::browse::Query::default());
    assert_eq!(living.await, ["n/other@1.0.0*"]);
}

pub(super) async fn good_records_win_over_bad_ones_of_the_same_key(db: &impl Db) {
    let mut world = World::new(db);
    world.configure(ALL, &Filter::default()).await;
    let versions = |text: &str| -> Vec<Item> {
        let all = ["1.0.0", "1.1.0"];
        all.map(|version| record("n/x", version, text)).into()
    };
    world.sync("a", Mode::Full, versions("old")).await;
    let fault = || bad("s9", "n/x", r#""description":"d""#);
    for place in 0..3 {
        let mut items = versions(&format!("new {place}"));
        items.insert(place, fault());
        let taken = world.sync("a", Mode::Full, items).await;
        let figures = (taken.written, taken.quarantined, taken.duplicates);
        assert_eq!(figures, (2, 1, 0), "at {place}");
    }
    // A pass that brings one of them only still tells that the other may be the bad one.
    let items = vec![record("n/x", "1.0.0", "newest"), fault()];
    world.sync("a", Mode::Full, items).await;
    assert_eq!(
        world.shown("", with_deleted()).await,
        ["n/x@1.0.0", "n/x@1.1.0*"]
    );
}
