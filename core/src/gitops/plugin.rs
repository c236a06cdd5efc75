//! Render plugins: programs that make manifests of a folder, as their files (`kind: ConfigManagementPlugin`) describe them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::environment::REVISIONS;
use super::glob;
use crate::api::SourcePlugin;

/// The annotation of a plugin that names the variables of the controller's own environment that it gets.
pub const ENVIRONMENT: &str = "sluice.dev/environment";

/// A plugin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plugin {
    /// What Applications call it: its name, and its version behind that, if it has one.
    pub name: String,
    /// What is run first, if anything is.
    pub init: Option<Vec<String>>,
    /// What prints the manifests.
    pub generate: Vec<String>,
    /// How it is found by the files of a folder.
    pub discover: Discover,
    /// The variables of the controller's own environment that it gets.
    pub environment: Vec<String>,
    /// Whether it asks for the commit: then it runs with every one.
    pub asks_for_commit: bool,
    /// All that its file says, as text that is other where that is.
    pub mark: String,
    /// What it says that is not acted on yet.
    pub unsupported: Vec<&'static str>,
}

/// How a plugin is found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Discover {
    /// By its name alone.
    Never,
    /// By a file of which one of these patterns is true, from the folder.
    Files(Vec<String>),
    /// By a command, which is not run.
    Command,
}

