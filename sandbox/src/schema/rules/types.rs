//! The types that expressions see in a schema.

use std::collections::BTreeMap;
use std::sync::Arc;

use sluice_cel::{self as cel, Order, Struct, Type};

use crate::schema::{ListType, Schema, Type as Kind};

/// The type of a node's values; nothing where expressions cannot see them. At the root of a resource, `apiVersion`, `kind`
/// and two fields of `metadata` are always seen.
pub(super) fn of(node: &Schema, is_root: bool, name: &str) -> Option<Type> {
    Some(match node.kind {
        Kind::IntOrString => Type::Dyn,
        Kind::Boolean => Type::Bool,
        Kind::Number => Type::Double,
        Kind::Integer => Type::Int,
        Kind::String => match node.format.as_str() {
            "byte" => Type::Bytes,
            "duration" => Type::Duration,
            "date" | "date-time" => Type::Timestamp,
            _ => Type::String,
        },
        Kind::Array => {
            let items = node.items.as_deref()?;
            let item = of(items, items.embedded, &format!("{name}.@items"))?;
            Type::List(Arc::new(item), order(&node.list))
        }
        Kind::Object => match node.additional.as_deref().filter(|_| !is_root) {
            Some(values) => Type::map(Type::String, of(values, values.embedded, &format!("{name}.@values"))?),
            None => structure(node, is_root, name),
        },
        Kind::Any => return None,
    })
}

fn order(list: &ListType) -> Order {
    match list {
        ListType::Atomic => Order::Listed,
        ListType::Set => Order::Set,
        ListType::Map(keys) => Order::Keyed(keys.iter().filter_map(|key| cel::escape(key)).collect()),
    }
}

fn structure(node: &Schema, is_root: bool, name: &str) -> Type {
    let mut fields = BTreeMap::new();
    let mut add = |json: &str, kind: Option<Type>| {
        if let (Some(kind), Some(escaped)) = (kind, cel::escape(json)) {
            fields.insert(escaped, cel::Field { json: json.to_owned(), kind });
        }
    };
    for (json, field) in &node.properties {
        let schema = &field.schema;
        add(json, of(schema, schema.embedded, &format!("{name}.{json}")));
    }
    if is_root {
        let text = |json: &str| (json.to_owned(), cel::Field { json: json.to_owned(), kind: Type::String });
        let seen = BTreeMap::from([text("name"), text("generateName")]);
        add("apiVersion", Some(Type::String));
        add("kind", Some(Type::String));
        add("metadata", Some(Type::Object(Arc::new(Struct { name: format!("{name}.metadata"), fields: seen }))));
    }
    Type::Object(Arc::new(Struct { name: name.to_owned(), fields }))
}
