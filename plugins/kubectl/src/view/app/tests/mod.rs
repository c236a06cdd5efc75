//! Pages and tables, as people see them in the states that matter.

use jiff::Timestamp;
use serde_json::{Value, json};
use sluice_core::api::Application;

use super::changes::Told;
use super::list::{self, Columns};
use super::page::{self, Shown};
use super::{history, words};
use crate::application::sample::application;
use crate::view::paint::Paint;

const COMMIT: &str = "abc1234def5678abc1234def5678abc1234def56";

/// Five minutes after everything began, but for what says otherwise.
fn now() -> Timestamp {
    "2026-01-01T00:05:00Z".parse().expect("a time")
}

fn object(group: &str, kind: &str, name: &str, status: &str, health: &Value) -> Value {
    json!({
        "group": group, "version": "v1", "kind": kind, "namespace": "colors", "name": name, "status": status,
        "health": health,
    })
}

fn result(group: &str, kind: &str, name: &str, status: &str, message: &str) -> Value {
    json!({
        "group": group, "version": "v1", "kind": kind, "namespace": "colors", "name": name, "status": status,
        "message": message, "hookPhase": "Running", "syncPhase": "Sync",
    })
}

#[track_caller]
fn reads(application: &Application, shown: Shown, expected: &str) {
    let page = page::render(application, shown, now(), Paint::Plain);
    assert_eq!(page, expected, "\n{page}");
}

/// In the middle of a sync that waits.
fn waiting() -> Value {
    let hook = json!({
        "group": "batch", "version": "v1", "kind": "Job", "namespace": "colors", "name": "migrate", "status": "Synced",
        "message": "created", "hookType": "PreSync", "hookPhase": "Succeeded", "syncPhase": "PreSync",
    });
    json!({
        "spec": {"syncPolicy": {"automated": {"prune": true, "selfHeal": true}}},
        "operation": {"sync": {}},
        "status": {
            "sync": {"status": "OutOfSync"},
            "health": {"status": "Progressing"},
            "operationState": {
                "operation": {
                    "sync": {"prune": true, "syncOptions": ["CreateNamespace=true"], "syncStrategy": {"hook": {}}},
                    "initiatedBy": {"username": "jane"},
                    "retry": {"limit": 5, "backoff": {"duration": "5s", "factor": 2, "maxDuration": "3m"}},
                    "info": [{"name": "why", "value": "because"}],
                },
                "phase": "Running",
                "message": "waiting for healthy state of apps/Deployment/web",
                "startedAt": "2026-01-01T00:04:00Z",
                "retryCount": 1,
                "syncResult": {"revision": COMMIT, "resources": [
                    hook,
                    result("", "ConfigMap", "settings", "Synced", "configmaps/settings configured"),
                    result("apps", "Deployment", "web", "Synced", "deployments.apps/web configured"),
                ]},
            },
            "resources": [
                object("", "Service", "web", "OutOfSync", &json!({"status": "Missing"})),
                object("", "ConfigMap", "settings", "Synced", &json!(null)),
                object("apps", "Deployment", "web", "Synced", &json!({"status": "Progressing", "message": "1 of 3 pods are new"})),
            ],
        },
    })
}

#[test]
fn a_sync_that_waits_says_for_what() {
    reads(
        &application(&waiting()),
        Shown::default(),
        "\
Name:            colors
Project:         default
Server:          https://kubernetes.default.svc
Namespace:       colors
Repo:            https://git.example.com/colors.git
Target:          main
Path:            deploy
Sync Policy:     Automated (Prune, SelfHeal)
Sync Status:     ⚠ OutOfSync from main (abc1234)
Health Status:   ◌ Progressing

Operation:       Sync
Phase:           ◌ Running
Waiting:         waiting for healthy state of apps/Deployment/web
Sync Revision:   abc1234def5678abc1234def5678abc1234def56
Start:           2026-01-01T00:04:00Z (60s ago)
Duration:        60s
Retry:           1 of 5
Initiated By:    jane

GROUP  KIND        NAMESPACE  NAME      STATUS     HEALTH       HOOK     MESSAGE
batch  Job         colors     migrate   Succeeded  Synced       PreSync  created
       ConfigMap   colors     settings  Synced                           configmaps/settings configured
apps   Deployment  colors     web       Synced     Progressing           1 of 3 pods are new
       Service     colors     web       OutOfSync  Missing
",
    );
}

