//! A story: a rollout, its objects, and what routers make of them chapter by chapter.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sluice_core::api::{Rollout, SetHeaderRoute, SetMirrorRoute};
use sluice_core::sight::Sight;
use sluice_core::traffic::{Answer, Destination, Pick, Route, Routed, Routing, Seen, Weight, named};

use crate::apply::{carry_out, change};

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
    pub chapters: Vec<Chapter>,
}

/// What happens, and what comes of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chapter {
    pub title: String,
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
        let rollout: Rollout = serde_json::from_value(json!({
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": { "name": "web", "namespace": "shop", "uid": "uid-of-web" },
            "spec": { "strategy": self.strategy },
        }))
        .expect("a Rollout");
        let mut objects = self.objects.clone();
        let mut last = None;
        let tell = |chapter: &Chapter| {
            for one in &chapter.meanwhile {
                match objects.iter_mut().find(|object| reference(object) == reference(one)) {
                    Some(object) => object.clone_from(one),
                    None => objects.push(one.clone()),
                }
            }
            for edit in &chapter.edits {
                let object = objects.iter_mut().find(|object| reference(object) == edit.of);
                change(object.expect("what is edited is there"), &edit.patch);
            }
            objects.retain(|object| !chapter.gone.contains(&reference(object)));
            if let Some(say) = &chapter.say {
                last = Some(routing(&rollout, say));
            }
            tell(&rollout, &mut objects, chapter, last.as_ref().expect("something to say first"))
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

/// Has the routers do what there is to do until nothing is left, as passes of the controller would.
fn tell(rollout: &Rollout, objects: &mut Vec<Value>, chapter: &Chapter, routing: &Routing) -> Outcome {
    let mut writes = 0;
    let before = lines(objects);
    loop {
        let answer = ask(rollout, objects, chapter, routing);
        let trouble = answer.trouble.map(|trouble| trouble.to_string());
        for write in &answer.writes {
            carry_out(objects, write);
        }
        if !chapter.deaf {
            objects.iter_mut().for_each(hear);
        }
        writes += answer.writes.len();
        assert!(writes < 20, "{}: it never ends: {:#?}", chapter.title, answer.writes);
        if answer.writes.is_empty() {
            let changes =
                similar::TextDiff::from_lines(&before, &lines(objects)).unified_diff().context_radius(2).to_string();
            let observed = observed(rollout, objects, routing);
            return Outcome { writes, trouble, observed, changes, after: objects.clone() };
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

fn routed(rollout: &Rollout, objects: &[Value]) -> Vec<Routed> {
    let routers = named(rollout);
    assert!(!routers.is_empty(), "the story names a router");
    let see = |router: &std::sync::Arc<dyn sluice_core::traffic::TrafficRouter>| {
        router
            .queries()
            .into_iter()
            .flat_map(|query| {
                let of_kind = |object: &&Value| {
                    object["kind"] == query.kind.kind && object["metadata"]["namespace"] == query.namespace.as_str()
                };
                let seen = |name: &str, object| Seen {
                    kind: query.kind,
                    namespace: query.namespace.clone(),
                    name: name.into(),
                    object,
                };
                match &query.pick {
                    Pick::Named(name) => {
                        let found =
                            objects.iter().filter(of_kind).find(|object| object["metadata"]["name"] == name.as_str());
                        vec![seen(name, found.map_or(Sight::Missing, |object| Sight::Found(object.clone())))]
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

fn ask(rollout: &Rollout, objects: &[Value], chapter: &Chapter, routing: &Routing) -> Answer {
    let mut all = Answer::default();
    for routed in routed(rollout, objects) {
        let view = routed.view(jiff::Timestamp::UNIX_EPOCH);
        let answer = match &chapter.say {
            Some(_) => routed.router.change(view, routing),
            None => routed.router.release(view, &routing.canary, &routing.stable),
        };
        all.writes.extend(answer.writes);
        all.trouble = all.trouble.or(answer.trouble);
    }
    all
}

fn observed(rollout: &Rollout, objects: &[Value], routing: &Routing) -> Value {
    let each = routed(rollout, objects).into_iter().map(|routed| {
        let seen = routed.router.observe(routed.view(jiff::Timestamp::UNIX_EPOCH), &routing.canary, &routing.stable);
        let mut text = json!({ "lowest": seen.lowest, "highest": seen.highest, "verified": seen.verified, "hasRoutes": seen.has_routes });
        for (field, value) in [("behind", seen.behind), ("trouble", seen.trouble.map(|it| it.to_string())), ("hash", seen.hash)] {
            if let Some(value) = value {
                text[field] = json!(value);
            }
        }
        text
    });
    each.collect()
}

/// Whoever runs the data plane takes the object up, where its status says so.
fn hear(object: &mut Value) {
    let generation = object["metadata"]["generation"].clone();
    // Some write the number as a text.
    if object["status"]["observedGeneration"].is_string() {
        object["status"]["observedGeneration"] = json!(generation.to_string());
    }
    let Some(parents) = object.pointer_mut("/status/parents").and_then(Value::as_array_mut) else { return };
    let conditions = parents.iter_mut().filter_map(|parent| parent["conditions"].as_array_mut()).flatten();
    for condition in conditions {
        condition["observedGeneration"] = generation.clone();
    }
}
