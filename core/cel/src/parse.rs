//! Words into expressions.

use super::ast::{Call, Const, Entry, Expr, Item, Kind, Select};
use super::lex::{self, Mistake, Token};
use super::{macros, names};

/// How deep expressions may stand within each other: a run is as deep as its expression.
const DEEPEST: usize = 100;
/// How long a text may be.
const LONGEST: usize = 100_000;

const OPERAND: &str = "{'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, \
                       BYTES, IDENTIFIER}";

/// Parses an expression.
pub fn parse(source: &str) -> Result<Expr, Vec<Mistake>> {
    let length = source.chars().count();
    if length > LONGEST {
        return Err(vec![(0, format!("expression code point size exceeds limit: size: {length}, limit {LONGEST}"))]);
    }
    let (words, mut mistakes) = lex::words(source).map_err(|mistake| vec![mistake])?;
    let mut parser = Parser { words, next: 0, depth: 0 };
    match parser.expression() {
        Ok(root) if mistakes.is_empty() && *parser.peek() == Token::End => return Ok(root),
        Ok(_) if *parser.peek() == Token::End => {}
        Ok(_) => mistakes.push(parser.superfluous()),
        Err(mistake) => mistakes.push(mistake),
    }
    Err(mistakes)
}

struct Parser {
    words: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
}

/// An expression at a place, unless it is too deep.
pub fn node(at: usize, kind: Kind) -> Result<Expr, Mistake> {
    let height = 1 + below(&kind);
    if height > DEEPEST { Err(too_deep(at)) } else { Ok(Expr { at, height, kind }) }
}

fn too_deep(at: usize) -> Mistake {
    (at, format!("expression recursion limit exceeded: {DEEPEST}"))
}

fn below(kind: &Kind) -> usize {
    let highest = |all: &[Expr]| all.iter().map(|expr| expr.height).max().unwrap_or(0);
    match kind {
        Kind::Const(_) | Kind::Ident(_) => 0,
        Kind::Select(select) => select.of.height,
        Kind::Call(call) => highest(&call.args),
        Kind::And(all) | Kind::Or(all) => highest(all),
        Kind::If(three) => highest(&three[..]),
        Kind::List(items) => items.iter().map(|item| item.value.height).max().unwrap_or(0),
        Kind::Map(entries) => entries.iter().map(|entry| entry.key.height.max(entry.value.height)).max().unwrap_or(0),
        Kind::Loop(of) => of.range.height.max(of.body.height).max(of.filter.as_ref().map_or(0, |filter| filter.height)),
        Kind::IfThere(of) => of.of.height.max(of.body.height),
    }
}

/// A call of a function or an operator.
pub fn call(at: usize, name: &str, member: bool, args: Vec<Expr>) -> Result<Expr, Mistake> {
    let call = Call { name: name.to_owned(), member, args, overloads: Vec::new(), pattern: None };
    node(at, Kind::Call(Box::new(call)))
}

