//! What objects say of how they are synced, by annotations: hooks, waves and options. Names and meanings are Argo CD's; where it says
//! nothing, Helm's hooks count.

use serde_json::Value;

const HOOK: &str = "argocd.argoproj.io/hook";
const HOOK_DELETE: &str = "argocd.argoproj.io/hook-delete-policy";
const WAVE: &str = "argocd.argoproj.io/sync-wave";
const OPTIONS: &str = "argocd.argoproj.io/sync-options";
const COMPARE: &str = "argocd.argoproj.io/compare-options";
const HELM_HOOK: &str = "helm.sh/hook";
const HELM_HOOK_DELETE: &str = "helm.sh/hook-delete-policy";
const HELM_WEIGHT: &str = "helm.sh/hook-weight";

/// When something runs, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Before anything is applied.
    PreSync,
    /// With everything else.
    Sync,
    /// When everything is healthy.
    PostSync,
    /// When a sync has failed.
    SyncFail,
    /// Before an Application's objects go with it.
    PreDelete,
    /// After they have gone.
    PostDelete,
}

impl Phase {
    /// Its name in annotations and in the status.
    pub fn name(self) -> &'static str {
        match self {
            Phase::PreSync => "PreSync",
            Phase::Sync => "Sync",
            Phase::PostSync => "PostSync",
            Phase::SyncFail => "SyncFail",
            Phase::PreDelete => "PreDelete",
            Phase::PostDelete => "PostDelete",
        }
    }

    /// The phase of a name.
    pub fn read(name: &str) -> Option<Phase> {
        use Phase::{PostDelete, PostSync, PreDelete, PreSync, Sync, SyncFail};
        [PreSync, Sync, PostSync, SyncFail, PreDelete, PostDelete].into_iter().find(|phase| phase.name() == name)
    }

    fn of_helm(name: &str) -> Option<Phase> {
        Some(match name {
            "pre-install" | "pre-upgrade" => Phase::PreSync,
            "post-install" | "post-upgrade" => Phase::PostSync,
            "pre-delete" => Phase::PreDelete,
            "post-delete" => Phase::PostDelete,
            _ => return None,
        })
    }
}

/// What an object is to a sync.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A part of what the Application is made of.
    Member,
    /// Something that runs in these phases, and is no part of it. In none, if none of its names is known: Helm's tests are such.
    Hook(Vec<Phase>),
    /// Nothing: it is left alone.
    Skipped,
}

/// What an object is to a sync.
pub fn role(object: &Value) -> Role {
    let phases = |names: &str, read: fn(&str) -> Option<Phase>| {
        let mut phases: Vec<Phase> = split(names).filter_map(read).collect();
        phases.sort();
        phases.dedup();
        Role::Hook(phases)
    };
    match (annotation(object, HOOK), annotation(object, HELM_HOOK)) {
        (Some(names), _) if split(names).any(|name| name == "Skip") => Role::Skipped,
        (Some(names), _) => phases(names, Phase::read),
        // Of another time: definitions of kinds that come first, which they do anyway.
        (None, None | Some("crd-install")) => Role::Member,
        (None, Some(names)) => phases(names, Phase::of_helm),
    }
}

/// The phases in which an object runs; none where it is no hook.
pub fn phases(object: &Value) -> Vec<Phase> {
    match role(object) {
        Role::Hook(phases) => phases,
        Role::Member | Role::Skipped => Vec::new(),
    }
}

/// When a hook's object goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeletePolicy {
    /// Before it runs the next time.
    BeforeHookCreation,
    /// When it has succeeded.
    HookSucceeded,
    /// When it has failed.
    HookFailed,
}

/// When a hook's object goes: before it runs again, where nothing is said.
pub fn delete_policies(object: &Value) -> Vec<DeletePolicy> {
    use DeletePolicy::{BeforeHookCreation, HookFailed, HookSucceeded};
    let names = annotation(object, HOOK_DELETE).or_else(|| annotation(object, HELM_HOOK_DELETE)).unwrap_or_default();
    let policies: Vec<DeletePolicy> = split(names)
        .filter_map(|name| match name {
            "BeforeHookCreation" | "before-hook-creation" => Some(BeforeHookCreation),
            "HookSucceeded" | "hook-succeeded" => Some(HookSucceeded),
            "HookFailed" | "hook-failed" => Some(HookFailed),
            _ => None,
        })
        .collect();
    if policies.is_empty() { vec![BeforeHookCreation] } else { policies }
}

