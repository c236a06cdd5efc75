//! A connection on which calls are made.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sluice_plugin::{Initialized, MAX_MESSAGE, Request};
use tokio::time::Instant;

use super::{CHATTER, OVERDUE, PING, PING_EVERY, Pending, Ticket};

/// What the plugin was asked for and has not answered.
#[derive(Debug)]
enum Asked {
    /// Somebody waits for it.
    Call { ticket: Ticket, method: &'static str, deadline: Instant },
    /// Nobody does any more.
    Late { method: &'static str, deadline: Instant },
    /// Whether it is there.
    Ping { until: Instant },
}

/// Whose an answer is.
pub(super) enum Answered {
    /// Somebody's who waits.
    Call(Ticket),
    /// That of a call whose time is over, or of a ping.
    Nobody,
    /// Nobody asked.
    Unasked,
}

#[derive(Debug)]
pub(super) struct Session {
    pub(super) about: Initialized,
    pub(super) since: Instant,
    /// When it has to end at the latest; no more calls are made then.
    pub(super) leave_by: Option<Instant>,
    asked: BTreeMap<u64, Asked>,
    heard: Instant,
    ignored: u32,
}

impl Session {
    pub(super) fn new(about: Initialized, now: Instant) -> Session {
        Session { about, since: now, leave_by: None, asked: BTreeMap::new(), heard: now, ignored: 0 }
    }

    pub(super) fn wake(&self) -> Instant {
        let asked = self.asked.values().map(|asked| match asked {
            Asked::Call { deadline, .. } => *deadline,
            Asked::Late { deadline, .. } => *deadline + OVERDUE,
            Asked::Ping { until } => *until,
        });
        let idle = self.asked.is_empty().then(|| self.heard + PING_EVERY);
        asked.chain(idle).chain(self.leave_by).min().unwrap_or(self.heard + PING_EVERY)
    }

    /// Whether one more call may be made. While a ping is under way, the plugin may be one that takes one request at a time.
    pub(super) fn has_room(&self) -> bool {
        self.leave_by.is_none() && self.asked.len() < self.about.concurrency as usize
    }

    pub(super) fn asked(&mut self, id: u64, call: &Pending) {
        let Pending { ticket, method, deadline, .. } = *call;
        self.asked.insert(id, Asked::Call { ticket, method, deadline });
    }

    pub(super) fn pinged(&mut self, id: u64, now: Instant) {
        self.asked.insert(id, Asked::Ping { until: now + PING });
    }

    /// A plugin that is at a call is not asked: it may take one request at a time.
    pub(super) fn wants_ping(&self, now: Instant) -> bool {
        self.asked.is_empty() && self.leave_by.is_none() && self.heard + PING_EVERY <= now
    }

    pub(super) fn answered(&mut self, now: Instant, id: u64) -> Answered {
        (self.heard, self.ignored) = (now, 0);
        match self.asked.remove(&id) {
            Some(Asked::Call { ticket, .. }) => Answered::Call(ticket),
            Some(Asked::Late { .. } | Asked::Ping { .. }) => Answered::Nobody,
            None => Answered::Unasked,
        }
    }

    /// Whether it may say one more line that means nothing.
    pub(super) fn may_chat(&mut self) -> bool {
        self.ignored += 1;
        self.ignored <= CHATTER
    }

    /// The calls whose time is over by now.
    pub(super) fn late(&mut self, now: Instant) -> Vec<(Ticket, &'static str)> {
        let mut late = Vec::new();
        for asked in self.asked.values_mut() {
            if let Asked::Call { ticket, method, deadline } = *asked
                && deadline <= now
            {
                late.push((ticket, method));
                *asked = Asked::Late { method, deadline };
            }
        }
        late
    }

    /// Why it is taken for hung.
    pub(super) fn hangs(&self, now: Instant) -> Option<String> {
        self.asked.values().find_map(|asked| match asked {
            Asked::Late { method, deadline } if *deadline + OVERDUE <= now => {
                Some(format!("is at {method} still, {OVERDUE:?} after its deadline"))
            }
            Asked::Ping { until } if *until <= now => Some(format!("did not answer ping within {PING:?}")),
            _ => None,
        })
    }

    /// Whether it is to leave and nobody waits for it any more.
    pub(super) fn may_leave(&self, now: Instant) -> bool {
        let waited_for = self.asked.values().any(|asked| matches!(asked, Asked::Call { .. }));
        self.leave_by.is_some_and(|by| by <= now || !waited_for)
    }

    /// Everybody who waits, for whom there will be no answer.
    pub(super) fn given_up(&mut self) -> Vec<(Ticket, &'static str)> {
        let asked = std::mem::take(&mut self.asked);
        let calls = asked.into_values().filter_map(|asked| match asked {
            Asked::Call { ticket, method, .. } => Some((ticket, method)),
            _ => None,
        });
        calls.collect()
    }
}

/// A call as a line, with the time that is left for it; its length where it is too long.
pub(super) fn request(id: u64, call: &Pending, now: Instant) -> Result<Vec<u8>, usize> {
    let mut params = call.params.clone();
    if let Value::Object(params) = &mut params {
        let left = call.deadline.saturating_duration_since(now).as_millis() as u64;
        params.insert("timeoutMs".to_owned(), json!(left));
    }
    let line = line(&Request::new(id, call.method, params));
    if line.len() > MAX_MESSAGE + 1 { Err(line.len() - 1) } else { Ok(line) }
}

pub(super) fn line(request: &Request) -> Vec<u8> {
    // A request holds nothing that JSON cannot.
    let mut line = serde_json::to_vec(request).unwrap_or_default();
    line.push(b'\n');
    line
}
