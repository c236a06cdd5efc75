//! From text to objects.

use serde_json::Value;
use sluice_core::validate::Severity;

use super::{Finding, Place, Source};
use sluice_yaml::{self as yaml, Located};

/// The most documents of one text: a pipe may never end.
const MOST_DOCUMENTS: usize = 20_000;

/// An object in a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// The object.
    pub object: Value,
    /// Which document of which file it is from.
    pub place: Place,
    /// The document around it, which knows the lines.
    whole: std::rc::Rc<Located>,
    /// Where in the document it is: `items[2]` of a List.
    within: String,
}

impl Document {
    /// The line of a field of the object.
    pub fn line(&self, field: &str) -> Option<u64> {
        let separator = if self.within.is_empty() || field.is_empty() || field.starts_with('[') { "" } else { "." };
        self.whole.line(&format!("{}{separator}{field}", self.within))
    }
}

/// The objects of a text, and what could not be read.
pub fn read(source: &Source) -> (Vec<Document>, Vec<Finding>) {
    let (documents, findings) = if source.text.trim_start().starts_with('{') && !looks_like_helm(&source.text) {
        of_json(source)
    } else {
        of_yaml(source)
    };
    let is_template = looks_like_helm(&source.text)
        && (!findings.is_empty() || documents.iter().any(|document| !has_plain_identity(&document.object)));
    if !is_template {
        return (documents, findings);
    }
    // What a template looks like before it is rendered says nothing about what comes of it.
    let message = "is a Helm template that is not rendered; check what Helm makes of it: helm template CHART | kubectl sluice lint -";
    let place = Place { file: source.name.clone(), ..Place::default() };
    (Vec::new(), vec![about(place, message.to_owned(), Severity::Error)])
}

fn of_yaml(source: &Source) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let parts = yaml::split(&source.text);
    if parts.len() > MOST_DOCUMENTS {
        let message = format!("has more than {MOST_DOCUMENTS} documents");
        findings.push(about(Place { file: source.name.clone(), ..Place::default() }, message, Severity::Error));
        return (documents, findings);
    }
    for (index, part) in parts.into_iter().enumerate() {
        let place = Place { file: source.name.clone(), document: Some(index + 1), line: None };
        match yaml::read(part) {
            Ok(located) => open(located, &place, source.is_named, &mut documents, &mut findings),
            Err(error) => {
                let place = Place { line: error.line, ..place };
                findings.push(about(place, format!("is not YAML: {}", error.why), Severity::Error));
            }
        }
    }
    (documents, findings)
}

fn of_json(source: &Source) -> (Vec<Document>, Vec<Finding>) {
    let (mut documents, mut findings) = (Vec::new(), Vec::new());
    let stream = serde_json::Deserializer::from_str(&source.text).into_iter::<Value>();
    for (index, value) in stream.take(MOST_DOCUMENTS).enumerate() {
        let place = Place { file: source.name.clone(), document: Some(index + 1), line: None };
        match value {
            Ok(value) => open(Located::unknown(value), &place, source.is_named, &mut documents, &mut findings),
            // As kubectl does: YAML may begin with a brace too.
            Err(_) if index == 0 => return of_yaml(source),
            Err(error) => {
                let place = Place { line: u64::try_from(error.line()).ok(), ..place };
                findings.push(about(place, format!("is not JSON: {error}"), Severity::Error));
            }
        }
    }
    (documents, findings)
}

/// Takes the objects out of a document: itself, or the items of a list.
fn open(located: Located, place: &Place, is_named: bool, documents: &mut Vec<Document>, findings: &mut Vec<Finding>) {
    let whole = std::rc::Rc::new(located);
    let kind = whole.value.get("kind").and_then(Value::as_str).unwrap_or_default();
    let items = whole.value.get("items").and_then(Value::as_array);
    if let Some(items) = items.filter(|_| kind.ends_with("List")) {
        for (index, item) in items.iter().enumerate() {
            let within = format!("items[{index}]");
            documents.push(Document { object: item.clone(), place: place.clone(), whole: whole.clone(), within });
        }
    } else if kind.is_empty() && whole.value.get("kind").is_none_or(Value::is_null) {
        // Folders are full of other things: values of charts, kustomizations without a kind.
        if is_named && !whole.value.is_null() {
            findings.push(about(
                place.clone(),
                "is no Kubernetes object: it has no kind".to_owned(),
                Severity::Warning,
            ));
        }
    } else {
        let object = whole.value.clone();
        documents.push(Document { object, place: place.clone(), whole: whole.clone(), within: String::new() });
    }
}

fn about(place: Place, message: String, severity: Severity) -> Finding {
    Finding { severity, place, object: String::new(), field: String::new(), message }
}

/// Whether kind and name are texts without braces, as they are in every manifest that can be applied.
fn has_plain_identity(object: &Value) -> bool {
    let parts = ["/apiVersion", "/kind", "/metadata/name", "/metadata/namespace"];
    parts.iter().filter_map(|pointer| object.pointer(pointer)).all(|part| match part {
        Value::String(text) => !text.contains("{{"),
        Value::Null => true,
        _ => false,
    })
}

/// Whether there is an action of Go's templates in a text, other than the placeholders of analysis templates.
fn looks_like_helm(text: &str) -> bool {
    const WORDS: [&str; 13] = [
        "include", "if", "else", "end", "range", "with", "define", "template", "block", "toYaml", "tpl", "default",
        "quote",
    ];
    text.split("{{").skip(1).any(|rest| {
        let inside = rest.trim_start_matches('-').trim_start();
        let word = inside.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
        inside.starts_with(['.', '$', '(', '"', '`']) || inside.starts_with("/*") || WORDS.contains(&word)
    })
}
