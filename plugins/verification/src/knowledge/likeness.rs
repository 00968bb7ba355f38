//! Finds the known items that resemble a new item.

use super::{DetectionType, Item};

/// The thresholds for treating two items as one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Thresholds {
    /// From this similarity on, the text alone is sufficient.
    pub(crate) paraphrase: f64,
    /// From this similarity on, the text is sufficient together with shared entities.
    pub(crate) moderate: f64,
    /// The number of shared entities that this needs.
    pub(crate) shared_entities: usize,
}

/// Known items of one domain, each with its similarity to a new item.
pub(crate) type Candidates<'a> = Vec<(f64, &'a Item)>;

impl Thresholds {
    /// The known item that a new item paraphrases. If there are several, the most similar one.
    ///
    /// A correction never counts as a paraphrase, because it may overturn the item that it resembles.
    pub(crate) fn paraphrased<'a>(
        &self,
        item: &Item,
        detection_type: DetectionType,
        known: &'a [Item],
    ) -> Option<&'a Item> {
        if detection_type == DetectionType::Correction {
            return None;
        }
        let mut best: Option<(f64, &Item)> = None;
        for candidate in of_its_domain(item, known) {
            let needed = match item.shared_entities(candidate) >= self.shared_entities {
                true => self.moderate.min(self.paraphrase),
                false => self.paraphrase,
            };
            let best_so_far = best.map_or(0.0, |(likeness, _)| likeness);
            if item.text.ratio_at_most(&candidate.text) < needed.max(best_so_far) {
                continue;
            }
            let likeness = item.text.ratio(&candidate.text);
            if likeness >= needed && likeness > best_so_far {
                best = Some((likeness, candidate));
            }
        }
        best.map(|(_, candidate)| candidate)
    }

    /// The known items that share enough entities with a new item but have a different text. Each has its share of
    /// common entities.
    pub(crate) fn of_the_same_entities<'a>(&self, item: &Item, known: &'a [Item]) -> Candidates<'a> {
        let mut found: Candidates<'a> = of_its_domain(item, known)
            .filter(|candidate| item.shared_entities(candidate) >= self.shared_entities)
            .filter(|candidate| item.text.ratio(&candidate.text) < self.moderate)
            .map(|candidate| (share_of_entities(item, candidate), candidate))
            .collect();
        sort(&mut found);
        found
    }
}

/// The known items in the domain of a new item, the most similar first. At most `at_most` items.
pub(crate) fn most_alike<'a>(item: &Item, known: &'a [Item], at_most: usize) -> Candidates<'a> {
    let mut bounded: Candidates<'a> = of_its_domain(item, known)
        .map(|candidate| (item.text.ratio_at_most(&candidate.text), candidate))
        .collect();
    sort(&mut bounded);
    let mut found = Candidates::new();
    for (bound, candidate) in bounded {
        let least = found.last().map_or(0.0, |(likeness, _)| *likeness);
        // The following candidates are at most as similar as this bound.
        if found.len() == at_most && bound <= least {
            break;
        }
        let likeness = item.text.ratio(&candidate.text);
        let place = found.partition_point(|(known, _)| *known >= likeness);
        found.insert(place, (likeness, candidate));
        found.truncate(at_most);
    }
    found
}

fn of_its_domain<'a>(item: &Item, known: &'a [Item]) -> impl Iterator<Item = &'a Item> {
    let (id, domain) = (item.id.clone(), item.domain);
    known
        .iter()
        .filter(move |candidate| candidate.domain == domain && candidate.id != id)
}

/// Sorts the most similar first. Equal candidates are ordered by id, so that every run gives the same order.
fn sort(candidates: &mut Candidates<'_>) {
    candidates.sort_by(|(one, first), (other, second)| other.total_cmp(one).then_with(|| first.id.cmp(&second.id)));
}

