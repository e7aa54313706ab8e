//! Visit notes: what a note may say, when it may change, and what is signed.
//! A signed note never changes; what comes to mind later is an addendum.

use serde::{Deserialize, Serialize};

/// Longest text of one field, in characters.
pub const MAX_TEXT: usize = 20_000;
/// Most diagnoses of a note.
pub const MAX_DIAGNOSES: usize = 50;
/// Longest diagnosis, in characters.
pub const MAX_DIAGNOSIS: usize = 300;
/// Most notes of one visit.
pub const MAX_NOTES: i64 = 50;
/// Most addenda of one note.
pub const MAX_ADDENDA: i64 = 50;

/// Where a note stands (contract more.md 6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoteStatus {
    /// Nothing is written yet.
    New,
    /// Being written.
    Draft,
    /// Signed: it stays as it is.
    Signed,
}

impl NoteStatus {
    /// Every status.
    pub const ALL: [Self; 3] = [Self::New, Self::Draft, Self::Signed];

    /// The word on the wire and in the store.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Draft => "draft",
            Self::Signed => "signed",
        }
    }

    /// The status of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == word)
    }
}

/// Which fields a note begins with. Every note has all of them; a template says
/// which a page shows first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Template {
    /// Subjective, objective, assessment, plan.
    #[default]
    Soap,
    /// Exam, assessment and plan, diagnosis, instructions, disposition.
    PostVisit,
}

impl Template {
    /// Every template.
    pub const ALL: [Self; 2] = [Self::Soap, Self::PostVisit];

    /// The word on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Soap => "soap",
            Self::PostVisit => "post_visit",
        }
    }

    /// The template of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|template| template.as_str() == word)
    }
}

/// The fields that hold one text each, as on the wire.
pub const FIELDS: [&str; 8] = [
    "subjective",
    "objective",
    "assessment",
    "plan",
    "physical_exam",
    "assessment_plan",
    "patient_instructions",
    "disposition",
];

/// What a note says.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Content {
    /// Which fields it began with.
    pub template: Template,
    /// What the patient tells.
    pub subjective: String,
    /// What was found.
    pub objective: String,
    /// What it is taken for.
    pub assessment: String,
    /// What is done about it.
    pub plan: String,
    /// Physical exam.
    pub physical_exam: String,
    /// Assessment and plan in one.
    pub assessment_plan: String,
    /// Diagnoses, with or without codes.
    pub diagnosis: Vec<String>,
    /// What the patient is to do.
    pub patient_instructions: String,
    /// Where the patient goes from here.
    pub disposition: String,
}

impl Content {
    /// The text of a field.
    #[must_use]
    pub fn text(&self, field: &str) -> Option<&str> {
        Some(match field {
            "subjective" => &self.subjective,
            "objective" => &self.objective,
            "assessment" => &self.assessment,
            "plan" => &self.plan,
            "physical_exam" => &self.physical_exam,
            "assessment_plan" => &self.assessment_plan,
            "patient_instructions" => &self.patient_instructions,
            "disposition" => &self.disposition,
            _ => return None,
        })
    }

    fn text_mut(&mut self, field: &str) -> Option<&mut String> {
        Some(match field {
            "subjective" => &mut self.subjective,
            "objective" => &mut self.objective,
            "assessment" => &mut self.assessment,
            "plan" => &mut self.plan,
            "physical_exam" => &mut self.physical_exam,
            "assessment_plan" => &mut self.assessment_plan,
            "patient_instructions" => &mut self.patient_instructions,
            "disposition" => &mut self.disposition,
            _ => return None,
        })
    }

