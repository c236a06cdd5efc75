//! How a pod wants to behave, by its annotations.

use jiff::SignedDuration;
use serde_json::Value;
use sluice_core::time::parse_go_duration;

use super::command::{Exit, Run};
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
    /// Its commands, if it is a Job's, are not run but end with this exit code.
    pub exit_code: Option<u8>,
    /// How long they take for that.
    pub run_time: SignedDuration,
    /// So many of any hundred HTTP answers in a row are errors.
    pub error_rate: u8,
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
            exit_code: None,
            run_time: SignedDuration::ZERO,
            error_rate: 0,
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

    /// How the commands of a Job's pod end, where the annotations say it.
    pub fn run(&self) -> Option<Run> {
        let exit = Exit::of(i32::from(self.exit_code?));
        Some(Run { takes: Some(self.run_time), exit })
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
            "exit-code" => {
                let code = value.parse().map_err(|_| "want an exit code from 0 to 255".to_owned())?;
                self.exit_code = Some(code);
            }
            "run-time" => self.run_time = delay(value)?,
            "error-rate" => {
                let rate = value.parse().ok().filter(|rate| *rate <= 100);
                self.error_rate = rate.ok_or("want a percentage from 0 to 100")?;
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