/// In which wave of its phase an object is applied: 0 where nothing is said, or nothing that is a number.
pub fn wave(object: &Value) -> i64 {
    read_wave(object).unwrap_or_default()
}

fn read_wave(object: &Value) -> Result<i64, String> {
    let Some((name, text)) =
        [WAVE, HELM_WEIGHT].into_iter().find_map(|name| Some((name, annotation(object, name)?.trim())))
    else {
        return Ok(0);
    };
    text.parse::<i32>().map(i64::from).map_err(|_| format!("{name} is {text:?}, which is no whole number"))
}

/// What an object says to an option such as `Prune`, or else the Application.
pub fn option<'a>(object: &'a Value, application: &'a [String], name: &str) -> Option<&'a str> {
    let value = |option: &'a str| option.split_once('=').filter(|(known, _)| known.trim() == name).map(|(_, it)| it);
    let own = split(annotation(object, OPTIONS).unwrap_or_default()).find_map(value);
    own.or_else(|| application.iter().find_map(|option| value(option)))
}

/// Whether an object, or else the Application, says `true` to an option.
pub fn has(object: &Value, application: &[String], name: &str) -> bool {
    option(object, application, name) == Some("true")
}

/// Whether an object that Git does not have makes no difference.
pub fn is_extraneous(object: &Value) -> bool {
    split(annotation(object, COMPARE).unwrap_or_default()).any(|option| option == "IgnoreExtraneous")
}

/// The options that are acted on, or that ask for what is done anyway, and what may be said to them. `Validate=false` and
/// `ServerSideApply=false` ask the client not to do what only the API server does here.
const KNOWN: [(&str, &[&str]); 14] = [
    ("Prune", &["true", "false", "confirm"]),
    ("Delete", &["true", "false", "confirm"]),
    ("PruneLast", &["true", "false"]),
    ("PrunePropagationPolicy", &["foreground", "background", "orphan"]),
    ("Replace", &["true", "false"]),
    ("Force", &["true", "false"]),
    ("Validate", &["true", "false"]),
    ("ServerSideApply", &["true", "false"]),
    ("ClientSideApplyMigration", &["true", "false"]),
    ("ApplyOutOfSyncOnly", &["true", "false"]),
    ("SkipDryRunOnMissingResource", &["true", "false"]),
    ("RespectIgnoreDifferences", &["true", "false"]),
    ("CreateNamespace", &["true", "false"]),
    ("FailOnSharedResource", &["true", "false"]),
];

/// Whether an option is known, and what is said to it.
pub fn is_known(option: &str) -> bool {
    let Some((name, value)) = option.split_once('=') else { return false };
    KNOWN.iter().any(|(known, values)| *known == name.trim() && values.contains(&value))
}

/// What an object says that cannot be read, or is not acted on yet.
pub fn problems(object: &Value) -> Vec<String> {
    let options = split(annotation(object, OPTIONS).unwrap_or_default());
    let mut problems: Vec<String> = options
        .filter(|option| !is_known(option))
        .map(|option| format!("the sync option {option} is not supported yet"))
        .collect();
    problems.extend(read_wave(object).err());
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    match role(object) {
        Role::Member if name.is_empty() => {
            problems.push("metadata.generateName is for hooks alone: what is compared needs a name".to_owned());
        }
        Role::Member | Role::Hook(_) | Role::Skipped => {}
    }
    problems
}

fn annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["metadata"]["annotations"][name].as_str().filter(|text| !text.trim().is_empty())
}

