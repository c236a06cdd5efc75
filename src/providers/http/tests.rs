//! Who asks, and over what: tokens and certificates.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::served::{Seen, Served, error, measure, ok, providers, serve, status, value};

/// A server that lets tokens in of the given number and later ones, for applications with the right secret.
async fn guarded(newest: Arc<AtomicUsize>) -> Served {
    serve(move |seen: &Seen| match seen.uri.path() {
        "/token" => {
            // `i d` and `s/`, encoded twice: RFC 6749 and base64.
            let in_header = seen.header("authorization") == "Basic aSUyMGQ6cyUyRg==";
            let in_body = seen.body.ends_with("&client_id=i%20d&client_secret=s%2F");
            if !in_header && !in_body {
                let refusal = r#"{"error":"invalid_client","error_description":"s/ is wrong"}"#;
                return status(401, &[], refusal);
            }
            let number = newest.fetch_add(1, Ordering::Relaxed) + 1;
            ok(format!(r#"{{"access_token":"t{number}","token_type":"bearer","expires_in":"3600"}}"#))
        }
        _ if seen.header("authorization") == format!("Bearer t{}", newest.load(Ordering::Relaxed)) => ok("1"),
        _ => status(401, &[], "no"),
    })
    .await
}

fn web(served: &Served, path: &str, secret: &str) -> Value {
    let oauth2 = json!({"tokenUrl": format!("{}{path}", served.url), "clientId": "i d", "clientSecret": secret, "scopes": ["a", "b"]});
    json!({"web": {"url": format!("{}/x", served.url), "timeoutSeconds": 30, "authentication": {"oauth2": oauth2}}})
}

fn paths(served: &Served) -> Vec<String> {
    served.seen().iter().map(|seen| seen.uri.path().to_owned()).collect()
}

#[tokio::test]
async fn a_token_is_kept_until_it_is_not_taken_any_more() {
    let newest = Arc::new(AtomicUsize::new(0));
    let served = guarded(Arc::clone(&newest)).await;
    let all = providers(&[]);
    for _ in 0..2 {
        assert_eq!(value(&measure(&all, web(&served, "/token", "s/")).await).1, "1");
    }
    assert_eq!(paths(&served), ["/token", "/x", "/x"]);
    assert_eq!(served.seen()[0].body, "grant_type=client_credentials&scope=a%20b");

    // Withdrawn: one more try with a new one, and that is kept.
    newest.fetch_add(1, Ordering::Relaxed);
    for _ in 0..2 {
        assert_eq!(value(&measure(&all, web(&served, "/token", "s/")).await).1, "1");
    }
    assert_eq!(paths(&served)[3..], ["/x", "/token", "/x", "/x"]);
}

#[tokio::test]
async fn a_token_that_is_about_to_expire_is_replaced() {
    let served = serve(|seen: &Seen| match seen.uri.path() {
        "/token" => ok(r#"{"access_token":"t","expires_in":9}"#),
        _ => ok("1"),
    })
    .await;
    let all = providers(&[]);
    for _ in 0..2 {
        measure(&all, web(&served, "/token", "s/")).await;
    }
    assert_eq!(paths(&served), ["/token", "/x", "/token", "/x"]);
}

#[tokio::test]
async fn an_application_whose_header_is_not_read_says_who_it_is_in_the_body() {
    let served = serve(|seen: &Seen| match seen.uri.path() {
        "/token" if seen.headers.contains_key("authorization") => status(400, &[], ""),
        "/token" if seen.body.ends_with("&client_id=i%20d&client_secret=s%2F") => ok(r#"{"access_token":"t"}"#),
        "/x" if seen.header("authorization") == "Bearer t" => ok("1"),
        _ => status(401, &[], ""),
    })
    .await;
    assert_eq!(value(&measure(&providers(&[]), web(&served, "/token", "s/")).await).1, "1");
}

#[tokio::test]
async fn why_there_is_no_token_is_told_without_secrets() {
    let served = guarded(Arc::default()).await;
    let answer = measure(&providers(&[]), web(&served, "/token", "wrong")).await;
    let message = "answers 401 Unauthorized: invalid_client; see its authentication";
    assert_eq!(error(&answer), format!("POST {}/token {message}", served.url));

    let leaky = serve(|_| ok(r#"{"token":"secret"}"#)).await;
    let answer = measure(&providers(&[]), web(&leaky, "/token?key=secret", "s/")).await;
    let message = "answers without an access_token in JSON; see the tokenUrl of oauth2";
    assert_eq!(error(&answer), format!("POST {}/token {message}", leaky.url));

    let slow = serve(|_| None).await;
    let mut metric = web(&slow, "/token", "s/");
    metric["web"]["timeoutSeconds"] = json!(2);
    let answer = measure(&providers(&[]), metric).await;
    assert_eq!(error(&answer), format!("POST {}/token: no token within 1.5s; see why it is slow", slow.url));
}

/// A server with a certificate that nobody trusts, which answers 1.
async fn self_signed() -> String {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let own = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder().with_no_client_auth();
    let config = config.with_single_cert(vec![own.cert.der().clone()], key).expect("a certificate and its key");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let port = listener.local_addr().expect("an address").port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let _ = stream.read(&mut [0; 4096]).await;
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\nconnection: close\r\n\r\n1").await;
                let _ = stream.shutdown().await;
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test]
async fn a_certificate_that_nobody_trusts_is_refused_unless_the_metric_says_so() {
    let url = self_signed().await;
    let all = providers(&[]);
    let strict = measure(&all, json!({"web": {"url": url}})).await;
    let message = error(&strict);
    assert!(message.starts_with(&format!("GET {url}/: ")), "{message}");
    assert!(
        message.contains("certificate") && message.ends_with("; trust who has signed it, or set insecure"),
        "{message}"
    );
    let lax = measure(&all, json!({"web": {"url": url, "insecure": true}})).await;
    assert_eq!(value(&lax).1, "1");
    assert!(
        error(&measure(&all, json!({"web": {"url": url}})).await).contains("certificate"),
        "one does not change the other"
    );

    let prometheus = json!({"address": url, "query": "up", "insecure": true});
    let answer = measure(&all, json!({"prometheus": prometheus})).await;
    assert!(error(&answer).contains("answers what Prometheus does not"), "{}", error(&answer));
}

/// A server that begins a large answer, and stops in its middle.
async fn stopping() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("http://{}/x", listener.local_addr().expect("an address"));
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 400000\r\n\r\n").await;
            let _ = stream.write_all(&vec![b'1'; 300_000]).await;
            held.push(stream);
        }
    });
    url
}

#[tokio::test]
async fn servers_that_stop_in_a_large_answer_keep_no_other_from_theirs() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut http = super::Http::new(Arc::new(|_| None), crate::clock::Clock::System);
    http.large_for = std::time::Duration::from_millis(500);
    let ask = |url: &str| super::Ask {
        method: reqwest::Method::GET,
        url: url.parse().expect("a URL"),
        headers: reqwest::header::HeaderMap::new(),
        body: Vec::new(),
        insecure: false,
        identity: super::Identity::Nobody,
    };
    let patience = std::time::Duration::from_mins(1);
    let stuck = stopping().await;
    let good = serve(|_: &Seen| ok("1".repeat(300_000))).await;
    let [one, other, sound] = [&stuck, &stuck, &good.url].map(|url| http.send(ask(url), patience, "timeout"));
    let (one, other, sound) = tokio::join!(one, other, sound);
    assert_eq!(sound.map(|answered| answered.body.len()).map_err(|failure| failure.message), Ok(300_000));
    for failed in [one, other] {
        let message =
            failed.map(|answered| answered.body.len()).map_err(|failure| failure.message).expect_err("it stops");
        assert!(message.contains("answers with more than 256 KiB, and not within"), "{message}");
    }
}
