//! What messages look like: which field has which number, and how Go writes it in JSON.
//!
//! `fields.txt.gz` is generated from Kubernetes' Go types by `tests/gofields`. It has all kinds that Kubernetes has, one a
//! line, with the message of those that the sandbox has; an empty line; and the messages: a name, after `=` the form in JSON where that is not an object of the fields, and
//! of each field the number, the names in Go and in JSON, the flags (`e` omits what is empty, `z` what is zero, `i` has the
//! fields of the field in place of it) and the type, where `@` stands before a message.

use std::collections::HashMap;
use std::io::Read as _;
use std::sync::LazyLock;

use flate2::read::GzDecoder;

/// The table.
#[derive(Debug)]
pub struct Table {
    kinds: HashMap<(&'static str, &'static str), Option<usize>>,
    messages: Vec<Message>,
}

/// A message.
#[derive(Debug)]
pub struct Message {
    /// Its name in Go, without the package.
    pub name: &'static str,
    /// What it is in JSON.
    pub form: Form,
    /// Its fields, in Go's order.
    pub fields: Vec<Field>,
}

/// What a message is in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// An object.
    Object,
    /// The list in its only field.
    Items,
    /// A time in whole seconds.
    Time,
    /// A time with microseconds.
    MicroTime,
    /// A quantity.
    Quantity,
    /// A whole number or text.
    IntOrString,
    /// The JSON in its only field.
    Raw,
    /// The list in its second field, or what is in its first.
    ListOrOne,
    /// What is in its second field, or whether its first is true.
    OneOrBool,
}

/// A field.
#[derive(Debug)]
pub struct Field {
    /// Its number on the wire.
    pub number: i32,
    /// Its name in Go, for refusals.
    pub go: &'static str,
    /// Its name in JSON; `-` where it is not there.
    pub json: &'static str,
    /// Left out when it is empty.
    pub omit_empty: bool,
    /// Left out when it is zero.
    pub omit_zero: bool,
    /// Its own fields stand in its place.
    pub inline: bool,
    /// What it holds.
    pub kind: Kind,
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Bool,
    /// 32 bits.
    Int32,
    /// 64 bits.
    Int64,
    /// A number with a fraction.
    Float,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A message, by its place in the table.
    Message(usize),
    /// What may be missing, which is something else than zero.
    Pointer(Box<Kind>),
    /// A list.
    List(Box<Kind>),
    /// A map from text.
    Map(Box<Kind>),
}

impl Table {
    /// The one that is recorded.
    pub fn recorded() -> &'static Table {
        static TABLE: LazyLock<Table> = LazyLock::new(|| {
            static TEXT: LazyLock<String> = LazyLock::new(|| unpack(include_bytes!("fields.txt.gz")));
            Table::read(&TEXT).unwrap_or_else(|| unreachable!("what is recorded can be read, which a test does"))
        });
        &TABLE
    }

    fn read(text: &'static str) -> Option<Table> {
        let (kinds, messages) = text.split_once("\n\n")?;
        let names = messages.lines().map(|line| line.split([' ', '=']).next().unwrap_or_default());
        let places: HashMap<&str, usize> = names.enumerate().map(|(place, name)| (name, place)).collect();
        let kinds = kinds.lines().map(|line| {
            let mut words = line.split(' ');
            let kind = (words.next()?, words.next()?);
            let message = words.next().map(|name| places.get(name).copied());
            // A message that is named is there.
            if message == Some(None) { None } else { Some((kind, message.flatten())) }
        });
        let messages = messages.lines().map(|line| Message::read(line, &places));
        Some(Table { kinds: kinds.collect::<Option<_>>()?, messages: messages.collect::<Option<_>>()? })
    }

    /// The message of a kind, such as `apps/v1` and `Deployment`.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<&Message> {
        // Clients send them in the version of what is to be deleted.
        let api_version = if kind == "DeleteOptions" { "meta.k8s.io/v1" } else { api_version };
        let place = *self.kinds.get(&(api_version, kind))?;
        place.map(|place| self.message(place))
    }

    /// Whether there is such a kind in Kubernetes.
    pub fn is_registered(&self, api_version: &str, kind: &str) -> bool {
        self.kinds.contains_key(&(api_version, kind))
    }

    /// The message at a place.
    pub fn message(&self, place: usize) -> &Message {
        &self.messages[place]
    }

    /// The message of this name in Go, of which there is one.
    pub fn named(&self, name: &str) -> Option<&Message> {
        self.messages.iter().find(|message| message.name == name)
    }
}