fn split(list: &str) -> impl Iterator<Item = &str> {
    list.split(',').map(str::trim).filter(|item| !item.is_empty())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn with(annotations: &Value) -> Value {
        json!({ "kind": "Job", "metadata": { "name": "it", "annotations": annotations } })
    }

    #[test]
    fn hooks_are_named_as_argo_cd_and_helm_name_them() {
        use Phase::{PostSync, PreDelete, PreSync, Sync, SyncFail};
        for (annotations, expected) in [
            (json!({}), Role::Member),
            (json!({ HOOK: "" }), Role::Member),
            (json!({ HOOK: "PreSync" }), Role::Hook(vec![PreSync])),
            (json!({ HOOK: "PostSync, Sync,PostSync" }), Role::Hook(vec![Sync, PostSync])),
            (json!({ HOOK: "Skip" }), Role::Skipped),
            (json!({ HOOK: "Whenever" }), Role::Hook(vec![])),
            (json!({ HOOK: "SyncFail", HELM_HOOK: "pre-install" }), Role::Hook(vec![SyncFail])),
            (json!({ HELM_HOOK: "pre-install,pre-upgrade" }), Role::Hook(vec![PreSync])),
            (json!({ HELM_HOOK: "post-upgrade, pre-delete" }), Role::Hook(vec![PostSync, PreDelete])),
            (json!({ HELM_HOOK: "test" }), Role::Hook(vec![])),
            (json!({ HELM_HOOK: "crd-install" }), Role::Member),
        ] {
            assert_eq!(role(&with(&annotations)), expected, "{annotations}");
        }
    }

    #[test]
    fn a_hook_goes_before_it_runs_again_unless_it_says_otherwise() {
        use DeletePolicy::{BeforeHookCreation, HookFailed, HookSucceeded};
        for (annotations, expected) in [
            (json!({}), vec![BeforeHookCreation]),
            (json!({ HOOK_DELETE: "HookSucceeded" }), vec![HookSucceeded]),
            (json!({ HOOK_DELETE: "HookSucceeded,HookFailed" }), vec![HookSucceeded, HookFailed]),
            (json!({ HELM_HOOK_DELETE: "before-hook-creation,hook-failed" }), vec![BeforeHookCreation, HookFailed]),
            (json!({ HOOK_DELETE: "Never" }), vec![BeforeHookCreation]),
        ] {
            assert_eq!(delete_policies(&with(&annotations)), expected, "{annotations}");
        }
    }

    #[test]
    fn waves_are_whole_numbers() {
        for (annotations, expected) in [
            (json!({}), Ok(0)),
            (json!({ WAVE: "-3" }), Ok(-3)),
            (json!({ WAVE: " 2 " }), Ok(2)),
            (json!({ HELM_WEIGHT: "5" }), Ok(5)),
            (json!({ WAVE: "1", HELM_WEIGHT: "5" }), Ok(1)),
            (json!({ WAVE: "first" }), Err("argocd.argoproj.io/sync-wave is \"first\", which is no whole number")),
        ] {
            assert_eq!(read_wave(&with(&annotations)), expected.map_err(str::to_owned), "{annotations}");
        }
    }

    #[test]
    fn an_object_says_more_than_its_application() {
        let application = ["Prune=false".to_owned(), "Replace=true".to_owned()];
        let object = with(&json!({ OPTIONS: "Prune=confirm, Force=true" }));
        let says = |name| option(&object, &application, name);
        assert_eq!((says("Prune"), says("Replace"), says("Force")), (Some("confirm"), Some("true"), Some("true")));
        assert_eq!(option(&object, &[], "Replace"), None);
        assert!(has(&object, &application, "Replace") && !has(&object, &application, "Prune"));
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (annotations, expected) in [
            (json!({ OPTIONS: "Prune=false,Replace=true" }), ""),
            (json!({ OPTIONS: "Prune=perhaps" }), "the sync option Prune=perhaps is not supported yet"),
            (json!({ OPTIONS: "Quickly" }), "the sync option Quickly is not supported yet"),
            (json!({ WAVE: "1.5" }), "argocd.argoproj.io/sync-wave is \"1.5\", which is no whole number"),
        ] {
            assert_eq!(problems(&with(&annotations)).join("; "), expected, "{annotations}");
        }
        let nameless = json!({ "kind": "Job", "metadata": { "generateName": "it-" } });
        assert_eq!(problems(&nameless).len(), 1);
    }
}
