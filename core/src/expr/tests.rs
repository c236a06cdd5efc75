use jiff::Timestamp;
use serde_json::json;

use super::{Condition, Env, Stage, Type, Value, moment, told};

fn env() -> Env {
    Env { now: "2026-01-02T03:04:05Z".parse().expect("a moment") }
}

fn read(condition: &str) -> Condition {
    Condition::parse(condition).expect("a condition")
}

fn holds(condition: &str, result: &Value) -> Result<bool, String> {
    let condition = Condition::parse(condition).map_err(|error| error.to_string())?;
    condition.holds(result, &env()).map_err(|error| error.to_string())
}

fn web() -> Value {
    Value::from_json(&json!({"ok": true, "rate": 0.97, "items": [{"s": "ok"}, {"s": "bad"}]})).expect("it is not deep")
}

#[test]
fn conditions_of_templates_hold_or_do_not() {
    assert_eq!(holds("result[0] >= 0.95", &Value::floats([0.95])), Ok(true));
    assert_eq!(holds("result.ok && result.rate >= 0.99", &web()), Ok(false));
    assert_eq!(holds("all(result.items, .s in [\"ok\", \"bad\"])", &web()), Ok(true));
    assert_eq!(holds("len(filter(result.items, .s == 'bad')) <= 1", &web()), Ok(true));
    assert_eq!(holds("default(result, 0) < 10", &Value::Nil), Ok(true));
}

#[test]
fn an_error_says_where_it_is_and_what_was_expected() {
    for (condition, expected) in [
        ("results[0] >= 0.9", "unknown name results: expected result (1:1)"),
        ("result[0] >= 0.9 && foo(1)", "unknown name foo: expected a function (1:21)"),
        ("result[0] >= \"0.9\"", "invalid operation: >= (mismatched types float and string) (1:11)"),
        ("result[0]", "expected bool, but got float (1:7)"),
        ("result[0] >= ", "unexpected the end, expected a value (1:14)"),
        ("(result[0] > 1", "unexpected the end, expected `)` (1:15)"),
        ("result[0] >\n  nope", "unknown name nope: expected result (2:3)"),
        ("result[0] > 1 1", "unexpected `1`, expected an operator or the end (1:15)"),
        ("all(result)", "unexpected `)`, expected a condition for each item, the second argument of all (1:11)"),
        ("len()", "not enough arguments to call len: expected 1, got 0 (1:1)"),
        ("upper(result)", "invalid argument for upper (type array of float) (1:7)"),
        ("result[7] > 1", "index out of range: 7 (array length is 1) (1:7)"),
        ("result.x > 1", "type array of float has no field x (1:7)"),
        ("asFloat('x') > 1", "asFloat(): \"x\" is no number (1:1)"),
    ] {
        assert_eq!(holds(condition, &Value::floats([1.0])), Err(expected.to_owned()), "{condition}");
    }
}

#[test]
fn a_number_is_no_text_and_no_truth() {
    let text = Value::text("0.97");
    assert_eq!(
        read("result > 0.9").holds(&text, &env()).map_err(|error| error.stage),
        Err(Stage::Types),
        "what was measured decides what makes sense"
    );
    assert_eq!(
        holds("result == 'true'", &Value::Bool(true)),
        Err("invalid operation: == (mismatched types bool and string) (1:8)".to_owned())
    );
    assert_eq!(holds("asFloat(result) > 0.9", &text), Ok(true));
}

#[test]
fn a_condition_can_be_checked_before_anything_is_measured() {
    let check = |condition: &str| read(condition).check(Type::Any).map_err(|error| error.stage);
    assert_eq!(check("result.anything[0].at.all > 1"), Ok(()));
    assert_eq!(check("resultt > 1"), Err(Stage::Types));
    assert_eq!(check("len(result) + 1"), Err(Stage::NotBool));
    assert_eq!(check("result matches '['"), Err(Stage::Types));
    assert_eq!(check("1 == 'a'"), Err(Stage::Types));
}

#[test]
fn a_condition_tells_whether_it_thinks_of_missing_data() {
    let considers = |condition: &str| read(condition).considers_no_data();
    for condition in ["isNil(result)", "len(result) == 0 || result[0] < 1", "default(result, 0) < 1", "result == nil"] {
        assert!(considers(condition), "{condition}");
    }
    for condition in
        ["isNaN(result[0])", "(result ?? 0) < 1", "result?.x < 1", "any([1], {true ? isInf(result) : false})"]
    {
        assert!(considers(condition), "{condition}");
    }
    for condition in ["result[0] < 1", "all(result, # < 1)", "none(result, {.x > 1})", "true"] {
        assert!(!considers(condition), "{condition}");
    }
}

#[test]
fn the_ends_of_a_range_of_measurements_are_moments() {
    let at = |text: &str| moment(text, &env()).map_err(|error| error.to_string());
    let expected = |text: &str| Ok(text.parse::<Timestamp>().expect("a moment"));
    assert_eq!(at("now()"), expected("2026-01-02T03:04:05Z"));
    assert_eq!(at("now() - duration('1h30m')"), expected("2026-01-02T01:34:05Z"));
    assert_eq!(at("date('2023-08-14 00:00:00', '2006-01-02 15:04:05', 'UTC')"), expected("2023-08-14T00:00:00Z"));
    assert_eq!(at("1"), Err("expected a time, but got int (1:1)".to_owned()));
    assert_eq!(at("result"), Err("unknown name result: expected a value or a function (1:1)".to_owned()));
}

#[test]
fn what_is_told_shows_the_condition_the_value_and_the_query() {
    let condition = read("result[0] >= 0.95");
    let tell = |result: &Value| {
        let outcome = condition.holds(result, &env());
        told("successCondition", &condition, Some("sum(rate(\n  x[1m]))"), result, &outcome)
    };
    assert_eq!(
        tell(&Value::floats([0.91])),
        "successCondition \"result[0] >= 0.95\" is false; result is [0.91], from the query sum(rate( x[1m]))"
    );
    assert_eq!(
        tell(&Value::floats([])),
        "could not evaluate successCondition \"result[0] >= 0.95\": metric result is nil or empty: no data returned from the \
         metric provider; result is [], from the query sum(rate( x[1m]))"
    );
    assert_eq!(
        tell(&Value::text("x")),
        "could not evaluate successCondition \"result[0] >= 0.95\": type string[int] is undefined (1:7); result is \"x\", \
         from the query sum(rate( x[1m]))"
    );
}

#[test]
fn a_long_value_is_cut_in_messages() {
    let shown = Value::floats((0..10_000).map(f64::from)).to_string();
    assert!(shown.starts_with("[0, 1, 2, 3,") && shown.ends_with('…'), "{shown}");
    assert!(shown.chars().count() <= 201);
}

#[test]
fn what_is_left_out_of_the_language_says_so() {
    for condition in ["toBase64('a') == ''", "$env.result", "date('2023-08-14', '2006-01-02', 'Europe/Berlin') > now()"]
    {
        let error = holds(condition, &Value::Nil).expect_err("it is left out");
        assert!(error.contains("not supported"), "{condition}: {error}");
    }
}
