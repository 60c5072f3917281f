//! The number of requests under a name of its own. A histogram counts already what it observes; a counter beside it
//! would be a second look-up for each request.

use prometheus::{
    HistogramVec, Opts, Result,
    core::{Collector, Desc, Describer},
    proto::{Counter, Metric, MetricFamily, MetricType},
};

const NAME: &str = "stacklok_registry_http_requests_total";
const HELP: &str = "Requests answered.";

/// The counts of a histogram.
pub(super) struct Counted {
    durations: HistogramVec,
    description: Desc,
}

impl Counted {
    pub(super) fn new(durations: &HistogramVec) -> Result<Self> {
        let labels = ["route", "method", "status"].map(str::to_owned).to_vec();
        Ok(Self {
            durations: durations.clone(),
            description: Opts::new(NAME, HELP).variable_labels(labels).describe()?,
        })
    }
}

impl Collector for Counted {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.description]
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let mut family = MetricFamily::default();
        family.set_name(NAME.to_owned());
        family.set_help(HELP.to_owned());
        family.set_field_type(MetricType::COUNTER);
        let families = self.durations.collect();
        let observed = families.iter().flat_map(MetricFamily::get_metric);
        family.set_metric(observed.map(count).collect());
        vec![family]
    }
}

fn count(observed: &Metric) -> Metric {
    let mut counter = Counter::default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "the format has no other numbers"
    )]
    counter.set_value(observed.get_histogram().get_sample_count() as f64);
    let mut count = Metric::default();
    count.set_label(observed.get_label().to_vec());
    count.set_counter(counter);
    count
}
