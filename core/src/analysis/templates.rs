//! Templates that run together: those that are named, those that they name, merged into one run.

use std::collections::{BTreeMap, BTreeSet};

use crate::api::{
    AnalysisTemplateRef, AnalysisTemplateSpec, Argument, DryRun, MeasurementRetention, Metric, ValueFrom,
};
use crate::sight::Sight;

/// Templates can name templates. Nobody nests as many as this, and a circle ends.
pub const MOST_TEMPLATES: usize = 200;

/// A template as something names it: whether it is a `ClusterAnalysisTemplate`, and its name.
pub type TemplateKey = (bool, String);

/// The templates that something may name, as far as they were looked for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Templates(pub BTreeMap<TemplateKey, Sight<Box<AnalysisTemplateSpec>>>);

/// Why templates do not make a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// One is not there, or cannot be read.
    Template {
        /// As `Kind/name`.
        object: String,
        /// Why.
        why: String,
    },
    /// They do not go together.
    Together(String),
}

/// What runs, out of all templates.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Flat {
    /// What is measured.
    pub metrics: Vec<Metric>,
    /// Arguments, with the values that templates have for them.
    pub args: Vec<Argument>,
    /// What decides nothing.
    pub dry_run: Vec<DryRun>,
    /// How many measurements are kept.
    pub measurement_retention: Vec<MeasurementRetention>,
}

impl Templates {
    /// One template.
    pub fn find(&self, reference: &AnalysisTemplateRef) -> Result<&AnalysisTemplateSpec, Unfit> {
        let AnalysisTemplateRef { template_name: name, cluster_scope } = reference;
        let kind = kind_of(*cluster_scope);
        let unfit = |why: String| Unfit::Template { object: format!("{kind}/{name}"), why };
        match self.0.get(&(*cluster_scope, name.clone())) {
            Some(Sight::Found(spec)) => Ok(spec),
            Some(Sight::Missing) | None => Err(unfit(format!("{kind} '{name}' not found"))),
            Some(Sight::Absent(why) | Sight::Unreadable(why)) => {
                Err(unfit(format!("{kind} '{name}' cannot be read: {why}")))
            }
        }
    }

    /// All metrics of these templates and of those that they name, each template once, in the order in which they are named.
    pub fn flatten(&self, named: &[AnalysisTemplateRef]) -> Result<Flat, Unfit> {
        let mut all = Vec::new();
        let mut seen = BTreeSet::new();
        let mut queue: Vec<&AnalysisTemplateRef> = named.iter().rev().collect();
        while let Some(reference) = queue.pop() {
            if !seen.insert((reference.cluster_scope, &reference.template_name)) {
                continue;
            }
            if seen.len() > MOST_TEMPLATES {
                return Err(Unfit::Together(format!("more than {MOST_TEMPLATES} templates are named")));
            }
            let spec = self.find(reference)?;
            queue.extend(spec.templates.iter().rev());
            all.push(spec);
        }
        let flat = Flat {
            metrics: metrics(&all)?,
            args: arguments(&all)?,
            dry_run: unique(&all, |spec| &spec.dry_run, |rule| &rule.metric_name, "dry-run rules")?,
            measurement_retention: unique(
                &all,
                |spec| &spec.measurement_retention,
                |rule| &rule.metric_name,
                "measurement retention rules",
            )?,
        };
        Ok(flat)
    }
}

/// The kind of a template.
pub fn kind_of(cluster_scope: bool) -> &'static str {
    if cluster_scope { "ClusterAnalysisTemplate" } else { "AnalysisTemplate" }
}

fn metrics(all: &[&AnalysisTemplateSpec]) -> Result<Vec<Metric>, Unfit> {
    let mut names = BTreeSet::new();
    let metrics: Vec<Metric> = all.iter().flat_map(|spec| &spec.metrics).cloned().collect();
    match metrics.iter().find(|metric| !names.insert(metric.name.as_str())) {
        Some(twice) => Err(Unfit::Together(format!("two metrics have the same name '{}'", twice.name))),
        None => Ok(metrics),
    }
}

fn arguments(all: &[&AnalysisTemplateSpec]) -> Result<Vec<Argument>, Unfit> {
    let (merged, conflicts) = merge_arguments(all.iter().flat_map(|spec| &spec.args));
    conflicts.into_iter().next().map_or(Ok(merged), |conflict| Err(Unfit::Together(conflict)))
}

/// Each argument once, as one that has a value where one of them has, and what stands against it: a message for each that has
/// another value than an earlier one.
pub fn merge_arguments<'a>(args: impl IntoIterator<Item = &'a Argument>) -> (Vec<Argument>, Vec<String>) {
    let (mut merged, mut conflicts): (Vec<Argument>, Vec<String>) = Default::default();
    for arg in args {
        let Some(earlier) = merged.iter_mut().find(|known| known.name == arg.name) else {
            merged.push(arg.clone());
            continue;
        };
        if !has_value(earlier) {
            *earlier = arg.clone();
        } else if has_value(arg) && (&earlier.value, &earlier.value_from) != (&arg.value, &arg.value_from) {
            conflicts.push(format!("Argument `{}` specified multiple times with different values", arg.name));
        }
    }
    (merged, conflicts)
}

