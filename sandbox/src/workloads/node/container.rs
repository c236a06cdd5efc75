//! The life of one container: waiting, running, stopped, and perhaps running again. It knows no clock.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::behaviour::Behaviour;
use super::command::{Exit, Run};
use crate::object;

const FIRST_BACK_OFF: SignedDuration = SignedDuration::from_secs(1);
const LONGEST_BACK_OFF: SignedDuration = SignedDuration::from_secs(10);
/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// What even the shortest command takes.
const SHORTEST: SignedDuration = SignedDuration::from_millis(10);
/// How long a pull that fails shows `ErrImagePull` before `ImagePullBackOff`.
const PULL: SignedDuration = SignedDuration::from_millis(500);

/// One container.
#[derive(Debug)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// How often it was started again.
    pub restarts: u32,
    probe_delay: SignedDuration,
    policy: String,
    /// How its command ends, if it runs one, or why nobody knows.
    command: Option<Result<Run, String>>,
    created: Timestamp,
    fault: Option<Fault>,
    started: Option<Timestamp>,
    stopped: Option<Timestamp>,
    exit: Exit,
    previous: Option<Value>,
    halted: bool,
}

/// Why a container cannot be created, in the kubelet's words.
#[derive(Clone, Debug)]
struct Fault {
    reason: &'static str,
    message: String,
}

/// What a container contributes to the phase of its pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// It has never run.
    Waiting,
    /// It runs, or will again.
    Running,
    /// It has ended for good, with success.
    Succeeded,
    /// It has ended for good, without.
    Failed,
}

impl Container {
    /// A container that the node has just seen.
    pub fn new(spec: &Value, policy: &str, command: Option<Result<Run, String>>, now: Timestamp) -> Container {
        let text = |field: &str| spec[field].as_str().unwrap_or_default().to_owned();
        let probe = spec["readinessProbe"]["initialDelaySeconds"].as_i64().unwrap_or(0);
        Container {
            name: text("name"),
            image: text("image"),
            restarts: 0,
            probe_delay: SignedDuration::from_secs(probe),
            policy: policy.to_owned(),
            command,
            created: now,
            fault: None,
            started: None,
            stopped: None,
            exit: Exit::default(),
            previous: None,
            halted: false,
        }
    }

    /// Whether it runs.
    pub fn is_running(&self) -> bool {
        self.started.is_some() && self.stopped.is_none()
    }

    /// Whether it has run.
    pub fn has_begun(&self) -> bool {
        self.started.is_some()
    }

    /// Whether it was tried, at least.
    pub fn was_tried(&self) -> bool {
        self.has_begun() || self.fault.is_some()
    }

    /// Whether its readiness probe, had it one, would pass.
    pub fn is_ready(&self, behaviour: &Behaviour, now: Timestamp) -> bool {
        self.is_running() && !behaviour.never_ready && self.ready_at(behaviour).is_some_and(|at| now >= at)
    }

    fn ready_at(&self, behaviour: &Behaviour) -> Option<Timestamp> {
        self.started?.saturating_add(behaviour.ready_delay.unwrap_or(self.probe_delay)).ok()
    }

    /// Brings it up to now, and returns when it changes next by itself.
    pub fn advance(&mut self, behaviour: &Behaviour, now: Timestamp) -> Option<Timestamp> {
        if self.halted {
            return None;
        }
        if self.started.is_none()
            && let Some(next) = self.advance_waiting(behaviour, now)
        {
            return Some(next);
        }
        if self.is_running() {
            let next = self.advance_running(behaviour, now);
            if self.is_running() {
                return next;
            }
        }
        let again = self.stopped.filter(|_| self.will_restart())?.saturating_add(self.back_off()).ok()?;
        if now < again {
            return Some(again);
        }
        self.previous = Some(self.terminated());
        self.restarts += 1;
        self.start(now);
        self.advance_running(behaviour, now)
    }

    fn advance_waiting(&mut self, behaviour: &Behaviour, now: Timestamp) -> Option<Timestamp> {
        let begin = self.created.saturating_add(behaviour.start_delay).ok()?;
        if now < begin {
            return Some(begin);
        }
        let unknown = self.command.as_ref().and_then(|command| command.as_ref().err());
        if let Some(mistake) = behaviour.mistake.as_ref().or(unknown) {
            self.fault = Some(Fault { reason: "CreateContainerConfigError", message: mistake.clone() });
            return None;
        }
        if behaviour.pull_fails || self.image.contains("does-not-exist") {
            let back_off = begin.saturating_add(PULL).ok()?;
            let image = &self.image;
            let pulling = now < back_off;
            self.fault = Some(if pulling {
                let message = format!("failed to pull and unpack image {image:?}: not found");
                Fault { reason: "ErrImagePull", message }
            } else {
                Fault { reason: "ImagePullBackOff", message: format!("Back-off pulling image {image:?}") }
            });
            return pulling.then_some(back_off);
        }
        self.start(now);
        None
    }

