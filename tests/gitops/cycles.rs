//! Applications that are in their own folder, or in each other's: they settle, and they go.

use serde_json::{Value, json};

use crate::story::{Story, automated, setting};
use crate::waves::marked;

const APPLICATION: (&str, &str) = ("argoproj.io/v1alpha1", "Application");
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";

/// An Application of a folder, as a file has it.
fn manifest(s: &Story, folder: &str) -> Value {
    let name = format!("{folder}-{}", s.namespace);
    json!({
        "apiVersion": APPLICATION.0, "kind": APPLICATION.1,
        "metadata": { "name": name, "namespace": s.namespace, "finalizers": [FINALIZER] },
        "spec": {
            "project": "default",
            "source": { "repoURL": s.git.url(), "path": folder, "targetRevision": "main" },
            "destination": { "server": "https://kubernetes.default.svc", "namespace": s.namespace },
            "syncPolicy": { "automated": { "prune": true, "selfHeal": true } },
        },
    })
}

/// Creates an Application of a folder by hand.
async fn begin(s: &Story, folder: &str) -> String {
    let mut changes = automated(true, true);
    changes["metadata"] = json!({ "finalizers": [FINALIZER] });
    changes["spec"]["source"] = json!({ "path": folder });
    s.application(folder, changes).await
}

/// Waits until an Application is synced, and all are healthy; then nothing is written for some polls.
async fn settle(s: &Story, applications: &[&str], (app, commit): (&str, &str)) {
    s.synced(app, commit).await;
    for app in applications {
        s.until(app, "healthy", |status| status["health"]["status"] == "Healthy").await;
    }
    let version = async |app: &str| {
        s.object(APPLICATION.0, APPLICATION.1, app).await.expect("it is there")["metadata"]["resourceVersion"].clone()
    };
    let versions = async || {
        let mut all = Vec::new();
        for app in applications {
            all.push(version(app).await);
        }
        all
    };
    // What one writes of its health, another reads.
    s.wait(2).await;
    let before = versions().await;
    s.wait(4).await;
    assert_eq!(versions().await, before, "four polls later");
}

pub async fn an_application_in_its_own_folder_settles_and_goes(s: Story) {
    let last = marked("last", "yes", &json!({ "argocd.argoproj.io/sync-wave": "1" }));
    s.git.write("self/self.yaml", &manifest(&s, "self").to_string());
    s.git.write("self/color.yaml", &setting("color", "blue")).write("self/last.yaml", &last);
    let first = s.git.commit("An Application of itself");
    let app = begin(&s, "self").await;
    settle(&s, &[&app], (&app, &first)).await;
    assert_eq!(s.setting("last").await.as_deref(), Some("yes"));
    // It can change itself.
    let mut changed = manifest(&s, "self");
    changed["spec"]["revisionHistoryLimit"] = 3.into();
    s.git.write("self/self.yaml", &changed.to_string());
    let second = s.git.commit("With less history");
    settle(&s, &[&app], (&app, &second)).await;
    s.delete(APPLICATION.0, APPLICATION.1, &app).await;
    s.until_gone(APPLICATION.0, APPLICATION.1, &app).await;
    assert_eq!((s.setting("color").await, s.setting("last").await), (None, None));
}

pub async fn applications_in_each_others_folders_settle_and_go(s: Story) {
    let wave = json!({ "argocd.argoproj.io/sync-wave": "1" });
    for (folder, other) in [("one", "two"), ("two", "three"), ("three", "one")] {
        s.git.write(&format!("{folder}/other.yaml"), &manifest(&s, other).to_string());
        s.git.write(&format!("{folder}/color.yaml"), &marked(&format!("color-{folder}"), "blue", &wave));
    }
    let first = s.git.commit("Three in a ring");
    let names = ["one", "two", "three"].map(|folder| format!("{folder}-{}", s.namespace));
    let all = names.each_ref().map(String::as_str);
    begin(&s, "one").await;
    settle(&s, &all, (all[2], &first)).await;
    s.git.write("two/color.yaml", &marked("color-two", "red", &wave));
    let second = s.git.commit("Red");
    settle(&s, &all, (all[1], &second)).await;
    s.until_setting("color-two", Some("red")).await;
    s.delete(APPLICATION.0, APPLICATION.1, all[1]).await;
    for app in all {
        s.until_gone(APPLICATION.0, APPLICATION.1, app).await;
    }
    for folder in ["one", "two", "three"] {
        s.until_setting(&format!("color-{folder}"), None).await;
    }
}
