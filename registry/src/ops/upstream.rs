//! What upstream says of a record besides the record itself: the official `_meta` block.

use serde_json::Value;

use crate::{
    kinds::Warning,
    model::{Status, Timestamp},
};

/// Where the block stands beside a record: a JSON pointer (RFC 6901), in which the slash of a name is `~1`.
const BLOCK: &str = "/_meta/io.modelcontextprotocol.registry~1official";

/// The official block, as far as it could be read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Upstream {
    pub status: Option<Status>,
    pub status_message: String,
    pub status_changed_at: Option<Timestamp>,
    pub published_at: Option<Timestamp>,
    pub updated_at: Option<Timestamp>,
}

impl Upstream {
    /// Reads the block tolerantly: what cannot be read counts as not given and becomes a warning.
    pub(super) fn read(block: Option<&str>, warnings: &mut Vec<Warning>) -> Self {
        let Some(block) = block else {
            return Self::default();
        };
        let mut warn = |at: &str, message: &str| {
            warnings.push(Warning {
                pointer: format!("{BLOCK}{at}"),
                message: message.to_owned(),
            });
        };
        let Ok(Value::Object(fields)) = serde_json::from_str(block) else {
            warn("", "is not an object");
            return Self::default();
        };
        let mut time = |spellings: [&str; 2]| {
            spellings.into_iter().find_map(|field| {
                let text = fields.get(field)?;
                let time = text.as_str().and_then(Timestamp::parse);
                if time.is_none() && !text.is_null() {
                    let at = format!("/{field}");
                    warn(&at, "is not an RFC 3339 time; taken as not given");
                }
                time
            })
        };
        let status_changed_at = time(["statusChangedAt", "status_changed_at"]);
        let published_at = time(["publishedAt", "published_at"]);
        let updated_at = time(["updatedAt", "updated_at"]);
        let status = fields
            .get("status")
            .and_then(Value::as_str)
            .and_then(Status::parse);
        if status.is_none() && fields.contains_key("status") {
            warn(
                "/status",
                "is not active, deprecated or deleted; taken as active",
            );
        }
        let message = ["statusMessage", "status_message"]
            .into_iter()
            .find_map(|field| fields.get(field)?.as_str())
            .unwrap_or_default();
        Self {
            status,
            status_message: message.replace('\0', "\u{fffd}"),
            status_changed_at,
            published_at,
            updated_at,
        }
    }

    /// Distinct for distinct values: part of the entry's digest.
    pub(super) fn fingerprint(&self) -> String {
        let time = |time: Option<Timestamp>| {
            time.map_or(String::new(), |time| time.as_micros().to_string())
        };
        format!(
            "\n{}\n{}\n{}\n{}\n{}",
            self.status.map_or("", Status::as_str),
            time(self.status_changed_at),
            time(self.published_at),
            time(self.updated_at),
            self.status_message,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_read_counts_as_not_given_and_is_named() {
        let check = |block: Option<&str>, status, published: Option<i64>, pointers: &[&str]| {
            let mut warnings = Vec::new();
            let found = Upstream::read(block, &mut warnings);
            assert_eq!(
                (found.status, found.published_at.map(Timestamp::as_micros)),
                (status, published),
                "{block:?}"
            );
            let named: Vec<_> = warnings
                .iter()
                .map(|warning| warning.pointer.as_str())
                .collect();
            assert_eq!(named, pointers, "{block:?}");
        };
        check(None, None, None, &[]);
        check(Some("{}"), None, None, &[]);
        check(
            Some(r#"{"status":"Deprecated","publishedAt":"1970-01-01T00:00:01Z"}"#),
            Some(Status::Deprecated),
            Some(1_000_000),
            &[],
        );
        for block in ["[]", "null", "1", "{"] {
            check(Some(block), None, None, &[BLOCK]);
        }
        check(
            Some(
                r#"{"status":"odd","publishedAt":"yesterday","updatedAt":1,"statusChangedAt":null}"#,
            ),
            None,
            None,
            &[
                "/_meta/io.modelcontextprotocol.registry~1official/publishedAt",
                "/_meta/io.modelcontextprotocol.registry~1official/updatedAt",
                "/_meta/io.modelcontextprotocol.registry~1official/status",
            ],
        );
    }

    #[test]
    fn both_spellings_of_the_members_are_read() {
        let read = |block: &str| {
            let mut warnings = Vec::new();
            let found = Upstream::read(Some(block), &mut warnings);
            (found, warnings.len())
        };
        let times = [
            ("status_changed_at", "statusChangedAt"),
            ("published_at", "publishedAt"),
            ("updated_at", "updatedAt"),
            ("status_message", "statusMessage"),
        ];
        let snake = r#"{"status":"deleted","status_changed_at":"1970-01-01T00:00:01Z","published_at":"1970-01-01T00:00:02Z",
            "updated_at":"1970-01-01T00:00:03Z","status_message":"gone"}"#;
        let camel = times
            .iter()
            .fold(snake.to_owned(), |text, (from, to)| text.replace(from, to));
        let (found, warnings) = read(snake);
        assert_eq!(
            found.published_at.map(Timestamp::as_micros),
            Some(2_000_000)
        );
        assert_eq!((&found, warnings), (&read(&camel).0, 0));
        assert_eq!(read(r#"{"published_at":"yesterday"}"#).1, 1);
        let mixed = r#"{"publishedAt":7,"published_at":"1970-01-01T00:00:02Z"}"#;
        assert_eq!(read(mixed).0.published_at, found.published_at);
    }

    #[test]
    fn pointers_lead_to_what_they_name() {
        let element = r#"{"server":{},"_meta":{"io.modelcontextprotocol.registry/official":{"status":1,"publishedAt":2}}}"#;
        let element: Value = serde_json::from_str(element).expect("an element");
        let block = element.pointer(BLOCK).expect("the block").to_string();
        let mut warnings = Vec::new();
        let _ = Upstream::read(Some(&block), &mut warnings);
        let found: Vec<_> = warnings
            .iter()
            .map(|warning| element.pointer(&warning.pointer))
            .collect();
        assert_eq!(found, [Some(&Value::from(2)), Some(&Value::from(1))]);
    }
}
