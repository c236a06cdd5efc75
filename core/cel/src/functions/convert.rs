//! Sizes, types, and one type from another.

use std::rc::Rc;

use super::{Library, Made, network, time, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;

pub const TABLE: &[Row] = &[
    ("size", "(string) -> int", size),
    ("size", "(bytes) -> int", size),
    ("size", "(list(A)) -> int", size),
    ("size", "(map(A, B)) -> int", size),
    ("size", "string.() -> int", size),
    ("size", "bytes.() -> int", size),
    ("size", "list(A).() -> int", size),
    ("size", "map(A, B).() -> int", size),
    ("type", "(A) -> type", type_of),
    ("dyn", "(A) -> dyn", same),
    ("bool", "(bool) -> bool", same),
    ("bool", "(string) -> bool", to_bool),
    ("int", "(int) -> int", same),
    ("int", "(uint) -> int", to_int),
    ("int", "(double) -> int", to_int),
    ("int", "(string) -> int", to_int),
    ("int", "(timestamp) -> int", to_int),
    ("int", "(duration) -> int", to_int),
    ("uint", "(uint) -> uint", same),
    ("uint", "(int) -> uint", to_uint),
    ("uint", "(double) -> uint", to_uint),
    ("uint", "(string) -> uint", to_uint),
    ("double", "(double) -> double", same),
    ("double", "(int) -> double", to_double),
    ("double", "(uint) -> double", to_double),
    ("double", "(string) -> double", to_double),
    ("bytes", "(bytes) -> bytes", same),
    ("bytes", "(string) -> bytes", to_bytes),
    ("string", "(string) -> string", same),
    ("string", "(bool) -> string", to_string),
    ("string", "(int) -> string", to_string),
    ("string", "(uint) -> string", to_string),
    ("string", "(double) -> string", to_string),
    ("string", "(bytes) -> string", to_string),
    ("string", "(timestamp) -> string", to_string),
    ("string", "(duration) -> string", to_string),
    ("string", "(ip) -> string", to_string),
    ("string", "(cidr) -> string", to_string),
    ("timestamp", "(timestamp) -> timestamp", same),
    ("timestamp", "(int) -> timestamp", time::to_timestamp),
    ("timestamp", "(string) -> timestamp", time::to_timestamp),
    ("duration", "(duration) -> duration", same),
    ("duration", "(int) -> duration", time::to_duration),
    ("duration", "(string) -> duration", time::to_duration),
];

fn size<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [of] = args else { return unfit() };
    let size = match of {
        Val::String(text) => {
            budget.spend_on_text(text.len())?;
            text.chars().count()
        }
        of => of.size(),
    };
    Ok(Val::Int(size as i64))
}

fn same<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    args.first().cloned().map_or_else(unfit, Ok)
}

fn type_of<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    args.first().map_or_else(unfit, |of| Ok(Val::Type(of.type_name())))
}

fn cannot(given: &Val<'_>, wanted: &str) -> Error {
    match given {
        Val::String(text) => Error::new(format!("type conversion error: {:?} is no {wanted}", &**text)),
        _ => Error::new(format!("type conversion error from '{}' to '{wanted}'", given.type_name())),
    }
}

fn to_bool<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [given @ Val::String(text)] => match &**text {
            "1" | "t" | "T" | "TRUE" | "true" | "True" => Ok(Val::Bool(true)),
            "0" | "f" | "F" | "FALSE" | "false" | "False" => Ok(Val::Bool(false)),
            _ => Err(cannot(given, "bool")),
        },
        _ => unfit(),
    }
}

