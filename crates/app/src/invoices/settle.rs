//! Money taken and given back, in two steps: what is wanted is written down and
//! committed, then the processor is asked under the row's identifier, then its
//! answer is committed. Ended anywhere between, a job asks again under the same
//! identifier, and the processor takes no second payment.

use std::time::Duration;

use bedside_model::{
    AccountId, Phi, VisitId,
    invoice::{InvoiceState, PaymentKind, PaymentState, after_refund, refundable},
    money,
    permission::Action,
    visit::Status,
};
use bedside_store::{
    Tx, Vault, billing as cards,
    invoices::{self, Invoice},
    jobs::{self, NewJob},
    payments::{self, Payment},
    visits,
    visits::Visit,
};

use super::{
    InvoiceView, NextAction, action_context, changing, check_open, ensure, load, load_visit, once, show,
    tell, totals, touch,
};
use crate::{
    Actor, App, Error, Result, audit, authz, billing,
    jobs::Job,
    ports::billing::{Charge, Outcome, Refund},
};

/// The job that asks the processor again.
pub const SETTLE_JOB: &str = "billing.settle";
/// From the first try, which the request itself makes, to the job's.
const AGAIN_SECONDS: i64 = 3;
/// How long the processor has to answer.
const PATIENCE: Duration = Duration::from_secs(20);

fn token_context(id: &str) -> String {
    format!("payments.token:{id}")
}

/// Asks for the money of a visit's invoice, and completes the visit. A second
/// click changes nothing.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `visit_not_billable`, `invoice_not_open`,
/// `no_card`, naming `source_id`.
pub async fn charge(app: &App, actor: &Actor, id: VisitId, source: Option<String>) -> Result<InvoiceView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let begun = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { begin(tx, &owner, &caller, &keys, id, source.as_deref()).await })
        })
        .await;
    let (meeting, payment) = once(begun)?;
    if let Some(meeting) = meeting {
        app.calls.end(&meeting).await;
    }
    if let Some(payment) = payment {
        try_now(app, &actor.account, &payment).await;
    }
    super::of_visit(app, actor, id).await
}

// Gives the call to end and the payment to settle.
async fn begin(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    id: VisitId,
    source: Option<&str>,
) -> Result<(Option<String>, Option<String>)> {
    let visit = load_visit(tx, actor, id, Action::InvoiceCharge).await?;
    billing::driver(app, tx, actor).await?;
    let mut found = ensure(tx, app, vault, &visit).await?;
    if matches!(found.state, InvoiceState::Processing | InvoiceState::Paid) {
        return Ok((None, None));
    }
    check_open(&visit, &found)?;
    let rows = invoices::list_items(tx, &actor.account, &found.id).await?;
    let (subtotal, discount) = totals(tx, &found, &rows).await?;
    let amount = subtotal - discount;
    let token = if amount > 0 { Some(card(tx, vault, &visit, source).await?) } else { None };
    let meeting = match visit.state.status {
        Status::InProgress => crate::visits::complete_in(tx, app, actor, vault, id).await?,
        _ => None,
    };
    let Some(token) = token else {
        found.state = InvoiceState::Paid;
        touch(tx, app, &mut found).await?;
        let visit = visits::find(tx, &actor.account, id).await?.unwrap_or(visit);
        tell(tx, app, &visit, &found).await?;
        audit::write(tx, app, actor, "invoices.charge", ("invoice", found.id)).await?;
        return Ok((meeting, None));
    };
    found.state = InvoiceState::Processing;
    touch(tx, app, &mut found).await?;
    let mut payment = intent(app, actor, &found, PaymentKind::Charge, amount);
    payment.token = Some(vault.seal_text(&token_context(&payment.id), &token)?);
    write_down(tx, app, &mut payment).await?;
    audit::write(tx, app, actor, "invoices.charge", ("invoice", found.id)).await?;
    Ok((meeting, Some(payment.id)))
}

/// The card of whoever pays: the patient, or who brought them.
async fn card(tx: &mut Tx, vault: &Vault, visit: &Visit, source: Option<&str>) -> Result<String> {
    let payer = visit.guardian.unwrap_or(visit.member);
    let all = cards::list(tx, &visit.account, payer).await?;
    let chosen = match source.filter(|id| !id.is_empty()) {
        Some(id) => Some(
            all.into_iter()
                .find(|source| source.id == id)
                .ok_or_else(|| Error::field("source_id", "is no card of this patient"))?,
        ),
        None => all.into_iter().find(|source| source.is_default),
    };
    let chosen =
        chosen.ok_or_else(|| Error::invalid("no_card", "The patient has given no card to charge."))?;
    Ok(billing::open(vault, chosen)?.card.into_inner().token)
}

fn intent(app: &App, actor: &Actor, of: &Invoice, kind: PaymentKind, amount: i64) -> Payment {
    let now = app.clock.now();
    Payment {
        id: app.random.uuid(now),
        account: of.account.clone(),
        invoice: of.id.clone(),
        kind,
        amount,
        currency: of.currency.clone(),
        state: PaymentState::Started,
        token: None,
        processor_id: None,
        failure: None,
        next_action: None,
        created_by: actor.user(),
        created_at: now,
        updated_at: now,
    }
}

