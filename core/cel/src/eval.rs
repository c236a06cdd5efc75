//! Running an expression.

use std::rc::Rc;

use regex::Regex;

use super::ast::{Call, Const, Expr, IfThere, Item, Kind, Loop, Made, Select};
use super::value::{List, Map, Text, Val};
use super::{Error, data};

/// How many steps are left. Work on much data takes many, so that time and memory are bounded with them.
#[derive(Debug)]
pub struct Budget(u64);

impl Budget {
    /// That many steps.
    pub fn new(steps: u64) -> Budget {
        Budget(steps)
    }

    /// The steps that are left.
    pub fn left(&self) -> u64 {
        self.0
    }

    /// Takes steps, if there are as many.
    pub fn spend(&mut self, steps: u64) -> Result<(), Error> {
        let left = self.0.checked_sub(steps);
        self.0 = left.unwrap_or(0);
        left.map(|_| ()).ok_or(Error::Cost)
    }

    /// Takes the steps for so many bytes or items.
    pub fn spend_on_text(&mut self, length: usize) -> Result<(), Error> {
        self.spend(length as u64 / 10 + 1)
    }
}

/// Runs an expression.
pub fn run<'a>(root: &'a Expr, variables: Vec<(&'a str, Val<'a>)>, budget: &mut Budget) -> Result<Val<'a>, Error> {
    Run { variables, budget }.value(root)
}

struct Run<'a, 'b> {
    variables: Vec<(&'a str, Val<'a>)>,
    budget: &'b mut Budget,
}

