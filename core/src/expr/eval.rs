//! Running an expression.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::ast::{Binary, Expr, If, Kind, Let, Member, Method, Slice, Unary};
use super::builtins::{Builtin, Kinds};
use super::check::Checked;
use super::environment::Names;
use super::error::{Mistake, Refusal, Stage};
use super::fuel::Work;
use super::repeat::Scope;
use super::value::{Key, Shape, Value};
use super::{access, methods, operators};

/// Runs an expression that was checked with these names.
pub fn run(root: &Expr, names: &Names, checked: &Checked, work: Work<'_>) -> Result<Value, (Stage, Mistake)> {
    let mut run = Run { names, exact: &checked.exact, work, variables: Vec::new(), scopes: Vec::new() };
    match run.value(root) {
        Ok(value) => Ok(value),
        Err(Stop::Failed(mistake)) => Err((Stage::Run, mistake)),
        Err(Stop::TooMuch(at)) => {
            Err((Stage::TooMuch, Mistake::new(at, "the condition takes more steps or memory than it may")))
        }
        // Each `?.` is within its chain.
        Err(Stop::Absent) => Ok(Value::Nil),
    }
}

pub(super) struct Run<'a, 'w> {
    names: &'a Names,
    exact: &'a BTreeSet<usize>,
    pub(super) work: Work<'w>,
    variables: Vec<(&'a str, Value)>,
    pub(super) scopes: Vec<Scope>,
}

/// Why an expression gives no value.
pub(super) enum Stop {
    Failed(Mistake),
    TooMuch(usize),
    /// There is nothing before a `?.`, so there is nothing at the end of its chain.
    Absent,
}

pub(super) type Made = Result<Value, Stop>;

/// A refusal at a place.
pub(super) fn stop(at: usize) -> impl Fn(Refusal) -> Stop {
    move |refusal| match refusal {
        Refusal::Failed(why) => Stop::Failed(Mistake::new(at, why)),
        Refusal::TooMuch => Stop::TooMuch(at),
    }
}

pub(super) fn failed(at: usize, why: impl Into<String>) -> Stop {
    Stop::Failed(Mistake::new(at, why))
}

/// Whether it is a list of nothing but texts that are written down.
fn are_texts(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::List(items) if !items.is_empty() && items.iter().all(|item| matches!(item.kind, Kind::String(_))))
}

