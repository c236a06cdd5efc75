//! The replica arithmetic against decisions recorded from Argo Rollouts.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use serde::Deserialize;
use sluice_core::replicas::{BasicCanary, Limits, Size};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Case {
    n: i32,
    w: i32,
    s: i32,
    u: i32,
    #[serde(rename = "SP")]
    surge_percent: String,
    #[serde(rename = "UP")]
    unavailable_percent: String,
    new_spec: i32,
    new_avail: i32,
    st_spec: i32,
    st_avail: i32,
    old_spec: i32,
    no_stable: bool,
    abort: bool,
    new: i32,
    stable: i32,
}

fn limit(count: i32, percent: &str) -> IntOrString {
    if percent.is_empty() { IntOrString::Int(count) } else { IntOrString::String(percent.into()) }
}

#[test]
fn every_recorded_case_gets_the_recorded_sizes() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for line in include_str!("golden/basic_canary.jsonl").lines() {
        let case: Case = serde_json::from_str(line).expect("a recorded case parses");
        seen += 1;
        let limits = Limits::resolve(
            case.n,
            Some(&limit(case.s, &case.surge_percent)),
            Some(&limit(case.u, &case.unavailable_percent)),
        );
        let decision = BasicCanary {
            limits,
            weight: if case.abort { 0 } else { case.w },
            new: Size { spec: case.new_spec, available: case.new_avail },
            stable: (!case.no_stable).then_some(Size { spec: case.st_spec, available: case.st_avail }),
            old_spec: case.old_spec,
        }
        .next();
        if (decision.canary, decision.stable) != (case.new, case.stable) {
            wrong.push(format!("{decision:?} for {line}"));
        }
    }
    assert_eq!(seen, 2500, "the recording is complete");
    assert!(wrong.is_empty(), "{} wrong, the first: {:#?}", wrong.len(), &wrong[..wrong.len().min(18)]);
}
