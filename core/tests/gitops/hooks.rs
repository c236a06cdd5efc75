//! Hooks of a sync.

use serde_json::json;
use sluice_core::gitops::guard;
use sluice_core::gitops::snapshot::{Effect, How, Plan, Snapshot};

use crate::world::World;

const HOOK: &str = "argocd.argoproj.io/hook";
const DELETE: &str = "argocd.argoproj.io/hook-delete-policy";
const WAVE: &str = "argocd.argoproj.io/sync-wave";

#[test]
fn hooks_run_before_and_after_what_is_applied() {
    let mut world = World::automated(false, false);
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.hook("smoke", &json!({ HOOK: "PostSync" }));
    world.settle();
    assert_eq!(world.take(), ["run migrate"]);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for completion of hook batch/Job/migrate".to_owned()));
    world.ends("migrate", "Complete");
    world.health.insert("color".to_owned(), "Progressing");
    world.settle();
    assert_eq!(world.take(), ["apply color=blue", "let migrate go"]);
    assert_eq!(world.last().1, "waiting for healthy state of /ConfigMap/color");
    world.health.clear();
    world.settle();
    assert_eq!(world.take(), ["run smoke"]);
    world.finish("smoke", "Complete");
    assert_eq!(world.take(), ["let smoke go"]);
    assert_eq!(world.last(), ("Succeeded".to_owned(), "successfully synced (no more tasks)".to_owned()));
    let status = world.application.status();
    let results = &status.operation_state.as_ref().expect("a sync").sync_result.as_ref().expect("results").resources;
    let hooks: Vec<(&str, &str, &str)> =
        results.iter().map(|it| (it.name.as_str(), it.hook_type.as_str(), it.hook_phase.as_str())).collect();
    assert_eq!(
        hooks,
        [("migrate", "PreSync", "Succeeded"), ("color", "", "Succeeded"), ("smoke", "PostSync", "Succeeded")]
    );
    let sync = status.sync.as_ref().expect("a verdict");
    assert_eq!(sync.status, "Synced", "hooks are no part of what is compared");
    let shown: Vec<(&str, &str, bool)> =
        status.resources.iter().map(|it| (it.name.as_str(), it.status.as_str(), it.hook)).collect();
    assert_eq!(shown, [("color", "Synced", false), ("migrate", "", true), ("smoke", "", true)]);
}

#[test]
fn a_hook_that_fails_ends_the_sync_and_those_for_failures_run() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.hook("undo", &json!({ HOOK: "SyncFail" }));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["run migrate"]);
    world.finish("migrate", "Failed");
    assert_eq!(world.take(), ["run undo", "let migrate go"]);
    assert_eq!(world.last().1, "waiting for completion of hook batch/Job/undo");
    world.finish("undo", "Complete");
    let (phase, message) = world.last();
    assert_eq!(phase, "Failed");
    let expected = "one or more synchronization tasks completed unsuccessfully, reason: Job/migrate: it is over";
    assert_eq!(message, expected);
    assert_eq!(world.take(), ["let undo go"], "nothing was applied");
}

#[test]
fn a_hook_goes_when_its_policy_says_so() {
    for (policy, end, goes) in [
        ("HookSucceeded", "Complete", true),
        ("HookSucceeded", "Failed", false),
        ("HookFailed", "Failed", true),
        ("HookFailed", "Complete", false),
        ("HookSucceeded,HookFailed", "Failed", true),
        ("BeforeHookCreation", "Complete", false),
    ] {
        let mut world = World::with(&json!({}));
        world.hook("migrate", &json!({ HOOK: "PreSync", DELETE: policy }));
        world.ask(&json!({}));
        world.finish("migrate", end);
        assert_eq!(world.jobs.is_empty(), goes, "{policy}, {end}: {:?}", world.take());
    }
}

#[test]
fn a_hook_of_an_earlier_sync_goes_before_it_runs_again() {
    let mut world = World::automated(false, false);
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.settle();
    world.finish("migrate", "Complete");
    world.take();
    world.git = vec![("color".to_owned(), "green".to_owned())];
    "c2".clone_into(&mut world.revision);
    world.pass_time(60);
    assert_eq!(world.take(), ["delete migrate", "run migrate"]);
    world.finish("migrate", "Complete");
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn a_hook_whose_beginning_nobody_wrote_down_does_not_run_again() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.application.operation = serde_json::from_value(json!({ "sync": {} })).expect("an operation");
    world.pass();
    world.pass();
    assert_eq!(world.take(), ["run migrate"]);
    // The controller dies here.
    world.outcomes.clear();
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    world.finish("migrate", "Complete");
    assert_eq!(world.take(), ["apply color=blue", "let migrate go"]);
}

