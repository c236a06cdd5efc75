//! Logging in at a provider: a small one that listens on this machine, and every way in which what it says can be wrong.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use aws_lc_rs::digest;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RsaKeyPair,
};
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use reqwest::{Method, Response, Url};
use serde_json::{Value, json};
use sluice::clock::Clock;
use sluice::dashboard::access::oidc::Settings;
use sluice::dashboard::access::oidc::keys::{Algorithm, Keys};
use sluice::dashboard::access::oidc::provider::Provider;
use sluice::dashboard::access::oidc::token::{Expected, Parts, Wrong};
use sluice::dashboard::access::person::Naming;
use sluice::flags::OidcMode;

use crate::stage::{SHARED, Stage, session_of, text};

/// What signs tokens.
struct Signer(EcdsaKeyPair);

impl Signer {
    fn new() -> Signer {
        Signer(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("a key"))
    }

    fn keys(&self) -> Value {
        let point = self.0.public_key().as_ref();
        let [x, y] = [&point[1..33], &point[33..]].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part));
        json!({"keys": [{"kty": "EC", "crv": "P-256", "kid": "one", "use": "sig", "alg": "ES256", "x": x, "y": y}]})
    }

    fn sign(&self, header: &Value, claims: &Value) -> String {
        let [header, claims] = [header, claims].map(|part| BASE64_URL_SAFE_NO_PAD.encode(part.to_string()));
        let signed = format!("{header}.{claims}");
        let signature = self.0.sign(&SystemRandom::new(), signed.as_bytes()).expect("a signature");
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

const NOW: i64 = 1_800_000_000;

fn claims() -> Value {
    json!({
        "iss": "https://login.example.com", "aud": "sluice", "sub": "ann", "nonce": "n",
        "exp": NOW + 300, "iat": NOW, "nbf": NOW,
    })
}

fn verdict(signer: &Signer, token: &str) -> Result<Timestamp, Wrong> {
    let expected = Expected {
        issuer: "https://login.example.com",
        client_id: "sluice",
        nonce: "n",
        username_claim: "sub",
        naming: None,
        algorithms: &[Algorithm::Es256],
    };
    let now = Timestamp::from_second(NOW).expect("a time");
    Parts::of(token)?.verify(&Keys::read(&signer.keys()), &expected, now).map(|verified| verified.until)
}

#[test]
fn a_token_with_one_wrong_claim_is_refused() {
    let signer = Signer::new();
    let header = json!({"alg": "ES256", "kid": "one"});
    let missing = |claim: &str| Err(Wrong::Missing(claim.to_owned()));
    for (change, expected) in [
        (json!({}), Ok(())),
        (json!({"aud": ["sluice"]}), Ok(())),
        (json!({"aud": ["other", "sluice"], "azp": "sluice"}), Ok(())),
        (json!({"exp": NOW - 59}), Ok(())),
        (json!({"nbf": null}), Err(Wrong::Shape)),
        (json!({"iat": NOW + 59}), Ok(())),
        (json!({"iss": "https://login.example.com/"}), Err(Wrong::Issuer)),
        (json!({"iss": null}), missing("iss")),
        (json!({"aud": "other"}), Err(Wrong::Audience)),
        (json!({"aud": []}), Err(Wrong::Audience)),
        (json!({"aud": null}), missing("aud")),
        (json!({"aud": ["other", "sluice"]}), Err(Wrong::Audience)),
        (json!({"azp": "other"}), Err(Wrong::Audience)),
        (json!({"azp": 1}), Err(Wrong::Audience)),
        (json!({"exp": NOW - 60}), Err(Wrong::Expired)),
        (json!({"exp": "soon"}), Err(Wrong::Shape)),
        (json!({"exp": 1e300}), Err(Wrong::Shape)),
        (json!({"nbf": NOW + 61}), Err(Wrong::Early)),
        (json!({"iat": NOW + 61}), Err(Wrong::Early)),
        (json!({"nonce": "m"}), Err(Wrong::Nonce)),
        (json!({"nonce": null}), missing("nonce")),
        (json!({"sub": ""}), missing("sub")),
    ] {
        let mut claims = claims();
        for (name, value) in change.as_object().expect("claims") {
            claims[name] = value.clone();
        }
        assert_eq!(verdict(&signer, &signer.sign(&header, &claims)).map(|_| ()), expected, "{change}");
    }
    for claim in ["exp", "iat"] {
        let mut claims = claims();
        claims.as_object_mut().expect("claims").remove(claim);
        assert_eq!(verdict(&signer, &signer.sign(&header, &claims)).map(|_| ()), missing(claim));
    }
}

#[test]
fn a_token_that_the_provider_did_not_sign_is_refused() {
    let signer = Signer::new();
    for (header, expected) in [
        (json!({"alg": "none"}), Wrong::Algorithm),
        (json!({"alg": "HS256", "kid": "one"}), Wrong::Algorithm),
        (json!({"alg": "es256", "kid": "one"}), Wrong::Algorithm),
        (json!({"kid": "one"}), Wrong::Algorithm),
        // Not announced.
        (json!({"alg": "RS256", "kid": "one"}), Wrong::Algorithm),
        (json!({"alg": "ES256", "kid": "two"}), Wrong::Key),
        (json!({"alg": "ES256", "kid": "one", "crit": ["x"]}), Wrong::Shape),
    ] {
        assert_eq!(verdict(&signer, &signer.sign(&header, &claims())), Err(expected), "{header}");
    }
    let header = json!({"alg": "ES256", "kid": "one"});
    let good = signer.sign(&header, &claims());
    assert_eq!(verdict(&signer, &Signer::new().sign(&header, &claims())), Err(Wrong::Signature));
    let (content, signature) = good.rsplit_once('.').expect("a signature");
    assert_eq!(verdict(&signer, &format!("{content}.")), Err(Wrong::Signature));
    let other = signer.sign(&header, &json!({"sub": "eve"}));
    let (changed, _) = other.rsplit_once('.').expect("a signature");
    assert_eq!(verdict(&signer, &format!("{changed}.{signature}")), Err(Wrong::Signature));
    for broken in ["", ".", "..", "a.b", "a.b.c", &format!("{good}.x"), &"x".repeat(100_000)] {
        assert_eq!(verdict(&signer, broken), Err(Wrong::Shape), "{broken:.20}");
    }
}

#[test]
fn each_kind_of_key_verifies_what_it_signed_and_nothing_else() {
    let message = b"header.claims";
    let random = SystemRandom::new();
    let encode = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let rsa = RsaKeyPair::generate(KeySize::Rsa2048).expect("a key");
    let mut by_rsa = vec![0; rsa.public_modulus_len()];
    rsa.sign(&RSA_PKCS1_SHA256, &random, message, &mut by_rsa).expect("a signature");
    // The public key is a sequence of the modulus and of 65537.
    let der = rsa.public_key().as_ref();
    let rsa = json!({"kty": "RSA", "kid": "r", "n": encode(&der[9..265]), "e": "AQAB"});
    let edwards = Ed25519KeyPair::generate().expect("a key");
    let by_edwards = edwards.sign(message).as_ref().to_vec();
    let edwards = json!({"kty": "OKP", "crv": "Ed25519", "kid": "e", "x": encode(edwards.public_key().as_ref())});
    let keys = Keys::read(&json!({"keys": [rsa, edwards, {"kty": "oct", "kid": "h", "k": "c2VjcmV0"}, 1]}));

    assert!(keys.verify(Algorithm::Rs256, Some("r"), message, &by_rsa));
    assert!(keys.verify(Algorithm::EdDsa, Some("e"), message, &by_edwards));
    assert!(keys.verify(Algorithm::EdDsa, None, message, &by_edwards));
    assert!(!keys.verify(Algorithm::Rs256, Some("r"), b"header.others", &by_rsa));
    assert!(!keys.verify(Algorithm::EdDsa, Some("e"), b"header.others", &by_edwards));
    // By its name a key is found only for its own algorithm.
    assert!(!keys.has(Algorithm::Es256, Some("r")) && !keys.has(Algorithm::Rs256, Some("e")));
    let for_secrets = json!({"keys": [{"kty": "RSA", "use": "enc", "n": encode(&[1; 256]), "e": "AQAB"}]});
    assert!(!Keys::read(&for_secrets).has(Algorithm::Rs256, None));
}

/// A provider that lets everybody in.
pub struct Small {
    address: String,
    signer: Signer,
    /// Of each code: its challenge and its nonce.
    codes: Mutex<HashMap<String, (String, String)>>,
    /// Whether it knows our secret.
    refuses: bool,
    /// How many seconds a token lasts that it issues.
    lasts: AtomicI64,
}

impl Small {
    /// Starts one; whether it refuses our secret.
    pub async fn start(refuses: bool) -> Arc<Small> {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = format!("http://{}", listener.local_addr().expect("an address"));
        let small = Arc::new(Small {
            address,
            signer: Signer::new(),
            codes: Mutex::default(),
            refuses,
            lasts: AtomicI64::new(300),
        });
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(announce))
            .route("/keys", get(async |State(small): State<Arc<Small>>| small.signer.keys().to_string()))
            .route("/token", post(issue))
            .with_state(Arc::clone(&small));
        tokio::spawn(async { axum::serve(listener, router).await });
        small
    }

    fn settings(&self) -> Settings {
        Settings {
            issuer: self.address.clone(),
            client_id: "sluice".to_owned(),
            client_secret: Some("s3cret".to_owned()),
            url: "http://localhost:3100".to_owned(),
            scopes: vec!["email".to_owned()],
            mode: OidcMode::Token,
            naming: Naming {
                username_claim: "sub".to_owned(),
                username_prefix: "oidc:".to_owned(),
                groups_claim: "groups".to_owned(),
                groups_prefix: String::new(),
            },
            authorities: None,
        }
    }

    /// What its pages do: somebody is let in, and sent back with a code.
    pub fn lets_in(&self, entrance: &Url) -> String {
        let asked: HashMap<String, String> = entrance.query_pairs().into_owned().collect();
        assert!(entrance.as_str().starts_with(&format!("{}/authorize?", self.address)), "{entrance}");
        assert_eq!(asked["code_challenge_method"], "S256");
        assert_eq!(asked["redirect_uri"], "http://localhost:3100/login/oidc/callback");
        assert_eq!(asked["scope"], "openid email");
        let mut codes = self.codes.lock().unwrap_or_else(PoisonError::into_inner);
        let code = format!("code-{}", codes.len());
        codes.insert(code.clone(), (asked["code_challenge"].clone(), asked["nonce"].clone()));
        format!("/login/oidc/callback?state={}&code={code}", asked["state"])
    }
}

