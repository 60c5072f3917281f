//! The database in the hands of stock SQLite, in a process that has no other one.

use std::path::Path;

use rusqlite::{Connection, Row};

/// Opened for reading; what a killed writer left in the log is taken into account, as by anybody who opens it.
pub(crate) struct Database(Connection);

impl Database {
    pub(crate) fn open(path: &Path) -> Self {
        Self(Connection::open(path).expect("the database"))
    }

    fn one(&self, sql: &str) -> i64 {
        let found = self.0.query_row(sql, [], |row| row.get(0));
        found.unwrap_or_else(|error| panic!("{error}: {sql}"))
    }

    fn texts(&self, sql: &str, text: impl Fn(&Row<'_>) -> rusqlite::Result<String>) -> Vec<String> {
        let mut statement = self.0.prepare(sql).expect(sql);
        let rows = statement.query_map([], |row| text(row)).expect(sql);
        rows.map(|row| row.expect(sql)).collect()
    }

    /// Whole in SQLite's eyes and in ours: every entry is found by search and shown once, and nothing else is.
    pub(crate) fn assert_whole(&self) {
        let check = self.texts("PRAGMA integrity_check", |row| row.get(0));
        assert_eq!(check, ["ok"]);
        let entries = self.one("SELECT count(*) FROM entry");
        // In every description.
        let found =
            "SELECT count(*) FROM search WHERE search MATCH '\"of \" AND \"man\" AND \"any\"'";
        assert_eq!(self.one(found), entries, "search rows");
        assert_eq!(
            self.one("SELECT count(*) FROM view"),
            entries,
            "rows of the registry"
        );
        assert_eq!(
            self.one("SELECT count(*) FROM reference"),
            entries,
            "remotes"
        );
        let lost = "SELECT count(*) FROM search WHERE search MATCH '\"of \" AND \"man\" AND \"any\"' AND rowid NOT IN (SELECT id FROM entry)";
        assert_eq!(self.one(lost), 0, "search rows without an entry");
        let several =
            "SELECT count(*) FROM (SELECT name FROM view GROUP BY name HAVING sum(latest) <> 1)";
        assert_eq!(
            self.one(several),
            0,
            "names without exactly one latest version"
        );
    }

    /// What has been committed is whole pages, and the saved cursor is that of the page behind them.
    pub(crate) fn assert_at_a_border(&self, size: usize, pages: usize) {
        let seen = self.one(
            "SELECT count(*) FROM seen JOIN source ON source.name = seen.source AND source.pass = seen.pass",
        );
        let cursor = self.texts(
            "SELECT pass_state || ':' || pass_cursor FROM source",
            |row| row.get(0),
        );
        let Some(cursor) = cursor.first() else {
            assert_eq!(seen, 0, "killed before the source was known");
            return;
        };
        let seen = usize::try_from(seen).expect("a count");
        assert_eq!(seen % size, 0, "whole pages only");
        let expected = match seen / size {
            // Nothing has been read, or everything: then the pass is about to be completed.
            0 => "full:".to_owned(),
            page if page == pages => "full:".to_owned(),
            page => format!("full:{page}"),
        };
        let begun = seen > 0 || cursor != "idle:";
        assert!(
            !begun || *cursor == expected,
            "{cursor} after {seen} records"
        );
        // A pass that was cut between its last page and its completion is done again, over all that is there.
        let entries = usize::try_from(self.one("SELECT count(*) FROM entry")).expect("a count");
        assert!(
            entries == seen || entries == size * pages,
            "{entries} records after {seen}"
        );
    }

    /// Whether a pass has been completed.
    pub(crate) fn is_complete(&self) -> bool {
        self.one("SELECT count(*) FROM source WHERE full_pass_at IS NOT NULL") == 1
    }

    /// All that a registry shows, without times of our own.
    pub(crate) fn content(&self) -> Vec<String> {
        let sql = "SELECT registry || ' ' || name || ' ' || version || ' ' || status || ' ' || latest || ' ' || changed_at || ' ' \
                   || hex(digest) FROM view ORDER BY registry, name, version";
        self.texts(sql, |row| row.get(0))
    }
}
