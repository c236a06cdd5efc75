//! Queries, and what comes of them over two pods that answered for ten seconds.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value as Json, json};

use super::answer::{query, query_range};
use super::counters::{Counters, LOOK_BACK, REQUESTS, Series, Snapshot};
use super::eval::{Evaluation, Value};
use super::parse::{LONGEST, parse};
use super::{Labels, NAME};
use crate::api::path::Query;
use crate::time::Time;

/// When the queries are asked.
const NOW: i64 = 1_000_000;

fn labels(hash: &str, code: &str) -> Labels {
    let labels = [(NAME, REQUESTS), ("hash", hash), ("code", code)];
    Arc::new(labels.into_iter().map(|(label, value)| (label.to_owned(), value.to_owned())).collect())
}

/// A counter that was zero ten seconds ago and has come to this, at equal distances.
fn series(hash: &str, code: &str, total: i64) -> (Labels, Arc<Series>) {
    let mut series = Series::new(NOW - 10_000);
    (1..=total).for_each(|nth| series.rise(NOW - 10_000 + nth * 10_000 / total));
    (labels(hash, code), Arc::new(series))
}

/// The old version answers 100 requests well; the new one 100, of which 30 with an error.
fn counters() -> Snapshot {
    let mut all = vec![series("old", "200", 100), series("old", "500", 0)];
    all.extend([series("new", "200", 70), series("new", "500", 30)]);
    all.sort_by(|one, other| one.0.cmp(&other.0));
    Snapshot(all)
}

