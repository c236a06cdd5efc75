//! Whether an expression makes sense for the types of what it speaks of. What is only known later is taken on trust.

use std::collections::BTreeSet;

use super::ast::{Binary, Expr, If, Kind, Let, Loop, Member, Method, Slice, Unary, What};
use super::builtins::{self, Builtin};
use super::environment::Names;
use super::error::Mistake;
use super::kind::Type;
use super::{methods, operators};

/// What a checker has found.
#[derive(Debug)]
pub struct Checked {
    /// The type of the expression.
    pub kind: Type,
    /// Where the sides of a `==` or `!=` are whole numbers, or texts, if they are anything: one that turns out to be nil, such as
    /// `findIndex` gives, is a mistake there and does not merely differ.
    pub exact: BTreeSet<usize>,
}

/// The type of an expression, or what is wrong with it.
pub fn check(root: &Expr, names: &Names) -> Result<Checked, Mistake> {
    let mut check = Check { names, variables: Vec::new(), loops: Vec::new(), exact: BTreeSet::new() };
    let kind = check.expr(root)?;
    Ok(Checked { kind, exact: check.exact })
}

struct Check<'a> {
    names: &'a Names,
    variables: Vec<(&'a str, Type)>,
    /// What `#` is, from the outermost loop to the innermost, and which other names the loop has.
    loops: Vec<(Type, &'static [(&'static str, Type)])>,
    exact: BTreeSet<usize>,
}

type Found = Result<Type, Mistake>;

/// What the language has besides, and no condition has needed.
const LEFT_OUT: [&str; 4] = ["$env", "timezone", "toBase64", "fromBase64"];

fn unknown(name: &str, expected: &str) -> String {
    if LEFT_OUT.contains(&name) {
        return format!("{name} is not supported in conditions");
    }
    format!("unknown name {name}: expected {expected}")
}

/// Whether it may give nil instead of what its type says without that being a mistake: a field, or an end of a list.
fn may_be_left_out(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Member(_) | Kind::Chain(_) => true,
        Kind::Builtin(builtin, _) => matches!(builtin.name, "first" | "last" | "get"),
        _ => false,
    }
}

/// The names besides `#` within a loop.
fn pointers(what: What) -> &'static [(&'static str, Type)] {
    match what {
        What::Map => &[("index", Type::Int)],
        What::Reduce => &[("index", Type::Int), ("acc", Type::Any)],
        _ => &[],
    }
}

