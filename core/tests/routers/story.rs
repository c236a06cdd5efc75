//! A story: a rollout, its objects, and what routers make of them chapter by chapter.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_core::api::{Rollout, SetHeaderRoute, SetMirrorRoute};
use sluice_core::sight::Sight;
use sluice_core::traffic::{
    Answer, Destination, ObjectKind, Pick, Route, Routed, Routing, Seen, Weight, named, remembered_keys,
};

use crate::apply::{carry_out, change, is_of, is_same};

/// One file.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Story {
    /// `spec.strategy` of the Rollout, which is called `web` and is in the namespace `shop`.
    strategy: Value,
    /// Its objects at first.
    pub objects: Vec<Value>,
    /// Keys of labels and annotations that are the router's, as prefixes.
    #[serde(default)]
    owns: Vec<String>,
    /// The API groups with their versions that the cluster has, such as `apps/v1`; all where it does not say.
    #[serde(default)]
    serves: Vec<String>,
    /// What whoever runs the data plane writes into the status of a new object, by its kind.
    #[serde(default)]
    statuses: BTreeMap<String, Value>,
    pub chapters: Vec<Chapter>,
}

/// What happens, and what comes of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chapter {
    pub title: String,
    /// `spec.strategy` of the manifest from now on.
    #[serde(default)]
    strategy: Option<Value>,
    /// Seconds that pass before.
    #[serde(default)]
    after: i64,
    /// What the router is told; nothing where it is taken out of the manifest.
    #[serde(default)]
    say: Option<Say>,
    /// Whether data planes stay silent, instead of hearing of everything at once.
    #[serde(default)]
    deaf: bool,
    /// Objects that somebody else puts there before, or changes.
    #[serde(default)]
    meanwhile: Vec<Value>,
    /// What somebody else changes before.
    #[serde(default)]
    edits: Vec<Edit>,
    /// Objects that somebody else takes away before, as `Kind/name`.
    #[serde(default)]
    gone: Vec<String>,
    /// How many writes it takes.
    #[serde(default)]
    writes: usize,
    /// What keeps the router from saying all.
    #[serde(default)]
    trouble: Option<String>,
    /// What is another line of the objects than before.
    #[serde(default)]
    changes: String,
    /// What the router then says of them: the canary's lowest and highest weight, whether that is verified, whether it has routes.
    #[serde(default)]
    observed: Value,
}

/// What somebody else does to an object.
#[derive(Deserialize)]
pub struct Edit {
    /// The object, as `Kind/name`.
    of: String,
    /// The operations of a JSON Patch.
    patch: Vec<Value>,
}

/// What a router is told. The Services are those of the strategy.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Say {
    #[serde(default)]
    weight: i32,
    /// The revision that the canary's Service leads to.
    canary: String,
    /// The revision that the stable Service leads to.
    stable: String,
    #[serde(default)]
    header_routes: Vec<SetHeaderRoute>,
    #[serde(default)]
    mirror_routes: Vec<SetMirrorRoute>,
    /// Services of experiments, with their revisions and shares.
    #[serde(default)]
    additional: Vec<(String, String, i32)>,
    /// Whether the two Services have changed their turns (`pingPong`).
    #[serde(default)]
    turned: bool,
}

/// What came of a chapter.
#[derive(Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    writes: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    trouble: Option<String>,
    observed: Value,
    changes: String,
    /// The objects.
    #[serde(skip)]
    pub after: Vec<Value>,
    /// Those that are as Git has them, but for what the routers did.
    #[serde(skip)]
    pub kept: Vec<Kept>,
}

/// An object that nobody but routers has changed.
#[derive(Clone, PartialEq)]
pub struct Kept {
    pub rollout: Rollout,
    pub title: String,
    pub git: Value,
    pub live: Value,
    /// It, and the others.
    pub all: Vec<Value>,
}

