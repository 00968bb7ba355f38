//! The place of a text as a word of an address: `MICROSECONDS.PART.SESSION`.

use session_plugin_api::Timestamp;

use super::error::SearchError;
use crate::state::TextPlace;

/// A place as text.
pub(super) fn written(place: &TextPlace) -> String {
    format!("{}.{}.{}", place.time.as_micros(), place.part, place.session)
}

/// The place that a text says.
///
/// # Errors
/// When it says none.
pub(super) fn read(text: &str) -> Result<TextPlace, SearchError> {
    let mut parts = text.splitn(3, '.');
    let mut next = || parts.next().ok_or(SearchError::Place);
    let micros = next()?.parse().map_err(|_| SearchError::Place)?;
    let part = next()?.parse().map_err(|_| SearchError::Place)?;
    Ok(TextPlace {
        time: Timestamp::from_micros(micros),
        session: next()?.to_owned(),
        part,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_place_is_read_as_it_was_written(micros: i64, part: i64, session in ".{0,30}") {
            let place = TextPlace { time: Timestamp::from_micros(micros), session, part };
            prop_assert_eq!(read(&written(&place)).unwrap(), place);
        }

        #[test]
        fn any_other_text_is_refused(text in "[^.]*|[^.]*[.][^.]*|x.*") {
            prop_assert!(read(&text).is_err());
        }
    }
}
