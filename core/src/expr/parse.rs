//! Words into expressions.

use std::sync::Arc;

use super::ast::{Binary, Expr, If, Kind, Let, Loop, Unary, What};
use super::builtins;
use super::error::Mistake;
use super::lex::{self, Token, Word};

/// How many brackets, calls and operators of the right may stand within each other: parsing is as deep.
const DEEPEST: usize = 64;
/// How many expressions may stand within each other, chains such as `a || b || c` counted: running is as deep.
const TALLEST: usize = 250;
/// How many characters a condition may have.
pub const LONGEST: usize = 10_000;

pub(super) type Made = Result<Expr, Mistake>;

/// Parses an expression.
pub fn parse(source: &str) -> Made {
    let length = source.chars().count();
    if length > LONGEST {
        return Err(Mistake::new(0, format!("the expression has {length} characters, {LONGEST} are allowed")));
    }
    let mut parser = Parser { words: lex::words(source)?, next: 0, depth: 0, loops: 0 };
    let root = parser.sequence()?;
    match parser.peek() {
        Token::End => Ok(root),
        _ => Err(parser.unexpected("an operator or the end")),
    }
}

pub(super) struct Parser {
    words: Vec<Word>,
    next: usize,
    depth: usize,
    /// How many bodies of loops this is within.
    pub(super) loops: usize,
}

