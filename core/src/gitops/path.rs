//! Paths in a repository.

/// A path of a file that is named in a folder, from the root of the repository; nothing where it leads out of that.
pub fn within(folder: &str, named: &str) -> Option<String> {
    let from = if named.starts_with('/') { "" } else { folder };
    let mut parts: Vec<&str> = Vec::new();
    for part in from.split('/').chain(named.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_in_its_repository() {
        for (folder, named, expected) in [
            ("", "apps/web", Some("apps/web")),
            ("apps", "./web/", Some("apps/web")),
            ("apps/web", "../base", Some("apps/base")),
            ("apps/web", "/base", Some("base")),
            ("apps", "..", Some("")),
            ("apps", "../..", None),
        ] {
            assert_eq!(within(folder, named).as_deref(), expected, "{named} in {folder}");
        }
    }
}
