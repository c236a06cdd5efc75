//! What an object of a kind looks like, and what follows from it: pruning, defaults, validation, the errors of decoding.
//!
//! One tree serves the built-in kinds, where it comes from the recorded `OpenAPI` documents, and the custom ones, where it
//! comes from their CRD. Patches and field ownership read how lists and maps merge from it.

mod builtin;
mod combine;
mod convert;
mod decode;
mod default;
mod embedded;
mod keys;
mod limits;
mod path;
mod prune;
mod read;
mod rules;
mod tidy;
mod validate;

use std::collections::BTreeMap;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use serde_json::Value;

pub use builtin::Schemas;
pub use convert::conversion_error;
pub use decode::decode_error;
pub use default::{default, default_applied};
pub use limits::Limits;
pub use prune::prune;
pub use rules::{Rules, mistakes as rule_mistakes, problems as rule_problems};
pub use tidy::tidy;
pub use validate::{validate, validate_rules, validate_values};

/// The type of a value, as the schema has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Type {
    /// Nothing is said.
    #[default]
    Any,
    /// A struct or a map.
    Object,
    /// A list.
    Array,
    /// Text.
    String,
    /// A whole number.
    Integer,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// A whole number or text, such as a port or a percentage.
    IntOrString,
}

/// How a list is merged and owned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListType {
    /// As a whole.
    #[default]
    Atomic,
    /// Each value by itself.
    Set,
    /// Each item by the values of these keys.
    Map(Vec<String>),
}

/// How a strategic merge patch goes into one property.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Strategy {
    /// A list is merged rather than replaced.
    pub merge: bool,
    /// A map or an item keeps only the keys that the patch names.
    pub retain_keys: bool,
    /// A map is replaced as a whole.
    pub replace: bool,
    /// What the items of a merged list are told apart by; a merged list without a key holds plain values.
    pub key: Option<String>,
}

/// One named property of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// What it looks like.
    pub schema: Link,
    /// How a strategic merge patch goes into it.
    pub strategy: Strategy,
    /// In Go it is no pointer and not optional, so that it is never missing.
    pub by_value: bool,
}

/// One node of a schema.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "they are independent of each other, and Kubernetes writes them so")]
pub struct Schema {
    /// The name of a built-in struct, such as `io.k8s.api.core.v1.Container`.
    pub name: Option<String>,
    /// The type of the value.
    pub kind: Type,
    /// `date-time`, `int32` and the like.
    pub format: String,
    /// The named properties.
    pub properties: BTreeMap<String, Field>,
    /// What all other properties look like, if there may be any.
    pub additional: Option<Link>,
    /// What the items of a list look like.
    pub items: Option<Link>,
    /// How a list is merged and owned.
    pub list: ListType,
    /// An object that is merged and owned as a whole.
    pub atomic: bool,
    /// Properties that are named nowhere stay.
    pub preserves_unknown: bool,
    /// An object with `apiVersion`, `kind` and `metadata` of its own.
    pub embedded: bool,
    /// It may be null.
    pub nullable: bool,
    /// What it is when it is missing.
    pub default: Option<Value>,
    /// What its value must keep to.
    pub limits: Option<Box<Limits>>,
    /// The rules in CEL of this node.
    pub rules: Rules,
    /// There are rules here or further down.
    pub has_rules: bool,
    /// The root of a custom resource: of its `metadata`, and only of that, the real server has a type.
    pub custom: bool,
    /// What Go has of an object of this kind before anything is set; filled by the first who needs it.
    pub(crate) zero: OnceLock<Value>,
}

impl Schema {
    /// What the property of this name looks like.
    #[inline]
    pub fn property(&self, name: &str) -> Option<&Schema> {
        match self.properties.get(name) {
            Some(field) => Some(&field.schema),
            None => self.additional.as_deref(),
        }
    }

    /// What the items look like.
    #[inline]
    pub fn item(&self) -> &Schema {
        self.items.as_deref().unwrap_or(Schema::anything())
    }

    /// The metadata that every object has.
    fn is_metadata(&self) -> bool {
        self.name.as_deref() == Some(builtin::OBJECT_META)
    }

    /// The schema that says nothing.
    pub fn anything() -> &'static Schema {
        static ANYTHING: OnceLock<Schema> = OnceLock::new();
        ANYTHING.get_or_init(Schema::default)
    }
}

impl Schema {
    /// An object of which nothing is said.
    fn is_bare(&self) -> bool {
        self.properties.is_empty() && self.additional.is_none()
    }

    /// The nodes directly below, but for those that are named: only custom schemas have rules, and they have no names.
    pub(super) fn below(&self) -> impl Iterator<Item = &Schema> {
        let here = |link: &'_ Link| matches!(link, Link::Here(_));
        let fields = self.properties.values().map(|field| &field.schema);
        fields.chain(&self.additional).chain(&self.items).filter(move |link| here(link)).map(|link| &**link)
    }
}

/// A way to a node; by name where nodes of a document may lead in a circle.
#[derive(Clone, Debug)]
pub enum Link {
    /// The node itself.
    Here(Arc<Schema>),
    /// The place of a component, filled once its document is read.
    Named(Arc<OnceLock<Arc<Schema>>>),
}

impl Deref for Link {
    type Target = Schema;

    fn deref(&self) -> &Schema {
        match self {
            Link::Here(schema) => schema,
            Link::Named(place) => place.get().map_or(Schema::anything(), Arc::as_ref),
        }
    }
}