/// Whether an argument has a value.
pub fn has_value(arg: &Argument) -> bool {
    let from = |from: &ValueFrom| from.secret_key_ref.is_some() || from.field_ref.is_some();
    arg.value.is_some() || arg.value_from.as_ref().is_some_and(from)
}

/// Rules of all templates; two for the same metrics leave open which one counts.
fn unique<T: Clone>(
    all: &[&AnalysisTemplateSpec],
    rules: impl Fn(&AnalysisTemplateSpec) -> &Vec<T>,
    name: impl Fn(&T) -> &String,
    what: &str,
) -> Result<Vec<T>, Unfit> {
    let rules: Vec<T> = all.iter().flat_map(|spec| rules(spec)).cloned().collect();
    let mut names = BTreeSet::new();
    match rules.iter().map(&name).find(|name| !names.insert(name.as_str())) {
        Some(twice) => Err(Unfit::Together(format!("two {what} have the same metric name '{twice}'"))),
        None => Ok(rules),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn templates(all: &[(bool, &str, Value)]) -> Templates {
        let spec = |spec: &Value| Sight::Found(Box::new(serde_json::from_value(spec.clone()).expect("a template")));
        Templates(all.iter().map(|(scope, name, body)| ((*scope, (*name).to_owned()), spec(body))).collect())
    }

    fn metric(name: &str) -> Value {
        json!({ "name": name, "provider": {} })
    }

    fn reference(name: &str) -> AnalysisTemplateRef {
        AnalysisTemplateRef { template_name: name.to_owned(), cluster_scope: name.starts_with("cluster") }
    }

    fn together(all: &Templates, names: &[&str]) -> Result<Flat, String> {
        let references: Vec<_> = names.iter().map(|name| reference(name)).collect();
        all.flatten(&references).map_err(|unfit| match unfit {
            Unfit::Template { object, why } => format!("{object}: {why}"),
            Unfit::Together(why) => why,
        })
    }

    #[test]
    fn templates_that_name_each_other_are_there_once() {
        let inner = |names: &[(&str, bool)]| {
            names.iter().map(|(name, scope)| json!({ "templateName": name, "clusterScope": scope })).collect::<Vec<_>>()
        };
        let all = templates(&[
            (false, "a", json!({ "metrics": [metric("a")], "templates": inner(&[("b", false), ("cluster", true)]) })),
            (false, "b", json!({ "metrics": [metric("b")], "templates": inner(&[("a", false)]) })),
            (true, "cluster", json!({ "metrics": [metric("c")], "templates": inner(&[("b", false)]) })),
        ]);
        let flat = together(&all, &["a", "b"]).expect("a run");
        let names: Vec<&str> = flat.metrics.iter().map(|metric| metric.name.as_str()).collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn an_argument_has_the_one_value_that_templates_have_for_it() {
        let arg = |value: Value| json!({ "args": [{ "name": "x", "value": value }], "metrics": [] });
        let all = templates(&[
            (false, "none", arg(Value::Null)),
            (false, "one", arg(json!("1"))),
            (false, "same", arg(json!("1"))),
            (false, "other", arg(json!("2"))),
        ]);
        let value = |names: &[&str]| Ok::<_, String>(together(&all, names)?.args[0].value.clone());
        assert_eq!(value(&["none", "one", "same"]), Ok(Some("1".to_owned())));
        assert_eq!(value(&["one", "none"]), Ok(Some("1".to_owned())));
        let message = "Argument `x` specified multiple times with different values";
        assert_eq!(value(&["one", "other"]), Err(message.to_owned()));
    }

    #[test]
    fn what_does_not_go_together_and_what_is_missing_is_named() {
        let rule = json!([{ "metricName": "a.*" }]);
        let all = templates(&[
            (false, "a", json!({ "metrics": [metric("a")], "dryRun": rule })),
            (false, "b", json!({ "metrics": [metric("a")] })),
            (false, "c", json!({ "metrics": [], "dryRun": rule })),
        ]);
        assert_eq!(together(&all, &["a", "b"]), Err("two metrics have the same name 'a'".to_owned()));
        assert_eq!(together(&all, &["a", "c"]), Err("two dry-run rules have the same metric name 'a.*'".to_owned()));
        let missing = "AnalysisTemplate/x: AnalysisTemplate 'x' not found";
        assert_eq!(together(&all, &["a", "x"]), Err(missing.to_owned()));
        let missing = "ClusterAnalysisTemplate/cluster: ClusterAnalysisTemplate 'cluster' not found";
        assert_eq!(together(&all, &["cluster"]), Err(missing.to_owned()));
    }
}
