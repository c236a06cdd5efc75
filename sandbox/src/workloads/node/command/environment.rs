//! The environment of a container's process, as far as its manifest says it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{LONGEST, TOO_LONG};
use crate::read::{items, text};

/// Variables by name.
#[derive(Clone, Debug, Default)]
pub struct Environment(BTreeMap<String, String>);

impl Environment {
    /// Literal values, and the names of the pod and its surroundings; what comes from elsewhere is empty, as on the node stand-in
    /// of `tests/cluster`. An error says that it is too much.
    pub fn of(pod: &Value, container: &Value) -> Result<Environment, String> {
        let mut environment = Environment::default();
        let mut length = 0;
        for variable in items(container, "env") {
            let value = match text(variable, "valueFrom.fieldRef.fieldPath") {
                "" => environment.expand(text(variable, "value"))?,
                path @ ("metadata.name" | "metadata.namespace" | "metadata.uid" | "spec.nodeName") => {
                    text(pod, path).to_owned()
                }
                _ => String::new(),
            };
            length += value.len();
            if length > LONGEST {
                return Err(TOO_LONG.to_owned());
            }
            environment.0.insert(text(variable, "name").to_owned(), value);
        }
        Ok(environment)
    }

    /// The value of a variable that the manifest sets. Every process has a few more, which differ from node to node.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Fills in `$(NAME)`; one that is not known stays, and `$$` is a dollar.
    pub fn expand(&self, text: &str) -> Result<String, String> {
        let mut expanded = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            expanded.push_str(&rest[..at]);
            rest = &rest[at + 1..];
            let reference = rest.strip_prefix('(').and_then(|inner| inner.split_once(')'));
            if let Some(after) = rest.strip_prefix('$') {
                expanded.push('$');
                rest = after;
            } else if let Some((name, after)) = reference {
                match self.get(name) {
                    Some(value) => expanded.push_str(value),
                    None => expanded.extend(["$(", name, ")"]),
                }
                rest = after;
            } else {
                expanded.push('$');
            }
            if expanded.len() > LONGEST {
                return Err(TOO_LONG.to_owned());
            }
        }
        expanded.push_str(rest);
        Ok(expanded)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn variables_are_filled_in_as_kubernetes_does() {
        let pod = json!({ "metadata": { "name": "check-x" } });
        let container = json!({ "env": [
            { "name": "A", "value": "1" },
            { "name": "B", "value": "$(A)2$(C)" },
            { "name": "POD", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } },
            { "name": "KEY", "valueFrom": { "secretKeyRef": { "name": "s", "key": "k" } } },
        ] });
        let environment = Environment::of(&pod, &container).expect("short");
        for (text, expanded) in [
            ("$(A) and $(B)", "1 and 12$(C)"),
            ("$$(A) $A $( $", "$(A) $A $( $"),
            ("$(POD)[$(KEY)]", "check-x[]"),
            ("ü$(A)ü", "ü1ü"),
        ] {
            assert_eq!(environment.expand(text).expect("short"), expanded, "{text}");
        }
    }

    #[test]
    fn variables_that_grow_and_grow_are_refused() {
        let env: Vec<Value> =
            (0..40).map(|n| json!({ "name": format!("V{}", n + 1), "value": format!("$(V{n})$(V{n})x") })).collect();
        assert!(Environment::of(&json!({}), &json!({ "env": env })).is_err());
    }
}
