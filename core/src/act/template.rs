//! Where the pod template is written: in the rollout, or in the workload that it refers to.

use crate::api::Rollout;
use kube_core::GroupVersionKind;

/// The object that holds the template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Home {
    /// The rollout itself.
    Rollout,
    /// A workload beside it.
    Workload {
        /// Its kind.
        kind: GroupVersionKind,
        /// Its name.
        name: String,
    },
}

impl Home {
    /// Where the template of `rollout` is.
    pub fn of(rollout: &Rollout) -> Home {
        let Some(reference) = &rollout.spec.workload_ref else { return Home::Rollout };
        let set = |field: &'_ Option<String>| field.clone().filter(|text| !text.is_empty());
        let version = set(&reference.api_version).unwrap_or_else(|| "apps/v1".to_owned());
        let kind = set(&reference.kind).unwrap_or_else(|| "Deployment".to_owned());
        let (group, version) = version.split_once('/').unwrap_or(("", &version));
        Home::Workload {
            kind: GroupVersionKind::gvk(group, version, &kind),
            name: set(&reference.name).unwrap_or_default(),
        }
    }

    /// The path of the template in the object.
    pub fn path(&self) -> &'static str {
        match self {
            Home::Workload { kind, .. } if kind.kind == "PodTemplate" => "/template",
            Home::Workload { .. } | Home::Rollout => "/spec/template",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn home(spec: &Value) -> Home {
        let rollout = json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Rollout", "metadata": {}, "spec": spec});
        Home::of(&serde_json::from_value(rollout).expect("a rollout"))
    }

    #[test]
    fn the_template_is_where_the_rollout_says() {
        assert_eq!(home(&json!({"strategy": {}})), Home::Rollout);
        let reference = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"});
        let deployment = GroupVersionKind::gvk("apps", "v1", "Deployment");
        let expected = Home::Workload { kind: deployment, name: "web".to_owned() };
        assert_eq!(home(&json!({"strategy": {}, "workloadRef": reference})), expected);
        let reference = json!({"apiVersion": "v1", "kind": "PodTemplate", "name": "web"});
        assert_eq!(home(&json!({"strategy": {}, "workloadRef": reference})).path(), "/template");
    }
}
