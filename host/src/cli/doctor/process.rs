//! `cairn doctor`, of the machine: its clock, its disks, and the files that a process may open.

use std::path::{Path, PathBuf};

use cairn_registry::model::Timestamp;
use rustix::{
    fs::statvfs,
    process::{Resource, getrlimit},
};

use super::{super::progress::size, chart::Chart};
use crate::{clock, config::Config};

/// 2026-01-01T00:00:00Z in microseconds: no clock that is right shows less.
const EARLIEST: i64 = 1_767_225_600_000_000;

/// Bytes below which a disk counts as full, and below which it is worth a note.
const FULL: u64 = 1 << 20;
const LITTLE: u64 = 64 << 20;

pub(super) fn examine(chart: &mut Chart, config: &Config) {
    examine_clock(chart, clock::now());
    examine_descriptors(chart, config.limits.connections);
    let mut folders = vec![config.data_dir.as_path()];
    if config.database.postgres.is_none() {
        folders.extend(config.database.path.parent());
    }
    folders.dedup();
    for folder in folders {
        if let Some((folder, free)) = free(folder) {
            examine_room(chart, &folder, free);
        }
    }
}

fn examine_clock(chart: &mut Chart, now: Timestamp) {
    if now.as_micros() < EARLIEST {
        chart.bad(
            &format!("the clock says {now}, which is in the past"),
            "set the clock, by NTP for example; sources are read and times are stored by it",
        );
    }
}

/// The soft limit is raised to the hard one at the start of a server.
fn examine_descriptors(chart: &mut Chart, connections: usize) {
    let Some(limit) = getrlimit(Resource::Nofile).maximum else {
        return;
    };
    if limit < connections as u64 {
        chart.bad(
            &format!("the limit of open files is {limit}, and limits.connections {connections}"),
            "raise the limit (ulimit -n, LimitNOFILE), or lower limits.connections; the server admits fewer clients until \
             then",
        );
    }
}

/// Free bytes below a folder, or below the first of its parents that is there.
fn free(folder: &Path) -> Option<(PathBuf, u64)> {
    let absolute = std::path::absolute(folder).ok()?;
    let there = absolute.ancestors().find(|folder| folder.is_dir())?;
    let found = statvfs(there).ok()?;
    let free = found.f_bavail.saturating_mul(found.f_frsize);
    Some((there.to_owned(), free))
}

fn examine_room(chart: &mut Chart, folder: &Path, free: u64) {
    let folder = folder.display();
    if free < FULL {
        chart.bad(
            &format!("the disk of {folder} is full: {} are free", size(free)),
            "make room there, or move dataDir and database.path; sources go on by themselves afterwards",
        );
    } else if free < LITTLE {
        chart.note(&format!("the disk of {folder} has {} left", size(free)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::report::Format;

    fn problems(examined: impl FnOnce(&mut Chart)) -> std::process::ExitCode {
        let mut chart = Chart::new(Format::Json);
        examined(&mut chart);
        chart.finish()
    }

    #[test]
    fn a_wrong_clock_a_full_disk_and_few_descriptors_are_problems() {
        let bad = format!("{:?}", std::process::ExitCode::FAILURE);
        let check = |code: std::process::ExitCode, expected: bool| {
            assert_eq!(format!("{code:?}") == bad, expected);
        };
        check(
            problems(|chart| examine_clock(chart, Timestamp::from_micros(0))),
            true,
        );
        check(problems(|chart| examine_clock(chart, clock::now())), false);
        check(
            problems(|chart| examine_descriptors(chart, usize::MAX / 2)),
            true,
        );
        check(problems(|chart| examine_descriptors(chart, 1)), false);
        check(
            problems(|chart| examine_room(chart, Path::new("data"), 0)),
            true,
        );
        check(
            problems(|chart| examine_room(chart, Path::new("data"), 2 << 20)),
            false,
        );
    }
}
