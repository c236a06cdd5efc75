//! The end of an Application that has hooks for it.

use serde_json::json;

use sluice_core::gitops::project::Project;

use crate::world::World;

const HOOK: &str = "argocd.argoproj.io/hook";
const DELETE: &str = "argocd.argoproj.io/hook-delete-policy";

/// An Application with a hook before its end and one after it, that begins to go.
fn leaving() -> World {
    leaving_with(Ok(Project::open("default")))
}

/// The same, whose project has become another one meanwhile.
fn leaving_with(project: Result<Project, String>) -> World {
    let mut world = World::automated(true, false);
    world.application.metadata.finalizers = Some(vec!["resources-finalizer.argocd.argoproj.io".to_owned()]);
    world.hook("farewell", &json!({ HOOK: "PreDelete" }));
    world.hook("tidy", &json!({ "helm.sh/hook": "post-delete", DELETE: "HookSucceeded" }));
    world.settle();
    world.take();
    let finalizers = [
        "resources-finalizer.argocd.argoproj.io",
        "pre-delete-finalizer.argocd.argoproj.io",
        "post-delete-finalizer.argocd.argoproj.io",
    ];
    assert_eq!(world.application.metadata.finalizers, Some(finalizers.map(str::to_owned).to_vec()));
    world.application.metadata.deletion_timestamp =
        Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(world.now));
    world.project = project;
    world.passes(3);
    world
}

#[test]
fn hooks_run_before_an_application_goes_and_after_its_objects_have() {
    let mut world = leaving();
    assert_eq!(world.take(), ["run farewell"]);
    world.ends("farewell", "Complete");
    world.passes(6);
    // Its object is the Application's own, and goes with the others.
    let done = ["let farewell go", "release", "delete color", "delete farewell", "release", "run tidy"];
    assert_eq!(world.take(), done);
    world.ends("tidy", "Complete");
    world.passes(3);
    assert_eq!(world.take(), ["let tidy go", "release", "delete tidy"]);
    assert_eq!(world.application.metadata.finalizers, Some(Vec::new()));
}

#[test]
fn an_application_whose_hook_fails_stays_and_says_why() {
    let mut world = leaving();
    world.ends("farewell", "Failed");
    world.take();
    world.passes(3);
    assert_eq!(world.take(), Vec::<String>::new());
    let (type_, message) = world.conditions().remove(0);
    assert_eq!(type_, "DeletionError");
    assert_eq!(
        message,
        "its PreDelete hooks do not come to their end: batch/Job/farewell has failed: it is over. \
         Take its finalizer pre-delete-finalizer.argocd.argoproj.io away to do without them"
    );
}

#[test]
fn what_git_has_no_hooks_for_any_more_holds_nothing() {
    let mut world = World::automated(false, false);
    world.hook("farewell", &json!({ HOOK: "PreDelete" }));
    world.settle();
    assert_eq!(world.application.metadata.finalizers.as_ref().map(Vec::len), Some(1));
    world.hooks.clear();
    world.settle();
    assert_eq!(world.application.metadata.finalizers.as_ref().map(Vec::len), Some(0));
}

/// Its hooks are as much of its sources as everything else: a project that forbids those, or that nobody understands, keeps them from running.
#[test]
fn no_hook_runs_at_the_end_that_the_project_does_not_permit() {
    let narrow = json!({ "sourceRepos": ["https://other.example.com/*"], "destinations": [{ "server": "*", "namespace": "*" }] });
    for (project, why) in [
        (Project::read("team", &narrow), "is not permitted in project 'team'"),
        (Project::read("team", &json!({ "syncWindows": [{ "kind": "deny" }] })), "spec.syncWindows"),
    ] {
        let mut world = leaving_with(project);
        assert_eq!(world.take(), Vec::<String>::new());
        let (type_, message) = world.conditions().remove(0);
        assert_eq!(type_, "DeletionError");
        assert!(message.contains(why), "{message}");
        world.application.metadata.finalizers = Some(vec!["resources-finalizer.argocd.argoproj.io".to_owned()]);
        world.passes(3);
        assert!(world.take().iter().all(|done| !done.starts_with("run")), "and its objects go without them");
    }
}
