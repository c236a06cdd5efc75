//! `top`: a live view of all rollouts, in which they are looked at closely and steered.
//!
//! [`state`] is what it knows, [`mod@update`] what comes of keys and news, [`draw`] the picture of it; all three are pure. Here
//! they are joined to the terminal, the watches and the API server.

mod action;
mod draw;
mod feed;
mod keys;
mod order;
mod perform;
mod place;
mod state;
mod terminal;
#[cfg(test)]
mod tests;
mod update;
mod watched;

use std::io;
use std::time::Duration;

use kube::api::ListParams;
use ratatui::crossterm::event::Event as Input;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::{self, Instant, MissedTickBehavior};

use self::feed::{News, Wire};
use self::state::{Key, Place, Request, State};
use self::terminal::Terminal;
use self::update::{Command, Event, update};
use self::watched::{Closely, Overview};
use crate::cli::Program;
use crate::client::Session;
use crate::clock;
use crate::connection::Connection;
use crate::problem::Problem;
use crate::term;

/// Changes come in bursts; this long after the first of them the picture is made anew.
const SETTLE: Duration = Duration::from_millis(100);
/// How long what was confirmed may still take at the end.
const FINISH: Duration = Duration::from_secs(3);
/// So much news may wait.
const MOST_NEWS: usize = 100;

/// Arguments of `top`.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Those of all namespaces
    #[arg(long, short = 'A')]
    all_namespaces: bool,
    /// No colours
    #[arg(long)]
    no_color: bool,
}

/// Refuses what is no terminal, before anything is asked for.
pub fn check(program: Program) -> Result<(), Problem> {
    terminal::check(program)
}

/// Shows the view until it is left.
pub async fn run(args: Args, session: &Session, connection: &Connection) -> Result<(), Problem> {
    // What cannot work is better said before the terminal is taken over.
    let first = ListParams::default().limit(1);
    let rollouts = if args.all_namespaces { kube::Api::all(session.client.clone()) } else { session.rollouts() };
    rollouts.list(&first).await.map_err(|error| session.explain(&error, "list rollouts"))?;
    let namespace = (!args.all_namespaces).then(|| session.namespace.clone());
    let place = Place { context: place::context(connection), namespace };
    let mut terminal = Terminal::open()?;
    let state = State::new(place, term::paint(args.no_color), clock::now(), terminal.size()?);
    let ended = Box::pin(View::new(session, state).live(&mut terminal)).await;
    // Whatever is said now is said on the terminal as it was.
    drop(terminal);
    ended
}

/// The view and all that moves it.
struct View<'a> {
    session: &'a Session,
    state: State,
    wire: Wire,
    news: mpsc::Receiver<News>,
    /// The watches, which never end by themselves.
    tasks: JoinSet<()>,
    overview: Overview,
    closely: Option<Closely>,
    acts: JoinSet<Event>,
    /// When the picture is to be made anew.
    due: Option<Instant>,
    /// The exit code, once it is over.
    over: Option<u8>,
}

/// What ends a program from outside.
struct Signals {
    hang_up: Signal,
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    fn new() -> io::Result<Signals> {
        Ok(Signals {
            hang_up: signal(SignalKind::hangup())?,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
        })
    }

    /// The exit code of the next one.
    async fn next(&mut self) -> u8 {
        tokio::select! {
            _ = self.hang_up.recv() => 129,
            _ = self.terminate.recv() => 143,
            _ = self.interrupt.recv() => 130,
        }
    }
}

