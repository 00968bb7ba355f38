//! Forwards the plugin's `tracing` events to the host.

use std::{
    fmt::{self, Write as _},
    sync::OnceLock,
};

use abi_stable::std_types::{RBox, RStr};
use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
};

use crate::{
    abi::{RawHost_TO, capped},
    log::level,
};

static HOST: OnceLock<RawHost_TO<'static, RBox<()>>> = OnceLock::new();

/// Sends this library's events to `host` from now on. Later calls have no effect.
pub(super) fn forward_to(host: RawHost_TO<'static, RBox<()>>) {
    if HOST.set(host).is_ok() {
        // A plugin that has set its own subscriber keeps it.
        let _ = tracing::subscriber::set_global_default(Forwarder);
    }
}

struct Forwarder;

impl Subscriber for Forwarder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        HOST.get()
            .is_some_and(|host| number_of(*metadata.level()) <= host.log_level())
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(match HOST.get()?.log_level() {
            0 => LevelFilter::OFF,
            level::ERROR => LevelFilter::ERROR,
            level::WARN => LevelFilter::WARN,
            level::INFO => LevelFilter::INFO,
            level::DEBUG => LevelFilter::DEBUG,
            _ => LevelFilter::TRACE,
        })
    }

    fn event(&self, event: &Event<'_>) {
        let Some(host) = HOST.get() else { return };
        let metadata = event.metadata();
        let place = match (metadata.file(), metadata.line()) {
            (Some(file), Some(line)) => format!("{file}:{line}"),
            _ => String::new(),
        };
        let mut text = Text::default();
        event.record(&mut text);
        host.log(
            number_of(*metadata.level()),
            RStr::from_str(metadata.target()),
            RStr::from_str(&place),
            RStr::from_str(&capped(&text.message)),
        );
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

fn number_of(level: Level) -> u8 {
    match level {
        Level::ERROR => level::ERROR,
        Level::WARN => level::WARN,
        Level::INFO => level::INFO,
        Level::DEBUG => level::DEBUG,
        Level::TRACE => level::TRACE,
    }
}

/// An event as one line: the message, then its fields as `name=value`.
#[derive(Default)]
struct Text {
    message: String,
}

impl Visit for Text {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // Writing to a String cannot fail. If an author's Debug fails, the text keeps what it wrote before.
        let _ = match field.name() {
            "message" => {
                let fields = std::mem::take(&mut self.message);
                write!(self.message, "{value:?}{fields}")
            }
            name => write!(self.message, " {name}={value:?}"),
        };
    }
}
