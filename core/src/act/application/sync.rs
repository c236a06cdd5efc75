//! A sync: the operation that is written for what somebody asks for.

use crate::api::{
    Application, Backoff, Info, InitiatedBy, Operation, Retry, SyncOperation, SyncStrategy, SyncStrategyForce,
};

use crate::gitops::unsupported::{SENT, bytes_sent};

use super::selection::{Selection, resources};

/// With hooks or without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Without hooks.
    Apply,
    /// With hooks.
    #[default]
    Hook,
}

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// Another revision than the Application's.
    pub revision: Option<String>,
    /// That objects go that Git does not have any more.
    pub prune: bool,
    /// That nothing is changed.
    pub dry_run: bool,
    /// The objects, if not all.
    pub resources: Vec<Selection>,
    /// With hooks or without.
    pub strategy: Strategy,
    /// That objects which cannot be changed are deleted and made again.
    pub force: bool,
    /// Options beside those of the Application, and over them.
    pub options: Vec<String>,
    /// What becomes of it if it fails, if not what the Application says.
    pub retry: Option<Retry>,
    /// Something to show.
    pub info: Vec<Info>,
    /// Manifests instead of those of Git.
    pub manifests: Vec<String>,
}

/// The operation, or why there is none.
pub fn operation(wish: &Wish, application: &Application, user: &str) -> Result<Operation, String> {
    let revision = wish.revision.clone().unwrap_or_default();
    check_revision(wish, application)?;
    check_manifests(wish, application)?;
    let policy = application.spec.sync_policy.clone().unwrap_or_default();
    let force = Some(SyncStrategyForce { force: wish.force });
    let strategy = match wish.strategy {
        Strategy::Apply => SyncStrategy { apply: force, hook: None },
        Strategy::Hook => SyncStrategy { apply: None, hook: force },
    };
    let sync = SyncOperation {
        revision,
        prune: wish.prune,
        dry_run: wish.dry_run,
        sync_strategy: Some(strategy),
        resources: if wish.resources.is_empty() { Vec::new() } else { resources(&wish.resources, application)? },
        sync_options: options(&wish.options, &policy.sync_options),
        manifests: wish.manifests.clone(),
        ..SyncOperation::default()
    };
    Ok(Operation {
        sync: Some(sync),
        initiated_by: initiated_by(user),
        info: wish.info.clone(),
        retry: wish.retry.clone().or(policy.retry),
    })
}

/// Who asks, as far as that is known.
pub fn initiated_by(user: &str) -> Option<InitiatedBy> {
    (!user.is_empty()).then(|| InitiatedBy { username: user.to_owned(), automated: false })
}

/// Another revision would not stay where an Application goes back to its own by itself.
fn check_revision(wish: &Wish, application: &Application) -> Result<(), String> {
    let Some(revision) = &wish.revision else { return Ok(()) };
    let spec = &application.spec;
    if spec.has_several() {
        return Err(format!("--revision is for one source, and it has {}", spec.sources.len()));
    }
    let is_automatic = spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    let own = spec.source.as_ref().map_or("", |source| &source.target_revision);
    let own = if own.is_empty() { "HEAD" } else { own };
    if is_automatic && !wish.dry_run && revision != own {
        return Err(format!("cannot sync to {revision}: auto-sync currently set to {own}"));
    }
    Ok(())
}

/// What was sent would not stay where an Application goes back to Git by itself; and the controller takes only so much.
fn check_manifests(wish: &Wish, application: &Application) -> Result<(), String> {
    let is_automatic = application.spec.sync_policy.as_ref().is_some_and(|policy| policy.automatic().is_some());
    if is_automatic && !wish.manifests.is_empty() && !wish.dry_run {
        return Err("Cannot use local sync when Automatic Sync Policy is enabled".to_owned());
    }
    let bytes = bytes_sent(&wish.manifests);
    if bytes > SENT {
        return Err(format!("the manifests have {bytes} bytes, and {SENT} can be sent: commit them instead"));
    }
    Ok(())
}

/// The options of a sync: those that are given, then those of the Application that say nothing of the same.
fn options(given: &[String], own: &[String]) -> Vec<String> {
    let name = |option: &str| option.split('=').next().unwrap_or_default().to_owned();
    let is_said = |option: &&String| given.iter().any(|given| name(given) == name(option));
    given.iter().chain(own.iter().filter(|option| !is_said(option))).cloned().collect()
}

