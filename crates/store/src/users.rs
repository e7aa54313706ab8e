//! Users: everybody who can act, of all types.

mod changes;
mod search;

use std::fmt;

use bedside_model::{
    AccountId, At, Phi, RoomId, UserId, VisitId,
    user::{Profile, UserStatus, UserType},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

pub use changes::*;
pub(crate) use search::{Folded, fold_old_rows};

/// A user as it is kept.
#[derive(Clone)]
pub struct User {
    /// Its number.
    pub id: UserId,
    /// Whose user it is.
    pub account: AccountId,
    /// What kind of user.
    pub kind: UserType,
    /// Documented number of a provider's kind, as text; empty for none.
    pub subtype: String,
    /// A provider's extra right, or empty.
    pub role: String,
    /// May the user act?
    pub status: UserStatus,
    /// The integrator's own key for the user, or 32 hex characters.
    pub code: Phi<String>,
    /// Login name, or 32 hex characters.
    pub username: Phi<String>,
    /// Call identity of older clients.
    pub vseeid: Phi<String>,
    /// Who it is.
    pub profile: Phi<Profile>,
    /// No e-mail notices to this user.
    pub disable_emails: bool,
    /// Terms accepted.
    pub tos: bool,
    /// The address was proved by a mail that arrived there.
    pub email_verified: bool,
    /// Left out of the patient list of remote monitoring.
    pub is_hidden: bool,
    /// The clinic's own grouping, or empty.
    pub group: String,
    /// The room a patient was registered with.
    pub room: Option<RoomId>,
    /// PHC string (argon2id); none when the user cannot log in by password.
    pub password_hash: Option<String>,
    /// Last login by password.
    pub last_login_at: Option<At>,
    /// When one of the user's pages was last heard from.
    pub last_seen_at: Option<At>,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
}

impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User").field("id", &self.id).field("kind", &self.kind).finish_non_exhaustive()
    }
}

/// How a new user's call identity (`vseeid`, core.md 2.2) is made.
#[derive(Clone)]
pub enum CallIdentity {
    /// `{prefix}+user{id}`.
    Numbered(String),
    /// As it is.
    Named(String),
}

/// A user to add.
#[derive(Clone)]
pub struct NewUser {
    /// Whose user it is.
    pub account: AccountId,
    /// What kind of user.
    pub kind: UserType,
    /// Documented number of a provider's kind, as text; empty for none.
    pub subtype: String,
    /// A provider's extra right, or empty.
    pub role: String,
    /// Unique in the account.
    pub code: String,
    /// Unique in the account.
    pub username: String,
    /// Call identity of older clients.
    pub vseeid: CallIdentity,
    /// Who it is.
    pub profile: Profile,
    /// No e-mail notices to this user.
    pub disable_emails: bool,
    /// PHC string, for a user that logs in by password.
    pub password_hash: Option<String>,
    /// Now.
    pub at: At,
}

#[derive(FromRow)]
pub(crate) struct Row {
    id: i64,
    account_id: String,
    #[sqlx(rename = "type")]
    kind: i64,
    subtype: String,
    role: String,
    status: i64,
    code: String,
    username: String,
    vseeid: String,
    first_name: String,
    last_name: String,
    title: String,
    suffix: String,
    email: String,
    phone: String,
    dob: Option<String>,
    gender: i64,
    street_addr: String,
    city: String,
    state: String,
    zip: String,
    timezone: String,
    short_bio: String,
    disable_emails: bool,
    tos: bool,
    email_verified: bool,
    is_hidden: bool,
    group_name: String,
    room_id: Option<i64>,
    password_hash: Option<String>,
    last_login_at: Option<i64>,
    last_seen_at: Option<i64>,
    created_at: i64,
    updated_at: i64,
}

impl Row {
    pub(crate) const fn id(&self) -> i64 {
        self.id
    }
}

