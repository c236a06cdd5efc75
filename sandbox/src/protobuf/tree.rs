//! A message as a tree of the fields that it has, read as the code that Kubernetes generates reads it: what comes first is
//! refused first, unknown fields are passed over, and a message that comes twice is merged.

use std::collections::BTreeMap;

use sluice_core::identity::Quantity;

use super::table::{Field, Form, Kind, Message, Table};
use super::wire::{Reader, kind};
use super::{Budget, WireError};

/// The fields that a message has, by their places in the table.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    held: Vec<(usize, Held<'a>)>,
}

/// What a field holds.
#[derive(Clone, Debug)]
pub enum Held<'a> {
    /// A whole number, as it is on the wire, or a truth.
    Number(u64),
    /// A number with a fraction.
    Float(f64),
    /// Text or bytes.
    Bytes(&'a [u8]),
    /// A message.
    Message(Fields<'a>),
    /// A list.
    List(Vec<Held<'a>>),
    /// A map.
    Map(BTreeMap<String, Held<'a>>),
}

impl<'a> Fields<'a> {
    /// What the field at this place holds.
    pub fn get(&self, place: usize) -> Option<&Held<'a>> {
        self.held.iter().find(|(at, _)| *at == place).map(|(_, held)| held)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// What the field at this place holds; before anything is set, `empty`.
    fn at(&mut self, place: usize, empty: Held<'a>) -> &mut Held<'a> {
        let index = self.held.iter().position(|(at, _)| *at == place).unwrap_or_else(|| {
            self.held.push((place, empty));
            self.held.len() - 1
        });
        &mut self.held[index].1
    }
}

/// Reads messages.
#[derive(Debug)]
pub struct TreeReader<'t> {
    /// What messages look like.
    pub table: &'t Table,
    /// How many values there may still be.
    pub budget: &'t mut Budget,
}

impl TreeReader<'_> {
    /// Reads a message into the fields that were read before; `depth` more may be below it.
    pub fn message<'a>(
        &mut self,
        message: &Message,
        data: &'a [u8],
        into: &mut Fields<'a>,
        depth: usize,
    ) -> Result<(), WireError> {
        let depth = depth.checked_sub(1).ok_or(WireError::TooDeep)?;
        let mut reader = Reader::new(data);
        while !reader.is_done() {
            let start = reader.at();
            let tag = reader.tag()?;
            if tag.kind == kind::GROUP_END {
                return Err(WireError::GroupInMessage(message.name.to_owned()));
            }
            if tag.number <= 0 {
                return Err(WireError::IllegalTag(message.name.to_owned(), tag.number, tag.whole));
            }
            let Some(place) = message.place(tag.number) else {
                reader.go_to(start);
                reader.skip()?;
                continue;
            };
            let field = &message.fields[place];
            self.budget.spend()?;
            self.field(field, tag.kind, &mut reader, (place, into), depth)?;
            if message.form == Form::Quantity {
                is_quantity(into.get(place))?;
            }
        }
        Ok(())
    }

    fn field<'a>(
        &mut self,
        field: &Field,
        found: u8,
        reader: &mut Reader<'a>,
        (place, into): (usize, &mut Fields<'a>),
        depth: usize,
    ) -> Result<(), WireError> {
        let kind = match &field.kind {
            Kind::Pointer(pointed) => &**pointed,
            kind => kind,
        };
        let wrong = || WireError::WrongType(found, field.go.to_owned());
        match kind {
            Kind::List(item) => {
                let Held::List(items) = into.at(place, Held::List(Vec::new())) else { return Ok(()) };
                let is_number = wire_kind(item) == kind::VARINT;
                if is_number && found == kind::BYTES {
                    let end = reader.end()?;
                    while reader.at() < end {
                        self.budget.spend()?;
                        items.push(Held::Number(reader.varint()?));
                    }
                } else if found == wire_kind(item) {
                    let mut held = empty(item);
                    self.value(item, reader, &mut held, depth)?;
                    items.push(held);
                } else {
                    return Err(wrong());
                }
            }
            Kind::Map(value) => {
                if found != kind::BYTES {
                    return Err(wrong());
                }
                let (key, held) = self.entry(value, reader, depth)?;
                if let Held::Map(map) = into.at(place, Held::Map(BTreeMap::new())) {
                    map.insert(key, held);
                }
            }
            kind if found != wire_kind(kind) => return Err(wrong()),
            kind => self.value(kind, reader, into.at(place, empty(kind)), depth)?,
        }
        Ok(())
    }

    /// A value of one of the kinds that are no list and no map.
    fn value<'a>(
        &mut self,
        kind: &Kind,
        reader: &mut Reader<'a>,
        into: &mut Held<'a>,
        depth: usize,
    ) -> Result<(), WireError> {
        match (kind, &mut *into) {
            (Kind::Message(place), Held::Message(fields)) => {
                let table = self.table;
                self.message(table.message(*place), reader.bytes()?, fields, depth)?;
            }
            (Kind::Float, _) => *into = Held::Float(reader.double()?),
            (Kind::Text | Kind::Bytes, _) => *into = Held::Bytes(reader.bytes()?),
            _ => *into = Held::Number(reader.varint()?),
        }
        Ok(())
    }

    /// A key with its value. Whatever is there of them counts: neither is looked at as closely as a field of a message.
    fn entry<'a>(
        &mut self,
        value: &Kind,
        reader: &mut Reader<'a>,
        depth: usize,
    ) -> Result<(String, Held<'a>), WireError> {
        let end = reader.end()?;
        let (mut key, mut held) = (String::new(), empty(value));
        while reader.at() < end {
            let start = reader.at();
            match reader.tag()?.number {
                1 => key = text(reader.bytes()?),
                2 => {
                    held = empty(value);
                    self.value(value, reader, &mut held, depth)?;
                }
                _ => {
                    reader.go_to(start);
                    reader.skip()?;
                    if reader.at() > end {
                        return Err(WireError::Truncated);
                    }
                }
            }
        }
        reader.go_to(end);
        Ok((key, held))
    }
}

/// How a value is written.
fn wire_kind(kind: &Kind) -> u8 {
    match kind {
        Kind::Bool | Kind::Int32 | Kind::Int64 => kind::VARINT,
        Kind::Float => kind::EIGHT,
        Kind::Text | Kind::Bytes | Kind::Message(_) | Kind::Pointer(_) | Kind::List(_) | Kind::Map(_) => kind::BYTES,
    }
}

/// A value before anything is set.
fn empty(kind: &Kind) -> Held<'static> {
    match kind {
        Kind::Bool | Kind::Int32 | Kind::Int64 => Held::Number(0),
        Kind::Float => Held::Float(0.0),
        Kind::Text | Kind::Bytes => Held::Bytes(&[]),
        Kind::Message(_) | Kind::Pointer(_) => Held::Message(Fields::default()),
        Kind::List(_) => Held::List(Vec::new()),
        Kind::Map(_) => Held::Map(BTreeMap::new()),
    }
}

/// Text as Go has it in JSON: each byte that belongs to no letter becomes a replacement character.
pub fn text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(chunk.invalid().iter().map(|_| char::REPLACEMENT_CHARACTER));
    }
    text
}

fn is_quantity(held: Option<&Held<'_>>) -> Result<(), WireError> {
    let Some(Held::Bytes(bytes)) = held else { return Ok(()) };
    let written = text(bytes);
    let is_trimmed = written.trim().len() == written.len();
    if is_trimmed && Quantity::parse(&written).is_ok() { Ok(()) } else { Err(WireError::NotAQuantity) }
}
