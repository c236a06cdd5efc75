//! The flags of the connection for commands that are printed: whoever types one of them gets to the same place.

use std::path::{Path, PathBuf};

use crate::connection::Connection;

/// The flags that decide which API server is asked and as whom, as they were given, each with a space before it. A token is
/// left out: what is printed is kept in logs.
pub fn flags(connection: &Connection) -> String {
    let path = |path: &Option<PathBuf>| path.as_deref().map(Path::to_string_lossy).map(String::from);
    let Connection { kubeconfig, context, cluster, user, as_user, as_uid, server, .. } = connection;
    let one = [
        ("kubeconfig", path(kubeconfig)),
        ("context", context.clone()),
        ("cluster", cluster.clone()),
        ("user", user.clone()),
        ("server", server.clone()),
        ("certificate-authority", path(&connection.certificate_authority)),
        ("client-certificate", connection.client_certificate.clone()),
        ("client-key", connection.client_key.clone()),
        ("tls-server-name", connection.tls_server_name.clone()),
        ("insecure-skip-tls-verify", connection.insecure_skip_tls_verify.map(|skip| skip.to_string())),
        ("as", as_user.clone()),
        ("as-uid", as_uid.clone()),
    ];
    let one = one.into_iter().filter_map(|(flag, value)| Some((flag, value?)));
    let groups = connection.as_group.iter().map(|group| ("as-group", group.clone()));
    let mut text = String::new();
    for (flag, value) in one.chain(groups) {
        text.extend([" --", flag, "=", &quoted(&value)]);
    }
    text
}

/// A word as a shell reads it.
fn quoted(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@=,+%".contains(c);
    if !text.is_empty() && text.chars().all(is_plain) {
        text.to_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_is_said_again_and_a_token_is_not() {
        assert_eq!(flags(&Connection::default()), "");
        let given = Connection {
            namespace: Some("shop".to_owned()),
            context: Some("arn:aws:eks:eu:1:cluster/prod".to_owned()),
            kubeconfig: Some("my files/config".into()),
            as_user: Some("o'neil".to_owned()),
            as_group: vec!["a".to_owned(), "b".to_owned()],
            insecure_skip_tls_verify: Some(true),
            token: Some("secret".to_owned()),
            ..Connection::default()
        };
        assert_eq!(
            flags(&given),
            " --kubeconfig='my files/config' --context=arn:aws:eks:eu:1:cluster/prod --insecure-skip-tls-verify=true \
             --as='o'\\''neil' --as-group=a --as-group=b"
        );
    }
}
