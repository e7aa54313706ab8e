//! Readings that people type in: what was measured, when, in the unit they
//! have (contract more.md 6.9; devices are not connected).

use bedside_model::{
    At, Phi,
    health_reading::{Kind, Unit},
    health_record::Status,
    permission::Action,
};
use bedside_store::{
    Vault,
    health_readings::{self, Reading},
};
use serde::{Deserialize, Serialize};

use crate::{Actor, App, Error, Result, audit, authz, health_records::person, users::Which};

/// Most readings of one answer.
pub const MAX_LISTED: i64 = 200;

/// The values of a reading.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Values {
    /// In thousandths of the kind's own unit; the upper one of a blood pressure.
    pub milli: i64,
    /// The lower one of a blood pressure.
    pub lower_milli: Option<i64>,
    /// What was typed.
    pub typed: f64,
    /// In which unit.
    pub unit: String,
    /// In a few words: "after breakfast".
    #[serde(default)]
    pub comment: String,
}

/// A reading as its readers see it.
#[derive(Debug, Clone)]
pub struct ReadingView {
    /// Its row.
    pub row: Reading,
    /// What it says.
    pub values: Phi<Values>,
}

/// A reading to add.
#[derive(Debug, Clone, Default)]
pub struct Add {
    /// What was measured.
    pub kind: Option<String>,
    /// The value.
    pub value: Option<f64>,
    /// The upper value of a blood pressure.
    pub systolic: Option<f64>,
    /// The lower one.
    pub diastolic: Option<f64>,
    /// In which unit; none for the kind's own.
    pub unit: Option<String>,
    /// When; none for now. UNIX seconds.
    pub taken_at: Option<i64>,
    /// In a few words.
    pub comment: Phi<String>,
}

/// Which readings are asked for.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Of this kind only.
    pub kind: Option<String>,
    /// Measured at or after, in UNIX seconds.
    pub from: Option<i64>,
    /// Measured before, in UNIX seconds.
    pub to: Option<i64>,
    /// Also what was entered in error.
    pub removed: bool,
    /// Most of them.
    pub limit: Option<i64>,
}

/// Longest comment, in characters.
const MAX_COMMENT: usize = 300;
/// How far a clock of somebody's own may go before ours, in seconds.
const AHEAD_SECONDS: i64 = 300;
/// The seconds that any date has: the years 1900 to 9999.
const SECONDS: std::ops::RangeInclusive<i64> = -2_208_988_800..=253_402_300_799;

fn context(id: &str) -> String {
    format!("health_readings.content:{id}")
}

fn open(vault: &Vault, row: Reading) -> Result<ReadingView> {
    let text = vault.open_text(&context(&row.id), &row.content)?;
    let values: Values = serde_json::from_str(&text).map_err(Error::internal)?;
    Ok(ReadingView { row, values: values.into() })
}

fn kind(word: &str) -> Result<Kind> {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.as_str()).collect();
    Kind::parse(word.trim())
        .ok_or_else(|| Error::field("type", format!("must be one of {}", words.join(", "))))
}

/// Somebody's readings, the newest first.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `not_a_patient`.
pub async fn list(app: &App, actor: &Actor, which: Which, wanted: Wanted) -> Result<Vec<ReadingView>> {
    let instant = |field: &str, seconds: Option<i64>, default: i64| match seconds {
        Some(seconds) if !SECONDS.contains(&seconds) => Err(Error::field(field, "is a time in UNIX seconds")),
        Some(seconds) => Ok(At::from_seconds(seconds)),
        None => Ok(At::from_seconds(default)),
    };
    let limit = wanted.limit.unwrap_or(50);
    if !(1..=MAX_LISTED).contains(&limit) {
        return Err(Error::field("limit", "must be from 1 to 200"));
    }
    let wanted = health_readings::Wanted {
        kind: wanted.kind.as_deref().map(kind).transpose()?,
        from: instant("from", wanted.from, *SECONDS.start())?,
        to: instant("to", wanted.to, *SECONDS.end())?,
        removed: wanted.removed,
        limit,
    };
    let vault = app.store.vault(&actor.account).await?;
    let mut conn = app.store.reader().await?;
    let user = person(&mut conn, actor, which, Action::HealthRead).await?;
    app.reads.note(app, actor, user, "health_readings.list");
    let rows = health_readings::list(&mut conn, &actor.account, user, &wanted).await?;
    rows.into_iter().map(|row| open(&vault, row)).collect()
}

