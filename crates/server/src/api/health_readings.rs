//! Readings on the wire (contract more.md 6.9: the path and the types).

use axum::extract::State;
use bedside_app::{
    App,
    health_readings::{self, ReadingView},
};
use bedside_model::{Phi, health_reading::Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Int, Number, Path, Request, Text},
    users::which,
};

/// What was measured.
#[derive(Debug, Serialize, ToSchema)]
pub struct HealthReading {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    #[serde(rename = "type")]
    #[schema(example = "temperature")]
    kind: &'static str,
    /// `active`, or `entered_in_error`.
    #[schema(example = "active")]
    status: &'static str,
    /// In `unit`, to the thousandth; of a blood pressure the upper one.
    #[schema(example = 37.0)]
    value: f64,
    /// The type's own unit: kg, cm, C, 1/min, mmHg, mg/dL or %.
    #[schema(example = "C")]
    unit: &'static str,
    /// The upper value of a blood pressure.
    systolic: Option<f64>,
    /// The lower one.
    diastolic: Option<f64>,
    /// As it was typed.
    #[schema(example = 98.6)]
    typed_value: f64,
    #[schema(example = "F")]
    typed_unit: String,
    #[schema(example = "in the evening")]
    comment: String,
    /// When it was measured, in UNIX seconds.
    taken_at: i64,
    /// Number of the user who typed it.
    author_id: String,
    /// UNIX seconds.
    created: i64,
}

impl HealthReading {
    #[expect(clippy::cast_precision_loss, reason = "bounded values in thousandths are far below 2^52")]
    fn of(view: ReadingView) -> Self {
        let (row, values) = (view.row, view.values.into_inner());
        let whole = |milli: i64| milli as f64 / 1000.0;
        let pressure = row.kind == Kind::BloodPressure;
        Self {
            id: row.id,
            kind: row.kind.as_str(),
            status: row.status.as_str(),
            value: whole(values.milli),
            unit: row.kind.units()[0].word,
            systolic: pressure.then(|| whole(values.milli)),
            diastolic: values.lower_milli.map(whole),
            typed_value: values.typed,
            typed_unit: values.unit,
            comment: values.comment,
            taken_at: row.taken_at.seconds(),
            author_id: row.author.to_string(),
            created: row.created_at.seconds(),
        }
    }
}

/// A reading to add.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct AddHealthReading {
    /// `weight`, `height`, `temperature`, `pulse`, `blood_pressure`,
    /// `blood_glucose`, `spo2` or `respiratory_rate`.
    #[serde(rename = "type")]
    #[schema(example = "temperature", value_type = String)]
    kind: Option<Text<32>>,
    /// Required but for a blood pressure.
    #[schema(example = 98.6, value_type = Option<f64>)]
    value: Option<Number>,
    /// The upper value of a blood pressure.
    #[schema(value_type = Option<f64>)]
    systolic: Option<Number>,
    /// The lower one.
    #[schema(value_type = Option<f64>)]
    diastolic: Option<Number>,
    /// The type's own unit, or lb, in, F, mmol/L.
    #[schema(example = "F", value_type = Option<String>)]
    unit: Option<Text<16>>,
    /// When it was measured, in UNIX seconds; now when it is left out.
    #[schema(value_type = Option<i64>)]
    taken_at: Option<Int>,
    /// In a few words.
    #[schema(example = "in the evening", value_type = Option<String>)]
    comment: Option<Text<300>>,
}

impl From<AddHealthReading> for health_readings::Add {
    fn from(body: AddHealthReading) -> Self {
        let number = |number: Option<Number>| number.map(|number| number.0);
        Self {
            kind: body.kind.map(Text::into_string),
            value: number(body.value),
            systolic: number(body.systolic),
            diastolic: number(body.diastolic),
            unit: body.unit.and_then(Text::filled),
            taken_at: body.taken_at.map(|seconds| seconds.0),
            comment: Phi::from(body.comment.map(Text::into_string).unwrap_or_default()),
        }
    }
}

/// Which readings are shown.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShowReadings {
    /// Of this type only.
    #[serde(rename = "type")]
    #[param(value_type = Option<String>, example = "temperature")]
    kind: Option<Text<32>>,
    /// Measured at or after, in UNIX seconds.
    #[param(value_type = Option<i64>)]
    from: Option<Int>,
    /// Measured before, in UNIX seconds.
    #[param(value_type = Option<i64>)]
    to: Option<Int>,
    /// Most of them, 200 at most, 50 when it is left out.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
    /// Also what was entered in error.
    #[param(value_type = Option<bool>)]
    removed: Option<Flag>,
}

/// Somebody's readings, the newest first. Older ones come with `to`.
#[utoipa::path(get, path = "/users/{id}/health_data", tag = "health records", operation_id = "health_readings::list",
    params(("id" = String, Path, description = "Number of the patient, or `-`"), ShowReadings),
    responses((status = 200, body = Data<Vec<HealthReading>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(shown): Request<ShowReadings>,
) -> Result<Data<Vec<HealthReading>>, ApiError> {
    let wanted = health_readings::Wanted {
        kind: shown.kind.and_then(Text::filled),
        from: shown.from.map(|seconds| seconds.0),
        to: shown.to.map(|seconds| seconds.0),
        limit: shown.limit.map(|limit| limit.0),
        removed: shown.removed.is_some_and(|flag| flag.0),
    };
    let views = health_readings::list(&app, &actor, which(&id)?, wanted).await?;
    Ok(data(views.into_iter().map(HealthReading::of).collect()))
}

/// Adds what somebody measured by hand.
#[utoipa::path(post, path = "/users/{id}/health_data", tag = "health records", operation_id = "health_readings::add",
    params(("id" = String, Path, description = "Number of the patient, or `-`")),
    request_body = AddHealthReading, responses((status = 200, body = Data<HealthReading>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<AddHealthReading>,
) -> Result<Data<HealthReading>, ApiError> {
    Ok(data(HealthReading::of(health_readings::add(&app, &actor, which(&id)?, body.into()).await?)))
}

/// Takes a reading away as an error: it is kept, and shown with `removed`.
#[utoipa::path(delete, path = "/users/{id}/health_data/{reading_id}", tag = "health records",
    operation_id = "health_readings::remove",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("reading_id" = String, Path, description = "Identifier of the reading")),
    responses((status = 200, body = Data<Object>)))]
pub async fn remove(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, reading)): Path<(String, String)>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    health_readings::remove(&app, &actor, which(&id)?, &reading).await?;
    Ok(data(Map::new()))
}
