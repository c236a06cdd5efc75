//! One data plane behind a plugin, for one rollout: what it was told, what it does, and when it is looked at again. Pure.

use std::time::Duration;

use sluice_core::traffic::{Heard, Tell};
use sluice_plugin::{Failure, Observation, Observe};
use sluice_plugin_host::CallError;

/// Time until a data plane is looked at again that does what it was told: nobody says when somebody else changes it.
const AT_REST: Duration = Duration::from_mins(1);
/// The same for one that does something else still, where its plugin does not say when to look.
const BEHIND: Duration = Duration::from_secs(5);
/// The shortest time between two looks.
const SHORTEST: Duration = Duration::from_millis(500);
/// Time after which a call that nobody waits for any more has ended, or its plugin has been ended: the host takes one for hung that
/// is at it for ten seconds more.
const LINGERS: Duration = Duration::from_secs(12);
/// The longest time between two attempts of a call that fails.
const LONGEST_BACKOFF: Duration = Duration::from_secs(30);
/// So many routings that may be in force at most; more are all of them.
const MOST_MAYBE: usize = 16;

/// What is known and what is to be done.
#[derive(Debug, Default)]
pub struct Slot {
    heard: Heard,
    /// Whether what it is being told may have reached it.
    tried: bool,
    /// Whether a call that nobody waits for any more may still be at the plugin, and take effect after a later one.
    lingers: bool,
    failures: u32,
}

impl Slot {
    /// What is known.
    pub fn heard(&self) -> &Heard {
        &self.heard
    }

    /// Has it told something: the newest word goes before older ones. Says whether it is another one.
    pub fn tell(&mut self, tell: Tell) -> bool {
        if self.heard.telling.as_ref() == Some(&tell) {
            return false;
        }
        let before = self.heard.telling.replace(tell).filter(|_| self.tried);
        self.heard.maybe.extend(before.as_ref().and_then(Tell::routing).cloned());
        if self.heard.maybe.len() > MOST_MAYBE {
            self.heard.maybe.clear();
            self.heard.seen = None;
        }
        self.heard.trouble = None;
        (self.tried, self.failures) = (false, 0);
        true
    }

    /// The call to make now; `None` where there is nothing to look at.
    pub fn next(&mut self) -> Option<Tell> {
        self.tried |= self.heard.telling.is_some();
        self.heard.telling.clone().or_else(|| match self.heard.told.as_ref()? {
            Tell::Apply(call) => {
                let (rollout, config, routing) = (call.rollout.clone(), call.config.clone(), call.routing.clone());
                Some(Tell::Observe(Observe { rollout, config, routing }))
            }
            Tell::Observe(_) | Tell::Release(_) => None,
        })
    }

    /// Takes the answer to a call, and says when to make the next one; `None` once it is told something else.
    pub fn answered(&mut self, call: &Tell, answer: Result<Option<Observation>, CallError>) -> Option<Duration> {
        let is_last = self.heard.telling.as_ref().is_none_or(|telling| telling == call);
        let observation = match answer {
            Ok(observation) => observation,
            Err(error) => return Some(self.failed(is_last, &error)),
        };
        let lingers = std::mem::take(&mut self.lingers) && !self.heard.maybe.is_empty();
        if !lingers {
            self.heard.maybe.clear();
        }
        self.heard.seen = call.routing().cloned().zip(observation);
        if !matches!(call, Tell::Observe(_)) {
            self.heard.told = Some(call.clone());
        }
        if !is_last {
            self.lingers = lingers;
            return Some(Duration::ZERO);
        }
        (self.heard.telling, self.heard.trouble) = (None, None);
        (self.tried, self.failures) = (false, 0);
        if lingers {
            // Another look then says what has come of it.
            return Some(LINGERS);
        }
        let (_, seen) = self.heard.seen.as_ref()?;
        let asked = seen.check_after_ms.map(Duration::from_millis);
        let usual = if seen.verified == Some(false) { BEHIND } else { AT_REST };
        Some(asked.unwrap_or(usual).clamp(SHORTEST, AT_REST))
    }

