//! Rollouts with analysis: when a run is asked for, and what comes of its end.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use serde_json::{Value, json};
use sluice_core::analysis::Phase;
use sluice_core::api::{AnalysisRun, AnalysisRunStatus, PauseReason};
use sluice_core::effect::{Child, ChildKind, ChildWrite, Effect, Target};
use sluice_core::sight::Sight;
use sluice_core::snapshot::Refusal;

use crate::world::{World, blue_green, rollout};

/// Carries out a write to an analysis run.
pub fn carry_out(world: &mut World, write: &ChildWrite) {
    let runs = &mut world.analyses.runs;
    match write {
        ChildWrite::Create(child) => match (**child).clone() {
            Child::AnalysisRun(mut run) => {
                let name = run.metadata.name.clone();
                assert!(runs.iter().all(|known| known.metadata.name != name), "{name:?} is created once");
                world.serial += 1;
                run.metadata.uid = Some(format!("uid-{}", world.serial));
                run.metadata.creation_timestamp = Some(Time(world.now));
                runs.push(run);
            }
            Child::Experiment(made) => crate::experiment::create(world, made),
        },
        ChildWrite::Terminate(ChildKind::AnalysisRun, target) => find(runs, target).spec.terminate = true,
        ChildWrite::Delete(ChildKind::AnalysisRun, target) => {
            find(runs, target);
            runs.retain(|run| run.metadata.uid.as_deref() != Some(&target.uid));
        }
        ChildWrite::Terminate(ChildKind::Experiment, target) => crate::experiment::terminate(world, target),
        ChildWrite::Delete(ChildKind::Experiment, target) => {
            world.experiments.retain(|experiment| experiment.metadata.uid.as_deref() != Some(&target.uid));
        }
    }
}

fn find<'a>(runs: &'a mut [AnalysisRun], target: &Target) -> &'a mut AnalysisRun {
    runs.iter_mut().find(|run| run.metadata.uid.as_deref() == Some(&target.uid)).expect("the run is there")
}

impl World {
    fn with_template(mut self, name: &str, spec: &Value) -> World {
        let spec = serde_json::from_value(spec.clone()).expect("a template");
        self.analyses.templates.0.insert((false, name.to_owned()), Sight::Found(Box::new(spec)));
        self
    }

    /// With the template `rate`, which has an argument `hash`.
    fn with_rate(self) -> World {
        let metric = json!({"name": "rate", "provider": {"web": {"url": "http://x/{{args.hash}}"}}});
        self.with_template("rate", &json!({"metrics": [metric], "args": [{"name": "hash"}]}))
    }

    /// The names of the analysis runs, `!` before those that were asked to end.
    fn runs(&self) -> Vec<String> {
        let hash = |name: &str| name.replace(&self.status().current_pod_hash, "HASH");
        let name = |run: &AnalysisRun| hash(run.metadata.name.as_deref().expect("a name"));
        let told = |run: &AnalysisRun| format!("{}{}", if run.spec.terminate { "!" } else { "" }, name(run));
        self.analyses.runs.iter().map(told).collect()
    }

    /// The last run comes to a phase.
    fn measured(&mut self, phase: Phase, message: &str) {
        let run = self.analyses.runs.last_mut().expect("a run");
        let (phase, message) = (phase.as_str().to_owned(), message.to_owned());
        run.status = Some(AnalysisRunStatus { phase, message, ..AnalysisRunStatus::default() });
        self.settle();
    }

    /// A person goes on, as `kubectl argo rollouts promote` does.
    pub fn resume(&mut self) {
        self.patch_status(|status| status.pause_conditions.clear());
        self.settle();
    }

    pub fn waits_for(&self) -> (&str, &str) {
        let on = self.status().waiting_on.as_ref().expect("it waits");
        (on.object.as_deref().unwrap_or_default(), &on.message)
    }
}

