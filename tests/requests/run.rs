//! One run: a load from the first to the last moment of a story, and windows in which its shares are counted.

use std::ops::Range;
use std::time::Duration;

use crate::gateway::Gateway;
use crate::load::Load;
use crate::report::{Report, Share};
use crate::scenario::Scenario;

/// Requests from which a share is judged.
const ENOUGH: usize = 2000;

/// A load, and what was seen of it.
pub struct Run {
    title: String,
    /// The image whose share is counted.
    new: String,
    load: Load,
    lag: Duration,
    windows: Vec<Window>,
    /// What happened, and how many requests had been sent by then.
    marks: Vec<(usize, String)>,
}

/// Requests that were sent while one weight was in force.
struct Window {
    step: String,
    weight: i32,
    requests: Range<usize>,
}

impl Run {
    /// Begins, once requests are answered at all.
    pub async fn begin(title: String, new: &str, gateway: &Gateway, s: &Scenario) -> Run {
        gateway.until_answered(s).await;
        let load = Load::start(gateway.address, &Gateway::host(s));
        Run { title, new: new.to_owned(), load, lag: gateway.lag, windows: Vec::new(), marks: Vec::new() }
    }

    /// Says what happens now, for the report of what goes wrong then.
    pub fn mark(&mut self, what: &str) {
        self.marks.push((self.load.sent(), what.to_owned()));
    }

    /// Counts the shares from now on until there are enough requests. The new version must have this weight all the while, and
    /// whoever calls this has seen that it has.
    pub async fn measure(&mut self, step: &str, weight: i32) {
        tokio::time::sleep(self.lag).await;
        self.mark(&format!("counting at {step}"));
        let begin = self.load.sent();
        let end = begin + ENOUGH;
        // The last of them may be on their way still when the weight changes next: they are waited for.
        while self.load.sent() < end || self.load.under_way(end) > 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.windows.push(Window { step: step.to_owned(), weight, requests: begin..end });
        self.mark(&format!("after {step}"));
    }

    /// Ends the load and counts.
    pub fn end(self) -> Report {
        let requests = self.load.stop();
        let share =
            |window: &Window| Share::of(&window.step, window.weight, &self.new, &requests[window.requests.clone()]);
        let shares = self.windows.iter().map(share).collect();
        let during = |number: usize| self.marks.iter().rev().find(|(mark, _)| *mark <= number).map(|(_, what)| what);
        let failures = requests.iter().enumerate().filter_map(|(number, request)| {
            let why = request.answer.as_ref().err()?;
            let during = during(number).map_or("the beginning", String::as_str);
            Some(format!("after {:.1} s ({during}), in {:.0?}: {why}", request.sent.as_secs_f64(), request.took))
        });
        let failures = failures.collect();
        let length = requests.last().map_or(Duration::ZERO, |request| request.sent);
        let gaps = requests.windows(2).map(|pair| pair[1].sent.saturating_sub(pair[0].sent));
        let standstill = gaps.max().unwrap_or(Duration::ZERO);
        Report { title: self.title, length, standstill, requests: requests.len(), failures, shares }
    }
}