impl Story {
    pub fn read(path: &Path) -> Story {
        let text = std::fs::read_to_string(path).expect("a story");
        serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    pub fn owns(&self, key: &str) -> bool {
        self.owns.iter().any(|prefix| key.starts_with(prefix.as_str()))
    }

    /// Tells the story from the beginning.
    pub fn tell(&mut self) -> Vec<Outcome> {
        let mut objects = self.objects.clone();
        let mut now = Now { time: jiff::Timestamp::UNIX_EPOCH, rollout: rollout(&self.strategy), former: None };
        let mut last = None;
        let mut git = self.objects.clone();
        let tell = |chapter: &Chapter| {
            now.time += jiff::SignedDuration::from_secs(chapter.after);
            if let Some(strategy) = &chapter.strategy {
                let before = std::mem::replace(&mut now.rollout, rollout(strategy));
                now.former = last.take().map(|last| (before, last));
            }
            for one in &chapter.meanwhile {
                match objects.iter_mut().find(|object| is_same(object, one)) {
                    Some(object) => object.clone_from(one),
                    None => objects.push(one.clone()),
                }
                git.retain(|known| !is_same(known, one));
            }
            for edit in &chapter.edits {
                let object = objects.iter_mut().find(|object| reference(object) == edit.of);
                change(object.expect("what is edited is there"), &edit.patch);
                git.retain(|known| reference(known) != edit.of);
            }
            objects.retain(|object| !chapter.gone.contains(&reference(object)));
            if let Some(say) = &chapter.say {
                last = Some(routing(&now.rollout, say));
            }
            let place = Place { now: &now, serves: &self.serves, statuses: &self.statuses };
            let mut outcome = tell(&place, &mut objects, chapter, last.as_ref().expect("something to say first"));
            if chapter.say.is_some() {
                let live = git.iter().filter_map(|git| Some((git, objects.iter().find(|live| is_same(git, live))?)));
                let kept = |(git, live): (&Value, &Value)| Kept {
                    rollout: now.rollout.clone(),
                    title: chapter.title.clone(),
                    git: git.clone(),
                    live: live.clone(),
                    all: objects.clone(),
                };
                outcome.kept = live.map(kept).collect();
            }
            outcome
        };
        self.chapters.iter().map(tell).collect()
    }

    /// The first difference.
    pub fn differs(&self, told: &[Outcome]) -> Option<String> {
        self.chapters.iter().zip(told).find_map(|(chapter, outcome)| {
            let expected = Outcome {
                writes: chapter.writes,
                trouble: chapter.trouble.clone(),
                observed: chapter.observed.clone(),
                changes: chapter.changes.clone(),
                after: outcome.after.clone(),
                kept: outcome.kept.clone(),
            };
            let text = |outcome: &Outcome| serde_saphyr::to_string(outcome).expect("YAML");
            (expected != *outcome)
                .then(|| format!("{}\nexpected:\n{}\nbut it is:\n{}", chapter.title, text(&expected), text(outcome)))
        })
    }

    /// Writes the outcomes into the file, below each chapter.
    pub fn write(path: &Path, told: &[Outcome]) {
        let text = std::fs::read_to_string(path).expect("a story");
        let mut lines: Vec<String> = Vec::new();
        let mut outcomes = told.iter();
        let mut pending: Option<&Outcome> = None;
        let mut skipping = false;
        let flush = |lines: &mut Vec<String>, outcome: Option<&Outcome>| {
            let Some(outcome) = outcome else { return };
            let text = serde_saphyr::to_string(outcome).expect("YAML");
            lines.extend(text.lines().map(|line| format!("    {line}")));
        };
        for line in text.lines() {
            if line.starts_with("  - title:") {
                flush(&mut lines, pending.take());
                pending = outcomes.next();
                skipping = false;
            }
            let ours = ["writes:", "trouble:", "observed:", "changes:"];
            if let Some(field) = line.strip_prefix("    ").filter(|rest| !rest.starts_with([' ', '-'])) {
                skipping = ours.iter().any(|own| field.starts_with(own));
            }
            if !skipping {
                lines.push(line.to_owned());
            }
        }
        flush(&mut lines, pending);
        std::fs::write(path, lines.join("\n") + "\n").expect("the story is written");
    }
}

/// What the controller knows at one moment, beside the objects.
struct Now {
    time: jiff::Timestamp,
    rollout: Rollout,
    /// The manifest before it changed, and what its routers were told last.
    former: Option<(Rollout, Routing)>,
}

fn rollout(strategy: &Value) -> Rollout {
    serde_json::from_value(json!({
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Rollout",
        "metadata": { "name": "web", "namespace": "shop", "uid": "uid-of-web" },
        "spec": { "strategy": strategy },
    }))
    .expect("a Rollout")
}

/// An object as `Kind/name`.
fn reference(object: &Value) -> String {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    format!("{}/{}", text(&object["kind"]), text(&object["metadata"]["name"]))
}

fn routing(rollout: &Rollout, say: &Say) -> Routing {
    let strategy = sluice_core::strategy::Strategy::of(rollout).expect("a strategy");
    let roles = strategy.roles(rollout.status());
    let (canary, stable) = if say.turned { (roles.stable, roles.canary) } else { (roles.canary, roles.stable) };
    let to = |service: &str, hash: &str| Destination { service: service.into(), hash: hash.into() };
    let headers = say.header_routes.iter().cloned().map(Route::Header);
    Routing {
        canary: to(canary, &say.canary),
        stable: to(stable, &say.stable),
        weight: Weight::new(say.weight, strategy.max_weight()),
        additional: say.additional.iter().map(|(service, hash, share)| (to(service, hash), *share)).collect(),
        routes: headers.chain(say.mirror_routes.iter().cloned().map(Route::Mirror)).collect(),
    }
}

/// Where a story takes place.
struct Place<'a> {
    now: &'a Now,
    serves: &'a [String],
    statuses: &'a BTreeMap<String, Value>,
}

