//! Writes sessions within a transaction: their rows, their state rows, and the end of their failures.

use crate::state::{
    commit::{
        before::Traces,
        destination::Destination,
        rows,
        session::Done,
        states::{self, Counted},
        transaction_id::transaction_id,
    },
    engine::instance::Link,
    error::{Doing, Result, StateError},
};

/// Whether a commit relies on what its run knows of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trust {
    /// It looks only for what there may be.
    Knowledge,
    /// It looks for everything.
    Nothing,
}

/// Writes sessions completely within the transaction of a link, which can be committed then. Where several hosts share the
/// state, those that are recorded already are left out.
pub(super) fn write(link: &Link, destination: &Destination, group: &[Done], trust: Trust) -> Result<()> {
    let admitted = admitted(link, destination, group)?;
    write_wholly(link, destination, admitted.as_deref().unwrap_or(group), trust)
}

/// Writes the session of an attempt completely within the transaction of a link, in which its statements are.
///
/// # Errors
/// As for [`write_rows`].
pub(super) fn write_attempt(link: &Link, destination: &Destination, done: &Done) -> Result<()> {
    refuse_recorded(link, destination, done)?;
    write_wholly(link, destination, std::slice::from_ref(done), Trust::Knowledge)
}

fn write_wholly(link: &Link, destination: &Destination, group: &[Done], trust: Trust) -> Result<()> {
    let traces = write_admitted(link, destination, group, trust)?;
    let known = with(group, &traces, &[Traces::Record]);
    if !known.is_empty() {
        write_states_of_staged(link, destination, &known)?;
    }
    ensure_valid(link)
}

/// Writes the state rows of sessions of which the state may hold something, in whose transaction their rows are. The
/// transaction can be committed then.
pub(super) fn write_states(link: &Link, destination: &Destination, known: &[Counted<'_>]) -> Result<()> {
    if !known.is_empty() {
        states::create_staging(link)?;
        states::stage(link, known)?;
        write_states_of_staged(link, destination, known)?;
    }
    ensure_valid(link)
}

/// Writes the state rows of the staged sessions, which are these.
fn write_states_of_staged(link: &Link, destination: &Destination, staged: &[Counted<'_>]) -> Result<()> {
    states::replace_staged(link, destination)?;
    states::clear_failures_of_staged(link, destination, staged)
}

/// Writes the rows of the session of an attempt, and its state row if it has none. Otherwise it is staged. Returns what the
/// state may hold of it.
///
/// # Errors
/// When the database refuses, or where several hosts share the state and the session is recorded already: what the
/// attempt did with statements was done before then, and must not be committed.
pub(super) fn write_rows(link: &Link, destination: &Destination, done: &Done) -> Result<Vec<Traces>> {
    refuse_recorded(link, destination, done)?;
    write_admitted(link, destination, std::slice::from_ref(done), Trust::Knowledge)
}

fn refuse_recorded(link: &Link, destination: &Destination, done: &Done) -> Result<()> {
    match admitted(link, destination, std::slice::from_ref(done))? {
        None => Ok(()),
        Some(_) => Err(StateError::Recorded {
            session: done.seen.session.to_string(),
        }),
    }
}

/// The sessions that are still to be written, if not all are.
fn admitted(link: &Link, destination: &Destination, group: &[Done]) -> Result<Option<Vec<Done>>> {
    match &destination.guard {
        None => Ok(None),
        Some(guard) => Ok(guard.admit(link, destination, group)?.of(group)),
    }
}

/// The sessions of a group that left one of these traces.
fn with<'a>(group: &'a [Done], traces: &[Traces], wanted: &[Traces]) -> Vec<Counted<'a>> {
    let chosen = group.iter().zip(traces).filter(|(_, traces)| wanted.contains(traces));
    chosen.map(|(done, _)| (&done.seen, &done.processed)).collect()
}

fn write_admitted(link: &Link, destination: &Destination, group: &[Done], trust: Trust) -> Result<Vec<Traces>> {
    let traces = match trust {
        Trust::Nothing => vec![Traces::Record; group.len()],
        Trust::Knowledge => {
            let Destination {
                processor,
                tables,
                before,
                ..
            } = destination;
            before.traces(link, processor, tables, group)?
        }
    };
    let with = |wanted: &[Traces]| with(group, &traces, wanted);
    let (known, new) = (with(&[Traces::Record]), with(&[Traces::Rows, Traces::None]));
    let with_rows = with(&[Traces::Record, Traces::Rows]);
    if !with_rows.is_empty() {
        states::create_staging(link)?;
        states::stage(link, &with_rows)?;
        rows::delete_of_staged(link, destination, &with_rows)?;
    }
    if !known.is_empty() && known.len() < with_rows.len() {
        states::stage(link, &known)?;
    }
    rows::append(link, group)?;
    if !new.is_empty() {
        states::append(link, destination, &new)?;
    }
    Ok(traces)
}

/// Checks that the transaction of a link can be committed.
fn ensure_valid(link: &Link) -> Result<()> {
    transaction_id(link)
        .map(drop)
        .doing("look whether the transaction is still valid")
}
