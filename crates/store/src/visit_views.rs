//! Visits as they are shown: joined with room, people and intake, one query
//! for a visit or a page.

use std::fmt;

use bedside_model::{
    AccountId, At, IntakeId, RoomId, UserId, VisitId,
    availability::BookingRules,
    notification::Channel,
    visit::{CloseReason, Plan, State, Status},
};
use sqlx::FromRow;

use crate::{Conn, Error, Result, Sealed, queue, rooms, visits};

/// A person as a visit shows them. Its `Debug` shows the number alone.
#[derive(Clone)]
pub struct Person {
    /// Their number.
    pub id: UserId,
    /// Given name.
    pub first_name: String,
    /// Family name.
    pub last_name: String,
    /// Call identity of older clients.
    pub vseeid: String,
    /// `Dr`, for providers.
    pub title: String,
    /// `YYYY-MM-DD`.
    pub dob: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    pub gender: i64,
    /// Telephone.
    pub phone: String,
    /// When one of their pages was last heard from.
    pub last_seen_at: Option<At>,
}

impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Person({})", self.id)
    }
}

/// A visit with everything the API shows; answers stay sealed.
#[derive(Debug, Clone)]
pub struct VisitView {
    /// Its number.
    pub id: VisitId,
    /// Guest invite code.
    pub code: String,
    /// The clinic's code.
    pub account_code: String,
    /// What it is planned as.
    pub plan: Plan,
    /// The state that changes.
    pub state: State,
    /// Since when the patient waits.
    pub waiting_since_at: At,
    /// Length in minutes.
    pub duration_minutes: i64,
    /// Price in cents.
    pub amount_cents: i64,
    /// What was asked for.
    pub description: String,
    /// What staff wrote about it, sealed.
    pub remark: Option<Sealed>,
    /// Why it was handed over last, sealed.
    pub transfer_reason: Option<Sealed>,
    /// Name of the call.
    pub meeting: String,
    /// Digits for a telephone bridge.
    pub conference_pin: i64,
    /// When it was made.
    pub created_at: At,
    /// When it was changed.
    pub updated_at: At,
    /// Which of the room's consultations it was made for.
    pub consultation: Option<String>,
    /// The appointments it repeats with.
    pub series: Option<String>,
    /// What opens it without a login, sealed.
    pub link: Option<Sealed>,
    /// What its room wants of bookings.
    pub booking: BookingRules,
    /// How long the room keeps the place of a silent page, in minutes.
    pub grace_minutes: i64,
    /// Everybody in a call of the room is asked whether it may be recorded.
    pub asks_to_record: bool,
    /// The patient left the waiting room and is called: how, and until when.
    pub callback: Option<(Channel, At)>,
    /// Where the patient waits: number, code, slug, name.
    pub room: (RoomId, String, String, String),
    /// The patient.
    pub member: Person,
    /// Who made it for the patient, who is in their care.
    pub guardian: Option<Person>,
    /// Who has it.
    pub provider: Option<Person>,
    /// Whom the patient asked for.
    pub requested_provider: Option<Person>,
    /// The intake's number.
    pub intake: IntakeId,
    /// 1 walk-in, 2 scheduled, as the intake said.
    pub intake_kind: i64,
    /// The intake's answers, sealed.
    pub answers: Sealed,
    /// When the intake was made.
    pub intake_created_at: At,
    /// When the intake was changed.
    pub intake_updated_at: At,
}

#[derive(FromRow)]
pub(crate) struct Row {
    id: i64,
    code: String,
    account_code: String,
    #[sqlx(rename = "type")]
    kind: i64,
    subtype: i64,
    status: i64,
    start_at: i64,
    end_at: i64,
    waiting_since_at: i64,
    arrived_at: Option<i64>,
    actual_start_at: Option<i64>,
    actual_end_at: Option<i64>,
    ended_by: Option<i64>,
    reason: Option<String>,
    duration_minutes: i64,
    amount_cents: i64,
    description: String,
    remark: Option<Sealed>,
    transfer_reason: Option<Sealed>,
    meeting_id: String,
    conference_pin: i64,
    version: i64,
    created_at: i64,
    updated_at: i64,
    consultation_id: Option<String>,
    series_id: Option<String>,
    link: Option<Sealed>,
    room_settings: String,
    c_channel: Option<String>,
    c_until_at: Option<i64>,
    room_id: i64,
    room_code: String,
    room_slug: String,
    room_name: String,
    m_id: i64,
    m_first_name: String,
    m_last_name: String,
    m_vseeid: String,
    m_dob: Option<String>,
    m_gender: i64,
    m_phone: String,
    m_last_seen_at: Option<i64>,
    g_id: Option<i64>,
    g_first_name: Option<String>,
    g_last_name: Option<String>,
    g_last_seen_at: Option<i64>,
    p_id: Option<i64>,
    p_first_name: Option<String>,
    p_last_name: Option<String>,
    p_vseeid: Option<String>,
    p_title: Option<String>,
    q_id: Option<i64>,
    q_first_name: Option<String>,
    q_last_name: Option<String>,
    q_vseeid: Option<String>,
    q_title: Option<String>,
    i_id: String,
    i_type: i64,
    i_answers: Sealed,
    i_created_at: i64,
    i_updated_at: i64,
}

fn provider(
    id: Option<i64>,
    first_name: Option<String>,
    last_name: Option<String>,
    vseeid: Option<String>,
    title: Option<String>,
) -> Option<Person> {
    Some(Person {
        id: UserId(id?),
        first_name: first_name.unwrap_or_default(),
        last_name: last_name.unwrap_or_default(),
        vseeid: vseeid.unwrap_or_default(),
        title: title.unwrap_or_default(),
        dob: None,
        gender: 0,
        phone: String::new(),
        last_seen_at: None,
    })
}