impl TryFrom<Row> for User {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: UserId(row.id),
            account: AccountId(row.account_id),
            kind: UserType::from_code(row.kind).ok_or(Error::Value("users.type"))?,
            subtype: row.subtype,
            role: row.role,
            status: UserStatus::from_code(row.status).ok_or(Error::Value("users.status"))?,
            code: row.code.into(),
            username: row.username.into(),
            vseeid: row.vseeid.into(),
            profile: Phi::new(Profile {
                first_name: row.first_name,
                last_name: row.last_name,
                title: row.title,
                suffix: row.suffix,
                email: row.email,
                phone: row.phone,
                dob: row.dob,
                gender: row.gender,
                street_addr: row.street_addr,
                city: row.city,
                state: row.state,
                zip: row.zip,
                timezone: row.timezone,
                short_bio: row.short_bio,
            }),
            disable_emails: row.disable_emails,
            tos: row.tos,
            email_verified: row.email_verified,
            is_hidden: row.is_hidden,
            group: row.group_name,
            room: row.room_id.map(RoomId),
            password_hash: row.password_hash,
            last_login_at: row.last_login_at.map(At),
            last_seen_at: row.last_seen_at.map(At),
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
        })
    }
}

/// The columns of a [`Row`].
macro_rules! user_columns {
    () => {
        "id, account_id, type, subtype, role, status, code, username, vseeid, first_name, last_name, \
         title, suffix, email, phone, dob, gender, street_addr, city, state, zip, timezone, short_bio, \
         disable_emails, tos, email_verified, is_hidden, group_name, room_id, password_hash, \
         last_login_at, last_seen_at, created_at, updated_at "
    };
}
pub(crate) use user_columns;

macro_rules! select_users {
    ($rest:literal) => {
        concat!("SELECT ", user_columns!(), "FROM users ", $rest)
    };
}

macro_rules! insert_users {
    ($on_conflict:literal) => {
        concat!(
            "INSERT INTO users (account_id, type, subtype, role, code, username, vseeid, first_name, \
             last_name, title, suffix, email, phone, dob, gender, street_addr, city, state, zip, timezone, \
             short_bio, full_name_search, last_name_search, email_search, disable_emails, password_hash, \
             created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, \
             $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $27) ",
            $on_conflict,
            "RETURNING id"
        )
    };
}

const ADD: &str = insert_users!("");
const ADD_IF_NEW: &str = insert_users!("ON CONFLICT (account_id, code) DO NOTHING ");
const NUMBER_IDENTITY: &str = "UPDATE users SET vseeid = $1 WHERE id = $2";

/// Adds a user.
///
/// # Errors
/// [`Error::Unique`] on `account_id, code` or `account_id, username`.
pub async fn add(tx: &mut Tx, user: &NewUser) -> Result<UserId> {
    insert(tx, ADD, user).await?.ok_or(Error::Value("users.id"))
}

/// Adds a user, unless the account has one of this code (also one that
/// another transaction makes at this moment): then gives `None`.
///
/// # Errors
/// [`Error::Unique`] on `account_id, username`.
pub async fn add_if_new(tx: &mut Tx, user: &NewUser) -> Result<Option<UserId>> {
    insert(tx, ADD_IF_NEW, user).await
}

async fn insert(tx: &mut Tx, sql: &'static str, user: &NewUser) -> Result<Option<UserId>> {
    let profile = &user.profile;
    let folded = Folded::of(profile);
    let named = match &user.vseeid {
        CallIdentity::Named(name) => name.as_str(),
        CallIdentity::Numbered(_) => "",
    };
    let id = scalar_opt!(
        tx,
        i64,
        sql,
        user.account.as_str(),
        user.kind.code(),
        &user.subtype,
        &user.role,
        &user.code,
        &user.username,
        named,
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
        user.disable_emails,
        user.password_hash.as_deref(),
        user.at.0,
    )?;
    let Some(id) = id else { return Ok(None) };
    if let CallIdentity::Numbered(prefix) = &user.vseeid {
        execute!(tx, NUMBER_IDENTITY, format!("{prefix}+user{id}"), id)?;
    }
    Ok(Some(UserId(id)))
}

const BY_ID: &str = select_users!("WHERE account_id = $1 AND id = $2");

/// The account's user of this number.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: UserId) -> Result<Option<User>> {
    query_opt!(conn, Row, BY_ID, account.as_str(), id.0)?.map(User::try_from).transpose()
}

const BY_CODE: &str = select_users!("WHERE account_id = $1 AND code = $2");

