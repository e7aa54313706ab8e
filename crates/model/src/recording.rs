//! Recordings of calls: their states, what people are asked and answer, and
//! what follows from it. Nothing is recorded of anybody who has not agreed, and
//! one refusal ends it for all. No I/O.

use serde::{Deserialize, Serialize};

/// Longest time that recordings may be kept, days: thirty years.
pub const MAX_RETENTION_DAYS: i64 = 10_950;

/// The text that people are asked with. Another wording is another version,
/// and stays here, so that it is known for ever what somebody agreed to.
pub const TEXT_VERSION: &str = "1";

/// The text of [`TEXT_VERSION`] in the language that fits best, with that
/// language's code.
#[must_use]
pub fn text(language: &str) -> (&'static str, &'static str) {
    match language.get(..2) {
        Some("es") => (
            "es",
            "¿Se puede grabar esta visita? Se grabarán el sonido y la imagen de todas las personas que acepten. \
             La clínica guarda la grabación cifrada y la borra cuando termina su plazo. \
             Puede decir que no: su atención no depende de ello. También puede cambiar de opinión en cualquier momento.",
        ),
        _ => (
            "en",
            "May this visit be recorded? Sound and picture of everybody who agrees will be kept. \
             The clinic stores the recording encrypted and deletes it when its time is over. \
             You may say no: your care does not depend on it. You can also change your mind at any time.",
        ),
    }
}

/// How far a recording is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Status {
    /// Everybody in the call is being asked.
    Asked,
    /// It runs.
    Recording,
    /// It is over and is being put together.
    Processing,
    /// It can be played.
    Ready,
    /// Nothing came of it.
    Failed,
    /// Its contents are gone.
    Deleted,
}

impl Status {
    /// Every state.
    pub const ALL: [Self; 6] =
        [Self::Asked, Self::Recording, Self::Processing, Self::Ready, Self::Failed, Self::Deleted];

    /// The word in rows and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::Recording => "recording",
            Self::Processing => "processing",
            Self::Ready => "ready",
            Self::Failed => "failed",
            Self::Deleted => "deleted",
        }
    }

    /// The state of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }

    /// Does it belong to the call that goes on?
    #[must_use]
    pub const fn is_running(self) -> bool {
        matches!(self, Self::Asked | Self::Recording)
    }

    /// What follows on a fact; none when that changes nothing.
    #[must_use]
    pub const fn after(self, fact: Fact) -> Option<(Self, Option<Reason>)> {
        Some(match (self, fact) {
            (Self::Asked, Fact::AllAgreed) => (Self::Recording, None),
            (Self::Asked, Fact::Refused) => (Self::Failed, Some(Reason::Refused)),
            (Self::Asked, Fact::Stopped | Fact::CallOver) => (Self::Failed, Some(Reason::NotAgreed)),
            (Self::Recording, Fact::Refused | Fact::Stopped | Fact::CallOver) => (Self::Processing, None),
            (Self::Asked | Self::Recording, Fact::Encrypted) => (Self::Failed, Some(Reason::Encrypted)),
            (Self::Processing, Fact::Composed) => (Self::Ready, None),
            (Self::Processing, Fact::NothingThere) => (Self::Failed, Some(Reason::Empty)),
            (Self::Processing, Fact::Broken) => (Self::Failed, Some(Reason::Broken)),
            (Self::Ready | Self::Failed, Fact::Deleted) => (Self::Deleted, None),
            _ => return None,
        })
    }
}

/// What happens to a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fact {
    /// Everybody in the call said yes.
    AllAgreed,
    /// Somebody said no.
    Refused,
    /// Whoever may has ended it.
    Stopped,
    /// The last one has left the call, or the server went down.
    CallOver,
    /// The call is encrypted end to end.
    Encrypted,
    /// It was put together.
    Composed,
    /// Nobody was heard or seen.
    NothingThere,
    /// It could not be put together.
    Broken,
    /// Somebody, or its time, deleted it.
    Deleted,
}

/// Why nothing came of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// Somebody said no.
    Refused,
    /// It ended before everybody had said yes.
    NotAgreed,
    /// The call is encrypted end to end: the server cannot hear it.
    Encrypted,
    /// Nobody was heard or seen.
    Empty,
    /// It could not be put together.
    Broken,
}

impl Reason {
    /// Every reason.
    pub const ALL: [Self; 5] = [Self::Refused, Self::NotAgreed, Self::Encrypted, Self::Empty, Self::Broken];

