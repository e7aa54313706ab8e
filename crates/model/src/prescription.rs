//! Prescriptions as printable records (contract more.md 6.5). None is sent to a
//! pharmacy electronically.

use serde::{Deserialize, Serialize};

words! {
    /// What became of a prescription.
    Status {
        /// It counts.
        Active = "active";
        /// Taken back, with a reason. What was given out stays readable.
        Cancelled = "cancelled";
    }
}

words! {
    /// Who carries prescriptions to a pharmacy.
    Driver {
        /// Nobody: the patient carries the paper.
        None = "none";
    }
}

/// Most prescriptions of a visit.
pub const MAX_OF_VISIT: i64 = 50;

/// What a prescription says. It never changes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Content {
    /// The drug, with its strength.
    pub drug: String,
    /// How to take it.
    pub directions: String,
    /// How much is given out: "20 tablets".
    #[serde(default)]
    pub quantity: String,
    /// How often it may be given out again.
    #[serde(default)]
    pub refills: i64,
    /// How many days it lasts.
    #[serde(default)]
    pub days_supply: Option<i64>,
    /// Name and address of the pharmacy, as they were then.
    #[serde(default)]
    pub pharmacy: String,
    /// To the pharmacist.
    #[serde(default)]
    pub comment: String,
}

/// What is wrong with which field.
pub type Fault = (&'static str, String);

impl Content {
    /// The content as it is kept.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn checked(mut self) -> Result<Self, Fault> {
        for (field, text, most, required) in [
            ("drug", &mut self.drug, 300, true),
            ("directions", &mut self.directions, 2_000, true),
            ("quantity", &mut self.quantity, 100, false),
            ("comment", &mut self.comment, 2_000, false),
        ] {
            *text = text.trim().to_owned();
            if required && text.is_empty() {
                return Err((field, "is required".to_owned()));
            }
            let fits = |c: char| !c.is_control() || matches!(c, '\n' | '\r' | '\t');
            if text.chars().count() > most || !text.chars().all(fits) {
                return Err((field, format!("must be a text of at most {most} characters")));
            }
        }
        if !(0..=99).contains(&self.refills) {
            return Err(("refills", "use 0 to 99".to_owned()));
        }
        if self.days_supply.is_some_and(|days| !(1..=366).contains(&days)) {
            return Err(("days_supply", "use 1 to 366 days".to_owned()));
        }
        Ok(self)
    }
}

/// The reason for taking a prescription back.
///
/// # Errors
/// Why it does not fit.
pub fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("is required".to_owned());
    }
    if text.chars().count() > 500 || text.chars().any(char::is_control) {
        return Err("must be a text of at most 500 characters".to_owned());
    }
    Ok(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let whole = || Content {
            drug: " Amoxicillin 500 mg ".to_owned(),
            directions: "One, three times a day".to_owned(),
            ..Content::default()
        };
        assert_eq!(whole().checked().unwrap().drug, "Amoxicillin 500 mg");
        for (wrong, field) in [
            (Content::default(), "drug"),
            (Content { directions: " ".to_owned(), ..whole() }, "directions"),
            (Content { quantity: "x".repeat(101), ..whole() }, "quantity"),
            (Content { refills: -1, ..whole() }, "refills"),
            (Content { refills: 100, ..whole() }, "refills"),
            (Content { days_supply: Some(0), ..whole() }, "days_supply"),
            (Content { comment: "\u{0}".to_owned(), ..whole() }, "comment"),
        ] {
            assert_eq!(wrong.checked().unwrap_err().0, field);
        }
        assert!(reason(" ").is_err() && reason("Wrong dose").is_ok());
    }
}
