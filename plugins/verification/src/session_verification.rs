//! Processes one session, from its turns to its rows.
//!
//! The order matters. First the model is asked for verifications, before the processor touches the database. Then the
//! known items are read, and the model is asked about contradictions. The processor is serial, so no transaction is
//! open meanwhile, and no other session changes the items. Writing comes last, when only the database can still fail.

use std::collections::BTreeSet;

use secret_detector::Rules;
use session_plugin_api::{Connection, Error, Result, Session, Timestamp, log};

use crate::{
    PROCESSOR_VERSION,
    conversation::{Conversation, UserTurns, Wrapping, latest},
    extraction,
    judgement::{self, Contradiction},
    knowledge::{
        Domain, Evidence, Item, NewItem, Plan, Planning, Said, Source, Store, Thresholds, Verifier, confidence,
        most_alike,
    },
    model::{Model, ModelError, SessionBudget},
    rows::{EvidenceRow, SessionRow},
    schema::{VERIFICATION_EVIDENCE, VERIFICATION_SESSION},
};

/// The maximum number of known items that a new item is compared with.
const CANDIDATES: usize = 100;

/// One session during processing.
#[derive(Debug)]
pub(crate) struct SessionVerification<'a> {
    source: Source<'a>,
    model: &'a Model,
    thresholds: &'a Thresholds,
    conversation: Conversation,
    users: UserTurns,
    budget: SessionBudget<'a>,
    turns_sent: usize,
}

/// The verifications of a session, and the number of dropped ones.
#[derive(Debug, Default)]
struct Extracted {
    said: Vec<Said>,
    dropped: usize,
}

/// The contradictions of new items, each with the time of its item, and the number of items that could not be judged.
#[derive(Debug, Default)]
struct Judged {
    contradictions: Vec<(Contradiction, Timestamp)>,
    failed: usize,
}

impl<'a> SessionVerification<'a> {
    /// Begins a session.
    pub(crate) fn new(session: &'a Session<'a>, model: &'a Model, thresholds: &'a Thresholds, secrets: &Rules) -> Self {
        let mut conversation = Conversation::of(session);
        // Redact before anything is sent or quoted.
        conversation.redact(secrets);
        Self {
            source: Source {
                user: session.username(),
                session_file: session.session_key(),
            },
            model,
            thresholds,
            users: UserTurns::of(&conversation),
            conversation,
            budget: model.begin_session(session.run(), session),
            turns_sent: 0,
        }
    }

    /// Processes the session, and returns the number of new items.
    ///
    /// # Errors
    /// When the model gives no usable verifications, or the database fails.
    pub(crate) fn process(mut self, connection: &Connection<'_>) -> Result<u64> {
        let extracted = self.extract().map_err(|error| match error {
            error @ (ModelError::RunSpent(_) | ModelError::Refused(_) | ModelError::Cancelled) => not_now(&error),
            error => error.into(),
        })?;
        let store = Store::new(connection);
        let earlier = store.earlier_evidence(self.source.session_file)?;
        let mut ids: Vec<String> = earlier.iter().map(|earlier| earlier.item_id.clone()).collect();
        ids.extend(extracted.said.iter().map(|said| Item::of(&said.verification).id));
        let mut known = store.items(&domains(&extracted.said), &ids)?;
        let verifications = extracted.said.len() + extracted.dropped;
        let planning = Planning {
            source: self.source.clone(),
            thresholds: self.thresholds,
            earlier: &earlier,
            known: &mut known,
        };
        let plan = planning.plan(extracted.said, &self.users);
        let judged = self.judge(&plan.items, &known)?;
        self.write_knowledge(&store, &plan, &judged)?;
        self.write_confidences(&store, &plan)?;
        let row = self.row(&plan, &judged, verifications, extracted.dropped);
        connection.replace(VERIFICATION_SESSION, [row])?;
        self.write_evidence(connection, &plan.evidence)?;
        Ok(plan.items.len() as u64)
    }

    /// The facts that users verified, according to the model and confirmed by the users' words.
    fn extract(&mut self) -> Result<Extracted, ModelError> {
        // Evidence consists of users' words, so without any there is nothing to find.
        if self.users.is_empty() {
            return Ok(Extracted::default());
        }
        let turns = latest(&self.conversation.turns);
        self.turns_sent = turns.len();
        let question = extraction::question(Wrapping::turns(&turns));
        let read = |json: &str| question.read(json);
        let extraction::Form { verifications } = self.model.ask_for(&question, &mut self.budget, read)?;
        let mut extracted = Extracted::default();
        for verification in verifications {
            match self.users.find(&verification.user_quote) {
                Some(found) => extracted.said.push(Said {
                    verification,
                    quote: found.text,
                    said_at: found.said_at,
                    place: found.place,
                }),
                None => extracted.dropped += 1,
            }
        }
        Ok(extracted)
    }