impl<'a> Run<'a, '_> {
    pub(super) fn value(&mut self, expr: &'a Expr) -> Made {
        let at = expr.at;
        self.work.spend(1).map_err(stop(at))?;
        match &expr.kind {
            Kind::Nil => Ok(Value::Nil),
            Kind::Bool(flag) => Ok(Value::Bool(*flag)),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Float(number) => Ok(Value::Float(*number)),
            Kind::String(text) => Ok(Value::String(Arc::clone(text))),
            Kind::Name(name) => Ok(self.variable(name)),
            Kind::Pointer(name) => self.pointer(at, name),
            Kind::Unary(unary, of) => self.unary(at, *unary, of),
            Kind::Binary(operator, two) => self.binary(at, *operator, two),
            Kind::Between(terms, operators) => self.between(at, terms, operators),
            Kind::Member(member) => self.member(at, member),
            Kind::Chain(of) => match self.value(of) {
                Err(Stop::Absent) => Ok(Value::Nil),
                other => other,
            },
            Kind::Slice(slice) => self.slice(at, slice),
            Kind::Call(name, args) => match self.names.function(name) {
                Some(function) => self.call(at, function, args),
                None => Err(failed(at, format!("{name} is no function"))),
            },
            Kind::Builtin(builtin, args) => self.call(at, builtin, args),
            Kind::Method(method) => self.method(at, method),
            Kind::Loop(of) => self.repeat(at, of),
            Kind::Let(of) => self.declaration(of),
            Kind::If(of) => self.choice(of),
            Kind::List(items) => self.list(at, items),
            Kind::Map(entries) => self.map(at, entries),
            Kind::Sequence(all) => {
                let mut last = Value::Nil;
                for expr in all {
                    last = self.value(expr)?;
                }
                Ok(last)
            }
        }
    }

    pub(super) fn truth(&mut self, expr: &'a Expr) -> Result<bool, Stop> {
        match self.value(expr)? {
            Value::Bool(flag) => Ok(flag),
            other => Err(failed(expr.at, format!("expected a bool, got {}", other.kind_name()))),
        }
    }

    fn variable(&self, name: &str) -> Value {
        let found = self.variables.iter().rev().find(|(known, _)| *known == name);
        // The checker has seen that it is one of the two.
        found.map_or_else(|| self.work.result.clone(), |(_, value)| value.clone())
    }

    fn pointer(&self, at: usize, name: &str) -> Made {
        let Some(scope) = self.scopes.last() else { return Err(failed(at, "# outside of a loop")) };
        Ok(match name {
            "index" => Value::Int(scope.index as i64),
            "acc" => scope.acc.clone(),
            _ => scope.item.clone(),
        })
    }

    fn unary(&mut self, at: usize, unary: Unary, of: &'a Expr) -> Made {
        if unary == Unary::Not {
            return Ok(Value::Bool(!self.truth(of)?));
        }
        let value = self.value(of)?;
        let found = match unary {
            Unary::Minus => operators::negate(&value),
            _ => Some(value.clone()),
        };
        found.ok_or_else(|| failed(at, format!("invalid operation: {} {}", unary.sign(), value.kind_name())))
    }

    fn binary(&mut self, at: usize, operator: Binary, two: &'a [Expr; 2]) -> Made {
        let [left, right] = two;
        match operator {
            Binary::And => {
                if self.truth(left)? {
                    self.value(right)
                } else {
                    Ok(Value::Bool(false))
                }
            }
            Binary::Or => {
                if self.truth(left)? {
                    Ok(Value::Bool(true))
                } else {
                    self.value(right)
                }
            }
            Binary::Coalesce => {
                let one = self.value(left)?;
                if one.is_nil() { self.value(right) } else { Ok(one) }
            }
            _ => {
                let (one, other) = (self.value(left)?, self.value(right)?);
                if (one.is_nil() || other.is_nil()) && self.exact.contains(&at) {
                    let (one, other) = (one.kind_name(), other.kind_name());
                    return Err(failed(at, format!("invalid operation: {one} {} {other}", operator.sign())));
                }
                if operator == Binary::In && are_texts(right) {
                    // Among texts, nil is the empty one.
                    let sought = match one {
                        Value::Nil => Value::text(""),
                        Value::String(_) => one,
                        other => {
                            return Err(failed(at, format!("cannot look for {} among strings", other.kind_name())));
                        }
                    };
                    return operators::apply(operator, &sought, &other, &mut self.work).map_err(stop(at));
                }
                operators::apply(operator, &one, &other, &mut self.work).map_err(stop(at))
            }
        }
    }

    fn between(&mut self, at: usize, terms: &'a [Expr], operators: &[Binary]) -> Made {
        let mut terms = terms.iter();
        let mut left = match terms.next() {
            Some(first) => self.value(first)?,
            None => Value::Nil,
        };
        for (term, operator) in terms.zip(operators) {
            let right = self.value(term)?;
            let holds = operators::apply(*operator, &left, &right, &mut self.work).map_err(stop(at))?;
            if !matches!(holds, Value::Bool(true)) {
                return Ok(Value::Bool(false));
            }
            left = right;
        }
        Ok(Value::Bool(true))
    }

    fn member(&mut self, at: usize, member: &'a Member) -> Made {
        let of = self.value(&member.of)?;
        if member.optional && of.is_nil() {
            return Err(Stop::Absent);
        }
        let key = self.value(&member.key)?;
        self.work.spend_on_text(key.text_length()).map_err(stop(at))?;
        access::fetch(&of, &key).map_err(stop(at))
    }

    fn slice(&mut self, at: usize, slice: &'a Slice) -> Made {
        let of = self.value(&slice.of)?;
        let mut bound = |bound: &'a Option<Expr>| bound.as_ref().map(|bound| self.value(bound)).transpose();
        let (from, to) = (bound(&slice.from)?, bound(&slice.to)?);
        access::slice(&of, from.as_ref(), to.as_ref(), &mut self.work).map_err(stop(at))
    }

    fn call(&mut self, at: usize, function: &Builtin, args: &'a [Expr]) -> Made {
        let mut values = self.values(args)?;
        // A whole number that is written down is a float where one is wanted; one that was computed is not.
        for ((value, arg), kinds) in values.iter_mut().zip(args).zip(function.takes) {
            if let Some(number) = operators::constant(arg).filter(|_| *kinds == Kinds::FLOATING) {
                *value = Value::Float(number as f64);
            }
        }
        (function.run)(&values, &mut self.work).map_err(stop(at))
    }

    fn method(&mut self, at: usize, method: &'a Method) -> Made {
        let of = self.value(&method.of)?;
        if method.optional && of.is_nil() {
            return Err(Stop::Absent);
        }
        let args = self.values(&method.args)?;
        methods::run(&of, &method.name, &args).map_err(stop(at))
    }

    fn values(&mut self, exprs: &'a [Expr]) -> Result<Vec<Value>, Stop> {
        exprs.iter().map(|expr| self.value(expr)).collect()
    }

    fn declaration(&mut self, of: &'a Let) -> Made {
        let value = self.value(&of.value)?;
        self.variables.push((&of.name, value));
        let body = self.value(&of.body);
        self.variables.pop();
        body
    }

    fn choice(&mut self, of: &'a If) -> Made {
        match (self.truth(&of.condition)?, &of.one) {
            (true, Some(one)) => self.value(one),
            (true, None) => Ok(Value::Bool(true)),
            (false, _) => self.value(&of.other),
        }
    }

    fn list(&mut self, at: usize, items: &'a [Expr]) -> Made {
        self.work.spend_on_items(items.len()).map_err(stop(at))?;
        let items = self.values(items)?;
        Value::array(items).map_err(|deep| failed(at, deep.to_string()))
    }

    fn map(&mut self, at: usize, entries: &'a [(Expr, Expr)]) -> Made {
        self.work.spend_on_items(entries.len()).map_err(stop(at))?;
        let mut made = Vec::with_capacity(entries.len());
        for (key, value) in entries {
            let place = key.at;
            match self.value(key)? {
                Value::String(key) => made.push((Key::String(key), self.value(value)?)),
                other => return Err(failed(place, format!("a key must be a string (got {})", other.kind_name()))),
            }
        }
        Value::map_of(Shape::Open, made.into_iter().collect()).map_err(|deep| failed(at, deep.to_string()))
    }
}