/// An expression at a place, unless it is too tall.
pub(super) fn node(at: usize, kind: Kind) -> Made {
    let mut expr = Expr { at, height: 0, kind };
    expr.height = 1 + expr.parts().into_iter().map(|part| part.height).max().unwrap_or(0);
    if expr.height > TALLEST {
        return Err(Mistake::new(at, format!("more than {TALLEST} expressions stand within each other")));
    }
    Ok(expr)
}

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        &self.words[self.next].token
    }

    pub(super) fn at(&self) -> usize {
        self.words[self.next].at
    }

    /// Takes the next word; the end stays.
    pub(super) fn take(&mut self) -> Word {
        let word = self.words[self.next].clone();
        if self.next + 1 < self.words.len() {
            self.next += 1;
        }
        word
    }

    pub(super) fn sees(&self, sign: &str) -> bool {
        matches!(self.peek(), Token::Sign(next) if *next == sign)
    }

    pub(super) fn takes(&mut self, sign: &str) -> bool {
        let found = self.sees(sign);
        if found {
            self.take();
        }
        found
    }

    pub(super) fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.takes(sign) { Ok(()) } else { Err(self.unexpected(&format!("`{sign}`"))) }
    }

    pub(super) fn unexpected(&self, wanted: &str) -> Mistake {
        let found = match self.peek() {
            Token::Name(name) => format!("`{name}`"),
            Token::Number(number) => format!("`{number}`"),
            Token::Text(text) => format!("{text:?}"),
            Token::Sign(sign) => format!("`{sign}`"),
            Token::End => "the end".to_owned(),
        };
        Mistake::new(self.at(), format!("unexpected {found}, expected {wanted}"))
    }

    pub(super) fn name(&mut self, wanted: &str) -> Result<String, Mistake> {
        match self.peek() {
            Token::Name(name) => {
                let name = name.clone();
                self.take();
                Ok(name)
            }
            _ => Err(self.unexpected(wanted)),
        }
    }

    /// `a; b; c`
    pub(super) fn sequence(&mut self) -> Made {
        let at = self.at();
        let mut all = vec![self.expression(0)?];
        while self.takes(";") {
            if *self.peek() == Token::End {
                break;
            }
            all.push(self.expression(0)?);
        }
        match all.pop() {
            Some(only) if all.is_empty() => Ok(only),
            last => {
                all.extend(last);
                node(at, Kind::Sequence(all))
            }
        }
    }

    /// An expression of operators that bind at least this strongly.
    pub(super) fn expression(&mut self, least: u16) -> Made {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(Mistake::new(self.at(), format!("more than {DEEPEST} expressions stand within each other")));
        }
        let made = match self.peek() {
            Token::Sign("let") if least == 0 => self.declaration(),
            Token::Sign("if") if least == 0 => self.choice(),
            _ => self.operation(least),
        };
        self.depth -= 1;
        made
    }

    fn operation(&mut self, least: u16) -> Made {
        let mut left = self.operand()?;
        let mut coalesced = false;
        while let Token::Sign(sign) = *self.peek() {
            if sign == "|" {
                if least > 0 {
                    break;
                }
                self.take();
                left = self.piped(left)?;
                coalesced = false;
                continue;
            }
            let (start, at) = (self.next, self.at());
            let negated = self.takes("not");
            let found = match *self.peek() {
                Token::Sign(sign) => Binary::with_sign(sign).filter(|(operator, ..)| !negated || operator.takes_not()),
                _ => None,
            };
            if negated && found.is_none() {
                return Err(self.unexpected("`in`, `matches`, `contains`, `startsWith` or `endsWith` after `not`"));
            }
            let Some((operator, strength, to_the_right)) = found.filter(|(_, strength, _)| *strength >= least) else {
                self.next = start;
                break;
            };
            if coalesced && operator != Binary::Coalesce {
                let why = format!("`??` and `{}` cannot be mixed: wrap either in parentheses", operator.sign());
                return Err(Mistake::new(at, why));
            }
            self.take();
            coalesced = operator == Binary::Coalesce;
            left = if operator.is_order() {
                self.comparison(at, operator, left, strength)?
            } else {
                let right = self.expression(if to_the_right { strength } else { strength + 1 })?;
                node(at, Kind::Binary(operator, Box::new([left, right])))?
            };
            if negated {
                left = node(at, Kind::Unary(Unary::Not, Box::new(left)))?;
            }
        }
        if least == 0 { self.conditional(left) } else { Ok(left) }
    }

    /// `a < b`, and `a < b < c`, which is `a < b && b < c`.
    fn comparison(&mut self, at: usize, operator: Binary, left: Expr, strength: u16) -> Made {
        let mut right = self.expression(strength + 1)?;
        let (mut terms, mut operators) = (vec![left], vec![operator]);
        while let Token::Sign(sign) = *self.peek()
            && let Some((next, ..)) = Binary::with_sign(sign).filter(|(next, ..)| next.is_order())
        {
            self.take();
            terms.push(right);
            operators.push(next);
            right = self.expression(strength + 1)?;
        }
        match terms.pop() {
            Some(left) if terms.is_empty() => node(at, Kind::Binary(operator, Box::new([left, right]))),
            last => {
                terms.extend(last);
                terms.push(right);
                node(at, Kind::Between(terms, operators))
            }
        }
    }

    /// `condition ? one : other`, and `value ?: other`.
    fn conditional(&mut self, mut condition: Expr) -> Made {
        while self.sees("?") {
            let at = self.take().at;
            let one = if self.sees(":") { None } else { Some(self.expression(0)?) };
            self.expect(":")?;
            let other = self.expression(0)?;
            condition = node(at, Kind::If(Box::new(If { condition, one, other })))?;
        }
        Ok(condition)
    }

    fn choice(&mut self) -> Made {
        let at = self.take().at;
        let condition = self.expression(0)?;
        let one = Some(self.block()?);
        self.expect("else")?;
        let other = if self.sees("if") { self.expression(0)? } else { self.block()? };
        node(at, Kind::If(Box::new(If { condition, one, other })))
    }

    fn block(&mut self) -> Made {
        self.expect("{")?;
        let inner = self.sequence()?;
        self.expect("}")?;
        Ok(inner)
    }

    fn declaration(&mut self) -> Made {
        let at = self.take().at;
        let name = self.name("the name of a variable after `let`")?;
        self.expect("=")?;
        let value = self.expression(0)?;
        self.expect(";")?;
        let body = self.sequence()?;
        node(at, Kind::Let(Box::new(Let { name, value, body })))
    }

    /// `left | name(more)`
    fn piped(&mut self, left: Expr) -> Made {
        let at = self.at();
        let name = self.name("the name of a function after `|`")?;
        let call = self.call(at, name, Some(left))?;
        self.postfix(call)
    }

    /// A call by name; a value that was piped into it is its first argument.
    pub(super) fn call(&mut self, at: usize, name: String, piped: Option<Expr>) -> Made {
        if let Some(what) = What::named(&name) {
            return self.repetition(at, what, &name, piped);
        }
        let args = self.arguments(piped)?;
        match builtins::named(&name) {
            Some(builtin) => node(at, Kind::Builtin(builtin, args)),
            None => node(at, Kind::Call(name, args)),
        }
    }

    pub(super) fn arguments(&mut self, piped: Option<Expr>) -> Result<Vec<Expr>, Mistake> {
        self.expect("(")?;
        let mut args: Vec<Expr> = piped.into_iter().collect();
        while !self.takes(")") {
            args.push(self.expression(0)?);
            if !self.takes(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(args)
    }

    fn repetition(&mut self, at: usize, what: What, name: &str, piped: Option<Expr>) -> Made {
        self.expect("(")?;
        let was_piped = piped.is_some();
        let of = match piped {
            Some(piped) => piped,
            None if self.sees(")") => return Err(self.unexpected(&format!("a list, the first argument of {name}"))),
            None => self.expression(0)?,
        };
        let mut first = was_piped;
        let mut next = |parser: &mut Parser| -> Result<bool, Mistake> {
            if parser.sees(")") {
                return Ok(false);
            }
            if !std::mem::take(&mut first) {
                parser.expect(",")?;
            }
            Ok(true)
        };
        let mut body = None;
        if next(self)? {
            body = Some(self.body()?);
        } else if !matches!(what, What::Count | What::Sum) {
            return Err(self.unexpected(&format!("a condition for each item, the second argument of {name}")));
        }
        let mut more = None;
        if matches!(what, What::SortBy | What::Reduce) && body.is_some() && next(self)? {
            more = Some(self.expression(0)?);
        }
        self.takes(",");
        self.expect(")")?;
        node(at, Kind::Loop(Box::new(Loop { what, of, body, more })))
    }

    /// What a loop runs for every item, in braces or without.
    fn body(&mut self) -> Made {
        let braces = self.takes("{");
        self.loops += 1;
        let body = if braces { self.sequence()? } else { self.expression(0)? };
        self.loops -= 1;
        if braces {
            self.expect("}")?;
        } else if self.sees(";") {
            return Err(self.unexpected("braces around the body of a loop that has several parts"));
        }
        Ok(body)
    }

    /// A text as a constant.
    pub(super) fn text(at: usize, text: &str) -> Made {
        node(at, Kind::String(Arc::from(text)))
    }
}
