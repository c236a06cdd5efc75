//! Messages on a stream of bytes: one a line, none longer than a limit.

use std::io::{self, BufRead, Read};

/// The longest message, in bytes, without its line end.
pub const MAX_MESSAGE: usize = 1 << 20;

/// Why the next message cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum FrameError {
    /// The stream broke.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The line does not end.
    #[error("a line is longer than {0} bytes")]
    TooLong(usize),
}

/// The next message; `None` where the stream has ended. Empty lines are none, and what is left of a line at the end of the stream is
/// thrown away: it was cut off.
///
/// # Errors
/// The stream broke, or a line is longer than `limit`; nothing more can be read then.
pub fn read_message(stream: &mut impl BufRead, limit: usize) -> Result<Option<Vec<u8>>, FrameError> {
    loop {
        let mut line = Vec::new();
        stream.by_ref().take(limit as u64 + 1).read_until(b'\n', &mut line)?;
        match line.pop() {
            Some(b'\n') if line.iter().all(u8::is_ascii_whitespace) => {}
            Some(b'\n') => return Ok(Some(line)),
            Some(_) if line.len() >= limit => return Err(FrameError::TooLong(limit)),
            _ => return Ok(None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(mut stream: &[u8], limit: usize) -> Result<Vec<String>, FrameError> {
        let mut read = Vec::new();
        while let Some(line) = read_message(&mut stream, limit)? {
            read.push(String::from_utf8(line).expect("text"));
        }
        Ok(read)
    }

    #[test]
    fn each_line_is_a_message() {
        assert_eq!(all(b"{}\n[1]\r\n\n \n2\n", 100).expect("lines"), ["{}", "[1]\r", "2"]);
    }

    #[test]
    fn a_line_that_was_cut_off_is_none() {
        assert_eq!(all(b"{}\n{\"id\":", 100).expect("lines"), ["{}"]);
        assert_eq!(all(b"", 100).expect("lines"), [""; 0]);
    }

    #[test]
    fn a_line_that_does_not_end_is_refused_at_the_limit() {
        assert_eq!(all(b"123\n", 3).expect("lines"), ["123"]);
        assert!(matches!(all(b"1234\n", 3), Err(FrameError::TooLong(3))));
        let endless = io::BufReader::new(io::repeat(b'x'));
        assert!(matches!(read_message(&mut { endless }, MAX_MESSAGE), Err(FrameError::TooLong(MAX_MESSAGE))));
    }
}
