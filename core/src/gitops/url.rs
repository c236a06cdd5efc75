//! URLs of repositories: how messages name them, and those that lead elsewhere than they seem to.

/// A URL as messages name it: without a login, which may be a token alone, and without a query, which may be one. The user of SSH, whose
/// secret is a key, is told.
pub fn shown(url: &str) -> String {
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    if scheme.eq_ignore_ascii_case("file") {
        return url.to_owned();
    }
    let rest = rest.split(['?', '#']).next().unwrap_or_default();
    let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    match authority.rsplit_once('@') {
        Some((user, host)) if scheme == "ssh" && !user.contains(':') => format!("{scheme}://{user}@{host}{path}"),
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => format!("{scheme}://{authority}{path}"),
    }
}

/// Whether a part of it is `.` or `..`, written out or encoded, or may be taken for that: it would be another place than the one that
/// rules and Secrets are compared with.
pub fn is_crooked(url: &str) -> bool {
    let url = url.trim().to_ascii_lowercase();
    // Some leave out line breaks and tabs, and some take the one slash for the other.
    if url.contains(|c: char| c == '\\' || c.is_control()) {
        return true;
    }
    let path = match url.split_once("://") {
        // Only these have a query, and that may have any letters.
        Some(("http" | "https" | "oci", rest)) => {
            let rest = rest.split(['?', '#']).next().unwrap_or_default();
            rest.split_once('/').map_or("", |(_, path)| path)
        }
        Some((_, rest)) => rest.split_once('/').map_or("", |(_, path)| path),
        None => url.as_str(),
    };
    path.contains("%2f")
        || path.contains("%5c")
        || path.replace("%2e", ".").split(['/', ':']).any(|part| matches!(part, "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_of_a_url_is_shown() {
        for (url, expected) in [
            ("https://git.example.com/a.git", "https://git.example.com/a.git"),
            ("https://jo:se@cret@git.example.com/a", "https://***@git.example.com/a"),
            ("https://t0ken@git.example.com", "https://***@git.example.com"),
            ("https://git.example.com/a?token=secret#x", "https://git.example.com/a"),
            ("https://jo:secret@git.example.com?x=@y", "https://***@git.example.com"),
            ("oci://jo:secret@registry.example.com/a@b", "oci://***@registry.example.com/a@b"),
            ("ssh://git@example.com:2222/a.git", "ssh://git@example.com:2222/a.git"),
            ("ssh://git:secret@example.com/a.git", "ssh://***@example.com/a.git"),
            ("git@example.com:team/a.git", "git@example.com:team/a.git"),
            ("/srv/git/a?b.git", "/srv/git/a?b.git"),
            ("file:///srv/git/a?b.git", "file:///srv/git/a?b.git"),
        ] {
            assert_eq!(shown(url), expected);
        }
    }

    #[test]
    fn a_url_that_leads_elsewhere_is_found() {
        for url in [
            "https://git.example.com/team/../other",
            "https://git.example.com/team/./a",
            "https://git.example.com/team/..",
            "https://git.example.com/team/%2E%2e/other",
            "https://git.example.com/team/.%2e/other",
            "https://git.example.com/team%2f..%2Fother",
            "https://git.example.com/team\\..\\other",
            "https://git.example.com/team/%5C",
            "https://git.example.com/team/.\t./other",
            "oci://registry.example.com/../a",
            "git@example.com:../a",
            "/srv/git/../a",
            "file:///srv/git/%2e%2e/a",
            "file:/srv/git/../a",
            "../a",
        ] {
            assert!(is_crooked(url), "{url}");
        }
        for url in [
            "https://git.example.com/team/.github",
            "https://git.example.com/a..b/...",
            "git@example.com:team/a.git",
            "ssh://git@example.com:2222/~jo/a.git",
            "/srv/git/a.git",
            "file:///srv/a%20b",
            "registry.example.com:5000/a",
            "https://robot:a%2Fb@charts.example.com/stable?sig=a%2Fb&at=/../",
            "",
        ] {
            assert!(!is_crooked(url), "{url}");
        }
    }
}
