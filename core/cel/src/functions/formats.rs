//! Formats by name: `format.dns1123Label().validate(text)`.

use super::{Library, Made, unfit, url};
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::Val;
use crate::{formats, labels};

pub const TABLE: &[Row] = &[
    ("format.dns1123Label", "() -> format", |_, _| Ok(made("dns1123Label"))),
    ("format.dns1123Subdomain", "() -> format", |_, _| Ok(made("dns1123Subdomain"))),
    ("format.dns1035Label", "() -> format", |_, _| Ok(made("dns1035Label"))),
    ("format.qualifiedName", "() -> format", |_, _| Ok(made("qualifiedName"))),
    ("format.dns1123LabelPrefix", "() -> format", |_, _| Ok(made("dns1123LabelPrefix"))),
    ("format.dns1123SubdomainPrefix", "() -> format", |_, _| Ok(made("dns1123SubdomainPrefix"))),
    ("format.dns1035LabelPrefix", "() -> format", |_, _| Ok(made("dns1035LabelPrefix"))),
    ("format.labelValue", "() -> format", |_, _| Ok(made("labelValue"))),
    ("format.uri", "() -> format", |_, _| Ok(made("uri"))),
    ("format.uuid", "() -> format", |_, _| Ok(made("uuid"))),
    ("format.byte", "() -> format", |_, _| Ok(made("byte"))),
    ("format.date", "() -> format", |_, _| Ok(made("date"))),
    ("format.datetime", "() -> format", |_, _| Ok(made("datetime"))),
    ("format.named", "(string) -> optional(format)", named),
    ("validate", "format.(string) -> optional(list(string))", validate),
];

fn made<'a>(name: &'static str) -> Val<'a> {
    Val::library(Library::Format(name))
}

fn named<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    let [Val::String(wanted)] = args else { return unfit() };
    let names = TABLE
        .iter()
        .filter_map(|(name, signature, _)| name.strip_prefix("format.").filter(|_| *signature == "() -> format"));
    let found = names.into_iter().find(|name| *name == &**wanted);
    Ok(Val::optional(found.map(made)))
}

fn validate<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::Library(value), Val::String(text)] = args else { return unfit() };
    let Library::Format(name) = &**value else { return unfit() };
    budget.spend_on_text(text.len())?;
    let wrong = mistakes(name, text);
    let wrong = (!wrong.is_empty()).then(|| Val::list(wrong.into_iter().map(Val::text).collect()));
    Ok(Val::optional(wrong))
}

fn mistakes(name: &str, text: &str) -> Vec<String> {
    let unless = |holds: bool, why: &str| if holds { Vec::new() } else { vec![why.to_owned()] };
    match name {
        "uri" => unless(url::parse(text).is_some(), "invalid URI"),
        "uuid" => unless(formats::holds("uuid", text), "does not match the UUID format"),
        "byte" => unless(formats::holds("byte", text), "invalid base64"),
        "date" => unless(formats::holds("date", text), "invalid date"),
        "datetime" => unless(formats::holds("date-time", text), "invalid datetime"),
        name => labels::mistakes(name, text),
    }
}
