//! Signature Version 4: a request says who sends it, and that nobody has changed it on its way.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac::{self, HMAC_SHA256};
use jiff::Timestamp;

/// Whose signature it is.
#[derive(Clone, PartialEq, Eq)]
pub struct Keys {
    /// The public part.
    pub access: String,
    /// The secret part.
    pub secret: String,
    /// What belongs to it where it is good for a while only.
    pub token: Option<String>,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("access", &self.access).finish_non_exhaustive()
    }
}

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Unsigned<'a> {
    /// Its method.
    pub method: &'a str,
    /// Its path, percent-encoded as it is sent.
    pub path: &'a str,
    /// Its query as names and values, not encoded.
    pub query: &'a [(&'a str, &'a str)],
    /// Its headers, `host` among them; names in lower case.
    pub headers: &'a [(&'a str, &'a str)],
    /// Its body.
    pub body: &'a [u8],
}

/// Where a signature is good.
#[derive(Clone, Copy, Debug)]
pub struct Scope<'a> {
    /// Such as `eu-west-1`.
    pub region: &'a str,
    /// Such as `elasticloadbalancing`.
    pub service: &'a str,
}

/// The headers that a request needs besides.
pub fn sign(request: Unsigned<'_>, scope: Scope<'_>, keys: &Keys, now: Timestamp) -> Vec<(&'static str, String)> {
    let time = now.strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &time[..8];
    let mut headers: Vec<(&str, String)> = request.headers.iter().map(|(name, value)| (*name, spaced(value))).collect();
    headers.push(("x-amz-date", time.clone()));
    headers.extend(keys.token.iter().map(|token| ("x-amz-security-token", token.clone())));
    headers.sort();
    let names: Vec<&str> = headers.iter().map(|(name, _)| *name).collect();
    let names = names.join(";");
    let lines = headers.iter().fold(String::new(), |lines, (name, value)| lines + name + ":" + value + "\n");
    let path = if request.path.is_empty() { "/".to_owned() } else { encoded(request.path, true) };
    let canonical =
        [request.method, &path, &query(request.query), &lines, &names, &hex(digest(&SHA256, request.body))].join("\n");
    let place = format!("{day}/{}/{}/aws4_request", scope.region, scope.service);
    let text = ["AWS4-HMAC-SHA256", &time, &place, &hex(digest(&SHA256, canonical.as_bytes()))].join("\n");
    let first = format!("AWS4{}", keys.secret);
    let parts = [day, scope.region, scope.service, "aws4_request"];
    let key = parts.iter().fold(first.into_bytes(), |key, part| mac(&key, part));
    let signature = hex(mac(&key, &text));
    let authorization =
        format!("AWS4-HMAC-SHA256 Credential={}/{place}, SignedHeaders={names}, Signature={signature}", keys.access);
    let token = keys.token.iter().map(|token| ("x-amz-security-token", token.clone()));
    [("x-amz-date", time), ("authorization", authorization)].into_iter().chain(token).collect()
}

fn mac(key: &[u8], text: &str) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: impl AsRef<[u8]>) -> String {
    bytes.as_ref().iter().fold(String::new(), |text, byte| {
        let digit = |half: u8| char::from_digit(half.into(), 16).unwrap_or('0');
        text + &String::from_iter([digit(byte >> 4), digit(byte & 15)])
    })
}

