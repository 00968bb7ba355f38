//! A network between a client and PostgreSQL that fails at will.
//!
//! # Threads
//! One thread accepts connections. Two threads for each connection copy the bytes, one each way. Before they pass bytes
//! on, they look at the network's [`State`] under its lock, and wait on its condition while the network is silent.

mod answers;
mod connection;

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
};

use connection::Connection;
use memchr::memmem;

use crate::world::wait_until;

/// A listener on loopback that passes everything on to a server, until it is told otherwise.
#[derive(Debug)]
pub struct Proxy {
    port: u16,
    network: Arc<Network>,
    accepting: Option<JoinHandle<()>>,
}

/// What the threads share.
#[derive(Debug, Default)]
struct Network {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    is_silent: bool,
    has_ended: bool,
    /// The connections that are open, each with a number.
    open: Vec<(usize, Arc<Connection>)>,
    accepted: usize,
    /// Where it is to fall silent.
    silent_at: Option<Point>,
    /// Whose `COMMIT` it is to hold back.
    late_at: Option<Point>,
    holds_back: bool,
    /// The statement of the transaction whose answer to `COMMIT` is to be swallowed.
    to_swallow: Option<Vec<u8>>,
    swallowed: usize,
    elsewhere: Option<Elsewhere>,
}

/// Another server, to which connections lead from this number on.
#[derive(Clone, Copy, Debug)]
struct Elsewhere {
    after: usize,
    server: SocketAddr,
}

/// The request to commit, as a client sends it. Some statements have the word, too.
const COMMIT: &str = "COMMIT\0";

/// A place in what a client sends in a transaction.
#[derive(Debug)]
struct Point {
    /// What comes before, anywhere in the same transaction.
    after: Vec<u8>,
    text: Vec<u8>,
}

impl Point {
    fn of(after: &str, text: &str) -> Option<Self> {
        let [after, text] = [after, text].map(|text| text.as_bytes().to_vec());
        Some(Self { after, text })
    }

    /// Whether it ends in what a client has sent after the part that is known already.
    fn is_in(&self, sent: &[u8], known: usize) -> bool {
        let begin = (known + 1).saturating_sub(self.text.len());
        let mut places = memmem::find_iter(&sent[begin..], &self.text);
        places.any(|place| memmem::find(&sent[..begin + place], &self.after).is_some())
    }
}

/// What DuckDB's extension sends before it copies rows into a table of the state.
#[must_use]
pub fn copying_into(table: &str) -> String {
    format!("COPY \"main\".\"{table}\"")
}

impl Proxy {
    /// A network before the server that listens at this port of loopback.
    #[must_use]
    #[track_caller]
    pub fn before(server: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("loopback has a free port");
        let port = listener.local_addr().expect("a listener has an address").port();
        let network = Arc::new(Network::default());
        let accepting = thread::spawn({
            let network = Arc::clone(&network);
            move || network.accept(&listener, SocketAddr::from((Ipv4Addr::LOCALHOST, server)))
        });
        Self {
            port,
            network,
            accepting: Some(accepting),
        }
    }

    /// The port on `127.0.0.1` at which it listens.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Passes nothing on from now on, as a cable does that was cut: connections stay open, and new ones get no answer.
    pub fn fall_silent(&self) {
        self.network.change(|state| state.is_silent = true);
    }

    /// Falls silent as soon as a client sends this text from now on, before the server gets it.
    pub fn fall_silent_before(&self, text: &str) {
        self.network.change(|state| state.silent_at = Point::of("", text));
    }

    /// Falls silent before the `COMMIT` of a transaction in which a client sends this text from now on.
    pub fn fall_silent_before_commit_of(&self, statement: &str) {
        self.network
            .change(|state| state.silent_at = Point::of(statement, COMMIT));
    }

    /// Falls silent before this text in rows that a client copies into a table from now on, when the server waits for them.
    pub fn fall_silent_in_copy(&self, table: &str, text: &str) {
        self.network
            .change(|state| state.silent_at = Point::of(&copying_into(table), text));
    }

    /// Holds the next `COMMIT` back of a transaction in which a client sends this text from now on, and ends the connection
    /// to that client. The server still waits for it.
    pub fn hold_back_commit_of(&self, statement: &str) {
        self.network
            .change(|state| state.late_at = Point::of(statement, COMMIT));
    }

    /// Waits until it holds a `COMMIT` back.
    #[track_caller]
    pub fn holds_back(&self) {
        wait_until("the proxy holds a COMMIT back", || self.network.state().holds_back);
    }

    /// Passes on the `COMMIT` that it holds back.
    pub fn deliver(&self) {
        self.network.change(|state| state.holds_back = false);
    }

    /// Waits until it has fallen silent.
    #[track_caller]
    pub fn has_fallen_silent(&self) {
        wait_until("the proxy has fallen silent", || self.network.state().is_silent);
    }

    /// Passes everything on again, first what came meanwhile.
    pub fn pass(&self) {
        self.network.change(|state| state.is_silent = false);
    }

