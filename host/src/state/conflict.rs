//! Transactions that wrote the same rows, and whether to repeat the work of the one that the database rejected.
//!
//! If two transactions insert the same key first, the second gets a duplicate key, because it does not see the first. In
//! PostgreSQL, a processor whose own rows collide gets the same. Only a repetition tells which it is: its snapshot is
//! younger, so it sees the row of the other transaction. If PostgreSQL says the same again, the work is in its own way.

/// What a transaction met that the database rejected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Conflict {
    /// Another transaction wrote the same rows.
    Rows,
    /// A key that another transaction wrote, or the work itself: PostgreSQL's words, which name it.
    Key(String),
}

/// What a piece of work has met so far.
#[derive(Debug)]
pub struct Conflicts {
    met: u32,
    most: u32,
    last: Option<Conflict>,
}

/// What is to become of work whose transaction was rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// It may succeed if it is repeated.
    Repeat,
    /// Others have been in its way too often. It may succeed later.
    GiveUp,
    /// It fails by itself.
    Fails,
}

impl Conflicts {
    /// Nothing yet, of work that is repeated so often at most.
    #[must_use]
    pub fn at_most(most: u32) -> Self {
        Self {
            met: 0,
            most,
            last: None,
        }
    }

    /// Nothing yet, of work that is repeated 20 times at most. With a state in a file once is enough, because work that is
    /// repeated passes alone. Where several hosts share the state, it still meets first attempts of the others.
    #[must_use]
    pub fn among_hosts() -> Self {
        Self::at_most(20)
    }

    /// How many it has met.
    #[must_use]
    pub fn met(&self) -> u32 {
        self.met
    }

    /// Judges the work by what it has met now; `None` if it failed without a conflict.
    pub fn judge(&mut self, conflict: Option<Conflict>) -> Judged {
        let Some(conflict) = conflict else {
            return Judged::Fails;
        };
        let is_the_same_key = conflict != Conflict::Rows && self.last.as_ref() == Some(&conflict);
        self.last = Some(conflict);
        match self.met < self.most {
            _ if is_the_same_key => Judged::Fails,
            false => Judged::GiveUp,
            true => {
                self.met += 1;
                Judged::Repeat
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Option<Conflict> {
        Some(Conflict::Key(name.to_owned()))
    }

    #[test]
    fn a_key_that_is_in_the_way_again_fails_the_work() {
        let mut conflicts = Conflicts::at_most(20);
        assert_eq!(conflicts.judge(key("a")), Judged::Repeat);
        assert_eq!(conflicts.judge(key("b")), Judged::Repeat);
        assert_eq!(conflicts.judge(Some(Conflict::Rows)), Judged::Repeat);
        assert_eq!(conflicts.judge(key("b")), Judged::Repeat);
        assert_eq!(conflicts.judge(key("b")), Judged::Fails);
        assert_eq!(conflicts.met(), 4);
    }

    #[test]
    fn others_are_in_the_way_so_often_at_most() {
        let mut conflicts = Conflicts::at_most(2);
        let judged = [(); 3].map(|()| conflicts.judge(Some(Conflict::Rows)));
        assert_eq!(judged, [Judged::Repeat, Judged::Repeat, Judged::GiveUp]);
        assert_eq!(conflicts.judge(None), Judged::Fails);
    }
}
