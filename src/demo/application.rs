//! The demo's Application: where it finds its manifests, how it is shown, and what is checked of it.

use std::path::Path;

use kube::api::DynamicObject;
use serde_json::json;
use sluice_core::api::Application;

use super::repository::{BRANCH, Commit};
use super::stage::{NAME, NAMESPACE};
use crate::trial::HOME;

/// The annotation that asks for a look at Git and at the cluster.
pub const REFRESH: &str = "argocd.argoproj.io/refresh";

/// The Application of a repository: what is in Git comes, what is not goes, and what is changed by hand is put back.
pub fn manifest(repository: &Path) -> serde_json::Result<DynamicObject> {
    serde_json::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": { "name": NAME, "namespace": HOME },
        "spec": {
            "project": "default",
            "source": { "repoURL": format!("file://{}", repository.display()), "path": ".", "targetRevision": BRANCH },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": NAMESPACE },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
    }))
}

/// Its commit and its state, in one line.
pub fn line(application: &Application, commits: &[Commit]) -> String {
    let sync = application.status().sync.as_ref();
    let commit = commits.iter().find(|commit| sync.is_some_and(|sync| sync.revision == commit.id));
    let shown = commit.map_or("not known yet".to_owned(), Commit::shown);
    let state = sync.map_or("Unknown", |sync| sync.status.as_str());
    format!("    commit   {shown:<42} application  {state}  {}\n", health(application))
}

/// How its objects are.
pub fn health(application: &Application) -> &str {
    application.status().health.as_ref().map_or("", |health| health.status.as_str())
}

/// Whether the cluster has a commit, and has it by the sync of that commit: one that heals names the objects that it puts back.
pub fn has(application: &Application, commit: &Commit) -> bool {
    let status = application.status();
    let is_synced = status.sync.as_ref().is_some_and(|sync| sync.status == "Synced" && sync.revision == commit.id);
    let is_by_commit = status.operation_state.as_ref().is_some_and(|state| {
        let is_whole = state.operation.sync.as_ref().is_some_and(|sync| sync.resources.is_empty());
        let result = state.sync_result.as_ref();
        state.phase == "Succeeded" && is_whole && result.is_some_and(|result| result.revision == commit.id)
    });
    is_synced && is_by_commit
}

/// The commits that it was synced to, the oldest first.
pub fn history(application: &Application) -> Vec<&str> {
    application.status().history.iter().map(|synced| synced.revision.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn application(status: &Value) -> Application {
        let mut application =
            serde_json::to_value(manifest(Path::new("/tmp/x.git")).expect("a manifest")).expect("JSON");
        application["status"] = status.clone();
        serde_json::from_value(application).expect("an Application")
    }

    #[test]
    fn a_commit_is_there_once_its_own_sync_is_over() {
        let commit = Commit { id: "3f2a91c0".to_owned(), message: "Release 2: yellow".to_owned() };
        let mut status = json!({
            "sync": { "status": "Synced", "revision": "3f2a91c0" },
            "health": { "status": "Suspended" },
            "operationState": {
                "operation": { "sync": { "revision": "3f2a91c0" } }, "phase": "Succeeded", "startedAt": "2026-11-22T06:24:00Z",
                "syncResult": { "revision": "3f2a91c0" },
            },
        });
        assert!(has(&application(&status), &commit));
        let shown = line(&application(&status), std::slice::from_ref(&commit));
        assert_eq!(shown, "    commit   3f2a91c  Release 2: yellow                 application  Synced  Suspended\n");
        status["operationState"]["operation"]["sync"]["resources"] = json!([{ "kind": "Rollout", "name": "a" }]);
        assert!(!has(&application(&status), &commit), "it was put back");
        assert!(!has(&application(&json!({})), &commit));
    }
}
