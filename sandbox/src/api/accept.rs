//! Which representations a client takes, and whether there is one of them.

use serde_json::json;

use crate::refusal::Refusal;
use crate::resource::Resource;

const KNOWN: &str = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
/// What the sandbox reads and does not write.
const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
const FORMS: [&str; 4] = ["Table", "PartialObjectMetadata", "PartialObjectMetadataList", "APIGroupDiscoveryList"];

/// The types of an `Accept` header, with their `as` parameter.
fn types(accept: &str) -> impl Iterator<Item = (&str, Option<&str>)> {
    accept.split(',').map(|media_type| {
        let mut parts = media_type.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        (name, parts.find_map(|part| part.strip_prefix("as=")))
    })
}

fn is_known(name: &str) -> bool {
    name == "*/*" || name == "application/*" || KNOWN.split(", ").any(|known| known == name)
}

/// Whether the answer is to be YAML.
pub fn wants_yaml(accept: &str) -> bool {
    types(accept).find(|(name, _)| is_known(name)).is_some_and(|(name, _)| name == "application/yaml")
}

/// Refuses what nobody can answer in; `lists` where many objects are asked for.
pub fn check(accept: &str, resource: &Resource, lists: bool) -> Result<(), Refusal> {
    if accept.is_empty() {
        return Ok(());
    }
    let not_acceptable = |message: String| Refusal::with(406, "NotAcceptable", message, json!(null));
    let mut known = types(accept).filter(|(name, _)| is_known(name)).peekable();
    if known.peek().is_none() {
        let message = format!("406: Not Acceptable\n\nAvailable representations: {KNOWN}");
        return Err(Refusal { details: json!({}), ..not_acceptable(message) });
    }
    if resource.custom.is_none() && types(accept).filter(|(name, _)| is_known(name)).all(|(name, _)| name == PROTOBUF) {
        let message =
            "the sandbox answers in application/json and application/yaml, and this client accepts protobuf alone";
        return Err(not_acceptable(message.to_owned()));
    }
    let form = known.map(|(_, form)| form).find(|form| form.is_none_or(|form| FORMS.contains(&form)));
    match form {
        None => Err(not_acceptable(format!("only the following media types are accepted: {KNOWN}"))),
        Some(Some("PartialObjectMetadata")) if lists => {
            let package = resource.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            let kind = match &resource.custom {
                Some(_) => "unstructured.UnstructuredList".to_owned(),
                None => format!("{package}.{}", resource.list_kind),
            };
            let why = format!("you requested PartialObjectMetadata, but the requested object is a list (*{kind})");
            Err(not_acceptable(why))
        }
        Some(_) => Ok(()),
    }
}
