//! Profiles as clients write them: checked field by field, unsent fields left
//! as they were.

use bedside_model::user::{Profile, gender_code, is_date, is_timezone};

use crate::{Error, Result};

/// What a client sends of a profile. `None` leaves the field.
#[derive(Clone, Default)]
pub struct ProfileInput {
    /// Given name.
    pub first_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// `Dr`, for providers.
    pub title: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Telephone.
    pub phone: Option<String>,
    /// `YYYY-MM-DD`; empty clears it.
    pub dob: Option<String>,
    /// `male`, `female`, or the number.
    pub gender: Option<String>,
    /// Street and number.
    pub street_addr: Option<String>,
    /// Town.
    pub city: Option<String>,
    /// Two letters.
    pub state: Option<String>,
    /// Postal code.
    pub zip: Option<String>,
    /// What follows the name.
    pub suffix: Option<String>,
    /// IANA name; empty clears it.
    pub timezone: Option<String>,
    /// A few sentences about a provider.
    pub short_bio: Option<String>,
}

/// The profile with what was sent put over it. With `named`, both names must
/// be sent and say something.
///
/// # Errors
/// 400 naming the field.
pub fn checked(input: &ProfileInput, mut profile: Profile, named: bool) -> Result<Profile> {
    put(&mut profile.first_name, "first_name", input.first_name.as_deref(), 100)?;
    put(&mut profile.last_name, "last_name", input.last_name.as_deref(), 100)?;
    put(&mut profile.title, "title", input.title.as_deref(), 50)?;
    put(&mut profile.email, "email", input.email.as_deref(), 254)?;
    put(&mut profile.phone, "phone", input.phone.as_deref(), 50)?;
    put(&mut profile.street_addr, "street_addr", input.street_addr.as_deref(), 200)?;
    put(&mut profile.city, "city", input.city.as_deref(), 100)?;
    put(&mut profile.state, "state", input.state.as_deref(), 50)?;
    put(&mut profile.zip, "zip", input.zip.as_deref(), 20)?;
    put(&mut profile.suffix, "suffix", input.suffix.as_deref(), 50)?;
    put_lines(&mut profile.short_bio, "short_bio", input.short_bio.as_deref(), 2000)?;
    for (name, sent) in [("first_name", &input.first_name), ("last_name", &input.last_name)] {
        if sent.as_deref().map_or(named, |text| text.trim().is_empty()) {
            return Err(Error::field(name, "is required"));
        }
    }
    if !profile.email.is_empty() && input.email.is_some() && !is_email(&profile.email) {
        return Err(Error::field("email", "is not an e-mail address"));
    }
    if let Some(dob) = input.dob.as_deref().map(str::trim) {
        if !dob.is_empty() && !is_date(dob) {
            return Err(Error::field("dob", "use a date of the form YYYY-MM-DD"));
        }
        profile.dob = (!dob.is_empty()).then(|| dob.to_owned());
    }
    if let Some(gender) = &input.gender {
        profile.gender = gender_code(gender).ok_or_else(|| Error::field("gender", "use male or female"))?;
    }
    if let Some(zone) = input.timezone.as_deref().map(str::trim) {
        if !zone.is_empty() && !is_timezone(zone) {
            return Err(Error::field("timezone", "use a name of the IANA list, such as Europe/Lisbon"));
        }
        zone.clone_into(&mut profile.timezone);
    }
    Ok(profile)
}

/// An integrator's own key as it was sent; `None` when a generated one is wanted.
///
/// # Errors
/// 400 for one that is too long.
pub fn code(sent: Option<&str>) -> Result<Option<String>> {
    let Some(code) = sent.map(str::trim).filter(|code| !code.is_empty()) else { return Ok(None) };
    if code.chars().count() > 128 || code.chars().any(char::is_control) {
        return Err(Error::field("code", "use at most 128 characters"));
    }
    Ok(Some(code.to_owned()))
}

