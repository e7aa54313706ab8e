//! What people said to a recording.

use bedside_model::{AccountId, At, RecordingId, UserId, recording::Answer};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// What one person said.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Who.
    pub user: UserId,
    /// What.
    pub answer: Answer,
    /// Version and language of the text they answered, as `1/en`; empty while
    /// they have not.
    pub text_version: String,
    /// When they were asked.
    pub asked_at: At,
    /// When they answered.
    pub answered_at: Option<At>,
}

#[derive(FromRow)]
struct Row {
    user_id: i64,
    answer: String,
    text_version: String,
    asked_at: i64,
    answered_at: Option<i64>,
}

impl TryFrom<Row> for Consent {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            user: UserId(row.user_id),
            answer: Answer::parse(&row.answer).ok_or(Error::Value("recording_consents.answer"))?,
            text_version: row.text_version,
            asked_at: At(row.asked_at),
            answered_at: row.answered_at.map(At),
        })
    }
}

const ASK: &str = "INSERT INTO recording_consents (id, account_id, recording_id, user_id, answer, text_version, asked_at) \
     VALUES ($1, $2, $3, $4, 'waiting', '', $5) ON CONFLICT (recording_id, user_id) DO NOTHING";

/// Writes that somebody is asked. False when they were already.
///
/// # Errors
/// What the database says.
pub async fn ask(
    tx: &mut Tx,
    id: &str,
    account: &AccountId,
    recording: RecordingId,
    user: UserId,
    at: At,
) -> Result<bool> {
    Ok(execute!(tx, ASK, id, account.as_str(), recording.0, user.0, at.0)? == 1)
}

const SAY: &str = "UPDATE recording_consents SET answer = $1, text_version = $2, answered_at = $3 \
     WHERE account_id = $4 AND recording_id = $5 AND user_id = $6";

/// Writes what somebody said who was asked. False when they were not.
///
/// # Errors
/// What the database says.
pub async fn say(
    tx: &mut Tx,
    account: &AccountId,
    recording: RecordingId,
    user: UserId,
    (answer, text_version): (Answer, &str),
    at: At,
) -> Result<bool> {
    let answer = answer.as_str();
    Ok(execute!(tx, SAY, answer, text_version, at.0, account.as_str(), recording.0, user.0)? == 1)
}

const LIST: &str = "SELECT user_id, answer, text_version, asked_at, answered_at FROM recording_consents \
     WHERE account_id = $1 AND recording_id = $2 ORDER BY asked_at, id";

/// What everybody said who was asked.
///
/// # Errors
/// What the database says.
pub async fn list_consents(
    conn: &mut Conn,
    account: &AccountId,
    recording: RecordingId,
) -> Result<Vec<Consent>> {
    query_all!(conn, Row, LIST, account.as_str(), recording.0)?.into_iter().map(Consent::try_from).collect()
}
