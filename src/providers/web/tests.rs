//! Web metrics against a server that answers well, badly and not at all.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::http::Response;
use futures::StreamExt as _;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::super::served::{Seen, Served, error, measure, metric, ok, providers, serve, status, value};
use super::super::{Answer, Reading};

/// What is given up at once is so by then, on a busy machine too.
const LATE: Duration = Duration::from_secs(15);

/// Asks a server that gives every request this answer.
async fn asked(
    fields: Value,
    answer: impl Fn(&Seen) -> Option<Response<Body>> + Clone + Send + Sync + 'static,
) -> (Answer, Served) {
    let served = serve(answer).await;
    let mut web = json!({"url": format!("{}/health", served.url), "timeoutSeconds": 30});
    web.as_object_mut().expect("an object").extend(fields.as_object().expect("an object").clone());
    (measure(&providers(&[]), json!({"web": web})).await, served)
}

#[tokio::test]
async fn the_path_says_what_of_the_answer_is_the_value() {
    let answer = |_: &Seen| ok(r#"{"data":{"ok":true,"rates":[0.5,2]},"text":"a<b"}"#);
    let cases = [
        ("{$.data.rates[1]}", "2", "2"),
        ("{.data.ok}", "true", "true"),
        ("{.text}", r#""a<b""#, r#""a\u003cb""#),
        ("{.data.rates}", "[0.5, 2]", "[0.5,2]"),
        (
            "",
            r#"{"data": {"ok": true, "rates": [0.5, 2]}, "text": "a<b"}"#,
            r#"{"data":{"ok":true,"rates":[0.5,2]},"text":"a\u003cb"}"#,
        ),
        ("rate", r#""rate""#, r#""rate""#),
    ];
    for (path, seen, shown) in cases {
        let (answer, _) = asked(json!({"jsonPath": path}), answer).await;
        assert_eq!(value(&answer), (seen.to_owned(), shown.to_owned()), "{path}");
    }
}

#[tokio::test]
async fn a_path_that_leads_nowhere_is_an_error() {
    let cases = [
        ("{.lost}", "/health answers, but jsonPath {.lost} leads nowhere: lost is not found"),
        ("{.list[*]}", "/health answers, but jsonPath {.list[*]} leads nowhere: there are no such values"),
        ("{.list", "the jsonPath {.list does not read: a brace does not close"),
    ];
    for (path, message) in cases {
        let (answer, _) = asked(json!({"jsonPath": path}), |_| ok(r#"{"list":[]}"#)).await;
        assert!(error(&answer).ends_with(message), "{}", error(&answer));
    }
}

#[tokio::test]
async fn what_is_no_json_is_a_text_for_conditions_to_judge() {
    for body in ["", "ok", "NaN", "{\"cut", "<html>"] {
        let (answer, _) = asked(json!({"jsonPath": "{.a}"}), move |_| ok(body)).await;
        assert_eq!(value(&answer), (format!("{body:?}"), body.to_owned()));
    }
}

#[tokio::test]
async fn a_long_value_is_cut_where_the_status_shows_it() {
    let (answer, _) = asked(json!({}), |_| ok(format!("[{}1]", "1,".repeat(50_000)))).await;
    let Reading::Value { value, text } = &answer.reading else { panic!("no value: {answer:?}") };
    assert!(matches!(value, sluice_core::expr::Value::Array(array) if array.items.len() == 50_001));
    assert_eq!((text.len(), text.ends_with('…')), (sluice_plugin::MAX_VALUE, true));
}

#[tokio::test]
async fn headers_and_bodies_are_sent() {
    let fields = json!({"method": "POST", "headers": [{"key": "X-Team", "value": " a "}], "jsonBody": {"b": [1]}});
    let (answer, served) = asked(fields, |_| ok("1")).await;
    assert_eq!(value(&answer).1, "1");
    let seen = &served.seen()[0];
    assert_eq!((seen.method.as_str(), seen.header("x-team"), seen.body.as_str()), ("POST", "a", r#"{"b":[1]}"#));
    assert_eq!(seen.header("content-type"), "application/json");
    assert!(seen.header("user-agent").starts_with("sluice/"));

    let (_, served) = asked(json!({"method": "PUT", "body": "text"}), |_| ok("1")).await;
    let seen = &served.seen()[0];
    assert_eq!((seen.method.as_str(), seen.body.as_str(), seen.header("content-type")), ("PUT", "text", ""));
}

#[tokio::test]
async fn a_metric_that_makes_no_sense_asks_nobody() {
    let both = "use either Body or JSONBody; both cannot exists for WebMetric payload";
    let get = "Body/JSONBody can only be used with POST or PUT WebMetric Method types";
    let cases = [
        (json!({"method": "POST", "body": "a", "jsonBody": {}}), both),
        (json!({"body": "a"}), get),
        (json!({"method": "DELETE"}), "\"DELETE\" is no method of a web metric; there are GET, POST and PUT"),
        (json!({"url": "example.com/health"}), "the url of the metric is no URL of http or https"),
        (json!({"headers": [{"key": "a b", "value": "v"}]}), "\"a b\" is no name of a header"),
        (
            json!({"headers": [{"key": "X-Key", "value": "secret\nsecret"}]}),
            "the header X-Key has a value that cannot be sent, such as one of two lines",
        ),
        (
            json!({"authentication": {"sigv4": {"region": "eu-west-1"}}}),
            "web metrics are not signed: sigv4 is for Prometheus; use oauth2, basicAuth or headers",
        ),
    ];
    for (fields, message) in cases {
        let (answer, served) = asked(fields, |_| ok("1")).await;
        assert_eq!(error(&answer), message);
        assert_eq!(served.seen().len(), 0, "{message}");
    }
}

#[tokio::test]
async fn a_status_that_is_no_success_is_an_error_with_what_the_server_says() {
    let cases: [(u16, &str, &str); 5] = [
        (401, "who are\nyou?", " answers 401 Unauthorized: who are you?; see its authentication"),
        (404, "", " answers 404 Not Found; see the url of the metric"),
        (500, "<p>no</p>", " answers 500 Internal Server Error: <p>no</p>; see the url of the metric"),
        (503, "later", " answers 503 Service Unavailable: later; it is asked again later"),
        (304, "", " answers 304 Not Modified; see the url of the metric"),
    ];
    for (code, body, message) in cases {
        let (answer, served) = asked(json!({}), move |_| status(code, &[], body)).await;
        assert_eq!(error(&answer), format!("GET {}/health{message}", served.url));
    }
}

#[tokio::test]
async fn who_is_asked_too_often_says_when_to_come_back() {
    let (answer, _) = asked(json!({}), |_| status(429, &[("retry-after", "7")], "slow down")).await;
    assert!(error(&answer).ends_with(" answers 429 Too Many Requests: slow down; it is asked again later"));
    assert!(
        matches!(&answer.reading, Reading::Error { retry_after: Some(wait), .. } if *wait == Duration::from_secs(7))
    );
    let (answer, _) = asked(json!({}), |_| status(429, &[], "")).await;
    assert!(matches!(&answer.reading, Reading::Error { retry_after: None, .. }));
}

#[tokio::test]
async fn who_does_not_answer_is_given_up() {
    let begun = Instant::now();
    let (answer, served) = asked(json!({"timeoutSeconds": 1}), |_| None).await;
    assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());
    let advice = "see why it is slow, or raise timeoutSeconds of the metric";
    assert_eq!(error(&answer), format!("GET {}/health: no answer within 1 s; {advice}", served.url));
}

#[tokio::test]
async fn an_answer_that_does_not_end_is_given_up_too() {
    let drip = |_: &Seen| {
        let drops = futures::stream::unfold((), |()| async {
            tokio::time::sleep(Duration::from_millis(50)).await;
            Some((Ok::<_, std::io::Error>(Bytes::from_static(b" ")), ()))
        });
        ok(Body::from_stream(drops))
    };
    let (answer, _) = asked(json!({"timeoutSeconds": 1}), drip).await;
    assert!(error(&answer).contains(": no answer within 1 s; "), "{}", error(&answer));
}

#[tokio::test]
async fn nobody_there_is_an_error_that_says_so() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("an address"));
    drop(listener);
    let answer = measure(&providers(&[]), json!({"web": {"url": url}})).await;
    assert!(error(&answer).starts_with(&format!("GET {url}: ")), "{}", error(&answer));
    assert!(error(&answer).contains("onnection refused"), "{}", error(&answer));
}

#[tokio::test]
async fn a_hundred_megabytes_cost_neither_time_nor_memory() {
    const ALL: usize = 100_000_000;
    static CHUNK: [u8; 100_000] = [b'1'; 100_000];
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let flood = move |_: &Seen| {
        let count = Arc::clone(&count);
        let chunks = futures::stream::iter(0..ALL / CHUNK.len()).map(move |_| {
            count.fetch_add(CHUNK.len(), Ordering::Relaxed);
            Ok::<_, std::io::Error>(Bytes::from_static(&CHUNK))
        });
        ok(Body::from_stream(chunks))
    };
    let begun = Instant::now();
    let (answer, served) = asked(json!({}), flood).await;
    assert_eq!(error(&answer), format!("GET {}/health answers with more than 10 MB; ask for less", served.url));
    assert!(sent.load(Ordering::Relaxed) < ALL / 2, "{} bytes were sent", sent.load(Ordering::Relaxed));
    assert!(begun.elapsed() < LATE, "{:?}", begun.elapsed());

    // One that says how long it is, is not read at all.
    let (answer, _) =
        asked(json!({}), |_| status(200, &[("content-length", "100000000")], Body::from_stream(endless()))).await;
    assert!(error(&answer).ends_with("answers with more than 10 MB; ask for less"), "{}", error(&answer));
}

fn endless() -> impl futures::Stream<Item = Result<Bytes, std::io::Error>> {
    futures::stream::pending()
}

#[tokio::test]
async fn redirects_are_followed_and_headers_stay_with_their_host() {
    let fields =
        json!({"headers": [{"key": "Authorization", "value": "Bearer s"}, {"key": "X-Api-Key", "value": "s"}]});
    let (answer, served) = asked(fields.clone(), |seen| match seen.uri.path() {
        "/health" => status(302, &[("location", "/elsewhere?x=1")], ""),
        _ => ok("1"),
    })
    .await;
    assert_eq!(value(&answer).1, "1");
    assert_eq!(served.seen()[1].header("x-api-key"), "s");

    let other = serve(|seen| if seen.headers.contains_key("x-api-key") { ok("2") } else { status(401, &[], "") }).await;
    let target = format!("{}/there", other.url);
    let location = target.clone();
    let (answer, _) = asked(fields, move |_| status(302, &[("location", &location)], "")).await;
    let seen = &other.seen()[0];
    assert_eq!((seen.header("authorization"), seen.header("x-api-key")), ("", ""));
    let why = "it was redirected to another host, which gets no credentials: ask that one itself";
    assert_eq!(error(&answer), format!("GET {target} answers 401 Unauthorized; {why}"));
}

#[tokio::test]
async fn redirects_in_a_circle_end() {
    let (answer, served) = asked(json!({}), |_| status(307, &[("location", "/health")], "")).await;
    assert_eq!(served.seen().len(), 11);
    let message = "redirects more than 10 times; ask the last address itself";
    assert_eq!(error(&answer), format!("GET {}/health {message}", served.url));
}

#[tokio::test]
async fn a_user_in_the_address_is_sent_and_not_told() {
    let served =
        serve(|seen| if seen.header("authorization") == "Basic dTpwQA==" { status(500, &[], "") } else { ok("") })
            .await;
    let url = served.url.replace("http://", "http://u:p%40@") + "/x?token=secret";
    let answer = measure(&providers(&[]), json!({"web": {"url": url}})).await;
    assert_eq!(
        error(&answer),
        format!("GET {}/x answers 500 Internal Server Error; see the url of the metric", served.url)
    );
    assert_eq!(served.seen()[0].uri.query(), Some("token=secret"));
}

#[test]
fn questions_to_one_server_share_a_lane() {
    let providers = providers(&[]);
    let lane = |url: &str| {
        let metric = metric(json!({"web": {"url": url}}));
        providers.of(&metric.provider).expect("a provider").lane(&metric).expect("a limit")
    };
    assert_eq!(lane("https://u:p@a.example.com/x?y=1"), "Web https://a.example.com");
    assert_eq!(lane("https://a.example.com:443/z"), "Web https://a.example.com");
    assert_ne!(lane("https://a.example.com:8443/x"), "Web https://a.example.com");
    assert_eq!(lane("nonsense"), "Web ");
}
