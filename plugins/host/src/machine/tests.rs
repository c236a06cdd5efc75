//! A plugin's life, in a time that the tests make.

use std::time::Duration;

use serde_json::json;

use super::*;

/// A machine, its clock, and what it wanted done.
struct World {
    machine: Machine,
    start: Instant,
    now: Instant,
}

impl World {
    fn new() -> World {
        let start = Instant::now();
        World { machine: Machine::new(Kind::Step, "a/b", "test", start), start, now: start }
    }

    /// One that is ready, with this concurrency.
    fn ready(concurrency: u32) -> World {
        let mut world = World::new();
        world.get_ready(concurrency);
        world
    }

    fn get_ready(&mut self, concurrency: u32) {
        assert_eq!(self.wakes(), [Output::Connect]);
        let id = sent(&self.happens(Input::Connected)[0]).id;
        assert!(self.says(&hello(id, concurrency)).is_empty());
        assert!(matches!(self.machine.standing(), Standing::Ready(_)));
    }

    /// The next tick that the machine wants.
    fn wakes(&mut self) -> Vec<Output> {
        self.now = self.now.max(self.machine.wake().expect("a time"));
        self.happens(Input::Tick)
    }

    fn seconds(&self) -> u64 {
        self.now.duration_since(self.start).as_secs()
    }

    fn happens(&mut self, input: Input) -> Vec<Output> {
        self.machine.step(self.now, input)
    }

    fn says(&mut self, line: &Value) -> Vec<Output> {
        self.happens(Input::Line(line.to_string().into_bytes()))
    }

    fn calls(&mut self, ticket: Ticket, seconds: u64) -> Vec<Output> {
        let deadline = self.now + Duration::from_secs(seconds);
        self.happens(Input::Call(Pending { ticket, method: "step/run", params: json!({}), deadline }))
    }

    /// Lets time pass as the machine asks for it, and says at which second it wanted what done.
    fn passes(&mut self, seconds: u64) -> Vec<(u64, Output)> {
        let end = self.now + Duration::from_secs(seconds);
        let mut done = Vec::new();
        for _ in 0..1000 {
            match self.machine.wake() {
                Some(wake) if wake <= end => {
                    let outputs = self.wakes();
                    done.extend(outputs.into_iter().map(|output| (self.seconds(), output)));
                }
                _ => {
                    self.now = end;
                    return done;
                }
            }
        }
        panic!("wakes without end: {done:?}");
    }

    fn why(&self) -> String {
        match self.machine.standing() {
            Standing::Failing(why) => why,
            other => panic!("{other:?}"),
        }
    }
}

fn hello(id: u64, concurrency: u32) -> Value {
    let about = json!({"protocol": 1, "kind": "step", "name": "b", "version": "1", "concurrency": concurrency});
    json!({"jsonrpc": "2.0", "id": id, "result": about})
}

fn answer(id: u64) -> Value {
    json!({"jsonrpc": "2.0", "id": id, "result": {}})
}

fn sent(output: &Output) -> Request {
    match output {
        Output::Write(line) => serde_json::from_slice(line).expect("a request"),
        other => panic!("{other:?}"),
    }
}

fn methods(outputs: &[Output]) -> Vec<String> {
    outputs.iter().map(|output| sent(output).method).collect()
}

fn late(ticket: Ticket) -> Output {
    Output::Answer(ticket, Err(CallError::Late { method: "step/run" }))
}

fn absent(ticket: Ticket, why: &str) -> Output {
    Output::Answer(ticket, Err(CallError::Absent(why.into())))
}

#[test]
fn a_call_waits_until_the_plugin_is_ready_and_knows_how_much_time_is_left() {
    let mut world = World::new();
    assert_eq!(world.calls(1, 20), [Output::Connect]);
    assert_eq!(world.machine.standing(), Standing::Starting);
    world.now += Duration::from_secs(3);
    assert_eq!(methods(&world.happens(Input::Connected)), ["initialize"]);
    let call = sent(&world.says(&hello(1, 1))[0]);
    assert_eq!(call.params, json!({"timeoutMs": 17_000}));
    assert_eq!(world.says(&answer(call.id)), [Output::Answer(1, Ok(json!({})))]);
}

#[test]
fn calls_go_one_at_a_time_unless_the_plugin_takes_more() {
    for concurrency in [1, 3] {
        let mut world = World::ready(concurrency);
        let at_once = (1..=5).map(|ticket| world.calls(ticket, 20).len()).sum::<usize>();
        assert_eq!(at_once, concurrency as usize);
        let next = world.says(&answer(2));
        assert_eq!(next[0], Output::Answer(1, Ok(json!({}))));
        assert_eq!(methods(&next[1..]), ["step/run"]);
    }
}

