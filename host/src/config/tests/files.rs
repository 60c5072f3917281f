//! Files that are no configuration at all.

use super::{
    super::{Overrides, load},
    CURRENT, FINE, OLDER, env, problems, read,
};

#[test]
fn a_file_that_is_none_is_said_so() {
    let mut large = FINE.as_bytes().to_vec();
    large.resize((1 << 20) + 1, b'#');
    for (bytes, expected) in [
        (&b"\xff\xfe"[..], "is no UTF-8 text; save it as UTF-8"),
        (
            &large,
            "is larger than 1 MiB, which no configuration is; is it another file?",
        ),
        (b"just text", "is not a map of keys at its top level"),
        (b"- a\n", "is not a map of keys at its top level"),
    ] {
        let found = problems(read(bytes, &[]));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].ends_with(expected), "{found:?}");
    }
    let absent = load(
        Some("/nowhere/cairn.yaml".as_ref()),
        &Overrides::default(),
        &env(&[]),
    );
    let message = absent.expect_err("absent").to_string();
    assert!(
        message.contains("/nowhere/cairn.yaml: cannot be read: No such file"),
        "{message}"
    );
    let twice = read(format!("{FINE}cache:\n  size: 1\n  size: 2\n"), &[]).expect_err("duplicate");
    assert_eq!(twice.problems().len(), 1);
    assert!(twice.to_string().contains(":7: duplicate"), "{twice}");
}

/// Not a search for bugs but a guard: whatever an editor leaves behind is an answer, never a crash.
#[test]
fn a_mangled_file_loads_or_is_refused_with_words() {
    let mut random = fastrand::Rng::with_seed(7);
    for _ in 0..2_000 {
        let mut bytes = if random.bool() { CURRENT } else { OLDER }
            .as_bytes()
            .to_vec();
        for _ in 0..random.usize(1..6) {
            let place = random.usize(0..bytes.len());
            match random.u8(0..3) {
                0 => bytes[place] = random.u8(..),
                1 => drop(bytes.drain(place..(place + random.usize(1..20)).min(bytes.len()))),
                _ => bytes.insert(place, *random.choice(b"{}[]:,-*&!|>'\"\n #").expect("one")),
            }
        }
        if let Err(error) = read(&bytes, &[]) {
            assert!(
                error
                    .problems()
                    .iter()
                    .all(|problem| !problem.message.is_empty())
            );
        }
    }
}
