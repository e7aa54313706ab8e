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
    #[error("do not use your login name or the clinic's name as the password")]
    Personal,
}

/// Beginnings that make a long password easy to guess all the same.
const FIRST_GUESSES: [&str; 12] = [
    "password",
    "passw0rd",
    "qwerty",
    "123456789",
    "iloveyou",
    "administrator",
    "letmein",
    "welcome",
    "abcdefgh",
    "changeme",
    "superman",
    "trustno1",
];

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
    let plain: String = password.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let mut seen: Vec<char> = plain.chars().collect();
    seen.sort_unstable();
    seen.dedup();
    // What is left when the guess is taken away must still be a password.
    let guess = FIRST_GUESSES
        .iter()
        .any(|guess| plain.replace(guess, "").chars().count() + 4 < SHORTEST.min(plain.len()));
    if seen.len() < 5 || guess {
        return Err(Weak::Guessable);
    }
    let personal = names
        .iter()
        .map(|name| name.to_lowercase())
        .filter(|name| name.chars().count() >= 4)
        .any(|name| plain.replace(&name, "").chars().count() < 8);
    if personal { Err(Weak::Personal) } else { Ok(()) }
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
    }

    proptest! {
        #[test]
        fn random_hex_always_passes(password in "[0-9a-f]{20,64}") {
            prop_assume!(password.chars().collect::<std::collections::BTreeSet<_>>().len() >= 5);
            prop_assert_eq!(check(&password, &["someone@example.org"]), Ok(()));
        }
    }
}
