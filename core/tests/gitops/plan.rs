//! Whole syncs.

use serde_json::json;
use sluice_core::api::Operation;
use sluice_core::gitops::health::Rules;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::lineage::Lineage;
use sluice_core::gitops::project::Project;
use sluice_core::gitops::snapshot::{Goes, Live};
use sluice_core::gitops::tracking::Owner;

use crate::world::World;

fn set(world: &mut World, name: &str, value: &str) {
    world.git.retain(|(known, _)| known != name);
    world.git.push((name.to_owned(), value.to_owned()));
}

#[test]
fn a_commit_is_synced_once_and_remembered() {
    let mut world = World::automated(false, false);
    world.settle();
    assert_eq!(world.take(), ["apply color=blue"]);
    assert_eq!(world.last(), ("Succeeded".to_owned(), "successfully synced (all tasks run)".to_owned()));
    let status = world.application.status();
    assert_eq!((status.sync.as_ref().expect("a verdict").status.as_str(), status.history.len()), ("Synced", 1));
    set(&mut world, "color", "green");
    world.revision = "c2".to_owned();
    world.settle();
    assert_eq!(world.take(), ["apply color=green"]);
    assert_eq!(world.application.status().history[1].id, 1);
    world.pass_time(600);
    assert_eq!(world.take(), Vec::<String>::new());
}

#[test]
fn nothing_is_synced_where_nobody_asked_for_it() {
    for policy in [json!({}), json!({ "automated": { "enabled": false, "prune": true, "selfHeal": true } })] {
        let mut world = World::with(&policy);
        world.settle();
        assert_eq!(world.take(), Vec::<String>::new());
        let asked = json!({ "sync": {}, "initiatedBy": { "username": "eve" } });
        world.application.operation = Some(serde_json::from_value::<Operation>(asked).expect("an operation"));
        world.settle();
        assert_eq!(world.take(), ["apply color=blue"]);
        assert_eq!(world.application.operation, None, "what was asked for is done");
    }
}

#[test]
fn a_change_in_the_cluster_is_taken_back_at_once_and_then_ever_later() {
    let mut world = World::automated(false, true);
    world.settle();
    world.take();
    let mut waits = Vec::new();
    for _ in 0..5 {
        world.cluster = vec![("color".to_owned(), "red".to_owned(), true)];
        let mut waited = 0;
        world.settle();
        while world.done.is_empty() {
            world.pass_time(1);
            waited += 1;
            assert!(waited < 1_000, "nobody heals");
        }
        assert_eq!(world.take(), ["apply color=blue"]);
        waits.push(waited);
    }
    assert_eq!(waits, [0, 2, 6, 18, 54]);
    assert_eq!(world.application.status().history.len(), 1, "what heals is no new version");
}

#[test]
fn without_self_heal_a_change_in_the_cluster_stays() {
    let mut world = World::automated(true, false);
    world.settle();
    world.take();
    world.cluster = vec![("color".to_owned(), "red".to_owned(), true)];
    world.pass_time(1_000);
    assert_eq!(world.take(), Vec::<String>::new());
    assert_eq!(world.application.status().sync.as_ref().expect("a verdict").status, "OutOfSync");
}

#[test]
fn what_fails_is_tried_again_five_times_and_then_said() {
    let mut world = World::automated(false, false);
    world.failing = vec![("color".to_owned(), 100)];
    world.settle();
    let (phase, message) = world.last();
    assert_eq!(phase, "Running");
    assert!(message.contains("reason: ConfigMap/color: the server is on fire. Retrying attempt #1"), "{message}");
    world.pass_time(4);
    assert_eq!(world.take().len(), 1);
    for wait in [1, 10, 20, 40, 80] {
        world.pass_time(wait);
        assert_eq!(world.take().len(), 1, "after {wait} s");
    }
    let (phase, message) = world.last();
    assert_eq!(phase, "Failed");
    assert!(message.ends_with("(retried 5 times)."), "{message}");
    world.pass_time(10_000);
    assert_eq!(world.take(), Vec::<String>::new(), "the same commit is not tried again");
    let conditions = world.conditions();
    assert!(
        conditions[0].0 == "SyncError" && conditions[0].1.starts_with("Failed last sync attempt to c1"),
        "{conditions:?}"
    );
    world.revision = "c2".to_owned();
    world.failing.clear();
    world.settle();
    assert_eq!(world.take(), ["apply color=blue"], "another one is");
    assert_eq!(world.conditions(), []);
}

