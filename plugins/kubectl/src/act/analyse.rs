//! An analysis run by hand: a template with values for its arguments.

use std::collections::BTreeMap;

use kube::api::ObjectMeta;
use sluice_core::analysis::origin;
use sluice_core::analysis::templates::{Templates, Unfit};
use sluice_core::api::{AnalysisRun, AnalysisTemplateRef, Argument, labels};

/// What the run is called.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Called {
    /// By this name.
    pub name: Option<String>,
    /// By this and what the API server adds; where neither is given, by that of the template.
    pub prefix: Option<String>,
    /// The controller that is to measure.
    pub instance_id: Option<String>,
}

/// The run that comes of a template and those that it names.
pub fn run(
    template: &AnalysisTemplateRef,
    templates: &Templates,
    given: &[(String, String)],
    called: Called,
) -> Result<AnalysisRun, String> {
    let flat = templates.flatten(std::slice::from_ref(template)).map_err(why)?;
    let known: Vec<&str> = flat.args.iter().map(|arg| arg.name.as_str()).collect();
    if let Some((unknown, _)) = given.iter().find(|(name, _)| !known.contains(&name.as_str())) {
        let known =
            if known.is_empty() { "it has none".to_owned() } else { format!("there are: {}", known.join(", ")) };
        return Err(format!("the template has no argument \"{unknown}\"; {known}"));
    }
    let given = given.iter().map(|(name, value)| {
        let (name, value) = (name.clone(), Some(value.clone()));
        Argument { name, value, value_from: None }
    });
    let spec = origin::run_spec(flat, &given.collect::<Vec<_>>(), &[], &[]).map_err(why)?;
    let prefix = called.prefix.unwrap_or_else(|| format!("{}-", template.template_name));
    let generate_name = called.name.is_none().then_some(prefix);
    let instance = called.instance_id.filter(|id| !id.is_empty());
    let own = instance.map(|id| BTreeMap::from([(labels::INSTANCE_ID.to_owned(), id)]));
    let metadata = ObjectMeta { name: called.name, generate_name, labels: own, ..ObjectMeta::default() };
    Ok(AnalysisRun { metadata, spec, status: None })
}

fn why(unfit: Unfit) -> String {
    match unfit {
        Unfit::Template { why, .. } | Unfit::Together(why) => why,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use sluice_core::sight::Sight;

    use super::*;

    fn made(given: &[(&str, &str)], called: Called) -> Result<Value, String> {
        let spec = json!({
            "args": [{"name": "host"}, {"name": "path", "value": "/"}],
            "metrics": [{"name": "errors", "provider": {"web": {"url": "http://{{args.host}}{{args.path}}"}}}],
        });
        let found = Sight::Found(serde_json::from_value(spec).expect("a template"));
        let templates = Templates([((false, "errors".to_owned()), found)].into_iter().collect());
        let template = AnalysisTemplateRef { template_name: "errors".to_owned(), cluster_scope: false };
        let given: Vec<_> = given.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let run = run(&template, &templates, &given, called)?;
        Ok(serde_json::to_value(run).expect("JSON"))
    }

    #[test]
    fn a_run_has_the_values_that_are_given_and_those_of_the_template() {
        let run = made(&[("host", "web")], Called::default()).expect("a run");
        assert_eq!(run["metadata"], json!({"generateName": "errors-"}));
        assert_eq!(run["spec"]["args"], json!([{"name": "host", "value": "web"}, {"name": "path", "value": "/"}]));
        assert_eq!(run["spec"]["metrics"][0]["name"], "errors");
    }

    #[test]
    fn it_is_called_as_one_says() {
        let (name, prefix) = (Some("one".to_owned()), Some("some-".to_owned()));
        let instance_id = Some("blue".to_owned());
        let named = made(&[("host", "web")], Called { name, instance_id, ..Called::default() }).expect("a run");
        let labels = json!({"argo-rollouts.argoproj.io/controller-instance-id": "blue"});
        assert_eq!(named["metadata"], json!({"name": "one", "labels": labels}));
        let prefixed = made(&[("host", "web")], Called { prefix, ..Called::default() }).expect("a run");
        assert_eq!(prefixed["metadata"], json!({"generateName": "some-"}));
    }

    #[test]
    fn a_slip_of_the_pen_is_named() {
        let unknown = made(&[("hots", "web")], Called::default());
        assert_eq!(unknown, Err("the template has no argument \"hots\"; there are: host, path".to_owned()));
        let missing = made(&[], Called::default()).expect_err("a problem");
        assert!(missing.starts_with("args.host was not resolved"), "{missing}");
    }
}