impl<'a> Run<'a, '_> {
    fn value(&mut self, expr: &'a Expr) -> Result<Val<'a>, Error> {
        self.budget.spend(1)?;
        match &expr.kind {
            Kind::Const(constant) => Ok(constant_value(constant)),
            Kind::Ident(name) => self.variable(name),
            Kind::Select(select) => self.select(select),
            Kind::Call(call) => self.call(call),
            Kind::And(all) => self.joined(all, false),
            Kind::Or(all) => self.joined(all, true),
            Kind::If(three) => {
                let [condition, then, otherwise] = &**three;
                match self.value(condition)? {
                    Val::Bool(true) => self.value(then),
                    Val::Bool(false) => self.value(otherwise),
                    _ => Err(Error::no_such_overload()),
                }
            }
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => {
                let mut map = Vec::with_capacity(entries.len());
                for entry in entries {
                    let (key, value) = (self.value(&entry.key)?, self.value(&entry.value)?);
                    match (entry.optional, value) {
                        (true, Val::Optional(None)) => {}
                        (true, Val::Optional(Some(value))) => self.insert(&mut map, key, (*value).clone())?,
                        (true, _) => return Err(Error::no_such_overload()),
                        (false, value) => self.insert(&mut map, key, value)?,
                    }
                }
                Ok(Val::Map(Map::Made(Rc::new(map))))
            }
            Kind::Loop(of) => self.repeat(of),
            Kind::IfThere(of) => self.if_there(of),
        }
    }

    fn variable(&self, name: &str) -> Result<Val<'a>, Error> {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        match found {
            Some((_, value)) => Ok(value.clone()),
            None => type_named(name).map(Val::Type).ok_or_else(|| Error::new(format!("no such attribute(s): {name}"))),
        }
    }

    fn select(&mut self, select: &'a Select) -> Result<Val<'a>, Error> {
        let of = self.value(&select.of)?;
        let (of, optional) = match of {
            Val::Optional(None) if select.test => return Ok(Val::Bool(false)),
            Val::Optional(None) => return Ok(Val::Optional(None)),
            Val::Optional(Some(of)) => ((*of).clone(), true),
            of => (of, select.optional),
        };
        let Val::Map(map) = &of else { return Err(Error::no_such_overload()) };
        let found = map.get(&Val::String(Text::Lent(&select.field)));
        if select.test {
            return Ok(Val::Bool(found.is_some()));
        }
        match found {
            Some(value) if optional => Ok(Val::optional(Some(value?))),
            Some(value) => value,
            None if optional => Ok(Val::Optional(None)),
            None => Err(Error::new(format!("no such key: {}", select.field))),
        }
    }

    fn call(&mut self, call: &'a Call) -> Result<Val<'a>, Error> {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(self.value(arg)?);
        }
        if let (Some(pattern), [Val::String(text), ..]) = (&call.pattern, &args[..])
            && call.name == "matches"
        {
            self.budget.spend_on_text(text.len())?;
            return Ok(Val::Bool(pattern.is_match(text)));
        }
        let overload = call.overloads.iter().find(|overload| overload.takes_values(call.member, &args));
        // An index may be any whole number, which is seen when it is used.
        let overload = overload.or_else(|| call.overloads.first().filter(|_| call.name.starts_with("_[")));
        let overload = overload.ok_or_else(Error::no_such_overload)?;
        (overload.run)(&args, self.budget)
    }

    /// The end of `&&` and `||`: one side can decide although the other has failed.
    fn joined(&mut self, all: &'a [Expr], decides: bool) -> Result<Val<'a>, Error> {
        let mut failed = None;
        for expr in all {
            match self.value(expr) {
                Ok(Val::Bool(flag)) if flag == decides => return Ok(Val::Bool(decides)),
                Ok(Val::Bool(_)) => {}
                Ok(_) => failed = failed.or_else(|| Some(Error::no_such_overload())),
                Err(Error::Cost) => return Err(Error::Cost),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Val::Bool(!decides)), Err)
    }

    fn list(&mut self, items: &'a [Item]) -> Result<Val<'a>, Error> {
        let mut list = Vec::with_capacity(items.len());
        for item in items {
            match (item.optional, self.value(&item.value)?) {
                (true, Val::Optional(value)) => list.extend(value.map(|value| (*value).clone())),
                (true, _) => return Err(Error::no_such_overload()),
                (false, value) => list.push(value),
            }
        }
        Ok(Val::list(list))
    }

    fn insert(&mut self, map: &mut Vec<(Val<'a>, Val<'a>)>, key: Val<'a>, value: Val<'a>) -> Result<(), Error> {
        self.budget.spend_on_text(map.len())?;
        if !matches!(key, Val::String(_) | Val::Bool(_) | Val::Int(_) | Val::Uint(_) | Val::Double(_)) {
            return Err(Error::new(format!("unsupported key type: {}", key.type_name())));
        }
        if map.iter().any(|(other, _)| data::same_key(other, &key)) {
            return Err(Error::new("insert failed: key already exists"));
        }
        map.push((key, value));
        Ok(())
    }

    fn if_there(&mut self, of: &'a IfThere) -> Result<Val<'a>, Error> {
        match self.value(&of.of)? {
            Val::Optional(None) => Ok(Val::Optional(None)),
            Val::Optional(Some(value)) => {
                self.variables.push((&of.variable, (*value).clone()));
                let made = self.value(&of.body);
                self.variables.pop();
                if of.flat { made } else { made.map(|made| Val::optional(Some(made))) }
            }
            _ => Err(Error::no_such_overload()),
        }
    }

    fn repeat(&mut self, of: &'a Loop) -> Result<Val<'a>, Error> {
        let mut made = Loops::new(of.made);
        match self.value(&of.range)? {
            Val::List(list) => {
                for (index, item) in (0_i64..).zip(list.iter()) {
                    let (first, second) =
                        if of.second.is_some() { (Val::Int(index), Some(item?)) } else { (item?, None) };
                    if self.round(of, &mut made, first, second)? {
                        break;
                    }
                }
            }
            Val::Map(map) => {
                self.budget.spend_on_text(map.len())?;
                for key in map.keys() {
                    let value = match (&of.second, map.get(&key)) {
                        (Some(_), Some(value)) => Some(value?),
                        _ => None,
                    };
                    if self.round(of, &mut made, key, value)? {
                        break;
                    }
                }
            }
            _ => return Err(Error::no_such_overload()),
        }
        made.end()
    }

    /// One round of a loop; whether it was the last.
    fn round(
        &mut self,
        of: &'a Loop,
        made: &mut Loops<'a>,
        first: Val<'a>,
        second: Option<Val<'a>>,
    ) -> Result<bool, Error> {
        let depth = self.variables.len();
        self.variables.push((&of.variable, first.clone()));
        if let (Some(name), Some(value)) = (&of.second, second) {
            self.variables.push((name, value));
        }
        let last = self.body(of, made, first);
        self.variables.truncate(depth);
        last
    }

    fn body(&mut self, of: &'a Loop, made: &mut Loops<'a>, first: Val<'a>) -> Result<bool, Error> {
        if let Some(filter) = &of.filter {
            match self.value(filter)? {
                Val::Bool(true) => {}
                Val::Bool(false) => return Ok(false),
                _ => return Err(Error::no_such_overload()),
            }
        }
        let value = self.value(&of.body);
        match (of.made, value) {
            (_, Err(Error::Cost)) => return Err(Error::Cost),
            (Made::All | Made::Exists, Ok(Val::Bool(flag))) => {
                made.decided = flag != (of.made == Made::All);
                return Ok(made.decided);
            }
            (Made::All | Made::Exists, other) => {
                let error = other.err().unwrap_or_else(Error::no_such_overload);
                made.failed.get_or_insert(error);
            }
            (_, Err(error)) => return Err(error),
            (Made::ExistsOne, Ok(Val::Bool(flag))) => made.count += usize::from(flag),
            (Made::Filter, Ok(Val::Bool(flag))) => made.items.extend(flag.then_some(first)),
            (Made::List, Ok(value)) => made.items.push(value),
            (Made::Map, Ok(value)) => self.insert(&mut made.entries, first, value)?,
            (Made::Entries, Ok(Val::Map(map))) => {
                for key in map.keys() {
                    if let Some(value) = map.get(&key) {
                        self.insert(&mut made.entries, key, value?)?;
                    }
                }
            }
            (Made::ExistsOne | Made::Filter | Made::Entries, Ok(_)) => return Err(Error::no_such_overload()),
        }
        Ok(false)
    }
}

/// What a loop has made so far.
struct Loops<'a> {
    made: Made,
    decided: bool,
    count: usize,
    failed: Option<Error>,
    items: Vec<Val<'a>>,
    entries: Vec<(Val<'a>, Val<'a>)>,
}

impl<'a> Loops<'a> {
    fn new(made: Made) -> Loops<'a> {
        Loops { made, decided: false, count: 0, failed: None, items: Vec::new(), entries: Vec::new() }
    }

    fn end(self) -> Result<Val<'a>, Error> {
        match (self.made, self.failed) {
            (Made::All | Made::Exists, Some(error)) if !self.decided => Err(error),
            (Made::All, _) => Ok(Val::Bool(!self.decided)),
            (Made::Exists, _) => Ok(Val::Bool(self.decided)),
            (Made::ExistsOne, _) => Ok(Val::Bool(self.count == 1)),
            (Made::Filter | Made::List, _) => Ok(Val::List(List::Made(Rc::new(self.items)))),
            (Made::Map | Made::Entries, _) => Ok(Val::Map(Map::Made(Rc::new(self.entries)))),
        }
    }
}

fn constant_value(constant: &Const) -> Val<'_> {
    match constant {
        Const::Null => Val::Null,
        Const::Bool(flag) => Val::Bool(*flag),
        Const::Int(number) => Val::Int(*number),
        Const::Uint(number) => Val::Uint(*number),
        Const::Double(number) => Val::Double(*number),
        Const::String(text) => Val::String(Text::Lent(text)),
        Const::Bytes(bytes) => Val::Bytes(Rc::from(bytes.as_slice())),
    }
}

/// The types that have a name in expressions.
pub fn type_named(name: &str) -> Option<&'static str> {
    ["bool", "int", "uint", "double", "string", "bytes", "list", "map", "null_type", "type", "optional_type"]
        .into_iter()
        .chain(["google.protobuf.Timestamp", "google.protobuf.Duration"])
        .find(|known| *known == name)
}

/// A pattern, from a text that may be anybody's.
pub fn pattern(text: &str, budget: &mut Budget) -> Result<Regex, Error> {
    budget.spend(100 + text.len() as u64 * 10)?;
    compile_pattern(text).map_err(Error::new)
}

/// A pattern of bounded size.
pub fn compile_pattern(text: &str) -> Result<Regex, String> {
    const LARGEST: usize = 1 << 20;
    let pattern = regex::RegexBuilder::new(text).size_limit(LARGEST).dfa_size_limit(LARGEST).build();
    pattern.map_err(|_| format!("error parsing regexp: {text:?}"))
}
