//! The contents of recordings: where they lie and with which key, and what a
//! clinic wants of all of them.

use bedside_model::{AccountId, At, FileId, RecordingId, UserId};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, Tx};

/// One content of a recording.
#[derive(Debug, Clone)]
pub struct RecordingFile {
    /// UUIDv7; names the content, too.
    pub id: FileId,
    /// Whose clinic.
    pub account: AccountId,
    /// Of which recording.
    pub recording: RecordingId,
    /// Whose; none: everybody's together.
    pub user: Option<UserId>,
    /// `mp4`, `webm` or `mkv`.
    pub format: String,
    /// `all`, `audio`, `video` or `screen`.
    pub media: String,
    /// From the recording's begin, ms.
    pub start_ms: i64,
    /// How long it is, ms.
    pub length_ms: i64,
    /// Length of the content in bytes.
    pub size_bytes: u64,
    /// The key of its content, see [`crate::FileKey`].
    pub data_key: Sealed,
    /// When it was made.
    pub created_at: At,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    recording_id: i64,
    user_id: Option<i64>,
    format: String,
    media: String,
    start_ms: i64,
    length_ms: i64,
    size_bytes: i64,
    data_key: Sealed,
    created_at: i64,
}

impl TryFrom<Row> for RecordingFile {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        Ok(Self {
            id: FileId(row.id),
            account: AccountId(row.account_id),
            recording: RecordingId(row.recording_id),
            user: row.user_id.map(UserId),
            format: row.format,
            media: row.media,
            start_ms: row.start_ms,
            length_ms: row.length_ms,
            size_bytes: u64::try_from(row.size_bytes)
                .map_err(|_| Error::Value("recording_files.size_bytes"))?,
            data_key: row.data_key,
            created_at: At(row.created_at),
        })
    }
}

const ADD: &str = "INSERT INTO recording_files (id, account_id, recording_id, user_id, format, media, start_ms, length_ms, \
     size_bytes, data_key, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";

/// Adds a content that is safe already.
///
/// # Errors
/// What the database says.
pub async fn add_file(tx: &mut Tx, file: &RecordingFile) -> Result<()> {
    let size = i64::try_from(file.size_bytes).map_err(|_| Error::Value("recording_files.size_bytes"))?;
    execute!(
        tx,
        ADD,
        file.id.as_str(),
        file.account.as_str(),
        file.recording.0,
        file.user.map(|id| id.0),
        &file.format,
        &file.media,
        file.start_ms,
        file.length_ms,
        size,
        &file.data_key,
        file.created_at.0,
    )?;
    Ok(())
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, recording_id, user_id, format, media, start_ms, length_ms, size_bytes, data_key, \
             created_at FROM recording_files WHERE ",
            $rest
        )
    };
}

const LIST: &str = select!("account_id = $1 AND recording_id = $2 ORDER BY start_ms, id");

/// The contents of a recording, in the order of their begin.
///
/// # Errors
/// What the database says.
pub async fn list_files(
    conn: &mut Conn,
    account: &AccountId,
    recording: RecordingId,
) -> Result<Vec<RecordingFile>> {
    let rows = query_all!(conn, Row, LIST, account.as_str(), recording.0)?;
    rows.into_iter().map(RecordingFile::try_from).collect()
}

// A read without an account: a signed link names none. Whoever uses it must
// check the signature, which only this content's key can make.
const FIND_SIGNED: &str = select!("id = $1");

/// The content that a signed link names, whatever its account.
///
/// # Errors
/// What the database says.
pub async fn find_signed(conn: &mut Conn, id: &FileId) -> Result<Option<RecordingFile>> {
    query_opt!(conn, Row, FIND_SIGNED, id.as_str())?.map(RecordingFile::try_from).transpose()
}

const EXISTS: &str = "SELECT COUNT(*) FROM recording_files WHERE account_id = $1 AND id = $2";

/// Is there a row for this content?
///
/// # Errors
/// What the database says.
pub async fn has_file(conn: &mut Conn, account: &AccountId, id: &FileId) -> Result<bool> {
    Ok(scalar!(conn, i64, EXISTS, account.as_str(), id.as_str())? > 0)
}

const DELETE: &str = "DELETE FROM recording_files WHERE account_id = $1 AND recording_id = $2";

/// Deletes the rows of all contents of a recording, and with them their keys.
///
/// # Errors
/// What the database says.
pub async fn delete_files(tx: &mut Tx, account: &AccountId, recording: RecordingId) -> Result<()> {
    execute!(tx, DELETE, account.as_str(), recording.0).map(drop)
}

/// What a clinic wants of its recordings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Days that recordings are kept; 0 until somebody deletes them.
    pub retention_days: i64,
    /// May patients see those of their own visits?
    pub for_patients: bool,
}

#[derive(FromRow)]
struct PolicyRow {
    recording_retention_days: i64,
    recordings_for_patients: bool,
}

const POLICY: &str = "SELECT recording_retention_days, recordings_for_patients FROM accounts WHERE id = $1";

/// What the clinic wants of its recordings.
///
/// # Errors
/// What the database says.
pub async fn policy(conn: &mut Conn, account: &AccountId) -> Result<Policy> {
    let row = query_opt!(conn, PolicyRow, POLICY, account.as_str())?;
    let row = row.ok_or(Error::Value("accounts.id"))?;
    Ok(Policy { retention_days: row.recording_retention_days, for_patients: row.recordings_for_patients })
}

const SET_POLICY: &str =
    "UPDATE accounts SET recording_retention_days = $1, recordings_for_patients = $2 WHERE id = $3";

/// Says what the clinic wants of its recordings.
///
/// # Errors
/// What the database says.
pub async fn set_policy(tx: &mut Tx, account: &AccountId, policy: Policy) -> Result<()> {
    execute!(tx, SET_POLICY, policy.retention_days, policy.for_patients, account.as_str()).map(drop)
}

const KEEPING: &str = "SELECT DISTINCT r.account_id FROM recordings r JOIN accounts a ON a.id = r.account_id \
     WHERE r.status IN ('ready', 'failed') AND a.recording_retention_days > 0 AND a.erased_at IS NULL";

/// The clinics that have recordings which are not kept for ever.
///
/// # Errors
/// What the database says.
pub async fn list_keeping(conn: &mut Conn) -> Result<Vec<AccountId>> {
    Ok(scalars!(conn, String, KEEPING)?.into_iter().map(AccountId).collect())
}
