//! Starts workers, all on one thread.
//!
//! # Threads
//! On Linux a worker asks the kernel to end it when its parent ends. The kernel takes the thread that started the worker for
//! the parent, so that thread must live as long as the host.

use std::{
    io,
    process::{Child, Command},
    sync::{
        OnceLock,
        mpsc::{Sender, channel},
    },
};

use crate::threads;

/// A command to start, and where its process goes.
type Order = (Command, Sender<io::Result<Child>>);

static LAUNCHER: OnceLock<Result<Sender<Order>, String>> = OnceLock::new();

/// Starts a command on the thread that starts all workers.
///
/// # Errors
/// When the system cannot start it.
pub(super) fn launch(command: Command) -> io::Result<Child> {
    let ended = || io::Error::other("the thread that starts worker processes has ended");
    let started = LAUNCHER.get_or_init(start);
    let orders = started.as_ref().map_err(|error| io::Error::other(error.clone()))?;
    let (reply, started) = channel();
    orders.send((command, reply)).map_err(|_| ended())?;
    started.recv().map_err(|_| ended())?
}

fn start() -> Result<Sender<Order>, String> {
    let (orders, inbox) = channel::<Order>();
    let serve = move || {
        for (mut command, reply) in inbox {
            // Whoever ordered it waits for the reply.
            let _ = reply.send(command.spawn());
        }
    };
    threads::start("worker-launcher", serve).map_err(|error| error.to_string())?;
    Ok(orders)
}
