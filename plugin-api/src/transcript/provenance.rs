//! The origin of a line and of its text.

use std::borrow::Cow;

use super::lenient::lenient_object;

/// The line of another session of which a line is a copy.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForkedFrom<'a> {
    /// `messageUuid`: the [`uuid`](super::Event::uuid) of the original line.
    pub message_uuid: Option<Cow<'a, str>>,
}

lenient_object!(ForkedFrom<'a> {
    b"messageUuid" => message_uuid,
});

/// Who wrote a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `kind`: `human`, or another sender such as `hook` or `task-notification`; `None` in older lines.
    pub kind: Option<Cow<'a, str>>,
}

lenient_object!(Origin<'a> {
    b"kind" => kind,
});
