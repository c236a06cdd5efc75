//! URLs.

use super::{Library, Made, unfit};
use crate::Error;
use crate::eval::Budget;
use crate::signature::Row;
use crate::value::{Map, Val};

pub const TABLE: &[Row] = &[
    ("url", "(string) -> url", url),
    ("isURL", "(string) -> bool", is_url),
    ("getScheme", "url.() -> string", scheme),
    ("getHost", "url.() -> string", host),
    ("getHostname", "url.() -> string", hostname),
    ("getPort", "url.() -> string", port),
    ("getEscapedPath", "url.() -> string", path),
    ("getQuery", "url.() -> map(string, list(string))", query),
];

/// The parts of a URL, as they are written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Url {
    scheme: String,
    host: String,
    path: String,
    query: String,
}

/// A URL as it stands in a request: with a scheme, or as a path.
pub fn parse(text: &str) -> Option<Url> {
    if text.is_empty() || text.chars().any(|c| c.is_ascii_control() || c == ' ') {
        return None;
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    };
    let (scheme, rest) = match text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) {
        Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
        None if text.starts_with('/') => (String::new(), text),
        None => return None,
    };
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut url = Url { scheme, query: query.to_owned(), ..Url::default() };
    match rest.strip_prefix("//").filter(|_| !url.scheme.is_empty() || !rest.starts_with("///")) {
        Some(rest) => {
            let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
            let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
            if !is_host(host) {
                return None;
            }
            host.clone_into(&mut url.host);
            path.clone_into(&mut url.path);
        }
        None if rest.starts_with('/') => rest.clone_into(&mut url.path),
        // What follows the scheme is opaque.
        None => {}
    }
    are_escapes(&url.path).then_some(url)
}

fn is_host(host: &str) -> bool {
    let (name, port) = split_port(host);
    let is_name = match name.strip_prefix('[') {
        Some(address) => address.strip_suffix(']').is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => !name.contains([':', '[', ']', '<', '>', '"', '\\', '^', '`', '{', '|', '}']),
    };
    is_name && port.chars().all(|c| c.is_ascii_digit())
}

fn split_port(host: &str) -> (&str, &str) {
    match host.rfind(']') {
        Some(end) => (&host[..=end], host[end + 1..].trim_start_matches(':')),
        None => host.rsplit_once(':').unwrap_or((host, "")),
    }
}

fn are_escapes(path: &str) -> bool {
    let hex = |part: &str| part.len() >= 2 && part.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    path.split('%').skip(1).all(hex)
}

fn url<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    budget.spend_on_text(text.len())?;
    let wrong = || {
        let why = format!("parse {:?}: invalid URI for request", &**text);
        Error::new(format!("URL parse error during conversion from string: {why}"))
    };
    Ok(Val::library(Library::Url(parse(text).ok_or_else(wrong)?)))
}

fn is_url<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::String(text)] = args else { return unfit() };
    budget.spend_on_text(text.len())?;
    Ok(Val::Bool(parse(text).is_some()))
}

fn part<'a>(args: &[Val<'a>], of: fn(&Url) -> &str) -> Made<'a> {
    match args {
        [Val::Library(value)] => match &**value {
            Library::Url(url) => Ok(Val::text(of(url))),
            _ => unfit(),
        },
        _ => unfit(),
    }
}

fn scheme<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |url| &url.scheme)
}

fn host<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |url| &url.host)
}

fn hostname<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |url| split_port(&url.host).0.trim_start_matches('[').trim_end_matches(']'))
}

fn port<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |url| split_port(&url.host).1)
}

fn path<'a>(args: &[Val<'a>], _: &mut Budget) -> Made<'a> {
    part(args, |url| &url.path)
}

fn query<'a>(args: &[Val<'a>], budget: &mut Budget) -> Made<'a> {
    let [Val::Library(value)] = args else { return unfit() };
    let Library::Url(url) = &**value else { return unfit() };
    let mut entries: Vec<(String, Vec<Val<'a>>)> = Vec::new();
    for pair in url.query.split('&').filter(|pair| !pair.is_empty()) {
        budget.spend_on_text(pair.len() + entries.len())?;
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (key, value) = (unescaped(key), Val::text(unescaped(value)));
        match entries.iter_mut().find(|(known, _)| *known == key) {
            Some((_, values)) => values.push(value),
            None => entries.push((key, vec![value])),
        }
    }
    let entries = entries.into_iter().map(|(key, values)| (Val::text(key), Val::list(values)));
    Ok(Val::Map(Map::Made(std::rc::Rc::new(entries.collect()))))
}

fn unescaped(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        let digit = |byte: Option<u8>| byte.and_then(|byte| char::from(byte).to_digit(16));
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                if let (Some(high), Some(low)) = (digit(rest.next()), digit(rest.next())) {
                    bytes.push((high * 16 + low) as u8);
                }
            }
            byte => bytes.push(byte),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