#[test]
fn a_retry_runs_its_hooks_again() {
    let mut world = World::with(&json!({ "automated": {}, "retry": { "limit": 1 } }));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.settle();
    world.finish("migrate", "Failed");
    assert_eq!(world.take(), ["run migrate", "let migrate go"]);
    world.pass_time(5);
    assert_eq!(world.take(), ["delete migrate", "run migrate"]);
    world.finish("migrate", "Complete");
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn a_hook_in_several_phases_runs_in_each() {
    let mut world = World::with(&json!({}));
    world.hook("check", &json!({ HOOK: "PreSync,PostSync" }));
    world.ask(&json!({}));
    world.finish("check", "Complete");
    world.finish("check", "Complete");
    let done = world.take();
    assert_eq!(done.iter().filter(|done| *done == "run check").count(), 2, "{done:?}");
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn a_hook_without_a_name_has_a_new_one_in_every_sync() {
    // Versions of charts have letters that names have not.
    for (revision, short) in [("0123456789abcdef", "0123456"), ("1.0.0-RC1", "1.0.0-r"), ("1.0.0+a", "1.0.0-a")] {
        let mut world = World::with(&json!({}));
        world.revision = revision.to_owned();
        world.hooks.push(json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": { "generateName": "migrate-", "namespace": "shop", "annotations": { HOOK: "PreSync" } },
        }));
        world.ask(&json!({ "revision": "main" }));
        let name = format!("migrate-{short}-presync-1767225600");
        assert_eq!(world.take(), [format!("run {name}")]);
        world.finish(&name, "Complete");
        assert_eq!(world.take(), ["apply color=blue".to_owned(), format!("let {name} go")]);
        assert_eq!(world.last().0, "Succeeded");
    }
}

#[test]
fn hooks_run_in_waves_too() {
    let mut world = World::with(&json!({}));
    world.hook("second", &json!({ HOOK: "PreSync", WAVE: "2" }));
    world.hook("first", &json!({ HOOK: "PreSync", "helm.sh/hook-weight": "-1" }));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["run first"]);
    world.finish("first", "Complete");
    assert_eq!(world.take(), ["run second", "let first go"]);
}

#[test]
fn hooks_beside_the_last_wave_are_waited_for() {
    let mut world = World::with(&json!({}));
    world.hook("beside", &json!({ HOOK: "Sync" }));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["apply color=blue", "run beside"]);
    assert_eq!(world.last().0, "Running");
    world.finish("beside", "Complete");
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn no_hook_runs_where_only_objects_are_asked_for() {
    for sync in
        [json!({ "resources": [{ "kind": "ConfigMap", "name": "color" }] }), json!({ "syncStrategy": { "apply": {} } })]
    {
        let mut world = World::with(&json!({}));
        world.hook("migrate", &json!({ HOOK: "PreSync" }));
        world.ask(&sync);
        assert_eq!((world.take(), world.last().0.as_str()), (vec!["apply color=blue".to_owned()], "Succeeded"));
    }
}

#[test]
fn a_sync_that_is_ended_ends_its_hooks() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.ask(&json!({}));
    let status = world.application.status.as_mut().expect("a status");
    "Terminating".clone_into(&mut status.operation_state.as_mut().expect("a sync").phase);
    world.settle();
    assert_eq!(world.last(), ("Failed".to_owned(), "Operation terminated".to_owned()));
    assert_eq!(world.take(), ["run migrate", "let migrate go", "delete migrate"]);
}

#[test]
fn a_hook_that_somebody_deletes_has_failed() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.ask(&json!({}));
    world.jobs[0]["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into();
    world.settle();
    let (phase, message) = world.last();
    assert_eq!(phase, "Failed");
    assert!(message.ends_with("Job/migrate: it was deleted before it had come to its end"), "{message}");
    assert_eq!(world.take(), ["run migrate", "let migrate go"]);
}

#[test]
fn an_object_of_somebody_else_is_not_taken_for_an_old_hook() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    let foreign =
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop" } });
    world.jobs.push(foreign);
    world.ask(&json!({}));
    let (phase, message) = world.last();
    assert_eq!((phase.as_str(), world.take()), ("Failed", Vec::new()));
    assert!(message.contains("an object of its name is there that is not this Application's"), "{message}");
}

#[test]
fn a_hook_does_not_run_in_what_is_left_of_another_time() {
    // Neither that of another phase of the same sync, nor that of an earlier one, whatever it says of when it goes.
    let mut world = World::automated(false, false);
    world.hook("check", &json!({ HOOK: "PreSync,PostSync", DELETE: "HookFailed" }));
    for (commit, value) in [("c1", "1"), ("c2", "2")] {
        commit.clone_into(&mut world.revision);
        world.git = vec![("color".to_owned(), value.to_owned())];
        world.pass_time(60);
        world.finish("check", "Complete");
        world.finish("check", "Complete");
        assert_eq!(world.last().0, "Succeeded");
        let runs = world.take().iter().filter(|done| *done == "run check").count();
        assert_eq!(runs, 2, "{commit}");
    }
}

