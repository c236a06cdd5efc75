//! Lines out of a stream, none longer than a limit.

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

/// Reads lines.
pub(crate) struct Lines<R> {
    stream: BufReader<R>,
    limit: usize,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// A line without its end.
    Line(Vec<u8>),
    /// A line is longer than the limit.
    TooLong,
    /// The stream has ended.
    End,
    /// It broke.
    Broken(String),
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub(crate) fn new(stream: R, limit: usize) -> Lines<R> {
        Lines { stream: BufReader::new(stream), limit }
    }

    /// Reads to the end and throws it away.
    pub(crate) async fn drain(&mut self) {
        // A stream that breaks has ended too.
        drop(tokio::io::copy_buf(&mut self.stream, &mut tokio::io::sink()).await);
    }

    /// The next line. After anything but a line there is nothing more to read.
    pub(crate) async fn next(&mut self) -> Next {
        let mut line = Vec::new();
        loop {
            let part = match self.stream.fill_buf().await {
                Ok([]) => return Next::End,
                Ok(part) => part,
                Err(error) => return Next::Broken(error.to_string()),
            };
            let end = part.iter().position(|byte| *byte == b'\n');
            let length = end.unwrap_or(part.len());
            if line.len() + length > self.limit {
                return Next::TooLong;
            }
            line.extend_from_slice(&part[..length]);
            self.stream.consume(length + usize::from(end.is_some()));
            if end.is_some() {
                return Next::Line(line);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn all(stream: &[u8], limit: usize) -> (Vec<String>, Next) {
        let mut lines = Lines::new(stream, limit);
        let mut read = Vec::new();
        loop {
            match lines.next().await {
                Next::Line(line) => read.push(String::from_utf8(line).expect("text")),
                end => return (read, end),
            }
        }
    }

    #[tokio::test]
    async fn lines_are_read_up_to_the_limit() {
        assert_eq!(all(b"a\n\nbc\n", 2).await, (vec!["a".into(), String::new(), "bc".into()], Next::End));
        assert_eq!(all(b"a\nbcd\n", 2).await, (vec!["a".into()], Next::TooLong));
        assert_eq!(all(b"a\ncut", 9).await, (vec!["a".into()], Next::End));
    }

    #[tokio::test]
    async fn a_line_that_does_not_end_is_given_up() {
        assert_eq!(Lines::new(tokio::io::repeat(b'x'), 1 << 20).next().await, Next::TooLong);
    }
}
