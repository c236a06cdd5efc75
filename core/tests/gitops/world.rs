//! An Application, what Git says of it and what there is, as a plan sees them; and what carries a plan out.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sluice_core::api::{Application, HealthStatus};
use sluice_core::gitops::compare::Verdict;
use sluice_core::gitops::health::Rules;
use sluice_core::gitops::key::Key;
use sluice_core::gitops::manifest::{Gathered, Manifest};
use sluice_core::gitops::plan::plan;
use sluice_core::gitops::project::Project;
use sluice_core::gitops::snapshot::{Effect, Goes, Hook, Live, Object, Outcome, Plan, Rendered, Snapshot, Write};
use sluice_core::gitops::tracking::Owner;
use sluice_core::gitops::{guard, hook};

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
    /// Names of what takes its time to go.
    pub lingering: Vec<String>,
    /// Names of what is going.
    pub going: Vec<String>,
    /// Why the API server would take no new hook.
    pub refused: Option<String>,
    /// Names of what stays when Git does not have it any more.
    pub staying: Vec<String>,
    /// Annotations, by name, in Git and in the cluster.
    pub annotations: BTreeMap<String, Value>,
    /// How what is in the cluster is, by name, where it is not simply there.
    pub health: BTreeMap<String, &'static str>,
    /// What Git says of hooks: Jobs.
    pub hooks: Vec<Value>,
    /// The Jobs that there are.
    pub jobs: Vec<Value>,
    /// What the Application's revision stands for, where a sync keeps to another commit.
    pub newest: Option<String>,
    pub broken: Option<String>,
    pub project: Result<Project, String>,
    pub outcomes: Vec<Outcome>,
    /// What no Application has.
    pub orphans: Vec<Key>,
    /// Everything done, in order.
    pub done: Vec<String>,
}

/// What goes wrong in a pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The status cannot be written, and so nothing else is.
    NothingIsStored,
    /// The controller dies after so many writes, before it has written down what became of them.
    DiesAfter(usize),
}