async fn announce(State(small): State<Arc<Small>>) -> String {
    let at = &small.address;
    json!({
        "issuer": at, "authorization_endpoint": format!("{at}/authorize"), "token_endpoint": format!("{at}/token"),
        "jwks_uri": format!("{at}/keys"), "end_session_endpoint": format!("{at}/bye"),
        "id_token_signing_alg_values_supported": ["ES256", "HS256", "none"],
    })
    .to_string()
}

async fn issue(State(small): State<Arc<Small>>, body: String) -> (StatusCode, String) {
    if small.refuses {
        return (StatusCode::UNAUTHORIZED, json!({"error": "invalid_client"}).to_string());
    }
    let form = Url::parse(&format!("http://form/?{body}")).expect("a form");
    let form: HashMap<String, String> = form.query_pairs().into_owned().collect();
    let found = small.codes.lock().unwrap_or_else(PoisonError::into_inner).remove(&form["code"]);
    let challenge = BASE64_URL_SAFE_NO_PAD.encode(digest::digest(&digest::SHA256, form["code_verifier"].as_bytes()));
    let Some((_, nonce)) = found.filter(|(challenged, _)| *challenged == challenge) else {
        return (StatusCode::BAD_REQUEST, json!({"error": "invalid_grant"}).to_string());
    };
    let now = Clock::System.now().as_second();
    let end = now + small.lasts.load(Ordering::Relaxed);
    let claims = json!({"iss": small.address, "aud": "sluice", "sub": "ann", "nonce": nonce, "iat": now, "exp": end});
    let token = small.signer.sign(&json!({"alg": "ES256", "kid": "one"}), &claims);
    (StatusCode::OK, json!({"id_token": token, "access_token": "x", "token_type": "Bearer"}).to_string())
}