impl Add {
    fn values(&self, kind: Kind) -> Result<Values> {
        let units: Vec<&str> = kind.units().iter().map(|unit| unit.word).collect();
        let unit = kind
            .unit(self.unit.as_deref().map(str::trim).filter(|unit| !unit.is_empty()))
            .ok_or_else(|| Error::field("unit", format!("must be one of {}", units.join(", "))))?;
        let read = |field: &str, value: Option<f64>, unit: &Unit| {
            let value = value.ok_or_else(|| Error::field(field, "is required"))?;
            kind.read(value, unit).map(|milli| (milli, value)).map_err(|why| Error::field(field, why))
        };
        let comment = self.comment.reveal().trim().to_owned();
        if comment.chars().count() > MAX_COMMENT || comment.chars().any(char::is_control) {
            return Err(Error::field("comment", "must be a text of at most 300 characters"));
        }
        let ((milli, typed), lower_milli) = if kind == Kind::BloodPressure {
            let (upper, lower) =
                (read("systolic", self.systolic, unit)?, read("diastolic", self.diastolic, unit)?);
            if lower.0 >= upper.0 {
                return Err(Error::field("diastolic", "must be lower than systolic"));
            }
            (upper, Some(lower.0))
        } else {
            (read("value", self.value, unit)?, None)
        };
        Ok(Values { milli, lower_milli, typed, unit: unit.word.to_owned(), comment })
    }
}

/// Adds a reading.
///
/// # Errors
/// 401, 403, 404, 400 naming a field, `not_a_patient`.
pub async fn add(app: &App, actor: &Actor, which: Which, command: Add) -> Result<ReadingView> {
    let (author, _) = authz::user(actor)?;
    let word = command.kind.as_deref().ok_or_else(|| Error::field("type", "is required"))?;
    let kind = kind(word)?;
    let values = command.values(kind)?;
    let now = app.clock.now();
    let taken_at = command.taken_at.map_or(now.seconds(), |seconds| seconds);
    if !(*SECONDS.start()..=now.seconds() + AHEAD_SECONDS).contains(&taken_at) {
        return Err(Error::field("taken_at", "must be a time in UNIX seconds, not in the future"));
    }
    let vault = app.store.vault(&actor.account).await?;
    let (owner, caller, keys) = (app.clone(), actor.clone(), vault.clone());
    let row = app
        .store
        .write(move |tx| {
            Box::pin(async move {
                let user = person(tx, &caller, which, Action::HealthWrite).await?;
                let id = owner.random.uuid(now);
                let text = serde_json::to_string(&values).map_err(Error::internal)?;
                let row = Reading {
                    account: caller.account.clone(),
                    user,
                    kind,
                    status: Status::Active,
                    content: keys.seal_text(&context(&id), &text)?,
                    taken_at: At::from_seconds(taken_at),
                    author,
                    created_at: now,
                    id,
                };
                health_readings::add(tx, &row).await?;
                audit::write(tx, &owner, &caller, "health_readings.add", ("user", user.to_string())).await?;
                Ok::<_, Error>(row)
            })
        })
        .await?;
    open(&vault, row)
}

/// Takes a reading away as an error; it is kept. A second time is fine.
///
/// # Errors
/// 401, 403, 404.
pub async fn remove(app: &App, actor: &Actor, which: Which, id: &str) -> Result<()> {
    authz::user(actor)?;
    let (owner, caller, id) = (app.clone(), actor.clone(), id.to_owned());
    app.store
        .write(move |tx| {
            Box::pin(async move {
                let user = person(tx, &caller, which, Action::HealthWrite).await?;
                if health_readings::remove(tx, &caller.account, user, &id).await? {
                    let object = ("user", user.to_string());
                    return audit::write(tx, &owner, &caller, "health_readings.remove", object).await;
                }
                if health_readings::exists(tx, &caller.account, user, &id).await? {
                    return Ok(());
                }
                Err(Error::not_found("health_reading"))
            })
        })
        .await
}
