//! What a letter or a notification says: one small template per kind and
//! language, put into one layout as text and as HTML. A line `---` in a template
//! says what stands below the button. Subjects and short texts stand on locked
//! screens and travel unprotected: no names, no reasons, nothing about health.

use std::{collections::HashMap, sync::LazyLock};

use bedside_model::{At, notification::Language};
use jiff::tz::TimeZone;
use minijinja::{Environment, UndefinedBehavior, context};

use crate::{Error, Result};

/// What a template is filled with.
#[derive(Default)]
pub(crate) struct Words<'w> {
    /// The template's name: the word of a notification's or a mail's kind.
    pub template: &'w str,
    pub language: Language,
    pub clinic: &'w str,
    /// Where the clinic's logo is; empty for none.
    pub logo: &'w str,
    /// Login name, for letters about it.
    pub username: &'w str,
    /// Empty for somebody whose name we do not know.
    pub first_name: &'w str,
    pub provider: Option<&'w str>,
    pub room: &'w str,
    /// The time, as [`when`] says it.
    pub when: Option<String>,
    pub link: &'w str,
    /// Where the other answer is given; none when there is one button.
    pub other: Option<&'w str>,
    /// The name of a language that somebody speaks.
    pub tongue: &'w str,
    /// Where such letters are ended; none for those that cannot be.
    pub unsubscribe: Option<&'w str>,
    /// The link needs no login.
    pub one_time: bool,
    /// The patient may change it there.
    pub may_change: bool,
}

/// A notification's words.
#[derive(Debug)]
pub(crate) struct Written {
    pub subject: String,
    /// One sentence, without the link.
    pub short: String,
    pub text: String,
    pub html: String,
}

macro_rules! catalog {
    ($language:literal: $($kind:literal)+) => {
        [$((concat!($language, "/", $kind), include_str!(concat!("../../templates/", $language, "/", $kind, ".txt")))),+]
    };
}

macro_rules! catalogs {
    ($($language:literal)+) => {
        [$(catalog!($language: "booked" "requested" "changed" "cancelled" "reminder" "ready" "missed" "next_in_line"
            "late" "answered" "waiting" "still_waiting" "asked" "invitation" "link_again" "interpreter_request" "webhook_disabled" "test"
            "password_first" "password_forgotten" "password_changed" "email_verify")),+]
    };
}

/// The layouts; names that end in `.html` are escaped by the engine's own rule.
static LAYOUTS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    let layouts = [
        ("layout.txt", include_str!("../../templates/layout.txt")),
        ("layout.html", include_str!("../../templates/layout.html")),
    ];
    for (name, source) in layouts {
        environment.add_template(name, source).expect("invariant: the embedded templates are well-formed");
    }
    environment
});

/// The kinds, each with its head and its body.
static KINDS: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    for (name, source) in catalogs!("en" "es").into_iter().flatten() {
        environment.add_template(name, source).expect("invariant: the embedded templates are well-formed");
    }
    environment
});

/// Names come from people: no line ends that could begin a paragraph of theirs.
fn plain(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect::<String>().trim().to_owned()
}

impl Words<'_> {
    /// Fills the templates.
    pub(crate) fn written(&self) -> Result<Written> {
        let clinic = plain(self.clinic);
        let name = format!("{}/{}", self.language.as_str(), self.template);
        let words = context! {
            clinic => clinic.as_str(),
            username => plain(self.username),
            provider => self.provider.map(plain),
            room => plain(self.room),
            when => self.when.as_deref(),
            tongue => plain(self.tongue),
            one_time => self.one_time,
            may_change => self.may_change,
        };
        let filled = KINDS.get_template(&name).and_then(|template| template.render(&words));
        let filled = filled.map_err(Error::internal)?;
        let (head, body) = filled.split_once("\n\n").unwrap_or((&filled, ""));
        let head: HashMap<&str, &str> = head.lines().filter_map(|line| line.split_once(": ")).collect();
        let part = |name| head.get(name).copied().unwrap_or_default().to_owned();
        let (above, below) = body.split_once("\n---\n").unwrap_or((body, ""));
        let whole = context! {
            language => self.language.as_str(),
            subject => part("subject"),
            greeting => greeting(self.language, &plain(self.first_name)),
            paragraphs => paragraphs(above),
            notes => paragraphs(below),
            button => part("button"),
            link => self.link,
            other_button => part("other"),
            other => self.other.unwrap_or_default(),
            clinic => clinic,
            logo => self.logo,
            stop => stop(self.language),
            unsubscribe => self.unsubscribe.unwrap_or_default(),
        };
        let render = |name| LAYOUTS.get_template(name).and_then(|layout| layout.render(&whole));
        Ok(Written {
            subject: part("subject"),
            short: part("short"),
            text: render("layout.txt").map_err(Error::internal)?,
            html: render("layout.html").map_err(Error::internal)?,
        })
    }
}

fn paragraphs(text: &str) -> Vec<String> {
    let paragraphs = text.split("\n\n").map(str::trim).filter(|paragraph| !paragraph.is_empty());
    paragraphs.map(str::to_owned).collect()
}

const fn stop(language: Language) -> &'static str {
    match language {
        Language::English => "No more of these letters",
        Language::Spanish => "No recibir más estas cartas",
    }
}

fn greeting(language: Language, first_name: &str) -> String {
    match (language, first_name) {
        (Language::English, "") => "Hello,".to_owned(),
        (Language::English, name) => format!("Hello {name},"),
        (Language::Spanish, "") => "Hola:".to_owned(),
        (Language::Spanish, name) => format!("Hola, {name}:"),
    }
}

