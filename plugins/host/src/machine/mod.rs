//! What is done to one plugin: a pure machine. What happens goes in with the time, and what is to be done comes out.
//!
//! ```text
//!             Connected          initialize answered
//! Connecting ──────────► Greeting ────────────────► Ready ──► Leaving ──► Stopped
//!     ▲  │ cannot            │ breaks                  │ breaks     (only on Stop)
//!     │  ▼                   ▼                         ▼
//!     └── Waiting ◄──────────┴─────────────────────────┘
//! ```

mod backoff;
mod session;
mod terms;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;

use serde_json::Value;
use sluice_plugin::{Call as _, Failure, Initialize, Initialized, Kind, MAX_TEXT, PROTOCOL, Request, Said, Shutdown};
use tokio::time::Instant;

use backoff::Backoff;
use session::{Answered, Session};

pub use terms::{
    CHATTER, CONNECT, CallError, GREET, Input, LAST_CALLS, LEAVE, OVERDUE, Output, PING, PING_EVERY, Pending, QUEUE,
    Standing, Ticket,
};

#[derive(Debug)]
enum State {
    Waiting { until: Instant },
    Connecting { until: Instant },
    Greeting { until: Instant, id: u64 },
    Ready(Session),
    Leaving { until: Instant },
    Stopped,
}

/// One plugin.
#[derive(Debug)]
pub struct Machine {
    hello: Initialize,
    state: State,
    backoff: Backoff,
    queue: VecDeque<Pending>,
    next_id: u64,
    stopping: bool,
    /// Why it failed last; `None` until it does, and while it is ready.
    failed: Option<String>,
    outputs: Vec<Output>,
}

impl Machine {
    /// A plugin that is started at the first tick.
    pub fn new(kind: Kind, name: &str, host: &str, now: Instant) -> Machine {
        let hello = Initialize { protocols: vec![PROTOCOL], kind, name: name.to_owned(), host: host.to_owned() };
        Machine {
            hello,
            state: State::Waiting { until: now },
            backoff: Backoff::default(),
            queue: VecDeque::new(),
            next_id: 1,
            stopping: false,
            failed: None,
            outputs: Vec::new(),
        }
    }

    /// Where it stands.
    pub fn standing(&self) -> Standing {
        match (&self.state, &self.failed) {
            (State::Stopped | State::Leaving { .. }, _) => Standing::Stopped,
            _ if self.stopping => Standing::Stopped,
            (State::Ready(session), _) => Standing::Ready(session.about.clone()),
            (_, Some(why)) => Standing::Failing(why.clone()),
            (_, None) => Standing::Starting,
        }
    }

    /// When it has to be given a tick at the latest.
    pub fn wake(&self) -> Option<Instant> {
        let own = match &self.state {
            State::Waiting { until }
            | State::Connecting { until }
            | State::Greeting { until, .. }
            | State::Leaving { until } => Some(*until),
            State::Ready(session) => Some(session.wake()),
            State::Stopped => None,
        };
        own.into_iter().chain(self.queue.iter().map(|call| call.deadline)).min()
    }

    /// What is to be done now that this happened.
    pub fn step(&mut self, now: Instant, input: Input) -> Vec<Output> {
        match input {
            Input::Tick => {}
            Input::Connected => self.connected(now),
            Input::NotConnected(why) | Input::Closed(why) => self.lost(now, &why),
            Input::Line(line) => self.heard(now, &line),
            Input::Call(call) => self.called(call),
            Input::Stop => self.stop(now),
        }
        self.pass(now);
        std::mem::take(&mut self.outputs)
    }

    fn connected(&mut self, now: Instant) {
        if matches!(self.state, State::Connecting { .. }) {
            let id = self.take_id();
            self.state = State::Greeting { until: now + GREET, id };
            let params = serde_json::to_value(&self.hello).unwrap_or_default();
            self.write(&Request::new(id, Initialize::METHOD, params));
        }
    }

    /// The connection is over, or does not come about.
    fn lost(&mut self, now: Instant, why: &str) {
        match self.state {
            State::Leaving { .. } => self.finish(),
            State::Waiting { .. } | State::Stopped => {}
            _ => self.fail(now, why),
        }
    }

    fn heard(&mut self, now: Instant, line: &[u8]) {
        match (Said::read(line), &mut self.state) {
            (_, State::Leaving { .. } | State::Waiting { .. } | State::Connecting { .. } | State::Stopped)
            | (Ok(Said::Notification), State::Greeting { .. }) => {}
            (Ok(Said::Notification), State::Ready(session)) => {
                if !session.may_chat() {
                    self.fail(now, &format!("said {CHATTER} lines that answer nothing"));
                }
            }
            (Err(fault), _) => self.fail(now, &fault.to_string()),
            (Ok(Said::Answer(id, answer)), State::Greeting { id: expected, .. }) if id == *expected => {
                match answer
                    .map_err(|error| format!("refuses to be initialized: {}", error.message))
                    .and_then(|value| self.greeted(value))
                {
                    Ok(about) => {
                        self.failed = None;
                        self.state = State::Ready(Session::new(about, now));
                    }
                    Err(why) => self.fail(now, &why),
                }
            }
            (Ok(Said::Answer(id, _)), State::Greeting { .. }) => {
                self.fail(now, &format!("answered request {id} before it was initialized"));
            }
            (Ok(Said::Answer(id, answer)), State::Ready(session)) => match session.answered(now, id) {
                Answered::Call(ticket) => {
                    let answer = answer.map_err(|error| CallError::Failed(clipped(error.into())));
                    self.outputs.push(Output::Answer(ticket, answer));
                }
                Answered::Nobody => {}
                Answered::Unasked => self.fail(now, &format!("answered request {id}, which nobody made")),
            },
        }
    }

