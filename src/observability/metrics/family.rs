//! Families of gauges whose series are computed for each scrape.

use std::collections::HashMap;

use jiff::Timestamp;
use prometheus::{
    core::Desc,
    proto::{Gauge, LabelPair, Metric, MetricFamily, MetricType},
};

/// Family of gauges with `N` labels.
pub(super) struct Family<const N: usize> {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    pub(super) labels: [&'static str; N],
}

impl<const N: usize> Family<N> {
    pub(super) fn describe(&self) -> Result<Desc, prometheus::Error> {
        let labels = self.labels.map(str::to_owned).to_vec();
        Desc::new(self.name.into(), self.help.into(), labels, HashMap::new())
    }

    pub(super) fn collect<'a>(
        &self,
        series: impl Iterator<Item = ([&'a str; N], f64)>,
    ) -> MetricFamily {
        let mut family = MetricFamily::default();
        family.set_name(self.name.into());
        family.set_help(self.help.into());
        family.set_field_type(MetricType::GAUGE);
        family.set_metric(
            series
                .map(|(values, value)| self.gauge(values, value))
                .collect(),
        );
        family
    }

    fn gauge(&self, values: [&str; N], value: f64) -> Metric {
        let labels = self.labels.iter().zip(values).map(|(name, value)| {
            let mut label = LabelPair::default();
            label.set_name((*name).into());
            label.set_value(value.into());
            label
        });
        let mut gauge = Gauge::default();
        gauge.set_value(value);
        let mut metric = Metric::from_gauge(gauge);
        metric.set_label(labels.collect());
        metric
    }
}

/// Returns the seconds since the Unix epoch.
pub(super) fn seconds(instant: Timestamp) -> f64 {
    instant.as_duration().as_secs_f64()
}