const DAYS: [[&str; 7]; 2] = [
    ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"],
    ["lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"],
];
const MONTHS: [[&str; 12]; 2] = [
    [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    [
        "enero",
        "febrero",
        "marzo",
        "abril",
        "mayo",
        "junio",
        "julio",
        "agosto",
        "septiembre",
        "octubre",
        "noviembre",
        "diciembre",
    ],
];

/// A time as the recipient's clock shows it, with the zone named: nobody should
/// have to guess whose nine o'clock it is.
#[must_use]
pub(crate) fn when(at: At, zone: &TimeZone, language: Language) -> String {
    let Ok(instant) = jiff::Timestamp::from_millisecond(at.0) else { return String::new() };
    let shown = instant.to_zoned(zone.clone());
    let day = usize::try_from(shown.weekday().to_monday_zero_offset()).unwrap_or(0);
    let month = usize::try_from(shown.month() - 1).unwrap_or(0);
    let (hour, minute) = (shown.hour(), shown.minute());
    let name = zone.iana_name().unwrap_or("UTC");
    match language {
        Language::English => {
            let half = if hour < 12 { "AM" } else { "PM" };
            let hour = if hour % 12 == 0 { 12 } else { hour % 12 };
            format!(
                "{}, {} {}, {}, at {hour}:{minute:02} {half} ({name} time)",
                DAYS[0][day],
                MONTHS[0][month],
                shown.day(),
                shown.year()
            )
        }
        Language::Spanish => format!(
            "{} {} de {} de {}, a las {hour}:{minute:02} (hora de {name})",
            DAYS[1][day],
            shown.day(),
            MONTHS[1][month],
            shown.year()
        ),
    }
}

#[cfg(test)]
mod tests {
    use bedside_model::{mail::MailKind, notification::Kind};

    use super::*;

    /// Everything that is said, of notifications and of mails.
    fn templates() -> impl Iterator<Item = &'static str> {
        Kind::ALL.iter().map(|kind| kind.as_str()).chain(MailKind::ALL.map(MailKind::as_str))
    }

    fn words(template: &'static str, language: Language) -> Words<'static> {
        Words {
            template,
            language,
            clinic: "Smith & Sons <Clinic>",
            logo: "https://cdn.example/logo.png?a=1&b=2",
            username: "maria",
            first_name: "<script>\n\nbutton: x",
            provider: Some("Dr. Amara\nOsei"),
            room: "Walk-in care",
            when: Some("Monday".to_owned()),
            link: "https://clinic.example/members/appointment/1?token=abc",
            other: Some("https://clinic.example/interpret?who=x&answer=no"),
            tongue: "Portuguese (pt-BR)",
            unsubscribe: Some("https://clinic.example/unsubscribe?who=x"),
            one_time: true,
            may_change: true,
        }
    }

    #[test]
    fn every_kind_is_said_in_every_language_and_names_are_escaped() {
        for kind in templates() {
            let written = Language::ALL.map(|language| words(kind, language).written().unwrap());
            assert_ne!(written[0].subject, written[1].subject);
            for written in written {
                assert!(!written.subject.is_empty() && !written.short.is_empty(), "{kind:?}");
                for private in ["Amara", "script", "Smith", "token", "maria"] {
                    assert!(!written.subject.contains(private) && !written.short.contains(private));
                }
                assert!(written.html.contains("&lt;script&gt;") && !written.html.contains("<script>"));
                assert!(written.html.contains("Smith &amp; Sons"));
                // Whether slashes are escaped too is the template library's affair.
                let html = written.html.replace("&#x2f;", "/");
                assert!(html.contains("src=\"https://cdn.example/logo.png?a=1&amp;b=2\""), "{html}");
                assert!(written.text.lines().any(|line| line == words(kind, Language::English).link));
                // Only a letter with two answers names the other one.
                let two = kind == Kind::InterpreterRequest.as_str();
                assert_eq!(written.text.contains("answer=no"), two, "{kind:?}");
                assert_eq!(html.contains("answer=no"), two, "{kind:?}");
                assert!(written.text.contains("/unsubscribe?who=x") && html.contains("/unsubscribe?who=x"));
                assert!(!written.text.contains("\n\n\n"), "{kind:?}: {}", written.text);
                assert!(!written.text.contains("---"), "{}", written.text);
                assert!(!written.text.contains("{{") && !written.text.contains("{%"));
            }
        }
    }

    #[test]
    fn without_a_name_a_provider_or_a_time() {
        for template in templates() {
            for language in Language::ALL {
                let bare = Words { template, language, clinic: "C", link: "", ..Words::default() };
                let written = bare.written().unwrap();
                assert!(!written.text.contains("none") && !written.text.contains(" ,"), "{}", written.text);
                assert!(!written.html.contains("<img") && !written.text.contains("unsubscribe"));
            }
        }
    }

    #[test]
    fn times_are_of_the_recipients_clock_and_say_whose() {
        // 2027-01-15 08:00 UTC.
        let at = At::from_seconds(1_800_000_000);
        let zone = |name| TimeZone::get(name).unwrap();
        assert_eq!(
            when(at, &zone("America/New_York"), Language::English),
            "Friday, January 15, 2027, at 3:00 AM (America/New_York time)"
        );
        assert_eq!(
            when(at, &zone("Europe/Madrid"), Language::Spanish),
            "viernes 15 de enero de 2027, a las 9:00 (hora de Europe/Madrid)"
        );
        // Half a year later the clocks are an hour further.
        let summer = at.plus_seconds(181 * 86_400);
        assert_eq!(
            when(summer, &zone("America/New_York"), Language::English),
            "Thursday, July 15, 2027, at 4:00 AM (America/New_York time)"
        );
        assert_eq!(
            when(At(0), &zone("Asia/Kathmandu"), Language::English),
            "Thursday, January 1, 1970, at 5:30 AM (Asia/Kathmandu time)"
        );
    }
}
