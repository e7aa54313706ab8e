//! One-time links: what opens one appointment without a login. The clinic
//! switches them on; each appointment then has one, which works until the visit
//! closes. Ten characters carry 51 bits, so what is kept to find one by is
//! hashed together with a secret of the house, and its text is sealed.

use bedside_model::{AccountId, Phi, VisitId, user::UserType};
use bedside_store::{
    Conn, Tx, Vault, accounts, appointments,
    rooms::{self, Room},
    visit_views::VisitView as Row,
    visits,
};
use sha2::{Digest, Sha256};

use crate::{Actor, App, Error, Random, Result};

/// Characters of a token (contract core.md 1.9).
const LENGTH: usize = 10;
const LETTERS: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

fn context(visit: VisitId) -> String {
    format!("visits.link:{visit}")
}

/// Every letter as likely as any other.
fn token(random: &Random) -> String {
    let mut token = String::with_capacity(LENGTH);
    while token.len() < LENGTH {
        let bytes: [u8; 16] = random.bytes();
        let fair = bytes.iter().map(|byte| usize::from(*byte)).filter(|byte| *byte < 36 * 7);
        token.extend(fair.map(|byte| char::from(LETTERS[byte % 36])).take(LENGTH - token.len()));
    }
    token
}

/// What is kept of a token to find its visit by. Without the house's secret
/// nobody who reads the rows can try all tokens.
pub(crate) fn digest(app: &App, token: &str) -> Vec<u8> {
    let hash = Sha256::new().chain_update(b"bedside one-time links v1\0");
    hash.chain_update(&app.settings.call_secret).chain_update([0]).chain_update(token).finalize().to_vec()
}

/// Do the clinic's appointments come with links?
pub(crate) async fn are_used(conn: &mut Conn, account: &AccountId) -> Result<bool> {
    Ok(accounts::find(conn, account).await?.is_some_and(|account| account.one_time_links))
}

/// Gives a new appointment its link, inside the change that makes it.
pub(crate) async fn mint(
    tx: &mut Tx,
    app: &App,
    vault: &Vault,
    account: &AccountId,
    visit: VisitId,
) -> Result<String> {
    let token = token(&app.random);
    let sealed = vault.seal_text(&context(visit), &token)?;
    appointments::set_link(tx, account, visit, &digest(app, &token), &sealed).await?;
    Ok(token)
}

/// Where a link leads.
#[must_use]
pub fn url(app: &App, visit: VisitId, token: &str) -> String {
    format!("{}/members/appointment/{visit}?token={token}", app.settings.pages_url)
}

/// Where the link of a visit leads, if it has one, for a message to its patient.
///
/// # Errors
/// What the store says.
pub async fn find_url(
    conn: &mut Conn,
    app: &App,
    vault: &Vault,
    account: &AccountId,
    visit: VisitId,
) -> Result<Option<Phi<String>>> {
    let sealed = appointments::find_link(conn, account, visit).await?;
    let token = sealed.map(|sealed| vault.open_text(&context(visit), &sealed)).transpose()?;
    Ok(token.map(|token| url(app, visit, &token).into()))
}

/// The room of the visit to which the caller holds the link; none for others.
pub(crate) async fn room(conn: &mut Conn, actor: &Actor) -> Result<Option<Room>> {
    let Some(visit) = actor.link() else { return Ok(None) };
    let unknown = || Error::not_found("visit");
    let visit = visits::find(conn, &actor.account, visit).await?.ok_or_else(unknown)?;
    Ok(Some(rooms::find(conn, &actor.account, visit.room).await?.ok_or_else(unknown)?))
}

/// The link again, for staff, as long as it works.
pub(crate) fn shown(app: &App, actor: &Actor, vault: &Vault, row: &Row) -> Result<Option<Phi<String>>> {
    let staff = !actor.kind().is_some_and(UserType::is_patient);
    let Some(sealed) = row.link.as_ref().filter(|_| staff && row.state.status.is_open()) else {
        return Ok(None);
    };
    Ok(Some(url(app, row.id, &vault.open_text(&context(row.id), sealed)?).into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_are_ten_letters_each_as_likely() {
        let random = Random::seeded(7);
        let mut seen = [0_u32; 36];
        for _ in 0..3_600 {
            let token = token(&random);
            assert_eq!(token.len(), LENGTH);
            for letter in token.bytes() {
                seen[LETTERS.iter().position(|known| *known == letter).unwrap()] += 1;
            }
        }
        // A thousand of each are expected; a plain remainder would favour some by a seventh.
        assert!(seen.iter().all(|count| (870..1_130).contains(count)), "{seen:?}");
    }
}
