//! What a password must be. NIST SP 800-63B-4: a length, no rules about which
//! characters, and none that anybody would try first.

/// Fewest characters of a password that stands alone.
pub const SHORTEST: usize = 15;
/// Most characters, so that hashing stays bounded.
pub const LONGEST: usize = 256;

/// Why a password is refused. The text is for the person who chose it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Weak {
    /// Too short.
    #[error("use at least 15 characters; a few words in a row are fine")]
    Short,
    /// Too long.
    #[error("use at most 256 characters")]
    Long,
    /// One character or a short run over and over, or a known first guess.
    #[error("this is one of the first passwords anybody would try; choose another")]
    Guessable,
    /// Made of the user's or the clinic's own names.
    #[error("do not use your name, your e-mail address or the clinic's name as the password")]
    Personal,
}

/// What people try first. Taken out of a password, with what follows by rote
/// (`1234`, `qwerty`, `aaaa`), enough must be left.
const FIRST_GUESSES: [&str; 30] = [
    "password",
    "passw0rd",
    "passwort",
    "qwerty",
    "azerty",
    "iloveyou",
    "administrator",
    "admin",
    "letmein",
    "welcome",
    "willkommen",
    "changeme",
    "default",
    "secret",
    "superman",
    "batman",
    "trustno1",
    "monkey",
    "dragon",
    "football",
    "baseball",
    "sunshine",
    "princess",
    "starwars",
    "1q2w3e4r5t6y7u8i9o0p",
    "1q2w3e4r",
    "1qaz2wsx3edc4rfv",
    "1qaz2wsx",
    "doctor",
    "clinic",
];

/// Rows of keyboards, and the orders everybody knows.
const ROTE: [&str; 6] =
    ["abcdefghijklmnopqrstuvwxyz", "01234567890", "qwertyuiop", "asdfghjkl", "zxcvbnm", "qwertzuiopü"];

/// Characters that must be left when all that is easy was taken away.
const LEFT: usize = 8;

/// Checks a chosen password. `names` are the user's and the clinic's own.
///
/// # Errors
/// The first rule it breaks.
pub fn check(password: &str, names: &[&str]) -> Result<(), Weak> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(Weak::Short);
    }
    if length > LONGEST {
        return Err(Weak::Long);
    }
    let plain = plain(password);
    let mut seen: Vec<char> = plain.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    let rest = FIRST_GUESSES.iter().fold(plain.clone(), |rest, guess| rest.replace(guess, ""));
    if seen.len() < 5 || unforeseen(&rest) < LEFT {
        return Err(Weak::Guessable);
    }
    // A name in parts too: maria.alvarez@example.org, Northside Clinic.
    let whole = names.iter().map(|name| self::plain(name));
    let parts = names.iter().flat_map(|name| name.split(|c: char| !c.is_alphanumeric()).map(self::plain));
    let mut personal: Vec<String> = whole.chain(parts).filter(|name| name.chars().count() >= 4).collect();
    personal.sort_unstable_by_key(|name| std::cmp::Reverse(name.len()));
    let rest = personal.iter().fold(plain, |rest, name| rest.replace(name.as_str(), ""));
    if rest.chars().count() < LEFT { Err(Weak::Personal) } else { Ok(()) }
}

/// In small letters, without blanks: `Pass Word` is `password`.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect()
}

/// How many characters do not follow by rote: a step along a known row in
/// either direction, the same again, or the start of it all once more.
fn unforeseen(text: &str) -> usize {
    let chars: Vec<char> = text.chars().collect();
    let period =
        (1..=chars.len() / 2).find(|period| chars.iter().zip(&chars[*period..]).all(|(a, b)| a == b));
    let chars = &chars[..period.unwrap_or(chars.len())];
    let by_rote = |a: char, b: char| {
        a == b
            || ROTE.iter().any(|row| {
                let at = |c| row.chars().position(|known| known == c);
                matches!((at(a), at(b)), (Some(a), Some(b)) if a.abs_diff(b) == 1)
            })
    };
    // The first character of a run counts.
    chars.iter().enumerate().filter(|(n, c)| *n == 0 || !by_rote(chars[n - 1], **c)).count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn sentences_pass_and_first_guesses_do_not() {
        assert_eq!(check("correct horse battery staple", &["demo"]), Ok(()));
        assert_eq!(check("kurz", &[]), Err(Weak::Short));
        assert_eq!(check(&"a b".repeat(200), &[]), Err(Weak::Long));
        assert_eq!(check("aaaaaaaaaaaaaaaaaaaa", &[]), Err(Weak::Guessable));
        assert_eq!(check("Password Password 1", &[]), Err(Weak::Guessable));
        assert_eq!(check("northside-clinic-1", &["northside-clinic"]), Err(Weak::Personal));
        for guessable in [
            "qwertyuiopasdfghjkl",
            "1234567890123456",
            "abcdefghijklmnop",
            "zyxwvutsrqponmlk",
            "Admin Admin Admin 1",
            "maria1maria1maria1",
            "1q2w3e4r5t6y7u8i9o0p",
            "Welcome to the 123",
        ] {
            assert_eq!(check(guessable, &[]), Err(Weak::Guessable), "{guessable}");
        }
        let own = ["maria.alvarez@example.org", "Northside"];
        for personal in ["maria.alvarez@example.org", "Alvarez Maria 2026", "northside 2026 11"] {
            assert_eq!(check(personal, &own), Err(Weak::Personal), "{personal}");
        }
        assert_eq!(check("purple tractors sing to maria", &own), Ok(()));
    }

    proptest! {
        #[test]
        fn random_hex_always_passes(password in "[0-9a-f]{20,64}") {
            prop_assume!(password.chars().collect::<std::collections::BTreeSet<_>>().len() >= 5);
            prop_assert_eq!(check(&password, &["someone@example.org"]), Ok(()));
        }
    }
}
