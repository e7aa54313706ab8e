//! The visit object (contract core.md 4.3) and its additions.

use bedside_app::visits::VisitView;
use bedside_model::{
    At, VisitId,
    notification::Channel,
    queue,
    visit::{Kind, Subtype},
};
use bedside_store::visit_views::Person;
use serde::Serialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use super::{BaseUrl, files::Attachment};

/// In which form a visit is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Alone: codes and planned times are texts.
    Detail,
    /// In a list: they are numbers.
    List,
}

/// A number that is a text in one form and a number in the other.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum Digits {
    /// In one visit.
    Text(String),
    /// In a list.
    Number(i64),
}

impl Form {
    fn digits(self, number: i64) -> Digits {
        match self {
            Self::Detail => Digits::Text(number.to_string()),
            Self::List => Digits::Number(number),
        }
    }

    fn seconds(self, at: At) -> Digits {
        self.digits(at.seconds())
    }
}

/// A visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Visit {
    id: String,
    /// The same value, as older clients read it.
    _id: String,
    /// Guest invite code, 32 hex.
    code: String,
    member_id: String,
    /// Who has it, else whom the patient asked for.
    provider_id: Option<String>,
    /// Whom the patient asked for.
    requested_provider_id: Option<String>,
    account_code: String,
    room_id: String,
    room_code: String,
    specialty_id: Option<String>,
    state: Option<String>,
    /// 1 walk-in, 2 scheduled, 3 e-consult, 10 invited guest.
    r#type: Digits,
    /// 1 in person, 2 phone, 3 video, 4 e-consult.
    subtype: Digits,
    /// 10 pending, 20 confirmed, 25 in progress, 30 completed, 40 cancelled, 50 refunded.
    status: Digits,
    /// The status as a word; `missed` for a past appointment that nobody came
    /// to or took.
    status_name: &'static str,
    /// A past appointment that nobody came to or took.
    missed: bool,
    /// What it was booked for, from the room's `payment.consultations`.
    consultation_id: Option<String>,
    /// The appointments that were made together with it and repeat.
    series_id: Option<String>,
    /// From when the patient of an appointment may enter, UNIX seconds.
    can_start_at: Option<i64>,
    /// The caller may move or cancel this appointment now.
    can_change: bool,
    /// Opens this appointment without a login; only for staff, in one visit,
    /// while the link works.
    #[serde(skip_serializing_if = "Option::is_none")]
    one_time_link_url: Option<String>,
    /// Is the waiting patient there? Null while nobody waits.
    presence: Option<Presence>,
    /// By how many minutes the provider runs late today; the planned times stay.
    late_minutes: i64,
    /// Planned begin, UNIX seconds.
    start: Digits,
    /// Planned end, UNIX seconds.
    end: Digits,
    actual_start: Option<Digits>,
    actual_end: Option<Digits>,
    /// Who ended it, also when it was cancelled.
    completed_by: Option<String>,
    reason: Option<&'static str>,
    /// What staff wrote about it, else what was asked for.
    description: String,
    /// Why it was handed over last; only for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    transfer_reason: Option<String>,
    /// When the patient of an appointment came to wait, UNIX seconds.
    arrived: Option<i64>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    /// Since when the patient waits, UNIX seconds.
    waiting_since: i64,
    /// Counts the changes.
    version: i64,
    payment: VisitPayment,
    intake: VisitIntake,
    provider: Option<VisitProvider>,
    member: VisitMember,
    /// Who made it for the patient, who is in their care.
    guardian: Option<VisitGuardian>,
    room: VisitRoom,
    meeting: Meeting,
}

/// Is a waiting patient there?
#[derive(Debug, Serialize, ToSchema)]
pub struct Presence {
    /// `present`, `away` (the place is kept) or `gone` (it is given up any
    /// moment now).
    #[schema(example = "present")]
    state: &'static str,
    /// When their page was last heard from, UNIX seconds; null while it is open.
    since: Option<i64>,
    /// Until when the place of somebody who is away is kept, UNIX seconds.
    kept_until: Option<i64>,
    /// `sms`, `email` or `push` when they left and are called when it is their
    /// turn.
    #[schema(example = "sms")]
    called_by: Option<&'static str>,
}

impl Presence {
    fn of(presence: queue::Presence, called: Option<Channel>) -> Self {
        let (state, since, kept_until) = match presence {
            queue::Presence::Present => ("present", None, None),
            queue::Presence::Away { since_at, kept_until_at } => {
                ("away", Some(since_at.seconds()), Some(kept_until_at.seconds()))
            }
            queue::Presence::Gone { since_at } => ("gone", Some(since_at.seconds()), None),
        };
        Self { state, since, kept_until, called_by: called.map(way) }
    }
}

