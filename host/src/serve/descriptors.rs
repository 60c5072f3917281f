//! File descriptors of the process. The soft limit is raised to the hard one, and what is left is divided so that clients of
//! the public listener cannot take those of probes, database and sources.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::listener::Room;
use crate::config::model::{Config, Database};

/// Descriptors for sources, certificates, logs and what else comes and goes.
const OTHERS: usize = 32;

/// Files of one connection to an embedded database: the database, its log and its index.
const FILES: usize = 3;

/// Most connections to the internal listener: probes and scrapes.
const PROBES: usize = 64;

/// Most connections that are turned away at once.
const TURNED_AWAY: usize = 64;

/// Connections of both listeners.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rooms {
    pub(super) public: Room,
    pub(super) internal: Room,
}

/// Raises the limit and divides it. What listens, and what serves, is open already.
pub(super) fn rooms(config: &Config) -> Rooms {
    let limit = raise();
    let used = std::fs::read_dir("/proc/self/fd").map_or(0, Iterator::count);
    let wanted = config.limits.connections;
    let rooms = divide(limit.saturating_sub(used), wanted, needs(&config.database));
    if rooms.public.served < wanted {
        tracing::warn!(
            descriptors = limit,
            connections = rooms.public.served,
            "the limit of open files allows fewer connections than limits.connections: raise it (ulimit -n, LimitNOFILE), \
             or lower limits.connections"
        );
    }
    rooms
}

/// The limit after the soft one has been raised to the hard one.
fn raise() -> usize {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files cannot be raised");
            limit.current
        }
    };
    let unlimited = usize::MAX;
    current.map_or(unlimited, |limit| {
        usize::try_from(limit).unwrap_or(unlimited)
    })
}

/// Descriptors that the database may still open.
fn needs(database: &Database) -> usize {
    match &database.postgres {
        // One more hears of commits.
        Some(server) => (server.connections + 1) * (1 + usize::from(server.standby.is_some())),
        None => (database.readers + 1) * FILES,
    }
}

fn divide(left: usize, wanted: usize, database: usize) -> Rooms {
    let reserve = (database + OTHERS + PROBES + TURNED_AWAY).min(left / 2);
    let part = |most: usize| most.min(reserve / 4).max(1);
    let room = |served| Room {
        served,
        turned_away: part(TURNED_AWAY),
    };
    Rooms {
        public: room(wanted.min(left - reserve).max(1)),
        internal: Room {
            turned_away: 0,
            ..room(part(PROBES))
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_for_everything_else() {
        for (left, wanted, served) in [
            (1_000_000, 4096, 4096),
            (4000, 4096, 4000 - 172),
            (34, 4096, 17),
            (0, 4096, 1),
        ] {
            let rooms = divide(left, wanted, 12);
            assert_eq!(rooms.public.served, served, "{left}");
            let others = rooms.public.turned_away + rooms.internal.served;
            assert!(left < 4 || served + others < left, "{left}: {rooms:?}");
        }
    }
}
