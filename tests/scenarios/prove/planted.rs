//! Every planted bug must be found, by a scenario, an invariant, or only by a fault.

use std::time::Instant;

use sluice_core::planted::{Bug, plant};

use super::{Named, all, problems, run, sweep};

/// Looks for a bug: first without faults, then with them.
fn find(bug: Bug) -> Option<(&'static str, String)> {
    let scenarios = all();
    plant(None);
    let sound: Vec<_> = scenarios.iter().map(|scenario| run(*scenario, None)).collect();
    plant(Some(bug));
    let by = |(name, _): &Named, problems: Vec<String>| Some((*name, problems.into_iter().next()?));
    let found = scenarios.iter().zip(&sound).find_map(|(scenario, sound)| {
        by(scenario, problems("no fault", &run(*scenario, None), sound))
    });
    let found = found.or_else(|| scenarios.iter().find_map(|scenario| by(scenario, sweep(*scenario).problems)));
    plant(None);
    found
}

#[test]
fn every_planted_bug_is_found() {
    let start = Instant::now();
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match find(bug) {
            Some((scenario, problem)) => {
                let problem: String = problem.lines().next().unwrap_or_default().chars().take(150).collect();
                println!("{:<26} {scenario}: {problem}", format!("{bug:?}"));
            }
            None => missed.push(bug),
        }
    }
    println!("{} of {} planted bugs found in {:.1} s", Bug::ALL.len() - missed.len(), Bug::ALL.len(), start.elapsed().as_secs_f64());
    assert!(missed.is_empty(), "not found: {missed:?}");
}
