//! Each test is a machine: variables, files, and what is served there.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post, put};

use super::*;

const LENT: &str = r#"{"AccessKeyId":"ASIA","SecretAccessKey":"s","Token":"t","Expiration":"2026-01-01T01:00:00Z"}"#;

/// Credentials of a machine with these variables; the time is the start of 2026.
fn credentials(variables: &[(&str, &str)]) -> Credentials {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let variables: HashMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let env: Env = Arc::new(move |name| variables.get(name).cloned());
    let start = "2026-01-01T00:00:00Z".parse().expect("a time");
    Credentials::new(env, Http::new().expect("a client"), Clock::starting_at(start))
}

/// Serves this on the machine; returns its address.
async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}")
}

fn file(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).expect("the folder is writable");
    path.display().to_string()
}

fn folder(name: &str) -> std::path::PathBuf {
    let path = std::env::temp_dir().join(format!("sluice-credentials-{name}-{}", std::process::id()));
    std::fs::create_dir_all(&path).expect("a folder for temporary files");
    path
}

#[tokio::test]
async fn the_environment_goes_before_everything_else() {
    let own = [("AWS_ACCESS_KEY_ID", "AKIA"), ("AWS_SECRET_ACCESS_KEY", "s"), ("AWS_ROLE_ARN", "r")];
    let keys = credentials(&own).keys().await.expect("keys");
    assert_eq!((keys.access.as_str(), keys.token), ("AKIA", None));
}

#[tokio::test]
async fn a_token_of_the_cluster_is_traded_for_keys_of_a_role() {
    let answer = |body: String| async move {
        let asked = [
            "Action=AssumeRoleWithWebIdentity",
            "RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fsluice",
            "WebIdentityToken=abc",
        ];
        let known = asked.iter().all(|pair| body.split('&').any(|part| part == *pair));
        let document = "<AssumeRoleWithWebIdentityResponse><AssumeRoleWithWebIdentityResult><Credentials><AccessKeyId>ASIA</AccessKeyId>\
                        <SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken><Expiration>2026-01-01T01:00:00Z</Expiration>\
                        </Credentials></AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>";
        if known { (StatusCode::OK, document) } else { (StatusCode::BAD_REQUEST, "") }
    };
    let url = serve(Router::new().route("/", post(answer))).await;
    let folder = folder("web");
    let token = file(&folder, "token", "abc\n");
    let variables = [
        ("AWS_ROLE_ARN", "arn:aws:iam::1:role/sluice"),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token.as_str()),
        ("AWS_ENDPOINT_URL_STS", url.as_str()),
    ];
    let keys = credentials(&variables).keys().await.expect("keys");
    assert_eq!((keys.access.as_str(), keys.token.as_deref()), ("ASIA", Some("t")));
}

#[tokio::test]
async fn an_agent_on_the_machine_lends_keys_for_a_token() {
    let answer = |headers: HeaderMap| async move {
        let known = headers.get("authorization").is_some_and(|token| token == "abc");
        if known { (StatusCode::OK, LENT) } else { (StatusCode::UNAUTHORIZED, "no") }
    };
    let url = serve(Router::new().route("/v1/credentials", get(answer))).await + "/v1/credentials";
    let folder = folder("agent");
    let token = file(&folder, "token", "abc\n");
    let whole =
        [("AWS_CONTAINER_CREDENTIALS_FULL_URI", url.as_str()), ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", &token)];
    assert_eq!(credentials(&whole).keys().await.expect("keys").access, "ASIA");
    let error = credentials(&whole[..1]).keys().await.expect_err("no token");
    assert_eq!(error.to_string(), "AWS refuses credentials of the container: HTTP 401: no");
    let elsewhere = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://example.com/credentials")];
    let error = credentials(&elsewhere).keys().await.expect_err("it is not on this machine").to_string();
    assert!(error.contains("neither https nor on this machine"), "{error}");
}

/// The instance's own service, which counts how often it lends keys.
async fn instance(lent: Arc<AtomicUsize>) -> String {
    let token = |headers: HeaderMap| async move {
        if headers.contains_key("x-aws-ec2-metadata-token-ttl-seconds") { "token" } else { "" }
    };
    let is_known = |headers: &HeaderMap| headers.get("x-aws-ec2-metadata-token").is_some_and(|it| it == "token");
    let answer = move |headers: HeaderMap, text: &'static str| {
        let status = if is_known(&headers) { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        (status, text)
    };
    let roles = "/latest/meta-data/iam/security-credentials/";
    let router = Router::new()
        .route("/latest/api/token", put(token))
        .route(roles, get(move |headers| async move { answer(headers, "web\n") }))
        .route("/latest/meta-data/placement/region", get(move |headers| async move { answer(headers, "eu-west-1") }))
        .route(
            &format!("{roles}web"),
            get(move |headers| async move {
                lent.fetch_add(1, Ordering::Relaxed);
                answer(headers, LENT)
            }),
        );
    serve(router).await
}

#[tokio::test]
async fn an_instance_says_its_role_and_its_region_and_is_asked_again_before_the_keys_expire() {
    let lent = Arc::new(AtomicUsize::new(0));
    let url = instance(Arc::clone(&lent)).await;
    let own = credentials(&[("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url)]);
    assert_eq!(own.region().await.expect("a region"), "eu-west-1");
    for _ in 0..3 {
        assert_eq!(own.keys().await.expect("keys").access, "ASIA");
    }
    assert_eq!(lent.load(Ordering::Relaxed), 1);
    own.lent.lock().await.as_mut().expect("keys").expires = Some("2026-01-01T00:04:00Z".parse().expect("a time"));
    own.keys().await.expect("keys");
    assert_eq!(lent.load(Ordering::Relaxed), 2);
    own.forget().await;
    own.keys().await.expect("keys");
    assert_eq!(lent.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn keys_do_for_as_long_as_they_are_good_where_there_are_no_others() {
    let own = credentials(&[("AWS_EC2_METADATA_DISABLED", "true")]);
    let lent = |expires: &str| Lent {
        keys: Keys { access: "ASIA".into(), secret: "s".into(), token: None },
        expires: Some(expires.parse().expect("a time")),
    };
    *own.lent.lock().await = Some(lent("2026-01-01T00:04:00Z"));
    assert_eq!(own.keys().await.expect("keys").access, "ASIA");
    *own.lent.lock().await = Some(lent("2025-12-31T23:59:00Z"));
    let error = own.keys().await.expect_err("they have expired").to_string();
    assert!(error.starts_with("there are no AWS credentials: "), "{error}");
}

#[tokio::test]
async fn a_shared_file_has_profiles() {
    let text = "# mine\n[default]\naws_access_key_id = AKIA1\naws_secret_access_key=s1\n\n[ other ]\naws_access_key_id=AKIA2\n\
                aws_secret_access_key=s2\naws_session_token=t2\n[broken]\naws_access_key_id=AKIA3\n";
    let folder = folder("file");
    let path = file(&folder, "credentials", text);
    let of = |profile: &'static str| {
        credentials(&[
            ("AWS_SHARED_CREDENTIALS_FILE", &path),
            ("AWS_PROFILE", profile),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ])
    };
    assert_eq!(of("default").keys().await.expect("keys").access, "AKIA1");
    let other = of("other").keys().await.expect("keys");
    assert_eq!((other.access.as_str(), other.token.as_deref()), ("AKIA2", Some("t2")));
    of("broken").keys().await.expect_err("half of the keys");
}
