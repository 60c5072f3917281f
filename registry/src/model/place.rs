//! Ids in list order: the front of a name as a number, with a serial number behind it. What is found by id is then found
//! nearly in the order of the list; only names whose fronts are alike still have to be sorted.
//!
//! The space of numbers is divided as an arithmetic coder does it: a section of names gets its share, each further
//! character a share of that, wide where names are many. Ids are stored: another division needs them given anew.

/// Bits of an id that are the serial number. It may wrap: ids have to differ only where places are the same.
const SERIAL: u32 = 20;
/// Places there are; with the serial number, an id is never negative.
const PLACES: u64 = 1 << (63 - SERIAL);
/// The part of an id that is the serial number.
pub(crate) const SERIAL_MASK: i64 = (1 << SERIAL) - 1;

/// How many serials the next try leaves out after so many that failed. Mostly another writer was faster, and one id was
/// taken at most; but namespaces count apart, and where they have the same names, whole batches of ids are.
pub(crate) fn skipped(failed: i64) -> i64 {
    const FAR: i64 = 40_009;
    if failed < 4 { failed } else { failed * FAR }
}

/// Names from `from` up to the next section. The first `stem` bytes are the same in all of them and say nothing.
struct Section {
    from: &'static str,
    stem: usize,
    /// About how many percent of all names.
    weight: u64,
}

const fn section(from: &'static str, stem: usize, weight: u64) -> Section {
    Section { from, stem, weight }
}

/// A slash follows a dot: `ai/` ends what begins with `ai.`.
const SECTIONS: &[Section] = &[
    section("", 0, 1),
    section("ai.", 3, 5),
    section("ai.smithery", 11, 20),
    section("ai.smitherz", 3, 2),
    section("ai/", 0, 1),
    section("app.", 4, 1),
    section("app/", 0, 1),
    section("co.", 3, 1),
    section("co/", 0, 1),
    section("com.", 4, 12),
    section("com/", 0, 1),
    section("dev.", 4, 2),
    section("dev/", 0, 1),
    section("io.", 3, 1),
    section("io.github.", 10, 40),
    section("io.github/", 3, 1),
    section("io/", 0, 1),
    section("live.", 5, 1),
    section("live.alpic.staging", 18, 2),
    section("live.alpic.staginh", 5, 1),
    section("live/", 0, 1),
    section("net.", 4, 1),
    section("net/", 0, 1),
    section("org.", 4, 2),
    section("org/", 0, 2),
];

/// About how often a character is met in the names of servers. What is never met has no place of its own.
const fn weight(byte: u8) -> u64 {
    match byte {
        b'a' => 24,
        b'e' | b'i' | b'n' | b'o' | b'r' => 16,
        b'c' | b'l' | b'm' | b'p' | b's' | b't' => 11,
        b'/' => 8,
        b'b' | b'd' | b'f' | b'g' | b'h' | b'k' | b'u' | b'-' => 6,
        b'a'..=b'z' | b'.' => 3,
        b'A'..=b'Z' | b'0'..=b'9' | b'_' => 1,
        _ => 0,
    }
}

/// Numbers from `low` on.
#[derive(Clone, Copy)]
struct Range {
    low: u64,
    width: u64,
}

impl Range {
    /// What is left for something of weight `own` with `before` in front of it, of `all`.
    fn share(self, before: u64, own: u64, all: u64) -> Self {
        let at = |weight: u64| self.width * weight / all;
        Self {
            low: self.low + at(before),
            width: at(before + own) - at(before),
        }
    }
}

/// The id of a new entry. Of two names with different places, the lower name has the lower ids.
pub(crate) fn id(name: &str, serial: i64) -> i64 {
    let place = i64::try_from(place(name)).unwrap_or(i64::MAX >> SERIAL);
    (place << SERIAL) | (serial & SERIAL_MASK)
}

