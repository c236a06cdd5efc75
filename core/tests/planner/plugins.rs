//! Rollouts with plugins: what they are told and asked, and when.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sluice_core::step_plugin::{Operation, StepAnswer, StepCall, StepFailure, StepPlugin, StepPlugins};
use sluice_core::traffic::{Heard, Plane, RouteAction, RouteWrite, Seen, Tell};
use sluice_plugin::{Observation, Progress, StepPhase};

use crate::world::{World, rollout};

/// Plugins and what lies behind them.
#[derive(Clone, Debug, Default)]
pub struct Plugins {
    /// What is known of routers.
    routers: BTreeMap<String, Heard>,
    /// What their data planes do.
    planes: BTreeMap<String, sluice_plugin::Routing>,
    /// What is known of step plugins.
    pub steps: StepPlugins,
    /// What they answer next.
    answers: Vec<Result<Progress, StepFailure>>,
    /// What they were called for.
    called: Vec<StepCall>,
}

impl Plugins {
    /// What is known of a router.
    pub fn seen(&self, plane: &Plane) -> Seen {
        plane.seen(&self.routers.get(&plane.plugin).cloned().unwrap_or_else(absent))
    }

    /// A router is called.
    pub fn tell(&mut self, write: &RouteWrite) {
        let RouteAction::Tell(tell) = &write.action else { panic!("{write:?}") };
        let heard = self.routers.entry(write.name.clone()).or_insert_with(absent);
        assert_ne!(heard.telling.as_ref(), Some(&**tell), "it is on its way already");
        heard.telling = Some((**tell).clone());
    }

    /// Routers answer. Says whether any had something to answer.
    pub fn answer(&mut self) -> bool {
        let mut any = false;
        for (name, heard) in self.routers.iter_mut().filter(|(_, heard)| heard.capabilities.is_some()) {
            let Some(telling) = heard.telling.take() else { continue };
            any = true;
            match &telling {
                Tell::Observe(_) => {}
                Tell::Apply(call) => drop(self.planes.insert(name.clone(), call.routing.clone())),
                Tell::Release(_) => drop(self.planes.remove(name)),
            }
            heard.seen = telling.routing().map(|asked| {
                let does = self.planes.get(name).cloned().unwrap_or_else(|| {
                    let mut nothing = asked.clone();
                    (nothing.canary.weight, nothing.stable.weight) = (0, asked.total);
                    nothing.routes.clear();
                    nothing
                });
                (asked.clone(), Observation { verified: Some(true), ..Observation::of(&does) })
            });
            if !matches!(telling, Tell::Observe(_)) {
                heard.told = Some(telling);
            }
        }
        any
    }

    /// A step plugin is called. Says whether that is new.
    pub fn call(&mut self, call: &StepCall) -> bool {
        self.called.push(call.clone());
        if self.answers.is_empty() {
            return false;
        }
        self.steps.answer = Some(StepAnswer { call: call.clone(), result: self.answers.remove(0) });
        true
    }

    fn operations(&self) -> Vec<(Operation, u32, u32)> {
        self.called.iter().map(|call| (call.operation, call.step.index, call.execution)).collect()
    }
}

/// A router that nobody has configured.
fn absent() -> Heard {
    Heard { trouble: Some("no plugin of this name is configured".into()), ..Heard::default() }
}

const ROUTER: &str = "example/router";
const STEP: &str = "example/approval";

fn routed(configured: bool) -> World {
    let canary = json!({
        "stableService": "stable", "canaryService": "canary",
        "trafficRouting": {"plugins": {(ROUTER): {"file": "web"}}},
        "steps": [{"setWeight": 20}, {"pause": {}}],
    });
    let mut world = rollout(4, &canary).with_service("stable").with_service("canary");
    if configured {
        let heard = Heard { capabilities: Some(BTreeSet::default()), ..Heard::default() };
        world.plugins.routers.insert(ROUTER.into(), heard);
    }
    world.deployed()
}