/// Begins a login: the browser's cookie, and where it is sent.
pub async fn begin(stage: &Stage) -> (String, Url) {
    let answer = stage.asked(Method::GET, "/login/oidc?to=%2Frollouts%3Fq%3Dweb").send().await.expect("an answer");
    assert_eq!(answer.status(), 303);
    let cookie = answer.headers()["set-cookie"].to_str().expect("text").to_owned();
    assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let entrance = answer.headers()["location"].to_str().expect("text");
    (cookie, entrance.parse().expect("an address"))
}

/// What a browser with this cookie is answered.
pub async fn back(stage: &Stage, cookie: &str, path: &str) -> Response {
    stage.asked(Method::GET, path).header("cookie", cookie).send().await.expect("an answer")
}

async fn stage_with(small: &Small) -> Stage {
    let provider = Provider::new(small.settings(), Clock::System).expect("a provider");
    Stage::with_provider(SHARED, Some(provider)).await
}

/// A stage whose API server does not know the provider, but says what people may do.
pub async fn stage_that_reviews(small: &Small) -> Stage {
    let settings = Settings { mode: OidcMode::Review, ..small.settings() };
    let provider = Provider::new(settings, Clock::System).expect("a provider");
    Stage::with_provider(SHARED, Some(provider)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_counts_is_shown_to_the_api_server_which_has_the_last_word() {
    let small = Small::start(false).await;
    let stage = stage_with(&small).await;
    assert!(stage.page("/login?to=/rollouts").await.contains("/login/oidc?to=%2Frollouts"));
    let (cookie, entrance) = begin(&stage).await;
    let answer = back(&stage, &cookie, &small.lets_in(&entrance)).await;
    // This API server trusts nobody but itself: everything up to it has gone well.
    assert_eq!(answer.status(), 401);
    assert!(
        answer.headers().get_all("set-cookie").iter().all(|cookie| !cookie.as_bytes().starts_with(b"sluice-session"))
    );
    let said = text(answer).await;
    assert!(said.contains("the API server does not take the ID token") && !said.contains("eyJ"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_person_logs_in_at_the_provider_looks_and_logs_out_at_both() {
    let small = Small::start(false).await;
    let stage = stage_with(&small).await;
    stage.rollout("shop", "web").await;
    let rules = json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["*"]}]);
    let token = stage.token("ann", &rules).await;
    *stage.anns.lock().expect("a token") = Some(token.clone());
    stage.until_seen("/rollouts/shop/web", &token).await;
    let (cookie, entrance) = begin(&stage).await;
    let answer = back(&stage, &cookie, &small.lets_in(&entrance)).await;
    assert_eq!(answer.status(), 303);
    assert_eq!(answer.headers()["location"], "/rollouts?q=web");
    let cookies: Vec<String> =
        answer.headers().get_all("set-cookie").iter().map(|cookie| cookie.to_str().expect("text").to_owned()).collect();
    let session = cookies.iter().find(|cookie| cookie.starts_with("sluice-session-")).expect("a session");
    assert!(session.contains("HttpOnly; SameSite=Lax"), "{session}");
    assert!(cookies.iter().any(|cookie| cookie.starts_with("sluice-login=;")), "{cookies:?}");
    let session = session.split(';').next().expect("a cookie").to_owned();
    assert_eq!(back(&stage, &session, "/rollouts/shop/web").await.status(), 200);

    let out = stage.asked(Method::POST, "/logout").header("cookie", &session).send().await.expect("an answer");
    assert_eq!(out.status(), 200);
    let said = text(out).await;
    assert!(said.contains(&format!("{}/bye?client_id=sluice", small.address)), "{said}");
    assert_eq!(back(&stage, &session, "/rollouts/shop/web").await.status(), 303);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_is_taken_once_and_from_the_browser_that_asked() {
    let small = Small::start(false).await;
    let stage = stage_with(&small).await;
    let (mine, entrance) = begin(&stage).await;
    let (others, elsewhere) = begin(&stage).await;
    let answer = small.lets_in(&entrance);
    assert_eq!(back(&stage, "", &answer).await.status(), 400);
    assert_eq!(back(&stage, "sluice-login=guessed", &answer).await.status(), 400);
    // The state of another browser. What that one has begun goes on.
    assert_eq!(back(&stage, &others, &answer).await.status(), 400);
    assert_eq!(back(&stage, &others, &small.lets_in(&elsewhere)).await.status(), 401, "the API server was asked");
    assert_eq!(back(&stage, &mine, &answer).await.status(), 401, "the API server was asked");
    // The provider takes each code once.
    let again = back(&stage, &mine, &answer).await;
    assert_eq!(again.status(), 502);
    assert!(text(again).await.contains("invalid_grant"));
    // Neither does a code of another login help: its verifier and nonce are others.
    let (mine, entrance) = begin(&stage).await;
    let (_, elsewhere) = begin(&stage).await;
    let (first, second) = (small.lets_in(&entrance), small.lets_in(&elsewhere));
    let mixed = [first.split('&').next().expect("a state"), second.split('&').nth(1).expect("a code")].join("&");
    let answer = back(&stage, &mine, &mixed).await;
    assert_eq!(answer.status(), 502);
    assert!(text(answer).await.contains("invalid_grant"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_goes_wrong_at_the_provider_is_told_with_what_to_do() {
    let small = Small::start(true).await;
    let stage = stage_with(&small).await;
    let (cookie, entrance) = begin(&stage).await;
    let said = text(back(&stage, &cookie, &small.lets_in(&entrance)).await).await;
    assert!(said.contains("invalid_client") && said.contains("--dashboard-oidc-client-secret-file"), "{said}");
    assert!(!said.contains("s3cret") && !said.contains("code-0"), "{said}");

    let (cookie, entrance) = begin(&stage).await;
    let without_code = small.lets_in(&entrance).split('&').next().expect("a state").to_owned();
    let answer = back(&stage, &cookie, &format!("{without_code}&error=access_denied")).await;
    assert_eq!(answer.status(), 401);
    assert!(text(answer).await.contains("access_denied"));

    // Nobody listens there.
    let settings = Settings { issuer: "http://127.0.0.1:1".to_owned(), ..small.settings() };
    let provider = Provider::new(settings, Clock::System).expect("a provider");
    let stage = Stage::with_provider(SHARED, Some(provider)).await;
    let answer = stage.asked(Method::GET, "/login/oidc").send().await.expect("an answer");
    assert_eq!(answer.status(), 502);
    assert!(text(answer).await.contains("see whether it is up"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dashboard_without_a_provider_says_so() {
    let stage = Stage::new(SHARED).await;
    assert_eq!(stage.asked(Method::GET, "/login/oidc").send().await.expect("an answer").status(), 404);
    assert!(!stage.page("/login").await.contains("/login/oidc"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_open_page_hears_that_what_the_provider_issued_has_run_out() {
    let small = Small::start(false).await;
    let stage = stage_that_reviews(&small).await;
    stage.bind("oidc:ann", &json!([{"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["list"]}])).await;
    stage.rollout("shop", "web").await;
    small.lasts.store(20, Ordering::Relaxed);
    let (cookie, entrance) = begin(&stage).await;
    let session = session_of(&back(&stage, &cookie, &small.lets_in(&entrance)).await);
    let mut stream = back(&stage, &session, "/rollouts/live").await;
    assert_eq!(stream.status(), 200);
    let heard = async {
        let mut said = String::new();
        while let Some(more) = stream.chunk().await.expect("it is not cut") {
            said += &String::from_utf8_lossy(&more);
        }
        said
    };
    let said = tokio::time::timeout(std::time::Duration::from_mins(2), heard).await.expect("it ends");
    assert!(said.contains("event: login"), "{said}");
    assert_eq!(back(&stage, &session, "/rollouts/live").await.status(), 303);
}
