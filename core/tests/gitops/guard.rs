//! S17: plans that a wrong planner could make, and that nobody carries out.

use serde_json::json;
use sluice_core::gitops::guard::check;
use sluice_core::gitops::plan::plan;
use sluice_core::gitops::snapshot::{Effect, Goes, Plan, Rendered, Snapshot};

use crate::world::World;

/// An Application whose sync prunes: `size` is its own and not in Git any more, `others` is somebody's.
fn pruning() -> (Snapshot, Plan) {
    let mut world = World::automated(true, true);
    world.git.push(("size".to_owned(), "small".to_owned()));
    world.cluster.push(("others".to_owned(), "x".to_owned(), false));
    world.settle();
    world.git.retain(|(name, _)| name == "color");
    "c2".clone_into(&mut world.revision);
    // It begins, and what comes has come.
    world.pass();
    world.pass();
    let snapshot = world.snapshot();
    let plan = plan(&snapshot);
    assert!(plan.effects.iter().any(|effect| matches!(effect, Effect::Delete { key, .. } if key.name == "size")));
    assert_eq!(check(&snapshot, &plan), []);
    (snapshot, plan)
}

fn delete(s: &Snapshot, name: &str) -> Effect {
    let object = s.objects.iter().find(|object| object.key.name == name).expect("it is there");
    Effect::Delete {
        key: object.key.clone(),
        version: "v1".to_owned(),
        uid: object.live.as_ref().expect("it is there").uid.clone(),
        resource_version: String::new(),
        propagation: "Foreground",
        is_prune: true,
    }
}

fn refused(s: &Snapshot, plan: &Plan) -> Vec<&'static str> {
    check(s, plan).into_iter().map(|violation| violation.why).collect()
}

#[test]
fn only_what_is_left_over_goes() {
    let (s, mut plan) = pruning();
    plan.effects = vec![delete(&s, "color")];
    assert_eq!(refused(&s, &plan), ["Git has it"]);
    plan.effects = vec![delete(&s, "others")];
    assert_eq!(refused(&s, &plan), ["it is not the Application's own"]);
    let mut other = s.clone();
    plan.effects = vec![delete(&s, "size")];
    other.objects.iter_mut().filter_map(|object| object.live.as_mut()).for_each(|live| live.uid = "another".to_owned());
    assert_eq!(refused(&other, &plan), ["it is another one by now"]);
    other.objects.retain(|object| object.key.name != "size");
    assert_eq!(refused(&other, &plan), ["it was not seen"]);
    let mut kept = s.clone();
    kept.objects.iter_mut().filter_map(|object| object.live.as_mut()).for_each(|live| live.prune = Goes::No);
    assert_eq!(refused(&kept, &plan), ["it stays when Git does not have it any more"]);
}

#[test]
fn nothing_goes_that_nobody_asked_to_prune() {
    let (s, mut plan) = pruning();
    let state = plan.status.operation_state.as_mut().expect("a sync");
    state.operation.sync.as_mut().expect("a sync").prune = false;
    assert_eq!(refused(&s, &plan), ["no sync was asked to prune"]);
}

#[test]
fn nothing_goes_where_git_could_not_be_read_or_says_nothing() {
    let (mut s, plan) = pruning();
    s.rendered = Rendered::Failed("it hangs".to_owned());
    assert_eq!(refused(&s, &plan), ["nobody knows what Git has"]);
    let (mut s, plan) = pruning();
    s.objects.retain(|object| object.wanted.is_none());
    assert_eq!(refused(&s, &plan), ["nothing would be left, and nobody allowed that"]);
    let policy = json!({ "automated": { "prune": true, "allowEmpty": true } });
    s.application.spec.sync_policy = Some(serde_json::from_value(policy).expect("a policy"));
    assert_eq!(refused(&s, &plan), Vec::<&str>::new());
}

#[test]
fn an_application_that_leaves_its_objects_behind_deletes_none() {
    let (mut s, plan) = pruning();
    s.application.metadata.deletion_timestamp = Some(k8s_openapi::apimachinery::pkg::apis::meta::v1::Time(s.now));
    assert_eq!(refused(&s, &plan), ["the Application leaves its objects behind"]);
}