fn weight(world: &World) -> Option<u32> {
    world.plugins.planes.get(ROUTER).map(|routing| routing.canary.weight)
}

fn stepped(plugin: StepPlugin) -> World {
    let steps = json!([{"setWeight": 50}, {"plugin": {"name": STEP, "config": {"team": "a"}}}, {"pause": {}}]);
    let mut world = rollout(4, &json!({ "steps": steps })).deployed();
    world.plugins.steps.known.insert(STEP.into(), plugin);
    world.set_image("web:2");
    world
}

fn able() -> StepPlugin {
    StepPlugin::Ready(["abort".to_owned(), "terminate".to_owned()].into())
}

fn running(message: &str) -> Progress {
    Progress::running(message, Some(json!({"asked": message})), 10_000)
}

fn waits_for(world: &World) -> (String, String) {
    let on = world.status().waiting_on.clone().expect("something");
    (on.reason, on.message)
}

fn events<'a>(world: &'a World, reason: &str) -> Vec<&'a str> {
    world.events.iter().filter_map(|event| event.strip_prefix(&format!("{reason}: "))).collect()
}

#[test]
pub fn a_router_plugin_carries_the_weights_of_a_canary() {
    let mut world = routed(true);
    world.set_image("web:2");
    world.settle();
    assert_eq!((weight(&world), world.status().current_step_index), (Some(20), Some(1)));
    let weights = world.status().canary.clone().and_then(|canary| canary.weights).expect("weights");
    assert_eq!((weights.canary.weight, weights.verified), (20, Some(true)));
    world.patch_status(|status| status.promote_full = true);
    world.pass_time(60);
    assert_eq!((weight(&world), world.phase().0), (Some(0), "Healthy"));
    assert_eq!((world.size("web:1"), world.size("web:2")), (0, 4));
}

#[test]
pub fn a_router_plugin_hears_of_an_abort() {
    let mut world = routed(true);
    world.set_image("web:2");
    world.settle();
    world.patch_status(|status| status.abort = true);
    world.pass_time(60);
    assert_eq!((weight(&world), world.size("web:1"), world.size("web:2")), (Some(0), 4, 0));
}

#[test]
pub fn after_a_restart_of_the_controller_nothing_moves() {
    let mut world = routed(true);
    world.set_image("web:2");
    world.settle();
    // The controller asks what the data plane does before it plans.
    let heard = world.plugins.routers.get_mut(ROUTER).expect("the plugin");
    *heard = Heard { capabilities: heard.capabilities.clone(), seen: heard.seen.clone(), ..Heard::default() };
    world.events.clear();
    let (before, sizes) = (world.status().clone(), (world.size("web:1"), world.size("web:2")));
    world.settle();
    assert_eq!((weight(&world), world.events.clone()), (Some(20), Vec::new()));
    assert_eq!(((world.size("web:1"), world.size("web:2")), world.status().clone()), (sizes, before));
}

#[test]
pub fn a_router_plugin_that_is_not_configured_is_named_and_takes_no_pods() {
    let mut world = routed(false);
    world.set_image("web:2");
    world.settle();
    let why = "no plugin of this name is configured";
    assert_eq!(waits_for(&world), ("TrafficRouting".into(), why.into()));
    assert_eq!((world.size("web:1"), world.size("web:2")), (4, 1));
    assert_eq!(world.status().current_step_index, Some(0));
}

#[test]
pub fn a_router_plugin_that_is_taken_out_gives_everything_back() {
    let mut world = routed(true);
    world.set_image("web:2");
    world.settle();
    world.edit("/spec/strategy/canary/trafficRouting", json!(null));
    world.settle();
    assert_eq!(weight(&world), None);
    assert!(matches!(world.plugins.routers[ROUTER].told, Some(Tell::Release(_))));
}