#[test]
fn a_sync_that_fails_once_goes_on_after_its_wait() {
    let mut world = World::automated(false, false);
    world.failing = vec![("color".to_owned(), 1)];
    world.settle();
    world.pass_time(5);
    assert_eq!(world.last().0, "Succeeded");
    assert_eq!(world.application.status().operation_state.as_ref().expect("a sync").retry_count, 1);
}

#[test]
fn objects_go_only_where_that_was_asked_for() {
    for (prune, expected) in [(false, Vec::new()), (true, vec!["delete size"])] {
        let mut world = World::automated(prune, true);
        set(&mut world, "size", "small");
        world.cluster.push(("others".to_owned(), "x".to_owned(), false));
        world.settle();
        world.take();
        world.git.retain(|(name, _)| name == "color");
        world.revision = "c2".to_owned();
        world.settle();
        assert_eq!(world.take().into_iter().filter(|done| done.starts_with("delete")).collect::<Vec<_>>(), expected);
        assert!(world.cluster.iter().any(|(name, ..)| name == "others"), "what is not its own stays");
    }
}

#[test]
fn everything_goes_only_where_that_is_allowed() {
    let mut world = World::automated(true, true);
    world.settle();
    world.take();
    world.git.clear();
    world.revision = "c2".to_owned();
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    assert!(world.conditions()[0].1.contains("wipe out all resources"), "{:?}", world.conditions());
    let policy = json!({ "automated": { "prune": true, "allowEmpty": true } });
    world.application.spec.sync_policy = Some(serde_json::from_value(policy).expect("a policy"));
    world.settle();
    assert_eq!(world.take(), ["delete color"]);
}

#[test]
fn sources_that_cannot_be_read_change_nothing() {
    let mut world = World::automated(true, true);
    world.settle();
    world.take();
    let before = world.application.status().resources.clone();
    world.broken = Some("git.example.com hangs".to_owned());
    world.pass_time(1_000);
    assert_eq!(world.take(), Vec::<String>::new());
    let status = world.application.status();
    assert_eq!(status.sync.as_ref().expect("a verdict").status, "Unknown");
    assert_eq!(status.resources, before, "the last that was known stays");
    assert_eq!(world.conditions(), [("ComparisonError".to_owned(), "git.example.com hangs".to_owned())]);
    world.broken = None;
    world.settle();
    assert_eq!(world.conditions(), []);
    assert_eq!(world.take(), Vec::<String>::new());
}

#[test]
fn a_namespace_is_made_first_where_that_is_asked_for() {
    let mut world = World::with(&json!({ "automated": {}, "syncOptions": ["CreateNamespace=true"] }));
    world.settle();
    assert_eq!(world.take(), ["namespace shop", "apply color=blue"]);
}

#[test]
fn a_sync_can_be_ended() {
    let mut world = World::automated(false, false);
    world.failing = vec![("color".to_owned(), 100)];
    world.settle();
    let status = world.application.status.as_mut().expect("a status");
    "Terminating".clone_into(&mut status.operation_state.as_mut().expect("a sync").phase);
    world.settle();
    assert_eq!(world.last(), ("Failed".to_owned(), "Operation terminated".to_owned()));
}

#[test]
fn a_dry_run_changes_nothing() {
    let mut world = World::with(&json!({}));
    let asked = json!({ "sync": { "dryRun": true } });
    world.application.operation = Some(serde_json::from_value(asked).expect("an operation"));
    world.settle();
    assert_eq!((world.take(), world.last().0), (Vec::new(), "Succeeded".to_owned()));
    assert_eq!(world.application.status().history, []);
}

#[test]
fn some_objects_can_be_synced_alone() {
    let mut world = World::with(&json!({}));
    set(&mut world, "size", "small");
    let asked = json!({ "sync": { "resources": [{ "kind": "ConfigMap", "name": "size" }] } });
    world.application.operation = Some(serde_json::from_value(asked).expect("an operation"));
    world.settle();
    assert_eq!(world.take(), ["apply size=small"]);
    assert_eq!(world.application.status().history, [], "that is not the whole of a commit");
}

