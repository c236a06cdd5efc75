//! A plugin's task: moves bytes and time between its machine and the world.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;
use sluice_plugin::MAX_MESSAGE;
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use crate::child::Child;
use crate::connect::{Connect, Connection};
use crate::lines::{Lines, Next};
use crate::machine::{CallError, Input, Machine, Output, Pending, Standing, Ticket};

/// How many lines of a plugin wait to be looked at; then the plugin waits.
const HEARD: usize = 4;

/// How many lines wait to be written. The machine does not ask for more at a time than a plugin takes.
const TOLD: usize = 1024;

/// A call from outside.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) method: &'static str,
    pub(crate) params: Value,
    pub(crate) deadline: Instant,
    pub(crate) reply: oneshot::Sender<Result<Value, CallError>>,
}

/// What comes from a connection, with its number: what a former one still has to say is of no interest.
type Event = (u64, FromConnection);

enum FromConnection {
    Made(Result<Box<Connection>, String>),
    Line(Vec<u8>),
    Closed(String),
}

/// The tasks of a connection, which end with it.
struct Tasks(Vec<JoinHandle<()>>);

impl Drop for Tasks {
    fn drop(&mut self) {
        for task in &self.0 {
            task.abort();
        }
    }
}

struct Task {
    connect: Arc<dyn Connect>,
    machine: Machine,
    waiting: HashMap<Ticket, oneshot::Sender<Result<Value, CallError>>>,
    next_ticket: Ticket,
    events: mpsc::Sender<Event>,
    number: u64,
    live: Option<Tasks>,
    writer: Option<mpsc::Sender<Vec<u8>>>,
}

/// Runs a plugin until `calls` are closed and it has ended.
pub(crate) async fn run(
    machine: Machine,
    connect: Arc<dyn Connect>,
    mut calls: mpsc::Receiver<Asked>,
    mut stop: oneshot::Receiver<()>,
    standing: watch::Sender<Standing>,
) {
    let (events, mut heard) = mpsc::channel(HEARD);
    let mut task =
        Task { connect, machine, waiting: HashMap::new(), next_ticket: 0, events, number: 0, live: None, writer: None };
    let (mut input, mut stopping) = (Some(Input::Tick), false);
    loop {
        if let Some(input) = input.take() {
            let finished = task.step(input);
            standing.send_if_modified(|last| {
                let now = task.machine.standing();
                let changed = *last != now;
                *last = now;
                changed
            });
            if finished {
                return;
            }
        }
        let wake = task.machine.wake();
        input = tokio::select! {
            // In an order, so that nobody is called after it was stopped, and no talk keeps time from passing.
            biased;
            // Dropped where nobody is left who could stop it.
            _ = &mut stop, if !stopping => {
                stopping = true;
                Some(Input::Stop)
            }
            () = sleep_until(wake.unwrap_or_else(Instant::now)), if wake.is_some() => Some(Input::Tick),
            Some((number, event)) = heard.recv() => task.heard(number, event),
            Some(asked) = calls.recv() => Some(task.asked(asked)),
        };
    }
}

impl Task {
    /// Does what the machine wants done; whether that was all.
    fn step(&mut self, input: Input) -> bool {
        let mut finished = false;
        for output in self.machine.step(Instant::now(), input) {
            match output {
                Output::Connect => self.connect(),
                Output::Write(line) => {
                    // A plugin that does not read is found by what it does not answer.
                    if let Some(writer) = &self.writer {
                        drop(writer.try_send(line));
                    }
                }
                Output::Disconnect => {
                    self.number += 1;
                    (self.live, self.writer) = (None, None);
                }
                Output::Answer(ticket, answer) => {
                    if let Some(reply) = self.waiting.remove(&ticket) {
                        // Whoever asked may have gone.
                        drop(reply.send(answer));
                    }
                }
                Output::Finished => finished = true,
            }
        }
        finished
    }

    fn asked(&mut self, asked: Asked) -> Input {
        let Asked { method, params, deadline, reply } = asked;
        self.next_ticket += 1;
        self.waiting.insert(self.next_ticket, reply);
        Input::Call(Pending { ticket: self.next_ticket, method, params, deadline })
    }

    fn heard(&mut self, number: u64, event: FromConnection) -> Option<Input> {
        if number != self.number {
            return None;
        }
        Some(match event {
            FromConnection::Made(Ok(connection)) => {
                self.attach(*connection);
                Input::Connected
            }
            FromConnection::Made(Err(why)) => Input::NotConnected(why),
            FromConnection::Line(line) => Input::Line(line),
            FromConnection::Closed(why) => Input::Closed(why),
        })
    }

    fn connect(&mut self) {
        self.number += 1;
        let (number, events, connecting) = (self.number, self.events.clone(), self.connect.connect());
        self.live = Some(Tasks(vec![tokio::spawn(async move {
            let made = connecting.await.map(Box::new);
            drop(events.send((number, FromConnection::Made(made))).await);
        })]));
    }

    fn attach(&mut self, connection: Connection) {
        let Connection { reader, writer, child } = connection;
        let (sender, lines) = mpsc::channel(TOLD);
        self.writer = Some(sender);
        let read = tokio::spawn(read(Lines::new(reader, MAX_MESSAGE), child, self.number, self.events.clone()));
        self.live = Some(Tasks(vec![read, tokio::spawn(write(writer, lines))]));
    }
}

/// Reads what a plugin says. Holds its process, which ends with this task.
async fn read(
    mut lines: Lines<Box<dyn tokio::io::AsyncRead + Send + Unpin>>,
    child: Option<Child>,
    number: u64,
    events: mpsc::Sender<Event>,
) {
    let closed = loop {
        match lines.next().await {
            Next::Line(line) => {
                if events.send((number, FromConnection::Line(line))).await.is_err() {
                    return;
                }
            }
            Next::TooLong => break format!("said a line of more than {MAX_MESSAGE} bytes"),
            Next::Broken(why) => break format!("the connection broke: {why}"),
            Next::End => match &child {
                Some(child) => break child.epitaph().await,
                None => break "closed the connection".to_owned(),
            },
        }
    };
    drop(events.send((number, FromConnection::Closed(closed))).await);
}

/// Writes what a plugin is told. Where that breaks, the reader finds out why.
async fn write(mut writer: Box<dyn tokio::io::AsyncWrite + Send + Unpin>, mut lines: mpsc::Receiver<Vec<u8>>) {
    while let Some(line) = lines.recv().await {
        if writer.write_all(&line).await.is_err() || writer.flush().await.is_err() {
            return;
        }
    }
}
