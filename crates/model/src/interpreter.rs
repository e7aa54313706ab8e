//! Interpreters: whom a clinic asks for which language, and how one visit finds
//! somebody. One contact is asked at a time, in the clinic's order; the next one
//! when nobody has answered for two minutes, or at once after a "no".

use serde::{Deserialize, Serialize};

use crate::{At, consent::is_language, endpoint, mail::is_address};

/// How long a contact is asked alone, in seconds.
pub const WAIT_SECONDS: i64 = 120;
/// Most languages of one contact.
pub const MAX_LANGUAGES: usize = 40;
/// Most contacts of one clinic.
pub const MAX_CONTACTS: i64 = 500;

/// Somebody whom the clinic asks to interpret: a person, or a company's desk.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// What the others in the call read.
    pub name: String,
    /// Where they are asked.
    pub email: String,
    /// Where they are asked too, as E.164; empty for none.
    pub phone: String,
    /// What they speak, as BCP 47 tags: `es`, `pt-BR`, `ase` for American Sign Language.
    pub languages: Vec<String>,
    /// Lower ones are asked first.
    pub order: i64,
    /// May be asked now.
    pub active: bool,
}

/// What is wrong with which field.
pub type Fault = (&'static str, String);

impl Contact {
    /// The contact as it is kept: texts without blanks around them, the number
    /// as services want it, each language once.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn checked(mut self) -> Result<Self, Fault> {
        let fault = |field, why: &str| Err((field, why.to_owned()));
        self.name = self.name.split_whitespace().collect::<Vec<_>>().join(" ");
        if self.name.is_empty() {
            return fault("name", "is required");
        }
        if self.name.chars().count() > 100 || self.name.chars().any(char::is_control) {
            return fault("name", "must be a text of at most 100 characters");
        }
        self.email = self.email.trim().to_owned();
        if !is_address(&self.email) {
            return fault("email", "use an e-mail address");
        }
        if !self.phone.trim().is_empty() {
            let Some(number) = endpoint::phone(&self.phone) else {
                return fault("phone", "use a number such as +49 30 1234567");
            };
            self.phone = number;
        } else {
            self.phone.clear();
        }
        let mut languages: Vec<String> = Vec::new();
        for tag in &self.languages {
            let Some(tag) = language(tag) else {
                return fault("languages", "use tags of BCP 47, such as es, pt-BR or ase");
            };
            if !languages.contains(&tag) {
                languages.push(tag);
            }
        }
        if languages.is_empty() || languages.len() > MAX_LANGUAGES {
            return fault("languages", "name 1 to 40 languages");
        }
        self.languages = languages;
        if !(0..=1_000_000).contains(&self.order) {
            return fault("order", "use a whole number from 0 to 1000000");
        }
        Ok(self)
    }

    /// Do they speak what is wanted?
    #[must_use]
    pub fn speaks(&self, wanted: &str) -> bool {
        self.languages.iter().any(|spoken| fits(spoken, wanted))
    }
}

/// A tag in its usual spelling (RFC 5646, section 2.1.1): `pt-BR`, `zh-Hant`.
/// None for what is no tag.
#[must_use]
pub fn language(tag: &str) -> Option<String> {
    let tag = tag.trim().replace('_', "-");
    if !is_language(&tag) {
        return None;
    }
    let part = |(at, part): (usize, &str)| match (at, part.len()) {
        (1.., 2) => part.to_ascii_uppercase(),
        (1.., 4) if part.bytes().all(|byte| byte.is_ascii_alphabetic()) => {
            part[..1].to_ascii_uppercase() + &part[1..].to_ascii_lowercase()
        }
        _ => part.to_ascii_lowercase(),
    };
    Some(tag.split('-').enumerate().map(part).collect::<Vec<_>>().join("-"))
}

/// Is one of them the other, or the other more closely? Who speaks `es` helps
/// somebody from Mexico, and who speaks `es-MX` anybody who wants Spanish; but
/// `zh-Hans` is not `zh-Hant`.
#[must_use]
pub fn fits(spoken: &str, wanted: &str) -> bool {
    let begins = |long: &str, short: &str| {
        long.len() >= short.len()
            && long.is_char_boundary(short.len())
            && long[..short.len()].eq_ignore_ascii_case(short)
            && matches!(long.as_bytes().get(short.len()), None | Some(b'-'))
    };
    begins(spoken, wanted) || begins(wanted, spoken)
}

words! {
    /// How the search for an interpreter stands.
    Status {
        /// Somebody is being asked.
        Asking = "asking";
        /// Somebody comes.
        Accepted = "accepted";
        /// Everybody was asked, and nobody comes.
        NotFound = "not_found";
        /// Nobody is needed any more.
        Cancelled = "cancelled";
    }
}

