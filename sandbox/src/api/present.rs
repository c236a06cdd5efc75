//! The form in which objects are shown: as they are, by their metadata alone, or as a table for people.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::resource::Resource;
use crate::tables::{self, Columns, IncludeObject};
use crate::write::versions;

/// What `Accept` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// The objects.
    Object,
    /// Their metadata.
    Metadata,
    /// A table for people.
    Table(IncludeObject),
}

impl Form {
    /// Reads an `Accept` header: the first of its types that the API server can answer with. `include` is `includeObject` of
    /// the query, for tables.
    pub fn accepted(accept: &str, include: &str) -> Form {
        let types = accept.split(',').map(str::trim);
        for media_type in types {
            let has = |parameter: &str| media_type.split(';').any(|part| part.trim() == parameter);
            if has("as=PartialObjectMetadata") || has("as=PartialObjectMetadataList") {
                return Form::Metadata;
            }
            if has("as=Table") && has("v=v1") {
                return Form::Table(match include {
                    "None" => IncludeObject::None,
                    "Object" => IncludeObject::Object,
                    _ => IncludeObject::Metadata,
                });
            }
            if media_type.starts_with("application/json") || media_type.starts_with("*/*") {
                return Form::Object;
            }
        }
        Form::Object
    }

    /// One object. As the answer to a write it is never a table.
    pub fn object(self, object: &Value) -> Value {
        match self {
            Form::Object | Form::Table(_) => object.clone(),
            Form::Metadata => json!({
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"],
            }),
        }
    }

    /// One object that was asked for.
    pub fn one(self, resource: &Resource, object: &Value, now: Timestamp) -> Value {
        let object = &*versions::shown(resource, object);
        match self {
            Form::Table(include) => {
                let metadata = json!({ "resourceVersion": object["metadata"]["resourceVersion"] });
                tables::table(&columns(resource), &[object], metadata, now, include)
            }
            other => other.object(object),
        }
    }

    /// The object of a watch event. Of tables only the first has the columns.
    pub fn event(self, resource: &Resource, object: &Value, now: Timestamp, first: bool) -> Value {
        let mut shown = self.one(resource, object, now);
        if matches!(self, Form::Table(_)) && !first {
            shown["columnDefinitions"] = Value::Null;
        }
        shown
    }

    /// The object of a bookmark, which has nothing but a version.
    pub fn bookmark(self, resource: &Resource, metadata: &Value) -> Value {
        if matches!(self, Form::Table(_)) {
            return json!({
                "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                "columnDefinitions": null, "rows": [],
            });
        }
        let bookmark = json!({ "kind": resource.kind, "apiVersion": resource.api_version(), "metadata": metadata });
        self.object(&bookmark)
    }

    /// A list.
    pub fn list(self, resource: &Resource, items: &[&Value], metadata: &Value, now: Timestamp) -> Value {
        let (kind, api_version) = match self {
            Form::Table(include) => return tables::table(&columns(resource), items, metadata.clone(), now, include),
            Form::Object => (resource.list_kind.clone(), resource.api_version()),
            Form::Metadata => ("PartialObjectMetadataList".to_owned(), "meta.k8s.io/v1".to_owned()),
        };
        let items = items.iter().map(|item| match self.object(&versions::shown(resource, item)) {
            // The items of a typed list do not say what they are.
            Value::Object(mut fields) if self == Form::Object && !resource.is_custom() => {
                fields.remove("apiVersion");
                fields.remove("kind");
                Value::Object(fields)
            }
            item => item,
        });
        let items: Vec<Value> = items.collect();
        json!({ "kind": kind, "apiVersion": api_version, "metadata": metadata, "items": items })
    }
}

fn columns(resource: &Resource) -> Columns {
    match &resource.custom {
        Some(custom) => Columns::of_crd_version(&custom.version["additionalPrinterColumns"]),
        None => Columns::builtin(&resource.group, &resource.kind),
    }
}
