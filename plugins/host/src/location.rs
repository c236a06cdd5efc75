//! Where a plugin is.

use std::fmt;
use std::path::PathBuf;

/// Where a plugin is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Location {
    /// A program, which the host starts.
    Program(PathBuf),
    /// A Unix socket that the plugin listens on.
    Unix(PathBuf),
    /// A TCP port that the plugin listens on, as `host:port`.
    Tcp(String),
}

impl Location {
    /// Reads the field `location`.
    ///
    /// # Errors
    /// Says what can be written there.
    pub fn parse(text: &str) -> Result<Location, String> {
        let (scheme, rest) = match text.split_once("://") {
            Some(split) => split,
            None if text.starts_with('/') => ("file", text),
            None => return Err(format!("location {text:?} is neither a URL nor an absolute path")),
        };
        if rest.is_empty() || rest.contains('\0') {
            return Err(format!("location {text:?} names nothing"));
        }
        match scheme {
            "file" => Ok(Location::Program(rest.into())),
            "unix" => Ok(Location::Unix(rest.into())),
            "tcp" => match rest.rsplit_once(':') {
                Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
                    Ok(Location::Tcp(rest.to_owned()))
                }
                _ => Err(format!("location {text:?} does not end in a host and a port, as in tcp://localhost:7070")),
            },
            "http" | "https" => Err(format!(
                "location {text:?}: plugins are not downloaded; bring the program in an image or a volume, and name it as file:///path"
            )),
            _ => Err(format!("location {text:?} does not begin with file://, unix:// or tcp://")),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Location::Program(path) => write!(f, "file://{}", path.display()),
            Location::Unix(path) => write!(f, "unix://{}", path.display()),
            Location::Tcp(address) => write!(f, "tcp://{address}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_and_sockets_are_understood() {
        for (text, location) in [
            ("file:///plugins/a", Location::Program("/plugins/a".into())),
            ("file://./a", Location::Program("./a".into())),
            ("/plugins/a", Location::Program("/plugins/a".into())),
            ("unix:///run/a.sock", Location::Unix("/run/a.sock".into())),
            ("tcp://localhost:7070", Location::Tcp("localhost:7070".into())),
            ("tcp://[::1]:7070", Location::Tcp("[::1]:7070".into())),
        ] {
            assert_eq!(Location::parse(text), Ok(location), "{text}");
        }
    }

    #[test]
    fn what_is_not_understood_says_what_is() {
        for (text, why) in [
            ("https://example.com/a", "plugins are not downloaded; bring the program in an image or a volume"),
            ("a", "is neither a URL nor an absolute path"),
            ("", "is neither a URL nor an absolute path"),
            ("file://", "names nothing"),
            ("file:///a\0b", "names nothing"),
            ("s3://bucket/a", "does not begin with file://, unix:// or tcp://"),
            ("tcp://localhost", "does not end in a host and a port"),
            ("tcp://localhost:0", "does not end in a host and a port"),
            ("tcp://:7070", "does not end in a host and a port"),
            ("tcp://localhost:70700", "does not end in a host and a port"),
        ] {
            let error = Location::parse(text).expect_err(text);
            assert!(error.contains(why), "{error}");
        }
    }
}