fn owner() -> Owner {
    Owner::new("argocd", "argocd", "colors", "shop")
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
            lingering: Vec::new(),
            going: Vec::new(),
            refused: None,
            staying: Vec::new(),
            annotations: BTreeMap::new(),
            health: BTreeMap::new(),
            hooks: Vec::new(),
            jobs: Vec::new(),
            newest: None,
            broken: None,
            project: Ok(Project::open("default")),
            outcomes: Vec::new(),
            orphans: Vec::new(),
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
            let object = json!({ "metadata": { "name": name, "annotations": self.annotations.get(name) } });
            let health = self.health.get(name);
            let said = Live::of(&object, &owner(), &[], &Rules::default());
            let prune = if self.staying.iter().any(|staying| staying == name) { Goes::No } else { said.prune };
            let health = health.map(|status| HealthStatus { status: (*status).to_owned(), ..HealthStatus::default() });
            let is_going = self.going.iter().any(|going| going == name);
            Some(Live { uid: format!("uid-{name}"), is_own: *is_own, prune, health, is_going, ..said })
        };
        let wanted = self.git.iter().map(|(name, value)| {
            let manifest = Manifest {
                key: key(name),
                version: "v1".to_owned(),
                value: json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "annotations": self.annotations.get(name) }, "data": { "value": value } }),
                file: format!("{name}.yaml"),
                seen: None,
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
        let job = |job: &Value| Live::of(job, &owner(), &[], &Rules::default());
        let jobs = self.jobs.iter().map(|value| Object {
            key: Key::of(value),
            version: "v1".to_owned(),
            wanted: None,
            verdict: None,
            live: Some(job(value)),
        });
        let objects = if self.broken.is_some() { Vec::new() } else { wanted.chain(others).chain(jobs).collect() };
        let hooks = self.hooks.iter().map(|value| {
            let mut value = value.clone();
            owner().mark(&mut value);
            Manifest {
                key: Key::of(&value),
                version: "v1".to_owned(),
                value,
                file: "hooks.yaml".to_owned(),
                seen: None,
            }
        });
        let hooks: Vec<Manifest> = hooks.collect();
        let gathered = Gathered { hooks, ..Gathered::default() };
        let (hooks, phases) = (&gathered.hooks, gathered.phases());
        let hooks = hook::runs(hooks, &self.application).into_iter().map(|(phase, manifest)| {
            let live = self.jobs.iter().find(|value| Key::of(value) == manifest.key).map(job);
            let refused = self.refused.clone().filter(|_| live.is_none());
            Hook { phase, manifest, live, refused }
        });
        Snapshot {
            application: self.application.clone(),
            now: self.now,
            rendered: match &self.broken {
                Some(why) => Rendered::Failed(why.clone()),
                None => Rendered::Done {
                    revisions: vec![self.revision.clone()],
                    types: vec!["Directory".to_owned()],
                    repeated: Vec::new(),
                    hooks: phases,
                },
            },
            objects,
            hooks: hooks.collect(),
            newest: self.newest.clone(),
            outcomes: self.outcomes.clone(),
            orphans: self.orphans.clone(),
            project: self.project.clone(),
        }
    }

    /// Plans once, and carries that out.
    pub fn pass(&mut self) -> Plan {
        self.pass_with(None)
    }

    /// Plans once, and carries that out as far as the fault lets it.
    pub fn pass_with(&mut self, fault: Option<Fault>) -> Plan {
        let snapshot = self.snapshot();
        let plan = plan(&snapshot);
        assert_eq!(guard::check(&snapshot, &plan), [], "the guard accepts the plan");
        if fault == Some(Fault::NothingIsStored) {
            return plan;
        }
        self.outcomes.clear();
        self.application.status = Some(plan.status.clone());
        if plan.is_operation_over {
            self.application.operation = None;
        }
        if let Some(finalizers) = &plan.finalizers {
            self.application.metadata.finalizers = Some(finalizers.clone());
        }
        for (index, effect) in plan.effects.iter().enumerate() {
            if fault.is_some_and(|fault| matches!(fault, Fault::DiesAfter(done) if done <= index)) {
                break;
            }
            self.execute(effect);
        }
        if fault.is_some() {
            self.outcomes.clear();
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
                self.outcomes.push(Outcome { key: manifest.key.clone(), write: Write::Applied, result });
            }
            Effect::Hook { phase, manifest, .. } => {
                let mut job = manifest.value.clone();
                job["metadata"]["uid"] = format!("uid-{}-{}", manifest.key.name, self.now.as_second()).into();
                self.jobs.retain(|known| Key::of(known) != manifest.key);
                self.jobs.push(job);
                self.done.push(format!("run {}", manifest.key.name));
                let result = Ok("created".to_owned());
                self.outcomes.push(Outcome { key: manifest.key.clone(), write: Write::Begun(*phase), result });
            }
            Effect::LetGo { key, .. } => {
                self.jobs.iter_mut().filter(|job| Key::of(job) == *key).for_each(|job| {
                    job["metadata"]["finalizers"] = json!([]);
                });
                self.done.push(format!("let {} go", key.name));
            }
            Effect::Delete { key, is_prune, .. } => {
                if self.lingering.contains(&key.name) {
                    self.going.push(key.name.clone());
                    let jobs = self.jobs.iter_mut().filter(|job| Key::of(job) == *key);
                    jobs.for_each(|job| job["metadata"]["deletionTimestamp"] = self.now.to_string().into());
                } else {
                    self.cluster.retain(|(known, ..)| *known != key.name);
                    self.jobs.retain(|job| Key::of(job) != *key);
                }
                self.done.push(format!("delete {}", key.name));
                let write = if *is_prune { Write::Pruned } else { Write::Tidied };
                self.outcomes.push(Outcome { key: key.clone(), write, result: Ok("pruned".to_owned()) });
            }
            Effect::Namespace { name, .. } => {
                self.done.push(format!("namespace {name}"));
                let key = Key { kind: "Namespace".to_owned(), name: name.clone(), ..Key::default() };
                self.outcomes.push(Outcome { key, write: Write::Applied, result: Ok("created".to_owned()) });
            }
            Effect::Release { finalizer } => {
                self.done.push("release".to_owned());
                self.application.metadata.finalizers.iter_mut().for_each(|all| all.retain(|name| name != finalizer));
            }
        }
    }

    /// Plans so many times.
    pub fn passes(&mut self, times: usize) {
        for _ in 0..times {
            self.pass();
        }
    }

    /// What took its time has gone.
    pub fn gone(&mut self, name: &str) {
        self.cluster.retain(|(known, ..)| known != name);
        self.jobs.retain(|job| job["metadata"]["name"] != name);
        self.going.clear();
        self.lingering.clear();
        self.settle();
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

    /// Marks an object as the Application's own.
    pub fn own(object: &mut Value) {
        owner().mark(object);
    }

    /// Adds a hook that is a Job, with these annotations.
    pub fn hook(&mut self, name: &str, annotations: &Value) {
        let metadata = json!({ "name": name, "namespace": "shop", "annotations": annotations });
        self.hooks.push(json!({ "apiVersion": "batch/v1", "kind": "Job", "metadata": metadata }));
    }

    /// A Job comes to its end.
    pub fn ends(&mut self, name: &str, condition: &str) {
        let job = self.jobs.iter_mut().find(|job| job["metadata"]["name"] == name).expect("the Job is there");
        job["status"] = json!({ "conditions": [{ "type": condition, "status": "True", "message": "it is over" }] });
    }

    /// A Job comes to its end, and what follows from that.
    pub fn finish(&mut self, name: &str, condition: &str) {
        self.ends(name, condition);
        self.settle();
    }

    /// Somebody asks for a sync.
    pub fn ask(&mut self, sync: &Value) {
        let asked = json!({ "sync": sync, "initiatedBy": { "username": "eve" } });
        self.application.operation = Some(serde_json::from_value(asked).expect("an operation"));
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
