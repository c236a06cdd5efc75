//! A listener for whoever may call: so many connections at a time, each for so long, or for as long as it is being answered. Strangers
//! must not use up the process's files, nor may one of them take all the places.

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
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
    shares: Shares,
    lasts: Duration,
    silent: Option<Duration>,
}

/// How many places each of those has who call, and how many one may have.
#[derive(Clone)]
struct Shares {
    taken: Arc<Mutex<HashMap<IpAddr, usize>>>,
    most: usize,
}

/// Somebody's place, until it is dropped.
struct Share {
    shares: Shares,
    whose: IpAddr,
}

impl Shares {
    /// Another place for somebody, if they have not had their share.
    fn take(&self, from: IpAddr) -> Option<Share> {
        let whose = network(from);
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.entry(whose).or_default();
        if *count >= self.most {
            return None;
        }
        *count += 1;
        Some(Share { shares: self.clone(), whose })
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut taken = self.shares.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.whose) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.whose);
            }
        }
    }
}

/// Whoever has one address of IPv6 has all of its network.
fn network(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(address) => {
            let network = address.to_bits() >> 64 << 64;
            address.to_ipv4_mapped().map_or(IpAddr::V6(network.into()), IpAddr::V4)
        }
        IpAddr::V4(_) => address,
    }
}

impl Limited {
    /// So many connections at a time, half of them from one address at most, as that may be a proxy with many behind it. They end after
    /// that long, whatever they are in the middle of.
    pub fn new(listener: TcpListener, connections: usize, lasts: Duration) -> Limited {
        let shares = Shares { taken: Arc::default(), most: connections.div_ceil(2) };
        Limited { listener, places: Arc::new(Semaphore::new(connections)), shares, lasts, silent: None }
    }

    /// The same, but whoever is being told something stays, until there was nothing to tell them for so long; and who asks again has as
    /// long as at first.
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
        loop {
            let (stream, from) = Listener::accept(&mut self.listener).await;
            // Whoever has had their share is hung up on.
            let Some(share) = self.shares.take(from.ip()) else { continue };
            let end = Box::pin(tokio::time::sleep(self.lasts));
            let Limited { lasts, silent, .. } = *self;
            return (Connection { stream, end, lasts, silent, is_asking: true, _share: share, _place: place }, from);
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection that holds a place, and has an end.
pub struct Connection {
    stream: TcpStream,
    end: Pin<Box<Sleep>>,
    lasts: Duration,
    silent: Option<Duration>,
    /// Whether something was said to us since we said something.
    is_asking: bool,
    _share: Share,
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
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buffer);
        // Only what comes first counts: whoever says a letter a minute has no longer than others.
        if self.silent.is_some() && !self.is_asking && buffer.filled().len() > before {
            self.is_asking = true;
            let end = Instant::now() + self.lasts;
            self.end.as_mut().reset(end);
        }
        read
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.in_time(cx)?;
        let written = Pin::new(&mut self.stream).poll_write(cx, bytes);
        if let (Poll::Ready(Ok(_)), Some(silent)) = (&written, self.silent) {
            self.is_asking = false;
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
    async fn who_has_had_their_share_is_hung_up_on_until_a_connection_has_ended() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let limited = Limited::new(listener, 4, Duration::from_secs(3));
        let router = Router::new().route("/", get(|| async { "heard" }));
        let serving = tokio::spawn(async move { axum::serve(limited, router).await });

        let silent = [TcpStream::connect(address).await, TcpStream::connect(address).await];
        let ask = async || {
            let mut next = TcpStream::connect(address).await.expect("a connection");
            let mut answer = String::new();
            next.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.ok()?;
            next.read_to_string(&mut answer).await.ok()?;
            Some(answer)
        };
        let mut refused = 0;
        let answer = loop {
            match ask().await.filter(|answer| !answer.is_empty()) {
                Some(answer) => break answer,
                None => refused += 1,
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert!(refused > 0 && answer.ends_with("heard"), "{refused}: {answer}");

        for stream in silent {
            let mut rest = Vec::new();
            // The server has ended it: that it says nothing more is all that there is to read.
            let _ = stream.expect("a connection").read_to_end(&mut rest).await;
            assert!(rest.is_empty(), "{rest:?}");
        }
        serving.abort();
    }

    #[test]
    fn everybody_has_a_share_of_the_places_and_a_network_is_one() {
        let shares = Shares { taken: Arc::default(), most: 2 };
        let take = |from: &str| shares.take(from.parse().expect("an address"));
        let first = take("2001:db8::1").expect("a place");
        let _second = take("2001:db8::2").expect("a place");
        assert!(take("2001:db8::3").is_none());
        assert!(take("2001:db8:0:1::1").is_some() && take("192.0.2.1").is_some());
        drop(first);
        let _third = take("2001:db8::3").expect("the place of the first");
        let _mapped = take("::ffff:192.0.2.1").expect("a place");
        let _same = take("192.0.2.1").expect("a place");
        assert!(take("192.0.2.1").is_none(), "it is the same one, however it is written");
    }

    #[tokio::test]
    async fn who_asks_again_late_has_time_to_be_answered() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let limited = Limited::new(listener, 2, Duration::from_secs(30)).while_told(Duration::from_secs(3));
        let slow = async || {
            tokio::time::sleep(Duration::from_secs(2)).await;
            "heard"
        };
        let router = Router::new().route("/", get(async || "heard")).route("/slow", get(slow));
        let serving = tokio::spawn(async move { axum::serve(limited, router).await });
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let mut buffer = [0; 1_000];
        stream.write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n").await.expect("it is sent");
        assert!(stream.read(&mut buffer).await.expect("an answer") > 0);
        // Two seconds, and two more until there is an answer: longer than it may be silent.
        tokio::time::sleep(Duration::from_secs(2)).await;
        stream.write_all(b"GET /slow HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.expect("it is sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("an answer");
        assert!(answer.ends_with("heard"), "{answer}");
        serving.abort();
    }
}