impl Message {
    fn read(line: &'static str, places: &HashMap<&str, usize>) -> Option<Message> {
        let mut words = line.split(' ');
        let head = words.next()?;
        let (path, form) = head.split_once('=').unwrap_or((head, "object"));
        let fields = words.map(|word| Field::read(word, places)).collect::<Option<_>>()?;
        let form = Form::read(form)?;
        let name = match form {
            // On the wire both are this one.
            Form::Time | Form::MicroTime => "Timestamp",
            _ => path.rsplit('.').next()?,
        };
        Some(Message { name, form, fields })
    }

    /// The place of the field with this number.
    pub fn place(&self, number: i32) -> Option<usize> {
        self.fields.iter().position(|field| field.number == number)
    }
}

impl Form {
    fn read(name: &str) -> Option<Form> {
        Some(match name {
            "object" => Form::Object,
            "items" => Form::Items,
            "time" => Form::Time,
            "micro-time" => Form::MicroTime,
            "quantity" => Form::Quantity,
            "int-or-string" => Form::IntOrString,
            "raw" => Form::Raw,
            "list-or-one" => Form::ListOrOne,
            "one-or-bool" => Form::OneOrBool,
            _ => return None,
        })
    }
}

impl Field {
    fn read(word: &'static str, places: &HashMap<&str, usize>) -> Option<Field> {
        let mut parts = word.splitn(5, ',');
        let (number, go, json) = (parts.next()?.parse().ok()?, parts.next()?, parts.next()?);
        let flags = parts.next()?;
        let has = |flag| flags.contains(flag);
        let kind = Kind::read(parts.next()?, places)?;
        Some(Field { number, go, json, omit_empty: has('e'), omit_zero: has('z'), inline: has('i'), kind })
    }
}

impl Kind {
    fn read(text: &str, places: &HashMap<&str, usize>) -> Option<Kind> {
        let inner = |text| Kind::read(text, places).map(Box::new);
        if let Some(message) = text.strip_prefix('@') {
            return places.get(message).copied().map(Kind::Message);
        }
        if let Some(pointed) = text.strip_prefix('*') {
            return inner(pointed).map(Kind::Pointer);
        }
        if let Some(item) = text.strip_prefix("[]") {
            return inner(item).map(Kind::List);
        }
        if let Some(value) = text.strip_prefix("map:") {
            return inner(value).map(Kind::Map);
        }
        Some(match text {
            "bool" => Kind::Bool,
            "int32" => Kind::Int32,
            "int64" => Kind::Int64,
            "float64" => Kind::Float,
            "string" => Kind::Text,
            "bytes" => Kind::Bytes,
            _ => return None,
        })
    }
}

fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    match GzDecoder::new(packed).read_to_string(&mut text) {
        Ok(_) => text,
        Err(error) => unreachable!("what is recorded is whole, and a test unpacks all of it: {error}"),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::resource::Registry;

    #[test]
    fn every_built_in_resource_has_a_message() {
        let table = Table::recorded();
        for resource in Registry::builtin().iter() {
            let (version, kind) = (resource.api_version(), &resource.kind);
            assert_eq!(table.kind(&version, kind).map(|message| message.name), Some(kind.as_str()), "{version}");
        }
    }

    #[test]
    fn a_deployment_is_known_down_to_the_replicas_of_its_spec() {
        let table = Table::recorded();
        let deployment = table.kind("apps/v1", "Deployment").unwrap();
        let spec = &deployment.fields[deployment.place(2).unwrap()];
        assert_eq!((spec.go, spec.json, spec.omit_empty), ("Spec", "spec", true));
        let Kind::Message(place) = spec.kind else { panic!("{:?}", spec.kind) };
        let spec = table.message(place);
        assert_eq!(spec.fields[spec.place(1).unwrap()].kind, Kind::Pointer(Box::new(Kind::Int32)));
    }
}