fn asks() -> Value {
    json!({"templates": [{"templateName": "rate"}], "args": [{"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}}]})
}

/// An update that has come to its analysis step.
fn at_analysis() -> World {
    let steps = json!([{"setWeight": 50}, {"analysis": asks()}, {"setWeight": 80}, {"pause": {}}]);
    let mut world = rollout(2, &json!({"steps": steps})).with_rate().deployed();
    world.set_image("web:2");
    world.settle();
    world
}

#[test]
fn a_step_waits_for_its_analysis_and_goes_on_when_it_is_successful() {
    let mut world = at_analysis();
    assert_eq!(world.runs(), ["web-HASH-2-1"]);
    assert_eq!(world.status().current_step_index, Some(1));
    let (object, message) = world.waits_for();
    let name = world.analyses.runs[0].metadata.name.clone().expect("a name");
    assert_eq!((object, message), (&*format!("AnalysisRun/{name}"), &*format!("the analysis run {name} begins")));

    world.measured(Phase::Running, "");
    let entry = world.status().canary.clone().expect("canary").current_step_analysis_run_status.expect("an entry");
    assert_eq!((entry.name.as_str(), entry.status.as_str()), (name.as_str(), "Running"));
    world.measured(Phase::Successful, "");
    assert_eq!((world.status().current_step_index, world.phase()), (Some(3), ("Paused", "CanaryPauseStep")));
    assert_eq!(world.status().canary.clone().expect("canary").current_step_analysis_run_status, None);
    let told: Vec<&String> = world.events.iter().filter(|event| event.starts_with("AnalysisRun")).collect();
    assert_eq!(
        told,
        [
            &format!("AnalysisRunRunning: Step Analysis Run '{name}' Status New: 'Running' Previous: 'Pending'"),
            &format!("AnalysisRunSuccessful: Step Analysis Run '{name}' Status New: 'Successful' Previous: 'Running'"),
        ]
    );
}

#[test]
fn a_run_says_which_revision_and_step_it_is_for_and_has_its_arguments() {
    let world = at_analysis();
    let run = &world.analyses.runs[0];
    let hash = world.status().current_pod_hash.clone();
    let labels = run.metadata.labels.clone().expect("labels");
    let labels: Vec<_> = labels.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(
        labels,
        [("app", "web"), ("rollout-type", "Step"), ("rollouts-pod-template-hash", &hash), ("step-index", "1")]
    );
    assert_eq!(run.metadata.annotations.clone().expect("annotations")["rollout.argoproj.io/revision"], "2");
    assert_eq!(run.metadata.owner_references.clone().expect("owners")[0].uid, "rollout-uid");
    assert_eq!(run.spec.args[0].value.as_ref(), Some(&hash));
}

#[test]
fn an_analysis_that_fails_aborts_the_update_with_its_reason() {
    for phase in [Phase::Failed, Phase::Error] {
        let mut world = at_analysis();
        world.measured(phase, "Metric \"rate\" assessed Failed due to failed (1) > failureLimit (0)");
        assert!(world.status().abort);
        let why = "Rollout aborted update to revision 2: Step-based analysis phase error/failed: Metric \"rate\" assessed Failed \
                   due to failed (1) > failureLimit (0)";
        assert_eq!(world.phase(), ("Degraded", &*format!("RolloutAborted: {why}")));
        assert!(world.events.contains(&format!("RolloutAborted: {why}")), "{:#?}", world.events);
        assert_eq!((world.size("web:1"), world.size("web:2")), (2, 0));
        let entry = world.status().canary.clone().expect("canary").current_step_analysis_run_status.expect("an entry");
        assert_eq!(entry.status, phase.as_str(), "people see what became of it");
    }
}

#[test]
fn a_retry_measures_again() {
    let mut world = at_analysis();
    world.measured(Phase::Failed, "bad");
    world.patch_status(|status| status.abort = false);
    world.settle();
    assert_eq!(world.runs(), ["web-HASH-2-1", "web-HASH-2-1.1"]);
    world.measured(Phase::Successful, "");
    assert_eq!(world.status().current_step_index, Some(3));
}

#[test]
fn an_inconclusive_analysis_pauses_until_a_person_has_it_measured_again() {
    let mut world = at_analysis();
    world.measured(Phase::Inconclusive, "neither");
    assert_eq!(world.phase(), ("Paused", "InconclusiveAnalysisRun"));
    let (_, message) = world.waits_for();
    let why = "Step-based analysis phase inconclusive: neither; promote the rollout to go on all the same, clear \
               status.pauseConditions to measure once more, or abort it";
    assert_eq!(message, why);
    world.pass_time(3600);
    assert_eq!(world.runs().len(), 1);

    world.resume();
    assert_eq!(
        (world.runs(), world.phase().0),
        (vec!["web-HASH-2-1".to_owned(), "web-HASH-2-1.1".to_owned()], "Progressing")
    );
    world.measured(Phase::Inconclusive, "neither");
    assert_eq!(world.phase(), ("Paused", "InconclusiveAnalysisRun"));
    // `promote` goes on without it.
    world.patch_status(|status| {
        status.pause_conditions.clear();
        status.controller_pause = false;
        status.current_step_index = Some(2);
    });
    world.settle();
    assert_eq!((world.status().current_step_index, world.phase()), (Some(3), ("Paused", "CanaryPauseStep")));
}

/// An update with analysis beside its steps, from a step on.
fn in_background(starting: i32) -> World {
    let mut analysis = asks();
    analysis["startingStep"] = json!(starting);
    let steps = json!([{"setWeight": 50}, {"pause": {}}, {"setWeight": 80}, {"pause": {}}]);
    let mut world = rollout(2, &json!({"steps": steps, "analysis": analysis})).with_rate().deployed();
    world.set_image("web:2");
    world.settle();
    world
}

#[test]
fn analysis_beside_the_steps_begins_at_its_step_and_ends_with_the_update() {
    let mut world = in_background(2);
    assert_eq!((world.runs(), world.status().current_step_index), (Vec::<String>::new(), Some(1)));
    world.resume();
    assert_eq!((world.runs(), world.status().current_step_index), (vec!["web-HASH-2".to_owned()], Some(3)));
    world.measured(Phase::Running, "");
    world.resume();
    assert_eq!((world.runs(), world.phase()), (vec!["!web-HASH-2".to_owned()], ("Healthy", "")));
    world.measured(Phase::Successful, "Run Terminated");
    let entry = world.status().canary.clone().expect("canary").current_background_analysis_run_status;
    assert_eq!(entry.expect("an entry").status, "Successful");
    assert_eq!(world.phase(), ("Healthy", ""));
}

#[test]
fn no_step_goes_on_before_the_analysis_beside_it_is_there() {
    let mut world = in_background(0);
    assert_eq!(world.runs(), ["web-HASH-2"]);
    let mut world_without =
        rollout(2, &json!({"steps": [{"setWeight": 50}, {"pause": {}}], "analysis": asks()})).deployed();
    world_without.set_image("web:2");
    world_without.settle();
    assert_eq!(world_without.status().current_step_index, Some(0));
    let message = "Background analysis cannot begin: AnalysisTemplate 'rate' not found";
    assert_eq!(world_without.waits_for(), ("AnalysisTemplate/rate", message));
    world_without.pass_time(3600);
    assert_eq!(world_without.phase().0, "Progressing", "a template that is missing is no reason to give up");

    let mut world_with = world_without.with_rate();
    world_with.settle();
    assert_eq!((world_with.runs().len(), world_with.status().current_step_index), (1, Some(1)));
    world.resume();
    assert_eq!(world.status().current_step_index, Some(3));
}

#[test]
fn analysis_beside_the_steps_aborts_whatever_the_update_is_at() {
    let mut world = in_background(0);
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"));
    world.measured(Phase::Failed, "bad");
    let why = "RolloutAborted: Rollout aborted update to revision 2: Background analysis phase error/failed: bad";
    assert_eq!(world.phase(), ("Degraded", why));
    assert_eq!((world.size("web:1"), world.size("web:2")), (2, 0));
}

#[test]
fn an_inconclusive_analysis_beside_the_steps_holds_them() {
    let mut world = in_background(0);
    world.measured(Phase::Inconclusive, "neither");
    assert_eq!(world.status().pause_conditions.len(), 2);
    world.resume();
    assert_eq!(world.runs(), ["web-HASH-2", "web-HASH-2.1"]);
    assert_eq!(world.phase(), ("Paused", "CanaryPauseStep"), "what a person has resumed is the measuring");
    world.resume();
    assert_eq!(world.status().current_step_index, Some(3));
    assert!(world.status().paused_since(PauseReason::INCONCLUSIVE_ANALYSIS_RUN).is_none());
}

#[test]
fn a_newer_version_ends_the_analysis_of_the_one_before() {
    let mut world = at_analysis();
    world.measured(Phase::Running, "");
    world.set_image("web:3");
    world.settle();
    assert!(world.analyses.runs[0].spec.terminate);
    assert_eq!(world.runs()[1..], ["web-HASH-3-1"]);
}

#[test]
fn a_full_promotion_an_abort_and_a_step_passed_by_hand_end_analyses() {
    let act: [fn(&mut World); 3] = [
        |world| world.patch_status(|status| status.promote_full = true),
        |world| world.patch_status(|status| status.abort = true),
        |world| world.patch_status(|status| status.current_step_index = Some(2)),
    ];
    for act in act {
        let mut world = at_analysis();
        world.measured(Phase::Running, "");
        act(&mut world);
        world.settle();
        assert_eq!(world.runs(), ["!web-HASH-2-1"]);
    }
}

#[test]
fn a_run_that_somebody_deletes_is_created_again() {
    let mut world = at_analysis();
    world.analyses.runs.clear();
    world.settle();
    assert_eq!(world.runs(), ["web-HASH-2-1"]);
}

#[test]
fn a_name_that_somebody_else_has_is_passed_over() {
    let steps = json!([{"analysis": asks()}]);
    let mut world = rollout(2, &json!({"steps": steps})).with_rate().deployed();
    world.set_image("web:2");
    let key = loop {
        let plan = sluice_core::plan::plan(&world.snapshot());
        if let Some(planned) = plan.effects.iter().find(|planned| matches!(planned.effect, Effect::Child(_))) {
            break planned.effect.key();
        }
        world.pass();
        world.run_replica_sets();
    };
    let retry_at = sluice_core::time::after(world.now, jiff::SignedDuration::from_secs(1));
    world.refusals.push(Refusal { key, error: "it exists".into(), name_taken: true, retry_at, only: None });
    world.settle();
    assert_eq!(world.runs(), ["web-HASH-2-0.1"]);
}

#[test]
fn an_argument_that_nobody_gives_is_named() {
    let steps = json!([{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "rate"}]}}]);
    let mut world = rollout(2, &json!({"steps": steps})).with_rate().deployed();
    world.set_image("web:2");
    world.settle();
    let message = "Step-based analysis cannot begin: args.hash was not resolved: no template has a value for it, and none is given";
    assert_eq!(world.waits_for(), ("", message));
}

#[test]
fn a_provider_that_nobody_measures_with_holds_the_update() {
    let metric = json!({"name": "load", "provider": {"datadog": {"query": "q"}}});
    let steps = json!([{"setWeight": 50}, {"analysis": {"templates": [{"templateName": "load"}]}}]);
    let world = rollout(2, &json!({"steps": steps})).with_template("load", &json!({"metrics": [metric]}));
    let mut world = world.deployed();
    world.set_image("web:2");
    world.settle();
    let message = "Step-based analysis cannot begin: metric \"load\" asks Datadog, which is not supported by this version of Sluice";
    assert_eq!((world.waits_for(), world.runs().len()), (("", message), 0));
}

#[test]
fn finished_runs_stay_as_many_as_the_manifest_says() {
    let mut world = at_analysis();
    world.edit("/spec/analysis", json!({"successfulRunHistoryLimit": 1, "unsuccessfulRunHistoryLimit": 2}));
    for (phase, expected) in [
        (Phase::Failed, vec!["web-HASH-2-1", "web-HASH-2-1.1"]),
        (Phase::Error, vec!["web-HASH-2-1", "web-HASH-2-1.1", "web-HASH-2-1.2"]),
        (Phase::Failed, vec!["web-HASH-2-1.1", "web-HASH-2-1.2", "web-HASH-2-1"]),
    ] {
        world.measured(phase, "bad");
        world.pass_time(5);
        world.patch_status(|status| status.abort = false);
        world.pass_time(5);
        assert_eq!(world.runs(), expected, "{phase}");
    }
    assert!(world.analyses.runs.iter().all(|run| !run.spec.terminate));
}

/// A blue-green update whose preview is there.
fn previewed(more: &Value) -> World {
    let mut strategy = json!({"scaleDownDelaySeconds": 30});
    strategy.as_object_mut().expect("fields").extend(more.as_object().expect("fields").clone());
    let mut world = blue_green(2, strategy).with_rate().deployed();
    world.set_image("web:2");
    world.settle();
    world
}

#[test]
fn a_preview_is_analysed_before_it_gets_requests() {
    let mut world = previewed(&json!({"prePromotionAnalysis": asks()}));
    assert_eq!((world.runs(), world.selected("active")), (vec!["web-HASH-2-pre".to_owned()], "web:1"));
    world.measured(Phase::Running, "");
    assert_eq!(world.selected("active"), "web:1");
    world.measured(Phase::Successful, "");
    assert_eq!((world.selected("active"), world.phase().0), ("web:2", "Healthy"));
}

#[test]
fn a_preview_that_fails_its_analysis_never_gets_requests() {
    let mut world = previewed(&json!({"prePromotionAnalysis": asks()}));
    world.measured(Phase::Failed, "bad");
    assert_eq!(world.selected("active"), "web:1");
    let why = "RolloutAborted: Rollout aborted update to revision 2: Blue/green pre-promotion analysis phase error/failed: bad";
    assert_eq!(world.phase(), ("Degraded", why));
}

#[test]
fn a_person_is_asked_after_the_analysis_of_the_preview() {
    let mut world = previewed(&json!({"prePromotionAnalysis": asks(), "autoPromotionEnabled": false}));
    assert!(world.status().pause_conditions.is_empty());
    world.measured(Phase::Successful, "");
    assert_eq!(world.phase(), ("Paused", "BlueGreenPause"));
    world.resume();
    assert_eq!((world.selected("active"), world.phase().0), ("web:2", "Healthy"));
    assert_eq!(world.runs(), ["web-HASH-2-pre"]);
}

#[test]
fn measuring_once_more_is_no_promotion() {
    let mut world = previewed(&json!({"prePromotionAnalysis": asks(), "autoPromotionEnabled": false}));
    world.measured(Phase::Inconclusive, "neither");
    world.resume();
    world.measured(Phase::Successful, "");
    assert_eq!((world.selected("active"), world.phase()), ("web:1", ("Paused", "BlueGreenPause")));
}

#[test]
fn requests_go_back_also_when_the_new_version_has_lost_its_pods() {
    let mut world = previewed(&json!({"postPromotionAnalysis": asks()}));
    world.measured(Phase::Running, "");
    world.break_image("web:2");
    world.settle();
    world.measured(Phase::Failed, "bad");
    assert_eq!(world.selected("active"), "web:1");
}

#[test]
fn an_analysis_may_take_longer_than_the_deadline() {
    for block in ["prePromotionAnalysis", "postPromotionAnalysis"] {
        let mut world = previewed(&json!({ block: asks() }));
        world.edit("/spec/progressDeadlineAbort", json!(true));
        world.measured(Phase::Running, "");
        world.pass_time(3600);
        world.measured(Phase::Successful, "");
        world.pass_time(60);
        assert_eq!((world.selected("active"), world.phase()), ("web:2", ("Healthy", "")), "{block}");
        assert!(!world.reasons().contains(&"ProgressDeadlineExceeded"), "{block}");
    }
}

#[test]
fn an_undecided_analysis_holds_the_promotion_too() {
    let mut world = rollout(2, &json!({"analysis": asks()})).with_rate().deployed();
    world.set_image("web:2");
    for _ in 0..4 {
        world.pass();
    }
    world.analyses.runs[0].status =
        Some(AnalysisRunStatus { phase: "Inconclusive".into(), ..AnalysisRunStatus::default() });
    world.settle();
    assert_eq!(world.phase(), ("Paused", "InconclusiveAnalysisRun"));
    assert_ne!(world.status().stable_rs, world.status().current_pod_hash);
}

#[test]
fn the_old_version_stays_until_the_new_one_has_proven_itself() {
    let mut world = previewed(&json!({"postPromotionAnalysis": asks()}));
    assert_eq!((world.runs(), world.selected("active")), (vec!["web-HASH-2-post".to_owned()], "web:2"));
    world.pass_time(3600);
    assert_eq!((world.size("web:1"), world.phase()), (2, ("Progressing", "waiting for analysis to complete")));
    world.measured(Phase::Successful, "");
    world.pass_time(60);
    assert_eq!((world.size("web:1"), world.phase()), (0, ("Healthy", "")));
}

#[test]
fn requests_go_back_when_the_new_version_fails_afterwards() {
    let mut world = previewed(&json!({"postPromotionAnalysis": asks()}));
    world.measured(Phase::Failed, "bad");
    assert_eq!((world.selected("active"), world.size("web:1")), ("web:1", 2));
    let why = "RolloutAborted: Rollout aborted update to revision 2: Blue/green post-promotion analysis phase error/failed: bad";
    assert_eq!(world.phase(), ("Degraded", why));
}

#[test]
fn an_inconclusive_preview_waits_for_a_person() {
    let mut world = previewed(&json!({"prePromotionAnalysis": asks()}));
    world.measured(Phase::Inconclusive, "neither");
    assert_eq!((world.selected("active"), world.phase()), ("web:1", ("Paused", "InconclusiveAnalysisRun")));
    world.resume();
    assert_eq!(world.runs(), ["web-HASH-2-pre", "web-HASH-2-pre.1"]);
    world.measured(Phase::Successful, "");
    assert_eq!(world.selected("active"), "web:2");
}

#[test]
fn a_full_promotion_does_without_analysis() {
    for block in ["prePromotionAnalysis", "postPromotionAnalysis"] {
        let mut world = previewed(&json!({ block: asks() }));
        world.measured(Phase::Running, "");
        world.patch_status(|status| status.promote_full = true);
        world.settle();
        assert_eq!((world.selected("active"), world.phase().0), ("web:2", "Healthy"), "{block}");
        assert!(world.runs()[0].starts_with('!'), "{block}");
    }
}
