//! Pharmacies (contract more.md 6.5): the clinic's own list, and those that a
//! patient keeps.

use serde::{Deserialize, Serialize};

/// Most pharmacies that a patient keeps.
pub const MAX_KEPT: i64 = 20;

/// A pharmacy. Empty texts say nothing.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pharmacy {
    /// What other systems call it, such as an NCPDP number.
    pub code: String,
    /// Its name.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// What else the post needs.
    pub line2: String,
    /// Town.
    pub city: String,
    /// State or province.
    pub state: String,
    /// Two letters, ISO 3166-1.
    pub country: String,
    /// Postal code.
    pub zip: String,
    /// Telephone.
    pub phone: String,
    /// Fax.
    pub fax: String,
    /// Degrees north.
    pub latitude: Option<f64>,
    /// Degrees east.
    pub longitude: Option<f64>,
}

/// What is wrong with which field.
pub type Fault = (&'static str, String);

impl Pharmacy {
    /// The pharmacy as it is kept: texts without blanks around them.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn checked(mut self) -> Result<Self, Fault> {
        for (field, text, most) in [
            ("code", &mut self.code, 64),
            ("name", &mut self.name, 200),
            ("line1", &mut self.line1, 200),
            ("line2", &mut self.line2, 200),
            ("city", &mut self.city, 100),
            ("state", &mut self.state, 100),
            ("country", &mut self.country, 2),
            ("zip", &mut self.zip, 20),
            ("phone", &mut self.phone, 40),
            ("fax", &mut self.fax, 40),
        ] {
            *text = text.trim().to_owned();
            if text.chars().count() > most || text.chars().any(char::is_control) {
                return Err((field, format!("must be a text of at most {most} characters")));
            }
        }
        self.country = self.country.to_ascii_uppercase();
        let is_code = self.country.len() == 2 && self.country.bytes().all(|byte| byte.is_ascii_uppercase());
        if !(self.country.is_empty() || is_code) {
            return Err(("country", "use two letters, such as US".to_owned()));
        }
        if self.name.is_empty() {
            return Err(("name", "is required".to_owned()));
        }
        for (field, degrees, most) in
            [("latitude", self.latitude, 90.0), ("longitude", self.longitude, 180.0)]
        {
            if degrees.is_some_and(|degrees| !degrees.is_finite() || degrees.abs() > most) {
                return Err((field, format!("use degrees from -{most} to {most}")));
            }
        }
        if self.latitude.is_some() != self.longitude.is_some() {
            return Err(("latitude", "goes together with longitude".to_owned()));
        }
        Ok(self)
    }

    /// What a search looks through, in lower case.
    #[must_use]
    pub fn searched(&self) -> String {
        [&self.name, &self.line1, &self.city, &self.zip, &self.code].map(|text| text.to_lowercase()).join(" ")
    }

    /// Name and address in one line.
    #[must_use]
    pub fn line(&self) -> String {
        let parts = [&self.name, &self.line1, &self.line2, &self.city, &self.state, &self.zip, &self.phone];
        parts.into_iter().filter(|part| !part.is_empty()).cloned().collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_named() {
        let named = || Pharmacy { name: " Corner ".to_owned(), ..Pharmacy::default() };
        assert_eq!(named().checked().unwrap().name, "Corner");
        let country = Pharmacy { country: "us".to_owned(), ..named() }.checked().unwrap();
        assert_eq!(country.country, "US");
        for (wrong, field) in [
            (Pharmacy::default(), "name"),
            (Pharmacy { country: "U1".to_owned(), ..named() }, "country"),
            (Pharmacy { zip: "1".repeat(21), ..named() }, "zip"),
            (Pharmacy { city: "a\nb".to_owned(), ..named() }, "city"),
            (Pharmacy { latitude: Some(91.0), longitude: Some(0.0), ..named() }, "latitude"),
            (Pharmacy { latitude: Some(f64::NAN), longitude: Some(0.0), ..named() }, "latitude"),
            (Pharmacy { longitude: Some(9.0), ..named() }, "latitude"),
        ] {
            assert_eq!(wrong.checked().unwrap_err().0, field);
        }
    }
}