/// The account's user of this code.
///
/// # Errors
/// What the database says.
pub async fn find_by_code(conn: &mut Conn, account: &AccountId, code: &str) -> Result<Option<User>> {
    query_opt!(conn, Row, BY_CODE, account.as_str(), code)?.map(User::try_from).transpose()
}

const BY_USERNAME: &str = select_users!("WHERE account_id = $1 AND username = $2");

/// The account's user of this login name.
///
/// # Errors
/// What the database says.
pub async fn find_by_username(conn: &mut Conn, account: &AccountId, name: &str) -> Result<Option<User>> {
    query_opt!(conn, Row, BY_USERNAME, account.as_str(), name)?.map(User::try_from).transpose()
}

const OF_TYPE: &str = select_users!("WHERE account_id = $1 AND type = $2 ORDER BY id LIMIT 1");

/// The account's oldest user of a type: its first admin, its API user.
///
/// # Errors
/// What the database says.
pub async fn find_first(conn: &mut Conn, account: &AccountId, kind: UserType) -> Result<Option<User>> {
    query_opt!(conn, Row, OF_TYPE, account.as_str(), kind.code())?.map(User::try_from).transpose()
}

const OF_ROOM: &str = select_users!(
    "WHERE account_id = $1 AND type = 400 AND status = 20 AND id IN \
     (SELECT user_id FROM room_providers WHERE account_id = $1 AND room_id = $2) ORDER BY id"
);

/// The active providers of a room.
///
/// # Errors
/// What the database says.
pub async fn list_of_room(conn: &mut Conn, account: &AccountId, room: RoomId) -> Result<Vec<User>> {
    query_all!(conn, Row, OF_ROOM, account.as_str(), room.0)?.into_iter().map(User::try_from).collect()
}

const OF_VISIT: &str = select_users!(
    "WHERE account_id = $1 AND id IN (SELECT member_id FROM visits WHERE account_id = $1 AND id = $2 \
     UNION SELECT provider_id FROM visits WHERE account_id = $1 AND id = $2 \
     UNION SELECT guardian_id FROM visits WHERE account_id = $1 AND id = $2 \
     UNION SELECT user_id FROM visit_guests WHERE account_id = $1 AND visit_id = $2) ORDER BY id"
);

/// The parties of a visit: patient, provider, guardian, guests.
///
/// # Errors
/// What the database says.
pub async fn list_of_visit(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<User>> {
    query_all!(conn, Row, OF_VISIT, account.as_str(), visit.0)?.into_iter().map(User::try_from).collect()
}

const EXTRA: &str = "SELECT extra FROM users WHERE account_id = $1 AND id = $2";

/// The extended profile of a user, sealed; none when nothing was ever sent.
///
/// # Errors
/// What the database says.
pub async fn find_extra(conn: &mut Conn, account: &AccountId, id: UserId) -> Result<Option<Sealed>> {
    Ok(scalar_opt!(conn, Option<Sealed>, EXTRA, account.as_str(), id.0)?.flatten())
}

const OTHER_ADMINS: &str = "SELECT COUNT(*) FROM users WHERE account_id = $1 AND id <> $2 AND status = 20 \
     AND ((type IN (100, 150) AND password_hash IS NOT NULL) OR (type = 400 AND role = 'clinic_admin'))";

/// How many people besides this one can run the clinic now. Admins have to
/// have a password; providers also come by single sign-on.
///
/// # Errors
/// What the database says.
pub async fn count_other_admins(conn: &mut Conn, account: &AccountId, id: UserId) -> Result<i64> {
    scalar!(conn, i64, OTHER_ADMINS, account.as_str(), id.0)
}

const ADMINS: &str = "SELECT id FROM users WHERE account_id = $1 AND status IN (10, 20) \
     AND (type IN (100, 150) OR (type = 400 AND role = 'clinic_admin')) ORDER BY id LIMIT 50";

/// The people who run the clinic, the first fifty.
///
/// # Errors
/// What the database says.
pub async fn list_admins(conn: &mut Conn, account: &AccountId) -> Result<Vec<UserId>> {
    Ok(scalars!(conn, i64, ADMINS, account.as_str())?.into_iter().map(UserId).collect())
}