#[test]
fn a_hook_waits_until_the_one_of_an_earlier_sync_is_gone() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.ask(&json!({}));
    world.finish("migrate", "Complete");
    world.take();
    world.lingering = vec!["migrate".to_owned()];
    world.now = sluice_core::time::after(world.now, jiff::SignedDuration::from_secs(60));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["delete migrate"]);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for deletion of hook batch/Job/migrate".to_owned()));
    world.gone("migrate");
    assert_eq!(world.take(), ["run migrate"]);
}

#[test]
fn a_hook_that_would_be_refused_ends_the_sync_before_anything_is_done() {
    let mut world = World::with(&json!({}));
    world.hook("smoke", &json!({ HOOK: "PostSync" }));
    world.refused = Some("it has no image".to_owned());
    world.ask(&json!({}));
    assert_eq!(world.take(), Vec::<String>::new());
    assert_eq!(world.last(), ("Failed".to_owned(), "one or more objects failed to apply (dry run)".to_owned()));
}

#[test]
fn a_part_that_becomes_a_hook_makes_room_for_it() {
    let mut world = World::with(&json!({}));
    let mut member =
        json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": { "name": "migrate", "namespace": "shop" } });
    World::own(&mut member);
    world.jobs.push(member);
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["delete migrate", "run migrate"]);
}

#[test]
fn a_source_that_cannot_be_read_ends_no_hook() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync", DELETE: "HookSucceeded" }));
    world.ask(&json!({}));
    assert_eq!(world.take(), ["run migrate"]);
    world.broken = Some("git.example.com hangs".to_owned());
    world.pass_time(600);
    assert_eq!(world.last(), ("Running".to_owned(), "waiting for its sources: git.example.com hangs".to_owned()));
    world.broken = None;
    world.settle();
    assert_eq!(world.take(), Vec::<String>::new());
    world.finish("migrate", "Complete");
    assert_eq!(world.take(), ["apply color=blue", "let migrate go", "delete migrate"]);
    assert_eq!(world.last().0, "Succeeded");
}

#[test]
fn a_sync_that_is_ended_in_the_moment_in_which_its_hook_has_begun_ends_it() {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.application.operation = serde_json::from_value(json!({ "sync": {} })).expect("an operation");
    world.pass();
    world.pass();
    assert_eq!(world.take(), ["run migrate"]);
    let status = world.application.status.as_mut().expect("a status");
    "Terminating".clone_into(&mut status.operation_state.as_mut().expect("a sync").phase);
    world.settle();
    assert_eq!(world.take(), ["let migrate go", "delete migrate"]);
}

#[test]
fn what_a_sync_has_left_goes_before_the_next_one_begins() {
    let mut world = World::with(&json!({ "automated": {} }));
    world.application.metadata.annotations = Some([("sluice.dev/preempt".to_owned(), "immediate".to_owned())].into());
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.settle();
    assert_eq!(world.take(), ["run migrate"]);
    world.newest = Some("c2".to_owned());
    world.pass();
    world.newest = None;
    "c2".clone_into(&mut world.revision);
    world.hooks.clear();
    world.settle();
    assert_eq!(world.take(), ["let migrate go", "delete migrate", "apply color=blue"]);
}

/// A sync whose hook runs, and what comes next.
fn running() -> (Snapshot, Plan) {
    let mut world = World::with(&json!({}));
    world.hook("migrate", &json!({ HOOK: "PreSync" }));
    world.ask(&json!({}));
    let snapshot = world.snapshot();
    let plan = sluice_core::gitops::plan::plan(&snapshot);
    (snapshot, plan)
}

#[test]
fn the_guard_lets_no_hook_run_twice_or_go_while_it_runs_and_nothing_come_early() {
    let (s, mut plan) = running();
    let why = |plan: &Plan| guard::check(&s, plan).into_iter().map(|violation| violation.why).collect::<Vec<_>>();
    assert_eq!(why(&plan), Vec::<&str>::new());
    let hook = &s.hooks[0];
    plan.effects = vec![Effect::Hook { phase: hook.phase, manifest: hook.manifest.clone(), rank: 0 }];
    assert_eq!(why(&plan), ["it has run in this sync"]);
    let object = s.objects.iter().find(|object| object.key == hook.manifest.key).expect("it is there");
    plan.effects = sluice_core::gitops::hook::delete(object).into_iter().collect();
    assert_eq!(why(&plan), ["it runs"]);
    let manifest = s.objects[0].wanted.clone().expect("Git has it");
    plan.effects = vec![Effect::Apply { manifest, rank: 0, how: How::default() }];
    assert_eq!(why(&plan), ["what comes before it is not at its end"]);
}
