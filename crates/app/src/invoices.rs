//! Invoices: what a visit costs. Here they are shown and put together; `settle`
//! takes the money and gives it back, `hear` is what the processor tells.

mod hear;
mod settle;

use bedside_model::{
    At, Phi, VisitId,
    event::{EventData, EventType, InvoiceData},
    invoice::{self, InvoiceState, MAX_DESCRIPTION, MAX_ITEMS, MAX_NAME, PaymentKind},
    money,
    permission::Action,
    visit::Status,
};
use bedside_store::{
    Conn, Tx, Vault,
    invoices::{self, Invoice, Item},
    payments::{self, Payment},
    promo_codes, rooms, visit_views, visits,
    visits::Visit,
};
use serde::{Deserialize, Serialize};

use crate::{
    Actor, App, Error, Result, audit, authz, billing,
    events::{self, Subject},
};

pub use hear::webhook;
pub use settle::{SETTLE_JOB, charge, refund, run, void};

/// An invoice as it is shown; amounts in the currency's smallest unit.
#[derive(Debug, Clone)]
pub struct InvoiceView {
    /// Its row.
    pub invoice: Invoice,
    /// Its lines.
    pub items: Vec<ItemView>,
    /// The sum of the lines.
    pub subtotal: i64,
    /// What a promo code takes off.
    pub discount: i64,
    /// The newest charge.
    pub charge: Option<ChargeView>,
}

/// A line.
#[derive(Debug, Clone)]
pub struct ItemView {
    /// Its row.
    pub item: Item,
    /// What it says.
    pub words: Phi<Words>,
}

/// What a line says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Words {
    /// In short.
    pub name: String,
    /// At length.
    pub description: String,
}

/// How a charge stands.
#[derive(Debug, Clone)]
pub struct ChargeView {
    /// Its row.
    pub payment: Payment,
    /// Where the payer confirms it, with the secret for that.
    pub next_action: Option<Phi<NextAction>>,
}

/// Where a payer confirms a charge.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextAction {
    /// A page of the processor.
    pub url: String,
    /// For the processor's own script.
    pub client_secret: String,
}

/// A line to add.
#[derive(Debug, Clone, Default)]
pub struct NewItem {
    /// In short.
    pub name: String,
    /// At length.
    pub description: String,
    /// How many; one if not said.
    pub quantity: Option<i64>,
    /// As `12.50`.
    pub unit_price: String,
}

impl InvoiceView {
    /// What is asked for.
    #[must_use]
    pub fn amount_due(&self) -> i64 {
        self.subtotal - self.discount
    }
}

fn item_context(id: &str) -> String {
    format!("invoice_items.content:{id}")
}

fn action_context(id: &str) -> String {
    format!("payments.next_action:{id}")
}

fn too_much() -> Error {
    Error::invalid("invoice_too_large", "An invoice cannot be that large.")
}

fn changing() -> Error {
    Error::Unavailable {
        retry_after_s: 1,
        message: "This invoice is changing right now. Try again.".to_owned(),
    }
}

async fn load_visit(conn: &mut Conn, actor: &Actor, id: VisitId, action: Action) -> Result<Visit> {
    let found = visits::find(conn, &actor.account, id).await?;
    let Some(visit) = found else {
        authz::user(actor)?;
        return Err(Error::not_found("visit"));
    };
    authz::visit(conn, actor, &visit, action).await?;
    Ok(visit)
}

/// An invoice with its visit. Whoever may not know of the visit learns of no
/// invoice.
async fn load(conn: &mut Conn, actor: &Actor, id: &str, action: Action) -> Result<(Invoice, Visit)> {
    authz::user(actor)?;
    let missing = || Error::not_found("invoice");
    let found = invoices::find(conn, &actor.account, id).await?.ok_or_else(missing)?;
    let visit = visits::find(conn, &actor.account, found.visit).await?.ok_or_else(missing)?;
    match authz::visit(conn, actor, &visit, action).await {
        Err(Error::NotFound { .. }) => Err(missing()),
        other => other.map(|_| (found, visit)),
    }
}

/// An invoice.
///
/// # Errors
/// 401, 403, 404.
pub async fn get(app: &App, actor: &Actor, id: &str) -> Result<InvoiceView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let (found, visit) = load(&mut conn, actor, id, Action::InvoiceRead).await?;
    app.reads.note(app, actor, visit.member, "invoices.get");
    show(&mut conn, &vault, found).await
}

