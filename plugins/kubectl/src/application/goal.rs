//! What somebody waits for.

use sluice_core::api::Application;
use sluice_core::gitops::health::{DEGRADED, HEALTHY, SUSPENDED};
use sluice_core::gitops::report::SYNCED;

use super::operation::{Progress, progress};
use super::selection::{Selection, is_meant};

/// What an Application, or some of its objects, should come to.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Goal {
    /// That it is synced.
    pub sync: bool,
    /// That no operation is under way.
    pub operation: bool,
    /// That it is healthy, or one of the two below.
    pub health: bool,
    /// That it is suspended, or one of the others.
    pub suspended: bool,
    /// That it is degraded, or one of the others.
    pub degraded: bool,
    /// The objects that are meant; the Application as a whole, where there are none.
    pub resources: Vec<Selection>,
}

impl Goal {
    /// It, or where nothing is said, what usually is: an Application that is as it should be.
    pub fn or_all(self) -> Goal {
        let any = self.sync || self.operation || self.health || self.suspended || self.degraded;
        if any { self } else { Goal { sync: true, operation: true, health: true, ..self } }
    }

    /// What is not yet as it should be; nothing, where the goal is reached.
    pub fn open(&self, application: &Application) -> Vec<String> {
        let mut open = Vec::new();
        if self.operation {
            open.extend(match progress(application) {
                Progress::Idle(_) => None,
                Progress::Asked => Some("its operation has not begun".to_owned()),
                Progress::Running(state) if state.message.is_empty() => Some("its operation goes on".to_owned()),
                Progress::Running(state) => Some(format!("its operation goes on: {}", state.message)),
                Progress::Settling(_) => Some("it is looked at after its operation".to_owned()),
            });
        }
        let status = application.status();
        if self.resources.is_empty() {
            let sync = status.sync.as_ref().map_or("", |sync| &sync.status);
            let health = status.health.as_ref().map(|health| health.status.as_str());
            open.extend(self.wrong("it", sync, Some(health.unwrap_or_default())));
            return open;
        }
        let is_meant = |group: &str, kind: &str, namespace: &str, name: &str| {
            is_meant(&self.resources, group, kind, namespace, name)
        };
        let mut meant = status.resources.iter().filter(|it| is_meant(&it.group, &it.kind, &it.namespace, &it.name));
        let first = meant.next();
        if first.is_none() {
            open.push("no object of it is what --resource describes".to_owned());
        }
        open.extend(first.into_iter().chain(meant).flat_map(|it| {
            let health = it.health.as_ref().map(|health| health.status.as_str());
            self.wrong(&format!("{}/{}/{}", it.group, it.kind, it.name), &it.status, health)
        }));
        open
    }

    /// What is wrong with something. Where nothing is known of the health of an object, it counts as it is.
    fn wrong(&self, what: &str, sync: &str, health: Option<&str>) -> Vec<String> {
        let mut wrong = Vec::new();
        let said = |word: &str| if word.is_empty() { "not known".to_owned() } else { word.to_owned() };
        if self.sync && sync != SYNCED {
            wrong.push(format!("{what} is {}, not {SYNCED}", said(sync)));
        }
        let asked = [(self.health, HEALTHY), (self.suspended, SUSPENDED), (self.degraded, DEGRADED)];
        let good: Vec<&str> = asked.into_iter().filter(|(is_asked, _)| *is_asked).map(|(_, word)| word).collect();
        if let Some(health) = health.filter(|health| !good.is_empty() && !good.contains(health)) {
            wrong.push(format!("{what} is {}, not {}", said(health), good.join(" or ")));
        }
        wrong
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::application::sample::application;

    fn goal(flags: &str) -> Goal {
        let has = |flag| flags.split(' ').any(|given| given == flag);
        let resources = flags.split(' ').filter(|given| given.contains(':'));
        Goal {
            sync: has("sync"),
            operation: has("operation"),
            health: has("health"),
            suspended: has("suspended"),
            degraded: has("degraded"),
            resources: resources.map(|text| text.parse().expect(text)).collect(),
        }
        .or_all()
    }

    fn open(flags: &str, changes: &Value) -> String {
        goal(flags).open(&application(changes)).join("; ")
    }

    #[test]
    fn a_goal_says_what_is_missing() {
        let state = |phase: &str, message: &str| json!({"operation": {}, "phase": phase, "message": message, "startedAt": "2026-01-01T00:00:00Z"});
        let running = json!({"status": {"operationState": state("Running", "waiting for hook")}});
        let out = json!({"status": {"sync": {"status": "OutOfSync"}, "health": {"status": "Degraded"}}});
        let held = json!({"status": {"health": {"status": "Suspended"}}});
        let fresh = json!({"status": null});
        for (flags, changes, expected) in [
            ("", &json!({}), ""),
            ("", &running, "its operation goes on: waiting for hook"),
            ("health", &running, ""),
            ("operation", &json!({"operation": {"sync": {}}}), "its operation has not begun"),
            ("", &out, "it is OutOfSync, not Synced; it is Degraded, not Healthy"),
            ("sync", &out, "it is OutOfSync, not Synced"),
            ("degraded", &out, ""),
            ("suspended degraded", &out, ""),
            ("suspended", &out, "it is Degraded, not Suspended"),
            ("health suspended", &held, ""),
            ("health", &held, "it is Suspended, not Healthy"),
            ("", &fresh, "it is not known, not Synced; it is not known, not Healthy"),
        ] {
            assert_eq!(open(flags, changes), expected, "{flags} {changes}");
        }
    }

    #[test]
    fn it_can_be_about_some_objects_alone() {
        let object = |name: &str, sync: &str, health: Option<&str>| {
            let health = health.map(|status| json!({"status": status}));
            json!({"group": "apps", "kind": "Deployment", "name": name, "status": sync, "health": health})
        };
        let changes = json!({"status": {
            "health": {"status": "Degraded"},
            "resources": [
                object("web", "Synced", Some("Healthy")),
                object("api", "OutOfSync", Some("Degraded")),
                object("plain", "Synced", None),
            ],
        }});
        for (flags, expected) in [
            ("apps:Deployment:web", ""),
            ("apps:Deployment:plain", ""),
            (
                "apps:Deployment:*",
                "apps/Deployment/api is OutOfSync, not Synced; apps/Deployment/api is Degraded, not Healthy",
            ),
            ("degraded apps:Deployment:api", ""),
            (":Secret:web", "no object of it is what --resource describes"),
        ] {
            assert_eq!(open(flags, &changes), expected, "{flags}");
        }
    }
}
