//! The providers that a metric can name.

use crate::api::{Metric, MetricProvider};

/// A kind of provider.
#[derive(Clone, Copy, Debug)]
pub struct ProviderKind {
    /// The field that names it.
    pub field: &'static str,
    /// As it is called in metrics and messages. (The names are those of Argo Rollouts.)
    pub name: &'static str,
    /// Whether this version measures with it.
    pub is_supported: bool,
    is_set: fn(&MetricProvider) -> bool,
}

/// All of them.
const KINDS: [ProviderKind; 12] = [
    kind("prometheus", "Prometheus", true, |p| p.prometheus.is_some()),
    kind("web", "WebMetric", true, |p| p.web.is_some()),
    kind("job", "Job", true, |p| p.job.is_some()),
    kind("plugin", "Plugin", true, |p| !p.plugin.is_empty()),
    kind("kayenta", "Kayenta", false, |p| p.kayenta.is_some()),
    kind("datadog", "Datadog", false, |p| p.datadog.is_some()),
    kind("wavefront", "Wavefront", false, |p| p.wavefront.is_some()),
    kind("newRelic", "NewRelic", false, |p| p.new_relic.is_some()),
    kind("cloudWatch", "CloudWatch", false, |p| p.cloud_watch.is_some()),
    kind("graphite", "Graphite", false, |p| p.graphite.is_some()),
    kind("influxdb", "Influxdb", false, |p| p.influxdb.is_some()),
    kind("skywalking", "SkyWalking", false, |p| p.skywalking.is_some()),
];

const fn kind(
    field: &'static str,
    name: &'static str,
    is_supported: bool,
    is_set: fn(&MetricProvider) -> bool,
) -> ProviderKind {
    ProviderKind { field, name, is_supported, is_set }
}

/// The provider that a metric names; none where it names none.
pub fn provider_of(metric: &Metric) -> Option<ProviderKind> {
    KINDS.into_iter().find(|kind| (kind.is_set)(&metric.provider))
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, Value, json};

    use super::*;

    #[test]
    fn every_field_of_a_provider_has_its_kind() {
        let schema = serde_json::to_value(schemars::schema_for!(MetricProvider)).expect("a schema");
        let mut fields: Vec<&String> = schema["properties"].as_object().map(Map::keys).expect("fields").collect();
        fields.sort();
        let mut known: Vec<&str> = KINDS.iter().map(|kind| kind.field).collect();
        known.sort_unstable();
        assert_eq!(fields, known);
    }

    #[test]
    fn a_metric_has_the_kind_of_the_provider_that_it_names() {
        let kind = |provider: &Value| {
            let metric = json!({"name": "m", "provider": provider});
            provider_of(&serde_json::from_value(metric).expect("a metric")).map(|kind| kind.name)
        };
        assert_eq!(kind(&json!({"web": {"url": "http://x"}})), Some("WebMetric"));
        assert_eq!(kind(&json!({"plugin": {"a/b": {}}})), Some("Plugin"));
        assert_eq!(kind(&json!({})), None);
    }
}