#[test]
fn what_was_asked_for_is_shown_to_whoever_wants_it_and_wide_tables_have_more() {
    let shown = Shown { operation: true, is_wide: true };
    reads(
        &application(&waiting()),
        shown,
        "\
Name:            colors
Project:         default
Server:          https://kubernetes.default.svc
Namespace:       colors
Repo:            https://git.example.com/colors.git
Target:          main
Path:            deploy
Sync Policy:     Automated (Prune, SelfHeal)
Sync Status:     ⚠ OutOfSync from main (abc1234)
Health Status:   ◌ Progressing

Operation:       Sync
Phase:           ◌ Running
Waiting:         waiting for healthy state of apps/Deployment/web
Sync Revision:   abc1234def5678abc1234def5678abc1234def56
Start:           2026-01-01T00:04:00Z (60s ago)
Duration:        60s
Retry:           1 of 5
Initiated By:    jane
Strategy:        hook
Prune:           true
Options:         CreateNamespace=true
Retries:         at most 5, after 5s first and 2 times as long each time, up to 3m
Info:            why = because

GROUP  VERSION  KIND        NAMESPACE  NAME      WAVE  STATUS     HEALTH       HOOK     MESSAGE
batch  v1       Job         colors     migrate   0     Succeeded  Synced       PreSync  created
       v1       ConfigMap   colors     settings  0     Synced                           configmaps/settings configured
apps   v1       Deployment  colors     web       0     Synced     Progressing           1 of 3 pods are new
       v1       Service     colors     web       0     OutOfSync  Missing
",
    );
}

