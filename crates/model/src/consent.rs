//! Consent: what a clinic asks people to agree to, which language somebody
//! reads it in, what makes a new version, and which version a visit needs.
//! What was agreed to never changes.

use serde::{Deserialize, Serialize};

use crate::{
    At,
    visit::{Kind, Plan, State},
};

/// The kind of a clinic's terms of service.
pub const TOS: &str = "tos";
/// The kind of the consent that a visit asks for, unless its room names others.
pub const CONSENT: &str = "consent";

/// Longest title, in characters.
pub const MAX_TITLE: usize = 200;
/// Longest text, in characters.
pub const MAX_TEXT: usize = 50_000;
/// Most languages of one version.
pub const MAX_LANGUAGES: usize = 30;
/// Most kinds of documents of one clinic.
pub const MAX_KINDS: i64 = 50;
/// Most kinds that one room asks for.
pub const MAX_REQUIRED: usize = 5;
/// Longest name that somebody signs with, in characters.
pub const MAX_NAME: usize = 200;
/// Largest drawn signature, in bytes of its PNG.
pub const MAX_SIGNATURE_BYTES: usize = 70_000;

/// A version of a document in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// BCP 47, as the clinic wrote it.
    pub language: String,
    /// Its title.
    pub title: String,
    /// What it says: plain text, or Markdown; never HTML.
    pub text: String,
    /// Where the same can be read outside; empty for nowhere.
    pub url: String,
}

/// A kind: 1 to 32 lower-case letters, digits and underscores.
#[must_use]
pub fn is_kind(word: &str) -> bool {
    (1..=32).contains(&word.len())
        && word.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}

/// Looks like a BCP 47 tag, such as `en` or `pt-BR`.
#[must_use]
pub fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let first = parts.next().unwrap_or_default();
    tag.len() <= 35
        && (2..=3).contains(&first.len())
        && first.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// Text as it is kept: line ends in one spelling, no blanks around it, no
/// control characters.
///
/// # Errors
/// Why it is refused.
pub fn clean(text: &str, longest: usize) -> Result<String, String> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(format!("use at most {longest} characters"));
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\t')) {
        return Err("must not contain control characters".to_owned());
    }
    Ok(text.to_owned())
}

fn primary(tag: &str) -> &str {
    tag.split('-').next().unwrap_or_default()
}

/// Which of the languages somebody gets who wants these, the dearest first: the
/// same tag, else the same language of another country, else the next wish;
/// in the end the clinic's own first language. None only when there are none.
#[must_use]
pub fn pick(wanted: &[&str], available: &[&str]) -> Option<usize> {
    let found = wanted.iter().find_map(|tag| {
        let same = available.iter().position(|one| one.eq_ignore_ascii_case(tag));
        let near = || available.iter().position(|one| primary(one).eq_ignore_ascii_case(primary(tag)));
        same.or_else(near)
    });
    found.or((!available.is_empty()).then_some(0))
}

/// What publishing these translations does to what there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Publication {
    /// Nothing: all of them are there already.
    Known,
    /// The version gets these further languages; nobody has to agree anew.
    Further(Vec<Translation>),
    /// A new version.
    New,
}

/// What publishing does. Whoever sends the whole text again, with a language
/// more, adds that language; whoever changes or leaves out a language, or puts
/// another one first, makes a new version.
#[must_use]
pub fn publication(current: &[Translation], sent: &[Translation]) -> Publication {
    if current.is_empty() || !sent.starts_with(current) {
        return Publication::New;
    }
    match &sent[current.len()..] {
        [] => Publication::Known,
        further => Publication::Further(further.to_vec()),
    }
}

/// A document that a room asks for before a visit, and since when: visits that
/// were entered before are not asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Required {
    /// Its kind.
    pub kind: String,
    /// Since when.
    pub since_at: At,
}

/// The kinds that a room asks for from now on; those that it asked for already
/// keep their time.
#[must_use]
pub fn required(before: &[Required], kinds: Vec<String>, now: At) -> Vec<Required> {
    let mut all: Vec<Required> = Vec::with_capacity(kinds.len());
    for kind in kinds {
        if all.iter().any(|one| one.kind == kind) {
            continue;
        }
        let known = before.iter().find(|one| one.kind == kind);
        all.push(known.cloned().unwrap_or(Required { kind, since_at: now }));
    }
    all
}

