//! How users change.

use bedside_model::{
    AccountId, At, RoomId, UserId,
    user::{Profile, UserStatus, UserType},
};

use super::Folded;
use crate::{Result, Sealed, Tx};

const UPDATE_PROFILE: &str = "UPDATE users SET first_name = $1, last_name = $2, title = $3, suffix = $4, \
     email = $5, phone = $6, dob = $7, gender = $8, street_addr = $9, city = $10, state = $11, zip = $12, \
     timezone = $13, short_bio = $14, full_name_search = $15, last_name_search = $16, email_search = $17, \
     email_verified = email_verified AND email = $5, disable_emails = $18, updated_at = $19, \
     version = version + 1 WHERE account_id = $20 AND id = $21";

/// Replaces who a user is. Another address is an unproved one.
///
/// # Errors
/// What the database says.
pub async fn update_profile(
    tx: &mut Tx,
    account: &AccountId,
    id: UserId,
    profile: &Profile,
    disable_emails: bool,
    at: At,
) -> Result<()> {
    let folded = Folded::of(profile);
    execute!(
        tx,
        UPDATE_PROFILE,
        &profile.first_name,
        &profile.last_name,
        &profile.title,
        &profile.suffix,
        &profile.email,
        &profile.phone,
        profile.dob.as_deref(),
        profile.gender,
        &profile.street_addr,
        &profile.city,
        &profile.state,
        &profile.zip,
        &profile.timezone,
        &profile.short_bio,
        &folded.full_name,
        &folded.last_name,
        &folded.email,
        disable_emails,
        at.0,
        account.as_str(),
        id.0,
    )?;
    Ok(())
}

const SET_PASSWORD: &str = "UPDATE users SET password_hash = $1, \
     status = CASE WHEN status = 10 THEN 20 ELSE status END, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Sets a password; an inactive user becomes active by it (core.md 2.4), a
/// suspended one does not.
///
/// # Errors
/// What the database says.
pub async fn set_password(
    tx: &mut Tx,
    account: &AccountId,
    id: UserId,
    password_hash: &str,
    at: At,
) -> Result<()> {
    execute!(tx, SET_PASSWORD, password_hash, at.0, account.as_str(), id.0)?;
    Ok(())
}

const LOGGED_IN: &str = "UPDATE users SET last_login_at = $1 WHERE account_id = $2 AND id = $3";

/// Notes a login.
///
/// # Errors
/// What the database says.
pub async fn logged_in(tx: &mut Tx, account: &AccountId, id: UserId, at: At) -> Result<()> {
    execute!(tx, LOGGED_IN, at.0, account.as_str(), id.0)?;
    Ok(())
}

const SEEN: &str = "UPDATE users SET last_seen_at = $1 WHERE account_id = $2 AND id = $3 \
     AND (last_seen_at IS NULL OR last_seen_at < $1)";

/// Notes that one of the user's pages was heard from.
///
/// # Errors
/// What the database says.
pub async fn seen(tx: &mut Tx, account: &AccountId, id: UserId, at: At) -> Result<()> {
    execute!(tx, SEEN, at.0, account.as_str(), id.0)?;
    Ok(())
}

const RENAME: &str = "UPDATE users SET username = $1, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Gives a user another login name.
///
/// # Errors
/// [`Error::Unique`] on `account_id, username`.
pub async fn rename(tx: &mut Tx, account: &AccountId, id: UserId, username: &str, at: At) -> Result<()> {
    execute!(tx, RENAME, username, at.0, account.as_str(), id.0)?;
    Ok(())
}

/// What the clinic decides about a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// What kind of user.
    pub kind: UserType,
    /// Documented number of a provider's kind, as text; empty for none.
    pub subtype: String,
    /// A provider's extra right, or empty.
    pub role: String,
    /// May the user act?
    pub status: UserStatus,
    /// Left out of the patient list of remote monitoring.
    pub is_hidden: bool,
    /// The clinic's own grouping, or empty.
    pub group: String,
    /// The room a patient was registered with.
    pub room: Option<RoomId>,
    /// Terms accepted.
    pub tos: bool,
}

const UPDATE_STANDING: &str = "UPDATE users SET type = $1, subtype = $2, role = $3, status = $4, \
     is_hidden = $5, group_name = $6, room_id = $7, tos = $8, updated_at = $9, version = version + 1 \
     WHERE account_id = $10 AND id = $11";

