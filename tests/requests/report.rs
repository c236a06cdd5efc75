//! What came of a run: its requests, its failures, and the share of the new version at each step.

use std::fmt;
use std::time::Duration;

use crate::binomial::Interval;
use crate::load::Request;

/// Failures that are told in words.
const TOLD: usize = 5;
/// A standstill that may explain failures.
const WORTH_TELLING: Duration = Duration::from_millis(500);

pub struct Report {
    pub title: String,
    pub length: Duration,
    /// The longest time in which nothing was sent, for want of a processor.
    pub standstill: Duration,
    pub requests: usize,
    /// Each in words.
    pub failures: Vec<String>,
    pub shares: Vec<Share>,
}

/// What came of the requests of one window.
#[derive(Clone, Debug)]
pub struct Share {
    pub step: String,
    /// What the new version should have got, of 100.
    pub weight: i32,
    /// Requests that were answered.
    pub answered: u64,
    /// Those that the new version answered.
    pub new: u64,
    pub failures: u64,
}

impl Share {
    /// Counts the requests of a window.
    pub fn of(step: &str, weight: i32, new: &str, requests: &[Request]) -> Share {
        let answers = || requests.iter().filter_map(|request| request.answer.as_ref().ok());
        let answered = answers().count() as u64;
        let failures = requests.len() as u64 - answered;
        let new = answers().filter(|image| *image == new).count() as u64;
        Share { step: step.to_owned(), weight, answered, new, failures }
    }

    fn interval(&self) -> Interval {
        Interval::of(self.answered, self.weight)
    }

    /// Whether a correct split leaves such a share.
    pub fn is_right(&self) -> bool {
        self.answered > 0 && self.interval().contains(self.new)
    }
}

impl Report {
    /// What is wrong; nothing where no request failed and each share is right.
    pub fn wrong(&self) -> Vec<String> {
        let shares = self.shares.iter().filter(|share| !share.is_right());
        let mut wrong: Vec<String> = shares
            .map(|share| {
                let Interval { fewest, most } = share.interval();
                format!("at {}: {} of {} answers, not {fewest} to {most}", share.step, share.new, share.answered)
            })
            .collect();
        if !self.failures.is_empty() {
            wrong.push(format!("{} of {} requests failed", self.failures.len(), self.requests));
        }
        wrong
    }

    /// Prints it, and fails where something is wrong.
    pub fn check(&self) {
        println!("{self}");
        let wrong = self.wrong();
        assert!(wrong.is_empty(), "{}", wrong.join("; "));
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { title, requests, .. } = self;
        writeln!(
            f,
            "{title}: {requests} requests in {:.0} s, {} failed",
            self.length.as_secs_f64(),
            self.failures.len()
        )?;
        writeln!(
            f,
            "  {:<40} {:>6} {:>9} {:>9} {:>19} {:>6}",
            "step", "weight", "answers", "share", "right", "failed"
        )?;
        for share in &self.shares {
            let percent = |count: u64| count as f64 * 100.0 / share.answered.max(1) as f64;
            let Interval { fewest, most } = share.interval();
            let right = format!("{:.2} to {:.2} %", percent(fewest), percent(most));
            let Share { step, weight, answered, failures, .. } = share;
            let own = format!("{:.2} %", percent(share.new));
            write!(f, "  {step:<40} {weight:>6} {answered:>9} {own:>9} {right:>19} {failures:>6}")?;
            writeln!(f, "{}", if share.is_right() { "" } else { "  WRONG" })?;
        }
        if self.standstill > WORTH_TELLING {
            writeln!(f, "  the machine was so busy that nothing was sent for {:.1} s", self.standstill.as_secs_f64())?;
        }
        for failure in self.failures.iter().take(TOLD) {
            writeln!(f, "  failed {failure}")?;
        }
        if self.failures.len() > TOLD {
            writeln!(f, "  and {} more", self.failures.len() - TOLD)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(new: usize, old: usize, failed: usize) -> Vec<Request> {
        let request = |answer| Request { sent: Duration::ZERO, took: Duration::ZERO, answer };
        let answers = [(new, Ok("web:2")), (old, Ok("web:1")), (failed, Err("503"))];
        let answers = answers.into_iter().flat_map(|(count, answer)| std::iter::repeat_n(answer, count));
        answers.map(|answer| request(answer.map(str::to_owned).map_err(str::to_owned))).collect()
    }

    fn report(shares: Vec<Share>, failures: &[&str]) -> Report {
        let failures = failures.iter().map(|&failure| failure.to_owned()).collect();
        let length = Duration::from_secs(10);
        Report { title: "a run".to_owned(), length, standstill: Duration::ZERO, requests: 2000, failures, shares }
    }

    #[test]
    fn shares_are_of_the_answers() {
        let share = Share::of("20 %", 20, "web:2", &window(400, 1600, 3));
        assert_eq!((share.answered, share.new, share.failures), (2000, 400, 3));
        assert!(share.is_right());
    }

    #[test]
    fn a_share_that_is_not_the_weight_is_wrong() {
        let share = Share::of("50 %", 50, "web:2", &window(400, 1600, 0));
        let report = report(vec![share], &[]);
        assert_eq!(report.wrong(), ["at 50 %: 400 of 2000 answers, not 891 to 1109"]);
        assert!(report.to_string().contains("WRONG"), "{report}");
    }

    #[test]
    fn one_failure_is_wrong() {
        let report = report(vec![], &["after 3.0 s: 503"]);
        assert_eq!(report.wrong(), ["1 of 2000 requests failed"]);
        assert!(report.to_string().contains("failed after 3.0 s: 503"), "{report}");
    }

    #[test]
    fn a_window_without_answers_is_wrong() {
        assert!(!Share::of("50 %", 50, "web:2", &window(0, 0, 2000)).is_right());
    }
}
