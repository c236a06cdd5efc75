//! Quantities as Go has them in memory, which is part of what is hashed.

use serde_json::{Value, json};

/// The digits that an `int64` surely holds.
const DIGITS: usize = 18;

/// The fields of a quantity: its digits, its scale and how it is written. One that is not a plain number with one of the
/// usual suffixes has none.
pub fn fields(quantity: &Value) -> Value {
    let text = match quantity {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return json!({}),
    };
    if text == "0" {
        return json!({ "Format": "DecimalSI", "s": text });
    }
    let at = text.find(|c: char| !c.is_ascii_digit() && !"+-.".contains(c)).unwrap_or(text.len());
    let (number, suffix) = text.split_at(at);
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let digits = format!("{whole}{fraction}");
    let (Some(suffix), Ok(value), true) = (Suffix::read(suffix), digits.parse::<i64>(), digits.len() <= DIGITS) else {
        return json!({});
    };
    let scale = suffix.exponent - i64::try_from(fraction.len()).unwrap_or(0);
    let Some(value) = value.checked_mul(suffix.factor) else { return json!({}) };
    let mut fields = json!({ "i": { "value": value, "scale": scale }, "Format": suffix.format });
    // A text that is as short as it can be is kept.
    let kept = if suffix.format == "BinarySI" {
        (value / suffix.factor) & 7 != 0
    } else {
        scale % 3 == 0 && !digits.ends_with("000") && !digits.starts_with('0')
    };
    if kept {
        fields["s"] = json!(text);
    }
    fields
}

/// What follows the digits.
struct Suffix {
    exponent: i64,
    factor: i64,
    format: &'static str,
}

impl Suffix {
    fn read(text: &str) -> Option<Suffix> {
        if let Some(letter) = text.strip_suffix('i') {
            let power = "KMGTPE".find(letter).filter(|_| letter.len() == 1)?;
            return Some(Suffix { exponent: 0, factor: 1 << (10 * (power + 1)), format: "BinarySI" });
        }
        let decimal =
            [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];
        if let Some((_, exponent)) = decimal.iter().find(|(suffix, _)| *suffix == text) {
            return Some(Suffix { exponent: *exponent, factor: 1, format: "DecimalSI" });
        }
        let exponent = text.strip_prefix(['e', 'E'])?.parse().ok()?;
        Some(Suffix { exponent, factor: 1, format: "DecimalExponent" })
    }
}