impl<'a> View<'a> {
    fn new(session: &'a Session, state: State) -> View<'a> {
        let (sender, news) = mpsc::channel(MOST_NEWS);
        let (returned, returns) = watch::channel(0);
        let wire = Wire { news: sender.clone(), returns };
        let mut tasks = JoinSet::new();
        feed::feel(&mut tasks, session.client.clone(), sender, returned);
        let overview = Overview::follow(&mut tasks, &wire, session, state.place.namespace.is_none());
        let acts = JoinSet::new();
        View { session, state, wire, news, tasks, overview, closely: None, acts, due: None, over: None }
    }

    async fn live(mut self, terminal: &mut Terminal) -> Result<(), Problem> {
        let mut signals = Signals::new()?;
        let code = self.go_on(terminal, &mut signals).await;
        // Whoever asks a second time does not wait.
        let finished = tokio::select! {
            finished = self.finish() => finished,
            _ = signals.next() => Err(unknown()),
        };
        match (finished, code) {
            (finished, Ok(0)) => finished,
            (Err(problem), Ok(code)) => Err(problem.with_code(code)),
            (Ok(()), Ok(code)) => Err(Problem::told().with_code(code)),
            (_, Err(problem)) => Err(problem),
        }
    }

    /// Goes on until somebody ends it, and returns the exit code.
    async fn go_on(&mut self, terminal: &mut Terminal, signals: &mut Signals) -> Result<u8, Problem> {
        let mut typed = terminal::events();
        let mut ticks = time::interval(Duration::from_secs(1));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        loop {
            if let Some(code) = self.over {
                return Ok(code);
            }
            // A key at the same moment may have hidden the news of another size.
            let (columns, lines) = terminal.size()?;
            if (columns, lines) != self.state.size {
                self.handle(Event::Resize(columns, lines));
            }
            terminal.draw(|frame| draw::draw(&self.state, frame))?;
            let due = self.due;
            tokio::select! {
                input = typed.recv() => {
                    self.take(input)?;
                    // Of keys that are held down, only the last one is drawn; but a question is, before it is answered.
                    while self.state.dialog.is_none() && let Ok(more) = typed.try_recv() {
                        self.take(Some(more))?;
                    }
                }
                Some(news) = self.news.recv() => self.hear(news),
                () = time::sleep_until(due.unwrap_or_else(Instant::now)), if due.is_some() => self.look_again(),
                _ = ticks.tick() => self.tick()?,
                Some(done) = self.acts.join_next() => self.handle(done.map_err(|error| broken(&error))?),
                Some(ended) = self.tasks.join_next() => ended.map_err(|error| broken(&error))?,
                code = signals.next() => self.over = Some(code),
            }
        }
    }

    /// Lets what was confirmed come to its end, and tells what was refused: nothing shows it any more.
    async fn finish(&mut self) -> Result<(), Problem> {
        let all = async {
            while let Some(done) = self.acts.join_next().await {
                if let Event::Done(Err(lines)) = done.map_err(|error| broken(&error))? {
                    return Err(Problem::new(lines.join("\n")));
                }
            }
            Ok(())
        };
        time::timeout(FINISH, all).await.unwrap_or_else(|_| Err(unknown()))
    }

    fn take(&mut self, input: Option<io::Result<Input>>) -> Result<(), Problem> {
        let ended = || Problem::new("cannot read the terminal: it was closed");
        let input = input.ok_or_else(ended)?;
        match input.map_err(|error| Problem::new(format!("cannot read the terminal: {error}")))? {
            Input::Key(key) => self.handle(Event::Key(key)),
            Input::Paste(text) => self.handle(Event::Paste(text)),
            // What is drawn next is drawn in the size that there is.
            Input::Resize(..) | Input::FocusGained | Input::FocusLost | Input::Mouse(_) => {}
        }
        Ok(())
    }

    fn hear(&mut self, news: News) {
        match news {
            News::Well(kind) => {
                if self.state.troubles.contains_key(&kind) {
                    self.handle(Event::Found(kind));
                }
            }
            // The last words of what is followed no longer.
            News::Lost(kind, _) if self.closely.is_none() && Closely::kinds().contains(&kind) => {}
            News::Lost(kind, why) => self.handle(Event::Lost(kind, why)),
        }
        self.due.get_or_insert_with(|| Instant::now() + SETTLE);
    }

    fn tick(&mut self) -> Result<(), Problem> {
        self.handle(Event::Tick(clock::now()));
        self.look_closely();
        let ended = self.closely.as_mut().and_then(Closely::ended);
        ended.map_or(Ok(()), |ended| ended.map_err(|error| broken(&error)))
    }

    /// Makes the picture anew from what is known.
    fn look_again(&mut self) {
        self.due = None;
        if let Some(rows) = self.overview.rows() {
            self.handle(Event::Rollouts(rows));
        }
        self.look_closely();
    }

    fn look_closely(&mut self) {
        let Some(closely) = &self.closely else { return };
        let Some(rollout) = self.overview.rollout(&closely.key) else { return };
        let picture = closely.picture(&rollout, &self.state.troubles, self.state.now);
        let event = Event::Picture(closely.key.clone(), picture.map(Box::new));
        self.handle(event);
    }

    fn handle(&mut self, event: Event) {
        for command in update(&mut self.state, event) {
            match command {
                Command::Quit => self.over = Some(0),
                Command::Interrupt => self.over = Some(130),
                Command::Look(key) => self.look(&key),
                Command::Leave => {
                    self.closely = None;
                    for kind in Closely::kinds() {
                        self.state.troubles.remove(&kind);
                    }
                }
                Command::Act(request) => self.act(request),
            }
        }
    }

    fn look(&mut self, key: &Key) {
        let session = self.within(key);
        self.closely = self.overview.rollout(key).map(|rollout| Closely::follow(&self.wire, &session, &rollout));
    }

    fn act(&mut self, request: Request) {
        let session = self.within(&request.key);
        self.acts.spawn(async move { Event::Done(perform::perform(&request, &session).await) });
    }

    /// The session in the namespace of a rollout.
    fn within(&self, key: &Key) -> Session {
        self.session.within(Some(key.namespace.clone()))
    }
}

fn unknown() -> Problem {
    Problem::new("it is not known what came of the last action: there was no answer in time")
}

/// A task that ended in a way of its own.
fn broken(error: &JoinError) -> Problem {
    Problem::new(format!("the live view failed: {error}"))
}