impl Place<'_> {
    /// The versions of a kind that the cluster has: one, as of those that it has the first one counts.
    fn served(&self, kind: ObjectKind) -> Option<ObjectKind> {
        let has = |version: &str| self.serves.contains(&format!("{}/{version}", kind.group));
        let at = kind.versions.iter().position(|version| self.serves.is_empty() || has(version))?;
        Some(ObjectKind { versions: &kind.versions[at..=at], ..kind })
    }
}

/// Has the routers do what there is to do until nothing is left, as passes of the controller would.
fn tell(place: &Place<'_>, objects: &mut Vec<Value>, chapter: &Chapter, routing: &Routing) -> Outcome {
    let mut writes = 0;
    let before = lines(objects);
    loop {
        if !chapter.deaf {
            for object in objects.iter_mut() {
                hear(object, place.statuses);
            }
        }
        let answer = ask(place, objects, chapter, routing);
        let trouble = answer.trouble.map(|trouble| trouble.to_string());
        for write in &answer.writes {
            carry_out(objects, write);
        }
        writes += answer.writes.len();
        assert!(writes < 20, "{}: it never ends: {:#?}", chapter.title, answer.writes);
        if answer.writes.is_empty() {
            let changes =
                similar::TextDiff::from_lines(&before, &lines(objects)).unified_diff().context_radius(2).to_string();
            let observed = observed(place, objects, routing);
            return Outcome { writes, trouble, observed, changes, after: objects.clone(), kept: Vec::new() };
        }
    }
}

/// The objects as text, without what the API server counts.
fn lines(objects: &[Value]) -> String {
    let mut objects = objects.to_vec();
    for object in &mut objects {
        object["metadata"]["generation"] = Value::Null;
        if let Some(object) = object.as_object_mut() {
            object.remove("status");
        }
    }
    serde_saphyr::to_string(&objects).expect("YAML")
}