/// What a contact said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// Nothing yet, and the next one waits for it.
    Asked,
    /// Nothing within two minutes.
    NoAnswer,
    /// Yes.
    Accepted,
    /// No.
    Declined,
}

impl Answer {
    /// The stable word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Asked => "asked",
            Self::NoAnswer => "no_answer",
            Self::Accepted => "accepted",
            Self::Declined => "declined",
        }
    }
}

/// One contact of a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ask {
    /// The contact.
    pub interpreter: String,
    /// What they said.
    pub answer: Answer,
    /// When they were asked.
    pub asked_at: At,
}

/// The search of one visit for an interpreter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Search {
    /// How it stands.
    pub status: Status,
    /// Who was asked, in order.
    pub asks: Vec<Ask>,
}

/// What happens to a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'s> {
    /// This contact says yes, also after the two minutes. Whether somebody who
    /// was not asked in this search may is the caller's affair.
    Accept(&'s str),
    /// This contact says no, likewise.
    Decline(&'s str),
    /// The two minutes of this contact are over.
    TimeOut(&'s str),
    /// Nobody is needed any more.
    Cancel,
}

/// What a step did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Done {
    /// Nothing: it was so already, or it no longer counts.
    Nothing,
    /// The search goes on or is over, as it says now.
    Changed,
}

impl Search {
    /// A search that asks the first of these contacts; none without any.
    #[must_use]
    pub fn begin(contacts: &[&str], now: At) -> Option<Self> {
        let mut search = Self { status: Status::Asking, asks: Vec::new() };
        search.ask_next(contacts, now);
        (search.status == Status::Asking).then_some(search)
    }

    /// Whom everybody waits for.
    #[must_use]
    pub fn asked(&self) -> Option<&Ask> {
        self.asks.iter().find(|ask| ask.answer == Answer::Asked)
    }

    /// What a contact said; none for somebody who was not asked.
    #[must_use]
    pub fn answer_of(&self, interpreter: &str) -> Option<Answer> {
        self.asks.iter().find(|ask| ask.interpreter == interpreter).map(|ask| ask.answer)
    }

    /// Takes a step. `contacts` are those who may be asked now, in order; who was
    /// asked before is not asked again.
    pub fn step(&mut self, step: Step<'_>, contacts: &[&str], now: At) -> Done {
        let answered = match step {
            Step::Cancel if self.status == Status::Asking => {
                self.status = Status::Cancelled;
                self.close();
                return Done::Changed;
            }
            Step::Cancel => return Done::Nothing,
            Step::Accept(who) => (who, Answer::Accepted),
            Step::Decline(who) => (who, Answer::Declined),
            Step::TimeOut(who) => (who, Answer::NoAnswer),
        };
        let (who, answer) = answered;
        let known = self.asks.iter().position(|ask| ask.interpreter == who);
        let at = match known {
            Some(at) => at,
            // Asked in an earlier search of the visit, and answering it now.
            None if answer != Answer::NoAnswer
                && matches!(self.status, Status::Asking | Status::NotFound) =>
            {
                let (interpreter, answer) = (who.to_owned(), Answer::NoAnswer);
                self.asks.push(Ask { interpreter, answer, asked_at: now });
                self.asks.len() - 1
            }
            None => return Done::Nothing,
        };
        let Some(ask) = self.asks.get_mut(at) else { return Done::Nothing };
        // A late yes still helps whoever waits, as long as nobody else said it.
        let open = match ask.answer {
            Answer::Asked => self.status == Status::Asking,
            Answer::NoAnswer => {
                answer != Answer::NoAnswer && matches!(self.status, Status::Asking | Status::NotFound)
            }
            Answer::Accepted | Answer::Declined => false,
        };
        if !open {
            return Done::Nothing;
        }
        let was_asked = ask.answer == Answer::Asked;
        ask.answer = answer;
        if answer == Answer::Accepted {
            self.status = Status::Accepted;
            self.close();
        } else if was_asked {
            self.ask_next(contacts, now);
        }
        Done::Changed
    }

    /// Nobody's answer is waited for any more.
    fn close(&mut self) {
        for ask in self.asks.iter_mut().filter(|ask| ask.answer == Answer::Asked) {
            ask.answer = Answer::NoAnswer;
        }
    }

    fn ask_next(&mut self, contacts: &[&str], now: At) {
        let next = contacts.iter().find(|contact| self.answer_of(contact).is_none());
        match next {
            Some(contact) => self.asks.push(Ask {
                interpreter: (*contact).to_owned(),
                answer: Answer::Asked,
                asked_at: now,
            }),
            None => self.status = Status::NotFound,
        }
    }
}

#[cfg(test)]
mod tests;
