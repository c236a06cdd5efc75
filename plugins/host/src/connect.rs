//! How a plugin is reached.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use crate::child::{self, Child};
use crate::location::Location;
use crate::registry::Entry;

/// A connection in the making.
pub type Connecting = Pin<Box<dyn Future<Output = Result<Connection, String>> + Send>>;

/// Makes connections to one plugin, each with a plugin that knows nothing of the former ones.
pub trait Connect: Send + Sync {
    /// One more connection, or why there is none.
    fn connect(&self) -> Connecting;
}

/// A connection to a plugin. What is dropped with it ends the plugin, where the host started it.
pub struct Connection {
    /// What the plugin says.
    pub reader: Box<dyn AsyncRead + Send + Unpin>,
    /// What it is told.
    pub writer: Box<dyn AsyncWrite + Send + Unpin>,
    /// The process, where the host started one.
    pub(crate) child: Option<Child>,
}

impl Connection {
    /// A connection over any two streams.
    pub fn new(
        reader: impl AsyncRead + Send + Unpin + 'static,
        writer: impl AsyncWrite + Send + Unpin + 'static,
    ) -> Connection {
        Connection { reader: Box::new(reader), writer: Box::new(writer), child: None }
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("child", &self.child).finish_non_exhaustive()
    }
}

/// Reaches a plugin as its entry says.
#[derive(Clone, Debug)]
pub(crate) struct Real {
    /// Its name, for logs.
    pub(crate) name: String,
    /// Its entry.
    pub(crate) entry: Entry,
}

impl Connect for Real {
    fn connect(&self) -> Connecting {
        let Real { name, entry } = self.clone();
        Box::pin(async move {
            match &entry.location {
                Location::Program(path) => child::start(&name, path, &entry).await,
                Location::Unix(path) => {
                    let stream = UnixStream::connect(path).await;
                    let (reader, writer) =
                        stream.map_err(|error| cannot_connect(&entry.location, &error))?.into_split();
                    Ok(Connection::new(reader, writer))
                }
                Location::Tcp(address) => {
                    let stream = TcpStream::connect(address).await;
                    let stream = stream.map_err(|error| cannot_connect(&entry.location, &error))?;
                    // A call is one small write: nothing is gained by waiting for more.
                    stream.set_nodelay(true).map_err(|error| cannot_connect(&entry.location, &error))?;
                    let (reader, writer) = stream.into_split();
                    Ok(Connection::new(reader, writer))
                }
            }
        })
    }
}

fn cannot_connect(location: &Location, error: &std::io::Error) -> String {
    format!("cannot connect to {location}: {error}")
}
