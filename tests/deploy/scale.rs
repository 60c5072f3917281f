//! Values as dashboards tell them, and how far apart the levels of an axis are.

/// The distance of levels, so that there are at most five: 1, 2 or 5 times a power of ten.
pub(crate) fn step(highest: f64) -> f64 {
    if highest <= 0.0 {
        return 1.0;
    }
    let power = 10f64.powf((highest / 5.0).log10().floor());
    let fits = |factor: &f64| factor * power * 5.0 >= highest;
    [1.0, 2.0, 5.0, 10.0].into_iter().find(fits).unwrap_or(10.0) * power
}

/// How values of a unit are told, the highest of which is this: divided by what, and called what.
pub(crate) fn scale(highest: f64, unit: &str) -> (f64, &'static str) {
    let sizes: &[(f64, &str)] = match unit {
        "percentunit" => &[(0.01, " %")],
        "s" => &[(120.0, " min"), (1.0, " s"), (1e-3, " ms")],
        "bytes" => &[(1_048_576.0, " MiB"), (1024.0, " KiB"), (1.0, " B")],
        "reqps" => &[(1.0, " req/s")],
        "ops" => &[(1.0, "/s")],
        _ => &[(1e6, " M"), (1e3, " k"), (1.0, "")],
    };
    let fits = |(size, _): &&(f64, &str)| highest >= *size;
    let found = sizes.iter().find(fits).or(sizes.last());
    found.map_or((1.0, ""), |(size, name)| {
        if *name == " min" {
            (60.0, " min")
        } else {
            (*size, *name)
        }
    })
}

/// A value on that scale.
pub(crate) fn told(value: f64, (size, name): (f64, &str)) -> String {
    format!("{}{name}", short(value / size))
}

/// At most two places, and none that say nothing.
fn short(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[test]
fn values_are_told_in_the_unit_of_the_highest() {
    for (value, highest, unit, expected) in [
        (0.0, 0.5, "s", "0 ms"),
        (0.0125, 0.5, "s", "12.5 ms"),
        (90.0, 90.0, "s", "90 s"),
        (90.0, 150.0, "s", "1.5 min"),
        (0.25, 1.0, "percentunit", "25 %"),
        (3_145_728.0, 4e6, "bytes", "3 MiB"),
        (12.0, 600.0, "reqps", "12 req/s"),
        (500.0, 2500.0, "short", "0.5 k"),
        (3.0, 3.0, "short", "3"),
        (0.1, 0.1, "ops", "0.1/s"),
        (0.0, 0.0, "short", "0"),
    ] {
        assert_eq!(
            told(value, scale(highest, unit)),
            expected,
            "{value} {unit}"
        );
    }
}

#[test]
fn there_are_some_levels_and_not_many() {
    for highest in [0.0, 0.004, 0.9, 1.0, 3.0, 7.0, 49.0, 51.0, 1234.0] {
        let levels = (highest / step(highest)).ceil();
        assert!(
            (0.0..=5.0).contains(&levels) && (highest == 0.0 || levels >= 2.0),
            "{highest}: {levels}"
        );
    }
}