#[test]
pub fn a_step_plugin_is_asked_until_it_is_done() {
    let mut world = stepped(able());
    world.plugins.answers = vec![Ok(running("waits for Jane")), Ok(Progress::successful("Jane agrees"))];
    world.settle();
    assert_eq!(waits_for(&world), ("StepPlugin".into(), "waits for Jane".into()));
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1)]);
    world.pass_time(9);
    assert_eq!(world.plugins.operations().len(), 1, "not before its time");
    world.pass_time(1);
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1), (Operation::Run, 1, 2)]);
    let second = &world.plugins.called[1].step;
    assert_eq!(
        (second.state.clone(), second.config.clone()),
        (Some(json!({"asked": "waits for Jane"})), json!({"team": "a"}))
    );
    assert_eq!((world.status().current_step_index, world.phase()), (Some(2), ("Paused", "CanaryPauseStep")));
    let told = ["is Running (Run): waits for Jane", "is Successful (Run): Jane agrees"];
    let told = told.map(|what| format!("Plugin {STEP} of step 2 {what}"));
    assert_eq!(events(&world, "StepPluginTransition"), told);
    assert_eq!(events(&world, "RolloutStepCompleted")[1], format!("Rollout step 2/3 completed (plugin: {STEP})"));
}

#[test]
pub fn a_step_plugin_that_says_no_aborts_the_update_and_undoes_what_ran() {
    let mut world = stepped(able());
    let again = json!([
        {"plugin": {"name": STEP}}, {"plugin": {"name": "example/off"}}, {"plugin": {"name": STEP}},
    ]);
    world.plugins.steps.known.insert("example/off".into(), StepPlugin::Disabled);
    world.edit("/spec/strategy/canary/steps", again);
    world.plugins.answers = vec![
        Ok(Progress::successful("")),
        Ok(Progress::failed("Jane says no")),
        Ok(Progress::successful("nobody is asked any more")),
    ];
    world.pass_time(60);
    let message = "Rollout aborted update to revision 2: step 3/3 (plugin: example/approval) failed: Jane says no";
    assert_eq!(events(&world, "RolloutAborted"), [message]);
    let operations = [(Operation::Run, 0, 1), (Operation::Run, 2, 1), (Operation::Abort, 0, 1)];
    assert_eq!(world.plugins.operations(), operations, "what failed needs no undoing");
    assert_eq!((world.size("web:1"), world.size("web:2")), (4, 0));
    let entries = world.status().canary.clone().expect("a canary").step_plugin_statuses;
    let entries: Vec<_> = entries.iter().map(|it| (it.index, it.operation.as_str(), it.phase.as_str())).collect();
    let expected =
        [(0, "Run", "Successful"), (1, "Run", "Successful"), (2, "Run", "Failed"), (0, "Abort", "Successful")];
    assert_eq!(entries, expected);
}

#[test]
pub fn a_retry_begins_its_steps_anew() {
    let mut world = stepped(able());
    world.plugins.answers = vec![Ok(Progress::failed("no")), Ok(Progress::successful("yes"))];
    world.settle();
    assert!(world.status().abort);
    world.patch_status(|status| status.abort = false);
    world.settle();
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1), (Operation::Run, 1, 1)]);
    assert_eq!(world.status().current_step_index, Some(2));
}

#[test]
pub fn a_promotion_ends_the_step_that_runs() {
    let mut world = stepped(able());
    world.plugins.answers = vec![Ok(running("waits for Jane")), Ok(Progress::successful("nobody is asked any more"))];
    world.settle();
    world.patch_status(|status| status.promote_full = true);
    world.settle();
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1), (Operation::Terminate, 1, 1)]);
    assert_eq!(world.plugins.called[1].step.state, Some(json!({"asked": "waits for Jane"})));
    assert_eq!(world.phase().0, "Healthy");
}

#[test]
pub fn plugins_that_cannot_undo_are_not_asked_to() {
    for ends in [
        |world: &mut World| world.patch_status(|status| status.abort = true),
        |world: &mut World| {
            world.patch_status(|status| status.promote_full = true);
        },
    ] {
        let mut world = stepped(StepPlugin::Ready(BTreeSet::default()));
        world.plugins.answers = vec![Ok(running("waits"))];
        world.settle();
        ends(&mut world);
        world.pass_time(60);
        assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1)]);
    }
}

