use serde_json::{Value, json};

use super::*;

fn at(second: i64) -> Timestamp {
    time::after("2026-01-01T00:00:00Z".parse().expect("a time"), SignedDuration::from_secs(second))
}

fn call(execution: u32) -> StepCall {
    let step = StepAt { index: 2, revision: "v2".into(), config: Value::Null, state: None };
    let rollout = Subject { namespace: "shop".into(), name: "web".into(), uid: "u".into() };
    StepCall { plugin: "example/approval".into(), operation: Operation::Run, rollout, step, execution }
}

fn ready() -> StepPlugin {
    StepPlugin::Ready(BTreeSet::new())
}

fn answer(execution: u32, result: Result<Progress, StepFailure>) -> StepAnswer {
    StepAnswer { call: call(execution), result }
}

fn after(answer: &StepAnswer) -> StepPluginStatus {
    turn(None, &ready(), answer.call.clone(), Some(answer), at(0)).entry.expect("an entry")
}

#[test]
fn a_step_begins_with_a_call_and_its_answer_is_written_down() {
    let begins = turn(None, &ready(), call(1), None, at(0));
    let entry = begins.entry.expect("an entry");
    assert_eq!((entry.phase.as_str(), entry.executions, begins.next), ("Running", 0, Next::Ask(Box::new(call(1)))));
    let running = answer(1, Ok(Progress::running("waits for Jane", Some(json!({"asked": "jane"})), 20_000)));
    let Turn { entry, next } = turn(None, &ready(), call(1), Some(&running), at(0));
    let written = json!({
        "index": 2, "name": "example/approval", "operation": "Run", "phase": "Running", "message": "waits for Jane",
        "startedAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z", "executions": 1, "backoff": "20s",
        "status": {"asked": "jane"},
    });
    assert_eq!((json!(entry), next), (written, Next::Wait(at(20))));
}

#[test]
fn an_answer_to_another_call_says_nothing() {
    let other = answer(2, Ok(Progress::successful("")));
    assert_eq!(turn(None, &ready(), call(1), Some(&other), at(0)).next, Next::Ask(Box::new(call(1))));
}

#[test]
fn it_is_run_again_when_it_asked_for_that_and_not_sooner_than_in_ten_seconds() {
    for (asked, waits) in [(Some(1), 10), (Some(25_000), 25), (Some(25_001), 26), (None, 30)] {
        let progress = Progress { retry_after_ms: asked, ..Progress::running("", None, 0) };
        let entry = after(&answer(1, Ok(progress)));
        let next = |second| turn(Some(&entry), &ready(), call(2), None, at(second)).next;
        assert_eq!(next(waits - 1), Next::Wait(at(waits)), "{asked:?}");
        assert_eq!(next(waits), Next::Ask(Box::new(call(2))), "{asked:?}");
    }
}

#[test]
fn a_step_that_is_over_is_not_asked_again() {
    for progress in [Progress::successful("done"), Progress::failed("denied")] {
        let entry = after(&answer(1, Ok(progress)));
        assert_eq!((entry.finished_at.is_some(), entry.backoff.as_str()), (true, ""));
        assert_eq!(turn(Some(&entry), &ready(), call(2), None, at(1000)).next, Next::Nothing);
    }
}

#[test]
fn without_an_answer_the_state_stays_and_it_is_asked_again() {
    let running = after(&answer(1, Ok(Progress::running("waits", Some(json!(7)), 10_000))));
    let failure = |retry_after| Err(StepFailure { message: "connection refused".into(), retry_after });
    for (retry_after, backoff) in [(None, "30s"), (Some(SignedDuration::from_mins(2)), "2m0s")] {
        let failed = answer(2, failure(retry_after));
        let entry = turn(Some(&running), &ready(), call(2), Some(&failed), at(10)).entry.expect("an entry");
        assert_eq!((entry.phase.as_str(), entry.message.as_str()), ("Error", "connection refused"));
        assert_eq!((entry.status, entry.executions, entry.backoff.as_str()), (Some(json!(7)), 2, backoff));
    }
}

#[test]
fn one_that_is_switched_off_is_done_and_one_that_is_not_there_is_waited_for() {
    let off = turn(None, &StepPlugin::Disabled, call(1), None, at(0));
    let entry = off.entry.expect("an entry");
    assert_eq!((entry.disabled, entry.phase.as_str(), off.next), (true, "Successful", Next::Nothing));
    let absent = turn(None, &StepPlugin::Absent("no such file".into()), call(1), None, at(0));
    assert_eq!(absent, Turn { entry: None, next: Next::Unavailable("no such file".into()) });
}