/// The word for a way on which somebody is called.
pub fn way(channel: Channel) -> &'static str {
    match channel {
        Channel::Mail => "email",
        other => other.as_str(),
    }
}

/// What the visit costs.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitPayment {
    /// Minutes.
    duration: i64,
    /// With two decimals.
    amount: String,
    description: String,
}

/// What the patient said; the portal's own fields at top level.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitIntake {
    id: String,
    r#type: String,
    reason_for_visit: String,
    provider: Option<String>,
    visit_id: String,
    attachments: Vec<VisitFile>,
    /// UNIX seconds.
    created: i64,
    /// UNIX seconds.
    modified: i64,
    #[serde(flatten)]
    answers: Map<String, Value>,
}

/// The provider of a visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitProvider {
    id: String,
    first_name: String,
    last_name: String,
    vseeid: String,
    title: String,
}

/// Who made a visit for somebody in their care.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitGuardian {
    id: String,
    first_name: String,
    last_name: String,
}

/// The patient of a visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitMember {
    id: String,
    first_name: String,
    last_name: String,
    vseeid: String,
    /// `YYYY-MM-DD`.
    #[serde(skip_serializing_if = "Option::is_none")]
    dob: Option<String>,
    /// 1 male, 2 female, 0 unknown.
    gender: i64,
    phone: String,
    /// When the patient's page, or that of whoever brought them, was last
    /// heard from, UNIX seconds.
    last_seen: Option<i64>,
}

/// Where the patient waits.
#[derive(Debug, Serialize, ToSchema)]
pub struct VisitRoom {
    id: String,
    code: String,
    slug: String,
    name: String,
}

/// The visit's call.
#[derive(Debug, Serialize, ToSchema)]
pub struct Meeting {
    meeting_id: String,
    hosts: Vec<String>,
    /// UNIX seconds.
    expiry: i64,
    /// Digits for a telephone bridge; there are no numbers to dial yet.
    conference_pin: i64,
    phone_numbers: Map<String, Value>,
    recording_auto_start: bool,
    /// True when there is no call (any more).
    disabled: bool,
}

impl From<Person> for VisitProvider {
    fn from(person: Person) -> Self {
        Self {
            id: person.id.to_string(),
            first_name: person.first_name,
            last_name: person.last_name,
            vseeid: person.vseeid,
            title: person.title,
        }
    }
}

impl Visit {
    /// A visit in one of its two forms.
    pub fn of(view: VisitView, form: Form, base: &BaseUrl) -> Self {
        /// How long after its planned end a call may still be entered.
        const MEETING_HOURS: i64 = 24;
        let VisitView {
            row, answers, attachments, remark, transfer_reason, member_last_seen, missed, ..
        } = view;
        let answers = answers.into_inner();
        let (state, plan) = (row.state, row.plan);
        let text = |name: &str| answers.get(name).and_then(Value::as_str).map(str::to_owned);
        let us_state = text("location").filter(|text| text.len() == 2);
        let specialty_id = text("specialty_id");
        let wanted = row.requested_provider.as_ref().map(|person| person.id.to_string());
        let intake = VisitIntake::of(
            &row.intake.0,
            row.intake_kind,
            (
                answers,
                attachments.into_iter().map(|file| VisitFile::Whole(Attachment::of(file, base))).collect(),
            ),
            row.id,
            wanted.clone(),
            (row.intake_created_at, row.intake_updated_at),
        );
        // Nobody has an e-consult before it is accepted (core.md 4.6).
        let asked = row.requested_provider.filter(|_| plan.kind != Kind::EConsult);
        let provider = row.provider.or(asked).map(VisitProvider::from);
        let member = row.member;
        let (room_id, room_code, slug, name) = row.room;
        Self {
            id: row.id.to_string(),
            _id: row.id.to_string(),
            code: row.code,
            member_id: member.id.to_string(),
            provider_id: provider.as_ref().map(|provider| provider.id.clone()),
            requested_provider_id: wanted,
            account_code: row.account_code,
            room_id: room_id.to_string(),
            room_code: room_code.clone(),
            specialty_id,
            state: us_state,
            r#type: form.digits(plan.kind.code()),
            subtype: form.digits(plan.subtype.code()),
            status: form.digits(state.status.code()),
            status_name: if missed { "missed" } else { state.status.as_str() },
            missed,
            consultation_id: row.consultation,
            series_id: row.series,
            can_start_at: view.can_start_at.map(At::seconds),
            can_change: view.can_change,
            one_time_link_url: view.link_url.map(bedside_model::Phi::into_inner),
            presence: view.presence.map(|presence| Presence::of(presence, row.callback.map(|(way, _)| way))),
            late_minutes: view.late_minutes,
            start: form.seconds(plan.start_at),
            end: form.seconds(plan.end_at),
            actual_start: state.actual_start_at.map(|at| form.seconds(at)),
            actual_end: state.actual_end_at.map(|at| form.seconds(at)),
            completed_by: state.ended_by.map(|id| id.to_string()),
            reason: state.reason.map(bedside_model::visit::CloseReason::as_str),
            description: remark.map_or_else(|| row.description.clone(), bedside_model::Phi::into_inner),
            transfer_reason: transfer_reason.map(bedside_model::Phi::into_inner),
            arrived: state.arrived_at.map(At::seconds),
            created: row.created_at.seconds(),
            modified: row.updated_at.seconds(),
            waiting_since: row.waiting_since_at.seconds(),
            version: state.version,
            payment: VisitPayment {
                duration: row.duration_minutes,
                amount: format!("{}.{:02}", row.amount_cents / 100, row.amount_cents % 100),
                description: row.description,
            },
            intake,
            meeting: Meeting {
                meeting_id: row.meeting,
                hosts: provider.iter().map(|provider| provider.vseeid.clone()).collect(),
                expiry: plan.end_at.plus_seconds(MEETING_HOURS * 3600).seconds(),
                conference_pin: row.conference_pin,
                phone_numbers: Map::new(),
                recording_auto_start: row.asks_to_record,
                disabled: !state.status.is_open() || plan.subtype != Subtype::Video,
            },
            provider,
            member: VisitMember {
                id: member.id.to_string(),
                first_name: member.first_name,
                last_name: member.last_name,
                vseeid: member.vseeid,
                dob: member.dob,
                gender: member.gender,
                phone: member.phone,
                last_seen: member_last_seen.map(At::seconds),
            },
            guardian: row.guardian.map(|person| VisitGuardian {
                id: person.id.to_string(),
                first_name: person.first_name,
                last_name: person.last_name,
            }),
            room: VisitRoom { id: room_id.to_string(), code: room_code, slug, name },
        }
    }
}

