//! The form in which objects are shown: as they are, by their metadata alone, or as a table for people.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::resource::Resource;

/// What `Accept` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The objects.
    Object,
    /// Their metadata.
    Metadata,
}

impl Form {
    /// Reads an `Accept` header: the first of its types that the API server can answer with.
    pub fn accepted(accept: &str) -> Form {
        let types = accept.split(',').map(str::trim);
        for media_type in types {
            let has = |parameter: &str| media_type.split(';').any(|part| part.trim() == parameter);
            if has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList") {
                return Form::Metadata;
            }
            if media_type.starts_with("application/json") || media_type.starts_with("*/*") {
                return Form::Object;
            }
        }
        Form::Object
    }

    /// One object.
    pub fn object(self, object: &Value) -> Value {
        match self {
            Form::Object => object.clone(),
            Form::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
            }),
        }
    }

    /// The object of a watch event.
    pub fn event(self, _resource: &Resource, object: &Value, _now: Timestamp) -> Value {
        self.object(object)
    }

    /// The object of a bookmark, which has nothing but a version.
    pub fn bookmark(self, resource: &Resource, mut metadata: Value) -> Value {
        metadata["creationTimestamp"] = Value::Null;
        let bookmark = json!({ "kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata });
        self.object(&bookmark)
    }

    /// A list.
    pub fn list(self, resource: &Resource, items: &[&Value], metadata: &Value, _now: Timestamp) -> Value {
        let (kind, api_version) = match self {
            Form::Object => (resource.list_kind.clone(), resource.api_version()),
            Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
        };
        let items: Vec<Value> = items.iter().map(|item| self.object(item)).collect();
        json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items })
    }
}
