//! Telling somebody of something: one row per way, and a job for each that
//! leaves the house, in the change that decides it.

use bedside_model::{
    AccountId, At, Phi, UserId, VisitId,
    endpoint::EndpointType,
    mail::is_address,
    notification::{Channel, Kind, State},
    user::UserStatus,
};
use bedside_store::{
    Tx, Vault, endpoints,
    jobs::{self, NewJob},
    notifications::{self, Notification},
    users,
};
use serde_json::json;
use sha2::{Digest, Sha256};

use super::SEND_JOB;
use crate::{App, Result};

/// Something to tell.
#[derive(Debug, Clone)]
pub struct Fact {
    /// What makes it one fact: an event's identifier, or a reminder's name. One
    /// person is told of one fact once on each way.
    pub source: String,
    /// What is told.
    pub kind: Kind,
    /// The visit it is about.
    pub visit: Option<VisitId>,
    /// Not worth sending from here on; none takes the kind's own time.
    pub expires_at: Option<At>,
}

impl Fact {
    /// A fact about a visit.
    #[must_use]
    pub fn of_visit(source: impl Into<String>, kind: Kind, visit: VisitId) -> Self {
        Self { source: source.into(), kind, visit: Some(visit), expires_at: None }
    }
}

/// The place of an address in the rows, for sealing.
pub(super) fn place(id: &str) -> String {
    format!("notifications.address:{id}")
}

/// Tells a user, on every way of the kind that they have. Those who may not act
/// are told nothing, and those who want no mail get none.
///
/// # Errors
/// What the store says.
pub async fn tell_user(tx: &mut Tx, app: &App, account: &AccountId, user: UserId, fact: &Fact) -> Result<()> {
    let Some(person) = users::find(tx, account, user).await? else { return Ok(()) };
    if !matches!(person.status, UserStatus::Inactive | UserStatus::Active) {
        return Ok(());
    }
    let known = endpoints::list_of_user(tx, account, user).await?;
    let of = |kind: EndpointType| known.iter().filter(move |endpoint| endpoint.kind == kind);
    let wants_mail = !(person.disable_emails && fact.kind.is_notice());
    let mut ways: Vec<(Channel, String)> = Vec::new();
    for channel in fact.kind.channels() {
        match channel {
            Channel::App => ways.push((Channel::App, String::new())),
            Channel::Mail if !wants_mail => {}
            Channel::Mail if is_address(person.profile.reveal().email.trim()) => {
                ways.push((Channel::Mail, String::new()));
            }
            Channel::Mail => {
                ways.extend(of(EndpointType::Email).map(|one| (Channel::Mail, one.id.clone())));
            }
            Channel::Sms => ways.extend(of(EndpointType::Sms).map(|one| (Channel::Sms, one.id.clone()))),
            Channel::Push => {
                ways.extend(of(EndpointType::WebPush).map(|one| (Channel::Push, one.id.clone())));
            }
        }
    }
    for (channel, endpoint) in ways {
        let row = Notification { user: Some(user), endpoint, ..row(app, account, channel, fact) };
        put(tx, app, Notification { recipient: user.to_string(), ..row }).await?;
    }
    Ok(())
}

/// Tells whoever has an address, on one way. The address is kept sealed.
///
/// # Errors
/// What the store says.
pub async fn tell_address(
    tx: &mut Tx,
    app: &App,
    vault: &Vault,
    account: &AccountId,
    (channel, address): (Channel, &Phi<String>),
    fact: &Fact,
) -> Result<()> {
    let row = row(app, account, channel, fact);
    let sealed = vault.seal_text(&place(&row.id), address.reveal())?;
    let hash = Sha256::new().chain_update(&app.settings.call_secret).chain_update(account.as_str());
    let hash = hash.chain_update([0]).chain_update(address.reveal()).finalize();
    let recipient = data_encoding::HEXLOWER.encode(&hash[..16]);
    put(tx, app, Notification { recipient, address: Some(sealed), ..row }).await
}

fn row(app: &App, account: &AccountId, channel: Channel, fact: &Fact) -> Notification {
    let now = app.clock.now();
    let here = channel == Channel::App;
    Notification {
        id: app.random.uuid(now),
        account: account.clone(),
        source: fact.source.clone(),
        kind: fact.kind,
        channel,
        recipient: String::new(),
        user: None,
        endpoint: String::new(),
        address: None,
        visit: fact.visit,
        // What stands in the list has arrived.
        state: if here { State::Sent } else { State::Waiting },
        reason: String::new(),
        tries: 0,
        created_at: now,
        expires_at: fact.expires_at.unwrap_or_else(|| now.plus_seconds(fact.kind.worth_seconds())),
        settled_at: here.then_some(now),
        read_at: None,
    }
}

async fn put(tx: &mut Tx, app: &App, row: Notification) -> Result<()> {
    if !notifications::add(tx, &row).await? || row.channel == Channel::App {
        return Ok(());
    }
    let job = NewJob {
        id: app.random.uuid(row.created_at),
        account: Some(row.account),
        kind: SEND_JOB.to_owned(),
        payload: json!({ "notification_id": row.id }),
        run_at: row.created_at,
        unique_key: None,
        at: row.created_at,
    };
    jobs::enqueue(tx, &job).await?;
    // Wakes the runner.
    tx.mark_events();
    Ok(())
}
