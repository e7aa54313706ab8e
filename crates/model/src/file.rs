//! Files: what they are for, what they may be called, who of the clinic sees
//! which. What the bytes are is told by `file/kind.rs`, never by a name or a
//! header that came with them (contract more.md 2).

mod kind;

pub use kind::{Kind, TextCheck};

use crate::At;

/// What a file is for. A file without a category is its owner's alone until it
/// is put on a visit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Category {
    /// Belongs to one visit and is shown only there.
    IntakeAttachment,
    /// On the patient's profile.
    UserDocument,
    /// A consent that was given; patients cannot change or delete it.
    UserConsent,
    /// A photo.
    UserAvatar,
    /// Sent in a chat.
    ChatAttachment,
}

impl Category {
    /// Every category.
    pub const ALL: [Self; 5] = [
        Self::IntakeAttachment,
        Self::UserDocument,
        Self::UserConsent,
        Self::UserAvatar,
        Self::ChatAttachment,
    ];

    /// The word that is stored and sent.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::IntakeAttachment => "intake_attachment",
            Self::UserDocument => "user_document",
            Self::UserConsent => "user_consent",
            Self::UserAvatar => "user_avatar",
            Self::ChatAttachment => "chat_attachment",
        }
    }

    /// The category of a word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.as_str() == word)
    }

    /// On the profile, so that whoever treats the person may read it. Anything
    /// else is read through its visit.
    #[must_use]
    pub const fn is_of_profile(self) -> bool {
        matches!(self, Self::UserDocument | Self::UserConsent | Self::UserAvatar)
    }

    /// Only documents may be deleted (contract more.md 2.1).
    #[must_use]
    pub const fn is_deletable(self) -> bool {
        matches!(self, Self::UserDocument)
    }
}

/// The longest name of a file, in characters.
pub const MAX_NAME: usize = 255;

/// How long a signed link works after the time it names, in seconds.
pub const LINK_SECONDS: i64 = 15 * 60;
/// How far a link's time may lie ahead: another node's clock.
const LINK_SKEW_SECONDS: i64 = 60;

/// Does a link made at this time still work?
#[must_use]
pub fn link_is_current(made_at_seconds: i64, now: At) -> bool {
    let age = now.seconds().saturating_sub(made_at_seconds);
    (-LINK_SKEW_SECONDS..=LINK_SECONDS).contains(&age)
}

/// A name as it may be stored and offered: the last part of a path, without
/// control characters and marks that turn the reading direction, at most
/// [`MAX_NAME`] characters, with an extension that is not wrong for the kind.
/// A name without an extension stays as it is.
#[must_use]
pub fn clean_name(name: &str, kind: Kind) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let edge = |c: char| c.is_whitespace() || c == '.';
    let kept = kept.trim_matches(edge);
    let cut: String;
    let (stem, extension) = match split(kept) {
        (_, None) => {
            // What is cut off must not leave an extension behind that is wrong.
            cut = kept.chars().take(MAX_NAME).collect();
            split(cut.trim_end_matches(edge))
        }
        found => found,
    };
    let extension = match extension {
        Some(extension) if kind.fits(extension) => Some(extension),
        Some(_) => Some(kind.extension()),
        None => None,
    };
    let room = MAX_NAME - extension.map_or(0, |extension| extension.len() + 1);
    let stem: String = stem.chars().take(room).collect();
    let stem = stem.trim_end_matches(edge);
    let stem = if stem.is_empty() { "file" } else { stem };
    match extension {
        Some(extension) => format!("{stem}.{extension}"),
        None => stem.to_owned(),
    }
}

/// The extension that a name shows, or the kind's own.
#[must_use]
pub fn extension(name: &str, kind: Kind) -> String {
    let shown = split(name).1.filter(|extension| kind.fits(extension));
    shown.unwrap_or(kind.extension()).to_ascii_lowercase()
}