/// Replaces what the clinic decided about a user.
///
/// # Errors
/// What the database says.
pub async fn update_standing(
    tx: &mut Tx,
    account: &AccountId,
    id: UserId,
    standing: &Standing,
    at: At,
) -> Result<()> {
    execute!(
        tx,
        UPDATE_STANDING,
        standing.kind.code(),
        &standing.subtype,
        &standing.role,
        standing.status.code(),
        standing.is_hidden,
        &standing.group,
        standing.room.map(|room| room.0),
        standing.tos,
        at.0,
        account.as_str(),
        id.0,
    )?;
    Ok(())
}

const ACCEPT_TERMS: &str = "UPDATE users SET tos = TRUE, updated_at = $1, version = version + 1 \
     WHERE account_id = $2 AND id = $3 AND NOT tos";

/// Says that somebody accepted the clinic's terms.
///
/// # Errors
/// What the database says.
pub async fn accept_terms(tx: &mut Tx, account: &AccountId, id: UserId, at: At) -> Result<()> {
    execute!(tx, ACCEPT_TERMS, at.0, account.as_str(), id.0).map(drop)
}

const RECODE: &str = "UPDATE users SET code = $1, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Gives a user another key of the integrator's.
///
/// # Errors
/// [`crate::Error::Unique`] on `account_id, code`.
pub async fn recode(tx: &mut Tx, account: &AccountId, id: UserId, code: &str, at: At) -> Result<()> {
    execute!(tx, RECODE, code, at.0, account.as_str(), id.0)?;
    Ok(())
}

const SET_EXTRA: &str = "UPDATE users SET extra = $1, updated_at = $2, version = version + 1 \
     WHERE account_id = $3 AND id = $4";

/// Replaces the extended profile, sealed.
///
/// # Errors
/// What the database says.
pub async fn set_extra(tx: &mut Tx, account: &AccountId, id: UserId, extra: &Sealed, at: At) -> Result<()> {
    execute!(tx, SET_EXTRA, extra, at.0, account.as_str(), id.0)?;
    Ok(())
}

const ACTIVATE: &str = "UPDATE users SET status = 20, updated_at = $1, version = version + 1 \
     WHERE account_id = $2 AND id = $3 AND status = 10";

/// Makes an inactive user active.
///
/// # Errors
/// What the database says.
pub async fn activate(tx: &mut Tx, account: &AccountId, id: UserId, at: At) -> Result<()> {
    execute!(tx, ACTIVATE, at.0, account.as_str(), id.0)?;
    Ok(())
}

// A token that is kept keeps those of the same log-in, so that it can be renewed.
const END_TOKENS: &str = "UPDATE tokens SET revoked_at = $1 WHERE account_id = $2 AND user_id = $3 \
     AND kind <> 'admin' AND revoked_at IS NULL AND hash <> $4 \
     AND COALESCE(family, '-') <> COALESCE((SELECT t.family FROM tokens t WHERE t.hash = $4), '')";
const END_SESSIONS: &str = "DELETE FROM sessions WHERE account_id = $1 AND user_id = $2 AND hash <> $3";

/// Ends all that is logged in as a user, one-time links included, but for the
/// log-in whose token or cookie has this hash (an empty one keeps none).
///
/// # Errors
/// What the database says.
pub async fn end_log_ins(tx: &mut Tx, account: &AccountId, id: UserId, keep: &[u8], at: At) -> Result<()> {
    execute!(tx, END_TOKENS, at.0, account.as_str(), id.0, keep)?;
    execute!(tx, END_SESSIONS, account.as_str(), id.0, keep)?;
    Ok(())
}

const LOCK: &str = "UPDATE users SET version = version WHERE account_id = $1 AND id = $2";

/// Makes changes of one user wait for each other. Gives false for nobody.
///
/// # Errors
/// What the database says.
pub async fn lock(tx: &mut Tx, account: &AccountId, id: UserId) -> Result<bool> {
    Ok(execute!(tx, LOCK, account.as_str(), id.0)? > 0)
}

const LOCK_ACCOUNT: &str = "UPDATE accounts SET version = version WHERE id = $1";

/// Makes changes of who runs the clinic wait for each other.
///
/// # Errors
/// What the database says.
pub async fn lock_admins(tx: &mut Tx, account: &AccountId) -> Result<()> {
    execute!(tx, LOCK_ACCOUNT, account.as_str())?;
    Ok(())
}
