//! Serves a plugin: reads requests, answers them, without a runtime.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{TcpListener, ToSocketAddrs};
use std::os::unix::net::UnixListener;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Mutex, PoisonError};
use std::thread;

use serde_json::{Value, json};

use crate::call::Call;
use crate::envelope::{ErrorObject, Request, Response, code};
use crate::frame::{FrameError, MAX_MESSAGE, read_message};
use crate::handshake::{Initialize, Initialized, PROTOCOL, Ping, Shutdown};
use crate::service::Service;

/// Serves a plugin on standard input and output, until the host ends it. What the plugin has to tell people goes to standard error;
/// what it prints to standard output breaks the protocol.
///
/// # Errors
/// Standard input or output broke.
pub fn serve(service: &dyn Service) -> io::Result<()> {
    serve_connection(service, BufReader::new(io::stdin()), io::stdout())
}

/// Serves a plugin on a Unix socket, for ever. A socket that is left there by a former run is replaced.
///
/// # Errors
/// The socket cannot be made, or breaks.
pub fn listen_unix(service: &(dyn Service + Send), path: &Path) -> io::Result<()> {
    use std::os::unix::fs::FileTypeExt;

    if path.symlink_metadata().is_ok_and(|file| file.file_type().is_socket()) {
        std::fs::remove_file(path)?;
    }
    let listener = UnixListener::bind(path)?;
    thread::scope(|scope| {
        loop {
            let (stream, _) = listener.accept()?;
            let reader = BufReader::new(stream.try_clone()?);
            scope.spawn(move || serve_connection(service, reader, stream));
        }
    })
}

/// Serves a plugin on a TCP port, for ever. Nothing is encrypted and nobody is asked who they are: for a port of `localhost`, within
/// a pod.
///
/// # Errors
/// The port cannot be had, or breaks.
pub fn listen_tcp(service: &(dyn Service + Send), address: impl ToSocketAddrs) -> io::Result<()> {
    let listener = TcpListener::bind(address)?;
    thread::scope(|scope| {
        loop {
            let (stream, _) = listener.accept()?;
            let reader = BufReader::new(stream.try_clone()?);
            scope.spawn(move || serve_connection(service, reader, stream));
        }
    })
}

/// Serves a plugin on any two streams, until a `shutdown` or the end of `reader`. Returns when the calls that were taken up are
/// answered.
///
/// # Errors
/// A stream broke, or a line is too long.
pub fn serve_connection(service: &dyn Service, mut reader: impl BufRead, writer: impl Write + Send) -> io::Result<()> {
    let writer = Mutex::new(writer);
    let (calls, taken) = channel::<Request>();
    let taken = Mutex::new(taken);
    thread::scope(|scope| {
        for _ in 0..service.about().concurrency.max(1) {
            scope.spawn(|| work(service, &taken, &writer));
        }
        let read = read_all(service, &mut reader, &writer, |call| {
            // The workers are there for as long as this closure is.
            drop(calls.send(call));
        });
        drop(calls);
        read
    })
}

/// Reads requests until the end; those that are about the connection are answered at once, the others handed on.
fn read_all(
    service: &dyn Service,
    reader: &mut impl BufRead,
    writer: &Mutex<impl Write>,
    mut hand_on: impl FnMut(Request),
) -> io::Result<()> {
    loop {
        let line = match read_message(reader, MAX_MESSAGE) {
            Ok(Some(line)) => line,
            Ok(None) => return Ok(()),
            Err(FrameError::Io(error)) => return Err(error),
            Err(error) => return Err(io::Error::other(error)),
        };
        let request: Request = match serde_json::from_slice(&line) {
            Ok(request) => request,
            Err(error) => {
                let code = if error.is_data() { code::INVALID_REQUEST } else { code::PARSE };
                write(writer, &Response::new(None, Err(ErrorObject::new(code, error.to_string()))))?;
                continue;
            }
        };
        match request.method.as_str() {
            Initialize::METHOD => write(writer, &Response::new(Some(request.id), greet(service, request.params)))?,
            Ping::METHOD => write(writer, &Response::new(Some(request.id), Ok(json!({}))))?,
            Shutdown::METHOD => return write(writer, &Response::new(Some(request.id), Ok(json!({})))),
            _ => hand_on(request),
        }
    }
}

/// Answers `initialize`.
fn greet(service: &dyn Service, params: Value) -> Result<Value, ErrorObject> {
    let invalid = |why: String| ErrorObject::new(code::INVALID_PARAMS, why);
    let call: Initialize = serde_json::from_value(params).map_err(|error| invalid(error.to_string()))?;
    if !call.protocols.contains(&PROTOCOL) {
        return Err(invalid(format!("speaks version {PROTOCOL} of the protocol, and the host {:?}", call.protocols)));
    }
    let about = service.about();
    let answer = Initialized {
        protocol: PROTOCOL,
        kind: service.kind(),
        name: about.name,
        version: about.version,
        capabilities: about.capabilities,
        concurrency: about.concurrency.max(1),
    };
    call.check(&answer).map_err(invalid)?;
    serde_json::to_value(answer).map_err(|error| ErrorObject::new(code::INTERNAL, error.to_string()))
}

/// Answers calls until there are no more.
fn work(service: &dyn Service, calls: &Mutex<Receiver<Request>>, writer: &Mutex<impl Write>) {
    loop {
        let next = calls.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(call) = next else { return };
        // A call that panics is an error of that call: the plugin goes on.
        let answer =
            catch_unwind(AssertUnwindSafe(|| service.answer(&call.method, &call.params))).unwrap_or_else(|_| {
                Err(ErrorObject::new(code::INTERNAL, format!("the plugin panicked at {}", call.method)))
            });
        if write(writer, &Response::new(Some(call.id), answer)).is_err() {
            return;
        }
    }
}

/// Writes one line. What would be too long for the host is an error of its call.
fn write(writer: &Mutex<impl Write>, response: &Response) -> io::Result<()> {
    let mut line = serde_json::to_vec(response)?;
    if line.len() > MAX_MESSAGE {
        let why = format!("the answer has {} bytes, and {MAX_MESSAGE} fit into a message", line.len());
        line = serde_json::to_vec(&Response::new(response.id, Err(ErrorObject::new(code::INTERNAL, why))))?;
    }
    line.push(b'\n');
    let mut writer = writer.lock().unwrap_or_else(PoisonError::into_inner);
    writer.write_all(&line)?;
    writer.flush()
}