    /// Puts a text into a field. Space at the ends stays: an editor saves while
    /// somebody types.
    ///
    /// # Errors
    /// Why the text cannot be kept.
    pub fn set(&mut self, field: &str, text: String) -> Result<(), &'static str> {
        check(&text)?;
        let place = self.text_mut(field).ok_or("is no field of a note")?;
        *place = text;
        Ok(())
    }

    /// Puts the diagnoses.
    ///
    /// # Errors
    /// Why they cannot be kept.
    pub fn set_diagnosis(&mut self, all: Vec<String>) -> Result<(), &'static str> {
        let kept: Vec<String> =
            all.iter().map(|one| one.trim().to_owned()).filter(|one| !one.is_empty()).collect();
        if kept.len() > MAX_DIAGNOSES {
            return Err("use at most 50 diagnoses");
        }
        if kept.iter().any(|one| one.chars().count() > MAX_DIAGNOSIS) {
            return Err("use at most 300 characters for each");
        }
        kept.iter().try_for_each(|one| check(one))?;
        self.diagnosis = kept;
        Ok(())
    }

    /// True while nothing is written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.diagnosis.is_empty()
            && FIELDS.iter().all(|field| self.text(field).is_none_or(|text| text.trim().is_empty()))
    }

    /// The status of an unsigned note with this content.
    #[must_use]
    pub fn status(&self) -> NoteStatus {
        if self.is_empty() { NoteStatus::New } else { NoteStatus::Draft }
    }

    /// The bytes that a signature's hash is made of: the content, who signs and
    /// when, each field with its name and length, so that no two notes share them.
    #[must_use]
    pub fn signed_bytes(&self, note: &str, signer: &str, at_seconds: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut put = |name: &str, text: &str| {
            bytes.extend_from_slice(format!("{name}:{}:", text.len()).as_bytes());
            bytes.extend_from_slice(text.as_bytes());
            bytes.push(b'\n');
        };
        put("note", note);
        put("signed_by", signer);
        put("signed_at", &at_seconds.to_string());
        put("template", self.template.as_str());
        for field in FIELDS {
            put(field, self.text(field).unwrap_or_default());
        }
        for one in &self.diagnosis {
            put("diagnosis", one);
        }
        bytes
    }
}

/// Whether a text may stand in a note.
///
/// # Errors
/// Why it may not.
pub fn check(text: &str) -> Result<(), &'static str> {
    if text.chars().count() > MAX_TEXT {
        return Err("use at most 20000 characters");
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err("must not contain control characters");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_field_is_there_and_words_are_one_spelling() {
        let mut content = Content::default();
        for field in FIELDS {
            assert!(content.is_empty());
            content.set(field, format!(" {field} ")).unwrap();
            assert_eq!(content.text(field), Some(format!(" {field} ").as_str()));
            assert_eq!(content.status(), NoteStatus::Draft);
            content.set(field, String::new()).unwrap();
        }
        assert!(content.set("mood", String::new()).is_err());
        assert!(content.set("plan", "x".repeat(MAX_TEXT + 1)).is_err());
        assert!(content.set("plan", "a\0b".to_owned()).is_err());
        for status in NoteStatus::ALL {
            assert_eq!(NoteStatus::parse(status.as_str()), Some(status));
        }
        for template in Template::ALL {
            assert_eq!(Template::parse(template.as_str()), Some(template));
        }
    }

    #[test]
    fn diagnoses_are_trimmed_and_bounded() {
        let mut content = Content::default();
        content.set_diagnosis(vec![" J06.9 Cold ".to_owned(), " ".to_owned()]).unwrap();
        assert_eq!(content.diagnosis, ["J06.9 Cold"]);
        assert!(content.set_diagnosis(vec!["x".to_owned(); MAX_DIAGNOSES + 1]).is_err());
        assert!(content.set_diagnosis(vec!["x".repeat(MAX_DIAGNOSIS + 1)]).is_err());
        assert_eq!(content.diagnosis, ["J06.9 Cold"], "a refusal changes nothing");
    }

    proptest! {
        // Moving text from one field to its neighbour is another note.
        #[test]
        fn no_two_notes_sign_the_same_bytes(a in "[a-z:\n0-9]{0,12}", b in "[a-z:\n0-9]{0,12}", c in "[a-z:\n0-9]{0,12}", d in "[a-z:\n0-9]{0,12}") {
            let note = |x: &str, y: &str| {
                let mut content = Content::default();
                content.set("assessment", x.to_owned()).unwrap();
                content.set("plan", y.to_owned()).unwrap();
                content.signed_bytes("n", "181", 5)
            };
            prop_assert_eq!(note(&a, &b) == note(&c, &d), (&a, &b) == (&c, &d));
        }
    }
}