/// What looks like an extension: one to eight letters and digits, with a letter.
fn split(name: &str) -> (&str, Option<&str>) {
    match name.rsplit_once('.') {
        Some((stem, extension))
            if (1..=8).contains(&extension.len())
                && extension.bytes().all(|b| b.is_ascii_alphanumeric())
                && extension.bytes().any(|b| b.is_ascii_alphabetic()) =>
        {
            (stem, Some(extension))
        }
        _ => (name, None),
    }
}

/// Zero-width and direction marks, with which a name can look like another.
const fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// The longest side of a resized image, in pixels.
pub const MAX_SIDE: u32 = 4096;

/// Width and height of a resized image: `320x240`, each side at most
/// [`MAX_SIDE`].
#[must_use]
pub fn parse_size(text: &str) -> Option<(u32, u32)> {
    let (width, height) = text.split_once(['x', 'X'])?;
    let side = |text: &str| {
        let digits = (1..=4).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit());
        text.parse().ok().filter(|side| digits && (1..=MAX_SIDE).contains(side))
    };
    Some((side(width)?, side(height)?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_name_is_cleaned_and_fits_the_content() {
        for (name, kind, clean) in [
            ("arm.jpg", Kind::Jpg, "arm.jpg"),
            ("arm.JPEG", Kind::Jpg, "arm.JPEG"),
            ("arm.exe", Kind::Jpg, "arm.jpg"),
            ("page.html", Kind::Txt, "page.txt"),
            ("C:\\photos\\arm.png", Kind::Png, "arm.png"),
            ("../../etc/passwd", Kind::Txt, "passwd"),
            ("my arm", Kind::Jpg, "my arm"),
            ("report v1.2", Kind::Pdf, "report v1.2"),
            ("a\r\nb\".pdf", Kind::Pdf, "ab\".pdf"),
            ("\u{202e}fdp.exe", Kind::Pdf, "fdp.pdf"),
            ("...", Kind::Pdf, "file"),
            (".pdf", Kind::Pdf, "pdf"),
            ("", Kind::Pdf, "file"),
        ] {
            assert_eq!(clean_name(name, kind), clean, "{name:?}");
        }
        assert_eq!(extension("arm.JPEG", Kind::Jpg), "jpeg");
        assert_eq!(extension("my arm", Kind::Jpg), "jpg");
    }

    #[test]
    fn sizes_are_small_whole_numbers() {
        assert_eq!(parse_size("320x240"), Some((320, 240)));
        for bad in ["", "320", "0x1", "1x0", "-1x5", "+1x5", "4097x1", "99999x1", "1x2x3", "a\u{e9}x1"] {
            assert_eq!(parse_size(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_link_lives_fifteen_minutes() {
        let now = At::from_seconds(10_000);
        assert!(link_is_current(10_000, now) && link_is_current(9_100, now) && link_is_current(10_060, now));
        assert!(!link_is_current(9_099, now) && !link_is_current(10_061, now));
        assert!(!link_is_current(i64::MIN, now) && !link_is_current(i64::MAX, now));
    }

    #[test]
    fn only_documents_are_deletable() {
        for category in Category::ALL {
            assert_eq!(category.is_deletable(), category.as_str() == "user_document");
            assert_eq!(Category::parse(category.as_str()), Some(category));
        }
        assert_eq!(Category::parse("USER_DOCUMENT"), None);
    }

    proptest! {
        #[test]
        fn a_clean_name_is_short_plain_and_stays(name in "\\PC{0,300}|[a-z./\\\\\\x00-\\x1f]{0,40}", n in 0..Kind::ALL.len()) {
            let kind = Kind::ALL[n];
            let clean = clean_name(&name, kind);
            prop_assert!(!clean.is_empty() && clean.chars().count() <= MAX_NAME);
            prop_assert!(!clean.chars().any(|c| c.is_control() || is_invisible(c) || c == '/' || c == '\\'));
            prop_assert!(!clean.starts_with('.'));
            prop_assert!(kind.fits(&extension(&clean, kind)));
            prop_assert_eq!(clean_name(&clean, kind), clean);
        }
    }
}
