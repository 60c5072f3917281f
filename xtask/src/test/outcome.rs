//! How a step may be run, and how it may end.

use super::counts::Counts;

/// The form of a step that has two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Length {
    Short,
    Long,
}

/// How a step ended.
pub(super) enum Outcome {
    /// All is well.
    Passed(Counts),
    /// Something is wrong: a test, or the step as a whole.
    Failed(Counts),
    /// It needs something that is not here.
    NotRun(String),
}

impl Outcome {
    /// Of two halves of a step.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Passed(one), Self::Passed(two)) => Self::Passed(one + two),
            (Self::Passed(one) | Self::Failed(one), Self::Passed(two) | Self::Failed(two)) => {
                Self::Failed(one + two)
            }
            (half, Self::NotRun(_)) | (Self::NotRun(_), half) => half,
        }
    }
}

/// All is well, and there was nothing to count.
pub(super) const PASSED: Outcome = Outcome::Passed(Counts {
    passed: 0,
    failed: 0,
});

pub(super) fn lacks(what: &str) -> Outcome {
    Outcome::NotRun(format!("there is no {what}"))
}