/// A visit's invoice, once something is on it.
///
/// # Errors
/// 401, 403, 404.
pub async fn of_visit(app: &App, actor: &Actor, id: VisitId) -> Result<InvoiceView> {
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let visit = load_visit(&mut conn, actor, id, Action::InvoiceRead).await?;
    app.reads.note(app, actor, visit.member, "invoices.of_visit");
    let found = invoices::find_of_visit(&mut conn, &actor.account, id).await?;
    show(&mut conn, &vault, found.ok_or_else(|| Error::not_found("invoice"))?).await
}

async fn show(conn: &mut Conn, vault: &Vault, found: Invoice) -> Result<InvoiceView> {
    let rows = invoices::list_items(conn, &found.account, &found.id).await?;
    let (subtotal, discount) = totals(conn, &found, &rows).await?;
    let all = payments::list(conn, &found.account, &found.id).await?;
    let last = all.into_iter().rfind(|payment| payment.kind == PaymentKind::Charge);
    let charge = last.map(|payment| {
        let action = payment.next_action.as_ref().map(|sealed| {
            let text = vault.open_text(&action_context(&payment.id), sealed)?;
            serde_json::from_str::<NextAction>(&text).map(Phi::from).map_err(Error::internal)
        });
        Ok::<_, Error>(ChargeView { next_action: action.transpose()?, payment })
    });
    let items = rows.into_iter().map(|item| {
        let text = vault.open_text(&item_context(&item.id), &item.content)?;
        let words: Words = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(ItemView { item, words: words.into() })
    });
    Ok(InvoiceView {
        items: items.collect::<Result<_>>()?,
        subtotal,
        discount,
        charge: charge.transpose()?,
        invoice: found,
    })
}

/// The sum of the lines, and what the promo code takes off.
async fn totals(conn: &mut Conn, found: &Invoice, rows: &[Item]) -> Result<(i64, i64)> {
    let subtotal = invoice::subtotal(rows.iter().map(|item| (item.quantity, item.unit_price)));
    let subtotal = subtotal.ok_or_else(too_much)?;
    let promo = match &found.promo {
        Some(id) => promo_codes::find(conn, &found.account, id).await?,
        None => None,
    };
    Ok((subtotal, promo.map_or(0, |promo| promo.discount.of(subtotal))))
}

/// The visit's invoice, begun with its consultation's price when there is none.
async fn ensure(tx: &mut Tx, app: &App, vault: &Vault, visit: &Visit) -> Result<Invoice> {
    let account = &visit.account;
    if let Some(known) = invoices::find_of_visit(tx, account, visit.id).await? {
        return Ok(known);
    }
    let room = rooms::find(tx, account, visit.room).await?.ok_or_else(|| Error::not_found("room"))?;
    let row = visit_views::find(tx, account, visit.id).await?.ok_or_else(|| Error::not_found("visit"))?;
    let currency = room.settings.currency;
    let price = money::from_hundredths(row.amount_cents, &currency).ok_or_else(|| {
        Error::invalid("price_not_payable", "The price of this consultation is no amount of its currency.")
    })?;
    let promo = promo_codes::find_of_visit(tx, account, visit.id).await?;
    let promo = promo.filter(|promo| promo.currency.as_ref().is_none_or(|of| *of == currency));
    let now = app.clock.now();
    let made = Invoice {
        id: app.random.uuid(now),
        account: account.clone(),
        visit: visit.id,
        state: InvoiceState::Draft,
        currency,
        promo: promo.map(|promo| promo.id),
        amount_paid: 0,
        amount_refunded: 0,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    invoices::add(tx, &made).await?;
    if price > 0 {
        let words = Words { name: row.description, description: String::new() };
        put(tx, app, vault, &made, 1, words, (1, price)).await?;
    }
    Ok(made)
}

async fn put(
    tx: &mut Tx,
    app: &App,
    vault: &Vault,
    to: &Invoice,
    position: i64,
    words: Words,
    (quantity, unit_price): (i64, i64),
) -> Result<()> {
    let id = app.random.uuid(app.clock.now());
    let text = serde_json::to_string(&words).map_err(Error::internal)?;
    let content = vault.seal_text(&item_context(&id), &text)?;
    let (account, invoice) = (to.account.clone(), to.id.clone());
    Ok(invoices::add_item(tx, &Item { id, account, invoice, position, content, quantity, unit_price })
        .await?)
}

/// Lines change, and money is asked for, during a visit and after it, until it
/// is paid.
fn check_open(visit: &Visit, found: &Invoice) -> Result<()> {
    if !matches!(visit.state.status, Status::InProgress | Status::Completed) {
        return Err(Error::invalid(
            "visit_not_billable",
            "Only a visit that is in progress or completed can be billed.",
        ));
    }
    if found.state.is_open() {
        return Ok(());
    }
    Err(Error::invalid("invoice_not_open", "This invoice is being paid or is closed; it stays as it is."))
}

fn text(field: &str, text: &str, longest: usize) -> Result<String> {
    let text = text.trim();
    if text.chars().count() > longest || text.chars().any(|c| c.is_control() && c != '\n') {
        return Err(Error::field(field, format!("use at most {longest} characters, none of them control")));
    }
    Ok(text.to_owned())
}

/// Adds a line to a visit's invoice.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `visit_not_billable`, `invoice_not_open`,
/// `invoice_too_large`, `too_many_items`, naming a field.
pub async fn add_item(app: &App, actor: &Actor, id: VisitId, new: NewItem) -> Result<InvoiceView> {
    authz::user(actor)?;
    let name = text("name", &new.name, MAX_NAME)?;
    if name.is_empty() {
        return Err(Error::field("name", "is required"));
    }
    let words = Words { name, description: text("description", &new.description, MAX_DESCRIPTION)? };
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let changed = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let visit = load_visit(tx, &caller, id, Action::InvoiceWrite).await?;
                billing::driver(&owner, tx, &caller).await?;
                let mut found = ensure(tx, &owner, &keys, &visit).await?;
                check_open(&visit, &found)?;
                let price = money::parse(&new.unit_price, &found.currency)
                    .map_err(|why| Error::field("unit_price", why))?;
                let quantity = new.quantity.unwrap_or(1);
                invoice::line(quantity, price)
                    .ok_or_else(|| Error::field("quantity", "use 1 to 10000, and a smaller total"))?;
                let before = invoices::list_items(tx, &caller.account, &found.id).await?;
                if before.len() >= MAX_ITEMS {
                    return Err(Error::invalid("too_many_items", "An invoice has at most 50 items."));
                }
                let position = before.last().map_or(1, |last| last.position + 1);
                put(tx, &owner, &keys, &found, position, words, (quantity, price)).await?;
                let rows = invoices::list_items(tx, &caller.account, &found.id).await?;
                totals(tx, &found, &rows).await?;
                touch(tx, &owner, &mut found).await?;
                let object = ("invoice", found.id.clone());
                audit::write(tx, &owner, &caller, "invoices.add_item", object).await?;
                Ok(found)
            })
        })
        .await;
    let mut conn = app.store.reader().await?;
    show(&mut conn, &vault, once(changed)?).await
}

