//! Calls that are macros: `has`, and those that bind a name.

use super::ast::{Expr, IfThere, Kind, Loop, Made};
use super::lex::Mistake;
use super::parse::{call, node};

/// A call without a target.
pub fn global(at: usize, name: &str, mut args: Vec<Expr>) -> Result<Expr, Mistake> {
    if name != "has" || args.len() != 1 {
        return call(at, name, false, args);
    }
    match args.pop().map(|arg| arg.kind) {
        Some(Kind::Select(mut select)) if !select.test && !select.optional => {
            select.test = true;
            node(at, Kind::Select(select))
        }
        _ => Err((at, "invalid argument to has() macro".to_owned())),
    }
}

/// A call with a target.
pub fn member(at: usize, of: Expr, name: &str, args: Vec<Expr>) -> Result<Expr, Mistake> {
    let made = match (name, args.len()) {
        ("all", 2 | 3) => Made::All,
        ("exists", 2 | 3) => Made::Exists,
        ("exists_one" | "existsOne", 2 | 3) => Made::ExistsOne,
        ("filter", 2) => Made::Filter,
        ("map", 2 | 3) | ("transformList", 3 | 4) => Made::List,
        ("transformMap", 3 | 4) => Made::Map,
        ("transformMapEntry", 3 | 4) => Made::Entries,
        ("optMap" | "optFlatMap", 2) => return if_there(at, of, args, name == "optFlatMap"),
        _ => {
            let args = [of].into_iter().chain(args).collect();
            return call(at, name, true, args);
        }
    };
    let two = name.starts_with("transform") || args.len() == 3 && name != "map";
    let mut args = args.into_iter();
    let mut named = || args.next().map_or(Err((at, String::new())), |arg| simple_name(&arg));
    let variable = named()?;
    let second = two.then(&mut named).transpose()?;
    let (Some(next), last) = (args.next(), args.next()) else {
        return Err((at, format!("too few arguments to {name}")));
    };
    let (filter, body) = match last {
        Some(body) => (Some(next), body),
        None => (None, next),
    };
    node(at, Kind::Loop(Box::new(Loop { made, range: of, variable, second, filter, body })))
}

fn if_there(at: usize, of: Expr, args: Vec<Expr>, flat: bool) -> Result<Expr, Mistake> {
    let mut args = args.into_iter();
    let (Some(variable), Some(body)) = (args.next(), args.next()) else {
        return Err((at, "optMap() takes two arguments".to_owned()));
    };
    let variable = simple_name(&variable)?;
    node(at, Kind::IfThere(Box::new(IfThere { of, variable, body, flat })))
}

fn simple_name(expr: &Expr) -> Result<String, Mistake> {
    match &expr.kind {
        Kind::Ident(name) => Ok(name.clone()),
        _ => Err((expr.at, "argument must be a simple name".to_owned())),
    }
}