/// When the patient of a visit entered it: came to wait or, for an appointment
/// without that, was taken. None while they have yet to come. What is asked for
/// later does not concern the visit any more.
#[must_use]
pub fn entered_at(plan: &Plan, state: &State, waiting_since_at: At) -> Option<At> {
    match plan.kind {
        Kind::Scheduled => state.arrived_at.or(state.actual_start_at),
        _ => Some(waiting_since_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn tag() -> impl Strategy<Value = String> {
        let tags = ["en", "EN", "en-US", "en-GB", "es", "es-MX", "pt-BR", "pt", "fr", "sr-Latn"];
        (0..tags.len()).prop_map(move |at| tags[at].to_owned())
    }

    fn translation() -> impl Strategy<Value = Translation> {
        (tag(), "[a-c]{0,2}").prop_map(|(language, text)| Translation {
            language,
            title: "Consent".to_owned(),
            text,
            url: String::new(),
        })
    }

    proptest! {
        #[test]
        fn everybody_gets_a_language_and_their_own_where_it_is_there(
            wanted in prop::collection::vec(tag(), 0..4), available in prop::collection::vec(tag(), 0..5),
        ) {
            let (wanted, available): (Vec<_>, Vec<_>) = (
                wanted.iter().map(String::as_str).collect(), available.iter().map(String::as_str).collect());
            let got = pick(&wanted, &available);
            prop_assert_eq!(got.is_none(), available.is_empty());
            let Some(got) = got else { return Ok(()) };
            prop_assert!(got < available.len());
            let speaks = |tag: &str| available.iter().any(|one| primary(one).eq_ignore_ascii_case(primary(tag)));
            match wanted.iter().find(|tag| speaks(tag)) {
                // Whoever's language is there never reads another one.
                Some(tag) => {
                    prop_assert!(primary(available[got]).eq_ignore_ascii_case(primary(tag)));
                    let exact = available.iter().any(|one| one.eq_ignore_ascii_case(tag));
                    prop_assert!(!exact || available[got].eq_ignore_ascii_case(tag));
                }
                None => prop_assert_eq!(got, 0, "the clinic's own first language"),
            }
        }

        #[test]
        fn nobody_has_to_agree_anew_unless_something_changed(
            current in prop::collection::vec(translation(), 1..4), more in prop::collection::vec(translation(), 0..3),
            at in any::<prop::sample::Index>(),
        ) {
            let sent: Vec<_> = current.iter().chain(&more).cloned().collect();
            let expected =
                if more.is_empty() { Publication::Known } else { Publication::Further(more) };
            prop_assert_eq!(publication(&current, &sent), expected);
            let mut changed = sent;
            changed[at.index(current.len())].text.push('!');
            prop_assert_eq!(publication(&current, &changed), Publication::New);
            prop_assert_eq!(publication(&current, &current[1..]), Publication::New);
            prop_assert_eq!(publication(&[], &current), Publication::New);
        }

        #[test]
        fn text_that_is_kept_is_taken_again_unchanged(text in "(\\PC|\n|\r|\t){0,40}") {
            if let Ok(kept) = clean(&text, 30) {
                prop_assert!(kept.chars().count() <= 30 && !kept.contains('\r'));
                prop_assert_eq!(clean(&kept, 30), Ok(kept.clone()));
            }
        }

        #[test]
        fn a_kind_that_is_asked_for_twice_keeps_its_first_time(
            kinds in prop::collection::vec("[a-c]", 0..5), again in prop::collection::vec("[a-c]", 0..5),
        ) {
            let first = required(&[], kinds, At(1));
            let then = required(&first, again.clone(), At(2));
            for one in &then {
                let before = first.iter().any(|old| old.kind == one.kind);
                prop_assert_eq!(one.since_at, if before { At(1) } else { At(2) });
            }
            for kind in again {
                prop_assert_eq!(then.iter().filter(|one| one.kind == kind).count(), 1);
            }
        }
    }

    #[test]
    fn words_and_tags() {
        assert!(is_kind("tos") && is_kind("dental_2") && !is_kind("") && !is_kind("Tos") && !is_kind("a-b"));
        for good in ["en", "pt-BR", "zh-Hant-TW", "gsw"] {
            assert!(is_language(good), "{good}");
        }
        for bad in ["", "e", "english", "en_US", "en-", "12", "en-toolongpart"] {
            assert!(!is_language(bad), "{bad}");
        }
        assert_eq!(clean(" a\r\nb\u{7}", 10), Err("must not contain control characters".to_owned()));
        assert!(clean("abc", 2).is_err());
    }

    #[test]
    fn a_visit_is_entered_by_coming_to_wait() {
        let plan =
            |kind| Plan { kind, subtype: crate::visit::Subtype::Video, start_at: At(100), end_at: At(200) };
        let mut state = State::new(crate::visit::Status::Confirmed, None);
        assert_eq!(entered_at(&plan(Kind::WalkIn), &state, At(5)), Some(At(5)));
        assert_eq!(entered_at(&plan(Kind::Scheduled), &state, At(5)), None);
        state.actual_start_at = Some(At(110));
        assert_eq!(entered_at(&plan(Kind::Scheduled), &state, At(5)), Some(At(110)));
        state.arrived_at = Some(At(90));
        assert_eq!(entered_at(&plan(Kind::Scheduled), &state, At(5)), Some(At(90)));
    }
}