#[test]
pub fn an_error_is_shown_and_the_step_is_asked_again() {
    let mut world = stepped(able());
    let failure = StepFailure { message: "connection refused".into(), retry_after: None };
    world.plugins.answers =
        vec![Err(failure), Ok(Progress { phase: StepPhase::Successful, ..Progress::successful("") })];
    world.settle();
    let message = "connection refused; it is asked again at 2026-01-01T00:00:30Z";
    assert_eq!(waits_for(&world), ("StepPlugin".into(), message.into()));
    assert!(!world.status().abort, "an error is no answer");
    world.pass_time(30);
    assert_eq!(world.status().current_step_index, Some(2));
}

#[test]
pub fn a_step_whose_plugin_is_absent_waits_and_says_so_once() {
    let mut world = stepped(able());
    world.plugins.steps.known.clear();
    world.pass_time(120);
    let why = "no step plugin \"example/approval\" is configured in argo-rollouts-config";
    assert_eq!(waits_for(&world), ("PluginUnavailable".into(), why.into()));
    assert_eq!(events(&world, "ReconciliationError"), [why]);
    assert!(world.plugins.called.is_empty());
    world.plugins.steps.known.insert(STEP.into(), StepPlugin::Disabled);
    world.settle();
    assert_eq!(world.status().current_step_index, Some(2), "what is switched off is done");
}

#[test]
pub fn an_answer_counts_only_once_it_is_stored() {
    let mut world = stepped(able());
    world.plugins.answers = vec![Ok(running("waits"))];
    world.settle();
    let stored = world.status().canary.clone().expect("a canary").step_plugin_statuses;
    // The status write was lost, and the answer with the controller.
    world.patch_status(|status| status.canary.as_mut().expect("a canary").step_plugin_statuses.clear());
    world.plugins.answers = vec![Ok(running("waits"))];
    world.settle();
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1), (Operation::Run, 1, 1)], "the same call again");
    assert_eq!(world.status().canary.clone().expect("a canary").step_plugin_statuses, stored);
}

#[test]
pub fn what_has_begun_is_undone_although_it_has_not_answered() {
    let mut world = stepped(able());
    world.settle();
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1)]);
    assert_eq!(waits_for(&world), ("StepPlugin".into(), "the plugin is asked to begin".into()));
    world.patch_status(|status| status.abort = true);
    // The run answers in the end.
    let call = world.plugins.called[0].clone();
    world.plugins.steps.answer = Some(StepAnswer { call, result: Ok(running("asked Jane")) });
    world.plugins.answers = vec![Ok(Progress::successful("nobody is asked any more"))];
    world.settle();
    assert_eq!(world.plugins.operations(), [(Operation::Run, 1, 1), (Operation::Abort, 1, 1)]);
    assert_eq!(world.plugins.called[1].step.state, Some(json!({"asked": "asked Jane"})), "what it has come to");
}

#[test]
pub fn a_plugin_that_is_gone_keeps_no_other_from_undoing() {
    let mut world = stepped(able());
    world.plugins.steps.known.insert("example/second".into(), able());
    world.edit(
        "/spec/strategy/canary/steps",
        json!([{"plugin": {"name": STEP}}, {"plugin": {"name": "example/second"}}, {"pause": {}}]),
    );
    world.plugins.answers = (0..3).map(|_| Ok(Progress::successful(""))).collect();
    world.settle();
    world.plugins.steps.known.remove("example/second");
    world.patch_status(|status| status.abort = true);
    world.settle();
    assert_eq!(world.plugins.operations().last(), Some(&(Operation::Abort, 0, 1)));
    let (reason, message) = waits_for(&world);
    assert!(reason == "StepPlugin" && message.starts_with("step 2 is not undone yet: no step plugin"), "{message}");
}