impl TryFrom<Row> for VisitView {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self> {
        let guardian = provider(row.g_id, row.g_first_name, row.g_last_name, None, None)
            .map(|person| Person { last_seen_at: row.g_last_seen_at.map(At), ..person });
        Ok(Self {
            id: VisitId(row.id),
            code: row.code,
            account_code: row.account_code,
            plan: visits::plan(row.kind, row.subtype, row.start_at, row.end_at)?,
            state: State {
                status: Status::from_code(row.status).ok_or(Error::Value("visits.status"))?,
                provider: row.p_id.map(UserId),
                requested_provider: row.q_id.map(UserId),
                arrived_at: row.arrived_at.map(At),
                actual_start_at: row.actual_start_at.map(At),
                actual_end_at: row.actual_end_at.map(At),
                ended_by: row.ended_by.map(UserId),
                reason: row.reason.as_deref().and_then(CloseReason::parse),
                version: row.version,
            },
            waiting_since_at: At(row.waiting_since_at),
            duration_minutes: row.duration_minutes,
            amount_cents: row.amount_cents,
            description: row.description,
            remark: row.remark,
            transfer_reason: row.transfer_reason,
            meeting: row.meeting_id,
            conference_pin: row.conference_pin,
            created_at: At(row.created_at),
            updated_at: At(row.updated_at),
            consultation: row.consultation_id,
            series: row.series_id,
            link: row.link,
            booking: rooms::booking_rules(&row.room_settings)?,
            grace_minutes: queue::grace_minutes(&row.room_settings)?,
            asks_to_record: rooms::asks_to_record(&row.room_settings)?,
            callback: row.c_channel.as_deref().and_then(Channel::parse).zip(row.c_until_at.map(At)),
            room: (RoomId(row.room_id), row.room_code, row.room_slug, row.room_name),
            member: Person {
                id: UserId(row.m_id),
                first_name: row.m_first_name,
                last_name: row.m_last_name,
                vseeid: row.m_vseeid,
                title: String::new(),
                dob: row.m_dob,
                gender: row.m_gender,
                phone: row.m_phone,
                last_seen_at: row.m_last_seen_at.map(At),
            },
            guardian,
            provider: provider(row.p_id, row.p_first_name, row.p_last_name, row.p_vseeid, row.p_title),
            requested_provider: provider(
                row.q_id,
                row.q_first_name,
                row.q_last_name,
                row.q_vseeid,
                row.q_title,
            ),
            intake: IntakeId(row.i_id),
            intake_kind: row.i_type,
            answers: row.i_answers,
            intake_created_at: At(row.i_created_at),
            intake_updated_at: At(row.i_updated_at),
        })
    }
}

/// What is read of a visit; `visits v` and `view_joins!` follow. Shared with
/// lists.
macro_rules! view_columns {
    () => {
        "SELECT v.id, v.code, a.code AS account_code, v.type, v.subtype, v.status, v.start_at, v.end_at, \
         v.waiting_since_at, v.arrived_at, v.actual_start_at, v.actual_end_at, v.ended_by, v.reason, v.duration_minutes, \
         v.amount_cents, v.description, v.remark, v.transfer_reason, v.meeting_id, v.conference_pin, v.version, v.created_at, v.updated_at, \
         v.consultation_id, v.series_id, v.link, r.settings AS room_settings, \
         c.channel AS c_channel, c.until_at AS c_until_at, \
         r.id AS room_id, r.code AS room_code, r.slug AS room_slug, r.name AS room_name, \
         m.id AS m_id, m.first_name AS m_first_name, m.last_name AS m_last_name, m.vseeid AS m_vseeid, \
         m.dob AS m_dob, m.gender AS m_gender, m.phone AS m_phone, m.last_seen_at AS m_last_seen_at, \
         g.id AS g_id, g.first_name AS g_first_name, g.last_name AS g_last_name, g.last_seen_at AS g_last_seen_at, \
         p.id AS p_id, p.first_name AS p_first_name, p.last_name AS p_last_name, p.vseeid AS p_vseeid, \
         p.title AS p_title, q.id AS q_id, q.first_name AS q_first_name, q.last_name AS q_last_name, \
         q.vseeid AS q_vseeid, q.title AS q_title, i.id AS i_id, i.type AS i_type, i.answers AS i_answers, \
         i.created_at AS i_created_at, i.updated_at AS i_updated_at "
    };
}

/// What is read along with it.
macro_rules! view_joins {
    () => {
        "JOIN accounts a ON a.id = v.account_id JOIN rooms r ON r.id = v.room_id \
         JOIN users m ON m.id = v.member_id JOIN intakes i ON i.id = v.intake_id \
         LEFT JOIN users g ON g.id = v.guardian_id LEFT JOIN callbacks c ON c.visit_id = v.id \
         LEFT JOIN users p ON p.id = v.provider_id LEFT JOIN users q ON q.id = v.requested_provider_id "
    };
}

pub(crate) use {view_columns, view_joins};

const FIND: &str =
    concat!(view_columns!(), "FROM visits v ", view_joins!(), "WHERE v.account_id = $1 AND v.id = $2");

/// The account's visit of this number, with everything around it.
///
/// # Errors
/// What the database says.
pub async fn find(conn: &mut Conn, account: &AccountId, id: VisitId) -> Result<Option<VisitView>> {
    query_opt!(conn, Row, FIND, account.as_str(), id.0)?.map(VisitView::try_from).transpose()
}
