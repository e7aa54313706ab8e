//! Reports on the wire, as JSON and as CSV (contract more.md 9.3).

use axum::{
    extract::State,
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use bedside_app::{
    App, Error,
    reports::{self, Ask, Provider, Row, View},
};
use bedside_model::{UserId, report::By};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use super::{
    audit::cell,
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Id, Int, Path, Request, Text},
};

/// What is asked of a report.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ReportQuery {
    /// From, UNIX seconds; 30 days before the end if not said. Rounded down to a
    /// quarter of an hour.
    #[param(value_type = Option<i64>, example = 1_797_408_000)]
    start: Option<Int>,
    /// Until before, UNIX seconds; now if not said. Rounded up to a quarter of
    /// an hour.
    #[param(value_type = Option<i64>, example = 1_800_000_000)]
    end: Option<Int>,
    /// `day`, `week` (from Monday) or `month`; one row if not said.
    #[param(value_type = Option<String>, example = "day")]
    by: Option<Text<8>>,
    /// Code or slug of a room.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// Number of a provider. Not for roles that see no person.
    #[param(value_type = Option<String>)]
    provider_id: Option<Id>,
    /// Where days begin. If not said: the room's time zone, or the one that all
    /// rooms of the clinic share, else UTC.
    #[param(value_type = Option<String>, example = "Europe/Berlin")]
    timezone: Option<Text<64>>,
    /// `json` or `csv`.
    #[param(value_type = Option<String>, example = "json")]
    format: Option<Text<8>>,
}

/// A row of a report.
#[derive(Debug, Serialize, ToSchema)]
pub struct ReportRow {
    /// UNIX seconds.
    start: i64,
    /// Until before, UNIX seconds.
    end: i64,
    /// The local day on which it begins.
    #[schema(example = "2027-01-15")]
    date: String,
    /// Of `provider_load`: number of the provider; null for roles that see no
    /// person.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_id: Option<String>,
    /// Of `provider_load`: the provider's name; for roles that see no person a
    /// code that stands for them.
    #[schema(example = "Dr. Amara Osei")]
    #[serde(skip_serializing_if = "Option::is_none")]
    provider: Option<String>,
    /// The figures, by the names in `columns`. What cannot be measured, such as
    /// the mean of no wait, is null.
    #[schema(example = json!({ "count": 12, "mean_s": 341.5 }), value_type = Object)]
    figures: Map<String, Value>,
}

/// A report.
#[derive(Debug, Serialize, ToSchema)]
pub struct Report {
    #[schema(example = "waits")]
    name: &'static str,
    /// The names of the figures, in the order of the CSV.
    #[schema(example = json!(["count", "mean_s", "median_s", "p90_s", "left"]))]
    columns: Vec<&'static str>,
    /// Where its days begin.
    #[schema(example = "Europe/Berlin")]
    timezone: String,
    /// `day`, `week`, `month` or null.
    #[schema(example = "day")]
    by: Option<&'static str>,
    /// Everything that happened before this is counted, UNIX seconds.
    computed_at: i64,
    /// Nothing waits to be counted.
    current: bool,
    total: ReportRow,
    rows: Vec<ReportRow>,
}

fn number(value: f64) -> Value {
    // Counts as whole numbers.
    if value.fract() == 0.0 { json!(value as i64) } else { json!(value) }
}

impl ReportRow {
    fn of(row: Row, columns: &[&'static str]) -> Self {
        let (provider_id, provider) = match row.provider {
            Some(Provider::Named(id, name)) => (Some(id.to_string()), Some(name)),
            Some(Provider::Coded(code)) => (None, Some(code)),
            None => (None, None),
        };
        let figure =
            |(name, figure): (&&str, Option<f64>)| ((*name).to_owned(), figure.map_or(Value::Null, number));
        Self {
            start: row.start.seconds(),
            end: row.end.seconds(),
            date: row.date,
            provider_id,
            provider,
            figures: columns.iter().zip(row.figures).map(figure).collect(),
        }
    }
}

impl From<View> for Report {
    fn from(view: View) -> Self {
        let columns = view.report.columns();
        Self {
            name: view.report.as_str(),
            columns: columns.to_vec(),
            timezone: view.zone.iana_name().unwrap_or("UTC").to_owned(),
            by: view.by.map(By::as_str),
            computed_at: view.computed_at.seconds(),
            current: view.is_current,
            total: ReportRow::of(view.total, columns),
            rows: view.rows.into_iter().map(|row| ReportRow::of(row, columns)).collect(),
        }
    }
}

impl Report {
    /// The rows as RFC 4180, without the total.
    fn csv(&self) -> String {
        let with_provider = self.name == bedside_model::report::Report::ProviderLoad.as_str();
        let own: &[&str] = if with_provider { &["provider_id", "provider"] } else { &[] };
        let head = ["date", "start", "end"].iter().chain(own).chain(&self.columns);
        let mut text = head.copied().collect::<Vec<_>>().join(",");
        text.push_str("\r\n");
        for row in &self.rows {
            let mut cells = vec![cell(&row.date), row.start.to_string(), row.end.to_string()];
            if with_provider {
                cells.extend(
                    [&row.provider_id, &row.provider].map(|one| cell(one.as_deref().unwrap_or_default())),
                );
            }
            cells.extend(self.columns.iter().map(|name| match &row.figures[*name] {
                Value::Null => String::new(),
                figure => figure.to_string(),
            }));
            text.push_str(&cells.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

impl ReportQuery {
    fn into_ask(self, name: String) -> Ask {
        Ask {
            name,
            start: self.start.map(|at| at.0),
            end: self.end.map(|at| at.0),
            by: self.by.and_then(Text::filled),
            room: self.room_code.and_then(Text::filled),
            provider: self.provider_id.map(|id| UserId(id.0)),
            zone: self.timezone.and_then(Text::filled),
        }
    }
}

/// A report of the clinic's visits: `visits`, `waits`, `no_shows`, `durations`,
/// `provider_load`, `drop_off` or `ratings`. What each figure counts is in
/// docs/reports.md. No patient is in any of them.
#[utoipa::path(get, path = "/reports/{name}", tag = "reports", operation_id = "reports::get",
    params(("name" = String, Path, description = "Name of the report", example = "waits"), ReportQuery),
    responses((status = 200, body = Data<Report>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(name): Path<String>,
    Request(mut query): Request<ReportQuery>,
) -> Result<Response, ApiError> {
    let format = query.format.take().and_then(Text::filled);
    if !matches!(format.as_deref(), None | Some("json" | "csv")) {
        return Err(Error::field("format", "use json or csv").into());
    }
    let report = Report::from(reports::get(&app, &actor, &query.into_ask(name)).await?);
    match format.as_deref() {
        Some("csv") => file(&report),
        _ => Ok(data(report).into_response()),
    }
}

fn file(report: &Report) -> Result<Response, ApiError> {
    let name = format!("attachment; filename=\"{}.csv\"", report.name);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("text/csv; charset=utf-8")),
        (header::CONTENT_DISPOSITION, HeaderValue::try_from(name).map_err(Error::internal)?),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, report.csv()).into_response())
}
