//! The steps of the schema, as embedded: their order, their texts, and which binaries can still work on a database that has
//! them. It speaks to no database.

use cairn_registry::store::{Engine, Statement};

/// One step.
#[derive(Debug, Clone, Copy)]
pub struct Step {
    pub number: i64,
    pub name: &'static str,
    /// Binaries that know the steps up to this one can still work on a database that has the step: it takes nothing away
    /// that they read, and what they write is whole without them knowing it. The step's own number, if none can.
    pub since: i64,
    sqlite: &'static str,
    postgres: &'static str,
    down: &'static str,
}

impl Step {
    pub(super) fn up(&self, engine: Engine) -> Vec<Statement> {
        split(match engine {
            Engine::Sqlite => self.sqlite,
            Engine::Postgres => self.postgres,
        })
    }

    /// Names of the tables that it makes on a server.
    pub(super) fn tables(&self) -> impl Iterator<Item = &'static str> {
        let behind = self.postgres.split("CREATE TABLE ").skip(1);
        behind.filter_map(|text| text.split_whitespace().next())
    }

    pub(super) fn down(&self) -> Vec<Statement> {
        split(self.down)
    }
}

macro_rules! step {
    ($number:literal, since $since:literal, $name:literal) => {
        step!($number, since $since, $name, "", "")
    };
    ($number:literal, since $since:literal, $name:literal, $sqlite:literal, $postgres:literal) => {
        Step {
            number: $number,
            name: $name,
            since: $since,
            sqlite: include_str!(concat!("../../../migrations/", $name, $sqlite, ".sql")),
            postgres: include_str!(concat!("../../../migrations/", $name, $postgres, ".sql")),
            down: include_str!(concat!("../../../migrations/", $name, ".down.sql")),
        }
    };
}

/// All steps in order. A test compares them with the folder.
pub const STEPS: [Step; 4] = [
    step!(1, since 1, "0001_core"),
    step!(2, since 2, "0002_assets", ".sqlite", ".postgres"),
    // Who does not know of an import that was cut off would serve a part of a registry as the whole.
    step!(3, since 3, "0003_import"),
    step!(4, since 3, "0004_held"),
];

/// The statements of a script. Comments are dropped; literals hold neither `--` nor `;`, a body between `$$` may.
fn split(script: &'static str) -> Vec<Statement> {
    let bare: Vec<&str> = script
        .lines()
        .map(|line| line.split_once("--").map_or(line, |(code, _)| code))
        .collect();
    let (mut statements, mut open) = (Vec::new(), String::new());
    for (part, is_body) in bare
        .join("\n")
        .split("$$")
        .zip([false, true].into_iter().cycle())
    {
        if is_body {
            open.extend(["$$", part, "$$"]);
            continue;
        }
        let mut ends = part.split(';');
        open.extend(ends.next());
        for next in ends {
            statements.push(std::mem::replace(&mut open, next.to_owned()));
        }
    }
    statements.push(open);
    statements
        .iter()
        .map(|sql| sql.trim())
        .filter(|sql| !sql.is_empty())
        .map(|sql| Statement::new(sql.to_owned(), Vec::new()))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::{collections::BTreeSet, fs, path::Path};

    use super::*;

    #[test]
    fn every_file_of_the_folder_is_embedded() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../migrations");
        let names: BTreeSet<String> = fs::read_dir(folder)
            .expect("migrations")
            .filter_map(|file| file.expect("file").file_name().into_string().ok())
            .filter_map(|name| {
                name.strip_suffix(".sql")?
                    .split('.')
                    .next()
                    .map(str::to_owned)
            })
            .collect();
        let embedded: BTreeSet<String> = STEPS.iter().map(|step| step.name.to_owned()).collect();
        assert_eq!(names, embedded);
        assert!(
            STEPS
                .iter()
                .zip(1..)
                .all(|(step, number)| step.number == number)
        );
    }

    #[test]
    fn no_step_asks_for_more_than_itself() {
        let asks = |step: &Step| (1..=step.number).contains(&step.since);
        assert!(STEPS.iter().all(asks), "{STEPS:?}");
    }

    #[test]
    fn a_script_is_split_at_its_ends_of_statements() {
        let check = |script, expected: &[&str]| {
            let found: Vec<_> = split(script)
                .iter()
                .map(|one| one.sql.to_string())
                .collect();
            assert_eq!(found, expected);
        };
        check("-- nothing; at all\n", &[]);
        check("A; -- b;\nC", &["A", "C"]);
        check(
            "A;\nDO $$ B; C; $$;\nD $$;$$ E;",
            &["A", "DO $$ B; C; $$", "D $$;$$ E"],
        );
    }
}