async fn write_down(tx: &mut Tx, app: &App, payment: &mut Payment) -> Result<()> {
    // Also within a millisecond the newest is the last.
    let before = payments::list(tx, &payment.account, &payment.invoice).await?;
    let newest = before.last().map_or(0, |last| last.created_at.0 + 1);
    payment.created_at.0 = payment.created_at.0.max(newest);
    payments::add(tx, payment).await?;
    let at = app.clock.now();
    let job = NewJob {
        id: app.random.uuid(at),
        account: Some(payment.account.clone()),
        kind: SETTLE_JOB.to_owned(),
        payload: serde_json::json!({ "payment_id": payment.id }),
        run_at: at.plus_seconds(AGAIN_SECONDS),
        unique_key: None,
        at,
    };
    jobs::enqueue(tx, &job).await?;
    Ok(())
}

/// Gives back of what was paid; all that is left when no amount is said.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `invoice_not_paid`, `refund_too_large`,
/// naming `amount`.
pub async fn refund(app: &App, actor: &Actor, id: &str, amount: Option<String>) -> Result<InvoiceView> {
    authz::user(actor)?;
    let (owner, caller, name) = (app.clone(), actor.clone(), id.to_owned());
    let payment = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (mut found, _) = load(tx, &caller, &name, Action::InvoiceManage).await?;
                billing::driver(&owner, tx, &caller).await?;
                let all = payments::list(tx, &caller.account, &name).await?;
                let pending =
                    |payment: &&Payment| payment.kind == PaymentKind::Refund && !payment.state.is_settled();
                let pending = all.iter().filter(pending).map(|payment| payment.amount).sum();
                let left = refundable(found.amount_paid, found.amount_refunded, pending);
                let taken = all.iter().rfind(|payment| {
                    payment.kind == PaymentKind::Charge && payment.state == PaymentState::Succeeded
                });
                let charge = taken.and_then(|payment| payment.processor_id.clone()).filter(|_| left > 0);
                let charge = charge.ok_or_else(|| {
                    Error::invalid("invoice_not_paid", "There is nothing left of this invoice to give back.")
                })?;
                let amount = match amount.as_deref() {
                    None => left,
                    Some(text) => {
                        money::parse(text, &found.currency).map_err(|why| Error::field("amount", why))?
                    }
                };
                if amount == 0 {
                    return Err(Error::field("amount", "must be more than nothing"));
                }
                if amount > left {
                    let most = money::format(left, &found.currency);
                    return Err(Error::invalid(
                        "refund_too_large",
                        format!("At most {most} can be given back of this invoice."),
                    ));
                }
                // Of two who refund at once, one reads again.
                touch(tx, &owner, &mut found).await?;
                let mut payment = intent(&owner, &caller, &found, PaymentKind::Refund, amount);
                payment.processor_id = Some(charge);
                write_down(tx, &owner, &mut payment).await?;
                audit::write(tx, &owner, &caller, "invoices.refund", ("invoice", found.id)).await?;
                Ok(payment.id)
            })
        })
        .await?;
    try_now(app, &actor.account, &payment).await;
    super::get(app, actor, id).await
}

/// Nobody is asked for an invoice any more.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `invoice_not_open`.
pub async fn void(app: &App, actor: &Actor, id: &str) -> Result<InvoiceView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, name) = (app.clone(), actor.clone(), id.to_owned());
    let changed = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let (mut found, visit) = load(tx, &caller, &name, Action::InvoiceManage).await?;
                billing::driver(&owner, tx, &caller).await?;
                if found.state == InvoiceState::Void {
                    return Ok(found);
                }
                if !found.state.is_open() {
                    return Err(Error::invalid(
                        "invoice_not_open",
                        "This invoice is being paid or is closed; it stays as it is.",
                    ));
                }
                found.state = InvoiceState::Void;
                touch(tx, &owner, &mut found).await?;
                tell(tx, &owner, &visit, &found).await?;
                audit::write(tx, &owner, &caller, "invoices.void", ("invoice", name)).await?;
                Ok(found)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show(&mut conn, &vault, changed).await
}

/// Asks the processor while the caller waits; the job does it otherwise.
async fn try_now(app: &App, account: &AccountId, payment: &str) {
    if let Err(error) = settle(app, account, payment).await {
        tracing::warn!(%account, payment, ?error, "a payment is not settled yet; it is tried again");
    }
}

/// Runs the job: settles a payment, or fails, to be run again.
///
/// # Errors
/// What the store or the processor says; `unavailable` without an answer.
pub async fn run(app: &App, job: &Job) -> Result<()> {
    let payment = job.payload.get("payment_id").and_then(serde_json::Value::as_str);
    let bad = || Error::invalid("bad_job", "The job names no payment.");
    let (account, payment) = job.account.as_ref().zip(payment).ok_or_else(bad)?;
    if settle(app, account, payment).await? { Ok(()) } else { Err(changing()) }
}