    fn advance_running(&mut self, behaviour: &Behaviour, now: Timestamp) -> Option<Timestamp> {
        let crash = behaviour.crash_after.and_then(|after| self.started?.saturating_add(after).ok());
        let run = self.command.as_ref().and_then(|command| command.as_ref().ok());
        let end = run.and_then(|run| self.started?.saturating_add(run.takes?.max(SHORTEST)).ok());
        if crash.is_some_and(|at| now >= at && end.is_none_or(|end| at <= end)) {
            self.stop(now, Exit::of(1));
            return None;
        }
        if end.is_some_and(|at| now >= at) {
            let exit = run.map(|run| run.exit.clone()).unwrap_or_default();
            self.stop(now, exit);
            return None;
        }
        let ready = self.ready_at(behaviour).filter(|at| !behaviour.never_ready && now < *at);
        crash.into_iter().chain(end).chain(ready).min()
    }

    fn start(&mut self, now: Timestamp) {
        self.started = Some(now);
        self.stopped = None;
        self.exit = Exit::default();
    }

    fn stop(&mut self, now: Timestamp, exit: Exit) {
        if self.is_running() {
            self.stopped = Some(now);
            self.exit = exit;
        }
    }

    /// Ends it for good. A command that runs is killed.
    pub fn halt(&mut self, now: Timestamp) {
        self.halted = true;
        self.stop(now, Exit::of(if self.command.is_some() { KILLED } else { 0 }));
    }

    fn will_restart(&self) -> bool {
        let by_policy = match self.policy.as_str() {
            "Never" => false,
            "OnFailure" => self.exit.code != 0,
            _ => true,
        };
        !self.halted && self.stopped.is_some() && by_policy
    }

    fn back_off(&self) -> SignedDuration {
        FIRST_BACK_OFF.saturating_mul(1 << self.restarts.min(4)).min(LONGEST_BACK_OFF)
    }

    /// What it contributes to the phase of its pod.
    pub fn stage(&self) -> Stage {
        match (self.started, self.halted) {
            (None, false) => Stage::Waiting,
            (Some(_), _) if self.is_running() || self.will_restart() => Stage::Running,
            (Some(_), _) if self.exit.code == 0 => Stage::Succeeded,
            (None, true) | (Some(_), _) => Stage::Failed,
        }
    }

    /// Its entry in `containerStatuses`.
    pub fn status(&self, pod: &Value, behaviour: &Behaviour, now: Timestamp) -> Value {
        let id = container_id(pod, &self.name, self.restarts);
        let mut status = json!({
            "name": self.name, "image": self.image, "imageID": "", "ready": self.is_ready(behaviour, now),
            "restartCount": self.restarts, "started": self.is_running(), "state": {}, "lastState": {},
        });
        if self.has_begun() {
            status["imageID"] = json!(image_id(&self.image));
            status["containerID"] = json!(id);
        }
        if let Some(previous) = &self.previous {
            status["lastState"] = json!({ "terminated": previous });
        }
        status["state"] = self.state();
        if self.started.is_some() && self.will_restart() {
            status["lastState"] = json!({ "terminated": self.terminated() });
            let message = format!(
                "back-off {}s restarting failed container={} pod={}_{}({})",
                self.back_off().as_secs(),
                self.name,
                object::name(pod),
                object::namespace(pod),
                object::uid(pod)
            );
            status["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff", "message": message } });
        }
        if let Some(terminated) = status["state"].get_mut("terminated").filter(|_| self.has_begun()) {
            terminated["containerID"] = json!(id);
        }
        status
    }

    fn state(&self) -> Value {
        match (self.started, &self.fault) {
            (Some(started), _) if self.stopped.is_none() => {
                json!({ "running": { "startedAt": object::time(started) } })
            }
            (Some(_), _) => json!({ "terminated": self.terminated() }),
            (None, _) if self.halted => json!({ "terminated": {
                "exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null, "finishedAt": null,
                "message": "The container could not be located when the pod was terminated",
            } }),
            (None, Some(fault)) => json!({ "waiting": { "reason": fault.reason, "message": fault.message } }),
            (None, None) => json!({ "waiting": { "reason": "ContainerCreating" } }),
        }
    }

    fn terminated(&self) -> Value {
        let time = |at: Option<Timestamp>| at.map(object::time);
        let reason = self.exit.reason.unwrap_or(if self.exit.code == 0 { "Completed" } else { "Error" });
        let mut terminated = json!({
            "exitCode": self.exit.code, "reason": reason, "startedAt": time(self.started), "finishedAt": time(self.stopped),
        });
        if !self.exit.output.is_empty() {
            terminated["message"] = json!(self.exit.output);
        }
        terminated
    }
}

/// An identifier that is the same for the same container.
pub fn container_id(pod: &Value, name: &str, restarts: u32) -> String {
    format!("process://{}", digest(&format!("{}/{name}/{restarts}", object::uid(pod))))
}

/// The digest of an image: invented, and always the same for the same name.
pub fn image_id(image: &str) -> String {
    format!("{image}@sha256:{}", digest(image))
}

/// As long as a SHA-256 in hexadecimal, and always the same for the same text.
fn digest(text: &str) -> String {
    let part = |seed: u64| {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        format!("{:016x}", text.bytes().fold(0xcbf2_9ce4_8422_2325_u64 ^ seed, mix))
    };
    (0..4).map(part).collect()
}