impl<'a> Check<'a> {
    fn expr(&mut self, expr: &'a Expr) -> Found {
        let at = expr.at;
        let wrong = |why: String| Err(Mistake::new(at, why));
        match &expr.kind {
            Kind::Nil => Ok(Type::Nil),
            Kind::Bool(_) => Ok(Type::Bool),
            Kind::Int(_) => Ok(Type::Int),
            Kind::Float(_) => Ok(Type::Float),
            Kind::String(_) => Ok(Type::String),
            Kind::Name(name) => self.name(at, name),
            Kind::Pointer(name) => self.pointer(at, name),
            Kind::Unary(unary, of) => {
                let kind = self.expr(of)?;
                match unary {
                    Unary::Not if matches!(kind, Type::Bool | Type::Any) => Ok(Type::Bool),
                    Unary::Minus | Unary::Plus if kind.is_number() || kind.is_any() => Ok(kind),
                    _ => wrong(format!("invalid operation: {} (mismatched type {kind})", unary.sign())),
                }
            }
            Kind::Binary(binary, two) => {
                let [left, right] = &**two;
                let (one, other) = (self.expr(left)?, self.expr(right)?);
                if matches!(binary, Binary::Equal | Binary::Differ)
                    && matches!((&one, &other), (Type::Int, Type::Int) | (Type::String, Type::String))
                    && !may_be_left_out(left)
                    && !may_be_left_out(right)
                {
                    self.exact.insert(at);
                }
                operators::check(*binary, (left, &one), (right, &other)).map_err(|why| Mistake::new(at, why))
            }
            Kind::Between(terms, operators) => {
                let kinds = terms.iter().map(|term| self.expr(term)).collect::<Result<Vec<_>, _>>()?;
                for ((two, kinds), operator) in terms.windows(2).zip(kinds.windows(2)).zip(operators) {
                    operators::check(*operator, (&two[0], &kinds[0]), (&two[1], &kinds[1]))
                        .map_err(|why| Mistake::new(at, why))?;
                }
                Ok(Type::Bool)
            }
            Kind::Member(member) => self.member(at, member),
            Kind::Chain(of) => self.expr(of),
            Kind::Slice(slice) => self.slice(at, slice),
            Kind::Call(name, args) => match self.names.function(name) {
                Some(function) => self.call(at, function, args),
                None => wrong(unknown(name, "a function")),
            },
            Kind::Builtin(builtin, args) => self.call(at, builtin, args),
            Kind::Method(method) => self.method(at, method),
            Kind::Loop(of) => self.repeat(of),
            Kind::Let(of) => self.declaration(at, of),
            Kind::If(of) => self.choice(of),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    self.expr(key)?;
                    self.expr(value)?;
                }
                Ok(Type::map())
            }
            Kind::Sequence(all) => {
                let mut last = Type::Nil;
                for expr in all {
                    last = self.expr(expr)?;
                }
                Ok(last)
            }
        }
    }

    fn name(&self, at: usize, name: &str) -> Found {
        if let Some((_, kind)) = self.variables.iter().rev().find(|(known, _)| *known == name) {
            return Ok(kind.clone());
        }
        if let Some(kind) = self.names.value(name) {
            return Ok(kind.clone());
        }
        let why = match self.names.function(name).or_else(|| builtins::named(name)) {
            Some(_) => format!("{name} is a function: expected a call, {name}(…)"),
            None => unknown(name, &self.names.told()),
        };
        Err(Mistake::new(at, why))
    }

    fn pointer(&self, at: usize, name: &str) -> Found {
        let Some((kind, names)) = self.loops.last() else {
            return Err(Mistake::new(at, "cannot use # outside of a loop such as all or filter"));
        };
        if name.is_empty() {
            return Ok(kind.clone());
        }
        let found = names.iter().find(|(known, _)| *known == name);
        found.map(|(_, kind)| kind.clone()).ok_or_else(|| Mistake::new(at, format!("unknown pointer #{name}")))
    }

    fn member(&mut self, at: usize, member: &'a Member) -> Found {
        let of = self.expr(&member.of)?;
        let key = self.expr(&member.key)?;
        let field = match &member.key.kind {
            Kind::String(name) => Some(&**name),
            _ => None,
        };
        let wrong = |at: usize, why: String| Err(Mistake::new(at, why));
        match &of {
            Type::Any => Ok(Type::Any),
            Type::Map { any_key, of } if *any_key || matches!(key, Type::String | Type::Any) => Ok((**of).clone()),
            Type::Map { .. } => wrong(member.key.at, format!("cannot use {key} to get an element from {of}")),
            Type::Array(of) if matches!(key, Type::Int | Type::Any) => Ok((**of).clone()),
            Type::Array(_) if field.is_none() => {
                wrong(member.key.at, format!("array elements can only be selected using an integer (got {key})"))
            }
            Type::Record(fields) => match field {
                Some(name) => fields.get(name).cloned().ok_or_else(|| {
                    let known: Vec<&str> = fields.keys().map(String::as_str).collect();
                    Mistake::new(at, format!("unknown field {name}: expected one of {}", known.join(", ")))
                }),
                None => wrong(at, format!("type record[{key}] is undefined")),
            },
            _ => match field {
                Some(name) => wrong(at, format!("type {of} has no field {name}")),
                None => wrong(at, format!("type {of}[{key}] is undefined")),
            },
        }
    }

    fn slice(&mut self, at: usize, slice: &'a Slice) -> Found {
        let of = self.expr(&slice.of)?;
        if !matches!(of, Type::Any | Type::String | Type::Array(_)) {
            return Err(Mistake::new(at, format!("cannot slice {of}: expected an array or a string")));
        }
        for bound in [&slice.from, &slice.to].into_iter().flatten() {
            let kind = self.expr(bound)?;
            if !of.is_any() && !matches!(kind, Type::Any | Type::Int) {
                return Err(Mistake::new(bound.at, format!("non-integer slice index {kind}")));
            }
        }
        Ok(of)
    }

    fn call(&mut self, at: usize, function: &Builtin, args: &'a [Expr]) -> Found {
        let kinds = args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        function.check(&kinds).map_err(|(which, why)| {
            let place = which.and_then(|which| args.get(which)).map_or(at, |arg| arg.at);
            Mistake::new(place, why)
        })
    }

    fn method(&mut self, at: usize, method: &'a Method) -> Found {
        let of = self.expr(&method.of)?;
        let args = method.args.iter().map(|arg| self.expr(arg)).collect::<Result<Vec<_>, _>>()?;
        methods::check(&of, &method.name, &args).map_err(|why| Mistake::new(at, why))
    }

    fn repeat(&mut self, of: &'a Loop) -> Found {
        let list = self.expr(&of.of)?;
        let item = match &list {
            Type::Any => Type::Any,
            Type::Array(item) => (**item).clone(),
            _ => {
                let why = format!("{} takes only array (got {list})", of.what.name());
                return Err(Mistake::new(of.of.at, why));
            }
        };
        let mut body = None;
        if let Some(expr) = &of.body {
            self.loops.push((item.clone(), pointers(of.what)));
            let kind = self.expr(expr);
            self.loops.pop();
            body = Some((expr.at, kind?));
        }
        if let Some(more) = &of.more {
            self.expr(more)?;
        }
        let says_yes_or_no = !matches!(of.what, What::Map | What::Sum | What::GroupBy | What::SortBy | What::Reduce);
        if let Some((at, kind)) = &body
            && says_yes_or_no
            && !matches!(kind, Type::Bool | Type::Any)
        {
            return Err(Mistake::new(*at, format!("predicate should return boolean (got {kind})")));
        }
        let body = body.map(|(_, kind)| kind);
        Ok(match of.what {
            What::All | What::None | What::Any | What::One => Type::Bool,
            What::Filter => Type::array(item),
            What::Map => Type::array(body.unwrap_or(Type::Any)),
            What::Find | What::FindLast => item,
            What::FindIndex | What::FindLastIndex | What::Count => Type::Int,
            What::Sum => body.unwrap_or(item),
            What::GroupBy => Type::groups(item),
            What::SortBy => list,
            What::Reduce => body.unwrap_or(Type::Any),
        })
    }

    fn declaration(&mut self, at: usize, of: &'a Let) -> Found {
        let name = &of.name;
        let is_variable = self.variables.iter().any(|(known, _)| known == name);
        let is_name = self.names.value(name).is_some() || self.names.function(name).is_some();
        if is_variable || is_name || builtins::named(name).is_some() || What::named(name).is_some() {
            return Err(Mistake::new(at, format!("cannot redeclare {name}")));
        }
        let kind = self.expr(&of.value)?;
        self.variables.push((name, kind));
        let body = self.expr(&of.body);
        self.variables.pop();
        body
    }

    fn choice(&mut self, of: &'a If) -> Found {
        let condition = self.expr(&of.condition)?;
        if !matches!(condition, Type::Bool | Type::Any) {
            let why = format!("non-bool expression (type {condition}) used as condition");
            return Err(Mistake::new(of.condition.at, why));
        }
        let one = match &of.one {
            Some(one) => self.expr(one)?,
            None => condition,
        };
        let other = self.expr(&of.other)?;
        Ok(match (&one, &other) {
            (Type::Nil, _) => other,
            (_, Type::Nil) => one,
            _ if one.fits(&other) => one,
            _ => Type::Any,
        })
    }

    /// The items of a list have a type together if they are all of one kind.
    fn list(&mut self, items: &'a [Expr]) -> Found {
        let kinds = items.iter().map(|item| self.expr(item)).collect::<Result<Vec<_>, _>>()?;
        let alike = kinds.windows(2).all(|two| two[0].is_like(&two[1]));
        Ok(Type::array(kinds.into_iter().next_back().filter(|_| alike).unwrap_or(Type::Any)))
    }
}
