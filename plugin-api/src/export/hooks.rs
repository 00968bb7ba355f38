//! Finds out whether a processor has hooks: [`export_processor!`](crate::export_processor) asks the compiler.
//!
//! The macro writes `(&HooksOf(processor)).find()`. The compiler takes [`WithHooks`] if the processor implements
//! [`SessionHooks`]. Otherwise it takes one more reference, and finds [`WithoutHooks`].

use crate::SessionHooks;

/// A processor whose hooks are looked for.
#[derive(Clone, Copy, Debug)]
pub struct HooksOf<'a, P>(pub &'a P);

/// Finds the hooks of a processor that has some.
pub trait WithHooks<'a> {
    /// The hooks.
    fn find(&self) -> Option<&'a dyn SessionHooks>;
}

impl<'a, P: SessionHooks> WithHooks<'a> for HooksOf<'a, P> {
    fn find(&self) -> Option<&'a dyn SessionHooks> {
        Some(self.0)
    }
}

/// Finds none.
pub trait WithoutHooks<'a> {
    /// Always `None`.
    fn find(&self) -> Option<&'a dyn SessionHooks>;
}

impl<'a, P> WithoutHooks<'a> for &HooksOf<'a, P> {
    fn find(&self) -> Option<&'a dyn SessionHooks> {
        None
    }
}
