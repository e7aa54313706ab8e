//! Promo codes: what a clinic takes off the price of a visit. A patient enters
//! one at the intake and sees what is left to pay.

use bedside_model::{At, IntakeId, invoice::Discount, money, permission::Action};
use bedside_store::{promo_codes, promo_codes::PromoCode, rooms};
use serde_json::Value;

use crate::{Actor, App, Error, Result, audit, authz, billing, intakes};

/// A code to make: percents, or an amount with its currency.
#[derive(Debug, Clone, Default)]
pub struct NewPromo {
    /// Letters, digits and dashes; capitals do not matter.
    pub code: String,
    /// 1 to 100.
    pub percent: Option<i64>,
    /// As `12.50`.
    pub amount: Option<String>,
    /// ISO 4217, of the amount.
    pub currency: Option<String>,
    /// How many intakes may use it.
    pub max_uses: Option<i64>,
    /// Not from then on.
    pub expires_at: Option<At>,
}

/// What a visit will cost; amounts in the currency's smallest unit.
#[derive(Debug, Clone)]
pub struct Estimate {
    /// The code.
    pub code: String,
    /// ISO 4217.
    pub currency: String,
    /// The price.
    pub subtotal: i64,
    /// What is taken off.
    pub discount: i64,
}

fn code(text: &str) -> Result<String> {
    let text = text.trim().to_ascii_uppercase();
    let fits = (1..=40).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if fits { Ok(text) } else { Err(Error::field("code", "use 1 to 40 letters, digits and dashes")) }
}

/// The clinic's codes, the newest first.
///
/// # Errors
/// 401, 403, 400 `billing_off`.
pub async fn list(app: &App, actor: &Actor) -> Result<Vec<PromoCode>> {
    authz::account(actor, Action::PromoManage)?;
    let mut conn = app.store.reader().await?;
    billing::driver(app, &mut conn, actor).await?;
    Ok(promo_codes::list(&mut conn, &actor.account).await?)
}

/// Makes a code.
///
/// # Errors
/// 401, 403, 400 `billing_off`, `promo_code_taken`, naming a field.
pub async fn add(app: &App, actor: &Actor, new: NewPromo) -> Result<PromoCode> {
    authz::account(actor, Action::PromoManage)?;
    let code = code(&new.code)?;
    let (discount, currency) = match (new.percent, new.amount, new.currency) {
        (Some(percent), None, None) if (1..=100).contains(&percent) => (Discount::Percent(percent), None),
        (Some(_), None, None) => return Err(Error::field("percent", "use 1 to 100")),
        (None, Some(text), Some(currency)) => {
            let currency = currency.trim().to_ascii_uppercase();
            if currency.len() != 3 || !currency.bytes().all(|byte| byte.is_ascii_uppercase()) {
                return Err(Error::field("currency", "use three letters, such as EUR"));
            }
            let amount = money::parse(&text, &currency).map_err(|why| Error::field("amount", why))?;
            if amount == 0 {
                return Err(Error::field("amount", "must be more than nothing"));
            }
            (Discount::Amount(amount), Some(currency))
        }
        _ => return Err(Error::field("percent", "say percents, or an amount with its currency")),
    };
    if new.max_uses.is_some_and(|uses| !(1..=1_000_000).contains(&uses)) {
        return Err(Error::field("max_uses", "use 1 to 1000000"));
    }
    let now = app.clock.now();
    let promo = PromoCode {
        id: app.random.uuid(now),
        account: actor.account.clone(),
        code,
        discount,
        currency,
        max_uses: new.max_uses,
        uses: 0,
        expires_at: new.expires_at,
        created_at: now,
    };
    let (owner, caller, row) = (app.clone(), actor.clone(), promo.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                billing::driver(&owner, tx, &caller).await?;
                if promo_codes::find_by_code(tx, &row.account, &row.code).await?.is_some() {
                    return Err(Error::invalid(
                        "promo_code_taken",
                        "There is a code of these letters already.",
                    ));
                }
                promo_codes::add(tx, &row).await?;
                audit::write(tx, &owner, &caller, "promo_codes.add", ("promo_code", row.id)).await
            })
        })
        .await?;
    Ok(promo)
}

/// Takes a code out of use. Intakes that have it keep it.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`.
pub async fn delete(app: &App, actor: &Actor, id: &str) -> Result<()> {
    authz::account(actor, Action::PromoManage)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                billing::driver(&owner, tx, &caller).await?;
                if !promo_codes::retire(tx, &caller.account, &id, owner.clock.now()).await? {
                    return Err(Error::not_found("promo_code"));
                }
                audit::write(tx, &owner, &caller, "promo_codes.delete", ("promo_code", id)).await
            })
        })
        .await
}

/// Enters a code for an intake that has no visit yet, in place of the one
/// before; gives what the visit will cost.
///
/// # Errors
/// 401, 403, 404, 400 `billing_off`, `promo_code_invalid`, `intake_already_used`,
/// naming `room_code` when the intake has no room.
pub async fn apply(app: &App, actor: &Actor, id: &IntakeId, text: &str) -> Result<Estimate> {
    let view = intakes::load(app, actor, id, Action::IntakeUpdate).await?;
    let mut conn = app.store.reader().await?;
    billing::driver(app, &mut conn, actor).await?;
    if let Some(used) = view.intake.visit {
        return Err(intakes::already_used(used));
    }
    let room = match view.intake.room {
        Some(room) => rooms::find(&mut conn, &actor.account, room).await?,
        None => None,
    };
    let room = room.ok_or_else(|| Error::field("room_code", "say in the intake which room it is for"))?;
    let named = match view.answers.reveal().get("consultation") {
        Some(Value::Object(one)) => one.get("id").and_then(Value::as_str),
        Some(Value::String(id)) => Some(id.as_str()),
        _ => None,
    };
    let offered = &room.settings.consultations;
    let wanted = named.and_then(|id| offered.iter().find(|one| one.id == id)).or_else(|| offered.first());
    let price = wanted.filter(|one| one.is_charged()).map_or(0, |one| one.amount_cents);
    let currency = room.settings.currency;
    let subtotal = money::from_hundredths(price, &currency).unwrap_or_default();
    let wrong = || Error::invalid("promo_code_invalid", "This code is not valid, or no longer.");
    let letters = code(text).map_err(|_| wrong())?;
    let promo = promo_codes::find_by_code(&mut conn, &actor.account, &letters).await?;
    let promo = promo.filter(|promo| promo.currency.as_ref().is_none_or(|of| *of == currency));
    let promo = promo.ok_or_else(wrong)?;
    drop(conn);
    let (owner, caller, intake, code) = (app.clone(), actor.clone(), id.clone(), promo.id.clone());
    app.store
        .write::<_, Error, _>(move |tx| {
            Box::pin(async move {
                let now = owner.clock.now();
                if !promo_codes::enter(tx, &caller.account, &intake, &code, now).await? {
                    return Err(wrong());
                }
                audit::write(tx, &owner, &caller, "promo_codes.apply", ("intake", intake.to_string())).await
            })
        })
        .await?;
    Ok(Estimate { code: promo.code, currency, subtotal, discount: promo.discount.of(subtotal) })
}