/// A login name as it was sent; `None` when a generated one is wanted.
///
/// # Errors
/// 400 for one that nobody could type again.
pub fn username(sent: Option<&str>) -> Result<Option<String>> {
    let Some(name) = sent.map(str::trim).filter(|name| !name.is_empty()) else { return Ok(None) };
    if name.chars().count() > 254 || name.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Err(Error::field("username", "use at most 254 characters and no blanks"));
    }
    Ok(Some(name.to_owned()))
}

fn put(field: &mut String, name: &str, sent: Option<&str>, longest: usize) -> Result<()> {
    let Some(text) = sent else { return Ok(()) };
    let text = text.trim();
    if text.chars().count() > longest {
        return Err(Error::field(name, format!("use at most {longest} characters")));
    }
    if text.chars().any(char::is_control) {
        return Err(Error::field(name, "must not hold control characters"));
    }
    text.clone_into(field);
    Ok(())
}

/// [`put`] for a text of several lines.
fn put_lines(field: &mut String, name: &str, sent: Option<&str>, longest: usize) -> Result<()> {
    let lines = sent.map(|text| text.replace("\r\n", "\n").replace(['\n', '\t'], " "));
    put(&mut String::new(), name, lines.as_deref(), longest)?;
    if let Some(text) = sent {
        text.trim().clone_into(field);
    }
    Ok(())
}

/// Whether mail could be meant at all; only a mail that arrives proves more.
fn is_email(text: &str) -> bool {
    matches!(text.rsplit_once('@'), Some((name, host)) if !name.is_empty() && !host.is_empty())
        && !text.contains(char::is_whitespace)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(adjust: impl FnOnce(&mut ProfileInput)) -> ProfileInput {
        let mut input = ProfileInput {
            first_name: Some(" Maria ".into()),
            last_name: Some("Santos".into()),
            ..ProfileInput::default()
        };
        adjust(&mut input);
        input
    }

    fn field_of(input: &ProfileInput) -> Option<String> {
        match checked(input, Profile::default(), true) {
            Err(Error::Invalid { fields, .. }) => fields.into_keys().next(),
            _ => None,
        }
    }

    #[test]
    fn unsent_fields_stay() {
        let first = checked(&input(|i| i.phone = Some("555".into())), Profile::default(), true).unwrap();
        assert_eq!((first.first_name.as_str(), first.phone.as_str()), ("Maria", "555"));
        let second = checked(&input(|i| i.last_name = Some("Silva".into())), first, true).unwrap();
        assert_eq!((second.last_name.as_str(), second.phone.as_str()), ("Silva", "555"));
    }

    #[test]
    fn a_bad_field_is_named() {
        assert_eq!(field_of(&input(|i| i.first_name = None)).as_deref(), Some("first_name"));
        assert_eq!(field_of(&input(|i| i.last_name = Some("  ".into()))).as_deref(), Some("last_name"));
        assert_eq!(field_of(&input(|i| i.dob = Some("1.2.1980".into()))).as_deref(), Some("dob"));
        assert_eq!(field_of(&input(|i| i.gender = Some("x".into()))).as_deref(), Some("gender"));
        assert_eq!(field_of(&input(|i| i.email = Some("nobody".into()))).as_deref(), Some("email"));
        assert_eq!(field_of(&input(|i| i.city = Some("x".repeat(101)))).as_deref(), Some("city"));
        assert_eq!(field_of(&input(|i| i.phone = Some("5\u{0}5".into()))).as_deref(), Some("phone"));
        assert_eq!(field_of(&input(|i| i.short_bio = Some("\u{7}".into()))).as_deref(), Some("short_bio"));
        for zone in ["Mars/Olympus", "../etc/passwd", "EST5EDT,M3.2.0,M11.1.0", "/etc/localtime", "+01"] {
            let named = field_of(&input(|i| i.timezone = Some(zone.into())));
            assert_eq!(named.as_deref(), Some("timezone"), "{zone}");
        }
        assert_eq!(field_of(&input(|i| i.timezone = Some("Europe/Lisbon".into()))), None);
        assert_eq!(field_of(&input(|i| i.short_bio = Some("Two\r\nlines".into()))), None);
    }
}
