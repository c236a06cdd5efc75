//! Reads schemas, those of `OpenAPI` documents and those of CRDs: the same language, with few differences.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, OnceLock};

use serde::Deserialize;
use serde_json::{Number, Value};

use super::limits::Pattern;
use super::{Field, Limits, Link, ListType, Schema, Strategy, Type, builtin, rules};

/// A schema as it is written. What nothing here needs, such as descriptions, is skipped.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other, and Kubernetes writes them so")]
pub struct Written {
    #[serde(rename = "$ref")]
    reference: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    format: Option<String>,
    properties: BTreeMap<String, Written>,
    additional_properties: Option<OneOrBool>,
    items: Option<Box<Written>>,
    required: Vec<String>,
    nullable: bool,
    default: Option<Value>,
    all_of: Vec<Written>,
    any_of: Vec<Written>,
    one_of: Vec<Written>,
    not: Option<Box<Written>>,
    #[serde(rename = "x-kubernetes-int-or-string")]
    int_or_string: bool,
    #[serde(rename = "x-kubernetes-preserve-unknown-fields")]
    preserve_unknown: bool,
    #[serde(rename = "x-kubernetes-embedded-resource")]
    embedded: bool,
    #[serde(rename = "x-kubernetes-list-type")]
    list_type: Option<String>,
    #[serde(rename = "x-kubernetes-list-map-keys")]
    list_map_keys: Vec<String>,
    #[serde(rename = "x-kubernetes-map-type")]
    map_type: Option<String>,
    #[serde(rename = "x-kubernetes-patch-strategy")]
    patch_strategy: Option<String>,
    #[serde(rename = "x-kubernetes-patch-merge-key")]
    patch_merge_key: Option<String>,
    #[serde(rename = "x-kubernetes-validations")]
    rules: Vec<rules::Written>,
    #[serde(rename = "x-kubernetes-group-version-kind")]
    pub(super) kinds: Vec<GroupVersionKind>,
    #[serde(rename = "enum")]
    allowed: Vec<Value>,
    minimum: Option<Number>,
    exclusive_minimum: bool,
    maximum: Option<Number>,
    exclusive_maximum: bool,
    multiple_of: Option<Number>,
    min_length: Option<u64>,
    max_length: Option<u64>,
    pattern: Option<String>,
    min_items: Option<u64>,
    max_items: Option<u64>,
    unique_items: bool,
    min_properties: Option<u64>,
    max_properties: Option<u64>,
}

/// A kind that a component is the schema of.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct GroupVersionKind {
    pub(super) group: String,
    pub(super) version: String,
    pub(super) kind: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum OneOrBool {
    Any(bool),
    One(Box<Written>),
}

/// The components of one document.
pub(super) type Components = HashMap<String, Written>;
/// Where the nodes read from them will be.
pub(super) type Places = HashMap<String, Arc<OnceLock<Arc<Schema>>>>;

/// What references lead to.
pub(super) struct Reader<'a> {
    pub(super) components: &'a Components,
    pub(super) places: &'a Places,
}

impl Schema {
    /// The schema of one version of a custom resource: what its CRD has as `openAPIV3Schema`, with the shape of
    /// `apiVersion`, `kind` and `metadata` put around it.
    pub fn of_crd_version(open_api_v3_schema: &Value) -> Result<Arc<Schema>, String> {
        let written = Written::deserialize(open_api_v3_schema).map_err(|error| error.to_string())?;
        let reader = Reader { components: &HashMap::new(), places: &HashMap::new() };
        let mut root = reader.node_without_rules(&written, None)?;
        root.custom = true;
        builtin::add_type_and_metadata(&mut root);
        root.set_rules(&written.rules);
        Ok(Arc::new(root))
    }
}

impl Schema {
    fn set_rules(&mut self, written: &[rules::Written]) {
        self.rules = rules::compile(self, written);
        self.has_rules = !self.rules.is_empty() || self.below().any(|below| below.has_rules);
    }
}