#[derive(Deserialize)]
struct Definition {
    kind: String,
    metadata: Metadata,
    spec: Spec,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    #[serde(default)]
    annotations: BTreeMap<String, String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Spec {
    #[serde(default)]
    version: String,
    init: Option<Command>,
    generate: Command,
    #[serde(default)]
    discover: Discovery,
    /// What people are shown of parameters.
    #[serde(rename = "parameters")]
    _parameters: Option<Value>,
    #[serde(default)]
    preserve_file_mode: bool,
    #[serde(default)]
    provide_git_creds: bool,
    /// Each run has a folder of its own, which nobody else changes.
    #[serde(rename = "lockRepo")]
    _lock_repo: Option<bool>,
    #[serde(rename = "allowConcurrency")]
    _allow_concurrency: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Discovery {
    #[serde(default)]
    file_name: String,
    #[serde(default)]
    find: Find,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Find {
    #[serde(default)]
    glob: String,
    #[serde(default)]
    command: Vec<String>,
    #[serde(default)]
    args: Vec<String>,
}

impl Plugin {
    /// Reads a plugin's file.
    ///
    /// # Errors
    /// Why it is none.
    pub fn read(value: &Value) -> Result<Plugin, String> {
        let definition: Definition = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        let Definition { kind, metadata, spec } = definition;
        if kind != "ConfigManagementPlugin" {
            return Err(format!("its kind is {kind:?}, not ConfigManagementPlugin"));
        }
        if metadata.name.is_empty() {
            return Err("metadata.name is empty".to_owned());
        }
        let line = |command: Command| [command.command, command.args].concat();
        let (init, generate) = (spec.init.map(line), line(spec.generate));
        if generate.is_empty() || init.as_ref().is_some_and(Vec::is_empty) {
            return Err("spec.init and spec.generate: a command is needed".to_owned());
        }
        let names = metadata.annotations.get(ENVIRONMENT).map(String::as_str).unwrap_or_default();
        let environment: Vec<String> =
            names.split(',').map(str::trim).filter(|name| !name.is_empty()).map(str::to_owned).collect();
        if let Some(wrong) = environment.iter().find(|name| !is_variable(name)) {
            return Err(format!("metadata.annotations: {ENVIRONMENT}: {wrong:?} is no name of a variable"));
        }
        let mark = value.to_string();
        let unsupported =
            [("spec.preserveFileMode", spec.preserve_file_mode), ("spec.provideGitCreds", spec.provide_git_creds)];
        Ok(Plugin {
            name: if spec.version.is_empty() { metadata.name } else { format!("{}-{}", metadata.name, spec.version) },
            init,
            generate,
            discover: discover(spec.discover),
            environment,
            asks_for_commit: mark.contains(REVISIONS[0]),
            mark,
            unsupported: unsupported.into_iter().filter(|(_, is_said)| *is_said).map(|(field, _)| field).collect(),
        })
    }

    /// Whether it is found by a file of a folder.
    pub fn is_found_by(&self, path: &str) -> bool {
        match &self.discover {
            Discover::Files(patterns) => patterns.iter().any(|pattern| {
                // It stands for no folder at all, too.
                let short = pattern.strip_prefix("**/").is_some_and(|rest| glob::matches(rest, path));
                short || glob::matches(pattern, path)
            }),
            Discover::Never | Discover::Command => false,
        }
    }
}

fn discover(said: Discovery) -> Discover {
    let patterns = [said.file_name, said.find.glob].into_iter().filter(|pattern| !pattern.is_empty());
    let patterns: Vec<String> =
        patterns.map(|pattern| pattern.strip_prefix("./").unwrap_or(&pattern).to_owned()).collect();
    match (patterns.is_empty(), said.find.command.is_empty() && said.find.args.is_empty()) {
        (false, _) => Discover::Files(patterns),
        (true, true) => Discover::Never,
        (true, false) => Discover::Command,
    }
}

/// The one of some plugins that is called so.
///
/// # Errors
/// That there is none, and which there are.
pub fn named<'a>(plugins: &'a [Plugin], name: &str) -> Result<&'a Plugin, String> {
    plugins.iter().find(|plugin| plugin.name == name).ok_or_else(|| {
        let known: Vec<&str> = plugins.iter().map(|plugin| plugin.name.as_str()).collect();
        let known =
            if known.is_empty() { "there is none".to_owned() } else { format!("there are {}", known.join(", ")) };
        format!("spec.source.plugin.name: there is no plugin {name:?}; {known}")
    })
}

/// The variables that an Application gives to a plugin: `ARGOCD_ENV_NAME` for each of its own, and `PARAM_NAME` for its parameters.
///
/// # Errors
/// What cannot be given so.
pub fn variables(said: &SourcePlugin) -> Result<Vec<(String, String)>, String> {
    let mut variables = Vec::new();
    for variable in &said.env {
        if !is_variable(&variable.name) {
            return Err(format!("spec.source.plugin.env: {:?} is no name of a variable", variable.name));
        }
        variables.push((format!("ARGOCD_ENV_{}", variable.name), variable.value.clone()));
    }
    for parameter in &said.parameters {
        let wrong = |why: &str| format!("spec.source.plugin.parameters: {}: {why}", parameter["name"]);
        let name = parameter["name"].as_str().filter(|name| !name.is_empty()).ok_or_else(|| wrong("it has no name"))?;
        let name = format!("PARAM_{}", upper(name));
        let text = |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| wrong("a value is no text"));
        if let Some(value) = parameter.get("string").filter(|value| !value.is_null()) {
            variables.push((name.clone(), text(value)?));
        }
        for (index, value) in parameter["array"].as_array().into_iter().flatten().enumerate() {
            variables.push((format!("{name}_{index}"), text(value)?));
        }
        for (key, value) in parameter["map"].as_object().into_iter().flatten() {
            variables.push((format!("{name}_{}", upper(key)), text(value)?));
        }
    }
    if variables.iter().any(|(_, value)| value.contains('\0')) {
        return Err("spec.source.plugin: a value has a zero byte in it, which no variable can".to_owned());
    }
    variables.push(("ARGOCD_APP_PARAMETERS".to_owned(), json!(said.parameters).to_string()));
    Ok(variables)
}

fn upper(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' }).collect()
}