fn to_int<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let overflow = || Error::new("integer overflow");
    match args {
        [Val::Uint(number)] => i64::try_from(*number).map(Val::Int).map_err(|_| overflow()),
        [Val::Double(number)] if number.is_finite() && number.abs() < 9_223_372_036_854_775_808.0 => {
            Ok(Val::Int(*number as i64))
        }
        [Val::Double(_)] => Err(overflow()),
        [given @ Val::String(text)] => text.parse().map(Val::Int).map_err(|_| cannot(given, "int")),
        [Val::Timestamp(at)] => Ok(Val::Int(at.as_second())),
        [Val::Duration(span)] => i64::try_from(span.as_nanos()).map(Val::Int).map_err(|_| overflow()),
        _ => unfit(),
    }
}

fn to_uint<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let overflow = || Error::new("unsigned integer overflow");
    match args {
        [Val::Int(number)] => u64::try_from(*number).map(Val::Uint).map_err(|_| overflow()),
        [Val::Double(number)] if *number >= 0.0 && *number < 18_446_744_073_709_551_615.0 => {
            Ok(Val::Uint(*number as u64))
        }
        [Val::Double(_)] => Err(overflow()),
        [given @ Val::String(text)] => text.parse().map(Val::Uint).map_err(|_| cannot(given, "uint")),
        _ => unfit(),
    }
}

fn to_double<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    match args {
        [Val::Int(number)] => Ok(Val::Double(*number as f64)),
        [Val::Uint(number)] => Ok(Val::Double(*number as f64)),
        [given @ Val::String(text)] => text.parse().map(Val::Double).map_err(|_| cannot(given, "double")),
        _ => unfit(),
    }
}

fn to_bytes<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [Val::String(text)] => {
            budget.spend_on_text(text.len())?;
            Ok(Val::Bytes(Rc::from(text.as_bytes())))
        }
        _ => unfit(),
    }
}

fn to_string<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    match args {
        [Val::Bytes(bytes)] => {
            budget.spend_on_text(bytes.len())?;
            let text = std::str::from_utf8(bytes);
            text.map(Val::text).map_err(|_| Error::new("invalid UTF-8 in bytes, cannot convert to string"))
        }
        [Val::Library(of)] => match &**of {
            Library::Ip(address) => Ok(Val::text(address.to_string())),
            Library::Cidr(address, length) => Ok(Val::text(format!("{address}/{length}"))),
            _ => unfit(),
        },
        [of] => Ok(Val::text(shown(of))),
        _ => unfit(),
    }
}

/// A plain value as text.
pub fn shown(value: &Val<'_>) -> String {
    match value {
        Val::Null => "null".to_owned(),
        Val::Bool(flag) => flag.to_string(),
        Val::Int(number) => number.to_string(),
        Val::Uint(number) => number.to_string(),
        Val::Double(number) => double(*number),
        Val::String(text) => (**text).to_owned(),
        Val::Bytes(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Val::Timestamp(at) => at.to_string(),
        Val::Duration(span) => time::shown(*span),
        Val::Type(name) => (*name).to_owned(),
        Val::Library(of) => match &**of {
            Library::Ip(address) => address.to_string(),
            Library::Cidr(address, length) => network::written(*address, *length),
            other => other.type_name().to_owned(),
        },
        other => other.type_name().to_owned(),
    }
}

/// A number as Go writes it in its shortest form.
pub fn double(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let size = number.abs();
    if size != 0.0 && !(1e-4..1e6).contains(&size) {
        let written = format!("{number:e}");
        let (digits, exponent) = written.split_once('e').unwrap_or((&written, "0"));
        let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
        return format!("{digits}e{sign}{exponent:0>2}");
    }
    number.to_string()
}

/// Bytes from base64, with or without line breaks.
pub fn from_base64(text: &str) -> Option<Vec<u8>> {
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for c in text.bytes().filter(|c| !matches!(c, b'\n' | b'\r' | b'=')) {
        let digit = match c {
            b'A'..=b'Z' => c - b'A',
            b'a'..=b'z' => c - b'a' + 26,
            b'0'..=b'9' => c - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        bits = bits << 6 | u32::from(digit);
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
            bits &= (1 << count) - 1;
        }
    }
    Some(bytes)
}
