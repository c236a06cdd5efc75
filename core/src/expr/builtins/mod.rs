//! The functions of the language, as rows of tables: the name, what it takes, what it gives, what it does. The checker and
//! the runner read the same rows.

pub mod arrays;
mod bits;
pub mod convert;
mod json;
mod maps;
mod numbers;
mod strings;
mod times;

use super::error::Refusal;
use super::fuel::Work;
use super::kind::Type;
use super::value::Value;

/// What a function does with its arguments.
pub type Run = fn(&[Value], &mut Work<'_>) -> Given;
/// What a function gives.
pub type Given = Result<Value, Refusal>;

/// A function.
#[derive(Debug)]
pub struct Builtin {
    pub name: &'static str,
    /// What each argument may be; the last of them may come again if `more`.
    pub takes: &'static [Kinds],
    /// So many arguments there must be.
    least: usize,
    more: bool,
    gives: fn(&[Type]) -> Type,
    /// What else has to be true of the types of its arguments; what is wrong is the last one.
    also: fn(&[Type]) -> Result<(), String>,
    pub run: Run,
}

/// Some types, as a set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kinds(u16);

impl Kinds {
    pub const BOOL: Kinds = Kinds(1);
    pub const INT: Kinds = Kinds(1 << 1);
    pub const FLOAT: Kinds = Kinds(1 << 2);
    pub const NUMBER: Kinds = Kinds::INT.or(Kinds::FLOAT);
    /// A float; of whole numbers those that are written down, which are read as floats.
    pub const FLOATING: Kinds = Kinds::NUMBER.or(Kinds(1 << 9));
    pub const STRING: Kinds = Kinds(1 << 3);
    pub const ARRAY: Kinds = Kinds(1 << 4);
    pub const MAP: Kinds = Kinds(1 << 5);
    pub const TIME: Kinds = Kinds(1 << 6);
    pub const DURATION: Kinds = Kinds(1 << 7);
    pub const NIL: Kinds = Kinds(1 << 8);
    pub const ANY: Kinds = Kinds(u16::MAX);

    pub const fn or(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    fn has(self, kind: &Type) -> bool {
        let bit = match kind {
            Type::Any => Kinds::ANY,
            Type::Nil => Kinds::NIL,
            Type::Bool => Kinds::BOOL,
            Type::Int => Kinds::INT,
            Type::Float => Kinds::FLOAT,
            Type::String => Kinds::STRING,
            Type::Array(_) => Kinds::ARRAY,
            Type::Map { .. } | Type::Record(_) => Kinds::MAP,
            Type::Time => Kinds::TIME,
            Type::Duration => Kinds::DURATION,
        };
        self.0 & bit.0 != 0
    }
}

/// A row: a function that takes these arguments, all of them.
pub const fn row(name: &'static str, takes: &'static [Kinds], gives: fn(&[Type]) -> Type, run: Run) -> Builtin {
    Builtin { name, takes, least: takes.len(), more: false, gives, also: |_| Ok(()), run }
}

impl Builtin {
    /// The arguments after the first so many can be left out.
    const fn least(mut self, least: usize) -> Builtin {
        self.least = least;
        self
    }

    /// The last argument can come any number of times.
    const fn more(mut self) -> Builtin {
        self.more = true;
        self
    }

    const fn also(mut self, also: fn(&[Type]) -> Result<(), String>) -> Builtin {
        self.also = also;
        self
    }

    /// The type of what it gives for arguments of these types; or which argument is wrong, and why.
    pub fn check(&self, args: &[Type]) -> Result<Type, (Option<usize>, String)> {
        let name = self.name;
        if args.len() < self.least {
            let expected = format!("expected {}, got {}", self.least, args.len());
            return Err((None, format!("not enough arguments to call {name}: {expected}")));
        }
        if args.len() > self.takes.len() && !self.more {
            let expected = format!("expected {}, got {}", self.takes.len(), args.len());
            return Err((Some(self.takes.len()), format!("too many arguments to call {name}: {expected}")));
        }
        for (index, arg) in args.iter().enumerate() {
            if !self.takes.get(index).or(self.takes.last()).is_some_and(|kinds| kinds.has(arg)) {
                return Err((Some(index), format!("invalid argument for {name} (type {arg})")));
            }
        }
        (self.also)(args).map_err(|why| (args.len().checked_sub(1), why))?;
        Ok((self.gives)(args))
    }
}

/// The tables of all of them.
const TABLES: [&[Builtin]; 8] = [
    convert::TABLE,
    numbers::TABLE,
    strings::TABLE,
    arrays::TABLE,
    maps::TABLE,
    json::TABLE,
    times::TABLE,
    bits::TABLE,
];

/// The function with this name.
pub fn named(name: &str) -> Option<&'static Builtin> {
    TABLES.iter().flat_map(|table| table.iter()).find(|builtin| builtin.name == name)
}

/// The text that an argument has to be.
fn text<'a>(function: &str, args: &'a [Value], index: usize) -> Result<&'a str, Refusal> {
    match args.get(index) {
        Some(Value::String(text)) => Ok(text),
        Some(other) => Err(Refusal::unfit(function, other)),
        None => Err(Refusal::new(format!("not enough arguments to call {function}"))),
    }
}

/// The whole number that an argument has to be; what is behind the dot of a float is cut off.
fn whole(function: &str, args: &[Value], index: usize) -> Result<i64, Refusal> {
    match args.get(index) {
        Some(Value::Int(number)) => Ok(*number),
        Some(Value::Float(number)) => Ok(convert::cut(*number)),
        Some(other) => Err(Refusal::unfit(function, other)),
        None => Err(Refusal::new(format!("not enough arguments to call {function}"))),
    }
}

/// The list that an argument has to be.
fn list<'a>(function: &str, args: &'a [Value], index: usize) -> Result<&'a [Value], Refusal> {
    match args.get(index) {
        Some(Value::Array(array)) => Ok(&array.items),
        Some(other) => Err(Refusal::unfit(function, other)),
        None => Err(Refusal::new(format!("not enough arguments to call {function}"))),
    }
}