#[test]
fn what_is_not_supported_yet_holds_and_ends_what_was_asked_for() {
    let mut world = World::automated(true, true);
    world.application.spec.destination.server = "https://elsewhere.example.com".to_owned();
    world.application.operation = Some(Operation::default());
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    assert_eq!(world.last().0, "Failed");
    assert_eq!(world.application.operation, None);
    assert!(
        world.conditions()[0].1.contains("https://elsewhere.example.com is not this one"),
        "{:?}",
        world.conditions()
    );
}

#[test]
fn an_application_that_goes_takes_along_what_is_its_own_if_it_is_to() {
    for (finalizer, expected) in
        [(None, Vec::new()), (Some("resources-finalizer.argocd.argoproj.io"), vec!["delete color", "release"])]
    {
        let mut world = World::automated(true, true);
        world.cluster.push(("others".to_owned(), "x".to_owned(), false));
        world.settle();
        world.take();
        let metadata = &mut world.application.metadata;
        metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now));
        metadata.finalizers = finalizer.map(|name| vec![name.to_owned()]);
        world.pass();
        world.pass();
        assert_eq!(world.take(), expected);
    }
}

#[test]
fn a_sync_keeps_to_the_commit_that_a_name_stood_for() {
    let mut world = World::with(&json!({}));
    let asked = json!({ "sync": { "revision": "main" } });
    world.application.operation = Some(serde_json::from_value(asked).expect("an operation"));
    world.settle();
    let status = world.application.status();
    assert_eq!(status.history[0].revision, "c1");
}

#[test]
fn a_retry_takes_the_newest_commit_where_it_is_told_to() {
    for (refresh, expected) in [(false, "c1"), (true, "c2")] {
        let mut world = World::with(&json!({ "automated": {}, "retry": { "limit": 2, "refresh": refresh } }));
        world.failing = vec![("color".to_owned(), 1)];
        world.settle();
        if refresh {
            "c2".clone_into(&mut world.revision);
        }
        world.pass_time(5);
        assert_eq!(world.application.status().history[0].revision, expected);
    }
}

#[test]
fn what_an_operation_asks_for_and_is_not_supported_yet_ends_it() {
    for (field, value) in [
        ("source", json!({ "repoURL": "oci://elsewhere.example.com", "path": "web" })),
        ("sources", json!([{ "repoURL": "https://elsewhere.example.com", "kustomize": { "version": "v5.0.0" } }])),
        ("syncOptions", json!(["Hurry=true"])),
    ] {
        let mut world = World::with(&json!({}));
        world.application.operation =
            Some(serde_json::from_value(json!({ "sync": { field: value } })).expect("an operation"));
        world.pass();
        let (phase, message) = world.last();
        assert_eq!((phase.as_str(), message.ends_with("is not supported yet")), ("Failed", true), "{field}: {message}");
        assert_eq!(world.take(), Vec::<String>::new());
        world.settle();
        assert_eq!(world.application.operation, None);
    }
}

#[test]
fn manifests_that_were_sent_are_of_no_commit_and_nothing_to_go_back_to() {
    let mut world = World::with(&json!({}));
    let sent = json!({ "sync": { "manifests": ["kind: ConfigMap"], "revision": "c1" } });
    world.application.operation = Some(serde_json::from_value(sent).expect("an operation"));
    let state = |world: &World| world.application.status().operation_state.clone().expect("a state");
    world.pass();
    assert_eq!(state(&world).operation.sync.expect("a sync").manifests, ["kind: ConfigMap"], "it needs them");
    world.settle();
    assert_eq!((world.take(), world.last().0.as_str()), (vec!["apply color=blue".to_owned()], "Succeeded"));
    assert_eq!(world.application.operation, None);
    let (status, state) = (world.application.status(), state(&world));
    let ended = serde_json::to_value(&state.operation).expect("JSON");
    let told = json!({ "sync": { "revision": "c1" }, "info": [{ "name": "Manifests that were sent", "value": "1" }] });
    assert_eq!(ended, told, "there may be secrets in them");
    assert_eq!(state.sync_result.expect("a result").commits(), Vec::<String>::new());
    assert_eq!(status.history, []);
}