/// Never falls where names rise, byte by byte.
fn place(name: &str) -> u64 {
    let whole = Range {
        low: 0,
        width: PLACES,
    };
    let (before, rest) = SECTIONS.split_at(SECTIONS.partition_point(|one| one.from <= name) - 1);
    let sum = |sections: &[Section]| sections.iter().map(|one| one.weight).sum::<u64>();
    let (own, stem) = rest.first().map_or((0, 0), |own| (own.weight, own.stem));
    let mut range = whole.share(sum(before), own, sum(SECTIONS));
    let all = (0..=u8::MAX).map(weight).sum();
    for byte in name.bytes().skip(stem) {
        if range.width == 0 {
            break;
        }
        range = range.share((0..byte).map(weight).sum(), weight(byte), all);
    }
    range.low.min(PLACES - 1)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Names as they are, and bounds of sections with anything behind them.
    fn name() -> impl Strategy<Value = String> {
        let at = (0..SECTIONS.len()).prop_map(|at| SECTIONS[at].from);
        prop_oneof![
            any::<String>(),
            "[ -~]{0,12}",
            "[a-c.-]{0,4}/[a-c]{0,3}",
            (at.clone(), any::<String>()).prop_map(|(front, rest)| format!("{front}{rest}")),
            (at, "[ -~]{0,9}").prop_map(|(front, rest)| format!("{front}{rest}")),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4000))]

        #[test]
        fn places_follow_names(a in name(), b in name()) {
            let (lower, higher) = if a < b { (a, b) } else { (b, a) };
            prop_assert!(place(&lower) <= place(&higher));
        }

        #[test]
        fn a_name_is_not_placed_before_its_front(a in name(), end: String) {
            let longer = format!("{a}{end}");
            prop_assert!(place(&a) <= place(&longer));
        }

        #[test]
        fn an_id_is_never_negative_and_holds_its_serial(a in name(), serial in 0..i64::MAX) {
            prop_assert!(id(&a, serial) >= 0);
            prop_assert_eq!(id(&a, serial) & SERIAL_MASK, serial & SERIAL_MASK);
        }
    }

    #[test]
    fn sections_rise_and_share_their_stems() {
        for pair in SECTIONS.windows(2) {
            let (one, next) = (&pair[0], &pair[1]);
            assert!(one.from < next.from, "{}", next.from);
            let mut end = one.from.as_bytes()[..one.stem].to_vec();
            if let Some(last) = end.last_mut() {
                *last += 1;
                assert!(next.from.as_bytes() <= end.as_slice(), "{}", one.from);
            }
        }
    }

    #[test]
    fn names_are_told_apart_by_many_characters() {
        let check = |a: &str, b: &str| assert!(place(a) < place(b), "{a} {b}");
        check("io.github.somebod", "io.github.somebody");
        check("io.github.acme-one/a", "io.github.acme-two/a");
        check("ai.smithery/user-a", "ai.smithery/user-b");
        check("com.acme.a/x", "com.acme.b/x");
        check("io.github.AB/x", "io.github.Ab/x");
        check("zone.a/x", "zone.b/x");
        check("", "a");
    }

    #[test]
    fn few_names_of_many_share_a_place() {
        let syllables = [
            "ka", "ro", "mi", "tel", "san", "ve", "lin", "do", "ber", "su",
        ];
        let domains = ["io.github.", "ai.smithery/", "com.", "dev.", "io.github."];
        let names = (0..20_000_usize).map(|index| {
            let mut name = domains[index % 5].to_owned();
            let mut rest = index.wrapping_mul(7919) % 100_003;
            for _ in 0..5 {
                name.push_str(syllables[rest % 10]);
                rest /= 10;
            }
            name + "/server"
        });
        let names: BTreeSet<String> = names.collect();
        let places: BTreeSet<u64> = names.iter().map(|name| place(name)).collect();
        assert!(
            places.len() * 10 > names.len() * 3,
            "{} of {}",
            places.len(),
            names.len()
        );
    }
}