fn share_of_entities(item: &Item, other: &Item) -> f64 {
    let shared = item.shared_entities(other);
    let all = item.entities.len() + other.entities.len() - shared;
    match all {
        0 => 0.0,
        all => shared as f64 / all as f64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::knowledge::Domain;

    const THRESHOLDS: Thresholds = Thresholds {
        paraphrase: 0.82,
        moderate: 0.6,
        shared_entities: 2,
    };

    fn item(id: &str, content: &str, domain: Domain, entities: &[&str]) -> Item {
        let entities: Vec<String> = entities.iter().map(|entity| (*entity).to_owned()).collect();
        Item::new(id.to_owned(), "title", content, Some(domain), &entities)
    }

    fn paraphrased(item: &Item, detection_type: DetectionType, known: &[Item]) -> Option<String> {
        THRESHOLDS
            .paraphrased(item, detection_type, known)
            .map(|item| item.id.clone())
    }

    #[test]
    fn nearly_the_same_text_of_the_same_domain_is_a_paraphrase() {
        use DetectionType::{Confirmation, Correction, UnpromptedDefinition};
        let known = [
            item("a", "Refunds need an approval of the lead.", Domain::Finance, &[]),
            item("b", "Refunds need the approval of the lead.", Domain::Finance, &[]),
            item("c", "Refunds need the approval of a lead!", Domain::Product, &[]),
        ];
        let new = item("n", "refunds need the  approval of a lead.", Domain::Finance, &[]);
        for detection_type in [Confirmation, UnpromptedDefinition] {
            assert_eq!(paraphrased(&new, detection_type, &known).as_deref(), Some("b"));
        }
        assert_eq!(paraphrased(&new, Correction, &known), None);
        let elsewhere = item("n", "refunds need the approval of a lead.", Domain::Data, &[]);
        assert_eq!(paraphrased(&elsewhere, Confirmation, &known), None);
    }

    #[test]
    fn moderate_likeness_needs_shared_entities() {
        let content = "The nightly export of orders runs at two in the morning.";
        let other = "The export of orders runs every night at 02:00 sharp.";
        let known = |entities: &[&str]| [item("a", content, Domain::Data, entities)];
        let likeness = item("n", other, Domain::Data, &[]).text.ratio(&known(&[])[0].text);
        assert!((0.6..0.82).contains(&likeness), "{likeness}");
        let new = item("n", other, Domain::Data, &["Orders", "Export", "x"]);
        let of = |known: &[Item]| paraphrased(&new, DetectionType::Confirmation, known);
        assert_eq!(of(&known(&["orders", "export"])).as_deref(), Some("a"));
        assert_eq!(of(&known(&["orders"])), None);
    }

    #[test]
    fn shared_entities_without_likeness_are_only_a_hint() {
        let known = [
            item("a", "zzz qqq", Domain::Data, &["orders", "export", "tax", "vat"]),
            item("b", "xxx yyy", Domain::Data, &["orders", "export"]),
            item("c", "xxx yyy", Domain::Data, &["orders"]),
            item(
                "d",
                "The nightly export of orders.",
                Domain::Data,
                &["orders", "export"],
            ),
        ];
        let new = item(
            "n",
            "The nightly export of orders!",
            Domain::Data,
            &["orders", "export"],
        );
        let hints: Vec<(f64, &str)> = THRESHOLDS
            .of_the_same_entities(&new, &known)
            .into_iter()
            .map(|(score, item)| (score, item.id.as_str()))
            .collect();
        assert_eq!(hints, [(1.0, "b"), (0.5, "a")]);
    }

    #[test]
    fn the_most_alike_come_first_and_no_more_than_asked_for() {
        let new = item("n", "abcdefgh", Domain::Data, &[]);
        let known: Vec<Item> = ["abcdefgx", "hgfedcba", "abcdefgh", "abcd", "zzzz", "xbcdefgh"]
            .iter()
            .enumerate()
            .map(|(number, content)| item(&number.to_string(), content, Domain::Data, &[]))
            .collect();
        let ids = |at_most| -> Vec<String> {
            let found = most_alike(&new, &known, at_most);
            found.into_iter().map(|(_, item)| item.id.clone()).collect()
        };
        assert_eq!(ids(3), ["2", "0", "5"]);
        assert_eq!(ids(10).len(), 6);
        assert!(most_alike(&new, &known[..0], 3).is_empty());
    }
}