#[test]
fn answers_may_come_in_any_order() {
    let mut world = World::ready(2);
    let (first, second) = (sent(&world.calls(1, 20)[0]).id, sent(&world.calls(2, 20)[0]).id);
    assert_eq!(world.says(&answer(second)), [Output::Answer(2, Ok(json!({})))]);
    assert_eq!(world.says(&answer(first)), [Output::Answer(1, Ok(json!({})))]);
}

#[test]
fn an_error_is_the_caller_s_and_the_plugin_goes_on() {
    let mut world = World::ready(1);
    let id = sent(&world.calls(1, 20)[0]).id;
    let long = "ä".repeat(5000);
    let error = json!({"jsonrpc": "2.0", "id": id, "error": {"code": 1, "message": long}});
    let Output::Answer(1, Err(CallError::Failed(Failure::InvalidConfig(message)))) = &world.says(&error)[0] else {
        panic!("an error")
    };
    assert_eq!(message.len(), sluice_plugin::MAX_TEXT);
    assert!(matches!(world.machine.standing(), Standing::Ready(_)));
}

#[test]
fn a_late_answer_is_nobody_s_and_does_no_harm() {
    let mut world = World::ready(1);
    let id = sent(&world.calls(1, 5)[0]).id;
    assert!(world.calls(2, 30).is_empty());
    assert_eq!(world.passes(9), [(5, late(1))], "the plugin is at its call still");
    assert_eq!(methods(&world.says(&answer(id))), ["step/run"]);
}

#[test]
fn a_plugin_that_hangs_at_a_call_is_ended_and_started_again() {
    let mut world = World::ready(1);
    world.calls(1, 5);
    world.calls(2, 60);
    let why = "is at step/run still, 10s after its deadline";
    let expected = [(5, late(1)), (15, absent(2, why)), (15, Output::Disconnect), (16, Output::Connect)];
    assert_eq!(world.passes(20), expected);
    assert_eq!(world.why(), why);
}

#[test]
fn an_idle_plugin_is_asked_whether_it_is_there() {
    let mut world = World::ready(1);
    for _ in 0..3 {
        let done = world.passes(10);
        let [(_, ping)] = &done[..] else { panic!("{done:?}") };
        assert_eq!(sent(ping).method, "ping");
        assert!(world.says(&answer(sent(ping).id)).is_empty());
    }
    let done = world.passes(16);
    assert_eq!(sent(&done[0].1).method, "ping");
    assert_eq!(done[1..], [(45, Output::Disconnect), (46, Output::Connect)]);
    assert_eq!(world.why(), "did not answer ping within 5s");
}

#[test]
fn a_plugin_at_a_call_is_not_asked() {
    let mut world = World::ready(1);
    world.calls(1, 60);
    assert_eq!(world.passes(59), []);
}

#[test]
fn silence_at_the_start_is_not_waited_for() {
    let mut world = World::new();
    assert_eq!(world.passes(10), [(0, Output::Connect), (10, Output::Disconnect)]);
    assert_eq!(world.why(), "there is no connection after 10s");
    assert_eq!(world.passes(1), [(11, Output::Connect)]);
    world.happens(Input::Connected);
    assert_eq!(world.passes(10), [(21, Output::Disconnect)]);
    assert_eq!(world.why(), "did not answer initialize within 10s");
}

#[test]
fn a_plugin_that_ends_at_once_is_tried_less_and_less_often() {
    let mut world = World::new();
    let mut tries = Vec::new();
    for _ in 0..10 {
        assert_eq!(world.wakes(), [Output::Connect]);
        tries.push(world.seconds());
        world.happens(Input::NotConnected("cannot start /a: no such file".into()));
    }
    assert_eq!(tries, [0, 1, 3, 7, 15, 31, 63, 123, 183, 243]);
    assert_eq!(world.calls(1, 20), [absent(1, "cannot start /a: no such file")], "nobody waits for it");
}

#[test]
fn after_a_minute_of_good_conduct_it_is_started_at_once_again() {
    let mut world = World::ready(1);
    let ended = Input::Closed("ended with exit code 1".into());
    for delay in [1, 2, 4, 8] {
        assert_eq!(world.happens(ended.clone()), [Output::Disconnect]);
        assert_eq!(world.machine.wake(), Some(world.now + Duration::from_secs(delay)));
        world.get_ready(1);
    }
    for _ in 0..6 {
        let ping = sent(&world.passes(10)[0].1).id;
        world.says(&answer(ping));
    }
    assert_eq!(world.happens(ended), [Output::Disconnect]);
    assert_eq!(world.machine.wake(), Some(world.now + Duration::from_secs(1)));
}

#[test]
fn what_breaks_tells_everybody_who_waits() {
    let mut world = World::ready(1);
    world.calls(1, 20);
    world.calls(2, 20);
    let why = "ended with exit code 3: out of memory";
    let broken = CallError::Broken { method: "step/run", why: why.into() };
    let expected = [Output::Answer(1, Err(broken)), absent(2, why), Output::Disconnect];
    assert_eq!(world.happens(Input::Closed(why.into())), expected);
}