fn routed(place: &Place<'_>, rollout: &Rollout, objects: &[Value]) -> Vec<Routed> {
    let routers = named(rollout);
    assert!(!routers.is_empty(), "the story names a router");
    let see = |router: &std::sync::Arc<dyn sluice_core::traffic::TrafficRouter>| {
        router
            .queries()
            .into_iter()
            .flat_map(|query| {
                let of_kind = |object: &&Value| {
                    is_of(query.kind, object) && object["metadata"]["namespace"] == query.namespace.as_str()
                };
                let served = place.served(query.kind);
                let seen = |name: &str, object| Seen {
                    kind: served.unwrap_or(query.kind),
                    namespace: query.namespace.clone(),
                    name: name.into(),
                    object,
                };
                match &query.pick {
                    Pick::Named(name) if served.is_none() => {
                        vec![seen(name, Sight::Unreadable("the cluster has no such kind".into()))]
                    }
                    Pick::Named(name) => {
                        let found =
                            objects.iter().filter(of_kind).find(|object| object["metadata"]["name"] == name.as_str());
                        vec![seen(name, found.map_or(Sight::Missing, |object| Sight::Found(object.clone())))]
                    }
                    Pick::Plugin(_) => panic!("plugins have no objects"),
                    Pick::Remembered(key) => {
                        let text = |object: &Value| {
                            object["metadata"]["annotations"]["rollout.argoproj.io/routed"]
                                .as_str()
                                .map(remembered_keys)
                        };
                        let remembers = |object: &&Value| text(object).is_some_and(|keys| keys.contains(key));
                        let found = objects.iter().filter(of_kind).filter(remembers);
                        let name = |object: &Value| object["metadata"]["name"].as_str().expect("a name").to_owned();
                        found.map(|object| seen(&name(object), Sight::Found(object.clone()))).collect()
                    }
                    Pick::Labelled(selector) => {
                        let labelled = |object: &&Value| {
                            sluice_core::selector::matches(
                                selector,
                                &sluice_core::selector::texts(object, "/metadata/labels"),
                            )
                        };
                        let found = objects.iter().filter(of_kind).filter(labelled);
                        let name = |object: &Value| object["metadata"]["name"].as_str().expect("a name").to_owned();
                        found.map(|object| seen(&name(object), Sight::Found(object.clone()))).collect()
                    }
                }
            })
            .collect()
    };
    routers.iter().map(|router| Routed { router: router.clone(), objects: see(router) }).collect()
}

fn ask(place: &Place<'_>, objects: &[Value], chapter: &Chapter, routing: &Routing) -> Answer {
    let mut all = Answer::default();
    let mut add = |answer: Answer| {
        all.writes.extend(answer.writes);
        all.trouble = all.trouble.take().or(answer.trouble);
    };
    let routers = routed(place, &place.now.rollout, objects);
    // What no router reads any more is left to whoever comes next.
    let kept = |seen: &Seen| {
        let mut all = routers.iter().flat_map(|routed| &routed.objects);
        all.any(|own| own.kind == seen.kind && own.namespace == seen.namespace && own.name == seen.name)
    };
    if let Some((before, told)) = &place.now.former {
        for mut former in routed(place, before, objects) {
            former.objects.retain(|seen| !kept(seen));
            add(former.router.release(former.view(place.now.time), &told.canary, &told.stable));
        }
    }
    for routed in &routers {
        let view = routed.view(place.now.time);
        add(match &chapter.say {
            Some(_) => routed.router.change(view, routing),
            None => routed.router.release(view, &routing.canary, &routing.stable),
        });
    }
    all
}

fn observed(place: &Place<'_>, objects: &[Value], routing: &Routing) -> Value {
    let each = routed(place, &place.now.rollout, objects).into_iter().map(|routed| {
        let seen = routed.router.observe(routed.view(place.now.time), &routing.canary, &routing.stable);
        let mut text = json!({ "lowest": seen.lowest, "highest": seen.highest, "verified": seen.verified, "hasRoutes": seen.has_routes });
        let until = seen.until.map(|until| until.to_string());
        let more = [("behind", seen.behind), ("until", until), ("trouble", seen.trouble.map(|it| it.to_string())), ("hash", seen.hash)];
        for (field, value) in more {
            if let Some(value) = value {
                text[field] = json!(value);
            }
        }
        text
    });
    each.collect()
}

/// Whoever runs the data plane takes the object up, where it keeps a status that says so.
fn hear(object: &mut Value, statuses: &BTreeMap<String, Value>) {
    let generation = object["metadata"]["generation"].clone();
    let kind = object["kind"].as_str().unwrap_or_default();
    if let Some(status) = statuses.get(kind).filter(|_| object.get("status").is_none()) {
        object["status"] = status.clone();
    }
    if let Some(status) = object.get_mut("status") {
        observe_generation(status, &generation);
    }
}

fn observe_generation(status: &mut Value, generation: &Value) {
    match status {
        Value::Object(fields) => {
            for (name, value) in fields {
                if name == "observedGeneration" {
                    // Some write the number as a text.
                    *value = if value.is_string() { json!(generation.to_string()) } else { generation.clone() };
                }
                observe_generation(value, generation);
            }
        }
        Value::Array(all) => all.iter_mut().for_each(|one| observe_generation(one, generation)),
        _ => {}
    }
}
