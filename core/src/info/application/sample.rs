//! An Application for tests.

use crate::api::Application;
use serde_json::{Value, json};

use super::stored::Stored;

/// An Application that is synced and healthy, with these changes, as it is stored.
pub(crate) fn stored(changes: &Value) -> Stored {
    let mut application = json!({
        "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
        "metadata": {"name": "colors", "namespace": "gitops", "resourceVersion": "7"},
        "spec": {
            "project": "default",
            "source": {"repoURL": "https://git.example.com/colors.git", "path": "deploy", "targetRevision": "main"},
            "destination": {"server": "https://kubernetes.default.svc", "namespace": "colors"},
        },
        "status": {
            "sync": {"status": "Synced", "revision": "abc1234def5678abc1234def5678abc1234def56"},
            "health": {"status": "Healthy"},
        },
    });
    json_patch::merge(&mut application, changes);
    serde_json::from_value(application).expect("an object")
}

/// The same as it reads.
pub(crate) fn application(changes: &Value) -> Application {
    stored(changes).read().expect("an Application")
}
