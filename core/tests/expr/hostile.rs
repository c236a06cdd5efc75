//! Whatever a condition is: no panic, and an answer in bounded time and memory.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use sluice_core::expr::{Condition, LONGEST, Stage, Type, Value};

use super::golden::cases;

/// A condition on a value, if it is one; what it says does not matter.
fn try_it(condition: &str, result: &Value) {
    if let Ok(condition) = Condition::parse(condition) {
        let _ = condition.check(Type::Any);
        let _ = condition.holds(result, &super::env());
        let _ = condition.considers_no_data();
    }
}

fn results() -> Vec<Value> {
    let json =
        serde_json::json!({"a": [1, 2.5, "x", null, {"b": true}], "s": "té\u{301}xt", "n": 1e300, "m": {"k": [[]]}});
    vec![
        Value::from_json(&json).expect("it is not deep"),
        Value::floats([0.5, f64::NAN, f64::INFINITY, -1e308]),
        Value::Float(f64::NAN),
        Value::text("añb"),
        Value::Nil,
        Value::Bool(true),
    ]
}

const TOKENS: &[&str] = &[
    "result",
    "#",
    ".a",
    ".s",
    "?.",
    "[",
    "]",
    "(",
    ")",
    "{",
    "}",
    ",",
    ":",
    "?",
    "??",
    ";",
    "|",
    "..",
    "+",
    "-",
    "*",
    "/",
    "%",
    "**",
    "!",
    "not",
    "in",
    "and",
    "or",
    "==",
    "!=",
    "<",
    ">=",
    "=",
    "matches",
    "contains",
    "startsWith",
    "let",
    "x",
    "if",
    "else",
    "0",
    "1",
    "-1",
    "2.5",
    "9223372036854775807",
    "1e308",
    "\"a\"",
    "\"\"",
    "'é'",
    "`r`",
    "true",
    "false",
    "nil",
    "all(",
    "any(",
    "none(",
    "one(",
    "filter(",
    "map(",
    "count(",
    "sum(",
    "find(",
    "groupBy(",
    "sortBy(",
    "reduce(",
    "#acc",
    "#index",
    "len(",
    "first(",
    "last(",
    "take(",
    "abs(",
    "round(",
    "int(",
    "float(",
    "string(",
    "type(",
    "trim(",
    "split(",
    "join(",
    "replace(",
    "repeat(",
    "indexOf(",
    "max(",
    "min(",
    "mean(",
    "median(",
    "keys(",
    "values(",
    "toPairs(",
    "fromPairs(",
    "reverse(",
    "uniq(",
    "concat(",
    "flatten(",
    "sort(",
    "get(",
    "toJSON(",
    "fromJSON(",
    "now()",
    "duration(",
    "date(",
    "isNaN(",
    "isNil(",
    "default(",
    "asInt(",
    "asFloat(",
    "bitshl(",
    "//",
    "/*",
    "*/",
    "::",
    "$env",
    " ",
    "\n",
];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn random_words_never_panic(words in prop::collection::vec(select(TOKENS), 0..40), which in any::<Index>()) {
        try_it(&words.join(" "), which.get(&results()));
        try_it(&words.concat(), which.get(&results()));
    }

    #[test]
    fn random_characters_never_panic(text in "\\PC{0,60}", which in any::<Index>()) {
        try_it(&text, which.get(&results()));
    }

    /// Conditions that make sense, with something taken out, doubled, exchanged or put in.
    #[test]
    fn changed_conditions_never_panic(
        case in any::<Index>(),
        other in any::<Index>(),
        changes in prop::collection::vec((any::<Index>(), any::<Index>(), 0..5, select(TOKENS)), 1..4),
        which in any::<Index>(),
    ) {
        let case = case.get(cases());
        let mut text: Vec<char> = case.condition.chars().collect();
        for (from, to, what, word) in changes {
            if text.is_empty() {
                break;
            }
            let (from, to) = (from.index(text.len()), to.index(text.len()));
            let (from, to) = (from.min(to), from.max(to));
            match what {
                0 => drop(text.drain(from..to)),
                1 => {
                    let part: Vec<char> = text[from..to].to_vec();
                    text.splice(to..to, part);
                }
                2 => text.swap(from, to),
                3 => drop(text.splice(from..from, word.chars())),
                _ => drop(text.splice(from..to, other.get(cases()).condition.chars())),
            }
        }
        let text: String = text.into_iter().collect();
        try_it(&text, &super::result(&case.kind, &case.result));
        try_it(&text, which.get(&results()));
    }
}

/// Runs a condition in a thread with the stack of a worker, and wants it to stop soon.
fn stops(condition: &str) -> Result<bool, Stage> {
    let text = condition.to_owned();
    let (send, receive) = std::sync::mpsc::channel();
    let worker = std::thread::Builder::new().stack_size(2 << 20);
    let run = move || {
        let verdict =
            Condition::parse(&text).and_then(|condition| condition.holds(&Value::floats([1.0; 100]), &super::env()));
        send.send(verdict.map_err(|error| error.stage)).expect("it is waited for");
    };
    worker.spawn(run).expect("there is room for a thread");
    let shown: String = condition.chars().take(60).collect();
    receive.recv_timeout(Duration::from_secs(20)).unwrap_or_else(|error| panic!("{shown}: {error}"))
}

