//! How a pod wants to behave, by its annotations.

use jiff::SignedDuration;
use serde_json::Value;
use sluice_core::time::parse_go_duration;

use crate::object;

/// What the annotations of one pod ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Behaviour {
    /// From being scheduled to running.
    pub start_delay: SignedDuration,
    /// From its deletion to its end.
    pub termination_delay: SignedDuration,
    /// It runs, but is never ready.
    pub never_ready: bool,
    /// From running to ready; by default as the readiness probe says.
    pub ready_delay: Option<SignedDuration>,
    /// It crashes so long after it starts.
    pub crash_after: Option<SignedDuration>,
    /// Its image cannot be pulled.
    pub pull_fails: bool,
    /// What is wrong with the annotations.
    pub mistake: Option<String>,
}

const PREFIX: &str = "node.sluice.dev/";
const DEFAULT_DELAY: SignedDuration = SignedDuration::from_millis(50);

impl Behaviour {
    /// Reads the annotations. A value that makes no sense is a mistake, so that a typo does not pass for the default.
    pub fn of(pod: &Value) -> Behaviour {
        let mut behaviour = Behaviour {
            start_delay: DEFAULT_DELAY,
            termination_delay: DEFAULT_DELAY,
            never_ready: false,
            ready_delay: None,
            crash_after: None,
            pull_fails: false,
            mistake: None,
        };
        for (name, value) in object::texts(&pod["metadata"]["annotations"]) {
            let Some(what) = name.strip_prefix(PREFIX) else { continue };
            if let Err(why) = behaviour.set(what, &value) {
                behaviour.mistake = Some(format!("annotation {name}={value:?}: {why}"));
            }
        }
        behaviour
    }

    fn set(&mut self, what: &str, value: &str) -> Result<(), String> {
        match what {
            "start-delay" => self.start_delay = delay(value)?,
            "termination-delay" => self.termination_delay = delay(value)?,
            "ready" if value == "never" => self.never_ready = true,
            "ready" => self.ready_delay = Some(delay(value)?),
            "crash" => {
                self.crash_after = match value {
                    "true" => Some(SignedDuration::ZERO),
                    "false" => None,
                    other => Some(delay(other)?),
                }
            }
            "image-pull" if value == "fail" => self.pull_fails = true,
            "image-pull" => return Err("want \"fail\"".into()),
            _ => {}
        }
        Ok(())
    }
}

fn delay(value: &str) -> Result<SignedDuration, String> {
    let parsed = parse_go_duration(value).map_err(|error| error.to_string())?;
    if parsed.is_negative() { Err("want a duration of zero or more".into()) } else { Ok(parsed) }
}
