//! Remembers which objects and lists are around a position.

/// The objects and lists around a position, to any depth.
///
/// Each takes one bit, and the innermost ones stay in a register: hardly any line is nested deeper.
#[derive(Default)]
pub(super) struct Nesting {
    /// The innermost ones, the innermost in the lowest bit. A bit is set for an object.
    innermost: u64,
    /// The ones around those, in full words.
    outer: Vec<u64>,
    depth: usize,
}

/// An object or a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Container {
    Object,
    List,
}

impl Container {
    /// The bracket that ends it.
    pub(super) fn closer(self) -> u8 {
        match self {
            Self::Object => b'}',
            Self::List => b']',
        }
    }
}

impl Nesting {
    /// The number of objects and lists.
    pub(super) fn depth(&self) -> usize {
        self.depth
    }

    /// The innermost object or list.
    pub(super) fn innermost(&self) -> Option<Container> {
        match (self.depth, self.innermost & 1) {
            (0, _) => None,
            (_, 0) => Some(Container::List),
            _ => Some(Container::Object),
        }
    }

    pub(super) fn enter(&mut self, container: Container) {
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.outer.push(self.innermost);
        }
        self.innermost = self.innermost << 1 | u64::from(container == Container::Object);
        self.depth += 1;
    }

    /// Leaves the innermost one.
    pub(super) fn leave(&mut self) {
        self.innermost >>= 1;
        self.depth = self.depth.saturating_sub(1);
        if self.depth > 0 && self.depth.is_multiple_of(WORD) {
            self.innermost = self.outer.pop().unwrap_or_default();
        }
    }

    /// Leaves all.
    pub(super) fn clear(&mut self) {
        self.outer.clear();
        self.depth = 0;
    }
}

const WORD: usize = u64::BITS as usize;

#[cfg(test)]
mod tests {
    use proptest::{collection::vec, prelude::*};

    use super::*;

    proptest! {
        #[test]
        fn containers_are_left_in_the_opposite_order(steps in vec(prop_oneof![3 => Just(Some(true)), 3 => Just(Some(false)), 4 => Just(None)], 0..1000)) {
            let mut nesting = Nesting::default();
            let mut expected = Vec::new();
            for step in steps {
                match step {
                    Some(is_object) => {
                        let container = if is_object { Container::Object } else { Container::List };
                        nesting.enter(container);
                        expected.push(container);
                    }
                    None if expected.pop().is_some() => nesting.leave(),
                    None => {}
                }
                prop_assert_eq!((nesting.depth(), nesting.innermost()), (expected.len(), expected.last().copied()));
            }
        }
    }
}
