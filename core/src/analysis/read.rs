//! What a run asks for, with its arguments filled in; or why it makes no sense.

use super::{Rules, arguments, provider_of};
use crate::api::{AnalysisRun, AnalysisRunSpec, Metric};
use crate::expr::Pattern;
use crate::validate;

/// The rules of every metric. Secrets are not looked at: a word stands for each.
pub fn rules(run: &AnalysisRun) -> Result<Vec<Rules>, String> {
    let spec = &run.spec;
    let unresolved = |error: arguments::Unresolved| format!("Unable to resolve metric arguments: {error}");
    let invalid = |why: String| format!("Analysis spec invalid: {why}");
    let values = arguments::values(&spec.args, &run.metadata, |_| None).map_err(unresolved)?;
    let filled = spec.metrics.iter().map(|metric| arguments::fill(metric, &values)).collect::<Result<Vec<_>, _>>();
    let filled = filled.map_err(unresolved)?;
    if let Some(why) = validate::problem_of_metrics(&filled) {
        return Err(invalid(why));
    }
    if let Some(why) = unsupported(&filled) {
        return Err(invalid(why));
    }
    let rules = filled.into_iter().map(|metric| one(spec, metric)).collect::<Result<Vec<_>, _>>().map_err(invalid)?;
    let names: Vec<&str> = rules.iter().map(|rules| rules.metric.name.as_str()).collect();
    let dry_run = spec.dry_run.iter().map(|rule| &rule.metric_name).enumerate();
    let retention = spec.measurement_retention.iter().map(|rule| &rule.metric_name).enumerate();
    let patterns = dry_run.map(|(index, name)| (format!("dryRun[{index}]"), name));
    let patterns = patterns.chain(retention.map(|(index, name)| (format!("measurementRetention[{index}]"), name)));
    for (field, pattern) in patterns {
        let pattern = Pattern::compile(pattern).map_err(|why| invalid(format!("{field}: {why}")))?;
        if !names.iter().any(|name| pattern.is_in(name)) {
            return Err(invalid(format!("{field}: Rule didn't match any metric name(s)")));
        }
    }
    Ok(rules)
}

/// The first metric that asks a provider with which this version does not measure.
pub fn unsupported(metrics: &[Metric]) -> Option<String> {
    metrics.iter().find_map(|metric| {
        let kind = provider_of(metric).filter(|kind| !kind.is_supported)?;
        Some(format!("metric {:?} asks {}, which is not supported by this version of Sluice", metric.name, kind.name))
    })
}

/// The rules of one metric whose arguments are filled in.
pub fn one(spec: &AnalysisRunSpec, metric: Metric) -> Result<Rules, String> {
    let mut rules = Rules::read(metric)?;
    let name = &rules.metric.name;
    let matches = |pattern: &str| Pattern::compile(pattern).is_ok_and(|pattern| pattern.is_in(name));
    rules.dry_run = spec.dry_run.iter().any(|rule| matches(&rule.metric_name));
    if let Some(rule) = spec.measurement_retention.iter().find(|rule| matches(&rule.metric_name)) {
        rules.keep = usize::try_from(rule.limit).unwrap_or(1).max(1);
    }
    Ok(rules)
}