    fn failed(&mut self, is_last: bool, error: &CallError) -> Duration {
        self.lingers |= matches!(error, CallError::Late { .. } | CallError::Broken { .. });
        if !is_last {
            return Duration::ZERO;
        }
        // A look that fails once says little: many may have come at the same time, or the plugin is started again.
        let is_look = self.heard.telling.as_ref().is_none_or(|telling| matches!(telling, Tell::Observe(_)));
        if !is_look || self.failures > 0 {
            self.heard.trouble = Some(error.to_string());
        }
        let backoff = LONGEST_BACKOFF.min(Duration::from_secs(1 << self.failures.min(5)));
        self.failures = self.failures.saturating_add(1);
        match error {
            CallError::Failed(Failure::Unavailable { retry_after: Some(after), .. }) => {
                (*after).clamp(SHORTEST, AT_REST)
            }
            // What the user wrote is wrong until they change it, or something that it names.
            CallError::Failed(Failure::InvalidConfig(_)) => LONGEST_BACKOFF,
            _ => backoff,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;
    use sluice_plugin::{Apply, Destination, Release, Routing, Subject, Weighted};

    use super::*;

    fn routing(weight: u32) -> Routing {
        let weighted = |weight| Weighted { destination: Destination::default(), weight };
        Routing { canary: weighted(weight), stable: weighted(100 - weight), total: 100, ..Routing::default() }
    }

    fn apply(weight: u32) -> Tell {
        Tell::Apply(Apply { rollout: Subject::default(), config: Value::Null, routing: routing(weight) })
    }

    fn look(weight: u32) -> Tell {
        Tell::Observe(Observe { rollout: Subject::default(), config: Value::Null, routing: routing(weight) })
    }

    fn does(weight: u32) -> Observation {
        Observation { verified: Some(true), ..Observation::of(&routing(weight)) }
    }

    fn late() -> CallError {
        CallError::Late { method: "trafficRouter/apply" }
    }

    fn told(weight: u32) -> Slot {
        let mut slot = Slot::default();
        assert!(slot.tell(apply(weight)));
        assert_eq!(slot.next(), Some(apply(weight)));
        assert_eq!(slot.answered(&apply(weight), Ok(Some(does(weight)))), Some(AT_REST));
        slot
    }

    #[test]
    fn what_is_at_rest_is_looked_at_each_minute() {
        let mut slot = told(20);
        assert_eq!((slot.heard().told.clone(), slot.heard().telling.clone()), (Some(apply(20)), None));
        assert_eq!(slot.next(), Some(look(20)));
        assert_eq!(slot.answered(&look(20), Ok(Some(does(90)))), Some(AT_REST));
        let heard = slot.heard();
        assert_eq!(heard.told, Some(apply(20)), "a look tells nothing");
        assert_eq!(
            heard.seen,
            Some((routing(20), Observation { verified: Some(true), ..Observation::of(&routing(90)) }))
        );
    }

    #[test]
    fn what_is_behind_is_looked_at_when_it_asks_for_that() {
        for (asked, waits) in
            [(None, BEHIND), (Some(1000), Duration::from_secs(1)), (Some(1), SHORTEST), (Some(1 << 40), AT_REST)]
        {
            let mut slot = told(20);
            let behind = Observation { verified: Some(false), check_after_ms: asked, ..Observation::of(&routing(20)) };
            assert_eq!(slot.answered(&look(20), Ok(Some(behind))), Some(waits), "{asked:?}");
        }
    }

    #[test]
    fn the_newest_word_goes_before_one_that_is_on_its_way() {
        let mut slot = told(20);
        slot.tell(apply(50));
        assert_eq!(slot.next(), Some(apply(50)));
        assert!(slot.tell(apply(0)) && !slot.tell(apply(0)));
        assert_eq!(slot.heard().maybe, [routing(50)], "it may have reached the data plane");
        assert_eq!(slot.answered(&apply(50), Ok(Some(does(50)))), Some(Duration::ZERO));
        let heard = slot.heard();
        assert_eq!(
            (heard.told.clone(), heard.telling.clone(), heard.maybe.len()),
            (Some(apply(50)), Some(apply(0)), 0)
        );
        assert_eq!(slot.next(), Some(apply(0)));
    }

    #[test]
    fn a_call_that_was_late_may_take_effect_after_a_later_one() {
        let mut slot = told(20);
        slot.tell(apply(50));
        slot.next();
        slot.answered(&apply(50), Err(late()));
        slot.tell(apply(0));
        slot.next();
        assert_eq!(slot.answered(&apply(0), Ok(Some(does(0)))), Some(LINGERS));
        assert_eq!(slot.heard().maybe, [routing(50)], "it may be at the plugin still");
        assert_eq!(slot.next(), Some(look(0)));
        assert_eq!(slot.answered(&look(0), Ok(Some(does(0)))), Some(AT_REST));
        assert!(slot.heard().maybe.is_empty());
    }

    #[test]
    fn one_look_that_fails_says_nothing_and_two_do() {
        let mut slot = told(20);
        assert_eq!(slot.answered(&look(20), Err(late())), Some(Duration::from_secs(1)));
        assert_eq!(slot.heard().trouble, None);
        slot.answered(&look(20), Err(late()));
        assert!(slot.heard().trouble.is_some());
        slot.answered(&look(20), Ok(Some(does(20))));
        assert_eq!(slot.heard().trouble, None);
    }

    #[test]
    fn a_word_that_nobody_has_heard_is_forgotten() {
        let mut slot = told(20);
        slot.tell(apply(50));
        slot.tell(apply(0));
        assert!(slot.heard().maybe.is_empty());
    }

    #[test]
    fn a_call_that_fails_is_made_again_less_and_less_often() {
        let mut slot = told(20);
        slot.tell(apply(50));
        slot.next();
        let waits: Vec<_> = (0..7).map(|_| slot.answered(&apply(50), Err(late())).expect("a time").as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 8, 16, 30, 30]);
        let heard = slot.heard();
        assert_eq!(heard.trouble.as_deref(), Some("the plugin did not answer trafficRouter/apply in time"));
        assert_eq!(heard.telling, Some(apply(50)), "it is still to be");
        slot.tell(apply(0));
        assert_eq!((slot.heard().maybe.clone(), slot.heard().trouble.clone()), (vec![routing(50)], None));
        slot.next();
        assert_eq!(slot.answered(&apply(0), Err(late())).expect("a time").as_secs(), 1);
    }

    #[test]
    fn a_plugin_says_when_it_wants_to_be_asked_again() {
        let mut slot = told(20);
        slot.tell(apply(50));
        slot.next();
        let after =
            |seconds| Failure::Unavailable { message: "full".into(), retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(slot.answered(&apply(50), Err(CallError::Failed(after(7)))), Some(Duration::from_secs(7)));
        assert_eq!(slot.answered(&apply(50), Err(CallError::Failed(after(700)))), Some(AT_REST));
        let wrong = CallError::Failed(Failure::InvalidConfig("file is required".into()));
        assert_eq!(slot.answered(&apply(50), Err(wrong)), Some(LONGEST_BACKOFF));
        assert_eq!(slot.heard().trouble.as_deref(), Some("file is required"));
    }

    #[test]
    fn what_is_released_is_left_alone() {
        let mut slot = told(20);
        let (canary, stable) = (Destination::default(), Destination::default());
        let release = Tell::Release(Release { rollout: Subject::default(), config: Value::Null, canary, stable });
        slot.tell(release.clone());
        assert_eq!(slot.next(), Some(release.clone()));
        assert_eq!(slot.answered(&release, Ok(None)), None);
        assert_eq!((slot.next(), slot.heard().told.clone()), (None, Some(release)));
    }
}
