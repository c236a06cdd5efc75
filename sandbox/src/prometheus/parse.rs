//! Words into expressions. What Prometheus knows and this does not is refused by name.

use super::ast::{Aggregation, Expr, Operator};
use super::counters::LONGEST_RANGE;
use super::lex::{self, Token, Word};
use super::matching::Matcher;
use super::{Mistake, NAME};

/// How many characters a query may have.
pub const LONGEST: usize = 4000;
/// How many parts an expression may have, and with that how deep it can be.
const MOST_PARTS: usize = 200;
/// How many brackets may stand within each other: parsing is as deep.
const DEEPEST: usize = 32;
/// How many matchers a selector may have.
const MOST_MATCHERS: usize = 20;

/// Words that are something in PromQL, and nothing here.
const UNKNOWN_WORDS: [&str; 24] = [
    "and",
    "unless",
    "atan2",
    "bool",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "offset",
    "without",
    "topk",
    "bottomk",
    "quantile",
    "stddev",
    "stdvar",
    "group",
    "count_values",
    "limitk",
    "limit_ratio",
    "start",
    "end",
    "smoothed",
    "anchored",
    "fill",
];
const AGGREGATIONS: [(&str, Aggregation); 5] = [
    ("sum", Aggregation::Sum),
    ("avg", Aggregation::Avg),
    ("max", Aggregation::Max),
    ("min", Aggregation::Min),
    ("count", Aggregation::Count),
];

type Made<T> = Result<T, Mistake>;

