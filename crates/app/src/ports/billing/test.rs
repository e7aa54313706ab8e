//! A processor to try things with. It behaves as card processors do: tokens
//! that decline, that want to be confirmed, that time out after the money was
//! taken; one payment for each idempotency key; signed messages. It takes
//! nobody's money, so that it serves test clinics alone.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use bedside_model::{AccountId, At, money};
use bedside_store::test_processor::{self, Entry};
use serde::Deserialize;

use super::{Card, Charge, Happened, Message, Outcome, Refund};
use crate::{App, Error, Result};

/// How old a message may be, in seconds; also how far ahead its clock may be.
const TOLERANCE_SECONDS: i64 = 300;
/// How long `tok_slow` takes to answer, once its money is booked; asked again, it
/// answers at once.
const SLOW: Duration = Duration::from_secs(15);

/// The test processor.
#[derive(Clone)]
pub struct Test(Arc<(String, String)>);

impl fmt::Debug for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Test").field(&self.0.0).finish()
    }
}

#[derive(Deserialize)]
struct Said {
    id: String,
    r#type: String,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    account_code: String,
    payment_id: String,
    #[serde(default)]
    reason: Option<String>,
    #[serde(default)]
    amount_refunded: Option<i64>,
}

impl Test {
    /// With the key that pages are shown, and the secret of its messages.
    #[must_use]
    pub fn new(publishable_key: String, webhook_secret: String) -> Self {
        Self(Arc::new((publishable_key, webhook_secret)))
    }

    pub(super) fn publishable_key(&self) -> &str {
        &self.0.0
    }

    pub(super) fn attach(token: &str) -> Result<Card> {
        let (brand, last4) = match token {
            "tok_visa" => ("visa", "4242"),
            "tok_mastercard" => ("mastercard", "4444"),
            "tok_declined" => ("visa", "0002"),
            "tok_requires_action" => ("visa", "3155"),
            "tok_timeout" => ("visa", "0119"),
            "tok_slow" => ("visa", "0259"),
            _ => return Err(Error::invalid("card_refused", "The card processor does not take this card.")),
        };
        Ok(Card {
            token: token.to_owned(),
            brand: brand.to_owned(),
            country: "US".to_owned(),
            exp_month: 12,
            exp_year: 2040,
            funding: "credit".to_owned(),
            last4: last4.to_owned(),
            name: "Test Card".to_owned(),
        })
    }

    pub(super) async fn charge(app: &App, charge: Charge) -> Result<Outcome> {
        let token = charge.token.into_inner();
        let (state, reason) = match token.as_str() {
            "tok_declined" => ("declined", Some("card_declined")),
            "tok_requires_action" => ("requires_action", None),
            _ => ("succeeded", None),
        };
        let (entry, fresh) = book(
            app,
            Entry {
                key: charge.key,
                account: charge.account,
                kind: "charge".to_owned(),
                charge: None,
                amount: charge.amount,
                currency: charge.currency,
                state: state.to_owned(),
                reason: reason.map(str::to_owned),
                created_at: app.clock.now(),
            },
        )
        .await?;
        match token.as_str() {
            "tok_timeout" if fresh => return Ok(Outcome::Unknown),
            "tok_slow" if fresh => tokio::time::sleep(SLOW).await,
            _ => {}
        }
        Ok(match entry.state.as_str() {
            "succeeded" => Outcome::Done { id: entry.key, refunded: 0 },
            "requires_action" => Outcome::Action {
                url: format!("{}/pay/confirm/{}", app.settings.pages_url, entry.key),
                secret: format!("{}_secret", entry.key),
                id: entry.key,
            },
            _ => Outcome::Declined(entry.reason.unwrap_or_else(|| "card_declined".to_owned())),
        })
    }