/// Asks the processor and writes down what it says. Gives false when it said
/// nothing.
async fn settle(app: &App, account: &AccountId, id: &str) -> Result<bool> {
    let vault = app.store.vault(account).await?;
    let mut conn = app.store.reader().await?;
    let Some(payment) = payments::find(&mut conn, account, id).await? else { return Ok(true) };
    drop(conn);
    if payment.state != PaymentState::Started {
        return Ok(true);
    }
    let (key, account, currency) = (payment.id.clone(), payment.account.clone(), payment.currency.clone());
    let asked = async {
        match (payment.kind, &payment.token, &payment.processor_id) {
            (PaymentKind::Charge, Some(token), _) => {
                let token = Phi::from(vault.open_text(&token_context(&key), token)?);
                let charge = Charge { key, account, token, amount: payment.amount, currency };
                app.billing.charge(app, charge).await
            }
            (PaymentKind::Refund, _, Some(charge)) => {
                let charge = charge.clone();
                app.billing
                    .refund(app, Refund { key, account, charge, amount: payment.amount, currency })
                    .await
            }
            _ => Ok(Outcome::Declined("incomplete".to_owned())),
        }
    };
    let outcome = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(outcome) => outcome?,
        Err(_) => Outcome::Unknown,
    };
    if outcome == Outcome::Unknown {
        return Ok(false);
    }
    let (owner, actor, id) = (app.clone(), Actor::system(payment.account.clone()), id.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move { conclude(tx, &owner, &actor, &vault, &id, outcome).await })
        })
        .await?;
    Ok(true)
}

/// Writes what the processor said of a payment: once, however often and in
/// whatever order it says it.
pub(super) async fn conclude(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    vault: &Vault,
    id: &str,
    outcome: Outcome,
) -> Result<()> {
    let Some(mut payment) = payments::find(tx, &actor.account, id).await? else { return Ok(()) };
    let from = payment.state;
    let mut given_back = 0;
    let heard = match outcome {
        Outcome::Unknown => return Ok(()),
        Outcome::Done { id, refunded } => {
            given_back = refunded;
            payment.processor_id = Some(id);
            payment.failure = None;
            PaymentState::Succeeded
        }
        Outcome::Action { id, url, secret } => {
            let action = NextAction { url, client_secret: secret };
            let text = serde_json::to_string(&action).map_err(Error::internal)?;
            payment.next_action = Some(vault.seal_text(&action_context(&payment.id), &text)?);
            payment.processor_id = Some(id);
            PaymentState::RequiresAction
        }
        Outcome::Declined(reason) => {
            payment.failure = Some(reason);
            PaymentState::Failed
        }
    };
    payment.state = from.after(heard);
    if payment.state == from {
        return Ok(());
    }
    if payment.state.is_settled() {
        payment.next_action = None;
    }
    payment.updated_at = app.clock.now();
    if !payments::update(tx, &payment, from).await? {
        return Err(changing());
    }
    let missing = || Error::not_found("invoice");
    let mut found = invoices::find(tx, &actor.account, &payment.invoice).await?.ok_or_else(missing)?;
    let all = payments::list(tx, &actor.account, &payment.invoice).await?;
    match (payment.kind, payment.state) {
        (PaymentKind::Charge, PaymentState::Succeeded) => {
            let taken =
                |one: &&Payment| one.kind == PaymentKind::Charge && one.state == PaymentState::Succeeded;
            found.amount_paid = all.iter().filter(taken).map(|one| one.amount).sum();
            found.state = after_refund(found.amount_paid, found.amount_refunded);
        }
        (PaymentKind::Charge, PaymentState::Failed) => {
            let last = all.iter().rfind(|one| one.kind == PaymentKind::Charge);
            if found.state != InvoiceState::Processing || last.is_none_or(|last| last.id != payment.id) {
                return Ok(());
            }
            found.state = InvoiceState::Failed;
        }
        (PaymentKind::Refund, PaymentState::Succeeded) => {
            return give_back(tx, app, actor, found, given_back).await;
        }
        _ => return Ok(()),
    }
    processed(tx, app, actor, found, "invoices.settle").await
}

/// So much of an invoice was given back in all. Less than is known already is
/// an old message.
pub(super) async fn give_back(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    mut found: Invoice,
    total: i64,
) -> Result<()> {
    let total = total.min(found.amount_paid);
    if total <= found.amount_refunded {
        return Ok(());
    }
    found.amount_refunded = total;
    found.state = after_refund(found.amount_paid, total);
    processed(tx, app, actor, found, "invoices.refunded").await
}

async fn processed(
    tx: &mut Tx,
    app: &App,
    actor: &Actor,
    mut found: Invoice,
    name: &'static str,
) -> Result<()> {
    touch(tx, app, &mut found).await?;
    let visit = visits::find(tx, &actor.account, found.visit).await?;
    let visit = visit.ok_or_else(|| Error::not_found("visit"))?;
    tell(tx, app, &visit, &found).await?;
    audit::write(tx, app, actor, name, ("invoice", found.id)).await
}
