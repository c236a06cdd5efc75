//! A new Application: what a file says, and over it what the flags say.

use serde_json::{Value, json};
use sluice_core::api::Application;

use super::flags::{Policy, Said, overlay};
use super::upsert::without_nulls;

/// The finalizer for which objects go with their Application.
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
/// What the API server gives to an object, and does not take.
const GIVEN: [&str; 6] = ["resourceVersion", "uid", "generation", "creationTimestamp", "managedFields", "selfLink"];

/// The Application, or what is wrong with it.
pub fn application(name: Option<&str>, file: Option<Value>, said: &Said) -> Result<Value, String> {
    let mut wanted = match file {
        Some(file) => of_file(file)?,
        None => json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {}, "spec": {}}),
    };
    let over = overlay(said);
    if over["spec"]["source"].is_object() && wanted["spec"]["sources"].as_array().is_some_and(|all| !all.is_empty()) {
        return Err("the flags about a source are for one, and the file has several in spec.sources".to_owned());
    }
    if let Some(flag) = idle_flag(said, &wanted["spec"]["syncPolicy"]["automated"]) {
        return Err(format!("{flag} means nothing without --sync-policy automated"));
    }
    json_patch::merge(&mut wanted, &over);
    if wanted["spec"]["syncPolicy"] == json!({}) {
        json_patch::merge(&mut wanted, &json!({"spec": {"syncPolicy": null}}));
    }
    if wanted["spec"]["project"].as_str().is_none_or(str::is_empty) {
        wanted["spec"]["project"] = json!("default");
    }
    if said.takes_along && !takes_along(&wanted) {
        let mut finalizers = wanted["metadata"]["finalizers"].as_array().cloned().unwrap_or_default();
        finalizers.push(json!(FINALIZER));
        wanted["metadata"]["finalizers"] = json!(finalizers);
    }
    match (name, wanted["metadata"]["name"].as_str()) {
        (Some(name), Some(other)) if name != other => {
            return Err(format!("the name {name} was given, and the file says {other}"));
        }
        (Some(name), _) => wanted["metadata"]["name"] = json!(name),
        (None, Some(_)) => {}
        (None, None) => return Err("it has no name: give one, or say it in metadata.name".to_owned()),
    }
    check(&wanted)?;
    Ok(wanted)
}

fn of_file(mut file: Value) -> Result<Value, String> {
    let (version, kind) = (file["apiVersion"].as_str(), file["kind"].as_str());
    if (version, kind) != (Some("argoproj.io/v1alpha1"), Some("Application")) {
        let said = format!("{} {}", version.unwrap_or("no apiVersion"), kind.unwrap_or("no kind"));
        return Err(format!("it is {said}, not argoproj.io/v1alpha1 Application"));
    }
    if !file["metadata"].is_object() || !file["spec"].is_object() {
        return Err("it needs metadata and spec".to_owned());
    }
    if let Some(all) = file.as_object_mut() {
        all.remove("status");
    }
    if let Some(metadata) = file["metadata"].as_object_mut() {
        metadata.retain(|field, _| !GIVEN.contains(&field.as_str()));
    }
    Ok(without_nulls(file))
}

/// A flag about syncs that do not happen by themselves.
fn idle_flag(said: &Said, before: &Value) -> Option<&'static str> {
    let is_automatic = said.policy.map_or(before.is_object(), |policy| policy == Policy::Automated);
    let (field, _) = said.automated.iter().find(|(_, is_set)| *is_set && !is_automatic)?;
    Some(match *field {
        "prune" => "--auto-prune",
        "selfHeal" => "--self-heal",
        _ => "--allow-empty",
    })
}

