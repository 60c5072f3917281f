//! Text from outside, made safe for a line of the log: it stays one line, and does nothing to a terminal.

use std::fmt::Write as _;

/// Characters that begin a line, steer a terminal or turn the direction of what follows.
fn is_unsafe(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Adds the text as it stands inside a JSON string.
pub(super) fn json(line: &mut String, text: &str) {
    let plain = |byte: u8| matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\';
    if text.bytes().all(plain) {
        line.push_str(text);
        return;
    }
    for character in text.chars() {
        match character {
            '"' => line.push_str("\\\""),
            '\\' => line.push_str("\\\\"),
            other if is_unsafe(other) => {
                let _ = write!(line, "\\u{:04x}", u32::from(other));
            }
            other => line.push(other),
        }
    }
}

/// Adds the text to a line for people.
pub(super) fn plain(line: &mut String, text: &str) {
    for character in text.chars() {
        match character {
            '\n' => line.push_str("\\n"),
            '\r' => line.push_str("\\r"),
            '\t' => line.push_str("\\t"),
            other if is_unsafe(other) => {
                let _ = write!(line, "\\u{{{:x}}}", u32::from(other));
            }
            other => line.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stays_one_line_and_does_nothing_to_a_terminal() {
        let check = |text: &str, expected: &str| {
            let mut line = String::new();
            plain(&mut line, text);
            assert_eq!(line, expected);
            line.clear();
            json(&mut line, text);
            let read: String = serde_json::from_str(&format!("\"{line}\"")).unwrap();
            assert_eq!(read, text, "JSON keeps the text");
            assert!(!line.chars().any(is_unsafe), "{line:?}");
        };
        check("plain \"text\" \\ ä", "plain \"text\" \\ ä");
        check("\u{1b}[31mred", "\\u{1b}[31mred");
        check("a\nINFO forged\r\tb", "a\\nINFO forged\\r\\tb");
        check(
            "\u{9b}31m\u{7f}\u{202e}x\u{2028}",
            "\\u{9b}31m\\u{7f}\\u{202e}x\\u{2028}",
        );
    }
}
