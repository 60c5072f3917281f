//! What every adapter to Postgres shares, whatever driver it has: how placeholders are written and what an error code
//! means. It speaks to no server.

use memchr::memchr3;

use super::NO_SCHEMA;
use crate::Error;

/// Tells a new session how to plan. Every statement here is made for an index and says in which order tables are to be
/// joined; it is planned once, for parameters nobody knows yet, maybe before there are statistics. What the planner
/// would think of by itself then (hashing or sorting all there is, another order) is never better.
pub const PLANNING: &str = "SELECT set_config('plan_cache_mode', 'force_generic_plan', false), \
    set_config('join_collapse_limit', '1', false), set_config('from_collapse_limit', '1', false), \
    set_config('enable_hashjoin', 'off', false), set_config('enable_mergejoin', 'off', false), \
    set_config('enable_seqscan', 'off', false), set_config('jit', 'off', false)";

/// The statement with `?1` written as `$1`. What stands between quotes is left as it is.
#[must_use]
pub fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len());
    let (mut rest, mut quote) = (sql, None);
    while let Some(at) = memchr3(b'?', b'\'', b'"', rest.as_bytes()) {
        let (before, found) = rest.split_at(at);
        let (found, behind) = found.split_at(1);
        numbered.push_str(before);
        let (character, inside) = match quote {
            None if found == "?" => ("$", None),
            None => (found, Some(found)),
            Some(open) => (found, (open != found).then_some(open)),
        };
        numbered.push_str(character);
        quote = inside;
        rest = behind;
    }
    numbered.push_str(rest);
    numbered
}

/// Which of the domain's errors a failure is. Codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>;
/// the first two characters are the class.
#[must_use]
pub fn failure(code: &str, cause: impl Into<String>) -> Error {
    const DISK_FULL: &str = "53100";
    /// Undefined table, column, function; schema that is not there.
    const MISSING: [&str; 4] = ["42P01", "42703", "42883", "3F000"];
    const FORBIDDEN: &str = "42501";
    /// A write on a standby, or in a session that may only read.
    const READ_ONLY: &str = "25006";
    /// Statement timeout or a cancel; a lock that could not be acquired.
    const PASSING: [&str; 2] = ["57014", "55P03"];

    let cause = cause.into();
    let class = code.get(..2).unwrap_or_default();
    match (code, class) {
        (DISK_FULL, _) => Error::full(cause),
        (READ_ONLY, _) => Error::read_only(cause),
        (_, "23" | "40") => Error::stale("the stored state has changed").because(cause),
        (code, _) if MISSING.contains(&code) => Error::unavailable(NO_SCHEMA, cause),
        (FORBIDDEN, _) => Error::unavailable(
            "the database does not let this user at its tables: grant them",
            cause,
        ),
        (_, "28") => Error::unavailable("the database refuses the login", cause),
        (_, "3D") => Error::unavailable("there is no database of that name: create it", cause),
        (code, _) if PASSING.contains(&code) => {
            Error::unavailable("the database is not available", cause)
        }
        // Connection lost, too little of something, stopped by its operator, a failure of its system.
        (_, "08" | "53" | "57" | "58") => {
            Error::unavailable("the database is not available", cause)
        }
        _ => Error::internal(cause),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    #[test]
    fn placeholders_change_and_literals_stay() {
        let check = |sql, expected: &str| assert_eq!(numbered(sql), expected);
        check("SELECT ?1, ?12", "SELECT $1, $12");
        check("SELECT '?1', ?1", "SELECT '?1', $1");
        check("SELECT 'it''s ?1', ?2", "SELECT 'it''s ?1', $2");
        check(
            "SELECT \"a?\" || ?1 || '\"?'",
            "SELECT \"a?\" || $1 || '\"?'",
        );
        check("", "");
    }

    #[test]
    fn codes_are_told_apart_by_what_helps() {
        let check = |code, kind| assert_eq!(failure(code, "x").kind(), kind, "{code}");
        check("23505", ErrorKind::Stale);
        check("40001", ErrorKind::Stale);
        check("40P01", ErrorKind::Stale);
        check("53100", ErrorKind::Full);
        check("53300", ErrorKind::Unavailable);
        check("57P01", ErrorKind::Unavailable);
        check("57P03", ErrorKind::Unavailable);
        check("57014", ErrorKind::Unavailable);
        check("08006", ErrorKind::Unavailable);
        check("28P01", ErrorKind::Unavailable);
        check("3D000", ErrorKind::Unavailable);
        check("25006", ErrorKind::ReadOnly);
        check("42P01", ErrorKind::Unavailable);
        check("42601", ErrorKind::Internal);
        check("22P02", ErrorKind::Internal);
        check("", ErrorKind::Internal);
    }

    #[test]
    fn a_missing_table_names_its_remedy() {
        assert!(failure("42P01", "x").message().contains("cairn migrate up"));
    }
}
