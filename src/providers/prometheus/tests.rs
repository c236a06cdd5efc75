//! Prometheus as a server of the test's own plays it; `tests/prometheus.rs` asks a real one.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::Reading;
use super::super::served::{Seen, error, measure, metric, ok, providers, serve, status, value};
use super::RESOLVED;
use crate::aws::sign::{Keys, Scope, Unsigned, sign};

/// Asks a server that answers every query like this.
async fn asked(body: &'static str) -> super::Answer {
    let served = serve(move |_| ok(body)).await;
    measure(&providers(&[]), json!({"prometheus": {"address": served.url, "query": "up"}})).await
}

#[tokio::test]
async fn a_result_is_a_number_or_a_list_of_numbers() {
    let cases = [
        (r#"{"resultType":"scalar","result":[1700000000.5,"0.25"]}"#, "0.25", "0.25"),
        (r#"{"resultType":"vector","result":[]}"#, "[]", "[]"),
        (
            r#"{"resultType":"vector","result":[{"metric":{"a":"b"},"value":[1,"0.5"]},{"metric":{},"value":[1,"NaN"]}]}"#,
            "[0.5, NaN]",
            "[0.5,NaN]",
        ),
        (
            r#"{"result":[{"metric":{},"values":[[1,"1"],[2,"+Inf"]]},{"metric":{},"values":[[1.5,"-Inf"],[3,"1e-07"]]}],"resultType":"matrix"}"#,
            "[1, inf, -inf, 0.0000001]",
            "[1,+Inf,-Inf,0.0000001]",
        ),
        (r#"{"resultType":"matrix","result":null}"#, "[]", "[]"),
        (r#"{"resultType":"scalar","result":[1,"1e+06"],"stats":{"samples":{}}}"#, "1000000", "1000000"),
    ];
    for (data, seen, shown) in cases {
        let body = format!(r#"{{"status":"success","data":{data},"infos":["i"]}}"#).leak();
        let answer = asked(body).await;
        assert_eq!(value(&answer), (seen.to_owned(), shown.to_owned()), "{data}");
        assert!(answer.metadata.is_empty());
    }
}

#[tokio::test]
async fn a_warning_stands_beside_the_value() {
    let answer =
        asked(r#"{"status":"success","data":{"resultType":"vector","result":[]},"warnings":["one is down","two"]}"#)
            .await;
    assert_eq!(answer.metadata["warnings"], r#""one is down", "two""#);
}

#[tokio::test]
async fn what_is_no_number_is_an_error() {
    let cases = [
        (
            r#"{"status":"success","data":{"resultType":"string","result":[1,"7"]}}"#,
            "with a \"string\": Prometheus metric type not supported; ask for a scalar, a vector or a matrix",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"histogram":[1,{"count":"1"}]}]}}"#,
            "with native histograms, which are no numbers; take histogram_quantile() or another function",
        ),
        (r#"{"status":"success"}"#, "without data"),
        (
            "<html>login</html>",
            "what Prometheus does not: expected value at line 1 column 1; see the address of the metric",
        ),
        (
            r#"{"status":"success","data":{"resultType":"vector","result":[{"value":[1,"x"]}]}}"#,
            "what Prometheus does not: \"x\" is no number at line 1 column 75; see the address of the metric",
        ),
    ];
    for (body, message) in cases {
        let answer = asked(body).await;
        assert!(error(&answer).ends_with(&format!("/api/v1/query answers {message}")), "{}", error(&answer));
    }
}

#[tokio::test]
async fn what_prometheus_says_of_a_query_is_told() {
    let said = r#"{"status":"error","errorType":"bad_data","error":"invalid parameter \"query\": 1:4: parse error"}"#;
    let cases = [
        (400, said, " answers 400 Bad Request: bad_data: invalid parameter \"query\": 1:4: parse error; see the query"),
        (200, said, " answers 200 OK: bad_data: invalid parameter \"query\": 1:4: parse error; see the query"),
        (
            503,
            r#"{"status":"error","errorType":"timeout","error":"slow"}"#,
            " answers 503 Service Unavailable: timeout: slow; it is asked again later",
        ),
        (502, "<b>bad</b>", " answers 502 Bad Gateway: <b>bad</b>; see the address of the metric"),
        (404, "", " answers 404 Not Found; see the address of the metric"),
    ];
    for (code, body, message) in cases {
        let served = serve(move |_| status(code, &[("retry-after", "9")], body)).await;
        let answer = measure(&providers(&[]), json!({"prometheus": {"address": served.url, "query": "u("}})).await;
        assert_eq!(error(&answer), format!("POST {}/api/v1/query{message}", served.url));
        assert!(matches!(&answer.reading, Reading::Error { retry_after: Some(wait), .. } if wait.as_secs() == 9));
    }
}

const ONE: &str = r#"{"status":"success","data":{"resultType":"scalar","result":[1,"1"]}}"#;

#[tokio::test]
async fn a_query_is_sent_as_a_form_below_the_path_of_the_address() {
    let served = serve(|_| ok(ONE)).await;
    let query = "sum(rate(a{b=~\"c+\"}[1m])) & 1";
    let headers = json!([{"key": "X-Scope-OrgID", "value": "team"}]);
    let address = format!("{}/prom/?dedup=true", served.url);
    let prometheus = json!({"address": address, "query": query, "headers": headers});
    measure(&providers(&[]), json!({"prometheus": prometheus})).await;
    let seen = &served.seen()[0];
    assert_eq!((seen.method.as_str(), seen.uri.to_string().as_str()), ("POST", "/prom/api/v1/query?dedup=true"));
    assert_eq!(seen.body, "query=sum%28rate%28a%7Bb%3D~%22c%2B%22%7D%5B1m%5D%29%29%20%26%201");
    assert_eq!(seen.header("content-type"), "application/x-www-form-urlencoded");
    assert_eq!(seen.header("x-scope-orgid"), "team");
}

#[tokio::test]
async fn a_range_has_a_start_an_end_and_a_step() {
    let served = serve(|_| ok(ONE)).await;
    let range = json!({"start": "now() - duration(\"1m\")", "end": "now()", "step": "15s"});
    measure(&providers(&[]), json!({"prometheus": {"address": served.url, "query": "up", "rangeQuery": range}})).await;
    let seen = &served.seen()[0];
    assert_eq!(seen.uri.path(), "/api/v1/query_range");
    let fields: Vec<(&str, &str)> = seen.body.split('&').filter_map(|pair| pair.split_once('=')).collect();
    let number = |at: usize| fields[at].1.parse::<f64>().expect("seconds");
    assert_eq!(fields.iter().map(|field| field.0).collect::<Vec<_>>(), ["query", "start", "end", "step"]);
    assert!((number(2) - number(1) - 60.0).abs() < 0.001, "{}", seen.body);
    assert_eq!(fields[3].1, "15.000");
}

#[tokio::test]
async fn who_takes_no_post_is_asked_with_a_get() {
    let served = serve(|seen: &Seen| if seen.method == "POST" { status(405, &[], "") } else { ok(ONE) }).await;
    let address = format!("{}?dedup=true", served.url);
    let answer = measure(&providers(&[]), json!({"prometheus": {"address": address, "query": "a b"}})).await;
    assert_eq!(value(&answer).1, "1");
    assert_eq!(served.seen()[1].uri.to_string(), "/api/v1/query?dedup=true&query=a%20b");
}

#[tokio::test]
async fn the_environment_says_where_it_is_for_metrics_that_do_not() {
    let served = serve(|_| ok(ONE)).await;
    let all = providers(&[("ARGO_ROLLOUTS_PROMETHEUS_ADDRESS", &served.url)]);
    assert_eq!(value(&measure(&all, json!({"prometheus": {"query": "up"}})).await).1, "1");
    let up = metric(json!({"prometheus": {"query": "up"}}));
    let provider = all.of(&up.provider).expect("a provider");
    assert_eq!(provider.lane(&up), Some(format!("Prometheus {}", served.url)));
    assert_eq!(provider.describe(&up)[RESOLVED], "up");
    assert_eq!(provider.limit(&up), Duration::from_secs(31));
}

#[tokio::test]
async fn a_metric_that_makes_no_sense_asks_nobody() {
    let of = "the address of the metric is no URL of http or https, such as http://prometheus.monitoring:9090";
    let cases = [
        (
            json!({"query": "up"}),
            "prometheus address is not configured: set it in the metric, or ARGO_ROLLOUTS_PROMETHEUS_ADDRESS",
        ),
        (json!({"query": "up", "address": "prometheus:9090"}), of),
        (json!({"query": "up", "address": "prometheus"}), of),
        (json!({"address": "http://p"}), "the metric has no query for Prometheus"),
        (json!({"query": "up", "address": "http://p", "timeout": -1}), "prometheus timeout should not be negative"),
        (
            json!({"query": "up", "address": "http://p", "authentication": {"oauth2": {"tokenUrl": "http://t"}}}),
            "missing mandatory parameter in metric for OAuth2 setup: clientId",
        ),
    ];
    for (prometheus, message) in cases {
        let answer = measure(&providers(&[]), json!({"prometheus": prometheus})).await;
        assert_eq!(error(&answer), message);
    }
}

#[tokio::test]
async fn who_does_not_answer_is_given_up() {
    let served = serve(|_| None).await;
    let begun = Instant::now();
    let answer =
        measure(&providers(&[]), json!({"prometheus": {"address": served.url, "query": "up", "timeout": 1}})).await;
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    let advice = "see why it is slow, or raise the timeout of the metric";
    assert_eq!(error(&answer), format!("POST {}/api/v1/query: no answer within 1 s; {advice}", served.url));
}

#[tokio::test]
async fn a_user_is_sent() {
    let served = serve(|_| ok(ONE)).await;
    let basic = json!({"basicAuth": {"username": "u", "password": "p:ä"}, "oauth2": {"tokenUrl": ""}, "sigv4": {}});
    let prometheus = json!({"address": served.url, "query": "up", "authentication": basic});
    measure(&providers(&[]), json!({"prometheus": prometheus})).await;
    assert_eq!(served.seen()[0].header("authorization"), "Basic dTpwOsOk");
}

/// Whether a request is signed with these keys, for this region.
fn is_signed(seen: &Seen, keys: &Keys, region: &str) -> bool {
    let now = seen.header("x-amz-date").parse().expect("a time");
    let headers = [("host", seen.header("host")), ("content-type", seen.header("content-type"))];
    let (method, path) = (seen.method.as_str(), seen.uri.path());
    let request = Unsigned { method, path, query: &[], headers: &headers, body: seen.body.as_bytes() };
    let scope = Scope { region, service: "aps" };
    let expected = sign(request, scope, keys, now);
    expected.iter().all(|(name, value)| seen.header(name) == value)
}

fn of_amazon(url: &str, sigv4: &Value) -> Value {
    let address = format!("{url}/aps-workspaces/ws-1");
    json!({"prometheus": {"address": address, "query": "up{a=\"b c\"}", "authentication": {"sigv4": sigv4}}})
}

fn keys(access: &str, token: Option<&str>) -> Keys {
    Keys { access: access.into(), secret: "s".into(), token: token.map(str::to_owned) }
}

#[tokio::test]
async fn amazon_gets_a_signature() {
    let served = serve(|_| ok(ONE)).await;
    let all = providers(&[("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s")]);
    measure(&all, of_amazon(&served.url, &json!({"region": "eu-west-1"}))).await;
    let seen = &served.seen()[0];
    let authorization = seen.header("authorization");
    assert!(authorization.starts_with("AWS4-HMAC-SHA256 Credential=AKIA/"), "{authorization}");
    let scope = "/eu-west-1/aps/aws4_request, SignedHeaders=content-type;host;x-amz-date, Signature=";
    assert!(authorization.contains(scope), "{authorization}");
    assert!(is_signed(seen, &keys("AKIA", None), "eu-west-1"), "{authorization}");

    // Another server gets none, whatever the metric says.
    let sigv4 = json!({"sigv4": {"region": "eu-west-1"}});
    let prometheus = json!({"address": served.url, "query": "up", "authentication": sigv4});
    measure(&all, json!({"prometheus": prometheus})).await;
    assert_eq!(served.seen()[1].header("authorization"), "");
}

#[tokio::test]
async fn a_role_is_taken_for_a_signature() {
    let document = "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA</AccessKeyId><SecretAccessKey>s</SecretAccessKey>\
                    <SessionToken>t</SessionToken><Expiration>2999-01-01T01:00:00Z</Expiration></Credentials></AssumeRoleResult>\
                    </AssumeRoleResponse>";
    let sts = serve(move |_| ok(document)).await;
    let served = serve(|_| ok(ONE)).await;
    let variables = [
        ("AWS_ACCESS_KEY_ID", "AKIA"),
        ("AWS_SECRET_ACCESS_KEY", "s"),
        ("AWS_ENDPOINT_URL_STS", &sts.url),
        ("AWS_REGION", "us-east-2"),
    ];
    let all = providers(&variables);
    for _ in 0..2 {
        measure(&all, of_amazon(&served.url, &json!({"roleArn": "arn:aws:iam::1:role/metrics"}))).await;
    }
    assert!(served.seen().iter().all(|seen| is_signed(seen, &keys("ASIA", Some("t")), "us-east-2")));
    let asked = sts.seen();
    assert_eq!(asked.len(), 1, "keys are kept");
    assert!(
        asked[0].body.contains("Action=AssumeRole&") && asked[0].body.contains("role%2Fmetrics"),
        "{}",
        asked[0].body
    );
    assert!(asked[0].header("authorization").contains("/us-east-2/sts/aws4_request"));
}

#[tokio::test]
async fn without_keys_nobody_is_asked_and_the_message_says_so() {
    let served = serve(|_| ok(ONE)).await;
    let all = providers(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    let answer = measure(&all, of_amazon(&served.url, &json!({"region": "eu-west-1"}))).await;
    assert!(
        error(&answer).starts_with("cannot sign the request: there are no AWS credentials: "),
        "{}",
        error(&answer)
    );
    assert_eq!(served.seen().len(), 0);
}
