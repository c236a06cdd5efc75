//! Expressions, read.

use serde_json::Value;

use super::lex::{Token, words};
use crate::expr::Pattern;

/// How deep expressions may lie in each other.
const DEEPEST: usize = 100;

/// An expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Expr {
    /// `.`
    Identity,
    /// `..`
    Everything,
    /// A value that is written down.
    Literal(Value),
    /// `a.name`, `a[b]`
    At(Box<Expr>, Box<Expr>),
    /// `a[]`
    Each(Box<Expr>),
    /// `a?`
    Try(Box<Expr>),
    /// `a | b`
    Pipe(Box<Expr>, Box<Expr>),
    /// `a, b`
    Both(Box<Expr>, Box<Expr>),
    /// `a and b`, `a or b`
    Logic(bool, Box<Expr>, Box<Expr>),
    /// `a == b` and the like
    Compare(&'static str, Box<Expr>, Box<Expr>),
    /// `name(a; b)`
    Call(&'static str, Vec<Expr>),
}

/// What can be called, and with how many arguments.
const CALLS: [(&str, usize); 18] = [
    ("select", 1),
    ("not", 0),
    ("has", 1),
    ("test", 1),
    ("test", 2),
    ("startswith", 1),
    ("endswith", 1),
    ("contains", 1),
    ("any", 0),
    ("any", 1),
    ("all", 0),
    ("all", 1),
    ("first", 1),
    ("length", 0),
    ("type", 0),
    ("empty", 0),
    ("recurse", 0),
    ("ascii_downcase", 0),
];
/// How values are compared.
const COMPARISONS: [&str; 6] = ["==", "!=", "<", "<=", ">", ">="];

struct Parser {
    words: std::iter::Peekable<std::vec::IntoIter<Token>>,
    depth: usize,
}

/// Reads an expression.
pub fn read(text: &str) -> Result<Expr, String> {
    let words = words(text)?;
    if words.is_empty() {
        return Err("there is nothing in it".to_owned());
    }
    let mut parser = Parser { words: words.into_iter().peekable(), depth: 0 };
    let expr = parser.pipe()?;
    match parser.words.next() {
        None => Ok(expr),
        Some(word) => Err(format!("{} is not understood there", shown(&word))),
    }
}

fn shown(word: &Token) -> String {
    match word {
        Token::Field(name) => format!(".{name}"),
        Token::Name(name) => name.clone(),
        Token::Text(text) => format!("{text:?}"),
        Token::Number(number) => number.to_string(),
        Token::Sign(sign) => (*sign).to_owned(),
    }
}

impl Parser {
    fn is(&mut self, sign: &str) -> bool {
        self.words.next_if(|word| matches!(word, Token::Sign(known) if *known == sign)).is_some()
    }

    fn is_named(&mut self, name: &str) -> bool {
        self.words.next_if(|word| matches!(word, Token::Name(known) if known == name)).is_some()
    }

    fn need(&mut self, sign: &str) -> Result<(), String> {
        if self.is(sign) {
            return Ok(());
        }
        let there = self.words.peek().map_or_else(|| "the end".to_owned(), shown);
        Err(format!("there should be {sign} where {there} is"))
    }

    fn pipe(&mut self) -> Result<Expr, String> {
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(format!("expressions lie in each other more than {DEEPEST} deep"));
        }
        let mut left = self.both()?;
        while self.is("|") {
            left = Expr::Pipe(Box::new(left), Box::new(self.both()?));
        }
        self.depth -= 1;
        Ok(left)
    }

    fn both(&mut self) -> Result<Expr, String> {
        let mut left = self.or()?;
        while self.is(",") {
            left = Expr::Both(Box::new(left), Box::new(self.or()?));
        }
        Ok(left)
    }

    fn or(&mut self) -> Result<Expr, String> {
        let mut left = self.and()?;
        while self.is_named("or") {
            left = Expr::Logic(true, Box::new(left), Box::new(self.and()?));
        }
        Ok(left)
    }

    fn and(&mut self) -> Result<Expr, String> {
        let mut left = self.comparison()?;
        while self.is_named("and") {
            left = Expr::Logic(false, Box::new(left), Box::new(self.comparison()?));
        }
        Ok(left)
    }

    fn comparison(&mut self) -> Result<Expr, String> {
        let left = self.postfix()?;
        match COMPARISONS.into_iter().find(|sign| self.is(sign)) {
            Some(sign) => Ok(Expr::Compare(sign, Box::new(left), Box::new(self.postfix()?))),
            None => Ok(left),
        }
    }

    fn postfix(&mut self) -> Result<Expr, String> {
        let mut expr = self.primary()?;
        loop {
            if let Some(Token::Field(name)) = self.words.next_if(|word| matches!(word, Token::Field(_))) {
                expr = Expr::At(Box::new(expr), Box::new(Expr::Literal(name.into())));
            } else if self.is("[") {
                expr = self.brackets(expr)?;
            } else if self.is("?") {
                expr = Expr::Try(Box::new(expr));
            } else if self.is(".") {
                expr = self.after_dot(expr)?;
            } else {
                return Ok(expr);
            }
        }
    }

    fn primary(&mut self) -> Result<Expr, String> {
        Ok(match self.words.next() {
            Some(Token::Field(name)) => Expr::At(Box::new(Expr::Identity), Box::new(Expr::Literal(name.into()))),
            Some(Token::Sign(".")) if !self.is_after_dot() => Expr::Identity,
            Some(Token::Sign(".")) => self.after_dot(Expr::Identity)?,
            Some(Token::Sign("..")) => Expr::Everything,
            Some(Token::Text(text)) => Expr::Literal(text.into()),
            Some(Token::Number(number)) => Expr::Literal(number.into()),
            Some(Token::Sign("-")) => match self.words.next() {
                Some(Token::Number(number)) => Expr::Literal((-number).into()),
                _ => return Err("- is not understood there".to_owned()),
            },
            Some(Token::Sign("(")) => {
                let expr = self.pipe()?;
                self.need(")")?;
                expr
            }
            Some(Token::Name(name)) => match name.as_str() {
                "true" => Expr::Literal(true.into()),
                "false" => Expr::Literal(false.into()),
                "null" => Expr::Literal(Value::Null),
                name => self.call(name)?,
            },
            Some(word) => return Err(format!("{} is not understood there", shown(&word))),
            None => return Err("the end comes too early".to_owned()),
        })
    }

    fn is_after_dot(&mut self) -> bool {
        matches!(self.words.peek(), Some(Token::Text(_) | Token::Sign("[")))
    }

    fn after_dot(&mut self, of: Expr) -> Result<Expr, String> {
        match self.words.next() {
            Some(Token::Text(text)) => Ok(Expr::At(Box::new(of), Box::new(Expr::Literal(text.into())))),
            Some(Token::Sign("[")) => self.brackets(of),
            word => {
                Err(format!("there should be a name where {} is", word.as_ref().map_or("the end".to_owned(), shown)))
            }
        }
    }

    fn brackets(&mut self, of: Expr) -> Result<Expr, String> {
        if self.is("]") {
            return Ok(Expr::Each(Box::new(of)));
        }
        let at = self.pipe()?;
        self.need("]")?;
        Ok(Expr::At(Box::new(of), Box::new(at)))
    }

    fn call(&mut self, name: &str) -> Result<Expr, String> {
        let mut arguments = Vec::new();
        if self.is("(") {
            arguments.push(self.pipe()?);
            while self.is(";") {
                arguments.push(self.pipe()?);
            }
            self.need(")")?;
        }
        let known = CALLS.into_iter().find(|(known, count)| *known == name && *count == arguments.len());
        let Some((name, _)) = known else {
            return Err(format!("{name} with {} arguments is not understood", arguments.len()));
        };
        if name == "test" {
            let is_text = |expr: &Expr| matches!(expr, Expr::Literal(Value::String(_)));
            let pattern =
                arguments.first().and_then(|expr| if let Expr::Literal(it) = expr { it.as_str() } else { None });
            let flags = arguments.get(1).is_none_or(|flags| *flags == Expr::Literal("i".into()));
            let pattern = pattern.filter(|_| flags && arguments.iter().all(is_text));
            let pattern = pattern.ok_or("test is understood with a text and at most the flag \"i\"")?;
            Pattern::compile(pattern).map_err(|why| format!("test: {why}"))?;
        }
        Ok(Expr::Call(name, arguments))
    }
}
