//! Which records of a source are shown.

/// Exclude wins over include; an empty include list shows everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// Globs: `*` is any text, also across `/`; `?` is any one character.
    pub include_names: Vec<String>,
    pub exclude_names: Vec<String>,
    /// Exact tags.
    pub include_tags: Vec<String>,
    pub exclude_tags: Vec<String>,
}

impl Filter {
    /// Whether a record of that name, with those tags, is shown.
    #[must_use]
    pub fn shows(&self, name: &str, tags: &[String]) -> bool {
        let named = |patterns: &[String]| patterns.iter().any(|pattern| glob(pattern, name));
        let tagged = |wanted: &[String]| wanted.iter().any(|tag| tags.contains(tag));
        !named(&self.exclude_names)
            && !tagged(&self.exclude_tags)
            && (self.include_names.is_empty() || named(&self.include_names))
            && (self.include_tags.is_empty() || tagged(&self.include_tags))
    }

    /// A text that differs when the filter differs: what "the filter changed" is decided by.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let lists = [
            &self.include_names,
            &self.exclude_names,
            &self.include_tags,
            &self.exclude_tags,
        ];
        if lists.iter().all(|list| list.is_empty()) {
            return String::new();
        }
        format!("{lists:?}")
    }
}

/// Linear in text × stars: on a mismatch it goes back to the last star only.
fn glob(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut star: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        match (pattern.next(), text.clone().next()) {
            (Some('*'), _) => {
                star = Some((pattern.clone(), text.clone()));
            }
            (None, None) => return true,
            (Some(wanted), Some(found)) if wanted == '?' || wanted == found => {
                text.next();
            }
            _ => {
                // Let the last star swallow one character more.
                let Some((after, rest)) = &mut star else {
                    return false;
                };
                if rest.next().is_none() {
                    return false;
                }
                pattern = after.clone();
                text = rest.clone();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_cross_slashes() {
        let check =
            |pattern, text, expected| assert_eq!(glob(pattern, text), expected, "{pattern} {text}");
        check("*", "", true);
        check("io.github.*", "io.github.acme/x", true);
        check("*/x", "io.github.acme/x", true);
        check("*/y", "io.github.acme/x", false);
        check("a*b*c", "a-bb-c", true);
        check("a*b*c", "a-bb-", false);
        check("a?c", "abc", true);
        check("a?c", "ac", false);
        check("", "a", false);
        check("abc", "abc", true);
        check("ab", "abc", false);
        check("*a", "aaaaab", false);
    }

    #[test]
    fn exclude_wins_over_include() {
        let words = |list: &[&str]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
        let filter = Filter {
            include_names: words(&["io.*"]),
            exclude_names: words(&["*/secret"]),
            include_tags: words(&["db", "search"]),
            exclude_tags: words(&["beta"]),
        };
        let check =
            |name, tags: &[&str], expected| assert_eq!(filter.shows(name, &words(tags)), expected);
        check("io.a/x", &["db"], true);
        check("io.a/x", &[], false);
        check("io.a/x", &["db", "beta"], false);
        check("io.a/secret", &["db"], false);
        check("com.a/x", &["db"], false);
        assert!(Filter::default().shows("anything", &[]));
    }
}
