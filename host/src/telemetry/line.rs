//! Form of the log's lines: a JSON object or a line for people. Every key stands once, and every text is escaped.

use std::fmt::{self, Debug, Write as _};

use tracing::{
    Event, Level, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{
    fmt::{FmtContext, FormatEvent, FormatFields, format::Writer},
    registry::LookupSpan,
};

use super::escape;

/// Time in every line of the log, in UTC with microseconds.
const TIME: &str = "%Y-%m-%dT%H:%M:%S%.6fZ";

/// Keys that a line has besides the event's own fields.
const OURS: [&str; 4] = ["timestamp", "level", "message", "target"];

/// Form of lines.
#[derive(Debug, Clone, Copy)]
pub(super) enum Form {
    Json,
    Text { coloured: bool },
}

impl<S, N> FormatEvent<S, N> for Form
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let time = jiff::Timestamp::now().strftime(TIME).to_string();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let level = event.metadata().level();
        let line = match self {
            Self::Json => fields.json(&time, level, event.metadata().target()),
            Self::Text { coloured } => fields.text(&time, level, *coloured),
        };
        writer.write_str(&line)
    }
}

/// An event's fields in their order.
#[derive(Default)]
struct Fields {
    message: String,
    others: Vec<(String, Value)>,
}

enum Value {
    /// A number or a flag.
    Bare(String),
    /// A text that was given as one.
    Text(String),
    /// A value of another type, as it shows itself.
    Shown(String),
}

impl Fields {
    /// Adds a field under its name, or under another one when that is taken.
    fn add(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = match value {
                Value::Bare(text) | Value::Text(text) | Value::Shown(text) => text,
            };
            return;
        }
        let mut name = field.name().to_owned();
        while OURS.contains(&name.as_str()) || self.others.iter().any(|(key, _)| *key == name) {
            name.push('_');
        }
        self.others.push((name, value));
    }

    fn json(&self, time: &str, level: &Level, target: &str) -> String {
        let mut line = format!(r#"{{"timestamp":"{time}","level":"{level}","message":""#);
        escape::json(&mut line, &self.message);
        line.push('"');
        for (name, value) in &self.others {
            line.push_str(",\"");
            escape::json(&mut line, name);
            line.push_str("\":");
            match value {
                Value::Bare(text) => line.push_str(text),
                Value::Text(text) | Value::Shown(text) => {
                    line.push('"');
                    escape::json(&mut line, text);
                    line.push('"');
                }
            }
        }
        line.push_str(r#","target":""#);
        escape::json(&mut line, target);
        line.push_str("\"}\n");
        line
    }

    fn text(&self, time: &str, level: &Level, coloured: bool) -> String {
        let mut line = String::new();
        let _ = match coloured {
            true => write!(
                line,
                "\u{1b}[2m{time}\u{1b}[0m \u{1b}[{}m{level:>5}\u{1b}[0m ",
                colour(level)
            ),
            false => write!(line, "{time} {level:>5} "),
        };
        escape::plain(&mut line, &self.message);
        for (name, value) in &self.others {
            let _ = write!(line, " {name}=");
            match value {
                Value::Bare(text) | Value::Shown(text) => escape::plain(&mut line, text),
                Value::Text(text) => {
                    line.push('"');
                    escape::plain(&mut line, &text.replace('"', "\\\""));
                    line.push('"');
                }
            }
        }
        line.push('\n');
        line
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        let value = match value.is_finite() {
            true => Value::Bare(value.to_string()),
            false => Value::Text(value.to_string()),
        };
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, Value::Bare(value.to_string()));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, Value::Bare(value.to_string()));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, Value::Bare(value.to_string()));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, Value::Text(value.to_owned()));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.add(field, Value::Shown(format!("{value:?}")));
    }
}

fn colour(level: &Level) -> &'static str {
    match *level {
        Level::ERROR => "31",
        Level::WARN => "33",
        Level::INFO => "32",
        Level::DEBUG => "34",
        Level::TRACE => "35",
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use serde_json::Value as Json;
    use tracing_subscriber::layer::SubscriberExt;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// Returns the lines of the events of `during`.
    fn written(form: Form, during: impl FnOnce()) -> String {
        let written = Written::default();
        let writer = written.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(form)
            .with_writer(move || writer.clone());
        tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), during);
        String::from_utf8(written.0.lock().unwrap().clone()).unwrap()
    }

    fn hostile() {
        let error = "first\nsecond \u{1b}[31mred\u{1b}[0m \"quoted\"";
        tracing::warn!(level = "mine", target = 7, error, shown = %error, "told\r\nforged");
    }

    #[test]
    fn every_key_of_json_stands_once_and_texts_are_kept() {
        let line = written(Form::Json, hostile);
        assert_eq!(line.lines().count(), 1, "{line}");
        for key in [
            "timestamp",
            "level",
            "level_",
            "message",
            "target",
            "target_",
            "error",
        ] {
            assert_eq!(
                line.matches(&format!("\"{key}\":")).count(),
                1,
                "{key}: {line}"
            );
        }
        let read: Json = serde_json::from_str(&line).unwrap();
        assert_eq!(read["level"], "WARN");
        assert_eq!(read["level_"], "mine");
        assert_eq!(read["target_"], 7);
        assert_eq!(read["message"], "told\r\nforged");
        assert_eq!(read["error"], read["shown"]);
        assert!(read["error"].as_str().unwrap().contains("\u{1b}[31m"));
    }

    #[test]
    fn a_line_for_people_is_one_line_without_sequences_from_outside() {
        let line = written(Form::Text { coloured: false }, hostile);
        assert_eq!(line.lines().count(), 1, "{line}");
        assert!(!line.contains('\u{1b}'), "{line}");
        assert!(
            line.contains(" WARN told\\r\\nforged level_=\"mine\" target_=7 "),
            "{line}"
        );
        let coloured = written(Form::Text { coloured: true }, hostile);
        assert_eq!(coloured.matches('\u{1b}').count(), 4, "{coloured:?}");
    }
}
