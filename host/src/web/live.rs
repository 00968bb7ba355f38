//! What goes on, as a stream of server-sent events.
//!
//! # Threads
//! Each stream is a task. It looks at what the service has in memory anyway, and sends what has changed since. It ends with
//! the visit, with the connection, or with the service.

use std::{convert::Infallible, time::Duration};

use axum::{
    body::{Body, Bytes, HttpBody},
    http::{HeaderName, HeaderValue, StatusCode},
    response::Response,
};
use http_body_util::{
    BodyExt,
    channel::{Channel, Sender},
};
use maud::Markup;
use tokio::{
    sync::oneshot,
    time::{Instant, interval},
};

use super::{entry::visitor::Visitor, state::Web};
use crate::http::answer::answer;

/// How often a stream looks.
const LOOK: Duration = Duration::from_millis(500);

/// How often it sends something even if nothing has changed, which finds out that nobody listens.
const SIGN_OF_LIFE: Duration = Duration::from_secs(15);

/// The event that tells a page that a run has ended, or results have changed otherwise.
pub(super) const RESULTS_CHANGED: &str = "session-host-results";

/// Streams a part of a page.
pub(super) fn stream(web: Web, visitor: Visitor, part: impl Fn(&Web) -> Markup + Send + 'static) -> Response {
    let (sender, body) = Channel::<Bytes, Infallible>::new(1);
    let (body, gone) = watched(body);
    tokio::spawn(async move {
        tokio::select! {
            () = tell(web, visitor, part, sender) => {}
            _ = gone => {}
        }
    });
    let mut response = answer(StatusCode::OK, "text/event-stream", Body::new(body));
    // A proxy must pass each event on at once.
    let unbuffered = (
        HeaderName::from_static("x-accel-buffering"),
        HeaderValue::from_static("no"),
    );
    response.headers_mut().extend([unbuffered]);
    response
}

/// The body, and what ends when it is dropped: the server drops it as soon as the client has gone.
fn watched<B: HttpBody>(body: B) -> (impl HttpBody<Data = B::Data, Error = B::Error>, oneshot::Receiver<()>) {
    let (held, gone) = oneshot::channel();
    let body = body.map_frame(move |frame| {
        let _until_the_body_is_dropped = &held;
        frame
    });
    (body, gone)
}

async fn tell(web: Web, visitor: Visitor, part: impl Fn(&Web) -> Markup, mut sender: Sender<Bytes, Infallible>) {
    let mut ticks = interval(LOOK);
    let mut told = String::new();
    let mut told_at = Instant::now();
    let mut revision = web.service.host.revision();
    while visitor.is_valid(&web) {
        let mut events = String::new();
        let now = part(&web).into_string();
        if now != told {
            events.push_str(&event(None, &now));
            told = now;
        }
        let latest = web.service.host.revision();
        if latest != revision {
            events.push_str(&event(Some(RESULTS_CHANGED), "changed"));
            revision = latest;
        }
        if events.is_empty() && told_at.elapsed() >= SIGN_OF_LIFE {
            events.push_str(":\n\n");
        }
        if !events.is_empty() {
            told_at = Instant::now();
            if sender.send_data(events.into()).await.is_err() {
                return;
            }
        }
        tokio::select! {
            _ = ticks.tick() => {}
            () = web.service.stop.stopped() => return,
        }
    }
}

/// An event. Each line of its data is a line of the stream.
fn event(name: Option<&str>, data: &str) -> String {
    let mut event = name.map_or_else(String::new, |name| format!("event: {name}\n"));
    for line in data.split(['\n', '\r']) {
        event.push_str("data: ");
        event.push_str(line);
        event.push('\n');
    }
    event.push('\n');
    event
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_stream_ends_with_its_body() {
        let (sender, body) = Channel::<Bytes, Infallible>::new(1);
        let (body, mut gone) = watched(body);
        assert!(
            gone.try_recv()
                .is_err_and(|error| error == oneshot::error::TryRecvError::Empty)
        );
        drop(body);
        assert!(gone.await.is_err());
        drop(sender);
    }

    #[test]
    fn data_cannot_end_its_event() {
        assert_eq!(
            event(None, "a\n\nevent: b\rc"),
            "data: a\ndata: \ndata: event: b\ndata: c\n\n"
        );
        assert_eq!(event(Some("e"), ""), "event: e\ndata: \n\n");
    }
}
