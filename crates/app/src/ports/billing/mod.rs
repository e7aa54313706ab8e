//! The port to a card processor. Which one is chosen once, at the start. What
//! it is asked carries an idempotency key: asked again under the same key, it
//! gives its first answer and takes no second payment.

mod test;

use bedside_model::{AccountId, At, Phi};
use serde::{Deserialize, Serialize};

use crate::{App, Result};

pub use test::Test;

/// A card, as the processor describes it. Its number is known there alone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Card {
    /// What the processor calls it.
    pub token: String,
    /// `visa`.
    pub brand: String,
    /// Two letters.
    pub country: String,
    /// Month of its end.
    pub exp_month: i64,
    /// Year of its end.
    pub exp_year: i64,
    /// `credit`, `debit`, `prepaid` or `unknown`.
    pub funding: String,
    /// The last four digits.
    pub last4: String,
    /// The name on it.
    pub name: String,
}

/// Money to take.
#[derive(Debug, Clone)]
pub struct Charge {
    /// The idempotency key.
    pub key: String,
    /// For which clinic.
    pub account: AccountId,
    /// From which card.
    pub token: Phi<String>,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// Money to give back.
#[derive(Debug, Clone)]
pub struct Refund {
    /// The idempotency key.
    pub key: String,
    /// For which clinic.
    pub account: AccountId,
    /// Of which charge.
    pub charge: String,
    /// In the currency's smallest unit.
    pub amount: i64,
    /// ISO 4217.
    pub currency: String,
}

/// What the processor says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is done. `refunded` is what was given back of the charge in all.
    Done {
        /// The processor's name of the charge.
        id: String,
        /// Given back so far.
        refunded: i64,
    },
    /// The payer has to confirm it.
    Action {
        /// The processor's name of the charge.
        id: String,
        /// Where.
        url: String,
        /// For the processor's own script.
        secret: String,
    },
    /// It will not be done: why, in a word.
    Declined(String),
    /// There was no answer: it may have been done or not. Ask again.
    Unknown,
}

/// What a message of the processor says happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happened {
    /// A charge was taken.
    Charged,
    /// A charge was refused: why, in a word.
    Refused(String),
    /// So much of a charge was given back in all.
    Refunded(i64),
    /// Something that does not concern us.
    Other,
}

/// A message of the processor, its signature checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// The same for each time that it is sent.
    pub id: String,
    /// The clinic's code.
    pub account_code: String,
    /// The payment, by the key we gave it.
    pub key: String,
    /// What happened.
    pub happened: Happened,
}

/// Which processor.
#[derive(Debug, Clone, Default)]
pub enum Billing {
    /// None: nobody is asked for money.
    #[default]
    Off,
    /// The one that test clinics pay at.
    Test(Test),
}

impl Billing {
    /// The word, as the settings spell it.
    #[must_use]
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Test(_) => "test",
        }
    }

    /// What pages need to talk to the processor themselves.
    #[must_use]
    pub fn publishable_key(&self) -> Option<&str> {
        match self {
            Self::Off => None,
            Self::Test(test) => Some(test.publishable_key()),
        }
    }

    /// Does it serve live clinics? The test one takes nobody's money.
    #[must_use]
    pub const fn is_live(&self) -> bool {
        match self {
            Self::Off | Self::Test(_) => false,
        }
    }

    /// Keeps the card of a token; gives what may be shown of it.
    ///
    /// # Errors
    /// 400 `card_refused`, `billing_off`.
    pub async fn attach(&self, token: &str) -> Result<Card> {
        match self {
            Self::Off => Err(crate::billing::off()),
            Self::Test(_) => Test::attach(token),
        }
    }

    /// Takes money.
    ///
    /// # Errors
    /// Faults that may pass.
    pub async fn charge(&self, app: &App, charge: Charge) -> Result<Outcome> {
        match self {
            Self::Off => Err(crate::billing::off()),
            Self::Test(_) => Test::charge(app, charge).await,
        }
    }

    /// Gives money back.
    ///
    /// # Errors
    /// Faults that may pass.
    pub async fn refund(&self, app: &App, refund: Refund) -> Result<Outcome> {
        match self {
            Self::Off => Err(crate::billing::off()),
            Self::Test(_) => Test::refund(app, refund).await,
        }
    }

    /// Reads a message of the processor.
    ///
    /// # Errors
    /// 400 `webhook_signature_wrong`, `webhook_too_old`, `webhook_unreadable`,
    /// `billing_off`.
    pub fn read(&self, signature: &str, body: &[u8], now: At) -> Result<Message> {
        match self {
            Self::Off => Err(crate::billing::off()),
            Self::Test(test) => test.read(signature, body, now),
        }
    }

    /// What the test processor books when it hears of its own message: there is
    /// no other server that would have.
    ///
    /// # Errors
    /// What the store says.
    pub async fn book(&self, app: &App, account: &AccountId, message: &Message) -> Result<()> {
        match self {
            Self::Off => Ok(()),
            Self::Test(_) => Test::book(app, account, message).await,
        }
    }
}