    /// The word in rows and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotAgreed => "not_agreed",
            Self::Encrypted => "encrypted",
            Self::Empty => "empty",
            Self::Broken => "broken",
        }
    }

    /// The reason of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == word)
    }
}

/// What somebody said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Answer {
    /// Nothing yet.
    Waiting,
    /// Yes.
    Agreed,
    /// No.
    Refused,
}

impl Answer {
    /// Every answer.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Agreed, Self::Refused];

    /// The word in rows and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Agreed => "agreed",
            Self::Refused => "refused",
        }
    }

    /// The answer of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|answer| answer.as_str() == word)
    }
}

/// What follows from the answers: `present` are those of the people in the
/// call, `all` those of everybody who was asked. None: go on waiting.
#[must_use]
pub fn verdict(present: &[Answer], all: &[Answer]) -> Option<Fact> {
    if all.contains(&Answer::Refused) {
        Some(Fact::Refused)
    } else if !present.is_empty() && present.iter().all(|answer| *answer == Answer::Agreed) {
        Some(Fact::AllAgreed)
    } else {
        None
    }
}

/// What of whom is in a recording, and when; ms from its begin.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Track {
    /// Whose.
    pub user: i64,
    /// `audio`, `video` or `screen`.
    pub media: String,
    /// From.
    pub start_ms: i64,
    /// To.
    pub end_ms: i64,
    /// Where it is missing: from and to.
    pub gaps: Vec<(i64, i64)>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const FACTS: [Fact; 9] = [
        Fact::AllAgreed,
        Fact::Refused,
        Fact::Stopped,
        Fact::CallOver,
        Fact::Encrypted,
        Fact::Composed,
        Fact::NothingThere,
        Fact::Broken,
        Fact::Deleted,
    ];

    fn answer() -> impl Strategy<Value = Answer> {
        (0usize..3).prop_map(|n| Answer::ALL[n])
    }

    proptest! {
        #[test]
        fn nothing_runs_without_everybodys_yes(facts in prop::collection::vec(0usize..9, 0..30)) {
            let (mut status, mut agreed, mut rank) = (Status::Asked, false, 0);
            for fact in facts.into_iter().map(|n| FACTS[n]) {
                agreed |= status == Status::Asked && fact == Fact::AllAgreed;
                let Some((next, reason)) = status.after(fact) else { continue };
                prop_assert_ne!(next, status, "a change changes");
                prop_assert_eq!(reason.is_some(), next == Status::Failed, "a failure has its reason");
                if matches!(next, Status::Recording | Status::Processing | Status::Ready) {
                    prop_assert!(agreed);
                }
                let place = Status::ALL.iter().position(|known| *known == next).unwrap();
                prop_assert!(place > rank, "never back");
                rank = place;
                status = next;
            }
            if status == Status::Deleted {
                for fact in FACTS {
                    prop_assert_eq!(status.after(fact), None);
                }
            }
        }

        #[test]
        fn one_no_outweighs_every_yes(mut all in prop::collection::vec(answer(), 1..8), n in 0usize..8) {
            let at = n % all.len();
            all[at] = Answer::Refused;
            prop_assert_eq!(verdict(&all, &all), Some(Fact::Refused));
            prop_assert_eq!(verdict(&[], &all), Some(Fact::Refused), "also of somebody who has left");
        }

        #[test]
        fn who_has_not_answered_is_waited_for(present in prop::collection::vec(answer(), 1..8)) {
            let fact = verdict(&present, &present);
            if present.contains(&Answer::Waiting) {
                prop_assert_ne!(fact, Some(Fact::AllAgreed));
            }
            if present.iter().all(|answer| *answer == Answer::Agreed) {
                prop_assert_eq!(fact, Some(Fact::AllAgreed));
            }
        }
    }

    #[test]
    fn an_empty_call_agrees_to_nothing() {
        assert_eq!(verdict(&[], &[]), None);
        assert_eq!(verdict(&[], &[Answer::Agreed]), None);
    }

    #[test]
    fn every_text_says_that_care_does_not_depend_on_it() {
        assert_eq!(text("es-MX").0, "es");
        assert_eq!(text("").0, "en");
        assert!(text("en").1.contains("care does not depend"));
        assert!(text("es").1.contains("atención no depende"));
    }

    #[test]
    fn words_are_read_back() {
        assert!(Status::ALL.into_iter().all(|status| Status::parse(status.as_str()) == Some(status)));
        assert!(Reason::ALL.into_iter().all(|reason| Reason::parse(reason.as_str()) == Some(reason)));
        assert!(Answer::ALL.into_iter().all(|answer| Answer::parse(answer.as_str()) == Some(answer)));
    }
}
