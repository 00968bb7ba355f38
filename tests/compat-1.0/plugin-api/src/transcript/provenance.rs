//! Where a line comes from.

use std::borrow::Cow;

use super::lenient::lenient_object;

/// The line of another session that a line copies.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ForkedFrom<'a> {
    /// `messageUuid`: the [`uuid`](Event::uuid) that the line has there.
    pub message_uuid: Option<Cow<'a, str>>,
}

lenient_object!(ForkedFrom<'a> {
    b"messageUuid" => message_uuid,
});

/// Who a text is from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin<'a> {
    /// `kind`: `human`, or what else sent the text, such as `hook` or `task-notification`; older lines do not say.
    pub kind: Option<Cow<'a, str>>,
}

lenient_object!(Origin<'a> {
    b"kind" => kind,
});
