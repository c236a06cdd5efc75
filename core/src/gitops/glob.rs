//! Patterns over names: `*` and `?` for what has no `/` in it, `**` for anything, `[a-z]`, and `{one,other}`.

/// The longest pattern that is looked at, and the most steps that one match takes: patterns come from users. Beyond either nothing
/// matches.
const LONGEST: usize = 1_000;
const MOST: usize = 100_000;

/// Whether a text matches a pattern.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    pattern.len() <= LONGEST && at(&pattern, &text, &mut { MOST })
}

fn at(mut pattern: &[char], mut text: &[char], left: &mut usize) -> bool {
    loop {
        *left = left.saturating_sub(1);
        if *left == 0 {
            return false;
        }
        match pattern {
            [] => return text.is_empty(),
            ['*', '*', tail @ ..] => return (0..=text.len()).any(|skipped| at(tail, &text[skipped..], left)),
            ['*', tail @ ..] => {
                let free = text.iter().take_while(|c| **c != '/').count();
                return (0..=free).any(|skipped| at(tail, &text[skipped..], left));
            }
            ['[', tail @ ..] if tail.contains(&']') => return class(tail, text, left),
            ['{', tail @ ..] if closing(tail).is_some() => {
                let (inside, tail) = closing(tail).unwrap_or_default();
                return alternatives(inside).any(|one| at(&[one, tail].concat(), text, left));
            }
            ['?', tail @ ..] if text.first().is_some_and(|c| *c != '/') => pattern = tail,
            ['\\', literal, tail @ ..] if text.first() == Some(literal) => pattern = tail,
            [literal, tail @ ..] if !['?', '\\'].contains(literal) && text.first() == Some(literal) => pattern = tail,
            _ => return false,
        }
        text = &text[1..];
    }
}

fn class(pattern: &[char], text: &[char], left: &mut usize) -> bool {
    let end = pattern.iter().position(|c| *c == ']').unwrap_or_default();
    let (inside, tail) = (&pattern[..end], &pattern[end + 1..]);
    let (is_not, inside) = match inside {
        ['!' | '^', inside @ ..] => (true, inside),
        inside => (false, inside),
    };
    let Some(c) = text.first() else { return false };
    let mut rest = inside;
    let mut is_in = false;
    while let [from, after @ ..] = rest {
        let (to, after) = match after {
            ['-', to, after @ ..] => (to, after),
            after => (from, after),
        };
        is_in |= (from..=to).contains(&c);
        rest = after;
    }
    is_in != is_not && *c != '/' && at(tail, &text[1..], left)
}

/// What is between braces, and what comes after.
fn closing(pattern: &[char]) -> Option<(&[char], &[char])> {
    let mut depth = 1;
    for (index, c) in pattern.iter().enumerate() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some((&pattern[..index], &pattern[index + 1..]));
        }
    }
    None
}

fn alternatives(inside: &[char]) -> impl Iterator<Item = &[char]> {
    let mut depth = 0;
    inside.split(move |c| {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        depth == 0 && *c == ','
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_match_patterns() {
        let cases = [
            ("*.yaml", "web.yaml", true),
            ("*.yaml", "sub/web.yaml", false),
            ("**/*.yaml", "sub/web.yaml", true),
            ("**.yaml", "sub/web.yaml", true),
            ("{web,db}.yaml", "db.yaml", true),
            ("{web,db}.yaml", "cache.yaml", false),
            ("{a,b{c,d}}", "bd", true),
            ("web-?.yaml", "web-1.yaml", true),
            ("web-[0-9].yaml", "web-a.yaml", false),
            ("web-[!0-9].yaml", "web-a.yaml", true),
            ("*", "", true),
            ("", "a", false),
            ("{a", "{a", true),
            ("[a", "[a", true),
            (r"\*", "*", true),
            (r"\*", "a", false),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_hostile_pattern_takes_no_longer_than_it_may() {
        assert!(!matches(&"*a".repeat(200), &"a".repeat(150).replace('a', "ab")));
        assert!(!matches(&"{a,a}".repeat(2_000), &"a".repeat(1_999)));
    }
}
