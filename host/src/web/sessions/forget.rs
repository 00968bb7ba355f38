//! Forgets a session: a page says what would go, then a form does it, as `POST /api/admin/forget` does.

use axum::{extract::State, http::Uri, response::Response};
use maud::{Markup, html};
use serde::Deserialize;

use crate::{
    amounts::grouped,
    http::{
        admin,
        answer::Refusal,
        parameters::{Parameters, Subject},
        paths,
    },
    state::ToForget,
    web::{
        actions::told,
        addresses::{FORGET, SESSIONS},
        asked::asked,
        content::{Content, Scripts, Section},
        entry::{
            act::Act,
            admin::Admin,
            visitor::{SECRET, Visitor},
        },
        parts::foreign,
        recorded,
        shell::{page, refused},
        state::Web,
    },
};

/// Which session.
#[derive(Deserialize)]
pub(in crate::web) struct Which {
    key: String,
}

impl Which {
    /// The key.
    ///
    /// # Errors
    /// When it is no session's: forgetting the name of a user forgets all of that user.
    fn session(self) -> Result<String, Refusal> {
        match self.key.contains('/') && self.key.ends_with(".jsonl") {
            true => Ok(self.key),
            false => Err(Refusal::bad_request(format!(
                "`{}` is no session: this page forgets one session, and `session-host forget` a user",
                self.key
            ))),
        }
    }
}

/// `GET /sessions/forget?key=KEY`: what would go.
pub(in crate::web) async fn confirm(State(web): State<Web>, Admin(visitor): Admin, uri: Uri) -> Response {
    let content = content(&web, &visitor, &uri).await;
    page(&web, &visitor, content)
}

/// `POST /sessions/forget`
pub(in crate::web) async fn forget(State(web): State<Web>, act: Act<Which>) -> Response {
    let key = match act.form.session() {
        Ok(key) => key,
        Err(refusal) => return refused(&web, &act.visitor, refusal),
    };
    let asked = Subject {
        subject: key.clone(),
        purge: false,
    };
    let answering = admin::forget(State(web.service.clone()), Parameters(asked));
    let answer = recorded::response(&web, &act.visitor, paths::FORGET, answering).await;
    told(&web, &act.visitor, SESSIONS, format!("{key} is forgotten."), answer).await
}

async fn content(web: &Web, visitor: &Visitor, uri: &Uri) -> Result<Content, Refusal> {
    let key = asked::<Which>(uri)?.session()?;
    let (host, subject) = (web.service.host.clone(), key.clone());
    let counted = web.read(move |_| Ok(host.state().to_forget(&subject)?));
    let counted = counted.await?;
    if counted.tables.is_empty() {
        return Err(Refusal::not_found(format!("the state knows no session {key}")));
    }
    Ok(Content {
        title: format!("Forget {key}"),
        section: Section::Sessions,
        scripts: Scripts::Usual,
        body: html! {
            h1 { "Forget a session" }
            section.card {
                p { "This removes all that the state holds about " strong { (foreign(&key)) } "." }
                (tables(&counted))
                p {
                    "The transcript itself stays. As long as it lies in the sessions directory, the next run processes it again: "
                    "remove it first."
                }
                form method="post" action=(FORGET) {
                    input type="hidden" name=(SECRET) value=(visitor.secret);
                    input type="hidden" name="key" value=(key);
                    button.main { "Forget it" }
                }
            }
        },
    })
}

fn tables(counted: &ToForget) -> Markup {
    html! {
        div.scroll tabindex="0" {
            table {
                thead { tr { th { "Table" } th.number { "Rows" } } }
                tbody {
                    @for (table, rows) in &counted.tables {
                        tr { td { code { (foreign(table)) } } td.number { (grouped(*rows)) } }
                    }
                }
            }
        }
        @if !counted.shared_tables.is_empty() {
            p.soft {
                "These tables name no session, so only a hook of their processor removes something from them: "
                (foreign(&counted.shared_tables.join(", "))) "."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_of_a_session_is_taken() {
        let is_taken = |key: &str| Which { key: key.to_owned() }.session().is_ok();
        assert!(is_taken("alice/a.jsonl") && is_taken("alice/deep/a.jsonl"));
        for other in ["", "alice", "alice/", "alice/deep", "a.jsonl", "alice/a.jsonl/"] {
            assert!(!is_taken(other), "{other}");
        }
    }
}
