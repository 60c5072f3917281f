//! Where a bracketed or quoted JSON value ends. It counts brackets and knows strings and escapes, nothing else: whether
//! what is between them is JSON must be asked of a parser.

/// How deep in brackets and quotes a value is at the point that has been read.
#[derive(Default)]
pub(super) struct Extent {
    depth: u64,
    in_string: bool,
    escaped: bool,
}

impl Extent {
    /// The index just after the value's last byte, when that is in `chunk`.
    pub(super) fn end(&mut self, chunk: &[u8]) -> Option<usize> {
        let mut at = 0;
        while let Some(rest) = chunk.get(at..).filter(|rest| !rest.is_empty()) {
            at += if self.in_string {
                self.within_string(rest)
            } else {
                self.outside_string(rest)
            };
            if self.depth == 0 && !self.in_string {
                return Some(at);
            }
        }
        None
    }

    /// Walks up to the closing quote, or just past a backslash; returns the bytes walked.
    fn within_string(&mut self, rest: &[u8]) -> usize {
        if std::mem::take(&mut self.escaped) {
            return 1;
        }
        let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
            return rest.len();
        };
        match rest.get(found) {
            Some(b'"') => self.in_string = false,
            _ => self.escaped = true,
        }
        found + 1
    }

    /// Walks up to the next opening quote or the end of the outermost bracket; returns the bytes walked.
    fn outside_string(&mut self, rest: &[u8]) -> usize {
        for (index, byte) in rest.iter().enumerate() {
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => continue,
            }
            if self.in_string || self.depth == 0 {
                return index + 1;
            }
        }
        rest.len()
    }
}

#[cfg(test)]
mod tests {
    use super::Extent;

    #[test]
    fn a_value_ends_at_the_same_byte_however_the_text_is_cut() {
        for (value, rest) in [
            (r#"{"a":[1,{"b":"]}"}]}"#, ",x"),
            (r#""a \" quote and a \\""#, " ]"),
            (r#"{"\\":"\\\""}"#, "}"),
            ("[[[]]]", "]"),
            ("\"\"", "\""),
        ] {
            let text = format!("{value}{rest}");
            for cut in 1..text.len() {
                let (mut extent, mut end) = (Extent::default(), 0);
                for chunk in text.as_bytes().chunks(cut) {
                    match extent.end(chunk) {
                        Some(at) => {
                            end += at;
                            break;
                        }
                        None => end += chunk.len(),
                    }
                }
                assert_eq!(end, value.len(), "{text} cut every {cut}");
            }
        }
    }

    #[test]
    fn a_value_that_goes_on_has_no_end_yet() {
        for text in ["{", "[[]", r#""abc"#, r#""abc\""#, r#"{"}"#] {
            assert_eq!(Extent::default().end(text.as_bytes()), None, "{text}");
        }
    }
}
