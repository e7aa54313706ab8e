//! How people's connections to calls were.

use bedside_model::{
    AccountId, At, UserId, VisitId,
    call_quality::{Figures, Path},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Tx};

/// One connection of a person to a visit's call.
#[derive(Debug, Clone)]
pub struct CallQuality {
    /// UUIDv7.
    pub id: String,
    /// Whose clinic.
    pub account: AccountId,
    /// Which visit.
    pub visit: VisitId,
    /// Whose connection.
    pub user: UserId,
    /// The call's own name of the connection.
    pub sid: String,
    /// When it began.
    pub started_at: At,
    /// When it ended; none while it lasts.
    pub ended_at: Option<At>,
    /// When it was last heard of.
    pub updated_at: At,
    /// What was measured.
    pub figures: Figures,
    /// The person's page has told its half.
    pub page_told: bool,
}

#[derive(FromRow)]
struct Row {
    id: String,
    account_id: String,
    visit_id: i64,
    user_id: i64,
    peer_sid: String,
    started_at: i64,
    ended_at: Option<i64>,
    updated_at: i64,
    join_ms: Option<i64>,
    first_packet_ms: Option<i64>,
    first_frame_ms: Option<i64>,
    loss_up_ppm: Option<i64>,
    loss_down_ppm: Option<i64>,
    rtt_ms: Option<i64>,
    jitter_ms: Option<i64>,
    freezes: Option<i64>,
    frozen_ms: Option<i64>,
    paused_ms: Option<i64>,
    reconnects: Option<i64>,
    path: String,
    device: String,
    page_told: bool,
}

impl TryFrom<Row> for CallQuality {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let path = match row.path.as_str() {
            "" => None,
            word => Some(Path::parse(word).ok_or(Error::Value("call_quality.path"))?),
        };
        Ok(Self {
            id: row.id,
            account: AccountId(row.account_id),
            visit: VisitId(row.visit_id),
            user: UserId(row.user_id),
            sid: row.peer_sid,
            started_at: At(row.started_at),
            ended_at: row.ended_at.map(At),
            updated_at: At(row.updated_at),
            figures: Figures {
                join_ms: row.join_ms,
                first_packet_ms: row.first_packet_ms,
                first_frame_ms: row.first_frame_ms,
                loss_up_ppm: row.loss_up_ppm,
                loss_down_ppm: row.loss_down_ppm,
                rtt_ms: row.rtt_ms,
                jitter_ms: row.jitter_ms,
                freezes: row.freezes,
                frozen_ms: row.frozen_ms,
                paused_ms: row.paused_ms,
                reconnects: row.reconnects,
                path,
                device: Some(row.device).filter(|device| !device.is_empty()),
            },
            page_told: row.page_told,
        })
    }
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, account_id, visit_id, user_id, peer_sid, started_at, ended_at, updated_at, join_ms, \
             first_packet_ms, first_frame_ms, loss_up_ppm, loss_down_ppm, rtt_ms, jitter_ms, freezes, \
             frozen_ms, paused_ms, reconnects, path, device, page_told FROM call_quality WHERE account_id = $1 AND visit_id = $2 ",
            $rest
        )
    };
}

const FIND: &str = select!("AND user_id = $3 AND peer_sid = $4");

/// One connection.
///
/// # Errors
/// What the database says.
pub async fn find(
    conn: &mut Conn,
    account: &AccountId,
    visit: VisitId,
    user: UserId,
    sid: &str,
) -> Result<Option<CallQuality>> {
    let row = query_opt!(conn, Row, FIND, account.as_str(), visit.0, user.0, sid)?;
    row.map(CallQuality::try_from).transpose()
}

const LIST: &str = select!("ORDER BY started_at, id");

/// All connections to a visit's call, oldest first. Their number is bounded by
/// who writes them.
///
/// # Errors
/// What the database says.
pub async fn list(conn: &mut Conn, account: &AccountId, visit: VisitId) -> Result<Vec<CallQuality>> {
    query_all!(conn, Row, LIST, account.as_str(), visit.0)?.into_iter().map(CallQuality::try_from).collect()
}

const COUNT: &str =
    "SELECT COUNT(*) FROM call_quality WHERE account_id = $1 AND visit_id = $2 AND user_id = $3";

/// How many connections of a person to a visit's call are kept.
///
/// # Errors
/// What the database says.
pub async fn count(conn: &mut Conn, account: &AccountId, visit: VisitId, user: UserId) -> Result<i64> {
    scalar!(conn, i64, COUNT, account.as_str(), visit.0, user.0)
}

// Each side has columns that it knows best. The other side's word counts there
// only while the better one is missing.
macro_rules! of_page {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN excluded.page_told OR NOT call_quality.page_told THEN COALESCE(excluded.",
            $column,
            ", call_quality.",
            $column,
            ") ELSE COALESCE(call_quality.",
            $column,
            ", excluded.",
            $column,
            ") END, "
        )
    };
}

macro_rules! of_node {
    ($column:literal) => {
        concat!(
            $column,
            " = CASE WHEN excluded.page_told THEN COALESCE(call_quality.",
            $column,
            ", excluded.",
            $column,
            ") ELSE COALESCE(excluded.",
            $column,
            ", call_quality.",
            $column,
            ") END, "
        )
    };
}

const TELL: &str = concat!(
    "INSERT INTO call_quality (id, account_id, visit_id, user_id, peer_sid, started_at, ended_at, updated_at, \
     join_ms, first_packet_ms, first_frame_ms, loss_up_ppm, loss_down_ppm, rtt_ms, jitter_ms, freezes, \
     frozen_ms, paused_ms, reconnects, path, device, page_told) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, \
     $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22) \
     ON CONFLICT (visit_id, user_id, peer_sid) DO UPDATE SET ",
    of_page!("join_ms"),
    of_page!("first_frame_ms"),
    of_page!("jitter_ms"),
    of_page!("freezes"),
    of_page!("frozen_ms"),
    of_page!("reconnects"),
    of_node!("started_at"),
    of_node!("ended_at"),
    of_node!("first_packet_ms"),
    of_node!("loss_up_ppm"),
    of_node!("loss_down_ppm"),
    of_node!("rtt_ms"),
    of_node!("paused_ms"),
    "path = CASE WHEN excluded.path = '' OR (excluded.page_told AND call_quality.path <> '') \
     THEN call_quality.path ELSE excluded.path END, \
     device = CASE WHEN excluded.device = '' OR (call_quality.page_told AND NOT excluded.page_told \
     AND call_quality.device <> '') THEN call_quality.device ELSE excluded.device END, \
     page_told = call_quality.page_told OR excluded.page_told, updated_at = excluded.updated_at"
);

/// Joins what one side tells of a connection with what is known of it.
///
/// # Errors
/// What the database says.
pub async fn tell(tx: &mut Tx, told: &CallQuality) -> Result<()> {
    let figures = &told.figures;
    execute!(
        tx,
        TELL,
        &told.id,
        told.account.as_str(),
        told.visit.0,
        told.user.0,
        &told.sid,
        told.started_at.0,
        told.ended_at.map(|at| at.0),
        told.updated_at.0,
        figures.join_ms,
        figures.first_packet_ms,
        figures.first_frame_ms,
        figures.loss_up_ppm,
        figures.loss_down_ppm,
        figures.rtt_ms,
        figures.jitter_ms,
        figures.freezes,
        figures.frozen_ms,
        figures.paused_ms,
        figures.reconnects,
        figures.path.map_or("", Path::as_str),
        figures.device.as_deref().unwrap_or_default(),
        told.page_told,
    )?;
    Ok(())
}
