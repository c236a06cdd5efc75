//! Tables of expressions and their values.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Budget, Error, Field, Order, Program, Struct, Type, Val, escape, value};

/// A struct with a field of every kind.
fn kind() -> Type {
    let field = |json: &str, kind: Type| (escape(json).unwrap(), Field { json: json.to_owned(), kind });
    let port = Struct {
        name: "object.ports.@items".into(),
        fields: BTreeMap::from([field("name", Type::String), field("port", Type::Int)]),
    };
    let port = Type::Object(Arc::new(port));
    let fields = BTreeMap::from([
        field("size", Type::Int),
        field("ratio", Type::Double),
        field("name", Type::String),
        field("on", Type::Bool),
        field("namespace", Type::String),
        field("a-b.c/d__e", Type::Int),
        field("either", Type::Dyn),
        field("missing", Type::String),
        field("labels", Type::map(Type::String, Type::String)),
        field("names", Type::list(Type::String)),
        field("numbers", Type::list(Type::Int)),
        field("set", Type::List(Arc::new(Type::String), Order::Set)),
        field("ports", Type::List(Arc::new(port), Order::Keyed(vec!["port".to_owned()].into()))),
        field("since", Type::Timestamp),
        field("grace", Type::Duration),
    ]);
    Type::Object(Arc::new(Struct { name: "object".into(), fields }))
}

fn object() -> Value {
    json!({
        "size": 3, "ratio": 1, "name": "web-1", "on": true, "namespace": "here", "a-b.c/d__e": 7, "either": "50%",
        "labels": { "app": "web", "tier": "front" }, "names": ["a", "b", "c"], "numbers": [3, 1, 2], "set": ["x", "y"],
        "ports": [{ "name": "http", "port": 80 }, { "name": "https", "port": 443 }],
        "since": "2024-02-29T23:30:15Z", "grace": "1h30m",
    })
}

fn holds(source: &str) -> Result<bool, String> {
    let kind = kind();
    let old = json!({ "size": 2, "set": ["y", "x"], "ports": [{ "name": "https", "port": 443 }, { "name": "http", "port": 80 }] });
    let variables = [("self", kind.clone()), ("oldSelf", kind.clone())];
    let program = Program::compile(source, &variables)?;
    let (object, mut budget) = (object(), Budget::new(1_000_000));
    let variables = vec![("self", value(&object, &kind).unwrap()), ("oldSelf", value(&old, &kind).unwrap())];
    match program.run(variables, &mut budget) {
        Ok(Val::Bool(flag)) => Ok(flag),
        Ok(other) => Err(format!("{other:?}")),
        Err(Error::Cost) => Err("cost".to_owned()),
        Err(Error::Failed(why)) => Err(why),
    }
}

/// The rules of a transcript, which a real API server has found to hold too.
fn recorded() -> Vec<&'static str> {
    let transcript = include_str!("../../../tests/transcripts/api/expressions.http");
    let request = transcript.split("\n< ").next().unwrap();
    let lines: Vec<&str> = request.lines().map(str::trim).collect();
    lines.windows(2).filter(|pair| pair[0] == "- rule: |-").map(|pair| pair[1]).collect()
}

#[test]
fn these_hold() {
    let recorded = recorded();
    assert!(recorded.len() > 70, "only {} rules are recorded", recorded.len());
    let costly = include_str!("tests/costly.txt").lines().filter(|line| !line.starts_with('#'));
    for source in recorded.into_iter().chain(costly) {
        assert_eq!(holds(source), Ok(true), "{source}");
    }
}

#[test]
fn these_fail_when_they_run() {
    for (source, why) in [
        ("self.missing == 'a'", "no such key: missing"),
        ("self.labels['none'] == ''", "no such key: none"),
        ("self.labels.none == ''", "no such key: none"),
        ("self.names[3] == ''", "index out of bounds: 3"),
        ("self.names[-1] == ''", "index out of bounds: -1"),
        ("self.size / 0 == 1", "division by zero"),
        ("self.size % 0 == 1", "modulus by zero"),
        ("9223372036854775807 + self.size > 0", "integer overflow"),
        ("uint(2) - 3u == 0u", "unsigned integer overflow"),
        ("self.either > 5", "no such overload"),
        ("self.either.startsWith(self.either) && self.either < 1", "no such overload"),
        ("int(self.name) == 1", "type conversion error: \"web-1\" is no int"),
        ("self.names.all(n, self.names[9] == n)", "index out of bounds: 9"),
        ("self.numbers.filter(n, n > 9).min() == 1", "min called on empty list"),
        ("self.?missing.value() == ''", "optional.none() dereference"),
        ("'a'.matches(self.name + '(')", "error parsing regexp: \"web-1(\""),
    ] {
        assert_eq!(holds(source), Err(why.to_owned()), "{source}");
    }
}