    /// Ends all connections. New ones work.
    pub fn cut(&self) {
        self.network.change(|state| {
            for (_, connection) in &state.open {
                connection.cut();
            }
        });
    }

    /// Swallows the server's next answer to the `COMMIT` of a transaction in which the client sends this text from now on,
    /// and ends that connection. An empty text is part of every transaction. Connections with TLS pass as they are.
    pub fn swallow_answer_to_commit(&self, statement: &str) {
        self.network
            .change(|state| state.to_swallow = Some(statement.as_bytes().to_vec()));
    }

    /// Waits until it has swallowed so many answers since it was made.
    #[track_caller]
    pub fn has_swallowed(&self, answers: usize) {
        wait_until("the proxy has swallowed an answer", || {
            self.network.state().swallowed >= answers
        });
    }

    /// Leads all connections to the server at another port of loopback, after so many since it was made.
    pub fn lead_elsewhere_after(&self, connections: usize, server: u16) {
        let elsewhere = Elsewhere {
            after: connections,
            server: SocketAddr::from((Ipv4Addr::LOCALHOST, server)),
        };
        self.network.change(|state| state.elsewhere = Some(elsewhere));
    }

    /// How many connections are open.
    #[must_use]
    pub fn open(&self) -> usize {
        self.network.state().open.len()
    }

    /// How many connections it has accepted since it was made.
    #[must_use]
    pub fn accepted(&self) -> usize {
        self.network.state().accepted
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.cut();
        self.network.change(|state| state.has_ended = true);
        // Wakes the thread that accepts.
        let _ = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port));
        if let Some(accepting) = self.accepting.take() {
            let _ = accepting.join();
        }
    }
}

impl State {
    /// Where the next connection leads.
    fn leads_to(&self, server: SocketAddr) -> SocketAddr {
        let elsewhere = self.elsewhere.filter(|elsewhere| elsewhere.after <= self.accepted);
        elsewhere.map_or(server, |elsewhere| elsewhere.server)
    }
}

impl Network {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn change(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state());
        self.changed.notify_all();
    }

    /// Accepts connections until the proxy is dropped.
    fn accept(self: &Arc<Self>, listener: &TcpListener, server: SocketAddr) {
        for client in listener.incoming().map_while(Result::ok) {
            let state = self.state();
            if state.has_ended {
                return;
            }
            let server = state.leads_to(server);
            drop(state);
            // A server that is down refuses the client too.
            if let Ok(server) = TcpStream::connect(server) {
                self.open(Connection::new(client, server));
            }
        }
    }

    /// Lets two threads copy the bytes of a connection until both ways have ended.
    fn open(self: &Arc<Self>, connection: Connection) {
        let connection = Arc::new(connection);
        let mut state = self.state();
        state.accepted += 1;
        let number = state.accepted;
        state.open.push((number, Arc::clone(&connection)));
        drop(state);
        let network = Arc::clone(self);
        thread::spawn(move || {
            thread::scope(|both| {
                both.spawn(|| connection.copy_requests(&network));
                connection.copy_answers(&network);
            });
            network.change(|state| state.open.retain(|(open, _)| *open != number));
        });
    }

    /// Waits until the network passes bytes on, or the connection was cut.
    fn wait_to_pass(&self, connection: &Connection) {
        let is_held = |state: &mut State| state.is_silent && !connection.was_cut();
        let waited = self.changed.wait_while(self.state(), is_held);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether it is to do something when a client sends some text.
    fn waits_for_text(&self) -> bool {
        let state = self.state();
        state.to_swallow.is_some() || state.silent_at.is_some() || state.late_at.is_some()
    }

    /// Falls silent if the awaited text ends in what a client has sent after the part that is known already. Returns whether
    /// this part is to be held back.
    fn heed(&self, sent: &[u8], known: usize) -> bool {
        let mut state = self.state();
        let is_new = |point: &mut Point| point.is_in(sent, known);
        if state.silent_at.take_if(is_new).is_some() {
            state.is_silent = true;
        }
        let is_late = state.late_at.take_if(is_new).is_some();
        state.holds_back |= is_late;
        is_late
    }

    /// Waits until what is held back is to be passed on, or the connection was cut.
    fn wait_to_deliver(&self, connection: &Connection) {
        let is_held = |state: &mut State| state.holds_back && !connection.was_cut();
        let waited = self.changed.wait_while(self.state(), is_held);
        drop(waited.unwrap_or_else(PoisonError::into_inner));
    }

    /// Whether the answer to the `COMMIT` of a transaction that has sent this is to be swallowed. It says so only once.
    fn swallows_answer_after(&self, sent: &[u8]) -> bool {
        let mut state = self.state();
        let is_it = |statement: &mut Vec<u8>| memmem::find(sent, statement).is_some();
        let is_wanted = state.to_swallow.take_if(is_it).is_some();
        state.swallowed += usize::from(is_wanted);
        is_wanted
    }
}
