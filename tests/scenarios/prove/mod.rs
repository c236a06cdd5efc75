//! The first proof: every scenario, with the controller dying before and after each of its writes, and with the answer to
//! each write lost. It must come to the same end as without, through writes that keep the invariants.
//!
//! `make prove` runs all of it and prints the table; `make test` runs every write of a few scenarios. With the feature
//! `planted-bugs`, each bug of `sluice_core::planted` must be found.

mod invariants;
mod run;
mod seeds;

#[cfg(feature = "planted-bugs")]
mod planted;

use std::collections::BTreeMap;
use tokio::time::Instant;

use futures::future::LocalBoxFuture;
use sluice_sandbox::line::{Fault, Write};

use self::run::{Run, run};
use crate::scenario::Scenario;

/// A scenario with its name.
pub type Named = (&'static str, fn(Scenario) -> LocalBoxFuture<'static, ()>);

const FAULTS: [Fault; 6] = [
    Fault::CrashBefore,
    Fault::CrashAfter,
    Fault::LoseResponse,
    Fault::Lag,
    Fault::LoseResponseAndLag,
    Fault::CutWatches,
];

/// Every scenario that runs in virtual time, but for those that count writes, of which a fault makes more.
fn all() -> Vec<Named> {
    let modules: [&[Named]; 31] = [
        crate::abort::SCENARIOS,
        crate::adopt::SCENARIOS,
        crate::analysis::SCENARIOS,
        crate::analysis::jobs::SCENARIOS,
        crate::autoscale::SCENARIOS,
        crate::blue_green::SCENARIOS,
        crate::deploy::SCENARIOS,
        crate::experiment::SCENARIOS,
        crate::first::SCENARIOS,
        crate::history::SCENARIOS,
        crate::lost::SCENARIOS,
        crate::metadata::SCENARIOS,
        crate::migrate::SCENARIOS,
        crate::pause::SCENARIOS,
        crate::restart::SCENARIOS,
        crate::rollback::SCENARIOS,
        crate::routers::alb::SCENARIOS,
        crate::routers::ambassador::SCENARIOS,
        crate::routers::apisix::SCENARIOS,
        crate::routers::app_mesh::SCENARIOS,
        crate::routers::gateway_api::SCENARIOS,
        crate::routers::istio::SCENARIOS,
        crate::routers::nginx::SCENARIOS,
        crate::routers::several::SCENARIOS,
        crate::routers::smi::SCENARIOS,
        crate::routers::traefik::SCENARIOS,
        crate::scale::SCENARIOS,
        crate::services::SCENARIOS,
        crate::step::SCENARIOS,
        crate::validate::SCENARIOS,
        crate::workload::SCENARIOS,
    ];
    modules.concat()
}

/// What the sweep of one scenario found.
#[derive(Default)]
struct Tally {
    writes: usize,
    runs: BTreeMap<&'static str, usize>,
    unreached: usize,
    problems: Vec<String>,
}

fn label(fault: Fault) -> &'static str {
    match fault {
        Fault::CrashBefore => "crash before",
        Fault::CrashAfter => "crash after",
        Fault::LoseResponse => "answer lost",
        Fault::Lag => "watches late",
        Fault::LoseResponseAndLag => "both",
        Fault::CutWatches => "watches cut",
    }
}

/// Runs one scenario with each fault at each write, one after the other.
fn disturbed(scenario: Named, sound: &Run) -> impl Iterator<Item = (Fault, &Write, Run)> {
    let faults = sound.writes.iter().flat_map(|write| FAULTS.map(|fault| (write, fault)));
    faults.map(move |(write, fault)| (fault, write, run(scenario, Some((write.clone(), fault)))))
}

/// Runs one scenario without a fault, and then with each fault at each write.
fn sweep(scenario: Named) -> Tally {
    let sound = run(scenario, None);
    let mut tally = Tally { writes: sound.writes.len(), ..Tally::default() };
    tally.problems.extend(problems("no fault", &sound, &sound));
    for (fault, write, disturbed) in disturbed(scenario, &sound) {
        if !disturbed.fault_done {
            tally.unreached += 1;
            continue;
        }
        *tally.runs.entry(label(fault)).or_default() += 1;
        tally.problems.extend(problems(&format!("{} {write} ({})", label(fault), write.diff), &disturbed, &sound));
    }
    tally
}