    /// The known items that the new ones contradict. If the model does not answer, the session does not fail.
    ///
    /// # Errors
    /// When the run's budget is used up, or the host wants the session to stop. Nothing has been written yet, and the
    /// session waits for a later run.
    fn judge(&mut self, items: &[NewItem], known: &[Item]) -> Result<Judged> {
        let mut judged = Judged::default();
        // The new items come last, so each is compared with the known items and with the new items before it.
        let first = known.len().saturating_sub(items.len());
        for (earlier, new) in (first..).zip(items) {
            match self.judge_item(&new.item, &known[..earlier]) {
                Ok(found) => judged
                    .contradictions
                    .extend(found.into_iter().map(|found| (found, new.said_at))),
                Err(error @ (ModelError::RunSpent(_) | ModelError::Cancelled)) => return Err(not_now(&error)),
                Err(error) => {
                    judged.failed += 1;
                    log::warn!(item = new.item.id, "cannot check the item for contradictions: {error}");
                }
            }
        }
        Ok(judged)
    }

    fn judge_item(&mut self, item: &Item, known: &[Item]) -> Result<Vec<Contradiction>, ModelError> {
        let candidates = most_alike(item, known, CANDIDATES);
        if candidates.is_empty() {
            return Ok(Vec::new());
        }
        let question = judgement::question(item, &candidates);
        let read = |json: &str| judgement::read(&question, json, item);
        self.model.ask_for(&question, &mut self.budget, read)
    }

    fn write_knowledge(&self, store: &Store<'_>, plan: &Plan, judged: &Judged) -> Result<()> {
        for new in &plan.items {
            store.add_item(new, &self.source)?;
        }
        for hint in &plan.hints {
            store.add_hint(hint)?;
        }
        for (contradiction, said_at) in &judged.contradictions {
            store.add_contradiction(contradiction, *said_at)?;
        }
        Ok(())
    }

    /// Writes the confidence of each item that this session supports or has supported.
    fn write_confidences(&self, store: &Store<'_>, plan: &Plan) -> Result<()> {
        let of_this = plan.evidence.iter().map(|evidence| &evidence.item_id);
        let touched: BTreeSet<String> = of_this.chain(&plan.lost).cloned().collect();
        if touched.is_empty() {
            return Ok(());
        }
        let touched: Vec<String> = touched.into_iter().collect();
        let of_others = store.evidence_of_others(&touched, self.source.session_file)?;
        let inherited = store.inherited(&touched)?;
        for item in &touched {
            let others = of_others.iter().filter(|(item_id, _)| item_id == item);
            let mut verifiers: Vec<Verifier> = others.map(|(_, verifier)| verifier.clone()).collect();
            let own = plan.evidence.iter().find(|evidence| evidence.item_id == *item);
            verifiers.extend(own.map(|evidence| Verifier {
                user: self.source.user.to_owned(),
                detection_type: evidence.detection_type,
            }));
            let confidence = confidence(&verifiers, inherited.get(item));
            store.set_confidence(item, confidence, own.map(|evidence| evidence.said_at))?;
        }
        Ok(())
    }

    fn write_evidence(&self, connection: &Connection<'_>, evidence: &[Evidence]) -> Result<()> {
        let reference = self.source.reference();
        let rows = evidence.iter().map(|evidence| EvidenceRow {
            id: &evidence.id,
            item_id: &evidence.item_id,
            source_user: self.source.user,
            source_ref: &reference,
            detection_type: evidence.detection_type.name(),
            user_quote: &evidence.user_quote,
            created_at: evidence.said_at,
        });
        connection.replace(VERIFICATION_EVIDENCE, rows)
    }

    fn row(&self, plan: &Plan, judged: &Judged, verifications: usize, dropped: usize) -> SessionRow<'a> {
        let count = |number: usize| i64::try_from(number).unwrap_or(i64::MAX);
        let sum = |number: u64| i64::try_from(number).unwrap_or(i64::MAX);
        SessionRow {
            username: self.source.user,
            turns: count(self.conversation.turns.len()),
            turns_sent: count(self.turns_sent),
            model: (self.budget.requests > 0).then_some(self.model.name.as_str()),
            requests: sum(self.budget.requests),
            input_tokens: sum(self.budget.usage.input_tokens),
            output_tokens: sum(self.budget.usage.output_tokens),
            verifications: count(verifications),
            quotes_dropped: count(dropped),
            items_new: count(plan.items.len()),
            items_merged: count(plan.merged),
            evidence_lost: count(plan.lost.len()),
            contradictions: count(judged.contradictions.len()),
            judgements_failed: count(judged.failed),
            processor_version: PROCESSOR_VERSION,
        }
    }
}

fn not_now(error: &ModelError) -> Error {
    Error::not_now(error.to_string())
}

fn domains(said: &[Said]) -> Vec<Domain> {
    let mut domains: Vec<Domain> = said.iter().map(|said| said.verification.domain).collect();
    domains.sort_by_key(|domain| domain.name());
    domains.dedup();
    domains
}