/// Parses a query.
pub fn parse(source: &str) -> Made<Expr> {
    let length = source.chars().count();
    if length > LONGEST {
        return Err(Mistake::new(0, format!("the query has {length} characters, {LONGEST} are allowed")));
    }
    let mut parser = Parser { words: lex::words(source)?, next: 0, depth: 0, parts: 0 };
    if parser.peek() == &Token::End {
        return Err(Mistake::new(0, "no expression found in input"));
    }
    let root = parser.expression(0)?;
    match parser.peek() {
        Token::End => Ok(root),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

struct Parser {
    words: Vec<Word>,
    next: usize,
    depth: usize,
    parts: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.words[self.next].token
    }

    fn at(&self) -> usize {
        self.words[self.next].at
    }

    /// Takes the next word; the end stays.
    fn take(&mut self) -> Token {
        let token = self.peek().clone();
        if token != Token::End {
            self.next += 1;
        }
        token
    }

    fn takes(&mut self, symbol: &str) -> bool {
        let is = matches!(self.peek(), Token::Symbol(next) if *next == symbol);
        self.next += usize::from(is);
        is
    }

    fn expect(&mut self, symbol: &str) -> Made<()> {
        if self.takes(symbol) { Ok(()) } else { Err(self.unexpected(&format!("{symbol:?}"))) }
    }

    /// What to say of a word that does not belong here.
    fn unexpected(&self, expected: &str) -> Mistake {
        let what = match self.peek() {
            Token::End => "end of input".to_owned(),
            Token::Number(number) => format!("number {number}"),
            Token::Duration(_) => "duration".to_owned(),
            Token::Text(text) => format!("string {text:?}"),
            Token::Name(name) if is_unknown(name) => return Mistake::not_understood(self.at(), name),
            Token::Name(name) => format!("{name:?}"),
            Token::Symbol(symbol @ ("^" | "%" | "@")) => return Mistake::not_understood(self.at(), symbol),
            Token::Symbol("[") => {
                let what = "a range such as [5s] of anything but a selector within rate() and increase()";
                return Mistake::not_understood(self.at(), what);
            }
            Token::Symbol(symbol) => format!("{symbol:?}"),
        };
        Mistake::new(self.at(), format!("unexpected {what}, expected {expected}"))
    }

    /// An expression, unless there are too many.
    fn part(&mut self, at: usize, expr: Expr) -> Made<Expr> {
        self.parts += 1;
        if self.parts > MOST_PARTS {
            return Err(Mistake::new(at, format!("the query has more than {MOST_PARTS} parts")));
        }
        Ok(expr)
    }

    /// Parses what is one level deeper.
    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Parser) -> Made<T>) -> Made<T> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Mistake::new(self.at(), format!("more than {DEEPEST} expressions stand within each other")));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    fn operator(&self) -> Option<Operator> {
        match self.peek() {
            Token::Symbol(symbol) => Operator::of(symbol),
            Token::Name(name) => Operator::of(&name.to_ascii_lowercase()),
            _ => None,
        }
    }

    /// An expression of operators that bind more strongly than `weakest`; those of one strength from left to right.
    fn expression(&mut self, weakest: u8) -> Made<Expr> {
        let mut left = self.deeper(Parser::operand)?;
        while let Some(operator) = self.operator().filter(|operator| operator.strength() > weakest) {
            let at = self.at();
            self.take();
            let right = self.deeper(|parser| parser.expression(operator.strength()))?;
            let scalars = (left.is_scalar(), right.is_scalar());
            match scalars {
                (true, _) | (_, true) if operator == Operator::Or => {
                    return Err(Mistake::new(at, "set operator \"or\" not allowed in binary scalar expression"));
                }
                (true, true) if operator.compares() => {
                    return Err(Mistake::not_understood(at, "a comparison of two scalars, which needs bool"));
                }
                _ => {}
            }
            left = self.part(at, Expr::Binary { operator, left: Box::new(left), right: Box::new(right) })?;
        }
        Ok(left)
    }

    fn operand(&mut self) -> Made<Expr> {
        let at = self.at();
        let expr = match self.peek().clone() {
            Token::Number(number) => {
                self.take();
                Expr::Number(number)
            }
            Token::Symbol("-") => {
                self.take();
                Expr::Negative(Box::new(self.deeper(Parser::operand)?))
            }
            Token::Symbol("+") => {
                self.take();
                return self.deeper(Parser::operand);
            }
            Token::Symbol("(") => {
                self.take();
                let inner = self.deeper(|parser| parser.expression(0))?;
                self.expect(")")?;
                return Ok(inner);
            }
            Token::Symbol("{") => self.selector().map(Expr::Selector)?,
            Token::Name(name) => self.named(&name)?,
            Token::Text(_) => {
                return Err(Mistake::not_understood(at, "a string where a number or a selector could be"));
            }
            Token::Duration(_) => return Err(Mistake::not_understood(at, "a duration outside of brackets")),
            Token::Symbol(_) | Token::End => return Err(self.unexpected("a number, a selector or a function")),
        };
        self.part(at, expr)
    }

    /// What begins with a name: a number, an aggregation, a function or a selector.
    fn named(&mut self, name: &str) -> Made<Expr> {
        let (at, lower) = (self.at(), name.to_ascii_lowercase());
        if let "inf" | "nan" = lower.as_str() {
            self.take();
            return Ok(Expr::Number(if lower == "inf" { f64::INFINITY } else { f64::NAN }));
        }
        if let Some((_, how)) = AGGREGATIONS.iter().find(|(known, _)| *known == lower) {
            self.take();
            return self.aggregation(*how);
        }
        if is_unknown(name) {
            return Err(Mistake::not_understood(at, name));
        }
        if self.words.get(self.next + 1).is_none_or(|word| word.token != Token::Symbol("(")) {
            return self.selector().map(Expr::Selector);
        }
        self.take();
        match name {
            "rate" | "increase" => self.rise(name),
            "vector" => self.vector(),
            _ => Err(Mistake::not_understood(at, format_args!("the function {name}()"))),
        }
    }

    /// `sum by (a) (x)` and `sum(x) by (a)`, from behind the name.
    fn aggregation(&mut self, how: Aggregation) -> Made<Expr> {
        let before = self.grouping()?;
        self.expect("(")?;
        let at = self.at();
        let of = self.deeper(|parser| parser.expression(0))?;
        self.expect(")")?;
        if of.is_scalar() {
            return Err(Mistake::new(at, "expected type instant vector in aggregation expression, got scalar"));
        }
        let by = match before {
            Some(by) => by,
            None => self.grouping()?.unwrap_or_default(),
        };
        Ok(Expr::Aggregate { how, by, of: Box::new(of) })
    }

    /// `by (a, b)`.
    fn grouping(&mut self) -> Made<Option<Vec<String>>> {
        match self.peek() {
            Token::Name(name) if name.eq_ignore_ascii_case("by") => self.take(),
            Token::Name(name) if name.eq_ignore_ascii_case("without") => {
                return Err(Mistake::not_understood(self.at(), "without"));
            }
            _ => return Ok(None),
        };
        self.expect("(")?;
        let mut by = Vec::new();
        while !self.takes(")") {
            by.push(self.label()?);
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(Some(by))
    }

    fn label(&mut self) -> Made<String> {
        match self.peek().clone() {
            Token::Name(name) if !name.contains(':') => {
                self.take();
                Ok(name)
            }
            Token::Text(_) => Err(Mistake::not_understood(self.at(), "a label in quotes")),
            _ => Err(self.unexpected("a label")),
        }
    }

    /// `(x[5s])` of a function.
    fn rise(&mut self, name: &str) -> Made<Expr> {
        self.expect("(")?;
        let at = self.at();
        if !matches!(self.peek(), Token::Name(_) | Token::Symbol("{")) {
            return Err(self.unexpected("a selector with a range such as [5s]"));
        }
        let of = self.selector()?;
        if !self.takes("[") {
            let why = format!("expected type range vector in call to function {name:?}, got instant vector");
            return Err(if self.takes(")") { Mistake::new(at, why) } else { self.unexpected("a range such as [5s]") });
        }
        let range_at = self.at();
        let Token::Duration(range) = self.take() else {
            return Err(Mistake::new(range_at, "expected a duration such as 5s or 1m"));
        };
        if range == 0 {
            return Err(Mistake::new(range_at, "duration must be greater than 0"));
        }
        if range > LONGEST_RANGE {
            return Err(Mistake::not_understood(range_at, "a range of more than an hour, as it keeps no more"));
        }
        if matches!(self.peek(), Token::Name(name) if name.starts_with(':')) {
            return Err(Mistake::not_understood(self.at(), "a subquery"));
        }
        self.expect("]")?;
        self.expect(")")?;
        Ok(Expr::Rise { of, range, per_second: name == "rate" })
    }

    /// `(0)` of the function.
    fn vector(&mut self) -> Made<Expr> {
        self.expect("(")?;
        let at = self.at();
        let of = self.deeper(|parser| parser.expression(0))?;
        self.expect(")")?;
        if !of.is_scalar() {
            return Err(Mistake::new(at, "expected type scalar in call to function \"vector\", got instant vector"));
        }
        Ok(Expr::Vector(Box::new(of)))
    }

    /// `name{label="value"}`, of which either part may be missing.
    fn selector(&mut self) -> Made<Vec<Matcher>> {
        let at = self.at();
        let mut matchers = Vec::new();
        if let Token::Name(name) = self.peek().clone() {
            self.take();
            matchers.extend(Matcher::new(NAME, "=", &name));
        }
        if self.takes("{") {
            while !self.takes("}") {
                matchers.push(self.matcher()?);
                if matchers.len() > MOST_MATCHERS {
                    return Err(Mistake::new(at, format!("a selector has more than {MOST_MATCHERS} matchers")));
                }
                if !self.takes(",") {
                    self.expect("}")?;
                    break;
                }
            }
        }
        if matchers.iter().all(Matcher::takes_nothing) {
            return Err(Mistake::new(at, "vector selector must contain at least one non-empty matcher"));
        }
        Ok(matchers)
    }

    /// `label="value"`.
    fn matcher(&mut self) -> Made<Matcher> {
        let label = self.label()?;
        let at = self.at();
        let Token::Symbol(operator) = self.peek().clone() else { return Err(self.unexpected("=, !=, =~ or !~")) };
        self.take();
        let Token::Text(value) = self.peek().clone() else { return Err(self.unexpected("a string")) };
        self.take();
        Matcher::new(&label, operator, &value).map_err(|why| Mistake::new(at, why))
    }
}

fn is_unknown(name: &str) -> bool {
    UNKNOWN_WORDS.iter().any(|word| name.eq_ignore_ascii_case(word))
}