/// What becomes of a sync that fails: none, where it is not to be tried again.
pub fn retry(limit: i64, backoff: Backoff, refresh: bool) -> Option<Retry> {
    (limit != 0).then_some(Retry { limit, backoff: Some(backoff), refresh })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::info::application::sample::application;

    fn built(wish: &Wish, changes: &Value) -> Result<Value, String> {
        operation(wish, &application(changes), "jane").map(|operation| serde_json::to_value(operation).expect("JSON"))
    }

    #[test]
    fn a_wish_becomes_an_operation() {
        let none = json!({});
        let hook = json!({"hook": {}});
        for (wish, sync) in [
            (Wish::default(), json!({"syncStrategy": hook})),
            (
                Wish { prune: true, dry_run: true, ..Wish::default() },
                json!({"syncStrategy": hook, "prune": true, "dryRun": true}),
            ),
            (
                Wish { revision: Some("v2".to_owned()), ..Wish::default() },
                json!({"syncStrategy": hook, "revision": "v2"}),
            ),
            (
                Wish { strategy: Strategy::Apply, force: true, ..Wish::default() },
                json!({"syncStrategy": {"apply": {"force": true}}}),
            ),
            (
                Wish { resources: vec!["apps:Deployment:a/web".parse().expect("one")], ..Wish::default() },
                json!({
                    "syncStrategy": hook,
                    "resources": [{"group": "apps", "kind": "Deployment", "namespace": "a", "name": "web"}],
                }),
            ),
        ] {
            let expected = json!({"initiatedBy": {"username": "jane"}, "sync": sync});
            assert_eq!(built(&wish, &none), Ok(expected), "{wish:?}");
        }
    }

    #[test]
    fn what_is_not_said_is_as_the_application_has_it() {
        let own = json!({"spec": {"syncPolicy": {
            "syncOptions": ["CreateNamespace=true", "Replace=false"], "retry": {"limit": 3},
        }}});
        let plain = built(&Wish::default(), &own).expect("an operation");
        assert_eq!(plain["sync"]["syncOptions"], json!(["CreateNamespace=true", "Replace=false"]));
        assert_eq!(plain["retry"], json!({"limit": 3}));
        let backoff = Backoff { duration: "1s".to_owned(), factor: Some(3), max_duration: "1m".to_owned() };
        let info = vec![Info { name: "why".to_owned(), value: "because".to_owned() }];
        let wish =
            Wish { options: vec!["Replace=true".to_owned()], retry: retry(-1, backoff, true), info, ..Wish::default() };
        let said = built(&wish, &own).expect("an operation");
        assert_eq!(said["sync"]["syncOptions"], json!(["Replace=true", "CreateNamespace=true"]));
        let backoff = json!({"duration": "1s", "factor": 3, "maxDuration": "1m"});
        assert_eq!(said["retry"], json!({"limit": -1, "backoff": backoff, "refresh": true}));
        assert_eq!(said["info"], json!([{"name": "why", "value": "because"}]));
        assert_eq!(retry(0, Backoff::default(), true), None);
    }

    #[test]
    fn another_revision_is_refused_where_it_would_not_stay() {
        let automated = json!({"spec": {"syncPolicy": {"automated": {}}}});
        let off = json!({"spec": {"syncPolicy": {"automated": {"enabled": false}}}});
        let several = json!({"spec": {"sources": [{"repoURL": "a"}, {"repoURL": "b"}]}});
        let wish = |revision: &str| Wish { revision: Some(revision.to_owned()), ..Wish::default() };
        assert_eq!(
            built(&wish("v2"), &automated),
            Err("cannot sync to v2: auto-sync currently set to main".to_owned())
        );
        assert!(built(&wish("main"), &automated).is_ok());
        assert!(built(&wish("v2"), &off).is_ok());
        assert!(built(&Wish { dry_run: true, ..wish("v2") }, &automated).is_ok());
        assert_eq!(built(&wish("v2"), &several), Err("--revision is for one source, and it has 2".to_owned()));
    }

    #[test]
    fn who_asks_is_left_out_where_nobody_knows() {
        let operation = operation(&Wish::default(), &application(&json!({})), "").expect("an operation");
        assert_eq!(operation.initiated_by, None);
    }
}
