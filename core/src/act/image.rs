//! Images of named containers, changed by the smallest patch that can be refused when it is out of date.

use serde_json::{Value, json};

/// The lists of containers in a pod template.
const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Stands for every container.
const ALL: &str = "*";

/// `container=image`, as given on the command line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignment {
    /// The container's name, or `*`.
    pub container: String,
    /// Its new image.
    pub image: String,
}

impl std::str::FromStr for Assignment {
    type Err = String;

    fn from_str(text: &str) -> Result<Assignment, String> {
        match text.split_once('=') {
            Some((container, image)) if !container.is_empty() && !image.is_empty() => {
                Ok(Assignment { container: container.to_owned(), image: image.to_owned() })
            }
            _ => Err("write container=image, or *=image for all containers".to_owned()),
        }
    }
}

/// The patch that makes `template`, which stands at `path`, run the images asked for. Empty when it already does.
///
/// Each replacement tests the container's name and its old image, so that a list that changed meanwhile is not hit in the
/// wrong place. Later assignments win.
pub fn set(template: &Value, path: &str, assignments: &[Assignment]) -> Result<json_patch::Patch, String> {
    let mut operations = Vec::new();
    let mut names: Vec<&str> = Vec::new();
    for list in LISTS {
        let containers = template["spec"][list].as_array().into_iter().flatten();
        for (index, container) in containers.enumerate() {
            let name = container["name"].as_str().unwrap_or_default();
            names.push(name);
            let asked = assignments.iter().rev().find(|a| a.container == ALL || a.container == name);
            let Some(Assignment { image, .. }) = asked else { continue };
            let at = format!("{path}/spec/{list}/{index}");
            match container["image"].as_str() {
                Some(old) if old == image => {}
                Some(old) => operations.extend([
                    json!({"op": "test", "path": format!("{at}/name"), "value": name}),
                    json!({"op": "test", "path": format!("{at}/image"), "value": old}),
                    json!({"op": "replace", "path": format!("{at}/image"), "value": image}),
                ]),
                None => operations.extend([
                    json!({"op": "test", "path": format!("{at}/name"), "value": name}),
                    json!({"op": "add", "path": format!("{at}/image"), "value": image}),
                ]),
            }
        }
    }
    for Assignment { container, .. } in assignments {
        if container != ALL && !names.contains(&container.as_str()) {
            let known = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
            return Err(format!("unable to find container named \"{container}\"; there are: {known}"));
        }
    }
    serde_json::from_value(Value::Array(operations)).map_err(|error| format!("cannot build the patch: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn template() -> Value {
        json!({"spec": {
            "initContainers": [{"name": "schema", "image": "schema:1"}],
            "containers": [{"name": "web", "image": "web:1"}, {"name": "log", "image": "log:1"}],
        }})
    }

    fn images(assignments: &[&str]) -> Result<Vec<String>, String> {
        let assignments: Vec<Assignment> = assignments.iter().map(|text| text.parse().expect(text)).collect();
        let patch = set(&template(), "/spec/template", &assignments)?;
        let mut object = json!({"spec": {"template": template()}});
        json_patch::patch(&mut object, &patch).map_err(|error| error.to_string())?;
        let containers = ["initContainers", "containers"].map(|list| &object["spec"]["template"]["spec"][list]);
        let all = containers.into_iter().flat_map(|list| list.as_array().into_iter().flatten());
        Ok(all.map(|container| container["image"].as_str().unwrap_or_default().to_owned()).collect())
    }

    #[test]
    fn only_the_named_containers_change() {
        assert_eq!(images(&["web=web:2"]), Ok(vec!["schema:1".into(), "web:2".into(), "log:1".into()]));
        assert_eq!(images(&["schema=s:2", "log=l:2"]), Ok(vec!["s:2".into(), "web:1".into(), "l:2".into()]));
        assert_eq!(images(&["*=all:2"]), Ok(vec!["all:2".into(), "all:2".into(), "all:2".into()]));
        assert_eq!(images(&["*=all:2", "web=web:3"]), Ok(vec!["all:2".into(), "web:3".into(), "all:2".into()]));
    }

    #[test]
    fn the_patch_is_minimal_and_tests_what_it_replaces() {
        let assignment = |text: &str| text.parse::<Assignment>().expect(text);
        let patch = set(&template(), "/spec/template", &[assignment("log=log:2")]).expect("a patch");
        let expected = json!([
            {"op": "test", "path": "/spec/template/spec/containers/1/name", "value": "log"},
            {"op": "test", "path": "/spec/template/spec/containers/1/image", "value": "log:1"},
            {"op": "replace", "path": "/spec/template/spec/containers/1/image", "value": "log:2"},
        ]);
        assert_eq!(serde_json::to_value(patch).expect("json"), expected);
        let nothing = set(&template(), "/spec/template", &[assignment("web=web:1")]).expect("a patch");
        assert!(nothing.0.is_empty());
    }

    #[test]
    fn an_unknown_container_is_named_with_those_that_exist() {
        let error = images(&["wbe=web:2"]).expect_err("no such container");
        assert_eq!(error, "unable to find container named \"wbe\"; there are: schema, web, log");
        for text in ["web", "web=", "=web:2"] {
            assert!(text.parse::<Assignment>().is_err(), "{text}");
        }
    }
}
