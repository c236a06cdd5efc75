//! YAML in the order in which it is written, for what is computed over a text and not over what it means.

use serde_json::Value;

use super::{Node, Part, Unreadable, node};

/// A value of which every map has its keys in the order of the text. It is the same value that [`read`](super::read) gives.
#[derive(Clone, Debug, PartialEq)]
pub enum Ordered {
    /// Neither a list nor a map.
    Scalar(Value),
    /// A list.
    List(Vec<Ordered>),
    /// A map.
    Map(Vec<(String, Ordered)>),
}

/// Reads one document.
pub fn read_ordered(part: Part<'_>) -> Result<Ordered, Unreadable> {
    node(part).map(Ordered::from)
}

impl From<Node> for Ordered {
    fn from(node: Node) -> Ordered {
        match node {
            Node::Scalar(value) => Ordered::Scalar(value),
            Node::List(items) => Ordered::List(items.into_iter().map(|item| item.value.into()).collect()),
            Node::Map(entries) => {
                Ordered::Map(entries.into_iter().map(|(key, node)| (key.value, node.into())).collect())
            }
        }
    }
}

impl From<Ordered> for Value {
    fn from(ordered: Ordered) -> Value {
        match ordered {
            Ordered::Scalar(value) => value,
            Ordered::List(items) => Value::Array(items.into_iter().map(Value::from).collect()),
            Ordered::Map(entries) => {
                Value::Object(entries.into_iter().map(|(key, entry)| (key, entry.into())).collect())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read;
    use super::*;

    #[test]
    fn keys_stay_in_the_order_of_the_text() {
        let text = "b: 1\na:\n- d: {z: 1, y: 2}\n  c: x\n";
        let part = Part { text, offset: 0 };
        let Ok(Ordered::Map(entries)) = read_ordered(part) else { panic!("it is a map") };
        assert_eq!(entries.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), ["b", "a"]);
        assert!(format!("{entries:?}").find('z') < format!("{entries:?}").find('y'));
        assert_eq!(Value::from(Ordered::Map(entries)), read(part).expect(text).value);
    }
}