    pub(super) async fn refund(app: &App, refund: Refund) -> Result<Outcome> {
        let mut conn = app.store.reader().await?;
        let charge = test_processor::find(&mut conn, &refund.account, &refund.charge).await?;
        let before = test_processor::refunded(&mut conn, &refund.account, &refund.charge).await?;
        let known = test_processor::find(&mut conn, &refund.account, &refund.key).await?.is_some();
        drop(conn);
        let taken = charge.filter(|charge| charge.state == "succeeded").map_or(0, |charge| charge.amount);
        let good = known || refund.amount <= taken.saturating_sub(before);
        let account = refund.account.clone();
        let (entry, _) = book(
            app,
            Entry {
                key: refund.key,
                account: refund.account,
                kind: "refund".to_owned(),
                charge: Some(refund.charge.clone()),
                amount: refund.amount,
                currency: refund.currency,
                state: if good { "succeeded" } else { "declined" }.to_owned(),
                reason: (!good).then(|| "more_than_charged".to_owned()),
                created_at: app.clock.now(),
            },
        )
        .await?;
        if entry.state != "succeeded" {
            return Ok(Outcome::Declined(entry.reason.unwrap_or_default()));
        }
        let mut conn = app.store.reader().await?;
        let refunded = test_processor::refunded(&mut conn, &account, &refund.charge).await?;
        Ok(Outcome::Done { id: refund.charge, refunded })
    }

    pub(super) fn read(&self, signature: &str, body: &[u8], now: At) -> Result<Message> {
        let wrong = || Error::invalid("webhook_signature_wrong", "The signature does not fit this message.");
        let part = |name: &str| signature.split(',').find_map(|part| part.trim().strip_prefix(name));
        let (at, hex) = part("t=").zip(part("v1=")).ok_or_else(wrong)?;
        let seconds: i64 = at.parse().map_err(|_| wrong())?;
        let given = crate::signatures::bytes(hex).ok_or_else(wrong)?;
        let signed = [at.as_bytes(), b".", body].concat();
        let key = hmac::Key::new(hmac::HMAC_SHA256, self.0.1.as_bytes());
        hmac::verify(&key, &signed, &given).map_err(|_| wrong())?;
        if now.seconds().abs_diff(seconds) > TOLERANCE_SECONDS.unsigned_abs() {
            return Err(Error::invalid("webhook_too_old", "This message is too old to be heard."));
        }
        let unreadable = || Error::invalid("webhook_unreadable", "This message cannot be read.");
        let said: Said = serde_json::from_slice(body).map_err(|_| unreadable())?;
        if said.id.is_empty() || said.id.len() > 200 {
            return Err(unreadable());
        }
        let happened = match said.r#type.as_str() {
            "charge.succeeded" => Happened::Charged,
            "charge.failed" => Happened::Refused(word(said.data.reason)),
            "charge.refunded" => match said.data.amount_refunded {
                Some(amount) if (0..=money::MAX_AMOUNT).contains(&amount) => Happened::Refunded(amount),
                _ => return Err(unreadable()),
            },
            _ => Happened::Other,
        };
        Ok(Message { id: said.id, account_code: said.data.account_code, key: said.data.payment_id, happened })
    }

    pub(super) async fn book(app: &App, account: &AccountId, message: &Message) -> Result<()> {
        let (state, reason) = match &message.happened {
            Happened::Charged => ("succeeded", None),
            Happened::Refused(reason) => ("declined", Some(reason.clone())),
            Happened::Refunded(_) | Happened::Other => return Ok(()),
        };
        let (account, key) = (account.clone(), message.key.clone());
        app.store
            .write::<_, Error, _>(move |tx| {
                Box::pin(async move {
                    Ok(test_processor::confirm(tx, &account, &key, state, reason.as_deref()).await?)
                })
            })
            .await
    }
}

/// A reason as a word of a sensible form.
fn word(reason: Option<String>) -> String {
    let fits = |text: &String| {
        (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
    };
    reason.filter(fits).unwrap_or_else(|| "declined".to_owned())
}

/// Books an entry, or gives the one that has its key; and whether it is new.
async fn book(app: &App, entry: Entry) -> Result<(Entry, bool)> {
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let fresh = test_processor::add(tx, &entry).await?;
                let kept = test_processor::find(tx, &entry.account, &entry.key).await?;
                Ok((kept.unwrap_or(entry), fresh))
            })
        })
        .await
}
