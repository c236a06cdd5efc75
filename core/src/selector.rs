//! Label selectors: whether one matches, and how it reads on one line.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use serde_json::Value;

/// Whether `selector` selects an object with these labels. An operator that Kubernetes does not know selects nothing.
pub fn matches(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let exact = selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    exact && selector.match_expressions.iter().flatten().all(|requirement| meets(requirement, labels))
}

fn meets(requirement: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&requirement.key);
    let listed = |value: &String| requirement.values.iter().flatten().any(|allowed| allowed == value);
    match requirement.operator.as_str() {
        "In" => value.is_some_and(listed),
        "NotIn" => !value.is_some_and(listed),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        _ => false,
    }
}

/// The selector as one line, in the form of `kubectl get --selector`; autoscalers read it from `status.selector`.
pub fn to_line(selector: &LabelSelector) -> String {
    let mut terms: Vec<String> =
        selector.match_labels.iter().flatten().map(|(key, value)| format!("{key}={value}")).collect();
    for requirement in selector.match_expressions.iter().flatten() {
        let mut values = requirement.values.clone().unwrap_or_default();
        values.sort();
        let (key, values) = (&requirement.key, values.join(","));
        terms.push(match requirement.operator.as_str() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.clone(),
        });
    }
    terms.sort();
    terms.join(",")
}

/// The texts of the map at a JSON pointer, such as the labels of a pod template; what is no text is left out.
pub fn texts(json: &Value, at: &str) -> BTreeMap<String, String> {
    let pairs = json.pointer(at).and_then(Value::as_object).into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn selector() -> LabelSelector {
        LabelSelector {
            match_labels: Some([("app".to_owned(), "web".to_owned())].into()),
            match_expressions: Some(vec![LabelSelectorRequirement {
                key: "tier".into(),
                operator: "In".into(),
                values: Some(vec!["b".into(), "a".into()]),
            }]),
        }
    }

    #[test]
    fn labels_and_expressions_must_all_hold() {
        let labels = |tier: &str| [("app".to_owned(), "web".to_owned()), ("tier".to_owned(), tier.to_owned())].into();
        assert!(matches(&selector(), &labels("a")));
        assert!(!matches(&selector(), &labels("c")));
    }

    #[test]
    fn a_selector_reads_as_kubectl_takes_it() {
        assert_eq!(to_line(&selector()), "app=web,tier in (a,b)");
    }
}