#[test]
fn what_is_no_answer_ends_the_plugin() {
    for (line, why) in [
        ("listening on :8080", "said \"listening on :8080\", which is no answer in JSON-RPC 2.0"),
        (r#"{"jsonrpc":"2.0","id":77,"result":{}}"#, "answered request 77, which nobody made"),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, "answered request 1, which nobody made"),
        (r#"{"jsonrpc":"2.0","id":2}"#, "neither a result nor an error"),
        ("", "which is no answer in JSON-RPC 2.0"),
    ] {
        let mut world = World::ready(1);
        assert_eq!(world.happens(Input::Line(line.into())), [Output::Disconnect], "{line}");
        assert!(world.why().contains(why), "{}", world.why());
    }
}

#[test]
fn notifications_are_ignored_up_to_a_point() {
    let mut world = World::ready(1);
    let line = json!({"jsonrpc": "2.0", "method": "changed"});
    for _ in 0..CHATTER {
        assert_eq!(world.says(&line), []);
    }
    assert_eq!(world.says(&line), [Output::Disconnect]);
}

#[test]
fn a_plugin_that_is_another_one_is_not_called() {
    for (about, why) in [
        (json!({"protocol": 2, "kind": "step", "name": "b", "version": "1"}), "speaks version 2 of the protocol"),
        (
            json!({"protocol": 1, "kind": "trafficRouter", "name": "b", "version": "1"}),
            "is a plugin of kind trafficRouter",
        ),
        (json!({"protocol": 1, "kind": "step", "name": "b", "version": "1", "concurrency": 0}), "takes no calls"),
        (json!({"protocol": 1}), "its answer to initialize does not read: missing field `kind`"),
    ] {
        let mut world = World::new();
        world.happens(Input::Tick);
        world.happens(Input::Connected);
        world.says(&json!({"jsonrpc": "2.0", "id": 1, "result": about}));
        assert!(world.why().starts_with(why), "{}", world.why());
    }
    let mut world = World::new();
    world.happens(Input::Tick);
    world.happens(Input::Connected);
    world.says(&json!({"jsonrpc": "2.0", "id": 1, "error": {"code": -32602, "message": "no"}}));
    assert_eq!(world.why(), "refuses to be initialized: no");
}

#[test]
fn no_more_calls_wait_than_fit() {
    let mut world = World::ready(1);
    for ticket in 0..=QUEUE as u64 {
        world.calls(ticket, 20);
    }
    assert_eq!(world.calls(9999, 20), [Output::Answer(9999, Err(CallError::Busy))]);
}

#[test]
fn a_call_that_does_not_fit_is_not_made() {
    let mut world = World::ready(1);
    let params = json!({"config": "x".repeat(sluice_plugin::MAX_MESSAGE)});
    let deadline = world.now + Duration::from_secs(5);
    let done = world.happens(Input::Call(Pending { ticket: 1, method: "step/run", params, deadline }));
    assert!(matches!(done[..], [Output::Answer(1, Err(CallError::TooLong(_)))]), "{done:?}");
    assert_eq!(methods(&world.calls(2, 5)), ["step/run"]);
}

#[test]
fn a_plugin_that_is_to_stop_finishes_what_it_is_at() {
    let mut world = World::ready(1);
    let id = sent(&world.calls(1, 20)[0]).id;
    world.calls(2, 20);
    assert_eq!(world.happens(Input::Stop), [absent(2, "it is being stopped")]);
    assert_eq!(world.calls(3, 20), [absent(3, "it is being stopped")]);
    assert_eq!(world.machine.standing(), Standing::Stopped);
    let done = world.says(&answer(id));
    assert_eq!(done[0], Output::Answer(1, Ok(json!({}))));
    assert_eq!(sent(&done[1]).method, "shutdown");
    world.says(&answer(id + 1));
    assert_eq!(world.happens(Input::Closed("ended".into())), [Output::Disconnect, Output::Finished]);
    assert_eq!(world.machine.wake(), None);
}

#[test]
fn a_plugin_that_does_not_leave_is_ended() {
    let mut world = World::ready(1);
    assert_eq!(methods(&world.happens(Input::Stop)), ["shutdown"]);
    assert_eq!(world.passes(5), [(5, Output::Disconnect), (5, Output::Finished)]);
    let mut world = World::new();
    world.happens(Input::Tick);
    assert_eq!(world.happens(Input::Stop), [Output::Disconnect, Output::Finished]);
}

#[test]
fn a_call_that_outlasts_all_patience_is_given_up_at_the_end() {
    let mut world = World::ready(1);
    world.calls(1, 300);
    assert_eq!(world.happens(Input::Stop), []);
    let done = world.passes(35);
    assert!(matches!(done[0], (30, Output::Answer(1, Err(CallError::Broken { .. })))), "{done:?}");
    assert_eq!(done[2..], [(35, Output::Disconnect), (35, Output::Finished)]);
}