/// A file that came with the intake.
#[derive(Debug, Serialize, ToSchema)]
#[serde(untagged)]
pub enum VisitFile {
    /// In one visit.
    Whole(Attachment),
    /// In a list only which files there are is known.
    Named {
        /// UUID.
        _id: String,
        /// The same.
        id: String,
    },
}

impl VisitFile {
    fn named(answer: Value) -> Vec<Self> {
        let Value::Array(ids) = answer else { return Vec::new() };
        let ids = ids.iter().filter_map(Value::as_str);
        ids.map(|id| Self::Named { _id: id.to_owned(), id: id.to_owned() }).collect()
    }
}

impl VisitIntake {
    fn of(
        id: &str,
        kind: i64,
        (mut answers, attachments): (Map<String, Value>, Vec<VisitFile>),
        visit: VisitId,
        provider: Option<String>,
        (created, modified): (At, At),
    ) -> Self {
        let reason = answers.remove("reason_for_visit");
        let named = answers.remove("attachments").map(VisitFile::named).unwrap_or_default();
        Self {
            id: id.to_owned(),
            r#type: kind.to_string(),
            reason_for_visit: reason.map(plain).unwrap_or_default(),
            provider,
            visit_id: visit.to_string(),
            attachments: if attachments.is_empty() { named } else { attachments },
            created: created.seconds(),
            modified: modified.seconds(),
            answers,
        }
    }
}

/// An answer as one text; portals sometimes send a number where a text belongs.
pub fn plain(answer: Value) -> String {
    match answer {
        Value::String(text) => text,
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// Which fields of a visit somebody wants (core.md 1.6, 4.7); none is all.
#[derive(Debug, Default)]
pub struct Fields(Vec<String>);

impl Fields {
    /// The fields of these names; `id` comes always.
    pub const fn of(names: Vec<String>) -> Self {
        Self(names)
    }

    /// Is this one asked for by its name?
    pub fn asks_for(&self, name: &str) -> bool {
        self.0.iter().any(|field| field == name)
    }

    /// The visit cut to them. `recordings` comes only when it is asked for.
    pub fn choose(&self, visit: Visit, recordings: Option<Value>) -> Value {
        let mut members = json!(visit);
        let asked = |name: &str| self.asks_for(name);
        if let Some(members) = members.as_object_mut() {
            if !self.0.is_empty() {
                members.retain(|name, _| name == "id" || asked(name));
            }
            if asked("recordings") {
                let none = || json!({ "count": 0, "data": [] });
                members.insert("recordings".to_owned(), recordings.unwrap_or_else(none));
            }
        }
        members
    }
}