    fn greeted(&self, answer: Value) -> Result<Initialized, String> {
        let about: Initialized = serde_json::from_value(answer)
            .map_err(|error| format!("its answer to initialize does not read: {error}"))?;
        self.hello.check(&about)?;
        Ok(about)
    }

    fn called(&mut self, call: Pending) {
        let refused = match &self.failed {
            _ if self.stopping => CallError::Absent("it is being stopped".to_owned()),
            Some(why) => CallError::Absent(why.clone()),
            None if self.queue.len() >= QUEUE => CallError::Busy,
            None => return self.queue.push_back(call),
        };
        self.outputs.push(Output::Answer(call.ticket, Err(refused)));
    }

    fn stop(&mut self, now: Instant) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        self.refuse_queue("it is being stopped");
        match &mut self.state {
            State::Ready(session) => session.leave_by = Some(now + LAST_CALLS),
            State::Stopped => {}
            _ => self.finish(),
        }
    }

    /// What time alone brings.
    fn pass(&mut self, now: Instant) {
        let (late, waiting): (VecDeque<_>, _) = self.queue.drain(..).partition(|call| call.deadline <= now);
        self.queue = waiting;
        for call in late {
            self.outputs.push(Output::Answer(call.ticket, Err(CallError::Late { method: call.method })));
        }
        match &mut self.state {
            State::Waiting { until } if *until <= now => {
                self.state = State::Connecting { until: now + CONNECT };
                self.outputs.push(Output::Connect);
            }
            State::Connecting { until } if *until <= now => {
                self.fail(now, &format!("there is no connection after {CONNECT:?}"));
            }
            State::Greeting { until, .. } if *until <= now => {
                self.fail(now, &format!("did not answer initialize within {GREET:?}"));
            }
            State::Leaving { until } if *until <= now => self.finish(),
            State::Ready(_) => self.pass_ready(now),
            _ => {}
        }
    }

    fn pass_ready(&mut self, now: Instant) {
        let State::Ready(session) = &mut self.state else { return };
        for (ticket, method) in session.late(now) {
            self.outputs.push(Output::Answer(ticket, Err(CallError::Late { method })));
        }
        if let Some(why) = session.hangs(now) {
            return self.fail(now, &why);
        }
        if session.may_leave(now) {
            return self.leave(now);
        }
        while let State::Ready(session) = &mut self.state
            && session.has_room()
            && let Some(call) = self.queue.pop_front()
        {
            let id = self.next_id;
            match session::request(id, &call, now) {
                Ok(line) => {
                    self.next_id += 1;
                    session.asked(id, &call);
                    self.outputs.push(Output::Write(line));
                }
                Err(bytes) => self.outputs.push(Output::Answer(call.ticket, Err(CallError::TooLong(bytes)))),
            }
        }
        let id = self.next_id;
        if let State::Ready(session) = &mut self.state
            && session.wants_ping(now)
        {
            self.next_id += 1;
            session.pinged(id, now);
            self.write(&Request::new(id, sluice_plugin::Ping::METHOD, Value::Object(serde_json::Map::new())));
        }
    }

    /// Ends the connection, for it is no good, and makes another one later.
    fn fail(&mut self, now: Instant, why: &str) {
        // It may quote what the plugin said.
        let why = &why[..why.floor_char_boundary(MAX_TEXT)];
        let since = match &mut self.state {
            State::Ready(session) => {
                for (ticket, method) in session.given_up() {
                    let why = why.to_owned();
                    self.outputs.push(Output::Answer(ticket, Err(CallError::Broken { method, why })));
                }
                Some(session.since)
            }
            _ => None,
        };
        self.refuse_queue(why);
        if self.stopping {
            return self.finish();
        }
        self.outputs.push(Output::Disconnect);
        let delay = self.backoff.next(since.map(|since| now.saturating_duration_since(since)));
        self.state = State::Waiting { until: now + delay };
        self.failed = Some(why.to_owned());
    }

    fn refuse_queue(&mut self, why: &str) {
        for call in self.queue.drain(..) {
            self.outputs.push(Output::Answer(call.ticket, Err(CallError::Absent(why.to_owned()))));
        }
    }

    fn leave(&mut self, now: Instant) {
        if let State::Ready(session) = &mut self.state {
            for (ticket, method) in session.given_up() {
                let why = "it is being stopped".to_owned();
                self.outputs.push(Output::Answer(ticket, Err(CallError::Broken { method, why })));
            }
        }
        self.state = State::Leaving { until: now + LEAVE };
        let id = self.take_id();
        self.write(&Request::new(id, Shutdown::METHOD, Value::Object(serde_json::Map::new())));
    }

    fn finish(&mut self) {
        self.state = State::Stopped;
        self.outputs.extend([Output::Disconnect, Output::Finished]);
    }

    fn take_id(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id - 1
    }

    fn write(&mut self, request: &Request) {
        self.outputs.push(Output::Write(session::line(request)));
    }
}

/// A failure whose message fits into a status.
fn clipped(failure: Failure) -> Failure {
    let clip = |mut text: String| {
        text.truncate(text.floor_char_boundary(MAX_TEXT));
        text
    };
    match failure {
        Failure::InvalidConfig(message) => Failure::InvalidConfig(clip(message)),
        Failure::Internal(message) => Failure::Internal(clip(message)),
        Failure::Unavailable { message, retry_after } => Failure::Unavailable { message: clip(message), retry_after },
    }
}