/// The operators with two sides: how strongly they bind, and the functions that they are.
fn binary(token: &Token) -> Option<(u8, &'static str)> {
    let sign = match token {
        Token::Sign(sign) => *sign,
        Token::Ident(word) if word == "in" => "in",
        _ => return None,
    };
    Some(match sign {
        "||" => (1, "_||_"),
        "&&" => (2, "_&&_"),
        "<" => (3, "_<_"),
        "<=" => (3, "_<=_"),
        ">" => (3, "_>_"),
        ">=" => (3, "_>=_"),
        "==" => (3, "_==_"),
        "!=" => (3, "_!=_"),
        "in" => (3, "@in"),
        "+" => (4, "_+_"),
        "-" => (4, "_-_"),
        "*" => (5, "_*_"),
        "/" => (5, "_/_"),
        "%" => (5, "_%_"),
        _ => return None,
    })
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.words[self.next].1
    }

    fn at(&self) -> usize {
        self.words[self.next].0
    }

    /// Takes the next word; the end stays.
    fn take(&mut self) -> (usize, Token) {
        let word = self.words[self.next].clone();
        if self.next + 1 < self.words.len() {
            self.next += 1;
        }
        word
    }

    fn takes(&mut self, sign: &str) -> bool {
        let found = matches!(self.peek(), Token::Sign(next) if *next == sign);
        if found {
            self.take();
        }
        found
    }

    fn expect(&mut self, sign: &str) -> Result<(), Mistake> {
        if self.takes(sign) {
            return Ok(());
        }
        // Where all would be well with it, it is missing.
        if matches!(self.peek(), Token::End) || binary(self.peek()).is_some() {
            return Err((self.at(), format!("Syntax error: missing '{sign}' at '{}'", self.found())));
        }
        Err(self.unexpected(&format!("'{sign}'")))
    }

    fn unexpected(&self, wanted: &str) -> Mistake {
        (self.at(), format!("Syntax error: mismatched input '{}' expecting {wanted}", self.found()))
    }

    /// There is more than an expression.
    fn superfluous(&self) -> Mistake {
        match self.words.get(self.next + 1) {
            Some((_, Token::End)) => {
                (self.at(), format!("Syntax error: extraneous input '{}' expecting <EOF>", self.found()))
            }
            _ => self.unexpected("<EOF>"),
        }
    }

    /// The next word, as it is shown.
    fn found(&self) -> String {
        match self.peek() {
            Token::Ident(word) => word.clone(),
            Token::Sign(sign) => (*sign).to_owned(),
            Token::Int(number) => number.to_string(),
            Token::Uint(number) => format!("{number}u"),
            Token::Double(number) => number.to_string(),
            Token::String(text) => format!("{text:?}"),
            Token::Bytes(_) => "bytes".to_owned(),
            Token::LeastInt => "9223372036854775808".to_owned(),
            Token::End => "<EOF>".to_owned(),
        }
    }

    fn expression(&mut self) -> Result<Expr, Mistake> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(too_deep(self.at()));
        }
        let condition = self.operation(1)?;
        let at = self.at();
        let expr = if self.takes("?") {
            let then = self.operation(1)?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            node(at, Kind::If(Box::new([condition, then, otherwise])))?
        } else {
            condition
        };
        self.depth -= 1;
        Ok(expr)
    }

    /// Operators that bind at least this strongly.
    fn operation(&mut self, least: u8) -> Result<Expr, Mistake> {
        let mut left = self.unary()?;
        while let Some((strength, name)) = binary(self.peek()).filter(|(strength, _)| *strength >= least) {
            let (at, _) = self.take();
            let right = self.operation(strength + 1)?;
            left = match name {
                "_&&_" => joined(at, left, right, true)?,
                "_||_" => joined(at, left, right, false)?,
                _ => call(at, name, false, vec![left, right])?,
            };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Expr, Mistake> {
        let at = self.at();
        for (sign, name) in [("!", "!_"), ("-", "-_")] {
            let mut count = 0;
            while self.takes(sign) {
                count += 1;
            }
            if count == 0 {
                continue;
            }
            if name == "-_" && count == 1 {
                let negative = match self.peek() {
                    Token::Int(number) => Some(Const::Int(-number)),
                    Token::Double(number) => Some(Const::Double(-number)),
                    Token::LeastInt => Some(Const::Int(i64::MIN)),
                    _ => None,
                };
                if let Some(negative) = negative {
                    self.take();
                    let number = node(at, Kind::Const(negative))?;
                    return self.members(number);
                }
            }
            let operand = self.primary()?;
            let operand = self.members(operand)?;
            return if count % 2 == 1 { call(at, name, false, vec![operand]) } else { Ok(operand) };
        }
        let operand = self.primary()?;
        self.members(operand)
    }

    /// What follows an operand: fields, methods, indices.
    fn members(&mut self, mut of: Expr) -> Result<Expr, Mistake> {
        loop {
            let at = self.at();
            if self.takes(".") || matches!(self.peek(), Token::Sign(".?")) {
                let optional = self.takes(".?");
                let field = self.name()?;
                let open = self.at();
                if !optional && self.takes("(") {
                    let args = self.list(")", Parser::expression)?;
                    of = macros::member(open, of, &field, args)?;
                } else {
                    of = node(at, Kind::Select(Box::new(Select { of, field, optional, test: false })))?;
                }
            } else if self.takes("[?") {
                of = self.index(at, "_[?_]", of)?;
            } else if self.takes("[") {
                of = self.index(at, "_[_]", of)?;
            } else {
                return Ok(of);
            }
        }
    }

    fn index(&mut self, at: usize, name: &str, of: Expr) -> Result<Expr, Mistake> {
        let key = self.expression()?;
        self.expect("]")?;
        call(at, name, false, vec![of, key])
    }

    fn name(&mut self) -> Result<String, Mistake> {
        match self.peek() {
            Token::Ident(word) if !matches!(word.as_str(), "in" | "true" | "false" | "null") => {
                let word = word.clone();
                self.take();
                Ok(word)
            }
            _ => Err(self.unexpected("IDENTIFIER")),
        }
    }

    fn primary(&mut self) -> Result<Expr, Mistake> {
        let at = self.at();
        if let Some(constant) = self.peek().constant() {
            self.take();
            return node(at, Kind::Const(constant));
        }
        if self.takes("(") {
            let inner = self.expression()?;
            self.expect(")")?;
            return Ok(inner);
        }
        if matches!(self.peek(), Token::Sign("[" | "[?")) {
            return self.list_literal(at);
        }
        if matches!(self.peek(), Token::Sign("{" | "{?")) {
            return self.map_literal(at);
        }
        self.takes(".");
        if !matches!(self.peek(), Token::Ident(word) if word != "in") {
            return Err(self.unexpected(OPERAND));
        }
        let name = self.name()?;
        let open = self.at();
        if self.takes("(") {
            let args = self.list(")", Parser::expression)?;
            return macros::global(open, &name, args);
        }
        if names::is_reserved(&name) {
            return Err((at, format!("reserved identifier: {name}")));
        }
        node(at, Kind::Ident(name))
    }

    fn list_literal(&mut self, at: usize) -> Result<Expr, Mistake> {
        let first_optional = matches!(self.take().1, Token::Sign("[?"));
        let mut first = true;
        let items = self.list("]", |parser| {
            let optional = std::mem::take(&mut first) && first_optional || parser.takes("?");
            Ok(Item { optional, value: parser.expression()? })
        })?;
        node(at, Kind::List(items))
    }

    fn map_literal(&mut self, at: usize) -> Result<Expr, Mistake> {
        let first_optional = matches!(self.take().1, Token::Sign("{?"));
        let mut first = true;
        let entries = self.list("}", |parser| {
            let optional = std::mem::take(&mut first) && first_optional || parser.takes("?");
            let key = parser.expression()?;
            parser.expect(":")?;
            Ok(Entry { optional, key, value: parser.expression()? })
        })?;
        node(at, Kind::Map(entries))
    }

    /// What stands between commas, up to the closing bracket; a last comma is allowed in literals only, and harmless.
    fn list<T>(
        &mut self,
        close: &str,
        mut element: impl FnMut(&mut Parser) -> Result<T, Mistake>,
    ) -> Result<Vec<T>, Mistake> {
        let mut found = Vec::new();
        while !self.takes(close) {
            found.push(element(self)?);
            if !self.takes(",") {
                self.expect(close)?;
                break;
            }
        }
        Ok(found)
    }
}

/// Long chains of `&&` and `||` are flat, so that they are not deep.
fn joined(at: usize, left: Expr, right: Expr, and: bool) -> Result<Expr, Mistake> {
    let mut all = match left.kind {
        Kind::And(all) if and => all,
        Kind::Or(all) if !and => all,
        kind => vec![Expr { kind, ..left }],
    };
    all.push(right);
    node(at, if and { Kind::And(all) } else { Kind::Or(all) })
}
