//! Overloads of functions, as tables write them: `"list(A).(A) -> int"` is a method of a list, `"(string) -> int"` a function.

use std::collections::HashMap;
use std::sync::OnceLock;

use super::eval::Budget;
use super::types::Type;
use super::value::Val;
use super::{Error, functions, operators};

/// What an overload does; its arguments, the target first, are of the types of its signature.
pub type Run = for<'a> fn(&[Val<'a>], &mut Budget) -> Result<Val<'a>, Error>;

/// A row of a table: the name, the signature, what it does.
pub type Row = (&'static str, &'static str, Run);

/// One overload of a function.
#[derive(Debug)]
pub struct Overload {
    /// It is called on a target.
    pub member: bool,
    /// The types of its arguments, the target's first.
    pub takes: Vec<Type>,
    /// The type of its value.
    pub gives: Type,
    /// What it does.
    pub run: Run,
}

/// The overloads of a function.
pub fn overloads(name: &str) -> &'static [Overload] {
    static ALL: OnceLock<HashMap<&'static str, Vec<Overload>>> = OnceLock::new();
    let all = ALL.get_or_init(|| {
        let mut all: HashMap<&'static str, Vec<Overload>> = HashMap::new();
        for (name, signature, run) in operators::TABLE.iter().chain(functions::tables().into_iter().flatten()) {
            let overload = read(signature, *run).unwrap_or_else(|| unreachable!("{name} {signature} is a signature"));
            all.entry(name).or_default().push(overload);
        }
        all
    });
    all.get(name).map_or(&[], Vec::as_slice)
}

/// How many types a signature leaves open: A and B.
pub const PARAMS: usize = 2;

fn read(signature: &str, run: Run) -> Option<Overload> {
    let (takes, gives) = signature.split_once(" -> ")?;
    let open = takes.rfind(".(").map(|dot| dot + 1).filter(|_| takes.ends_with(')'));
    let (target, arguments) = match open {
        Some(open) => (Some(&takes[..open - 1]), &takes[open..]),
        None => (None, takes),
    };
    let mut all: Vec<Type> = target.map(kind).into_iter().collect::<Option<_>>()?;
    let arguments = arguments.strip_prefix('(')?.strip_suffix(')')?;
    for argument in split(arguments) {
        all.push(kind(argument)?);
    }
    Some(Overload { member: target.is_some(), takes: all, gives: kind(gives)?, run })
}

/// At the commas that are not within brackets.
fn split(arguments: &str) -> Vec<&str> {
    let (mut found, mut from, mut depth) = (Vec::new(), 0, 0);
    for (at, c) in arguments.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(arguments[from..at].trim());
                from = at + 1;
            }
            _ => {}
        }
    }
    found.extend(Some(arguments[from..].trim()).filter(|last| !last.is_empty()));
    found
}

fn kind(word: &str) -> Option<Type> {
    if let Some((name, of)) = word.strip_suffix(')').and_then(|word| word.split_once('(')) {
        let mut of = split(of).into_iter().map(kind);
        let mut next = || of.next().flatten();
        return Some(match name {
            "list" => Type::list(next()?),
            "map" => Type::map(next()?, next()?),
            "optional" => Type::optional(next()?),
            _ => return None,
        });
    }
    Some(match word {
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        "dyn" => Type::Dyn,
        "bool" => Type::Bool,
        "int" => Type::Int,
        "uint" => Type::Uint,
        "double" => Type::Double,
        "string" => Type::String,
        "bytes" => Type::Bytes,
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "type" => Type::Type,
        "url" => Type::Opaque("kubernetes.URL"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        _ => return None,
    })
}

impl Overload {
    /// Whether it can be called with these values.
    pub fn takes_values(&self, member: bool, args: &[Val<'_>]) -> bool {
        self.member == member
            && self.takes.len() == args.len()
            && self.takes.iter().zip(args).all(|(kind, arg)| arg.is_of(kind))
    }
}
