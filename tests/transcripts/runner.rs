//! Takes a transcript's steps one after the other, and renders it with the answers that came.

use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{Api, ObjectMeta, PostParams};
use serde_json::{Value, json};

use crate::exchange::{Answer, Content, exchange};
use crate::names::Names;
use crate::target::Target;
use crate::transcript::{Directive, Part, Step, Transcript};
use crate::{pointer, yaml};

/// How often a condition is looked at, and how many times. Generous: it is only ever waited out on failure.
const PAUSE: Duration = Duration::from_millis(50);
const LOOKS: usize = 1200;

/// Makes a namespace for one transcript.
pub async fn namespace(target: &dyn Target, title: &str) -> String {
    let stem: String = title.replace('_', "-").chars().take(40).collect();
    let name = format!("t-{}-", stem.trim_end_matches('-'));
    let metadata = ObjectMeta { generate_name: Some(name), ..ObjectMeta::default() };
    let api: Api<Namespace> = Api::all(target.client());
    let made = api.create(&PostParams::default(), &Namespace { metadata, ..Namespace::default() }).await;
    let name = made.expect("a namespace").metadata.name.expect("a name");
    target.settle(&name).await;
    name
}

/// The text of the transcript as `target` would have it.
pub async fn replay(target: &dyn Target, title: &str, text: &str) -> String {
    let mut names = Names::new(&namespace(target, title).await);
    let mut replayed = String::new();
    for part in Transcript::parse(text).parts {
        match part {
            Part::Prose(prose) => replayed.push_str(&prose),
            Part::Step(step) => {
                let skip = step.has(&Directive::RealOnly) && !target.is_real();
                let answer = if skip { step.recorded() } else { answer(target, &step, &mut names).await };
                replayed.push_str(&step.render(&answer));
            }
        }
    }
    replayed
}

/// Takes a step until its conditions hold.
async fn answer(target: &dyn Target, step: &Step, names: &mut Names) -> String {
    let mut looks = 0;
    loop {
        let answer = exchange(target, step, names).await;
        let missing = step.directives.iter().find(|directive| match directive {
            Directive::Until(path, value) => {
                at(&answer, path).unwrap_or_default() != names.substitute_in(value.clone())
            }
            _ => false,
        });
        let Some(missing) = missing else { return render(answer, step, names) };
        looks += 1;
        assert!(
            looks < LOOKS,
            "{} {} never came to {missing:?}; last seen: {}",
            step.request.method,
            step.request.target,
            render(answer, step, names)
        );
        target.sleep(PAUSE).await;
    }
}

fn at(answer: &Answer, path: &str) -> Option<Value> {
    match &answer.body {
        _ if path == "code" => Some(json!(answer.code)),
        Content::Json(value) => pointer::get(value, path),
        _ => None,
    }
}

/// An answer as it stands in a file.
fn render(answer: Answer, step: &Step, names: &mut Names) -> String {
    let mut text = format!("< {}\n", answer.code);
    for header in answer.headers {
        text.extend(["< ", &names.text(&header), "\n"]);
    }
    match answer.body {
        Content::Text(body) => {
            text.push_str(names.text(body.trim_end()).as_str());
            text.push('\n');
        }
        Content::Json(body) => text.push_str(&yaml::render(&{
            let body = edited(body, step, names, answer.code < 400);
            names.value(body)
        })),
        Content::Events(events) => {
            let events = events.into_iter().map(|event| {
                yaml::render(&{
                    let event = edited(event, step, names, true);
                    names.value(event)
                })
            });
            text.push_str(&events.collect::<Vec<_>>().join("---\n"));
        }
    }
    format!("{}\n", text.trim_end())
}

/// What of an answer is rendered. A refusal is shown in full where something else was expected.
fn edited(mut body: Value, step: &Step, names: &Names, success: bool) -> Value {
    if !step.has(&Directive::KeepManagedFields) {
        drop_managed_fields(&mut body);
    }
    for directive in &step.directives {
        match directive {
            Directive::Claims(path) => pointer::each(&mut body, path, &mut |token| *token = opened(token)),
            Directive::Show(paths) if success => {
                let paths: Vec<&str> = paths.iter().map(String::as_str).collect();
                body = pointer::only(&body, &paths);
            }
            Directive::Hide(path) => pointer::remove(&mut body, path),
            Directive::Mask(path) => pointer::each(&mut body, path, &mut |value| *value = "<masked>".into()),
            _ => {}
        }
    }
    // Only what is rendered counts for the order.
    for directive in &step.directives {
        if let Directive::Sort(path) = directive {
            pointer::each(&mut body, path, &mut |list| sort(list, names));
        }
    }
    body
}

/// A JSON Web Token, and the header and the claims that are in it.
fn opened(token: &Value) -> Value {
    let mut parts = token.as_str().unwrap_or_default().split('.').map(|part| {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(part).expect("base 64");
        serde_json::from_slice::<Value>(&bytes).expect("JSON")
    });
    json!({ "token": token, "header": parts.next(), "claims": parts.next() })
}

/// Orders a list. Each item has the next name for what is new in it, so that only what is the same in every run counts.
fn sort(list: &mut Value, names: &Names) {
    if let Value::Array(items) = list {
        items.sort_by_cached_key(|item| names.clone().value(item.clone()).to_string());
    }
}

fn drop_managed_fields(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.remove("managedFields");
            map.values_mut().for_each(drop_managed_fields);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_managed_fields),
        _ => {}
    }
}