#[test]
fn these_are_refused_before_they_run() {
    for (source, why) in [
        (
            "self.size >",
            "1:12: Syntax error: mismatched input '<EOF>' expecting {'[', '{', '(', '.', '-', '!', 'true', 'false', 'null', NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}\n | self.size >\n | ...........^",
        ),
        ("self.sise > 1", "1:5: undefined field 'sise'\n | self.sise > 1\n | ....^"),
        ("has(self.sise)", "1:4: undefined field 'sise'\n | has(self.sise)\n | ...^"),
        ("other == 1", "1:1: undeclared reference to 'other' (in container '')\n | other == 1\n | ^"),
        (
            "self.name > 1",
            "1:11: found no matching overload for '_>_' applied to '(string, int)'\n | self.name > 1\n | ..........^",
        ),
        (
            "self.name == 1",
            "1:11: found no matching overload for '_==_' applied to '(string, int)'\n | self.name == 1\n | ..........^",
        ),
        (
            "self.name.foo()",
            "1:14: undeclared reference to 'foo' (in container '')\n | self.name.foo()\n | .............^",
        ),
        (
            "self.size.startsWith('a')",
            "1:21: found no matching overload for 'startsWith' applied to 'int.(string)'\n | self.size.startsWith('a')\n | ....................^",
        ),
        ("self.size.x == 1", "1:10: type 'int' does not support field selection\n | self.size.x == 1\n | .........^"),
        ("self.size && true", "1:5: expected type 'bool' but found 'int'\n | self.size && true\n | ....^"),
        (
            "self.size.all(x, x)",
            "1:5: expression of type 'int' cannot be range of a comprehension (must be list, map, or dynamic)\n | self.size.all(x, x)\n | ....^",
        ),
        ("[1, 'a'] == []", "1:5: expected type 'int' but found 'string'\n | [1, 'a'] == []\n | ....^"),
        (
            "self.on ? 1 : 'a'",
            "1:9: found no matching overload for '_?_:_' applied to '(bool, int, string)'\n | self.on ? 1 : 'a'\n | ........^",
        ),
        ("namespace == ''", "1:1: reserved identifier: namespace\n | namespace == ''\n | ^"),
        ("(self.size", "1:11: Syntax error: missing ')' at '<EOF>'\n | (self.size\n | ..........^"),
        (
            "self.size = 1",
            "1:11: Syntax error: token recognition error at: '= '\n | self.size = 1\n | ..........^\nERROR: <input>:1:13: Syntax error: extraneous input '1' expecting <EOF>\n | self.size = 1\n | ............^",
        ),
        ("self.name.matches('(')", "1:19: invalid matches argument\n | self.name.matches('(')\n | ..................^"),
        ("has(self)", "1:4: invalid argument to has() macro\n | has(self)\n | ...^"),
    ] {
        assert_eq!(holds(source), Err(format!("ERROR: <input>:{why}")), "{source}");
    }
}

#[test]
fn what_would_take_too_long_ends() {
    let nested = format!("{}true{}", "[1,2,3,4,5,6,7,8,9,0].all(x, ".repeat(20), ")".repeat(20));
    let doubled = format!("['{}']{}.size() == 1", "x".repeat(100), ".map(a, a + a)".repeat(40));
    let lists = format!("[[1, 2]]{}.size() == 1", ".map(a, a + a)".repeat(40));
    let replaced = format!("'xx'{} == ''", ".replace('x', 'xxxxxxxxxx')".repeat(30));
    let maps = format!("[1]{}.size() == 1", ".map(a, {'a': a, 'b': a})".repeat(40));
    let formatted = format!("['x']{}.size() == 1", ".map(a, '%s%s%s%s'.format([a, a, a, a]))".repeat(30));
    let compared = format!("self.numbers{0} == self.numbers{0}", ".map(a, [a, a])".repeat(2));
    for source in [nested, doubled, lists, replaced, formatted] {
        assert_eq!(holds(&source), Err("cost".to_owned()), "{source:.60}");
    }
    assert_eq!(holds(&compared), Ok(true));
    assert_eq!(holds(&maps), Ok(true));
}

#[test]
fn what_is_too_deep_is_refused_on_a_small_stack() {
    let deep = |source: String| move || holds(&source);
    let thread = std::thread::Builder::new().stack_size(2 << 20);
    let tests: Vec<(String, Option<bool>)> = vec![
        (format!("{}1 == 1", "1 + ".repeat(50_000)), None),
        (format!("{}1{} == 1", "(".repeat(90), ")".repeat(90)), Some(true)),
        (format!("{}1{} == 1", "(".repeat(40_000), ")".repeat(40_000)), None),
        (format!("{}true", "!".repeat(80_000)), Some(true)),
        (format!("{}true", "true && ".repeat(10_000)), Some(true)),
        (format!("{}true", "true ? true : ".repeat(90)), Some(true)),
        (format!("{}true", "true ? true : ".repeat(5_000)), None),
        (format!("self{} == 1", ".a".repeat(40_000)), None),
        (format!("{}{} == []", "[".repeat(95), "]".repeat(95)), None),
        (format!("{}{} == []", "[".repeat(40_000), "]".repeat(40_000)), None),
        (format!("{}1{} == 1", "[0].map(x, ".repeat(95), ")".repeat(95)), None),
        (format!("[1]{}.size() == 1", ".map(a, {'a': a})".repeat(90)), Some(true)),
        ("{".repeat(50_000), None),
        ("'a".to_owned(), None),
        ("x".repeat(200_000), None),
    ];
    let run = thread.spawn(move || {
        for (source, wanted) in tests {
            let shown = source.chars().take(40).collect::<String>();
            let found = deep(source)();
            match wanted {
                Some(wanted) => assert_eq!(found, Ok(wanted), "{shown}"),
                None => assert!(found.is_err() || found == Ok(false), "{shown}: {found:?}"),
            }
        }
    });
    run.unwrap().join().unwrap();
}

#[test]
fn names_are_escaped_as_expressions_need_them() {
    for (name, escaped) in [
        ("plain", Some("plain")),
        ("namespace", Some("__namespace__")),
        ("a-b", Some("a__dash__b")),
        ("a.b/c", Some("a__dot__b__slash__c")),
        ("a__b", Some("a__underscores__b")),
        ("a_b", Some("a_b")),
        ("1a", None),
        ("a b", None),
        ("", None),
        ("ä", None),
    ] {
        assert_eq!(escape(name).as_deref(), escaped, "{name}");
    }
}