#[test]
fn manifests_are_not_taken_where_they_would_not_stay_or_are_too_many() {
    for (is_automatic, bytes, why) in [
        (true, 1, "Cannot use local sync when Automatic Sync Policy is enabled"),
        (false, 524_285, "operation.sync.manifests: they have 524289 bytes, and 524288 are allowed"),
    ] {
        let mut world = if is_automatic { World::automated(false, false) } else { World::with(&json!({})) };
        let sent = json!({ "sync": { "manifests": ["x".repeat(bytes)] } });
        world.application.operation = Some(serde_json::from_value(sent).expect("an operation"));
        world.pass();
        assert_eq!(world.last(), ("Failed".to_owned(), why.to_owned()));
        assert_eq!((world.take(), &world.application.operation), (Vec::<String>::new(), &None));
        let state = world.application.status().operation_state.clone().expect("a state");
        assert!(state.operation.sync.expect("a sync").manifests.is_empty());
    }
}

#[test]
fn to_try_manifests_that_are_sent_is_no_reason_for_a_sync() {
    let mut world = World::automated(false, false);
    world.settle();
    world.take();
    // Somebody has changed it, and it is not to be healed.
    world.cluster[0].1 = "red".to_owned();
    world.settle();
    let before = world.application.status().clone();
    assert_eq!(before.sync.as_ref().map(|sync| sync.status.as_str()), Some("OutOfSync"));
    let sent = json!({ "sync": { "manifests": ["kind: ConfigMap"], "dryRun": true } });
    world.application.operation = Some(serde_json::from_value(sent).expect("an operation"));
    world.settle();
    assert_eq!(world.last().0, "Succeeded");
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    assert_eq!(world.application.status().history, before.history);
}

#[test]
fn what_is_sent_says_nothing_about_git() {
    let mut world = World::with(&json!({}));
    world.settle();
    let told = |world: &World| (world.application.status().sync.clone(), world.application.status().health.clone());
    let before = told(&world);
    let sent = json!({ "sync": { "manifests": ["kind: ConfigMap"] } });
    world.application.operation = Some(serde_json::from_value(sent).expect("an operation"));
    world.pass();
    assert_eq!(world.last().0, "Running");
    assert_eq!(told(&world), before);
}

#[test]
fn a_sync_is_of_no_source_that_the_project_does_not_permit() {
    for name in ["source", "sources"] {
        let mut world = World::with(&json!({}));
        let spec = json!({ "sourceRepos": ["https://git.example.com/*"], "destinations": [{ "server": "*", "namespace": "*" }] });
        world.project = Project::read("team", &spec);
        world.pass();
        let source = json!({ "repoURL": "https://elsewhere.example.com/evil", "path": "app" });
        let value = if name == "source" { source } else { json!([source]) };
        let sync = json!({ "sync": { name: value, "revision": "c9" } });
        world.application.operation = Some(serde_json::from_value(sync).expect("an operation"));
        world.pass();
        let (phase, message) = world.last();
        assert_eq!(phase, "Failed");
        assert_eq!(message, "application repo https://elsewhere.example.com/evil is not permitted in project 'team'");
        assert_eq!(world.take(), Vec::<String>::new());
    }
}

/// A leaving Application, whose objects are in this state.
fn leaving(change: impl Fn(&mut World, &mut sluice_core::gitops::snapshot::Snapshot)) -> (Vec<String>, Vec<String>) {
    let mut world = World::automated(true, true);
    world.settle();
    let metadata = &mut world.application.metadata;
    metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now));
    metadata.finalizers = Some(vec!["resources-finalizer.argocd.argoproj.io".to_owned()]);
    let mut snapshot = world.snapshot();
    change(&mut world, &mut snapshot);
    let plan = sluice_core::gitops::plan::plan(&snapshot);
    let effects =
        plan.effects.iter().map(|effect| format!("{effect:?}").split([' ', '{']).next().unwrap_or_default().to_owned());
    (effects.collect(), plan.status.conditions.iter().map(|one| format!("{}: {}", one.type_, one.message)).collect())
}