fn is_variable(name: &str) -> bool {
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(annotations: &Value, spec: &Value) -> Result<Plugin, String> {
        Plugin::read(&json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "ConfigManagementPlugin",
            "metadata": { "name": "fill", "annotations": annotations }, "spec": spec,
        }))
    }

    #[test]
    fn a_file_describes_a_plugin() {
        let spec = json!({
            "version": "v1.0", "init": { "command": ["sh", "-c"], "args": ["true"] },
            "generate": { "command": ["fill"], "args": ["--all", "."] },
            "discover": { "fileName": "./fill.yaml", "find": { "glob": "**/*.fill" } },
            "lockRepo": true, "parameters": { "static": [] }, "preserveFileMode": true,
        });
        let plugin = read(&json!({ ENVIRONMENT: "VAULT_ADDR, VAULT_TOKEN" }), &spec).expect("a plugin");
        assert_eq!(plugin.name, "fill-v1.0");
        assert_eq!(plugin.init, Some(["sh", "-c", "true"].map(str::to_owned).to_vec()));
        assert_eq!(plugin.generate, ["fill", "--all", "."]);
        assert_eq!(plugin.environment, ["VAULT_ADDR", "VAULT_TOKEN"]);
        assert_eq!((plugin.unsupported.as_slice(), plugin.asks_for_commit), (&["spec.preserveFileMode"][..], false));
        for (path, is_found) in
            [("fill.yaml", true), ("sub/fill.yaml", false), ("a.fill", true), ("sub/a.fill", true), ("a.yaml", false)]
        {
            assert_eq!(plugin.is_found_by(path), is_found, "{path}");
        }
        let spec = json!({ "generate": { "command": ["sh", "-c", "echo $ARGOCD_APP_REVISION_SHORT"] } });
        let plugin = read(&json!({}), &spec).expect("a plugin");
        assert_eq!((plugin.name.as_str(), plugin.asks_for_commit, plugin.discover), ("fill", true, Discover::Never));
        let spec = json!({ "generate": { "command": ["x"] }, "discover": { "find": { "command": ["y"] } } });
        assert_eq!(read(&json!({}), &spec).expect("a plugin").discover, Discover::Command);
    }

    #[test]
    fn what_is_none_is_refused() {
        for (annotations, spec) in [
            (json!({}), json!({})),
            (json!({}), json!({ "generate": {} })),
            (json!({}), json!({ "generate": { "command": ["x"] }, "init": {} })),
            (json!({}), json!({ "generate": { "command": ["x"] }, "generat": {} })),
            (json!({ ENVIRONMENT: "A=B" }), json!({ "generate": { "command": ["x"] } })),
        ] {
            assert!(read(&annotations, &spec).is_err(), "{spec}");
        }
        assert!(Plugin::read(&json!({ "kind": "ConfigMap" })).is_err());
        let none = named(&[], "fill").expect_err("there is none");
        assert_eq!(none, "spec.source.plugin.name: there is no plugin \"fill\"; there is none");
    }

    #[test]
    fn an_application_gives_variables_and_parameters() {
        let parameters = json!([
            { "name": "image-tag", "string": "v1" },
            { "name": "files", "array": ["a", "b"] },
            { "name": "labels", "map": { "a.b": "c" } },
        ]);
        let said = json!({ "env": [{ "name": "COLOR", "value": "blue" }], "parameters": parameters });
        let said: SourcePlugin = serde_json::from_value(said).expect("a plugin");
        let given = variables(&said).expect("variables");
        let given: Vec<(&str, &str)> = given.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(
            given,
            [
                ("ARGOCD_ENV_COLOR", "blue"),
                ("PARAM_IMAGE_TAG", "v1"),
                ("PARAM_FILES_0", "a"),
                ("PARAM_FILES_1", "b"),
                ("PARAM_LABELS_A_B", "c"),
                ("ARGOCD_APP_PARAMETERS", parameters.to_string().as_str()),
            ]
        );
        for said in [
            json!({ "env": [{ "name": "A=B", "value": "" }] }),
            json!({ "env": [{ "name": "A", "value": "\0" }] }),
            json!({ "parameters": [{ "string": "a" }] }),
            json!({ "parameters": [{ "name": "a", "string": 1 }] }),
        ] {
            assert!(variables(&serde_json::from_value(said.clone()).expect("a plugin")).is_err(), "{said}");
        }
    }
}
