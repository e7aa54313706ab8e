//! What the card processor tells by itself: that a payer has confirmed, that
//! money was given back at its own desk. Its messages may come late, twice, and
//! in any order.

use bedside_store::{accounts, billing as heard, invoices, payments, test_clinics};

use super::settle;
use crate::{
    Actor, App, Error, Result, billing,
    ports::billing::{Happened, Outcome},
};

/// Hears a message. Gives false when it was heard before.
///
/// # Errors
/// 400 `billing_off`, `webhook_signature_wrong`, `webhook_too_old`,
/// `webhook_unreadable`.
pub async fn webhook(app: &App, signature: &str, body: &[u8]) -> Result<bool> {
    let message = app.billing.read(signature, body, app.clock.now())?;
    let mut conn = app.store.reader().await?;
    let found = accounts::find_by_code(&mut conn, &message.account_code).await?;
    let account = found.ok_or_else(|| {
        Error::invalid("webhook_unreadable", "This message is of a clinic that is not here.")
    })?;
    if !app.billing.is_live() && !test_clinics::is_test(&mut conn, &account.id).await? {
        return Err(billing::off());
    }
    let known = payments::find(&mut conn, &account.id, &message.key).await?;
    drop(conn);
    let actor = Actor::system(account.id.clone());
    let Some(payment) = known else { return Ok(true) };
    app.billing.book(app, &account.id, &message).await?;
    let vault = app.store.vault(&account.id).await?;
    let owner = app.clone();
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                if !heard::hear(tx, &actor.account, &message.id, owner.clock.now()).await? {
                    return Ok(false);
                }
                let id = payment.processor_id.clone().unwrap_or_else(|| payment.id.clone());
                let (outcome, given_back) = match message.happened {
                    // What was given back was taken before, whether we have heard of it or not.
                    Happened::Charged => (Outcome::Done { id, refunded: 0 }, None),
                    Happened::Refunded(total) => (Outcome::Done { id, refunded: 0 }, Some(total)),
                    Happened::Refused(reason) => (Outcome::Declined(reason), None),
                    Happened::Other => return Ok(true),
                };
                settle::conclude(tx, &owner, &actor, &vault, &payment.id, outcome).await?;
                if let Some(total) = given_back
                    && let Some(invoice) = invoices::find(tx, &actor.account, &payment.invoice).await?
                {
                    settle::give_back(tx, &owner, &actor, invoice, total).await?;
                }
                Ok(true)
            })
        })
        .await
}
