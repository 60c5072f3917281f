//! Keys of `sync`, `probes` and `log`.

use crate::config::{
    check,
    key::{Key, Text},
    model::Config,
    slot::Slot,
    units::{HOUR, KIB, MIB, SECOND, YEAR},
};

pub(super) const OPERATION: &[Key<Config>] = &[
    Key::new(
        "sync.enabled",
        Text("true"),
        |c| Slot::Flag(&mut c.sync.enabled),
        "Run the sync daemon inside `cairn serve` (flag `--sync`); with `false`, `cairn sync` does the work.",
    ),
    Key::new(
        "sync.maxRecordSize",
        Text("1MiB"),
        |c| Slot::Size(&mut c.sync.max_record_size, KIB..=64 * MIB),
        "A larger record is quarantined; the rest of its source serves.",
    ),
    Key::new(
        "sync.lease",
        Text("1m"),
        |c| Slot::Time(&mut c.sync.lease, SECOND..=HOUR),
        "How long a daemon that died keeps others from its source.",
    ),
    Key::new(
        "sync.fullPassInterval",
        Text("24h"),
        |c| Slot::Time(&mut c.sync.full_pass_interval, SECOND..=YEAR),
        "An incremental source is read whole again after this time, to find what vanished.",
    ),
    Key::new(
        "probes.public",
        Text("true"),
        |c| Slot::Flag(&mut c.probes.public),
        "Answer health and readiness on the public listener too.",
    ),
    Key::new(
        "probes.publicMetrics",
        Text("false"),
        |c| Slot::Flag(&mut c.probes.public_metrics),
        "Answer `/metrics` on the public listener too.",
    ),
    Key::new(
        "log.level",
        Text("info"),
        |c: &mut Config| Slot::Text(&mut c.log.level, check::LEVEL),
        "How much is logged.",
    )
    .also(&["THV_REGISTRY_LOG_LEVEL", "LOG_LEVEL"]),
    Key::new(
        "log.format",
        Text("auto"),
        |c| Slot::Choice(&mut c.log.json),
        "`auto` is text on a terminal and JSON otherwise.",
    ),
];
