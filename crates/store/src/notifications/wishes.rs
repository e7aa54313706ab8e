//! What an account and its people want of notifications, and which ways out of
//! the house were tried.

use bedside_model::{
    AccountId, At, UserId,
    notification::{Channel, DEFAULT_REMINDERS, Language},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// What an account wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Where a person says nothing.
    pub language: Language,
    /// Minutes before an appointment, the earliest first.
    pub reminders: Vec<i64>,
}

impl Default for Wishes {
    fn default() -> Self {
        Self { language: Language::default(), reminders: DEFAULT_REMINDERS.to_vec() }
    }
}

#[derive(FromRow)]
struct WishesRow {
    language: String,
    reminders: String,
}

const FIND: &str = "SELECT language, reminders FROM notification_settings WHERE account_id = $1";

/// What the account wants.
///
/// # Errors
/// What the database says.
pub async fn find_wishes(conn: &mut Conn, account: &AccountId) -> Result<Wishes> {
    let Some(row) = query_opt!(conn, WishesRow, FIND, account.as_str())? else {
        return Ok(Wishes::default());
    };
    Ok(Wishes {
        language: Language::parse(&row.language).unwrap_or_default(),
        reminders: serde_json::from_str(&row.reminders)
            .map_err(|_| Error::Value("notification_settings.reminders"))?,
    })
}

const PUT: &str = "INSERT INTO notification_settings (account_id, language, reminders) VALUES ($1, $2, $3) \
     ON CONFLICT (account_id) DO UPDATE SET language = excluded.language, reminders = excluded.reminders";

/// Keeps what the account wants.
///
/// # Errors
/// What the database says.
pub async fn put_wishes(tx: &mut Tx, account: &AccountId, wishes: &Wishes) -> Result<()> {
    let reminders = serde_json::to_string(&wishes.reminders)
        .map_err(|_| Error::Value("notification_settings.reminders"))?;
    execute!(tx, PUT, account.as_str(), wishes.language.as_str(), reminders)?;
    Ok(())
}

/// What one person wants, and when they last looked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Person {
    /// None takes the account's.
    pub language: Option<Language>,
    /// What is newer counts on the badge.
    pub badge_at: At,
}

#[derive(FromRow)]
struct PersonRow {
    language: String,
    badge_at: i64,
}

const PERSON: &str =
    "SELECT language, badge_at FROM notification_people WHERE account_id = $1 AND user_id = $2";

/// What a person wants.
///
/// # Errors
/// What the database says.
pub async fn find_person(conn: &mut Conn, account: &AccountId, user: UserId) -> Result<Person> {
    let row = query_opt!(conn, PersonRow, PERSON, account.as_str(), user.0)?;
    Ok(row.map_or(Person { language: None, badge_at: At(0) }, |row| Person {
        language: Language::parse(&row.language),
        badge_at: At(row.badge_at),
    }))
}

const PUT_BADGE: &str = "INSERT INTO notification_people (user_id, account_id, badge_at) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id) DO UPDATE SET badge_at = excluded.badge_at";

/// A person has looked.
///
/// # Errors
/// What the database says.
pub async fn put_badge(tx: &mut Tx, account: &AccountId, user: UserId, at: At) -> Result<()> {
    execute!(tx, PUT_BADGE, user.0, account.as_str(), at.0)?;
    Ok(())
}

const PUT_LANGUAGE: &str = "INSERT INTO notification_people (user_id, account_id, language) VALUES ($1, $2, $3) \
     ON CONFLICT (user_id) DO UPDATE SET language = excluded.language";

/// A person has chosen a language.
///
/// # Errors
/// What the database says.
pub async fn put_language(
    tx: &mut Tx,
    account: &AccountId,
    user: UserId,
    language: Option<Language>,
) -> Result<()> {
    execute!(tx, PUT_LANGUAGE, user.0, account.as_str(), language.map_or("", Language::as_str))?;
    Ok(())
}

/// The last try of a way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelTest {
    /// Which.
    pub channel: Channel,
    /// Did it work?
    pub works: bool,
    /// When.
    pub at: At,
}

#[derive(FromRow)]
struct TestRow {
    channel: String,
    works: bool,
    at: i64,
}

const TESTS: &str = "SELECT channel, works, at FROM channel_tests WHERE account_id = $1";

/// The last try of every way that was tried.
///
/// # Errors
/// What the database says.
pub async fn list_tests(conn: &mut Conn, account: &AccountId) -> Result<Vec<ChannelTest>> {
    query_all!(conn, TestRow, TESTS, account.as_str())?
        .into_iter()
        .map(|row| {
            let channel = Channel::parse(&row.channel).ok_or(Error::Value("channel_tests.channel"))?;
            Ok(ChannelTest { channel, works: row.works, at: At(row.at) })
        })
        .collect()
}

const PUT_TEST: &str = "INSERT INTO channel_tests (account_id, channel, works, at) VALUES ($1, $2, $3, $4) \
     ON CONFLICT (account_id, channel) DO UPDATE SET works = excluded.works, at = excluded.at";

/// Keeps the last try of a way.
///
/// # Errors
/// What the database says.
pub async fn put_test(tx: &mut Tx, account: &AccountId, test: ChannelTest) -> Result<()> {
    execute!(tx, PUT_TEST, account.as_str(), test.channel.as_str(), test.works, test.at.0)?;
    Ok(())
}
