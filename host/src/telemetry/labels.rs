//! What every figure says of the program it comes from. The library has labels of its own for all figures, but orders them
//! by chance, anew at each start: whoever compares two scrapes as text would see a difference in every line.

use prometheus::proto::{LabelPair, MetricFamily};

/// As dashboards for this kind of registry select by them, in the order in which they are printed.
const COMMON: [(&str, &str); 2] = [
    ("stacklok_component", "registry"),
    ("stacklok_product", "cairn"),
];

/// Adds them behind each figure's own labels.
pub(super) fn add(families: &mut [MetricFamily]) {
    let common = COMMON.map(|(name, value)| {
        let mut label = LabelPair::default();
        label.set_name(name.to_owned());
        label.set_value(value.to_owned());
        label
    });
    for metric in families.iter_mut().flat_map(MetricFamily::mut_metric) {
        let mut labels = metric.take_label();
        labels.extend_from_slice(&common);
        metric.set_label(labels);
    }
}
