//! The name by which a process holds leases. Another process of the same machine can tell by it that the holder has ended, so
//! that no process waits for the end of a dead process's lease.

use std::{fs, io};

/// Word for a part that this system does not provide.
const UNKNOWN: &str = "-";

/// A process, as a lease names it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Process {
    id: u32,
    host: String,
    /// Ticks between the boot and the start of the process, which another process of the same id does not share.
    start: String,
    /// Namespace that the id belongs to.
    namespace: String,
    boot: String,
}

impl Process {
    fn own() -> Self {
        let text = |file: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let word = text.split_whitespace().next().map(str::to_owned);
            word.unwrap_or_else(|| UNKNOWN.to_owned())
        };
        let id = std::process::id();
        let namespace = fs::read_link("/proc/self/ns/pid").unwrap_or_default();
        let namespace = namespace.to_string_lossy().replace(char::is_whitespace, "");
        Self {
            id,
            host: text("/proc/sys/kernel/hostname"),
            start: stat(id).map_or_else(|| UNKNOWN.to_owned(), |(_, start)| start),
            namespace: Some(namespace)
                .filter(|namespace| !namespace.is_empty())
                .unwrap_or_else(|| UNKNOWN.to_owned()),
            boot: text("/proc/sys/kernel/random/boot_id"),
        }
    }

    fn parse(owner: &str) -> Option<Self> {
        let mut words = owner.split(' ');
        let mut word = || words.next().map(str::to_owned);
        Some(Self {
            id: word()?.parse().ok()?,
            host: word()?,
            start: word()?,
            namespace: word()?,
            boot: word()?,
        })
    }

    /// Returns true if ids mean the same there as here.
    fn is_near(&self, own: &Self) -> bool {
        let known = ![&self.start, &self.namespace, &self.boot]
            .iter()
            .any(|word| *word == UNKNOWN);
        known && self.boot == own.boot && self.namespace == own.namespace
    }

    fn is_gone(&self) -> bool {
        match stat(self.id) {
            Some((state, start)) => start != self.start || matches!(state, 'Z' | 'X'),
            // Processes of others may be hidden: only the kernel's word counts.
            None => no_such_process(self.id),
        }
    }
}

/// State and start of a process.
fn stat(id: u32) -> Option<(char, String)> {
    let text = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // The name in parentheses may hold anything. The state is field 3, the start field 22.
    let (_, behind) = text.rsplit_once(')')?;
    let mut fields = behind.split_whitespace();
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.to_owned()))
}

fn no_such_process(id: u32) -> bool {
    let id = i32::try_from(id)
        .ok()
        .and_then(rustix::process::Pid::from_raw);
    id.is_some_and(|id| {
        rustix::process::test_kill_process(id).is_err_and(|error| {
            io::Error::from(error).raw_os_error() == Some(rustix::io::Errno::SRCH.raw_os_error())
        })
    })
}

/// A name for this process that no other one has.
pub(super) fn own() -> String {
    let Process {
        id,
        host,
        start,
        namespace,
        boot,
    } = Process::own();
    format!(
        "{id} {host} {start} {namespace} {boot} {:016x}",
        fastrand::u64(..)
    )
}

/// Returns true if the holder was a process of this machine that has ended.
pub(super) fn is_gone(owner: &str) -> bool {
    Process::parse(owner).is_some_and(|holder| holder.is_near(&Process::own()) && holder.is_gone())
}

/// A holder in words.
#[must_use]
pub fn described(owner: &str) -> String {
    match Process::parse(owner) {
        Some(Process { id, host, .. }) => format!("process {id} on {host}"),
        None if owner.is_empty() => "another process".to_owned(),
        None => format!("process {owner}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(process: &Process) -> String {
        let Process {
            id,
            host,
            start,
            namespace,
            boot,
        } = process;
        format!("{id} {host} {start} {namespace} {boot} 0")
    }

    #[test]
    fn only_ended_processes_of_this_machine_are_gone() {
        assert!(!is_gone(&own()), "{}", own());
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a child");
        let other = Process {
            id: child.id(),
            start: stat(child.id()).expect("a process").1,
            ..Process::own()
        };
        assert!(!is_gone(&named(&other)));
        let reused = Process {
            start: "1".to_owned(),
            ..other.clone()
        };
        assert!(is_gone(&named(&reused)), "another process has its id now");
        child.kill().expect("a kill");
        while !is_gone(&named(&other)) {
            std::thread::yield_now();
        }
        child.wait().expect("an end");
        assert!(is_gone(&named(&other)));
        for elsewhere in [
            Process {
                boot: "other".to_owned(),
                ..other.clone()
            },
            Process {
                namespace: "pid:[1]".to_owned(),
                ..other.clone()
            },
            Process {
                start: UNKNOWN.to_owned(),
                ..other
            },
        ] {
            assert!(!is_gone(&named(&elsewhere)), "{elsewhere:?}");
        }
        for unknown in ["", "gone", "17-0123456789abcdef"] {
            assert!(!is_gone(unknown));
        }
    }
}
