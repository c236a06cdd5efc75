//! Whether an expression makes sense for the types of its variables, and what type its value has.

use super::ast::{Call, Const, Expr, IfThere, Item, Kind, Loop, Made, Select};
use super::eval::{compile_pattern, type_named};
use super::lex::Mistake;
use super::signature::{PARAMS, overloads};
use super::types::{Known, Type};

/// What a check found.
pub struct Checked {
    pub result: Type,
    pub errors: Vec<Mistake>,
    /// The variables that the expression speaks of.
    pub used: Vec<String>,
}

/// Checks an expression, and finds the overloads that its calls may mean.
pub fn check(root: &mut Expr, variables: &[(&str, Type)]) -> Checked {
    let variables: Vec<_> = variables.iter().map(|(name, kind)| ((*name).to_owned(), kind.clone())).collect();
    let mut check = Check { globals: variables.len(), variables, ..Check::default() };
    let result = check.expr(root);
    let result = check.known.fill(&result);
    let errors = if check.errors.is_empty() { check.later } else { check.errors };
    Checked { result, errors, used: check.used }
}

#[derive(Default)]
struct Check {
    known: Known,
    variables: Vec<(String, Type)>,
    /// So many of the variables are there from the start.
    globals: usize,
    errors: Vec<Mistake>,
    /// What is wrong although all types fit; told if nothing else is.
    later: Vec<Mistake>,
    used: Vec<String>,
    /// How many calls of `format` this is within: their lists may hold anything.
    formats: usize,
}

impl Check {
    fn wrong(&mut self, at: usize, why: String) -> Type {
        self.errors.push((at, why));
        Type::Error
    }

    fn expr(&mut self, expr: &mut Expr) -> Type {
        let at = expr.at;
        match &mut expr.kind {
            Kind::Const(constant) => type_of(constant),
            Kind::Ident(name) => self.ident(at, name),
            Kind::Select(select) => self.select(at, select),
            Kind::Call(call) => self.call(at, call),
            Kind::And(all) | Kind::Or(all) => {
                for expr in all {
                    let kind = self.expr(expr);
                    self.expect(expr.at, &Type::Bool, &kind);
                }
                Type::Bool
            }
            Kind::If(three) => self.choice(at, three),
            Kind::List(items) => self.list(items),
            Kind::Map(entries) => {
                let (mut keys, mut values) = (None, None);
                for entry in entries {
                    let key = self.expr(&mut entry.key);
                    let value = self.expr(&mut entry.value);
                    let value = if entry.optional { self.unwrapped(entry.value.at, &value) } else { value };
                    self.alike(entry.key.at, &mut keys, key);
                    self.alike(entry.value.at, &mut values, value);
                }
                let open = |kind: Option<Type>, known: &mut Known| kind.unwrap_or_else(|| Type::Param(known.fresh()));
                Type::made_map(open(keys, &mut self.known), open(values, &mut self.known))
            }
            Kind::Loop(of) => self.repeat(at, of),
            Kind::IfThere(of) => self.if_there(at, of),
        }
    }

    fn expect(&mut self, at: usize, wanted: &Type, found: &Type) {
        if !self.known.assign(found, wanted) {
            let (wanted, found) = (self.known.fill(wanted), self.known.fill(found));
            self.wrong(at, format!("expected type '{wanted}' but found '{found}'"));
        }
    }

    fn ident(&mut self, at: usize, name: &str) -> Type {
        if let Some(place) = self.variables.iter().rposition(|(known, _)| known == name) {
            if place < self.globals && !self.used.iter().any(|used| used == name) {
                self.used.push(name.to_owned());
            }
            return self.variables[place].1.clone();
        }
        if type_named(name).is_some() {
            return Type::Type;
        }
        self.wrong(at, format!("undeclared reference to '{name}' (in container '')"))
    }

    fn select(&mut self, at: usize, select: &mut Select) -> Type {
        let of = self.expr(&mut select.of);
        let of = self.known.fill(&of);
        let (target, chained) = match &of {
            Type::Optional(of) => ((**of).clone(), true),
            _ => (of, false),
        };
        let found = match &target {
            Type::Map(_, value) => (**value).clone(),
            Type::Object(of) => match of.fields.get(&select.field) {
                Some(field) => field.kind.clone(),
                None => return self.wrong(at, format!("undefined field '{}'", select.field)),
            },
            Type::Param(_) => {
                self.known.assign(&Type::Dyn, &target);
                Type::Dyn
            }
            kind if kind.is_dyn() => Type::Dyn,
            kind => return self.wrong(at, format!("type '{kind}' does not support field selection")),
        };
        match (select.test, chained || select.optional) {
            (true, _) => Type::Bool,
            (false, true) => Type::optional(found),
            (false, false) => found,
        }
    }

