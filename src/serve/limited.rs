//! A listener for whoever may call: so many connections at a time, each for so long, or for as long as it is being answered. Strangers
//! must not use up the process's files.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::serve::Listener;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, Sleep};

/// Takes no more connections than there are places for; the next ones wait until one ends.
pub struct Limited {
    listener: TcpListener,
    places: Arc<Semaphore>,
    lasts: Duration,
    silent: Option<Duration>,
}

impl Limited {
    /// So many connections at a time, which end after that long, whatever they are in the middle of.
    pub fn new(listener: TcpListener, connections: usize, lasts: Duration) -> Limited {
        Limited { listener, places: Arc::new(Semaphore::new(connections)), lasts, silent: None }
    }

    /// The same, but whoever is being told something stays, until there was nothing to tell them for so long.
    #[must_use]
    pub fn while_told(self, silent: Duration) -> Limited {
        Limited { silent: Some(silent), ..self }
    }
}

impl Listener for Limited {
    type Io = Connection;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Connection, SocketAddr) {
        // The semaphore is never closed: nobody is kept out for ever.
        let place = Arc::clone(&self.places).acquire_owned().await.ok();
        let (stream, from) = Listener::accept(&mut self.listener).await;
        let end = Box::pin(tokio::time::sleep(self.lasts));
        (Connection { stream, end, silent: self.silent, _place: place }, from)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds a place, and has an end.
pub struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    silent: Option<Duration>,
    _place: Option<OwnedSemaphorePermit>,
}

impl Connection {
    fn in_time(&mut self, cx: &mut Context<'_>) -> io::Result<()> {
        match self.end.as_mut().poll(cx) {
            Poll::Ready(()) => Err(io::Error::new(io::ErrorKind::TimedOut, "the connection has lasted too long")),
            Poll::Pending => Ok(()),
        }
    }
}

impl AsyncRead for Connection {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.in_time(cx)?;
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.in_time(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let (Poll::Ready(Ok(_)), Some(silent)) = (&written, self.silent) {
            self.end.as_mut().reset(Instant::now() + silent);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn who_is_told_something_stays_until_there_is_nothing_to_tell() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let limited = Limited::new(listener, 2, Duration::from_secs(3)).while_told(Duration::from_secs(5));
        // Five words, one a second, and then nothing.
        let words = || {
            futures::stream::unfold(0, |count| async move {
                match count {
                    0..5 => tokio::time::sleep(Duration::from_secs(1)).await,
                    _ => std::future::pending().await,
                }
                Some((Ok::<_, io::Error>("word "), count + 1))
            })
        };
        let router = Router::new().route("/", get(async move || axum::body::Body::from_stream(words())));
        let serving = tokio::spawn(async move { axum::serve(limited, router).await });
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is sent");
        let mut told = Vec::new();
        // It ends, and with an error where the server was in the middle of an answer.
        let _ = stream.read_to_end(&mut told).await;
        let told = String::from_utf8_lossy(&told);
        assert_eq!(told.matches("word").count(), 5, "{told}");
        serving.abort();
    }

    #[tokio::test]
    async fn those_who_say_nothing_make_room_for_the_next_after_a_while() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let limited = Limited::new(listener, 2, Duration::from_secs(3));
        let router = Router::new().route("/", get(|| async { "heard" }));
        let serving = tokio::spawn(async move { axum::serve(limited, router).await });

        let silent = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let mut next = TcpStream::connect(address).await.expect("a connection");
        next.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("it is sent");
        let mut answer = String::new();
        next.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("heard"), "{answer}");

        for stream in silent {
            let mut rest = Vec::new();
            // The server has ended it: that it says nothing more is all that there is to read.
            let _ = stream.expect("a connection").read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "{rest:?}");
        }
        serving.abort();
    }
}
