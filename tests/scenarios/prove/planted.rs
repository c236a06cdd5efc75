//! Every planted bug must be found, by a scenario, an invariant, or only by a fault.

use tokio::time::Instant;

use sluice_core::planted::{Bug, plant};

use super::{FEW, Named, Run, all, disturbed, label, problems, run};

/// Looks for a bug: first without faults, then with those of a few scenarios.
fn find(bug: Bug, sound: &[(Named, Run)]) -> Option<(&'static str, String)> {
    plant(Some(bug));
    let judge = |(name, _): &Named, what: &str, run: &Run, sound: &Run| {
        problems(what, run, sound).into_iter().next().map(|problem| (*name, problem))
    };
    let found = sound.iter().find_map(|(scenario, sound)| judge(scenario, "no fault", &run(*scenario, None), sound));
    let mut few = sound.iter().filter(|((name, _), _)| FEW.contains(name));
    let found = found.or_else(|| {
        few.find_map(|(scenario, sound)| {
            disturbed(*scenario, sound).find_map(|(fault, _, run)| judge(scenario, label(fault), &run, sound))
        })
    });
    plant(None);
    found
}

#[test]
fn every_planted_bug_is_found() {
    let start = Instant::now();
    let sound: Vec<(Named, Run)> = all().into_iter().map(|scenario| (scenario, run(scenario, None))).collect();
    for (scenario, run) in &sound {
        let problems = problems("no fault", run, run);
        assert!(problems.is_empty(), "{} fails without a bug: {problems:?}", scenario.0);
    }
    let mut missed = Vec::new();
    for bug in Bug::ALL {
        match find(bug, &sound) {
            Some((scenario, problem)) => {
                let problem: String = problem.lines().next().unwrap_or_default().chars().take(150).collect();
                println!("{:<26} {scenario}: {problem}", format!("{bug:?}"));
            }
            None => missed.push(bug),
        }
    }
    println!(
        "{} of {} planted bugs found in {:.1} s",
        Bug::ALL.len() - missed.len(),
        Bug::ALL.len(),
        start.elapsed().as_secs_f64()
    );
    assert!(missed.is_empty(), "not found: {missed:?}");
}