/// Takes a line from a visit's invoice.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `visit_not_billable`, `invoice_not_open`.
pub async fn delete_item(app: &App, actor: &Actor, id: VisitId, item: &str) -> Result<InvoiceView> {
    authz::user(actor)?;
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, item) = (app.clone(), actor.clone(), item.to_owned());
    let changed = app
        .store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let visit = load_visit(tx, &caller, id, Action::InvoiceWrite).await?;
                billing::driver(&owner, tx, &caller).await?;
                let found = invoices::find_of_visit(tx, &caller.account, id).await?;
                let mut found = found.ok_or_else(|| Error::not_found("invoice"))?;
                check_open(&visit, &found)?;
                if !invoices::delete_item(tx, &caller.account, &found.id, &item).await? {
                    return Err(Error::not_found("invoice_item"));
                }
                touch(tx, &owner, &mut found).await?;
                let object = ("invoice", found.id.clone());
                audit::write(tx, &owner, &caller, "invoices.delete_item", object).await?;
                Ok(found)
            })
        })
        .await?;
    let mut conn = app.store.reader().await?;
    show(&mut conn, &vault, changed).await
}

/// Two who begin an invoice at once: one of them tries again.
fn once<T>(changed: Result<T>) -> Result<T> {
    changed.map_err(|error| if error.is_unique("invoices", "visit_id") { changing() } else { error })
}

async fn touch(tx: &mut Tx, app: &App, found: &mut Invoice) -> Result<()> {
    let now: At = app.clock.now();
    found.updated_at = now;
    if !invoices::update(tx, found).await? {
        return Err(changing());
    }
    found.version += 1;
    Ok(())
}

/// Tells that an invoice was processed.
async fn tell(tx: &mut Tx, app: &App, visit: &Visit, found: &Invoice) -> Result<()> {
    let rows = invoices::list_items(tx, &found.account, &found.id).await?;
    let (subtotal, discount) = totals(tx, found, &rows).await?;
    let mut subject = Subject::visit(visit.id, visit.room, visit.member, &visit.state).planned(&visit.plan);
    let told = InvoiceData {
        id: found.id.clone(),
        status: found.state.documented().to_owned(),
        amount_due: subtotal - discount,
        amount_paid: found.amount_paid,
        currency: found.currency.clone(),
    };
    subject.data = EventData { invoice: Some(told), ..subject.data };
    events::append(tx, app, &visit.account, EventType::VisitInvoiceProcessed, subject).await
}
