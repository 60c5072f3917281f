//! How a database stands to what this binary knows: what it lacks, what it has of a later release, and whether that can
//! be worked with. It decides; it asks no database.

use cairn_registry::{Error, Result};

use super::{STEPS, Step};

/// A step that has been applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Applied {
    pub number: i64,
    pub name: String,
    /// Seconds since the epoch.
    pub at: i64,
    /// See [`Step::since`]; for a step of a later release this is all that is known of it.
    pub since: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// What this binary was made for.
    Current,
    /// That many steps are missing.
    Behind(usize),
    /// It has that many steps of a later release, and this binary can work with all of them.
    Ahead(usize),
}

/// Compares what has been applied with what is known; a database that this binary cannot work on is an error.
pub fn standing(applied: &[Applied]) -> Result<Standing> {
    let newest = STEPS.last().map_or(0, |step| step.number);
    let mut later = 0;
    for step in unknown(applied) {
        if step.since > newest {
            return Err(beyond(step, newest));
        }
        later += 1;
    }
    Ok(match (pending(applied).count(), later) {
        (0, 0) => Standing::Current,
        (0, later) => Standing::Ahead(later),
        (missing, _) => Standing::Behind(missing),
    })
}

/// The steps that are still to be applied.
pub fn pending(applied: &[Applied]) -> impl Iterator<Item = &'static Step> {
    STEPS
        .iter()
        .filter(|step| !applied.iter().any(|done| done.number == step.number))
}

/// Steps of a later release.
pub fn unknown(applied: &[Applied]) -> impl Iterator<Item = &Applied> {
    let newest = STEPS.last().map_or(0, |step| step.number);
    applied.iter().filter(move |step| step.number > newest)
}

fn beyond(step: &Applied, newest: i64) -> Error {
    let Applied { name, since, .. } = step;
    Error::unavailable(
        format!(
            "the database has schema step {name}, which binaries from step {since} on can work with; this one knows \
             steps up to {newest}: use the newer binary, or undo the step with it by `cairn migrate down`"
        ),
        "schema newer than binary",
    )
}

/// Steps are undone by a binary that knows those behind them, last one first.
pub(super) fn require_all_known(applied: &[Applied]) -> Result<()> {
    match unknown(applied).last() {
        None => Ok(()),
        Some(step) => Err(Error::unavailable(
            format!(
                "the database has schema step {}, which this binary does not know: undo it by `cairn migrate down` \
                 with the newer binary first",
                step.name
            ),
            "schema newer than binary",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn applied(steps: &[(i64, i64)]) -> Vec<Applied> {
        let step = |(number, since): &(i64, i64)| Applied {
            number: *number,
            name: format!("{number:04}_x"),
            at: 0,
            since: *since,
        };
        steps.iter().map(step).collect()
    }

    #[test]
    fn steps_of_a_later_release_are_worked_with_if_all_of_them_allow_it() {
        assert_eq!(STEPS.len(), 4, "the cases below are written for as many");
        let all = [(1, 1), (2, 2), (3, 3), (4, 3)];
        let check = |more: &[(i64, i64)], expected| {
            let applied = applied(&[&all[..], more].concat());
            assert_eq!(standing(&applied).ok(), expected, "{more:?}");
            assert_eq!(require_all_known(&applied).is_ok(), more.is_empty());
        };
        check(&[], Some(Standing::Current));
        check(&[(5, 4)], Some(Standing::Ahead(1)));
        check(&[(5, 1), (6, 4)], Some(Standing::Ahead(2)));
        check(&[(5, 5)], None);
        check(&[(5, 4), (6, 5)], None);
        check(&[(5, 5), (6, 4)], None);
    }

    #[test]
    fn what_is_missing_is_counted() {
        let check = |steps: &[(i64, i64)], missing| {
            assert_eq!(
                standing(&applied(steps)).ok(),
                Some(Standing::Behind(missing))
            );
        };
        check(&[], STEPS.len());
        check(&[(1, 1)], STEPS.len() - 1);
        check(&[(1, 1), (3, 3)], 2);
    }

    #[test]
    fn what_is_refused_names_the_step_and_the_remedy() {
        let error = standing(&applied(&[(5, 2), (6, 5)])).expect_err("beyond us");
        for word in [
            "0006_x",
            "from step 5 on",
            "up to 4",
            "newer binary",
            "migrate down",
        ] {
            assert!(error.message().contains(word), "{word}: {error}");
        }
    }
}