/// What comes of a query, in short.
fn told(text: &str) -> String {
    let expr = match parse(text) {
        Ok(expr) => expr,
        Err(mistake) => return mistake.to_string(),
    };
    match Evaluation::new(&counters()).at(&expr, NOW) {
        Ok(Value::Scalar(number)) => number.to_string(),
        Ok(Value::Vector(samples)) => {
            let one = |sample: &super::eval::Sample| {
                let name = sample.labels.get(NAME).cloned().unwrap_or_default();
                let labels = sample.labels.iter().filter(|(label, _)| *label != NAME);
                let labels: Vec<String> = labels.map(|(label, value)| format!("{label}={value}")).collect();
                format!("{name}{{{}}} {}", labels.join(","), sample.value)
            };
            samples.iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Err(error) => error.to_string(),
    }
}

fn check(cases: &[(&str, &str)]) {
    for (query, expected) in cases {
        assert_eq!(told(query), *expected, "{query}");
    }
}

#[test]
fn numbers_are_reckoned_as_usual() {
    check(&[
        ("1 + 2 * 3", "7"),
        ("(1 + 2) * 3", "9"),
        ("8 / 4 / 2", "1"),
        ("5 - 2 - 1", "2"),
        ("-2 - -3", "1"),
        ("+1e3 * .5", "500"),
        ("1e-3", "0.001"),
        ("1 / 0", "inf"),
        ("0 / 0", "NaN"),
        ("Inf - inf", "NaN"),
        ("1 # the rest is a remark", "1"),
    ]);
}

#[test]
fn selectors_choose_series_by_their_labels() {
    let both = "http_requests_total{code=500,hash=new} 30; http_requests_total{code=500,hash=old} 0";
    check(&[
        (r#"http_requests_total{code="500"}"#, both),
        (r#"{__name__="http_requests_total", code=~"5..",}"#, both),
        ("http_requests_total{code!~'2..|4..'}", both),
        ("http_requests_total{code!=`200`, hash!=\"old\"}", "http_requests_total{code=500,hash=new} 30"),
        // A label that is not there is empty; a pattern is for the whole value.
        (r#"count(http_requests_total{pod=""})"#, "{} 4"),
        (r#"http_requests_total{code=~"5"}"#, ""),
        (
            r#"http_requests_total{code=~"5.*", hash="\x6e"}"#,
            "1:39: parse error: this sandbox does not understand the escape sequence \\x",
        ),
        ("process_cpu_seconds_total", ""),
    ]);
}

#[test]
fn rates_are_of_the_time_before() {
    check(&[
        (r#"rate(http_requests_total{hash="new"}[10s])"#, "{code=200,hash=new} 7; {code=500,hash=new} 3"),
        (r#"increase(http_requests_total{hash="old"}[5s])"#, "{code=200,hash=old} 50; {code=500,hash=old} 0"),
        (r#"increase(http_requests_total{hash="old",code="200"}[1s500ms])"#, "{code=200,hash=old} 15"),
        // It began ten seconds ago: in a longer time it rose by no more.
        (r#"rate(http_requests_total{code="200",hash="old"}[20s])"#, "{code=200,hash=old} 5"),
        ("rate(nobody[5s])", ""),
    ]);
}

#[test]
fn many_values_become_one() {
    check(&[
        ("sum(http_requests_total)", "{} 200"),
        ("avg(http_requests_total)", "{} 50"),
        ("max(http_requests_total)", "{} 100"),
        ("min(http_requests_total)", "{} 0"),
        ("count(http_requests_total)", "{} 4"),
        ("sum by (hash) (http_requests_total)", "{hash=new} 100; {hash=old} 100"),
        ("SUM(http_requests_total) BY (code, nothing,)", "{code=200} 170; {code=500} 30"),
        ("sum by () (http_requests_total)", "{} 200"),
        ("sum by (__name__) (http_requests_total)", "http_requests_total{} 200"),
        ("sum(nobody)", ""),
        ("count(nobody) or vector(0)", "{} 0"),
        ("max(0 * vector(0 / 0) or vector(1))", "{} NaN"),
    ]);
}

#[test]
fn series_with_equal_labels_belong_together() {
    let rate = r#"sum by (hash) (rate(http_requests_total{code!~"5.."}[10s])) / sum by (hash) (rate(http_requests_total[10s]))"#;
    check(&[
        (rate, "{hash=new} 0.7; {hash=old} 1"),
        (
            "http_requests_total * 2 - http_requests_total",
            "{code=200,hash=new} 70; {code=200,hash=old} 100; {code=500,hash=new} 30; {code=500,hash=old} 0",
        ),
        (r#"http_requests_total{hash="new"} + http_requests_total{hash="old"}"#, ""),
        ("1 - vector(3)", "{} -2"),
        ("-vector(3)", "{} -3"),
        (r#"-http_requests_total{code="500",hash="new"}"#, "{code=500,hash=new} -30"),
        // Nothing by nothing, and what is not there at all.
        (
            r#"sum(rate(http_requests_total{code="500",hash="old"}[5s])) / sum(rate(http_requests_total{code="500",hash="old"}[5s]))"#,
            "{} NaN",
        ),
        ("sum(rate(nobody[5s])) / sum(rate(nobody[5s]))", ""),
    ]);
}

#[test]
fn comparisons_leave_what_holds() {
    check(&[
        ("http_requests_total > 70", "http_requests_total{code=200,hash=old} 100"),
        ("70 < http_requests_total", "http_requests_total{code=200,hash=old} 100"),
        ("http_requests_total == 30", "http_requests_total{code=500,hash=new} 30"),
        ("http_requests_total <= 0", "http_requests_total{code=500,hash=old} 0"),
        (
            "sum by (hash) (http_requests_total) >= sum by (hash) (http_requests_total)",
            "{hash=new} 100; {hash=old} 100",
        ),
        ("vector(0 / 0) != vector(0 / 0)", "{} NaN"),
        ("vector(0 / 0) == vector(0 / 0)", ""),
        ("vector(1) > 2 or vector(0)", "{} 0"),
        ("vector(3) > 2 or vector(0)", "{} 3"),
    ]);
}

#[test]
fn what_is_not_understood_is_refused_by_name() {
    let no = "this sandbox does not understand";
    for (query, at, what) in [
        ("histogram_quantile(0.9, x)", 1, "the function histogram_quantile()"),
        ("irate(x[5s])", 1, "the function irate()"),
        ("topk(3, x)", 1, "topk"),
        ("sum without (code) (x)", 5, "without"),
        ("x and y", 3, "and"),
        ("x unless y", 3, "unless"),
        ("x / on (code) y", 5, "on"),
        ("x > bool 1", 5, "bool"),
        ("1 > 2", 3, "a comparison of two scalars, which needs bool"),
        ("2 ^ 3", 3, "^"),
        ("x % 3", 3, "%"),
        ("x offset 5m", 3, "offset"),
        ("x @ 1", 3, "@"),
        ("x[5s]", 2, "a range such as [5s] of anything but a selector within rate() and increase()"),
        ("rate(x[5m:1m])", 10, "a subquery"),
        ("rate(x[2h])", 8, "a range of more than an hour, as it keeps no more"),
        ("\"text\"", 1, "a string where a number or a selector could be"),
        ("{\"a.b\"=\"c\"}", 2, "a label in quotes"),
    ] {
        assert_eq!(told(query), format!("1:{at}: parse error: {no} {what}"), "{query}");
    }
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    check(&[
        ("", "1:1: parse error: no expression found in input"),
        ("1 +", "1:4: parse error: unexpected end of input, expected a number, a selector or a function"),
        ("sum(x", "1:6: parse error: unexpected end of input, expected \")\""),
        ("x y", "1:3: parse error: unexpected \"y\", expected an operator or the end"),
        ("x{a=1}", "1:5: parse error: unexpected number 1, expected a string"),
        ("x{a>\"1\"}", "1:4: parse error: unexpected \">\" in label matching, expected one of =, !=, =~ and !~"),
        ("x{a=~\"(\"}", "1:4: parse error: error parsing regexp \"(\": unclosed group"),
        ("{a=\"\"}", "1:1: parse error: vector selector must contain at least one non-empty matcher"),
        ("rate(x)", "1:6: parse error: expected type range vector in call to function \"rate\", got instant vector"),
        ("rate(x[0s])", "1:8: parse error: duration must be greater than 0"),
        ("sum(1)", "1:5: parse error: expected type instant vector in aggregation expression, got scalar"),
        ("vector(x)", "1:8: parse error: expected type scalar in call to function \"vector\", got instant vector"),
        ("1 or x", "1:3: parse error: set operator \"or\" not allowed in binary scalar expression"),
        ("x{a=\"b}", "1:5: parse error: unterminated quoted string"),
        ("1m1h", "1:1: parse error: bad number or duration syntax: \"1m1h\""),
        ("x & y", "1:3: parse error: unexpected character: '&'"),
    ]);
}

#[test]
fn long_and_deep_queries_are_refused() {
    for query in ["1+".repeat(LONGEST), "(".repeat(LONGEST / 2), "-".repeat(LONGEST / 2), "1+".repeat(500) + "1"] {
        assert!(parse(&query).is_err(), "{}", &query[..20]);
    }
    let pattern = format!("x{{a=~\"{}\"}}", "(a{1000}){1000}");
    assert!(parse(&pattern).is_err(), "a pattern that takes much memory");
}

#[test]
fn answers_have_the_form_of_prometheus() {
    let ask = |text: &str| query(&Query::parse(text), &counters(), NOW).expect("an answer");
    assert_eq!(ask("query=1%2B1&time=12.5"), json!({ "resultType": "scalar", "result": [12.5, "2"] }));
    assert_eq!(ask("query=1/0"), json!({ "resultType": "scalar", "result": [1000, "+Inf"] }));
    let vector = json!([{ "metric": { "code": "500" }, "value": [1000, "30"] }]);
    let asked = ask("query=sum+by(code)(http_requests_total{code%3D%22500%22})");
    assert_eq!(asked, json!({ "resultType": "vector", "result": vector }));
    let ask = |text: &str| query_range(&Query::parse(text), &counters()).expect("an answer");
    let points = json!([[998, "80"], [999, "90"], [1000, "100"]]);
    let row = json!([{ "metric": { "hash": "old" }, "values": points }]);
    let asked = ask("query=sum+by(hash)(http_requests_total{hash=%22old%22})&start=998&end=1000.5&step=1s");
    assert_eq!(asked, json!({ "resultType": "matrix", "result": row }));
    let asked = ask("query=7&start=1970-01-01T00:00:01Z&end=2&step=1");
    assert_eq!(asked["result"], json!([{ "metric": {}, "values": [[1, "7"], [2, "7"]] }]));
}

#[test]
fn parameters_that_make_no_sense_are_bad_data() {
    for (parameters, why) in [
        ("start=1&end=2&step=0&query=1", "invalid parameter \"step\": zero or negative query resolution"),
        ("start=2&end=1&step=1&query=1", "invalid parameter \"end\": end timestamp must not be before start time"),
        ("start=x&end=1&step=1&query=1", "invalid parameter \"start\": cannot parse \"x\" to a valid timestamp"),
        ("start=NaN&end=1&step=1&query=1", "invalid parameter \"start\": cannot parse"),
        ("start=1&end=1e300&step=1&query=1", "invalid parameter \"end\": cannot parse"),
        ("start=0&end=20000&step=1&query=1", "exceeded maximum resolution of 11,000 points per timeseries."),
        ("start=1&end=2&step=1&query=)", "invalid parameter \"query\": 1:1: parse error: unexpected \")\""),
    ] {
        let refused = query_range(&Query::parse(parameters), &counters()).expect_err(parameters);
        assert!(refused.to_string().starts_with(why), "{refused}");
        assert_eq!(refused.kind(), (400, "bad_data"));
    }
}

#[test]
fn a_query_that_looks_at_too_much_ends() {
    let sum = vec!["sum(http_requests_total)"; 60].join("+");
    let range = Query::parse(&format!("start=0&end=11000&step=1&query={}", sum.replace('+', "%2B")));
    let refused = query_range(&range, &counters()).expect_err("too much");
    assert_eq!(refused.kind(), (422, "execution"), "{refused}");
}

#[test]
fn a_series_whose_pod_is_gone_is_seen_for_five_minutes() {
    let mut counter = Series::new(0);
    counter.rise(1000);
    assert_eq!((counter.value(-1), counter.value(0), counter.value(1000)), (None, Some(0.0), Some(1.0)));
    assert_eq!((counter.increase(0, 5000), counter.increase(1000, 5000)), (None, Some(1.0)));
    let counters = Counters::new(Time::Machine);
    let labels: BTreeMap<String, String> = [("pod".to_owned(), "a".to_owned())].into_iter().collect();
    counters.count(&labels);
    counters.end(&labels);
    let (now, snapshot) = (counters.now(), counters.snapshot());
    let (_, gone) = &snapshot.0[0];
    assert_eq!((gone.value(now), gone.value(now + LOOK_BACK + 1)), (Some(1.0), None));
    assert_eq!(gone.increase(now + 5000, 1000), None);
    counters.begin(&labels, &[]);
    let (_, back) = &counters.snapshot().0[0];
    assert_eq!(back.value(now + LOOK_BACK + 1), Some(1.0), "a container that starts again goes on");
}

#[test]
fn the_memory_of_counters_is_bounded() {
    let (mut counter, end) = (Series::new(0), 4_000_000);
    (1..=end).for_each(|at| counter.rise(at));
    assert_eq!(counter.value(end), Some(end as f64));
    for range in [100, 1000, 10_000, 100_000, 1_000_000, 3_600_000] {
        let rose = counter.increase(end, range).unwrap_or_default();
        assert!((rose / range as f64 - 1.0).abs() < 0.011, "{rose} in the last {range}");
    }
    assert!(counter.moments() <= 4096, "{} moments", counter.moments());
    let counters = Counters::default();
    let pod = |nth: i32| [("pod".to_owned(), nth.to_string())].into_iter().collect::<BTreeMap<_, _>>();
    (0..1500).for_each(|nth| counters.count(&pod(nth)));
    assert_eq!(counters.snapshot().0.len(), 1000, "while all pods are there, no more begin");
    counters.end(&pod(7));
    counters.count(&pod(1400));
    let has = |nth: i32| counters.snapshot().0.iter().any(|(labels, _)| labels["pod"] == nth.to_string());
    assert!(!has(7) && has(8) && has(1400), "one that is gone makes room");
}

proptest! {
    #[test]
    fn no_query_is_too_strange(text in "\\PC*", words in "(sum|rate|by|or|x|\\[5s\\]|\\(|\\)|\\{|\\}|=~|\"a|\"|1|5m|-|/|>|,| ){0,30}") {
        let (asked, snapshot) = ([text, words], counters());
        for text in asked {
            if let Ok(expr) = parse(&text) {
                let _ = Evaluation::new(&snapshot).at(&expr, NOW);
            }
        }
    }

    #[test]
    fn no_parameter_is_too_strange(start in "\\PC*", end in any::<f64>(), step in any::<f64>()) {
        let parameters = Query::parse(&format!("query=http_requests_total&start={start}&end={end}&step={step}"));
        let _ = query_range(&parameters, &counters());
        let parameters = Query::parse(&format!("query=http_requests_total&start={end}&end={end}&step={step}"));
        let _: Option<Json> = query_range(&parameters, &counters()).ok();
    }
}
