//! Case folding for search. Engines never fold: this one function is applied to stored text and to search terms.

/// Lower case, character by character, with NUL removed (Postgres cannot store it). There is no context rule (as for a
/// final sigma), so a fold of a substring is always a substring of the fold.
#[must_use]
pub fn fold(text: &str) -> String {
    if text.bytes().all(|byte| byte.is_ascii() && byte != 0) {
        return text.to_ascii_lowercase();
    }
    text.chars()
        .filter(|character| *character != '\0')
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::fold;

    #[test]
    fn letters_become_lower_case_and_nul_vanishes() {
        let check = |input, expected: &str| assert_eq!(fold(input), expected);
        check("", "");
        check("GitHub", "github");
        check("ÄÖÜ Straße", "äöü straße");
        check("ΟΔΟΣ", "οδοσ");
        check("a\0b", "ab");
        check("100%_\\*", "100%_\\*");
    }

    proptest! {
        #[test]
        fn the_fold_of_a_part_is_part_of_the_fold(head: String, part: String, tail: String) {
            let whole = format!("{head}{part}{tail}");
            prop_assert!(fold(&whole).contains(&fold(&part)));
        }
    }
}