/// What is wrong with a run.
fn problems(what: &str, run: &Run, sound: &Run) -> Vec<String> {
    let mut problems = run.violations.clone();
    problems.extend(run.panics.clone());
    if run.children != sound.children {
        problems.push(format!("created {:?} instead of {:?}", run.children, sound.children));
    }
    if let Some(difference) = difference("", &sound.end, &run.end) {
        problems.push(format!("came to another end: {difference}"));
    }
    problems.into_iter().map(|problem| format!("{what}: {problem}")).collect()
}

/// The first difference between two values.
fn difference(at: &str, one: &serde_json::Value, other: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match (one, other) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: std::collections::BTreeSet<&String> = a.keys().chain(b.keys()).collect();
            keys.into_iter().find_map(|key| {
                difference(
                    &format!("{at}.{key}"),
                    a.get(key).unwrap_or(&Value::Null),
                    b.get(key).unwrap_or(&Value::Null),
                )
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().find_map(|(index, (a, b))| difference(&format!("{at}[{index}]"), a, b))
        }
        (a, b) if a == b => None,
        (a, b) => Some(format!("{at} is {b} instead of {a}")),
    }
}

/// Sweeps scenarios, prints the table, and fails with all problems.
fn prove(scenarios: &[Named]) {
    let start = Instant::now();
    let heads = FAULTS.map(|fault| format!("{:>12}", label(fault))).join(" ");
    println!("{:<76} {:>6} {heads} {:>9}", "scenario", "writes", "unreached");
    let mut problems = Vec::new();
    let mut total = 0;
    for scenario in scenarios {
        let tally = sweep(*scenario);
        let runs = FAULTS.map(|fault| tally.runs.get(label(fault)).copied().unwrap_or(0));
        let cells = runs.map(|runs| format!("{runs:>12}")).join(" ");
        println!("{:<76} {:>6} {cells} {:>9}", scenario.0, tally.writes, tally.unreached);
        total += runs.iter().sum::<usize>();
        // Disturbed runs go other ways, so that some writes are not made; were it many, the table would prove little.
        if 4 * tally.unreached > runs.iter().sum::<usize>() {
            problems.push(format!("{}: {} faults were not reached", scenario.0, tally.unreached));
        }
        problems.extend(tally.problems.into_iter().map(|problem| format!("{}: {problem}", scenario.0)));
    }
    let seconds = start.elapsed().as_secs_f64();
    println!("{} scenarios, {total} faults, {} problems, {seconds:.1} s", scenarios.len(), problems.len());
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Those whose faults every test run goes through.
const FEW: [&str; 10] = [
    "analysis_beside_the_steps_aborts_a_pause",
    "requests_go_back_when_the_analysis_after_the_switch_fails",
    "a_bad_version_aborts_itself_and_says_what_was_measured",
    "a_step_runs_both_versions_side_by_side_for_a_while",
    "an_update_walks_its_steps_and_promotes_itself",
    "an_abort_gives_everything_back_to_the_stable_revision",
    "a_third_revision_replaces_the_second_in_the_middle_of_its_update",
    "a_replica_set_of_an_older_argo_rollouts_is_adopted",
    "a_deadline_can_abort_the_update",
    "a_job_that_runs_long_is_ended_when_the_update_is_aborted",
];

/// Part of every test run.
#[test]
fn a_few_scenarios_come_to_the_same_end_after_every_fault() {
    let scenarios: Vec<Named> = all().into_iter().filter(|(name, _)| FEW.contains(name)).collect();
    assert_eq!(scenarios.len(), FEW.len());
    prove(&scenarios);
}

/// `make prove`.
#[test]
#[ignore = "takes a minute; `make prove` runs it"]
fn every_scenario_comes_to_the_same_end_after_every_fault() {
    let wanted = std::env::var("SCENARIO").unwrap_or_default();
    let scenarios: Vec<Named> = all().into_iter().filter(|(name, _)| name.contains(&wanted)).collect();
    prove(&scenarios);
}
