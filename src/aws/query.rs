//! The query protocol: a form goes out, a document comes back.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::{Method, Url};

use super::http::{Answered, Ask, Http};
use super::sign::{Keys, Scope, Unsigned, form, sign};
use super::{Error, xml};

/// How long one call may take.
const PATIENCE: Duration = Duration::from_secs(10);
const FORM: &str = "application/x-www-form-urlencoded; charset=utf-8";

/// Who signs a call, and for which service.
#[derive(Clone, Copy)]
pub(super) struct Signer<'a> {
    pub(super) keys: &'a Keys,
    pub(super) scope: Scope<'a>,
    pub(super) now: Timestamp,
}

/// Makes a call; the answer's text, if it is a success. Only a call that says by itself who makes it needs no signature.
pub(super) async fn call(
    http: &Http,
    endpoint: &str,
    pairs: &[(&str, &str)],
    signer: Option<Signer<'_>>,
) -> Result<String, Error> {
    let action = pairs.first().map_or("", |(_, action)| action);
    let body = form(pairs);
    let url = Url::parse(endpoint)
        .map_err(|error| Error::Unconfigured(format!("{endpoint:?} is no address of an AWS service: {error}")))?;
    let host = match (url.host_str(), url.port()) {
        (Some(host), Some(port)) => format!("{host}:{port}"),
        (host, _) => host.unwrap_or_default().to_owned(),
    };
    let mut headers = vec![("content-type", FORM.to_owned())];
    if let Some(Signer { keys, scope, now }) = signer {
        let of_request = [("content-type", FORM), ("host", host.as_str())];
        let request =
            Unsigned { method: "POST", path: url.path(), query: &[], headers: &of_request, body: body.as_bytes() };
        headers.extend(sign(request, scope, keys, now));
    }
    let ask = Ask { action, method: Method::POST, url: url.as_str(), headers, body, near: false, patience: PATIENCE };
    let answered = http.send(ask).await?;
    if answered.status == 200 { Ok(answered.body) } else { Err(refusal(action, &answered)) }
}

fn refusal(action: &str, answered: &Answered) -> Error {
    let error = xml::parse(&answered.body).ok().and_then(|document| {
        let error = document.root_element().descendants().find(|node| node.tag_name().name() == "Error")?;
        Some((xml::text(error, &["Code"]), xml::text(error, &["Message"])))
    });
    let status = answered.status;
    let (code, message) = error.filter(|(code, _)| !code.is_empty()).unwrap_or_else(|| {
        (format!("HTTP {status}"), answered.body.chars().take(200).collect::<String>().trim().to_owned())
    });
    Error::Refused { action: action.to_owned(), status, code, message, after: answered.after() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, body: &str) -> String {
        let headers = [(reqwest::header::RETRY_AFTER, "7".parse().expect("a header"))].into_iter().collect();
        let error = refusal("DescribeRules", &Answered { status, headers, body: body.to_owned() });
        assert_eq!(error.after(), Some(Duration::from_secs(7)));
        error.to_string()
    }

    #[test]
    fn an_error_says_what_aws_says() {
        let body = r#"<ErrorResponse xmlns="http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/"><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User x is not authorized</Message></Error></ErrorResponse>"#;
        assert_eq!(refused(403, body), "AWS refuses DescribeRules: AccessDenied: User x is not authorized");
        assert_eq!(refused(500, "upstream\n"), "AWS refuses DescribeRules: HTTP 500: upstream");
        assert_eq!(refused(400, "<a/>"), "AWS refuses DescribeRules: HTTP 400: <a/>");
    }
}
