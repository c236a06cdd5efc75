//! A shell script of a few words: programs one after the other, `&&`, `||` and `!`.

use jiff::SignedDuration;

use super::words::{Piece, Token, expand, tokens};
use super::{Environment, Exit, Run, print, program};

/// Words that a shell takes for more than the name of a program.
const RESERVED: [&str; 20] = [
    "if", "then", "else", "elif", "fi", "for", "while", "until", "do", "done", "case", "esac", "in", "function",
    "select", "time", "[[", "]]", "return", "trap",
];

/// How a script ends.
pub fn run(script: &str, environment: &Environment, stops_on_error: bool, depth: usize) -> Result<Run, String> {
    let mut shell =
        Shell { environment, depth, stops_on_error, takes: SignedDuration::ZERO, output: String::new(), last: 0 };
    let flow = shell.lists(&lists(&tokens(script)?)?)?;
    let code = match flow {
        Flow::On => shell.last,
        Flow::Exit(code) => code,
        Flow::Never => return Ok(Run { takes: None, exit: Exit::default() }),
    };
    Ok(Run { takes: Some(shell.takes), exit: Exit { output: shell.output, ..Exit::of(code) } })
}

/// A command, and what comes before it.
#[derive(Debug)]
struct Command<'a> {
    /// Runs only if the one before it succeeded, or if it failed.
    only_after: Option<bool>,
    /// Its success is a failure.
    negated: bool,
    words: Vec<&'a [Piece]>,
}

/// Commands that depend on one another.
type List<'a> = Vec<Command<'a>>;

/// What happens after a command.
enum Flow {
    On,
    Exit(i32),
    Never,
}

/// What a script consists of. All of it has to be understood before any of it runs, as a shell has it.
fn lists(tokens: &[Token]) -> Result<Vec<List<'_>>, String> {
    let statements = tokens.split(|token| *token == Token::End);
    statements.filter(|statement| !statement.is_empty()).map(list).collect()
}

fn list(statement: &[Token]) -> Result<List<'_>, String> {
    let mut list: List<'_> = vec![Command { only_after: None, negated: false, words: Vec::new() }];
    for token in statement {
        let Some(command) = list.last_mut() else { continue };
        match token {
            Token::Word(word) if command.words.is_empty() => match word.as_slice() {
                [Piece::Text(text)] if text == "!" && command.negated => return Err("`! !` in a script".to_owned()),
                [Piece::Text(text)] if text == "!" => command.negated = true,
                [Piece::Text(text), ..] if RESERVED.contains(&text.as_str()) || is_assignment(text) => {
                    return Err(format!("`{text}` in a script"));
                }
                _ => command.words.push(word),
            },
            Token::Word(word) => command.words.push(word),
            Token::And | Token::Or if command.words.is_empty() => {
                return Err("`&&` or `||` without a command".to_owned());
            }
            Token::And | Token::Or | Token::End => {
                let only_after = Some(*token == Token::And);
                list.push(Command { only_after, negated: false, words: Vec::new() });
            }
        }
    }
    if list.iter().any(|command| command.words.is_empty()) {
        return Err("`&&`, `||` or `!` at the end of a line".to_owned());
    }
    Ok(list)
}

fn is_assignment(text: &str) -> bool {
    let name = text.split_once('=').map_or("", |(name, _)| name);
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

struct Shell<'a> {
    environment: &'a Environment,
    depth: usize,
    stops_on_error: bool,
    takes: SignedDuration,
    output: String,
    /// The code of the last command.
    last: i32,
}

impl Shell<'_> {
    fn lists(&mut self, lists: &[List<'_>]) -> Result<Flow, String> {
        for list in lists {
            let mut failed_last = false;
            for (at, command) in list.iter().enumerate() {
                if command.only_after.is_some_and(|success| success != (self.last == 0)) {
                    failed_last = false;
                    continue;
                }
                match self.command(command)? {
                    Flow::On => {}
                    end => return Ok(end),
                }
                failed_last = self.last != 0 && !command.negated && at + 1 == list.len();
            }
            if failed_last && self.stops_on_error {
                return Ok(Flow::Exit(self.last));
            }
        }
        Ok(Flow::On)
    }

    fn command(&mut self, command: &Command<'_>) -> Result<Flow, String> {
        let words = expand(&command.words, self.environment)?;
        let (name, args) = match words.split_first() {
            Some((name, args)) => (name.as_str(), args),
            // All of it were empty variables.
            None => (":", &[][..]),
        };
        self.last = match name {
            ":" => 0,
            "exit" => return Ok(Flow::Exit(self.exit_code(args)?)),
            "set" => self.set(args)?,
            "exec" => match self.program(args)? {
                Some(code) => return Ok(Flow::Exit(code)),
                None => return Ok(Flow::Never),
            },
            _ => match self.program(&words)? {
                Some(code) => code,
                None => return Ok(Flow::Never),
            },
        };
        if command.negated {
            self.last = i32::from(self.last == 0);
        }
        Ok(Flow::On)
    }

    /// The code of a program, unless it runs for ever.
    fn program(&mut self, args: &[String]) -> Result<Option<i32>, String> {
        let run = program(args, self.environment, self.depth)?;
        print(&mut self.output, &run.exit.output);
        let Some(takes) = run.takes else { return Ok(None) };
        self.takes = self.takes.saturating_add(takes);
        Ok(Some(run.exit.code))
    }

    fn exit_code(&self, args: &[String]) -> Result<i32, String> {
        match args {
            [] => Ok(self.last),
            [code] => code.parse::<u8>().map(i32::from).map_err(|_| format!("`exit {code}`")),
            _ => Err("`exit` with more than a code".to_owned()),
        }
    }

    fn set(&mut self, args: &[String]) -> Result<i32, String> {
        match args {
            [flag] if flag == "-e" || flag == "+e" => {
                self.stops_on_error = flag == "-e";
                Ok(0)
            }
            _ => Err(format!("`set {}`", args.join(" "))),
        }
    }
}