#[test]
fn a_sync_that_failed_says_why_and_what_is_wrong_stands_below() {
    let mut changes = waiting();
    changes["operation"] = Value::Null;
    let state = &mut changes["status"]["operationState"];
    state["phase"] = json!("Failed");
    state["message"] = json!("one or more synchronization tasks completed unsuccessfully");
    state["finishedAt"] = json!("2026-01-01T00:04:30Z");
    state["operation"]["initiatedBy"] = json!({"automated": true});
    state["operation"]["sync"]["resources"] = json!([{"kind": "ConfigMap", "name": "settings"}]);
    state["syncResult"]["resources"] =
        json!([result("apps", "Deployment", "web", "SyncFailed", "spec.selector:\n  field is immutable \u{1b}[31m"),]);
    let since = "2026-01-01T00:04:30Z";
    changes["status"]["health"] = json!({"status": "Degraded", "message": "it crashes"});
    changes["status"]["conditions"] = json!([
        {"type": "SyncError", "message": "Failed last sync attempt to abc1234", "lastTransitionTime": since},
        {"type": "SharedResourceWarning", "message": "ConfigMap/settings is part of applications colors and shapes"},
    ]);
    let mut gone = object("", "ConfigMap", "old", "OutOfSync", &json!(null));
    gone["requiresPruning"] = json!(true);
    let mut asks = gone.clone();
    (asks["name"], asks["requiresDeletionConfirmation"]) = (json!("older"), json!(true));
    changes["status"]["resources"].as_array_mut().expect("objects").extend([gone, asks]);
    reads(
        &application(&changes),
        Shown::default(),
        "\
Name:            colors
Project:         default
Server:          https://kubernetes.default.svc
Namespace:       colors
Repo:            https://git.example.com/colors.git
Target:          main
Path:            deploy
Sync Policy:     Automated (Prune, SelfHeal)
Sync Status:     ⚠ OutOfSync from main (abc1234)
Health Status:   ✖ Degraded (it crashes)

Operation:       Sync (one object)
Phase:           ✖ Failed
Message:         one or more synchronization tasks completed unsuccessfully
Sync Revision:   abc1234def5678abc1234def5678abc1234def56
Start:           2026-01-01T00:04:00Z (60s ago)
Finished:        2026-01-01T00:04:30Z (30s ago)
Duration:        30s
Retry:           1 of 5
Initiated By:    automatic

CONDITION              LAST TRANSITION                 MESSAGE
SyncError              2026-01-01T00:04:30Z (30s ago)  Failed last sync attempt to abc1234
SharedResourceWarning  <unknown>                       ConfigMap/settings is part of applications colors and shapes

GROUP  KIND        NAMESPACE  NAME      STATUS     HEALTH       HOOK  MESSAGE
apps   Deployment  colors     web       Synced     Progressing        spec.selector: field is immutable \\u{1b}[31m
       ConfigMap   colors     old       OutOfSync                     requires pruning
       ConfigMap   colors     older     OutOfSync                     requires pruning, which a person has to confirm
       ConfigMap   colors     settings  Synced
       Service     colors     web       OutOfSync  Missing
",
    );
}

#[test]
fn an_application_that_nobody_has_looked_at_is_shown_as_it_is() {
    let changes = json!({
        "metadata": {"deletionTimestamp": "2026-01-01T00:04:00Z", "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
        "spec": {
            "source": null,
            "sources": [
                {"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.*", "helm": {"valueFiles": ["$values/a.yaml"]}},
                {"repoURL": "https://git.example.com/values.git", "ref": "values"},
            ],
            "destination": {"server": "", "name": "in-cluster"},
        },
        "operation": {"sync": {"dryRun": true, "resources": [{"kind": "a", "name": "b"}, {"kind": "a", "name": "c"}]}},
        "status": null,
    });
    reads(
        &application(&changes),
        Shown::default(),
        "\
Name:            colors
Project:         default
Server:          in-cluster
Namespace:       colors
Source:          1 of 2
Repo:            https://charts.example.com
Target:          1.*
Chart:           web
Helm Values:     $values/a.yaml
Source:          2 of 2
Repo:            https://git.example.com/values.git
Target:          HEAD
Ref:             values
Sync Policy:     Manual
Sync Status:     ? Unknown
Health Status:   ? Unknown
Deletion:        ॥ waits for resources-finalizer.argocd.argoproj.io

Operation:       Sync (dry run, 2 objects)
Phase:           ॥ asked for, and no controller has begun it
Initiated By:    unknown
",
    );
}

#[test]
fn the_list_has_a_line_for_each() {
    let condition = |type_: &str| json!({"type": type_, "message": "x"});
    let other = json!({
        "metadata": {"name": "shapes", "namespace": "team"},
        "spec": {
            "project": "", "source": {"path": "", "chart": "web", "targetRevision": ""},
            "syncPolicy": {"automated": {"prune": true}},
        },
        "status": {"conditions": [condition("SyncError"), condition("ComparisonError"), condition("SyncError")]},
    });
    let applications = [other, waiting(), json!({"status": null})];
    let applications: Vec<Application> = applications.iter().map(application).collect();
    let table = |columns| list::render(&applications, columns, Paint::Plain);
    let plain = table(Columns::default());
    assert_eq!(plain, "\
NAME    CLUSTER                         NAMESPACE  PROJECT  STATUS     HEALTH       SYNCPOLICY  CONDITIONS
colors  https://kubernetes.default.svc  colors     default  OutOfSync  Progressing  Auto-Prune  <none>
colors  https://kubernetes.default.svc  colors     default  Unknown    Unknown      Manual      <none>
shapes  https://kubernetes.default.svc  colors     default  Synced     Healthy      Auto-Prune  ComparisonError,SyncError(2)
", "\n{plain}");
    let wide = table(Columns { namespace: true, source: true });
    assert_eq!(wide, "\
NAME           CLUSTER                         NAMESPACE  PROJECT  STATUS     HEALTH       SYNCPOLICY  CONDITIONS                    REPO                                PATH    TARGET
gitops/colors  https://kubernetes.default.svc  colors     default  OutOfSync  Progressing  Auto-Prune  <none>                        https://git.example.com/colors.git  deploy  main
gitops/colors  https://kubernetes.default.svc  colors     default  Unknown    Unknown      Manual      <none>                        https://git.example.com/colors.git  deploy  main
team/shapes    https://kubernetes.default.svc  colors     default  Synced     Healthy      Auto-Prune  ComparisonError,SyncError(2)  https://git.example.com/colors.git  web     HEAD
", "\n{wide}");
}

#[test]
fn the_history_has_a_table_for_each_repository() {
    let source = json!({"repoURL": "https://git.example.com/colors.git", "path": "deploy", "targetRevision": "main"});
    let chart = json!({"repoURL": "https://charts.example.com", "chart": "web", "targetRevision": "1.*"});
    let at = |minute: u8| format!("2026-01-01T00:0{minute}:00Z");
    let changes = json!({"status": {"history": [
        {"id": 0, "revision": COMMIT, "deployedAt": at(0), "source": source, "initiatedBy": {"username": "jane"}},
        {"id": 1, "revision": "v2", "deployedAt": at(1), "source": source, "initiatedBy": {"automated": true}},
        {"id": 2, "revisions": ["1.4.2", COMMIT], "deployedAt": at(2), "sources": [chart, source]},
    ]}});
    let application = application(&changes);
    let entries = &application.status().history;
    let plain = history::render(entries, false, Paint::Plain);
    assert_eq!(
        plain,
        "\
SOURCE  https://git.example.com/colors.git
ID  DATE                  REVISION        INITIATED BY
0   2026-01-01T00:00:00Z  main (abc1234)  jane
1   2026-01-01T00:01:00Z  main (v2)       automatic
2   2026-01-01T00:02:00Z  main (abc1234)

SOURCE  https://charts.example.com
ID  DATE                  REVISION     INITIATED BY
2   2026-01-01T00:02:00Z  1.* (1.4.2)
",
        "\n{plain}"
    );
    let wide = history::render(entries, true, Paint::Plain);
    assert_eq!(
        wide,
        "\
SOURCE  https://git.example.com/colors.git
ID  DATE                  REVISION        INITIATED BY  PATH    COMMIT
0   2026-01-01T00:00:00Z  main (abc1234)  jane          deploy  abc1234def5678abc1234def5678abc1234def56
1   2026-01-01T00:01:00Z  main (v2)       automatic     deploy  v2
2   2026-01-01T00:02:00Z  main (abc1234)                deploy  abc1234def5678abc1234def5678abc1234def56

SOURCE  https://charts.example.com
ID  DATE                  REVISION     INITIATED BY  PATH  COMMIT
2   2026-01-01T00:02:00Z  1.* (1.4.2)                web   1.4.2
",
        "\n{wide}"
    );
    assert_eq!(history::ids(entries), "0\n1\n2\n");
}

#[test]
fn while_one_waits_only_what_is_new_is_told() {
    let mut told = Told::default();
    let mut tell = |changes: &Value| told.news(&application(changes), now(), Paint::Plain);
    let mut changes = waiting();
    changes["status"]["operationState"] = Value::Null;
    let first = tell(&changes);
    let second = tell(&waiting());
    assert_eq!(tell(&waiting()), "");
    let mut ended = waiting();
    ended["operation"] = Value::Null;
    let state = &mut ended["status"]["operationState"];
    (state["phase"], state["message"]) = (json!("Succeeded"), json!("successfully synced (no more tasks)"));
    state["finishedAt"] = json!("2026-01-01T00:04:30Z");
    ended["status"]["sync"]["status"] = json!("Synced");
    ended["status"]["resources"][2]["health"] = json!({"status": "Healthy"});
    let third = tell(&ended);
    let all = format!("{first}--\n{second}--\n{third}");
    assert_eq!(all, "\
TIMESTAMP             GROUP        KIND         NAMESPACE  NAME      STATUS     HEALTH       HOOK  MESSAGE
2026-01-01T00:05:00Z               ConfigMap    colors     settings  Synced
2026-01-01T00:05:00Z               Service      colors     web       OutOfSync  Missing
2026-01-01T00:05:00Z  apps         Deployment   colors     web       Synced     Progressing        1 of 3 pods are new
2026-01-01T00:05:00Z  argoproj.io  Application  gitops     colors    Pending    Progressing        the operation has not begun
--
2026-01-01T00:05:00Z  batch        Job          colors     migrate   Succeeded  Synced       PreSync  created
2026-01-01T00:05:00Z               ConfigMap    colors     settings  Synced                           configmaps/settings configured
2026-01-01T00:05:00Z  argoproj.io  Application  gitops     colors    Running    Progressing           waiting for healthy state of apps/Deployment/web
--
2026-01-01T00:05:00Z  apps         Deployment   colors     web       Synced     Healthy               deployments.apps/web configured
2026-01-01T00:05:00Z  argoproj.io  Application  gitops     colors    Synced     Progressing           successfully synced (no more tasks)
", "\n{all}");
}

#[test]
fn colours_are_by_state_and_names_of_commits_are_short() {
    let page = page::render(&application(&waiting()), Shown::default(), now(), Paint::Colour);
    for expected in [
        "Sync Status:     \u{1b}[33m⚠ OutOfSync from main (abc1234)\u{1b}[0m\n",
        "Waiting:         \u{1b}[33mwaiting for healthy state of apps/Deployment/web\u{1b}[0m\n",
    ] {
        assert!(page.contains(expected), "{page}");
    }
    assert_eq!(words::short("1.4.2"), "1.4.2");
    assert_eq!(words::short(&"é".repeat(20)), "é".repeat(20));
}
