//! Changing images: only the named containers change, and only if they still have the image that was seen.

use anyhow::bail;
use serde_json::{Value, json};
use sluice_core::api::Rollout;

/// Lists of containers in a pod's spec.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// One `container=image`; `*` is every container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    container: String,
    image: String,
}

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Assignment, String> {
        match text.split_once('=') {
            Some((container, image)) if !container.is_empty() && !image.is_empty() => {
                Ok(Assignment { container: container.into(), image: image.into() })
            }
            _ => Err(format!("{text:?} is not CONTAINER=IMAGE, such as web=registry/web:2")),
        }
    }
}

/// The JSON Patch that sets the images.
pub fn set_images(rollout: &Rollout, assignments: &[Assignment]) -> anyhow::Result<Value> {
    if rollout.spec.workload_ref.is_some() {
        bail!("the rollout takes its template from spec.workloadRef: change the image of that workload instead");
    }
    let template = rollout.spec.template.as_ref().unwrap_or(&Value::Null);
    let mut operations = Vec::new();
    for Assignment { container, image } in assignments {
        let mut found = false;
        for (list, index, candidate) in containers(template) {
            if container != "*" && candidate["name"] != container.as_str() {
                continue;
            }
            found = true;
            let path = format!("/spec/template/spec/{list}/{index}/image");
            if candidate["image"] != image.as_str() {
                operations.push(json!({ "op": "test", "path": path, "value": candidate["image"] }));
                operations.push(json!({ "op": "replace", "path": path, "value": image }));
            }
        }
        if !found {
            let names: Vec<_> =
                containers(template).filter_map(|(_, _, container)| container["name"].as_str()).collect();
            bail!("unable to find container named \"{container}\"; the template has {}", names.join(", "));
        }
    }
    Ok(Value::Array(operations))
}

fn containers(template: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    LISTS.into_iter().flat_map(move |list| {
        let containers = template["spec"][list].as_array();
        containers.into_iter().flatten().enumerate().map(move |(index, container)| (list, index, container))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout() -> Rollout {
        let spec = json!({
            "initContainers": [{"name": "init", "image": "init:1"}],
            "containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}],
        });
        serde_json::from_value(json!({"metadata": {}, "spec": {"template": {"spec": spec}, "strategy": {}}}))
            .expect("a Rollout")
    }

    fn set(assignment: &str) -> anyhow::Result<Value> {
        set_images(&rollout(), &[assignment.parse().expect("an assignment")])
    }

    #[test]
    fn one_container_changes_if_it_is_still_as_it_was() {
        let path = "/spec/template/spec/containers/1/image";
        let expected = json!([
            {"op": "test", "path": path, "value": "log:1"},
            {"op": "replace", "path": path, "value": "log:2"},
        ]);
        assert_eq!(set("log=log:2").expect("a patch"), expected);
    }

    #[test]
    fn a_star_is_every_container() {
        assert_eq!(set("*=all:2").expect("a patch").as_array().map(Vec::len), Some(6));
    }

    #[test]
    fn the_same_image_is_no_change() {
        assert_eq!(set("web=web:1").expect("a patch"), json!([]));
    }

    #[test]
    fn an_unknown_container_is_an_error_that_names_the_known_ones() {
        let error = set("wep=web:2").expect_err("an error").to_string();
        assert_eq!(error, "unable to find container named \"wep\"; the template has init, web, log");
    }

    #[test]
    fn an_assignment_needs_both_sides() {
        for text in ["web", "web=", "=web:2"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
