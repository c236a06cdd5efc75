//! A tree of fields as the JSON that Go writes of it: what is missing is zero, and what is empty is left out where the
//! field says so.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde_json::{Map, Number, Value, json};

use super::table::{Field, Form, Kind, Message, Table};
use super::tree::{Fields, Held, text};
use super::{Budget, WireError, forms};

/// Writes messages.
#[derive(Debug)]
pub struct JsonWriter<'t> {
    /// What messages look like.
    pub table: &'t Table,
    /// How many values there may still be.
    pub budget: &'t mut Budget,
}

impl JsonWriter<'_> {
    /// A message of whatever form.
    pub fn message(&mut self, message: &Message, fields: &Fields<'_>) -> Result<Value, WireError> {
        self.budget.spend()?;
        let mut at = |place: usize| match message.fields.get(place) {
            Some(field) => self.value(&field.kind, fields.get(place)),
            None => Ok(Value::Null),
        };
        match message.form {
            Form::Object => {
                let mut object = Map::new();
                self.fields(message, fields, &mut object)?;
                Ok(Value::Object(object))
            }
            Form::Items => Ok(match at(0)? {
                Value::Null => json!([]),
                items => items,
            }),
            Form::Time => forms::time(fields),
            Form::MicroTime => forms::micro_time(fields),
            Form::Quantity => forms::quantity(fields),
            Form::IntOrString => forms::int_or_string(fields),
            Form::Raw => forms::raw(fields),
            Form::ListOrOne => match at(1)? {
                Value::Array(items) if !items.is_empty() => Ok(Value::Array(items)),
                _ => at(0),
            },
            Form::OneOrBool => match at(1)? {
                Value::Null => at(0),
                schema => Ok(schema),
            },
        }
    }

    fn fields(
        &mut self,
        message: &Message,
        fields: &Fields<'_>,
        into: &mut Map<String, Value>,
    ) -> Result<(), WireError> {
        for (place, field) in message.fields.iter().enumerate() {
            let held = fields.get(place);
            match &field.kind {
                Kind::Message(inner) if field.inline => {
                    let (table, none) = (self.table, Fields::default());
                    self.fields(table.message(*inner), of(held).unwrap_or(&none), into)?;
                }
                kind => {
                    if field.json != "-" && !self.is_left_out(field, held) {
                        into.insert(field.json.to_owned(), self.value(kind, held)?);
                    }
                }
            }
        }
        Ok(())
    }

    fn is_left_out(&self, field: &Field, held: Option<&Held<'_>>) -> bool {
        field.omit_empty && self.is_empty(&field.kind, held) || field.omit_zero && self.is_zero(&field.kind, held)
    }

    /// What `omitempty` leaves out: structs are never empty.
    fn is_empty(&self, kind: &Kind, held: Option<&Held<'_>>) -> bool {
        match (kind, held) {
            (Kind::Message(place), _) => {
                let message = self.table.message(*place);
                message.form == Form::Items && of(held).is_none_or(Fields::is_empty)
            }
            (_, None) => true,
            (Kind::Pointer(_), Some(_)) | (_, Some(Held::Message(_))) => false,
            (_, Some(Held::Number(number))) => *number == 0,
            (_, Some(Held::Float(number))) => *number == 0.0,
            (_, Some(Held::Bytes(bytes))) => bytes.is_empty(),
            (_, Some(Held::List(items))) => items.is_empty(),
            (_, Some(Held::Map(entries))) => entries.is_empty(),
        }
    }

    /// What `omitzero` leaves out: of a struct, all of it must be zero.
    fn is_zero(&self, kind: &Kind, held: Option<&Held<'_>>) -> bool {
        let Kind::Message(place) = kind else { return self.is_empty(kind, held) };
        let Some(fields) = of(held) else { return true };
        let message = self.table.message(*place);
        match message.form {
            Form::Time | Form::MicroTime => forms::is_zero_time(fields),
            _ => message.fields.iter().enumerate().all(|(place, field)| self.is_zero(&field.kind, fields.get(place))),
        }
    }

    fn value(&mut self, kind: &Kind, held: Option<&Held<'_>>) -> Result<Value, WireError> {
        self.budget.spend()?;
        Ok(match (kind, held) {
            (Kind::Pointer(_) | Kind::List(_) | Kind::Map(_) | Kind::Bytes, None) => Value::Null,
            (Kind::Pointer(pointed), held) => self.value(pointed, held)?,
            (Kind::Message(place), held) => {
                let (table, none) = (self.table, Fields::default());
                self.message(table.message(*place), of(held).unwrap_or(&none))?
            }
            (Kind::List(item), Some(Held::List(items))) => {
                Value::Array(items.iter().map(|held| self.value(item, Some(held))).collect::<Result<_, _>>()?)
            }
            (Kind::Map(value), Some(Held::Map(entries))) => {
                let entries = entries.iter().map(|(key, held)| Ok((key.clone(), self.value(value, Some(held))?)));
                Value::Object(entries.collect::<Result<_, WireError>>()?)
            }
            (Kind::Bytes, Some(Held::Bytes(bytes))) => json!(BASE64_STANDARD.encode(bytes)),
            (Kind::Text, Some(Held::Bytes(bytes))) => json!(text(bytes)),
            (Kind::Text, _) => json!(""),
            (Kind::Float, Some(Held::Float(number))) => float(*number)?,
            (Kind::Bool, held) => json!(number(held) != 0),
            (Kind::Int32, held) => json!(number(held) as i32),
            (_, held) => json!(number(held) as i64),
        })
    }
}

/// The fields of a message, where there is one.
fn of<'h, 'a>(held: Option<&'h Held<'a>>) -> Option<&'h Fields<'a>> {
    match held {
        Some(Held::Message(fields)) => Some(fields),
        _ => None,
    }
}

fn number(held: Option<&Held<'_>>) -> u64 {
    match held {
        Some(Held::Number(number)) => *number,
        _ => 0,
    }
}

/// Go writes a whole float like an integer.
fn float(number: f64) -> Result<Value, WireError> {
    /// From here on, not every integer is a float.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() < EXACT {
        return Ok(json!(number as i64));
    }
    let written = Number::from_f64(number).map(Value::Number);
    written.ok_or_else(|| WireError::NotJson(format!("json: unsupported value: {number}")))
}
