//! `golden/expr.json`, which `tests/expr` writes: what the Go library says of each condition.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::Deserialize;
use serde_json::Value as Json;
use sluice_core::expr::{Condition, ExprError, Stage};

#[derive(Debug, Deserialize)]
pub struct Case {
    group: String,
    pub kind: String,
    pub result: Json,
    pub condition: String,
    verdict: Option<bool>,
    error: Option<String>,
    message: Option<String>,
}

impl Case {
    /// What the library says.
    fn theirs(&self) -> String {
        self.verdict.map_or_else(|| self.error.clone().unwrap_or_default(), |verdict| verdict.to_string())
    }
}

pub fn cases() -> &'static [Case] {
    static CASES: LazyLock<Vec<Case>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../golden/expr.json")).expect("the file is as the generator writes it")
    });
    &CASES
}

/// Where we differ on purpose: the condition, what we say, and why.
const DIFFERENCES: &[(&str, &str, &str)] = &[
    ("$env.result.Status == 999", "compile", LEFT_OUT),
    ("$env[\"result\"].ok", "compile", LEFT_OUT),
    ("toBase64(\"a\") == \"YQ==\"", "compile", LEFT_OUT),
    ("fromBase64(\"YQ==\") == \"a\"", "compile", LEFT_OUT),
    ("len", "compile", NO_VALUE),
    ("len == nil", "compile", NO_VALUE),
    ("all", "compile", NO_VALUE),
    ("asInt", "compile", NO_VALUE),
    ("all(result.empty, .x > 1)", "run", NO_LIST),
    ("all(result.text, # > 0)", "run", NO_LIST),
    ("any(result.nested, true)", "run", NO_LIST),
    ("result.Status && true", "run", NOT_FOLDED),
    ("result.text || true", "run", NOT_FOLDED),
    ("filter(result.items, .n)", "not a bool", "that a list is no verdict is seen before it runs"),
    ("mean(1, 2, 3) == 2", "true", MISTYPED),
    ("median(1, 3, 2) == 2", "true", MISTYPED),
    ("filter(result, .Id == \"m1\")[0].Values[1] == 0.01", "true", "the library fails with a nil pointer of its own"),
];

const LEFT_OUT: &str = "left out of the language, see docs/guide/conditions.md";
const NO_VALUE: &str = "a function without a call is nothing that a condition can be made of";
const NO_LIST: &str = "a loop over what is no list is a mistake, and must not hold because there is nothing to look at";
const NOT_FOLDED: &str =
    "`&& true` and `|| true` want a truth on the left, as they do with everything else on the right";
const MISTYPED: &str = "the library takes the result for a whole number, and fails because it is none";

/// What came of a condition, in the words of the generator.
fn told(outcome: &Result<bool, ExprError>) -> String {
    match outcome {
        Ok(verdict) => verdict.to_string(),
        Err(error) => match error.stage {
            Stage::Syntax | Stage::Types => "compile".to_owned(),
            Stage::NotBool => "not a bool".to_owned(),
            Stage::Run | Stage::TooMuch => "run".to_owned(),
        },
    }
}

fn ours(case: &Case) -> Result<bool, ExprError> {
    Condition::parse(&case.condition)?.holds(&super::result(&case.kind, &case.result), &super::env())
}

#[test]
fn every_verdict_and_every_kind_of_error_is_that_of_the_go_library() {
    let cases = cases();
    assert!(cases.len() >= 300, "only {} cases", cases.len());
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for case in cases {
        let theirs = case.theirs();
        let outcome = ours(case);
        let purpose = DIFFERENCES.iter().find(|(condition, ..)| *condition == case.condition);
        let expected = purpose.map_or(theirs.as_str(), |(_, ours, _)| ours);
        if told(&outcome) != expected {
            let message = outcome.as_ref().err().map(ToString::to_string).unwrap_or_default();
            wrong.entry(case.group.clone()).or_default().push(format!(
                "{:?} of {} {}: theirs {expected} {}; ours {} {message}",
                case.condition,
                case.kind,
                case.result.to_string().chars().take(60).collect::<String>(),
                case.message.as_deref().unwrap_or_default(),
                told(&outcome)
            ));
        }
    }
    let count: usize = wrong.values().map(Vec::len).sum();
    assert!(wrong.is_empty(), "{count} of {} differ: {wrong:#?}", cases.len());
}

#[test]
fn every_difference_on_purpose_is_one() {
    for (condition, ours, reason) in DIFFERENCES {
        let case = cases().iter().find(|case| case.condition == *condition);
        let case = case.unwrap_or_else(|| panic!("{condition:?} is not in the corpus"));
        let theirs = case.theirs();
        assert_ne!(theirs, *ours, "{condition:?} does not differ: {reason}");
    }
}

/// A condition that the library compiles for one result, we accept for a result that nothing is known of: what lint and the
/// webhook refuse would never have worked.
#[test]
fn what_compiles_for_some_result_is_accepted_without_one() {
    for case in cases() {
        let compiles = case.verdict.is_some() || case.error.as_deref() == Some("run");
        if !compiles || DIFFERENCES.iter().any(|(condition, ..)| *condition == case.condition) {
            continue;
        }
        let checked =
            Condition::parse(&case.condition).and_then(|condition| condition.check(sluice_core::expr::Type::Any));
        assert!(checked.is_ok(), "{:?}: {checked:?}", case.condition);
    }
}

#[test]
fn every_error_names_a_place_within_the_condition() {
    for case in cases() {
        let Err(error) = ours(case) else { continue };
        let line = case.condition.split('\n').nth(error.line - 1);
        let line = line.unwrap_or_else(|| panic!("{:?} has no line {}", case.condition, error.line));
        assert!(error.column <= line.chars().count() + 1, "{:?}: {error}", case.condition);
        assert!(!error.message.is_empty(), "{:?}", case.condition);
    }
}