    fn call(&mut self, at: usize, call: &mut Call) -> Type {
        self.qualify(call);
        let formats = usize::from(call.name == "format");
        self.formats += formats;
        let args: Vec<Type> = call.args.iter_mut().map(|arg| self.expr(arg)).collect();
        self.formats -= formats;
        let all = overloads(&call.name);
        if all.is_empty() {
            return self.wrong(at, format!("undeclared reference to '{}' (in container '')", call.name));
        }
        if args.iter().any(|arg| matches!(arg, Type::Error)) {
            return Type::Error;
        }
        let mut result: Option<Type> = None;
        for overload in all.iter().filter(|of| of.member == call.member && of.takes.len() == args.len()) {
            let before = self.known.mark();
            let fresh: Vec<Type> = (0..PARAMS).map(|_| Type::Param(self.known.fresh())).collect();
            let fits = overload.takes.iter().zip(&args).all(|(wanted, given)| {
                let wanted = with(wanted, &fresh);
                self.known.assign(given, &wanted)
            });
            if !fits {
                self.known.forget(before);
                continue;
            }
            call.overloads.push(overload);
            let gives = self.known.fill(&with(&overload.gives, &fresh));
            result = Some(match result {
                None => gives,
                Some(known) if known.is_same(&gives) => known,
                Some(_) => Type::Dyn,
            });
        }
        self.pattern(call);
        result.unwrap_or_else(|| {
            let shown: Vec<String> = args.iter().map(|arg| self.known.fill(arg).to_string()).collect();
            let shown = match (call.member, shown.split_first()) {
                (true, Some((target, rest))) => format!("{target}.({})", rest.join(", ")),
                _ => format!("({})", shown.join(", ")),
            };
            self.wrong(at, format!("found no matching overload for '{}' applied to '{shown}'", call.name))
        })
    }

    /// What looks like a method can be a function of a library: `sets.contains(a, b)`.
    fn qualify(&mut self, call: &mut Call) {
        if let Some(Expr { kind: Kind::Ident(library), .. }) = call.args.first().filter(|_| call.member) {
            let name = format!("{library}.{}", call.name);
            let is_variable = self.variables.iter().any(|(known, _)| known == library);
            if !is_variable && !overloads(&name).is_empty() {
                call.args.remove(0);
                call.member = false;
                call.name = name;
            }
        }
    }

    /// A pattern that stands in the text is compiled, and must be one.
    fn pattern(&mut self, call: &mut Call) {
        if !matches!(call.name.as_str(), "matches" | "find" | "findAll") {
            return;
        }
        if let Some(Expr { at, kind: Kind::Const(Const::String(text)), .. }) = call.args.get(1) {
            match compile_pattern(text) {
                Ok(pattern) => call.pattern = Some(pattern),
                Err(_) => self.later.push((*at, format!("invalid {} argument", call.name))),
            }
        }
    }

    fn choice(&mut self, at: usize, three: &mut [Expr; 3]) -> Type {
        let [condition, then, otherwise] = three;
        let kinds = [self.expr(condition), self.expr(then), self.expr(otherwise)];
        let fits = self.known.assign(&kinds[0], &Type::Bool);
        let result = Type::Param(self.known.fresh());
        if fits && self.known.assign(&kinds[1], &result) && self.known.assign(&kinds[2], &result) {
            let (one, other) = (self.known.fill(&kinds[1]), self.known.fill(&kinds[2]));
            // One side that is only known later leaves all open.
            return if one.is_dyn() || other.is_dyn() { Type::Dyn } else { self.known.fill(&result) };
        }
        let shown: Vec<String> = kinds.iter().map(|kind| self.known.fill(kind).to_string()).collect();
        self.wrong(at, format!("found no matching overload for '_?_:_' applied to '({})'", shown.join(", ")))
    }

    /// The items of a literal have one type; where they have not, nothing is known of them.
    fn alike(&mut self, at: usize, so_far: &mut Option<Type>, next: Type) {
        match so_far {
            None => *so_far = Some(next),
            Some(known) if self.known.assign(&next, known) => {}
            Some(known) => {
                let (wanted, found) = (self.known.fill(known), self.known.fill(&next));
                if self.formats == 0 {
                    self.later.push((at, format!("expected type '{wanted}' but found '{found}'")));
                }
                *so_far = Some(Type::Dyn);
            }
        }
    }