/// A header's value without what may be changed on the way.
fn spaced(value: &str) -> String {
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn query(query: &[(&str, &str)]) -> String {
    let mut pairs: Vec<_> = query.iter().map(|(name, value)| (encoded(name, false), encoded(value, false))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Names and values as the body of a form.
pub fn form(pairs: &[(&str, &str)]) -> String {
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", encoded(name, false), encoded(value, false)));
    pairs.collect::<Vec<_>>().join("&")
}

/// Percent-encodes all but letters, digits and `-_.~`; of a path, slashes stay.
fn encoded(text: &str, is_path: bool) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => encoded.push(char::from(byte)),
            b'/' if is_path => encoded.push('/'),
            _ => {
                encoded.push('%');
                encoded.push_str(&hex([byte]).to_uppercase());
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = "application/x-www-form-urlencoded";
    const HOST: (&str, &str) = ("host", "example.amazonaws.com");

    fn keys(token: Option<&str>) -> Keys {
        Keys {
            access: "AKIDEXAMPLE".into(),
            secret: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".into(),
            token: token.map(str::to_owned),
        }
    }

    fn signature(request: Unsigned<'_>, service: &str, token: Option<&str>) -> String {
        let now = "2015-08-30T12:36:00Z".parse().expect("a time");
        let scope = Scope { region: "us-east-1", service };
        let headers = sign(request, scope, &keys(token), now);
        assert_eq!(headers[0], ("x-amz-date", "20150830T123600Z".to_owned()));
        assert_eq!(headers.len(), 2 + usize::from(token.is_some()));
        headers[1].1.clone()
    }

    /// The vectors that AWS publishes, by their names.
    #[test]
    fn signatures_are_those_that_aws_publishes() {
        let plain = Unsigned { method: "GET", path: "/", query: &[], headers: &[HOST], body: b"" };
        let post = Unsigned { method: "POST", ..plain };
        let cases = [
            ("get-vanilla", plain, "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"),
            ("post-vanilla", post, "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"),
            (
                "get-vanilla-query-order-key-case",
                Unsigned { query: &[("Param2", "value2"), ("Param1", "value1")], ..plain },
                "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
            ),
            (
                "get-header-value-trim",
                Unsigned { headers: &[HOST, ("my-header1", " value1"), ("my-header2", " \"a   b   c\"")], ..plain },
                "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
            ),
            (
                "post-x-www-form-urlencoded",
                Unsigned { headers: &[("content-type", FORM), HOST], body: b"Param1=value1", ..post },
                "ff11897932ad3f4e8b18135d722051e5ac45fc38421b1da7b9d196a0fe09473a",
            ),
        ];
        for (name, request, expected) in cases {
            let signed = signature(request, "service", None);
            assert!(signed.ends_with(&format!("Signature={expected}")), "{name}: {signed}");
        }
    }

    #[test]
    fn what_belongs_to_a_key_that_is_good_for_a_while_is_signed_too() {
        let token = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfpSPfIeoIYRqTflfKD8YUuwthAx7mSEI/qkPpKPi/kMcGdQrmGdeehM4IC1NtBmUpp2wUE8phUZampKsburEDy0KPkyQDYwT7WZ0wq5VSXDvp75YU9HFvlRd8Tx6q6fE8YQcHNVXAkiY9q6d+xo0rKwT38xVqr7ZD0u0iPPkUL64lIZbqBAz+scqKmlzm8FDrypNC9Yjc8fPOLn9FX9KSYvKTr4rvx3iSIlTJabIQwj2ICCR/oLxBA==";
        let request = Unsigned { method: "POST", path: "/", query: &[], headers: &[HOST], body: b"" };
        let signed = signature(request, "service", Some(token));
        assert!(signed.contains("SignedHeaders=host;x-amz-date;x-amz-security-token,"), "{signed}");
        let expected = "85d96828115b5dc0cfc3bd16ad9e210dd772bbebba041836c64533a82be05ead";
        assert!(signed.ends_with(expected), "{signed}");
    }

    #[test]
    fn a_form_is_encoded_as_it_is_signed() {
        assert_eq!(
            form(&[("Action", "Describe Tags"), ("Name", "a/b~c=é")]),
            "Action=Describe%20Tags&Name=a%2Fb~c%3D%C3%A9"
        );
    }

    #[test]
    fn a_secret_is_not_told() {
        assert_eq!(format!("{:?}", keys(Some("t"))), r#"Keys { access: "AKIDEXAMPLE", .. }"#);
    }
}
