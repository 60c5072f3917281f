//! Walking a document with the JSON pointer to where one is, and gathering what is found.

use serde_json::{Map, Value};

use super::super::Warning;

#[derive(Default)]
pub(super) struct Report {
    pub(super) warnings: Vec<Warning>,
}

/// Enough for a person to see what is wrong; a hostile record cannot fill the database with warnings.
const MOST_WARNINGS: usize = 20;

impl Report {
    pub(super) fn add(&mut self, at: &Place<'_>, message: impl Into<String>) {
        if self.warnings.len() < MOST_WARNINGS {
            self.warnings.push(Warning {
                pointer: at.pointer.clone(),
                message: message.into(),
            });
        }
    }

    pub(super) fn require(&mut self, holds: bool, at: &Place<'_>, message: &str) {
        if !holds {
            self.add(at, message);
        }
    }
}

/// A value of the document, or its absence, with the JSON pointer to it.
pub(super) struct Place<'a> {
    pub(super) value: Option<&'a Value>,
    pointer: String,
}

impl<'a> Place<'a> {
    pub(super) fn root(value: &'a Value) -> Self {
        Self {
            value: Some(value),
            pointer: String::new(),
        }
    }

    pub(super) fn field(&self, name: &str) -> Self {
        Self {
            value: self.value.and_then(|value| value.get(name)),
            pointer: format!(
                "{}/{}",
                self.pointer,
                name.replace('~', "~0").replace('/', "~1")
            ),
        }
    }

    pub(super) fn is_present(&self) -> bool {
        self.value.is_some()
    }

    /// The text, when it is one; another type is reported.
    pub(super) fn text(&self, report: &mut Report) -> Option<&'a str> {
        let value = self.value?;
        if !value.is_string() {
            report.add(self, "must be a text");
        }
        value.as_str()
    }

    /// A value that is no truth value is reported.
    pub(super) fn flag(&self, report: &mut Report) {
        let fits = self.value.is_none_or(Value::is_boolean);
        report.require(fits, self, "must be true or false");
    }

    /// The text of a required field.
    pub(super) fn required(&self, report: &mut Report) -> Option<&'a str> {
        report.require(self.is_present(), self, "is required");
        self.text(report)
    }

    pub(super) fn object(&self, report: &mut Report) -> Option<&'a Map<String, Value>> {
        let value = self.value?;
        if !value.is_object() {
            report.add(self, "must be an object");
        }
        value.as_object()
    }

    /// The elements of a list; another type is reported.
    pub(super) fn elements(&self, report: &mut Report) -> Vec<Self> {
        let Some(value) = self.value else {
            return Vec::new();
        };
        let Some(elements) = value.as_array() else {
            report.add(self, "must be a list");
            return Vec::new();
        };
        let place = |(index, element)| Self {
            value: Some(element),
            pointer: format!("{}/{index}", self.pointer),
        };
        elements.iter().enumerate().map(place).collect()
    }

    /// Runs a rule on every element, each of which must be an object.
    pub(super) fn each(&self, report: &mut Report, rule: fn(&Place<'a>, &mut Report)) {
        for place in self.elements(report) {
            if place.object(report).is_some() {
                rule(&place, report);
            }
        }
    }
}
