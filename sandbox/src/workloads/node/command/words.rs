//! The words of a shell script, or what in it is beyond us.

use super::{Environment, LONGEST, TOO_LONG};

/// A part of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Token {
    /// A word, whose variables are not filled in yet.
    Word(Vec<Piece>),
    /// `&&`
    And,
    /// `||`
    Or,
    /// `;` or the end of a line.
    End,
}

/// A part of a word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text as it stands.
    Text(String),
    /// Quoted text, which makes a word even where it is empty, and is nothing but text.
    Quoted(String),
    /// A variable, and whether it is quoted.
    Variable(String, bool),
}

/// The tokens of a script.
pub fn tokens(script: &str) -> Result<Vec<Token>, String> {
    let mut reader = Reader { rest: script, tokens: Vec::new(), word: None };
    while reader.step()? {}
    reader.end_word();
    Ok(reader.tokens)
}

struct Reader<'a> {
    rest: &'a str,
    tokens: Vec<Token>,
    word: Option<Vec<Piece>>,
}

impl Reader<'_> {
    /// Reads on, and says whether there was something.
    fn step(&mut self) -> Result<bool, String> {
        let Some(next) = self.rest.chars().next() else { return Ok(false) };
        if self.word.is_none() && next == '#' {
            self.rest = self.rest.find('\n').map_or("", |at| &self.rest[at..]);
            return Ok(true);
        }
        let separators =
            [("&&", Some(Token::And)), ("||", Some(Token::Or)), (";", Some(Token::End)), ("\n", Some(Token::End))];
        for (text, token) in separators.into_iter().chain([(" ", None), ("\t", None)]) {
            if self.take(text) {
                self.end_word();
                if text == ";" && !matches!(self.tokens.last(), Some(Token::Word(_))) {
                    return Err("`;` without a command".to_owned());
                }
                self.tokens.extend(token);
                return Ok(true);
            }
        }
        if self.word.is_none() && matches!(self.tokens.last(), Some(Token::Word(_))) && self.redirection() {
            return Ok(true);
        }
        self.rest = &self.rest[next.len_utf8()..];
        match next {
            '\'' => {
                let (quoted, rest) = self.rest.split_once('\'').ok_or("a quote that does not end")?;
                self.quoted(quoted);
                self.rest = rest;
            }
            '"' => self.double_quoted()?,
            '\\' => self.escaped(),
            '$' => self.variable(false)?,
            // Pipes, redirections, sub-shells, patterns, braces: a word may hold them only in quotes.
            '|' | '&' | '<' | '>' | '(' | ')' | '`' | '*' | '?' | '{' | '}' | '~' | '\r' => {
                return Err(format!("{next:?} in a script"));
            }
            '[' | ']' if !self.stands_alone() => return Err(format!("{next:?} in a script")),
            plain => self.text(plain.encode_utf8(&mut [0; 4])),
        }
        Ok(true)
    }

    /// Whether what was just taken is a word of its own.
    fn stands_alone(&self) -> bool {
        self.word.is_none() && ends_word(self.rest)
    }

    /// Both streams are one output: what sends one to the other does nothing.
    fn redirection(&mut self) -> bool {
        let mut rests = [">&2", "1>&2", "2>&1"].into_iter().filter_map(|text| self.rest.strip_prefix(text));
        let rest = rests.find(|rest| ends_word(rest));
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn take(&mut self, text: &str) -> bool {
        let rest = self.rest.strip_prefix(text);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn text(&mut self, text: &str) {
        let word = self.word.get_or_insert_default();
        match word.last_mut() {
            Some(Piece::Text(before)) => before.push_str(text),
            _ => word.push(Piece::Text(text.to_owned())),
        }
    }

    fn quoted(&mut self, text: &str) {
        let word = self.word.get_or_insert_default();
        match word.last_mut() {
            Some(Piece::Quoted(before)) => before.push_str(text),
            _ => word.push(Piece::Quoted(text.to_owned())),
        }
    }

    fn end_word(&mut self) {
        self.tokens.extend(self.word.take().map(Token::Word));
    }

    /// After a backslash: the end of a line is nothing, everything else is itself.
    fn escaped(&mut self) {
        if let Some(next) = self.rest.chars().next() {
            self.rest = &self.rest[next.len_utf8()..];
            if next != '\n' {
                self.quoted(next.encode_utf8(&mut [0; 4]));
            }
        } else {
            self.quoted("\\");
        }
    }

    fn double_quoted(&mut self) -> Result<(), String> {
        self.quoted("");
        loop {
            let next = self.rest.chars().next().ok_or("a quote that does not end")?;
            self.rest = &self.rest[next.len_utf8()..];
            match next {
                '"' => return Ok(()),
                '$' => self.variable(true)?,
                '`' => return Err("a command within a script".to_owned()),
                '\\' if self.rest.starts_with(['$', '"', '\\', '`', '\n']) => self.escaped(),
                plain => self.quoted(plain.encode_utf8(&mut [0; 4])),
            }
        }
    }

    /// After a dollar.
    fn variable(&mut self, quoted: bool) -> Result<(), String> {
        let braced = self.take("{");
        let end = self.rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        if name.is_empty()
            && !braced
            && (rest.is_empty() || rest.starts_with([' ', '"', '\n', ';', '/', '.', ':', ',']))
        {
            self.text("$");
            return Ok(());
        }
        if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
            return Err(format!("\"${}\" in a script", rest.chars().next().unwrap_or('{')));
        }
        self.rest = rest;
        if braced && !self.take("}") {
            return Err(format!("\"${{{name}\" with more than a name in a script"));
        }
        self.word.get_or_insert_default().push(Piece::Variable(name.to_owned(), quoted));
        Ok(())
    }
}

fn ends_word(rest: &str) -> bool {
    rest.chars().next().is_none_or(|next| " \t\n;&|".contains(next))
}

/// Words with their variables filled in; some vanish.
pub fn expand(words: &[&[Piece]], environment: &Environment) -> Result<Vec<String>, String> {
    let mut expanded = Vec::new();
    let mut length = 0;
    for word in words {
        expanded.extend(expand_one(word, environment)?.inspect(|word| length += word.len()));
        if length > LONGEST {
            return Err(TOO_LONG.to_owned());
        }
    }
    Ok(expanded)
}

fn expand_one(word: &[Piece], environment: &Environment) -> Result<Option<String>, String> {
    let mut text = String::new();
    let mut there = false;
    for piece in word {
        match piece {
            Piece::Text(plain) | Piece::Quoted(plain) => {
                text.push_str(plain);
                there = true;
            }
            Piece::Variable(name, quoted) => {
                let value = value(name, environment)?;
                if !quoted && value.contains([' ', '\t', '\n', '*', '?', '[', '\\']) {
                    return Err(format!("${name} without quotes, as {value:?}"));
                }
                text.push_str(value);
                there |= *quoted || !value.is_empty();
            }
        }
    }
    Ok(there.then_some(text))
}

fn value<'a>(name: &str, environment: &'a Environment) -> Result<&'a str, String> {
    // What every process has, and what shells set.
    const OTHERS: [&str; 10] = ["PATH", "HOSTNAME", "HOME", "PWD", "IFS", "PPID", "RANDOM", "UID", "SECONDS", "OPTIND"];
    match environment.get(name) {
        Some(value) => Ok(value),
        None if OTHERS.contains(&name) || name.starts_with("BASH") || name.starts_with("PS") => {
            Err(format!("${name}, which the container does not set"))
        }
        None => Ok(""),
    }
}
