//! The messages that are something else than an object in JSON.

use jiff::SignedDuration;
use jiff::civil::{DateTime, date};
use serde_json::{Value, json};
use sluice_core::identity::Quantity;

use super::WireError;
use super::tree::{Fields, Held, text};

/// The first moment of the year 1, which is Go's zero time.
const ZERO: i64 = -62_135_596_800;
/// Where seconds are counted from. A plain date reaches to the end of the year 9999, as Go's times in JSON do.
const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

fn number(fields: &Fields<'_>, place: usize) -> i64 {
    match fields.get(place) {
        Some(Held::Number(number)) => *number as i64,
        _ => 0,
    }
}

fn bytes<'a>(fields: &Fields<'a>, place: usize) -> Option<&'a [u8]> {
    match fields.get(place) {
        Some(Held::Bytes(bytes)) => Some(bytes),
        _ => None,
    }
}

/// Whether a time is not set.
pub fn is_zero_time(fields: &Fields<'_>) -> bool {
    fields.is_empty() || number(fields, 0) == ZERO
}

/// A time in whole seconds; null where none is set.
pub fn time(fields: &Fields<'_>) -> Result<Value, WireError> {
    if is_zero_time(fields) {
        return Ok(Value::Null);
    }
    written(number(fields, 0), 0, "%Y-%m-%dT%H:%M:%SZ")
}

/// A time with microseconds; null where none is set.
pub fn micro_time(fields: &Fields<'_>) -> Result<Value, WireError> {
    let nanos = number(fields, 1) as i32;
    let micros = nanos / 1000 * 1000;
    if is_zero_time(fields) && micros == 0 {
        return Ok(Value::Null);
    }
    written(number(fields, 0), micros, "%Y-%m-%dT%H:%M:%S.%6fZ")
}

fn written(seconds: i64, nanos: i32, format: &str) -> Result<Value, WireError> {
    let at = EPOCH.checked_add(SignedDuration::from_secs(seconds));
    let at = at.and_then(|at| at.checked_add(SignedDuration::from_nanos(nanos.into()))).ok();
    let at = at.filter(|at| at.year() > 0);
    let at = at.ok_or_else(|| WireError::NotJson(format!("{seconds} seconds lead to no year from 1 to 9999")))?;
    Ok(json!(at.strftime(format).to_string()))
}

/// A quantity, in its canonical form.
pub fn quantity(fields: &Fields<'_>) -> Result<Value, WireError> {
    let Some(bytes) = bytes(fields, 0) else { return Ok(json!("0")) };
    let quantity = Quantity::parse(&text(bytes)).map_err(|_| WireError::NotAQuantity)?;
    Ok(json!(quantity.to_string()))
}

/// A whole number or text, whichever its type says.
pub fn int_or_string(fields: &Fields<'_>) -> Result<Value, WireError> {
    match number(fields, 0) {
        0 => Ok(json!(number(fields, 1) as i32)),
        1 => Ok(json!(text(bytes(fields, 2).unwrap_or_default()))),
        _ => Err(WireError::NotJson("impossible IntOrString.Type".to_owned())),
    }
}

/// The JSON that is in it.
pub fn raw(fields: &Fields<'_>) -> Result<Value, WireError> {
    let written = bytes(fields, 0).unwrap_or_default();
    if written.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_slice(written).map_err(|error| WireError::NotJson(format!("there is no JSON in it: {error}")))
}
