//! The page that describes the protocol says what the types say.

use std::collections::BTreeSet;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sluice_plugin::{
    AbortStep, Apply, Call, DescribeMetric, Failure, Initialize, Observe, Params, Ping, Release, Request, Response,
    ResumeMetric, RunMetric, RunStep, Said, Shutdown, TerminateMetric, TerminateStep,
};

const PAGE: &str = include_str!("../../README.md");

/// The examples of a sort (`json request`), in order.
fn examples(sort: &str) -> Vec<&'static str> {
    let fence = format!("```{sort}\n");
    PAGE.split(&fence).skip(1).map(|rest| rest.split("\n```").next().expect("an end")).collect()
}

/// It reads as this type, and the type says nothing else: no field of the page is lost, none is missing.
fn read<T: Serialize + DeserializeOwned>(what: &str, value: &Value) -> T {
    let read = T::deserialize(value).unwrap_or_else(|error| panic!("{what}: {error}\n{value:#}"));
    let again = serde_json::to_value(&read).expect("JSON");
    assert_eq!(&again, value, "{what} reads as something else");
    read
}

/// The parameters are those of this call, and the answer is one to it.
fn check<C: Call>(call: &C, answer: &Value) {
    let answer: C::Answer = read(C::METHOD, answer);
    call.check(&answer).unwrap_or_else(|why| panic!("the answer to {} {why}", C::METHOD));
}

fn of_a_connection<C: Call>(params: &Value, answer: &Value) {
    check(&read::<C>(C::METHOD, params), answer);
}

fn of_a_kind<C: Call>(params: &Value, answer: &Value) {
    check(&read::<Params<C>>(C::METHOD, params).call, answer);
}

type Check = fn(&Value, &Value);

const CALLS: [(&str, Check); 13] = [
    (Initialize::METHOD, of_a_connection::<Initialize>),
    (Ping::METHOD, of_a_connection::<Ping>),
    (Shutdown::METHOD, of_a_connection::<Shutdown>),
    (Apply::METHOD, of_a_kind::<Apply>),
    (Observe::METHOD, of_a_kind::<Observe>),
    (Release::METHOD, of_a_kind::<Release>),
    (RunMetric::METHOD, of_a_kind::<RunMetric>),
    (ResumeMetric::METHOD, of_a_kind::<ResumeMetric>),
    (TerminateMetric::METHOD, of_a_kind::<TerminateMetric>),
    (DescribeMetric::METHOD, of_a_kind::<DescribeMetric>),
    (RunStep::METHOD, of_a_kind::<RunStep>),
    (TerminateStep::METHOD, of_a_kind::<TerminateStep>),
    (AbortStep::METHOD, of_a_kind::<AbortStep>),
];

#[test]
fn every_call_has_a_request_and_an_answer_on_the_page() {
    let (requests, answers) = (examples("json request"), examples("json answer"));
    assert_eq!(requests.len(), answers.len());
    let mut shown = BTreeSet::new();
    for (request, answer) in requests.iter().zip(answers) {
        let request: Request = read("a request", &serde_json::from_str(request).expect(request));
        let answer: Response = read("an answer", &serde_json::from_str(answer).expect(answer));
        assert_eq!(answer.id, Some(request.id), "the answer to {}", request.method);
        let (method, check) = CALLS.iter().find(|(method, _)| *method == request.method).expect("a known method");
        check(&request.params, &answer.result.expect("a result"));
        assert!(PAGE.contains(&format!("### {method}\n")), "{method} has a heading");
        shown.insert(*method);
    }
    assert_eq!(shown, CALLS.iter().map(|(method, _)| *method).collect());
}

#[test]
fn the_error_on_the_page_is_one() {
    let [error] = examples("json error")[..] else { panic!("one example") };
    let line = serde_json::from_str::<Value>(error).expect("JSON").to_string();
    let Ok(Said::Answer(7, Err(error))) = Said::read(line.as_bytes()) else { panic!("an error: {line}") };
    let Failure::Unavailable { retry_after, .. } = error.into() else { panic!("unavailable") };
    assert_eq!(retry_after, Some(std::time::Duration::from_secs(5)));
}

#[test]
fn the_conversation_on_the_page_is_one() {
    let start = PAGE.find("\n> {").expect("a conversation");
    let lines: Vec<&str> = PAGE[start + 1..].lines().take_while(|line| line.starts_with(['>', '<'])).collect();
    assert_eq!(lines.len(), 4);
    for pair in lines.chunks(2) {
        let request: Request = serde_json::from_str(pair[0].trim_start_matches('>')).expect("a request");
        let said = Said::read(pair[1].trim_start_matches('<').as_bytes()).expect("an answer");
        assert!(matches!(said, Said::Answer(id, Ok(_)) if id == request.id), "{said:?}");
    }
}
