//! Amounts of money: whole numbers of a currency's smallest unit inside,
//! decimal texts outside, and nothing between that rounds.

/// The largest amount of one line or invoice, in the smallest unit.
pub const MAX_AMOUNT: i64 = 100_000_000_000;

/// Currencies without a smaller unit (ISO 4217, exponent 0).
const WHOLE: [&str; 15] =
    ["BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "RWF", "UGX", "VND", "VUV", "XAF", "XOF"];
/// Currencies with thousandths (ISO 4217, exponent 3).
const THOUSANDTHS: [&str; 7] = ["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"];

/// How many decimals amounts of a currency have (ISO 4217).
#[must_use]
pub fn decimals(currency: &str) -> u32 {
    if WHOLE.contains(&currency) {
        0
    } else if THOUSANDTHS.contains(&currency) {
        3
    } else {
        2
    }
}

/// Reads a price such as `12.50` in a currency: digits, and at most as many
/// decimals as the currency has.
///
/// # Errors
/// Why it is none.
pub fn parse(text: &str, currency: &str) -> Result<i64, &'static str> {
    const FORM: &str = "use an amount such as 12.50";
    let text = text.trim();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !digits(whole) || !digits(part) || text.ends_with('.') {
        return Err(FORM);
    }
    let places = decimals(currency) as usize;
    // `1500.00` is a good amount of yen.
    let kept = part.trim_end_matches('0');
    if kept.len() > places {
        return Err("has more decimals than the currency");
    }
    let number: i64 = format!("{whole}{kept:0<places$}").parse().map_err(|_| FORM)?;
    if number > MAX_AMOUNT { Err("is too large") } else { Ok(number) }
}

/// An amount as text: `12.50`, `1500` yen.
#[must_use]
pub fn format(amount: i64, currency: &str) -> String {
    let places = decimals(currency);
    let one = 10_u64.pow(places);
    let (sign, size) = (if amount < 0 { "-" } else { "" }, amount.unsigned_abs());
    if places == 0 {
        return format!("{sign}{size}");
    }
    format!("{sign}{}.{:0width$}", size / one, size % one, width = places as usize)
}

/// The smallest units of an amount in hundredths of the currency, which is how
/// rooms and visits keep prices whatever the currency (core.md 4.3: always two
/// decimals). None when the currency has no such part, or it is too large.
#[must_use]
pub fn from_hundredths(hundredths: i64, currency: &str) -> Option<i64> {
    let amount = match decimals(currency) {
        0 if hundredths % 100 != 0 => return None,
        0 => hundredths / 100,
        3 => hundredths.checked_mul(10)?,
        _ => hundredths,
    };
    (0..=MAX_AMOUNT).contains(&amount).then_some(amount)
}

/// Does it look like a card's number? Those never come near us: a processor's
/// token stands for a card.
#[must_use]
pub fn is_card_number(text: &str) -> bool {
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    (13..=19).contains(&digits)
        && text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b' ' | b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn amounts_in_their_currency() {
        for (text, currency, amount) in [
            ("12.50", "USD", 1250),
            ("12.5", "EUR", 1250),
            ("0", "EUR", 0),
            ("1500", "JPY", 1500),
            ("1500.00", "JPY", 1500),
            ("1.234", "KWD", 1234),
            ("07", "USD", 700),
        ] {
            assert_eq!(parse(text, currency), Ok(amount), "{text} {currency}");
        }
        for (text, currency) in [
            ("", "USD"),
            (".5", "USD"),
            ("5.", "USD"),
            ("-1", "USD"),
            ("+1", "USD"),
            ("1e3", "USD"),
            ("1,50", "USD"),
            ("1.005", "USD"),
            ("0.5", "JPY"),
            ("99999999999999999999", "USD"),
            ("1000000000.01", "USD"),
            ("١", "USD"),
        ] {
            assert!(parse(text, currency).is_err(), "{text} {currency}");
        }
        assert_eq!(format(5, "USD"), "0.05");
        assert_eq!(format(-1250, "USD"), "-12.50");
        assert_eq!(format(1500, "JPY"), "1500");
    }

    #[test]
    fn prices_of_rooms_become_smallest_units() {
        assert_eq!(from_hundredths(2500, "USD"), Some(2500));
        assert_eq!(from_hundredths(150_000, "JPY"), Some(1500));
        assert_eq!(from_hundredths(150_050, "JPY"), None);
        assert_eq!(from_hundredths(2500, "KWD"), Some(25_000));
        assert_eq!(from_hundredths(i64::MAX, "KWD"), None);
    }

    #[test]
    fn card_numbers_are_known() {
        for number in [
            "4242424242424242",
            "4242 4242 4242 4242",
            "4242-4242-4242-4242",
            "3782822463100",
            "1234567890123456789",
        ] {
            assert!(is_card_number(number), "{number}");
        }
        for token in ["tok_visa", "424242424242", "12345678901234567890", "tok_4242424242424242"] {
            assert!(!is_card_number(token), "{token}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(amount in 0..=MAX_AMOUNT, n in 0usize..3) {
            let currency = ["USD", "JPY", "KWD"][n];
            prop_assert_eq!(parse(&format(amount, currency), currency), Ok(amount));
        }

        #[test]
        fn no_text_panics(text in "\\PC{0,24}", n in 0usize..3) {
            if let Ok(amount) = parse(&text, ["USD", "JPY", "KWD"][n]) {
                prop_assert!((0..=MAX_AMOUNT).contains(&amount));
            }
        }
    }
}
