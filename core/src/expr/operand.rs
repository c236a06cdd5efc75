//! Operands, and what follows them: the parts of an expression between its operators.

use super::ast::{Expr, Kind, Member, Method, Slice, Unary};
use super::error::Mistake;
use super::lex::{self, Token};
use super::parse::{Made, Parser, node};

/// How strongly the operators before an operand bind.
const UNARY: [(&str, u16, Unary); 4] =
    [("!", 50, Unary::Not), ("not", 50, Unary::Not), ("-", 90, Unary::Minus), ("+", 90, Unary::Plus)];

impl Parser {
    pub(super) fn operand(&mut self) -> Made {
        let at = self.at();
        if let Some((sign, strength, unary)) = UNARY.iter().find(|(sign, ..)| self.sees(sign)) {
            self.expect(sign)?;
            let of = self.expression(*strength)?;
            let made = node(at, Kind::Unary(*unary, Box::new(of)))?;
            return self.postfix(made);
        }
        if self.takes("(") {
            let inner = self.sequence()?;
            self.expect(")")?;
            return self.postfix(inner);
        }
        if self.loops > 0 && (self.sees("#") || self.sees(".")) {
            let named = self.takes("#") && matches!(self.peek(), Token::Name(_));
            let name = if named { self.name("a name")? } else { String::new() };
            let made = node(at, Kind::Pointer(name))?;
            return self.postfix(made);
        }
        if self.takes("::") {
            let name = self.name("the name of a function after `::`")?;
            let made = self.call(at, name, None)?;
            return self.postfix(made);
        }
        self.plain()
    }

    /// A constant, a name, a call, a list or a map.
    fn plain(&mut self) -> Made {
        let at = self.at();
        let made = match self.peek().clone() {
            Token::Name(name) => {
                self.take();
                match name.as_str() {
                    "true" => return node(at, Kind::Bool(true)),
                    "false" => return node(at, Kind::Bool(false)),
                    "nil" => return node(at, Kind::Nil),
                    _ if self.sees("(") => self.call(at, name, None)?,
                    _ => node(at, Kind::Name(name))?,
                }
            }
            Token::Number(written) => {
                self.take();
                return node(
                    at,
                    number(&written).ok_or_else(|| Mistake::new(at, format!("invalid number {written}")))?,
                );
            }
            Token::Text(text) => {
                self.take();
                Parser::text(at, &text)?
            }
            Token::Sign("[") => {
                self.take();
                let items = self.items("]", |parser| parser.expression(0))?;
                node(at, Kind::List(items))?
            }
            Token::Sign("{") => {
                self.take();
                let entries = self.items("}", Parser::entry)?;
                node(at, Kind::Map(entries))?
            }
            _ => return Err(self.unexpected("a value")),
        };
        self.postfix(made)
    }

    /// What stands between commas, up to the closing bracket; a last comma is allowed.
    fn items<T>(
        &mut self,
        close: &str,
        mut item: impl FnMut(&mut Parser) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut found = Vec::new();
        while !self.takes(close) {
            found.push(item(self)?);
            if !self.takes(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(found)
    }

    fn entry(&mut self) -> Result<(Expr, Expr), Mistake> {
        let at = self.at();
        let key = match self.peek().clone() {
            Token::Name(text) | Token::Number(text) | Token::Text(text) => {
                self.take();
                Parser::text(at, &text)?
            }
            Token::Sign("(") => self.expression(0)?,
            _ => return Err(self.unexpected("a key: a name, a text, a number, or an expression in parentheses")),
        };
        self.expect(":")?;
        Ok((key, self.expression(0)?))
    }

    /// Fields, methods, indices and slices after an operand.
    pub(super) fn postfix(&mut self, mut of: Expr) -> Made {
        loop {
            let at = self.at();
            let optional = self.sees("?.");
            if self.takes(".") || self.takes("?.") {
                if optional && self.takes("[") {
                    of = self.index(at, of, true)?;
                } else {
                    of = self.member(at, of, optional)?;
                }
            } else if self.takes("[") {
                of = self.index(at, of, false)?;
            } else {
                return Ok(of);
            }
        }
    }

    /// A field or a method; it belongs to the chain that it follows, so that nil ends that as a whole.
    fn member(&mut self, at: usize, of: Expr, optional: bool) -> Made {
        let place = self.at();
        let name = match self.peek().clone() {
            Token::Name(name) => name,
            Token::Sign(sign) if sign.starts_with(lex::is_name) => sign.to_owned(),
            _ => return Err(self.unexpected("the name of a field")),
        };
        self.take();
        let (of, chained) = match of.kind {
            Kind::Chain(inner) => (*inner, true),
            kind => (Expr { kind, ..of }, false),
        };
        let made = if self.sees("(") {
            let args = self.arguments(None)?;
            node(at, Kind::Method(Box::new(Method { of, name, args, optional })))?
        } else {
            node(at, Kind::Member(Box::new(Member { of, key: Parser::text(place, &name)?, optional })))?
        };
        if chained || optional { node(at, Kind::Chain(Box::new(made))) } else { Ok(made) }
    }

    fn index(&mut self, at: usize, of: Expr, optional: bool) -> Made {
        let from = if self.sees(":") { None } else { Some(self.expression(0)?) };
        if self.takes(":") {
            let to = if self.sees("]") { None } else { Some(self.expression(0)?) };
            self.expect("]")?;
            return node(at, Kind::Slice(Box::new(Slice { of, from, to })));
        }
        self.expect("]")?;
        let Some(key) = from else { return Err(self.unexpected("an index")) };
        let made = node(at, Kind::Member(Box::new(Member { of, key, optional })))?;
        if optional { node(at, Kind::Chain(Box::new(made))) } else { Ok(made) }
    }
}

/// A number as it is written.
fn number(written: &str) -> Option<Kind> {
    let digits = written.replace('_', "");
    let lower = digits.to_ascii_lowercase();
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            return i64::from_str_radix(digits, radix).ok().filter(|number| *number >= 0).map(Kind::Int);
        }
    }
    if lower.contains(['.', 'e']) {
        return lower.parse().ok().filter(|number: &f64| number.is_finite()).map(Kind::Float);
    }
    lower.parse().ok().map(Kind::Int)
}
