//! Where manifests come from: several sources, ranges of versions, and what was there before.

use serde_json::{Value, json};

use crate::repository::Repository;
use crate::story::{Story, automated, setting};

fn sources(repositories: &[(&Repository, Value)]) -> Value {
    let sources = repositories.iter().map(|(repository, more)| {
        let mut source = json!({ "repoURL": repository.url(), "targetRevision": "main" });
        json_patch::merge(&mut source, more);
        source
    });
    let mut changes = automated(true, true);
    changes["spec"]["source"] = Value::Null;
    changes["spec"]["sources"] = sources.collect();
    changes
}

pub async fn an_application_has_several_sources(s: Story) {
    let other = Repository::new();
    s.git.write("app/color.yaml", &setting("color", "blue"));
    other.write("more/size.yaml", &setting("size", "small"));
    let (first, second) = (s.git.commit("A color"), other.commit("A size"));
    let several = sources(&[(&s.git, json!({ "path": "app" })), (&other, json!({ "path": "more" }))]);
    let app = s.application("both", several).await;
    let is_done = |status: &Value, commits: &[&str]| {
        status["sync"]["status"] == "Synced" && status["operationState"]["syncResult"]["revisions"] == json!(commits)
    };
    let status = s.until(&app, "synced", |status| is_done(status, &[&first, &second])).await;
    assert_eq!(
        (s.setting("color").await.as_deref(), s.setting("size").await.as_deref()),
        (Some("blue"), Some("small"))
    );
    assert_eq!(status["sync"]["revisions"], json!([first, second]));
    assert_eq!(
        (&status["sync"]["revision"], &status["sourceTypes"]),
        (&json!(null), &json!(["Directory", "Directory"]))
    );
    assert_eq!(status["history"][0]["revisions"], json!([first, second]));

    // A commit in either of them is a new version of the Application.
    other.write("more/size.yaml", &setting("size", "large"));
    let third = other.commit("A larger size");
    s.until(&app, "synced again", |status| is_done(status, &[&first, &third])).await;
    s.until_setting("size", Some("large")).await;

    // What the first source brings does not go because of the second one.
    other.write("more/size.yaml", "{").commit("Broken");
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.contains("size.yaml"), "{message}");
    s.wait(2).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("blue"));
}

pub async fn a_range_of_versions_is_the_highest_tag_in_it(s: Story) {
    let tagged = |value: &str, tag: &str| {
        s.git.write("app/color.yaml", &setting("color", value));
        let commit = s.git.commit(tag);
        s.git.git(&["tag", "--annotate", "--message", tag, tag]);
        commit
    };
    tagged("blue", "v1.2.0");
    let second = tagged("green", "v1.10.1");
    tagged("red", "v2.0.0");
    tagged("grey", "v1.11.0-rc.1");
    let mut changes = automated(false, false);
    changes["spec"]["source"] = json!({ "targetRevision": "1.*" });
    let app = s.application("colors", changes).await;
    s.synced(&app, &second).await;
    assert_eq!(s.setting("color").await.as_deref(), Some("green"));
    let third = tagged("brown", "v1.12.0");
    s.synced(&app, &third).await;
    let range = json!({ "spec": { "source": { "targetRevision": ">=3" } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, range).await;
    let message = s.condition(&app, "ComparisonError").await;
    assert!(message.ends_with("no tag is a version in the range \">=3\""), "{message}");
}

pub async fn a_rollback_brings_back_the_source_that_was(s: Story) {
    s.git.write("app/color.yaml", &setting("color", "blue")).write("new/color.yaml", &setting("color", "red"));
    let first = s.git.commit("Both");
    let app = s.application("colors", json!({})).await;
    let sync = |sync: Value| json!({ "operation": { "initiatedBy": { "username": "jo" }, "sync": sync } });
    let ask = async |what: Value| s.patch("argoproj.io/v1alpha1", "Application", &app, sync(what)).await;
    ask(json!({ "prune": true })).await;
    s.synced(&app, &first).await;
    let moved = json!({ "spec": { "source": { "path": "new" } } });
    s.patch("argoproj.io/v1alpha1", "Application", &app, moved).await;
    s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
    ask(json!({ "prune": true })).await;
    s.until_setting("color", Some("red")).await;
    let status = s.until(&app, "synced", |status| status["history"].as_array().map(Vec::len) == Some(2)).await;

    let before = &status["history"][0];
    ask(json!({ "revision": before["revision"], "source": before["source"] })).await;
    s.until_setting("color", Some("blue")).await;
    let status = s.until(&app, "told of it", |status| status["history"].as_array().map(Vec::len) == Some(3)).await;
    assert_eq!(status["history"][2]["source"]["path"], "app");
    // The Application still says something else, and nobody asked for that.
    s.until(&app, "out of sync", |status| status["sync"]["status"] == "OutOfSync").await;
}
