//! An Application, what Git says of it and what there is, as a plan sees them; and what carries a plan out.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::api::Application;
use sluice_core::gitops::compare::Verdict;
use sluice_core::gitops::guard;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::Manifest;
use sluice_core::gitops::plan::plan;
use sluice_core::gitops::snapshot::{Effect, Live, Object, Outcome, Plan, Rendered, Snapshot, Stays};

/// Everything about an Application `colors`.
pub struct World {
    pub application: Application,
    pub now: Timestamp,
    pub revision: String,
    /// What Git says, by name.
    pub git: Vec<(String, String)>,
    /// What there is, by name, and whether it is the Application's own.
    pub cluster: Vec<(String, String, bool)>,
    /// Names of which an apply fails, with how often it does.
    pub failing: Vec<(String, usize)>,
    /// Names of what stays when Git does not have it any more.
    pub staying: Vec<String>,
    pub broken: Option<String>,
    pub outcomes: Vec<Outcome>,
    /// Everything done, in order.
    pub done: Vec<String>,
}

impl World {
    /// With this policy; Git says `color` is blue.
    pub fn with(policy: &Value) -> World {
        let application = json!({
            "metadata": { "name": "colors", "namespace": "argocd", "resourceVersion": "1" },
            "spec": {
                "source": { "repoURL": "https://git.example.com/colors.git", "path": "app" },
                "destination": { "server": "https://kubernetes.default.svc", "namespace": "shop" },
                "syncPolicy": policy,
            },
        });
        World {
            application: serde_json::from_value(application).expect("an Application"),
            now: "2026-01-01T00:00:00Z".parse().expect("a time"),
            revision: "c1".to_owned(),
            git: vec![("color".to_owned(), "blue".to_owned())],
            cluster: Vec::new(),
            failing: Vec::new(),
            staying: Vec::new(),
            broken: None,
            outcomes: Vec::new(),
            done: Vec::new(),
        }
    }

    /// Syncs by itself.
    pub fn automated(prune: bool, heal: bool) -> World {
        World::with(&json!({ "automated": { "prune": prune, "selfHeal": heal } }))
    }

    pub fn snapshot(&self) -> Snapshot {
        let key = |name: &str| Key {
            kind: "ConfigMap".to_owned(),
            namespace: "shop".to_owned(),
            name: name.to_owned(),
            ..Key::default()
        };
        let live = |name: &str| {
            let (_, _, is_own) = self.cluster.iter().find(|(known, ..)| known == name)?;
            let stays = Stays { unpruned: self.staying.iter().any(|staying| staying == name), ..Stays::default() };
            Some(Live { uid: format!("uid-{name}"), is_own: *is_own, stays, ..Live::default() })
        };
        let wanted = self.git.iter().map(|(name, value)| {
            let manifest = Manifest {
                key: key(name),
                version: "v1".to_owned(),
                value: json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name }, "data": { "value": value } }),
                file: format!("{name}.yaml"),
            };
            let now = self.cluster.iter().find(|(known, ..)| known == name);
            let verdict = match now {
                None => Verdict::Absent,
                Some((_, now, _)) if now == value => Verdict::Same,
                Some(_) => Verdict::Differs(Vec::new()),
            };
            Object { key: key(name), version: "v1".to_owned(), wanted: Some(manifest), verdict: Some(verdict), live: live(name) }
        });
        let others = self.cluster.iter().filter(|(name, ..)| self.git.iter().all(|(wanted, _)| wanted != name));
        let others = others.map(|(name, ..)| Object {
            key: key(name),
            version: "v1".to_owned(),
            wanted: None,
            verdict: None,
            live: live(name),
        });
        let objects = if self.broken.is_some() { Vec::new() } else { wanted.chain(others).collect() };
        Snapshot {
            application: self.application.clone(),
            now: self.now,
            rendered: match &self.broken {
                Some(why) => Rendered::Failed(why.clone()),
                None => Rendered::Done {
                    revisions: vec![self.revision.clone()],
                    types: vec!["Directory".to_owned()],
                    repeated: Vec::new(),
                },
            },
            objects,
            outcomes: self.outcomes.clone(),
            project: Ok(()),
        }
    }

    /// Plans once, and carries that out.
    pub fn pass(&mut self) -> Plan {
        let snapshot = self.snapshot();
        let plan = plan(&snapshot);
        assert_eq!(guard::check(&snapshot, &plan), [], "the guard accepts the plan");
        self.outcomes.clear();
        self.application.status = Some(plan.status.clone());
        if plan.is_operation_over {
            self.application.operation = None;
        }
        for effect in &plan.effects {
            self.execute(effect);
        }
        plan
    }

    fn execute(&mut self, effect: &Effect) {
        match effect {
            Effect::Apply { manifest, .. } => {
                let name = manifest.key.name.clone();
                let value = manifest.value["data"]["value"].as_str().unwrap_or_default().to_owned();
                let fails = self.failing.iter_mut().find(|(failing, left)| *failing == name && *left > 0);
                let result = if let Some((_, left)) = fails {
                    *left -= 1;
                    Err("the server is on fire".to_owned())
                } else {
                    self.cluster.retain(|(known, ..)| *known != name);
                    self.cluster.push((name.clone(), value.clone(), true));
                    Ok("applied".to_owned())
                };
                self.done.push(format!("apply {name}={value}"));
                self.outcomes.push(Outcome { key: manifest.key.clone(), is_pruned: false, result });
            }
            Effect::Delete { key, .. } => {
                self.cluster.retain(|(known, ..)| *known != key.name);
                self.done.push(format!("delete {}", key.name));
                self.outcomes.push(Outcome { key: key.clone(), is_pruned: true, result: Ok("pruned".to_owned()) });
            }
            Effect::Namespace { name, .. } => {
                self.done.push(format!("namespace {name}"));
                let key = Key { kind: "Namespace".to_owned(), name: name.clone(), ..Key::default() };
                self.outcomes.push(Outcome { key, is_pruned: false, result: Ok("created".to_owned()) });
            }
            Effect::Release => self.done.push("release".to_owned()),
        }
    }

    /// Goes on until nothing changes any more, without time passing.
    pub fn settle(&mut self) {
        for _ in 0..50 {
            let before = self.application.clone();
            let plan = self.pass();
            if plan.effects.is_empty() && before == self.application && self.outcomes.is_empty() {
                return;
            }
        }
        panic!("does not settle: {:#?}", self.application.status);
    }

    /// Time passes.
    pub fn pass_time(&mut self, seconds: i64) {
        self.now = sluice_core::time::after(self.now, SignedDuration::from_secs(seconds));
        self.settle();
    }

    /// Takes everything that was done.
    pub fn take(&mut self) -> Vec<String> {
        std::mem::take(&mut self.done)
    }

    /// Phase and message of the last sync.
    pub fn last(&self) -> (String, String) {
        let state = self.application.status().operation_state.clone().expect("a sync");
        (state.phase, state.message)
    }

    pub fn conditions(&self) -> Vec<(String, String)> {
        self.application.status().conditions.iter().map(|one| (one.type_.clone(), one.message.clone())).collect()
    }
}