/// What would only be found out later.
fn check(wanted: &Value) -> Result<(), String> {
    let spec = &wanted["spec"];
    let is_empty = |value: &Value| value.as_str().is_none_or(str::is_empty);
    let several = spec["sources"].as_array().map(Vec::as_slice).filter(|all| !all.is_empty());
    let sources = several.unwrap_or_else(|| std::slice::from_ref(&spec["source"]));
    for source in sources.iter().filter(|_| spec["sourceHydrator"].is_null()) {
        if is_empty(&source["repoURL"]) {
            return Err("it has no repository: give one with --repo".to_owned());
        }
        if ["path", "chart", "ref"].iter().all(|field| is_empty(&source[*field])) {
            return Err("it has neither a folder nor a chart: give --path or --helm-chart".to_owned());
        }
    }
    match (is_empty(&spec["destination"]["server"]), is_empty(&spec["destination"]["name"])) {
        (true, true) => return Err("it has no destination: give --dest-server or --dest-name".to_owned()),
        (false, false) => {
            return Err("a server and a name are given as its destination; one is enough".to_owned());
        }
        _ => {}
    }
    serde_json::from_value::<Application>(wanted.clone()).map(|_| ()).map_err(|error| error.to_string())
}

fn takes_along(application: &Value) -> bool {
    let finalizers = application["metadata"]["finalizers"].as_array().into_iter().flatten();
    finalizers.filter_map(Value::as_str).any(|name| name.starts_with(FINALIZER))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn usual() -> Said {
        Said {
            repo: Some("https://git.example.com/colors.git".into()),
            path: Some("deploy".into()),
            server: Some("https://kubernetes.default.svc".into()),
            ..Said::default()
        }
    }

    fn file() -> Value {
        json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": "colors", "uid": "u", "resourceVersion": "7", "finalizers": ["example.com/held"]},
            "spec": {
                "source": {"repoURL": "https://git.example.com/colors.git", "path": "deploy", "gizmo": 1},
                "destination": {"server": "https://kubernetes.default.svc"},
                "syncPolicy": {"automated": {"selfHeal": true}},
            },
            "status": {"health": {"status": "Healthy"}},
        })
    }

    #[test]
    fn flags_alone_make_an_application() {
        let made = application(Some("colors"), None, &usual()).expect("an Application");
        let source = json!({"repoURL": "https://git.example.com/colors.git", "path": "deploy"});
        let destination = json!({"server": "https://kubernetes.default.svc"});
        let spec = json!({"project": "default", "source": source, "destination": destination});
        let expected = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application", "metadata": {"name": "colors"}, "spec": spec,
        });
        assert_eq!(made, expected);
    }

    #[test]
    fn each_flag_has_its_field() {
        let flags = |change: fn(&mut Said)| {
            let mut said = usual();
            change(&mut said);
            application(Some("colors"), None, &said).expect("an Application")
        };
        let automated = [("prune", true), ("selfHeal", false), ("allowEmpty", true)];
        let made = flags(|said| {
            said.revision = Some("v2".into());
            said.namespace = Some("colors".into());
            said.project = Some("shop".into());
            said.options = vec!["CreateNamespace=true".to_owned()];
            said.labels = words(&[("team", "a")]);
            said.annotations = words(&[("sluice.dev/preempt", "never")]);
            said.takes_along = true;
            said.recurse = true;
        });
        assert_eq!(made["spec"]["source"]["targetRevision"], "v2");
        assert_eq!(made["spec"]["destination"]["namespace"], "colors");
        assert_eq!(made["spec"]["project"], "shop");
        assert_eq!(made["spec"]["syncPolicy"], json!({"syncOptions": ["CreateNamespace=true"]}));
        assert_eq!(made["spec"]["source"]["directory"], json!({"recurse": true}));
        let metadata = json!({
            "name": "colors", "labels": {"team": "a"}, "annotations": {"sluice.dev/preempt": "never"},
            "finalizers": [FINALIZER],
        });
        assert_eq!(made["metadata"], metadata);
        let mut said = usual();
        (said.policy, said.automated) = (Some(Policy::Automated), automated);
        let made = application(Some("colors"), None, &said).expect("an Application");
        assert_eq!(made["spec"]["syncPolicy"], json!({"automated": {"prune": true, "allowEmpty": true}}));
        let made = flags(|said| {
            (said.path, said.chart, said.release_name) = (None, Some("web".into()), Some("blue".into()));
            said.values = vec!["a.yaml".to_owned(), "b.yaml".to_owned()];
            said.parameters = words(&[("image.tag", "v2"), ("text", "a=b")]);
            (said.server, said.cluster) = (None, Some("in-cluster".into()));
        });
        assert_eq!(made["spec"]["source"]["chart"], "web");
        let helm = json!({
            "releaseName": "blue", "valueFiles": ["a.yaml", "b.yaml"],
            "parameters": [{"name": "image.tag", "value": "v2"}, {"name": "text", "value": "a=b"}],
        });
        assert_eq!(made["spec"]["source"]["helm"], helm);
        assert_eq!(made["spec"]["destination"], json!({"name": "in-cluster"}));
        let made = flags(|said| said.images = vec!["web=web:2".to_owned()]);
        assert_eq!(made["spec"]["source"]["kustomize"], json!({"images": ["web=web:2"]}));
    }

    #[test]
    fn flags_go_over_a_file_which_keeps_what_is_not_known_here() {
        let said = Said {
            revision: Some("v2".into()),
            cluster: Some("in-cluster".into()),
            automated: [("prune", true), ("selfHeal", false), ("allowEmpty", false)],
            takes_along: true,
            ..Said::default()
        };
        let made = application(None, Some(file()), &said).expect("an Application");
        let metadata = json!({"name": "colors", "finalizers": ["example.com/held", FINALIZER]});
        assert_eq!((&made["metadata"], &made["status"]), (&metadata, &Value::Null));
        let source = json!({
            "repoURL": "https://git.example.com/colors.git", "path": "deploy", "gizmo": 1, "targetRevision": "v2",
        });
        assert_eq!(made["spec"]["source"], source);
        assert_eq!(made["spec"]["destination"], json!({"name": "in-cluster"}));
        assert_eq!(made["spec"]["syncPolicy"], json!({"automated": {"selfHeal": true, "prune": true}}));
        let by_hand = Said { policy: Some(Policy::None), ..Said::default() };
        let made = application(None, Some(file()), &by_hand).expect("an Application");
        assert_eq!(made["spec"]["syncPolicy"], Value::Null);
    }

    #[test]
    fn what_cannot_be_right_is_refused_with_the_flag_that_mends_it() {
        let prunes = [("prune", true), ("selfHeal", false), ("allowEmpty", false)];
        let mut several = file();
        several["spec"]["sources"] = json!([{"repoURL": "a", "path": "b"}]);
        let mut nobody = file();
        nobody["metadata"]["name"] = Value::Null;
        let revision = Said { revision: Some("v2".into()), ..Said::default() };
        for (name, file, said, why) in [
            (None, None, usual(), "it has no name"),
            (Some("web"), Some(file()), Said::default(), "the name web was given, and the file says colors"),
            (None, Some(nobody), Said::default(), "it has no name"),
            (Some("web"), None, Said { repo: None, ..usual() }, "give one with --repo"),
            (Some("web"), None, Said::default(), "give one with --repo"),
            (Some("web"), None, Said { path: None, ..usual() }, "give --path or --helm-chart"),
            (Some("web"), None, Said { server: None, ..usual() }, "give --dest-server or --dest-name"),
            (Some("web"), None, Said { cluster: Some("other".into()), ..usual() }, "one is enough"),
            (Some("web"), None, Said { automated: prunes, ..usual() }, "--auto-prune means nothing without"),
            (None, Some(json!({"kind": "Rollout"})), Said::default(), "it is no apiVersion Rollout, not"),
            (None, Some(json!({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application"})), usual(), "it needs"),
            (None, Some(several), revision, "the flags about a source are for one"),
        ] {
            let refused = application(name, file, &said).expect_err(why);
            assert!(refused.contains(why), "{refused}");
        }
    }
}