#[test]
fn what_stands_too_deep_is_refused() {
    let nested = |open: &str, middle: &str, close: &str| {
        format!(
            "{}{middle}{}",
            open.repeat(LONGEST / (open.len() + close.len()) - 3),
            close.repeat(LONGEST / (open.len() + close.len()) - 3)
        )
    };
    for text in [
        nested("(", "1", ")"),
        nested("[", "1", "]"),
        nested("{a:", "1", "}"),
        nested("!", "true", ""),
        nested("-", "1", ""),
        nested("not ", "true", ""),
        nested("len(", "[]", ")"),
        nested("all([1],{", "true", "})"),
        nested("true?", "true", ":true"),
        nested("true?true:", "true", ""),
        nested("1**", "1", ""),
        nested("1+", "1", ""),
        nested("result[", "0", "]"),
        nested("", "result", "[0]"),
        nested("", "result", ".a"),
        nested("", "result", "?.a"),
        nested("", "result", "|len()"),
        nested("let x=1;", "true", ""),
        nested("if true {", "true", "}else{true}"),
        nested("true||", "true", ""),
    ] {
        assert_eq!(stops(&text), Err(Stage::Syntax), "{}", text.chars().take(40).collect::<String>());
    }
}

#[test]
fn what_is_within_the_limits_fits_a_stack() {
    let nested = |count: usize, open: &str, middle: &str, close: &str| {
        format!("{}{middle}{}", open.repeat(count), close.repeat(count))
    };
    assert_eq!(stops(&nested(60, "all([1], {", "true", "})")), Ok(true));
    assert_eq!(stops(&nested(60, "(", "true", ")")), Ok(true));
    assert_eq!(stops(&nested(20, "if true {", "true", "} else {false}")), Ok(true));
    assert_eq!(stops(&nested(240, "true && ", "true", "")), Ok(true));
    assert_eq!(stops(&format!("{} > 1", nested(240, "1 + ", "1", ""))), Ok(true));
    assert_eq!(stops(&format!("toJSON(fromJSON('{}')) != ''", nested(100, "[", "1", "]"))), Ok(true));
}

#[test]
fn what_is_too_long_is_refused() {
    let text = format!("true{}", " ".repeat(LONGEST));
    assert_eq!(stops(&text), Err(Stage::Syntax));
}

#[test]
fn what_takes_too_long_or_too_much_is_stopped() {
    for text in [
        "len(1..1000000000) > 0",
        "len(-9223372036854775807..9223372036854775807) > 0",
        "all(1..100000, all(1..100000, # > 0))",
        "all(result, all(result, all(result, all(result, all(result, # > 0)))))",
        "reduce(1..1000, #acc + #acc, 'x') != ''",
        "len(reduce(1..1000, concat(#acc, #acc), [1])) > 0",
        "repeat('x', 1000000000) != ''",
        "repeat(repeat('x', 100000), 100000) != ''",
        "len(replace(repeat('x', 100000), 'x', repeat('y', 100000))) > 0",
        "len(split(repeat('x', 1000000), '')) > 0",
        "any(1..100000, repeat('a', 100000) contains 'b')",
        "any(1..1000, repeat('a', 1000) matches ('(a+)+' + string(#)))",
        "let a = [1, 1]; let b = [a, a]; let c = [b, b, b, b, b, b, b, b, b, b]; let d = [c, c, c, c, c, c, c, c, c, c]; \
         let e = [d, d, d, d, d, d, d, d, d, d]; let f = [e, e, e, e, e, e, e, e, e, e]; let g = [f, f, f, f, f, f, f, f, f, f]; \
         let h = [g, g, g, g, g, g, g, g, g, g]; len(toJSON(h)) > 0",
        "let f = reduce(1..100, [#acc, #acc], 0); f == reduce(1..100, [#acc, #acc], 0)",
        "let f = reduce(1..100, [#acc, #acc], 0); len(flatten(f)) > 0",
        "let f = reduce(1..100, [#acc, #acc], 0); string(f) == ''",
        "let f = reduce(1..100, {{'a': #acc, 'b': #acc}}, 0); toJSON(f) == ''",
        "max(reduce(1..100, [#acc, #acc], 0)) == 0",
        "len(uniq(1..10000)) > 0",
        "fromJSON(repeat('[', 100000)) == 1",
    ] {
        let stage = stops(text);
        assert!(matches!(stage, Err(Stage::TooMuch | Stage::Run)), "{text}: {stage:?}");
    }
}

#[test]
fn values_do_not_stand_deeper_than_a_stack_bears() {
    assert_eq!(stops("len(reduce(1..10000, [#acc], 0)) == 1"), Err(Stage::Run));
    assert_eq!(stops("len(reduce(1..10000, {{'a': #acc}}, 0)) == 1"), Err(Stage::Run));
    assert_eq!(stops("len(reduce(1..10000, groupBy([#acc], 1), 0)) == 1"), Err(Stage::Run));
    assert_eq!(stops("len(reduce(1..100, [#acc], 0)) == 1"), Ok(true));
}

/// What was measured is paid for by nobody, and can be long.
#[test]
fn a_long_result_does_not_make_a_condition_slow() {
    let result = Value::text("ab".repeat(1 << 20));
    for condition in [
        "any(1..100000, result < result)",
        "any(1..100000, hasSuffix(result, result) and false)",
        "any(1..100000, result in {'a': 1})",
        "any(1..100000, groupBy([result], #) == {'a': 1})",
        "trim(result, result) == ''",
        "first(sort(map(1..1000, result))) == 1",
        "result matches '(a|b)*a(a|b){900}[cd]'",
        "asFloat(result) > 1",
        "result matches result",
    ] {
        let outcome = Condition::parse(condition).and_then(|condition| condition.holds(&result, &super::env()));
        let error = outcome.expect_err(condition);
        assert!(error.message.chars().count() <= 401, "{condition}: {}", error.message.len());
    }
}