impl Reader<'_> {
    /// The node of a written schema, which is a component if it has a name.
    pub(super) fn node(&self, written: &Written, name: Option<&str>) -> Result<Schema, String> {
        let mut node = self.node_without_rules(written, name)?;
        node.set_rules(&written.rules);
        Ok(node)
    }

    fn node_without_rules(&self, written: &Written, name: Option<&str>) -> Result<Schema, String> {
        let mut node = Schema {
            name: name.map(str::to_string),
            kind: kind(written),
            format: written.format.clone().unwrap_or_default(),
            list: list(written),
            atomic: written.map_type.as_deref() == Some("atomic"),
            preserves_unknown: written.preserve_unknown,
            embedded: written.embedded,
            nullable: written.nullable,
            default: written.default.clone(),
            ..Schema::default()
        };
        for (name, property) in &written.properties {
            let by_value = property.default.as_ref().is_some_and(is_zero);
            let field = Field { schema: self.link(property)?, strategy: strategy(property), by_value };
            node.properties.insert(name.clone(), field);
        }
        node.additional = match &written.additional_properties {
            None | Some(OneOrBool::Any(false)) => None,
            Some(OneOrBool::Any(true)) => Some(Link::Here(Arc::new(free_form()))),
            Some(OneOrBool::One(schema)) => Some(self.link(schema)?),
        };
        node.items = written.items.as_deref().map(|items| self.link(items)).transpose()?;
        node.limits = self.limits(written)?;
        if !self.components.is_empty() && matches!(node.kind, Type::Object | Type::Any) && node.is_bare() {
            node.preserves_unknown = true;
            node.atomic = true;
        }
        if node.embedded {
            builtin::add_type_and_metadata(&mut node);
        }
        Ok(node)
    }

    fn limits(&self, written: &Written) -> Result<Option<Box<Limits>>, String> {
        let all = |list: &[Written]| list.iter().map(|one| self.link(one)).collect::<Result<Vec<_>, _>>();
        // In an OpenAPI document this is how a reference is written that has something beside it.
        let all_of = if referred(written).is_some() { Vec::new() } else { all(&written.all_of)? };
        let limits = Limits {
            required: written.required.clone(),
            allowed: written.allowed.clone(),
            minimum: written.minimum.clone().map(|bound| (bound, written.exclusive_minimum)),
            maximum: written.maximum.clone().map(|bound| (bound, written.exclusive_maximum)),
            multiple_of: written.multiple_of.clone(),
            length: (written.min_length, written.max_length),
            pattern: written.pattern.as_deref().map(Pattern::new).transpose()?,
            items: (written.min_items, written.max_items),
            unique: written.unique_items,
            properties: (written.min_properties, written.max_properties),
            all_of,
            any_of: all(&written.any_of)?,
            one_of: all(&written.one_of)?,
            not: written.not.as_deref().map(|not| self.link(not)).transpose()?,
        };
        Ok((!limits.is_empty()).then(|| Box::new(limits)))
    }

    fn link(&self, written: &Written) -> Result<Link, String> {
        let Some(name) = referred(written) else {
            return Ok(Link::Here(Arc::new(self.node(written, None)?)));
        };
        if let (Some(map_type), Some(component)) = (&written.map_type, self.components.get(name)) {
            let otherwise = Written { map_type: Some(map_type.clone()), ..component.clone() };
            return Ok(Link::Here(Arc::new(self.node(&otherwise, Some(name))?)));
        }
        let place = self.places.get(name).ok_or_else(|| format!("nothing is named {name}"))?;
        Ok(Link::Named(place.clone()))
    }
}

/// What an `OpenAPI` document leaves open, such as the data of a `ControllerRevision`.
fn free_form() -> Schema {
    Schema { preserves_unknown: true, ..Schema::default() }
}

/// Go writes the zero values of fields that are not optional, and `OpenAPI` has them as defaults.
fn is_zero(default: &Value) -> bool {
    match default {
        Value::Object(fields) => fields.is_empty(),
        Value::String(text) => text.is_empty(),
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::Bool(flag) => !flag,
        Value::Null | Value::Array(_) => false,
    }
}

fn referred(written: &Written) -> Option<&str> {
    let reference = match (&written.reference, written.all_of.as_slice()) {
        (Some(reference), _) => reference,
        (None, [only]) => only.reference.as_ref()?,
        _ => return None,
    };
    reference.rsplit('/').next()
}

fn kind(written: &Written) -> Type {
    match written.kind.as_deref() {
        _ if written.int_or_string || written.format.as_deref() == Some("int-or-string") => Type::IntOrString,
        Some("object") => Type::Object,
        Some("array") => Type::Array,
        Some("string") => Type::String,
        Some("integer") => Type::Integer,
        Some("number") => Type::Number,
        Some("boolean") => Type::Boolean,
        _ => Type::Any,
    }
}

/// Where a list does not say how it is owned, it is owned as it is patched.
fn list(written: &Written) -> ListType {
    match written.list_type.as_deref() {
        Some("map") => ListType::Map(written.list_map_keys.clone()),
        Some("set") => ListType::Set,
        Some(_) => ListType::Atomic,
        None => match (strategy(written).merge, &written.patch_merge_key) {
            (true, Some(key)) => ListType::Map(vec![key.clone()]),
            (true, None) => ListType::Set,
            (false, _) => ListType::Atomic,
        },
    }
}

fn strategy(written: &Written) -> Strategy {
    let has = |word| written.patch_strategy.as_deref().is_some_and(|words| words.split(',').any(|one| one == word));
    Strategy {
        merge: has("merge"),
        retain_keys: has("retainKeys"),
        replace: has("replace"),
        key: written.patch_merge_key.clone(),
    }
}
