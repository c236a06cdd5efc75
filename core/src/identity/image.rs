//! Which tag an image reference ends up with: it decides the default pull policy of a container.
//!
//! Kubernetes reads references by the grammar of the `distribution` project and treats one that it cannot read as if it
//! had some other tag, so the grammar matters: `nginx` is pulled always, `NGINX` only if absent.

/// Whether the reference means `latest`: it names that tag, or neither a tag nor a digest.
pub fn is_latest(image: &str) -> bool {
    match Reference::parse(image) {
        Some(Reference { tag: Some(tag), .. }) => tag == "latest",
        Some(Reference { digest, .. }) => digest.is_none(),
        None => false,
    }
}

struct Reference<'a> {
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

/// The longest repository path.
const LONGEST_PATH: usize = 255;
const LONGEST_TAG: usize = 128;

impl<'a> Reference<'a> {
    fn parse(image: &'a str) -> Option<Self> {
        if image.len() == 64 && image.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
            return None; // An image identifier, not a name.
        }
        let (name, digest) = match image.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (image, None),
        };
        // A colon before the last slash belongs to the port of a registry.
        let colon = name.rfind(':').filter(|colon| !name[*colon..].contains('/'));
        let (name, tag) = match colon {
            Some(colon) => (&name[..colon], Some(&name[colon + 1..])),
            None => (name, None),
        };
        let valid = is_name(name) && tag.is_none_or(is_tag) && digest.is_none_or(is_digest);
        valid.then_some(Self { tag, digest })
    }
}

fn is_name(name: &str) -> bool {
    let (domain, path) = match name.split_once('/') {
        Some((first, rest)) if looks_like_domain(first) => (first, rest),
        _ => ("docker.io", name),
    };
    let on_docker_hub = matches!(domain, "docker.io" | "index.docker.io");
    let implied = if on_docker_hub && !path.contains('/') { "library/".len() } else { 0 };
    is_domain(domain) && implied + path.len() <= LONGEST_PATH && path.split('/').all(is_path_component)
}

fn looks_like_domain(first: &str) -> bool {
    first == "localhost" || first.contains(['.', ':']) || first.chars().any(char::is_uppercase)
}

fn is_domain(domain: &str) -> bool {
    let (host, port) = match domain.rfind(':').filter(|colon| !domain[*colon..].contains(']')) {
        Some(colon) => (&domain[..colon], Some(&domain[colon + 1..])),
        None => (domain, None),
    };
    let valid_host = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit() || b == b':'),
        None => host.split('.').all(is_domain_component),
    };
    valid_host && port.is_none_or(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()))
}

fn is_domain_component(part: &str) -> bool {
    let inside = part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    inside && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
}

/// Lower-case words joined by one dot, one or two underscores, or any number of dashes.
fn is_path_component(part: &str) -> bool {
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let separators = part.split(is_word).filter(|between| !between.is_empty());
    part.starts_with(is_word)
        && part.ends_with(is_word)
        && separators.into_iter().all(|s| matches!(s, "." | "_" | "__") || s.bytes().all(|b| b == b'-'))
}

fn is_tag(tag: &str) -> bool {
    let is_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    tag.len() <= LONGEST_TAG
        && tag.bytes().next().is_some_and(is_word)
        && tag.bytes().all(|b| is_word(b) || matches!(b, b'.' | b'-'))
}

/// Only algorithms that the reference parser knows, in lower-case hexadecimal of their length.
fn is_digest(digest: &str) -> bool {
    let Some((algorithm, hex)) = digest.split_once(':') else { return false };
    let length = match algorithm {
        "sha256" => 64,
        "sha384" => 96,
        "sha512" => 128,
        _ => return false,
    };
    hex.len() == length && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
}