#[test]
fn an_application_whose_objects_are_not_known_stays_and_says_why() {
    let (effects, conditions) = leaving(|_, s| {
        s.application.spec.destination.server = "https://elsewhere.example.com".to_owned();
        s.objects.clear();
    });
    assert_eq!(effects, Vec::<String>::new());
    assert!(
        conditions[0].starts_with("DeletionError: its objects are not deleted: spec.destination"),
        "{conditions:?}"
    );
    let (effects, conditions) = leaving(|_, s| {
        s.objects.iter_mut().filter_map(|object| object.live.as_mut()).for_each(|live| live.delete = Goes::Asks);
    });
    assert_eq!(effects, Vec::<String>::new());
    assert!(conditions[0].contains("/ConfigMap/color says Delete=confirm"), "{conditions:?}");
}

#[test]
fn an_application_that_is_its_own_object_goes() {
    let (effects, _) = leaving(|_, s| {
        let application = s.application.clone();
        let lineage = Lineage::of(("argocd", "colors"), "argocd", |_, _| Some(Box::new(application.clone())));
        let owner = Owner::new("argocd", "argocd", "colors", "shop").of(lineage);
        let mut itself = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": { "name": "colors", "namespace": "argocd" },
        });
        owner.mark(&mut itself);
        for object in &mut s.objects {
            object.key = Key::of(&itself);
            object.live = Some(Live::of(&itself, &owner, &[], &Rules::default()));
            assert!(object.live.as_ref().is_some_and(|live| live.is_own));
        }
    });
    assert_eq!(effects, ["Release"]);
}

#[test]
fn one_object_that_stays_does_not_let_all_others_go() {
    let mut world = World::automated(true, true);
    world.settle();
    world.take();
    world.git.clear();
    world.staying = vec!["color".to_owned()];
    world.cluster.push(("size".to_owned(), "small".to_owned(), true));
    world.revision = "c2".to_owned();
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    assert!(world.conditions()[0].1.contains("wipe out all resources"), "{:?}", world.conditions());
}

#[test]
fn an_operation_that_asks_for_too_much_leaves_a_sync_under_way_alone() {
    let mut world = World::automated(false, false);
    world.failing = vec![("color".to_owned(), 1)];
    world.settle();
    world.application.operation =
        Some(serde_json::from_value(json!({ "sync": { "manifests": ["x"] } })).expect("an operation"));
    world.settle();
    assert_eq!(world.last().0, "Running");
    world.pass_time(5);
    assert_eq!(world.last().0, "Failed", "what was asked for comes after it");
    assert_eq!(world.application.status().history.len(), 1);
}

#[test]
fn an_operation_that_is_refused_does_not_keep_the_commit_from_being_synced() {
    let mut world = World::automated(false, false);
    world.application.operation =
        Some(serde_json::from_value(json!({ "sync": { "manifests": ["x"] } })).expect("an operation"));
    world.settle();
    assert_eq!((world.take(), world.last().0.as_str()), (vec!["apply color=blue".to_owned()], "Succeeded"));
}

#[test]
fn orphans_are_told_and_the_first_of_them_named() {
    let mut world = World::automated(false, false);
    world.settle();
    let orphan = |name: &str| Key {
        kind: "ConfigMap".to_owned(),
        namespace: "shop".to_owned(),
        name: name.to_owned(),
        ..Key::default()
    };
    world.orphans = ["a", "b", "c", "d", "e", "f", "g"].map(orphan).to_vec();
    world.pass();
    let named = "/ConfigMap/a; /ConfigMap/b; /ConfigMap/c; /ConfigMap/d; /ConfigMap/e; and 2 more";
    let message = format!("Application has 7 orphaned resources: {named}");
    assert_eq!(world.conditions(), [("OrphanedResourceWarning".to_owned(), message)]);
    let status = world.application.status().clone();
    world.pass();
    assert_eq!(*world.application.status(), status, "it stays as it is");
    world.orphans.clear();
    world.pass();
    assert_eq!(world.conditions(), []);
}