    fn unwrapped(&mut self, at: usize, kind: &Type) -> Type {
        match self.known.fill(kind) {
            Type::Optional(of) => (*of).clone(),
            kind if kind.is_dyn() => Type::Dyn,
            kind => self.wrong(at, format!("expected type 'optional_type({kind})' but found '{kind}'")),
        }
    }

    fn list(&mut self, items: &mut [Item]) -> Type {
        let mut found = None;
        for item in items {
            let kind = self.expr(&mut item.value);
            let kind = if item.optional { self.unwrapped(item.value.at, &kind) } else { kind };
            self.alike(item.value.at, &mut found, kind);
        }
        Type::list(found.unwrap_or_else(|| Type::Param(self.known.fresh())))
    }

    fn if_there(&mut self, at: usize, of: &mut IfThere) -> Type {
        let kind = self.expr(&mut of.of);
        let inner = match self.known.fill(&kind) {
            Type::Optional(inner) => (*inner).clone(),
            kind if kind.is_dyn() => Type::Dyn,
            kind => {
                let name = if of.flat { "optFlatMap" } else { "optMap" };
                return self.wrong(at, format!("found no matching overload for '{name}' applied to '{kind}.()'"));
            }
        };
        self.variables.push((of.variable.clone(), inner));
        let body = self.expr(&mut of.body);
        self.variables.pop();
        if of.flat { body } else { Type::optional(body) }
    }

    fn repeat(&mut self, at: usize, of: &mut Loop) -> Type {
        let range = self.expr(&mut of.range);
        let range = self.known.fill(&range);
        let (first, second) = match &range {
            Type::List(item, _) if of.second.is_some() => (Type::Int, (**item).clone()),
            Type::List(item, _) => ((**item).clone(), Type::Dyn),
            Type::Map(key, value) => ((**key).clone(), (**value).clone()),
            Type::Param(_) => {
                self.known.assign(&Type::Dyn, &range);
                (Type::Dyn, Type::Dyn)
            }
            kind if kind.is_dyn() => (Type::Dyn, Type::Dyn),
            kind => {
                let why = "cannot be range of a comprehension (must be list, map, or dynamic)";
                self.wrong(of.range.at, format!("expression of type '{kind}' {why}"));
                (Type::Error, Type::Error)
            }
        };
        let depth = self.variables.len();
        self.variables.push((of.variable.clone(), first.clone()));
        self.variables.extend(of.second.clone().map(|name| (name, second)));
        if let Some(filter) = &mut of.filter {
            let kind = self.expr(filter);
            self.expect(filter.at, &Type::Bool, &kind);
        }
        let body = self.expr(&mut of.body);
        self.variables.truncate(depth);
        if matches!(of.made, Made::All | Made::Exists | Made::ExistsOne | Made::Filter) {
            // A body of another type is told of where the loop combines its values.
            if !self.known.assign(&body, &Type::Bool) {
                let body = self.known.fill(&body);
                let (place, why) = match of.made {
                    Made::All | Made::Exists => (of.body.at, format!("expected type 'bool' but found '{body}'")),
                    _ => (at, format!("found no matching overload for '_?_:_' applied to '({body}, int, int)'")),
                };
                self.wrong(place, why);
            }
        }
        match of.made {
            Made::All | Made::Exists | Made::ExistsOne => Type::Bool,
            Made::Filter => Type::list(first),
            Made::List => Type::list(body),
            Made::Map => Type::made_map(first, body),
            Made::Entries => body,
        }
    }
}

/// A type of a signature with its own types put in.
fn with(kind: &Type, params: &[Type]) -> Type {
    match kind {
        Type::Param(param) => params[*param].clone(),
        Type::List(of, _) => Type::list(with(of, params)),
        Type::Map(key, value) => Type::map(with(key, params), with(value, params)),
        Type::Optional(of) => Type::optional(with(of, params)),
        other => other.clone(),
    }
}

fn type_of(constant: &Const) -> Type {
    match constant {
        Const::Null => Type::Null,
        Const::Bool(_) => Type::Bool,
        Const::Int(_) => Type::Int,
        Const::Uint(_) => Type::Uint,
        Const::Double(_) => Type::Double,
        Const::String(_) => Type::String,
        Const::Bytes(_) => Type::Bytes,
    }
}
