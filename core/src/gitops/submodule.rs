//! Where a submodule is fetched from: what `.gitmodules` says, which anybody may write who can commit.

/// The longest URL that is looked at.
const LONGEST: usize = 2_000;

/// The URL of a submodule that a repository names so: `./` and `../` lead on from the repository's own.
///
/// # Errors
/// Why it is none that may be asked. What is on this machine is for repositories of this machine alone.
pub fn url(parent: &str, named: &str) -> Result<String, String> {
    let wrong = |why: &str| Err(format!("its URL {:?} {why}", named.chars().take(LONGEST).collect::<String>()));
    if named.is_empty() || named.len() > LONGEST || named.chars().any(char::is_control) {
        return wrong("is none");
    }
    let url = if named.starts_with("./") || named.starts_with("../") || named == ".." || named == "." {
        match relative(parent, named) {
            Some(url) => url,
            None => return wrong("leads above the server of the repository"),
        }
    } else {
        named.to_owned()
    };
    if super::url::is_crooked(&url) {
        return wrong("has . or .. in its path");
    }
    match (Reach::of(&url), Reach::of(parent)) {
        (Some(Reach::Https | Reach::Ssh), _)
        | (Some(Reach::Http), Some(Reach::Http))
        | (Some(Reach::Local), Some(Reach::Local)) => Ok(url),
        (Some(Reach::Http), _) => wrong("is not encrypted, and that of the repository is"),
        (Some(Reach::Local), _) => wrong("is on this machine, and the repository is not"),
        (None, _) => wrong("is neither one of HTTPS nor of SSH"),
    }
}

/// How a repository is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reach {
    Https,
    Http,
    Ssh,
    Local,
}

impl Reach {
    /// What a URL says, if it is one of those that are read.
    fn of(url: &str) -> Option<Reach> {
        if let Some((scheme, rest)) = url.split_once("://") {
            // What begins like an option may be taken for one.
            let is_plain = !rest.is_empty() && !rest.starts_with('-') && !rest.contains("@-");
            return match scheme.to_ascii_lowercase().as_str() {
                "https" => Some(Reach::Https),
                "http" => Some(Reach::Http),
                "ssh" | "git+ssh" | "ssh+git" => Some(Reach::Ssh),
                "file" => Some(Reach::Local),
                _ => None,
            }
            .filter(|_| is_plain);
        }
        if url.starts_with('/') {
            return Some(Reach::Local);
        }
        // As in `git@host:team/colors.git`; two colons are a helper's, which is a program.
        let (host, path) = url.split_once(':')?;
        let is_host = !host.is_empty() && !host.contains('/') && !host.starts_with('-') && !host.contains("@-");
        (is_host && !path.is_empty() && !path.starts_with(':')).then_some(Reach::Ssh)
    }
}

/// A URL that leads on from another one; nothing where it leads above its server.
fn relative(parent: &str, named: &str) -> Option<String> {
    let parent = parent.trim_end_matches('/');
    // What the path begins after.
    let root = match parent.split_once("://") {
        Some((scheme, rest)) => scheme.len() + 3 + rest.find('/')?,
        None if parent.starts_with('/') => 0,
        None => parent.find(':')?,
    };
    let (server, path) = parent.split_at(root);
    let (begin, path) = path.split_at(path.chars().next().map_or(0, char::len_utf8));
    let mut parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    for part in named.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    // An absolute path behind `host:` stays one.
    let slash = if begin == ":" && path.starts_with('/') { "/" } else { "" };
    (!parts.is_empty()).then(|| format!("{server}{begin}{slash}{}", parts.join("/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_submodule_is_beside_its_repository_or_elsewhere() {
        for (parent, named, expected) in [
            ("https://example.com/team/web.git", "../base.git", "https://example.com/team/base.git"),
            ("https://example.com/team/web.git", "../../other/base", "https://example.com/other/base"),
            ("https://example.com/team/web/", "./base", "https://example.com/team/web/base"),
            ("https://me@example.com:8443/web", "../base", "https://me@example.com:8443/base"),
            ("git@example.com:team/web.git", "../base.git", "git@example.com:team/base.git"),
            ("git@example.com:web.git", "../base.git", "git@example.com:base.git"),
            ("git@example.com:/srv/web.git", "../base.git", "git@example.com:/srv/base.git"),
            ("ssh://git@example.com:2222/team/web.git", "../base", "ssh://git@example.com:2222/team/base"),
            ("file:///srv/git/web.git", "../base.git", "file:///srv/git/base.git"),
            ("/srv/git/web.git", "../base.git", "/srv/git/base.git"),
            ("/srv/git/web.git", "/srv/base.git", "/srv/base.git"),
            ("https://example.com/web", "https://elsewhere.example.com/base", "https://elsewhere.example.com/base"),
            ("https://example.com/web", "git@example.com:base.git", "git@example.com:base.git"),
            ("http://example.com/web", "http://example.com/base", "http://example.com/base"),
        ] {
            assert_eq!(url(parent, named).as_deref(), Ok(expected), "{named} in {parent}");
        }
    }

    #[test]
    fn nothing_else_is_asked() {
        for (parent, named) in [
            ("https://example.com/web", "../.."),
            ("https://example.com/web", "../../base"),
            ("https://example.com", "../base"),
            ("git@example.com:web.git", "../../base.git"),
            ("https://example.com/web", "file:///etc"),
            ("https://example.com/web", "FILE:///etc"),
            ("https://example.com/web", "/srv/git/base.git"),
            ("git@example.com:web", "file:///srv/base"),
            ("https://example.com/web", "http://example.com/base"),
            ("file:///srv/web", "http://169.254.169.254/latest"),
            ("file:///srv/web", "--upload-pack=touch /tmp/x"),
            ("file:///srv/web", "ext::sh -c id"),
            ("https://example.com/web", "ext::sh -c id"),
            ("https://example.com/web", "git://example.com/base"),
            ("https://example.com/web", "-oProxyCommand=id:base"),
            ("https://example.com/web", "ssh://-oProxyCommand=id/base"),
            ("https://example.com/web", "ssh://git@-oProxyCommand=id/base"),
            ("https://example.com/web", "git@-oProxyCommand=id:base"),
            ("https://example.com/web", "base"),
            ("https://example.com/web", ""),
            ("https://example.com/web", "https://example.com/a\nb"),
        ] {
            assert!(url(parent, named).is_err(), "{named} in {parent}: {:?}", url(parent, named));
        }
        assert!(url("https://example.com/web", &format!("https://{}", "x".repeat(3_000))).is_err());
    }
}
