//! Prescriptions on the wire (contract more.md 6.5, where the paths are ours).

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bedside_app::{
    Actor, App,
    prescriptions::{self, PrescriptionView},
};
use bedside_model::{Phi, prescription::Content};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Int, Path, Request, Text},
    notes::{paper, visit_of},
    users::which,
};

/// A prescription.
#[derive(Debug, Serialize, ToSchema)]
pub struct Prescription {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    visit_id: String,
    /// Number of the patient.
    user_id: String,
    /// Number of the provider.
    prescriber_id: String,
    prescriber_name: String,
    /// `active`, or `cancelled` with a `reason`.
    #[schema(example = "active")]
    status: &'static str,
    #[schema(example = "Amoxicillin 500 mg")]
    drug: String,
    #[schema(example = "One, three times a day")]
    directions: String,
    #[schema(example = "21 capsules")]
    quantity: String,
    refills: i64,
    #[schema(example = 7)]
    days_supply: Option<i64>,
    /// Name and address, as they were when it was written.
    pharmacy: String,
    /// To the pharmacist.
    comment: String,
    reason: Option<String>,
    /// UNIX seconds.
    cancelled_at: Option<i64>,
    /// Who carries it to the pharmacy; `none`: the patient, on paper.
    #[schema(example = "none")]
    transmission: &'static str,
    /// When it was written, in UNIX seconds.
    date: i64,
}

impl Prescription {
    fn of(view: PrescriptionView) -> Self {
        let (row, content) = (view.row, view.content.into_inner());
        Self {
            id: row.id,
            visit_id: row.visit.to_string(),
            user_id: row.user.to_string(),
            prescriber_id: row.prescriber.to_string(),
            prescriber_name: view.prescriber_name.into_inner(),
            status: row.status.as_str(),
            drug: content.drug,
            directions: content.directions,
            quantity: content.quantity,
            refills: content.refills,
            days_supply: content.days_supply,
            pharmacy: content.pharmacy,
            comment: content.comment,
            reason: view.reason.map(Phi::into_inner),
            cancelled_at: row.cancelled_at.map(|at| at.seconds()),
            transmission: view.transmission.as_str(),
            date: row.created_at.seconds(),
        }
    }
}

/// A visit's prescriptions, the oldest first.
#[utoipa::path(get, path = "/visits/{id}/prescriptions", tag = "health records", operation_id = "prescriptions::list",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Data<Vec<Prescription>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<Prescription>>, ApiError> {
    let views = prescriptions::list(&app, &actor, visit_of(&id)?).await?;
    Ok(data(views.into_iter().map(Prescription::of).collect()))
}

/// What is prescribed. It cannot be changed, only cancelled.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WritePrescription {
    /// The drug, with its strength.
    #[schema(example = "Amoxicillin 500 mg", value_type = String)]
    drug: Option<Text<300>>,
    /// How to take it.
    #[schema(example = "One, three times a day", value_type = String)]
    directions: Option<Text<2_000>>,
    #[schema(example = "21 capsules", value_type = Option<String>)]
    quantity: Option<Text<100>>,
    /// How often it may be given out again, at most 99.
    #[schema(value_type = Option<i64>)]
    refills: Option<Int>,
    /// How many days it lasts, at most 366.
    #[schema(example = 7, value_type = Option<i64>)]
    days_supply: Option<Int>,
    /// One of the pharmacies that the patient keeps; the default when it is left
    /// out.
    #[schema(value_type = Option<String>)]
    pharmacy_id: Option<Text<64>>,
    /// To the pharmacist.
    #[schema(value_type = Option<String>)]
    comment: Option<Text<2_000>>,
}

impl From<WritePrescription> for prescriptions::Write {
    fn from(body: WritePrescription) -> Self {
        fn text<const MAX: usize>(text: Option<Text<MAX>>) -> String {
            text.map(Text::into_string).unwrap_or_default()
        }
        let content = Content {
            drug: text(body.drug),
            directions: text(body.directions),
            quantity: text(body.quantity),
            refills: body.refills.map_or(0, |refills| refills.0),
            days_supply: body.days_supply.map(|days| days.0),
            pharmacy: String::new(),
            comment: text(body.comment),
        };
        Self { content: content.into(), pharmacy: body.pharmacy_id.and_then(Text::filled) }
    }
}

/// Writes a prescription.
#[utoipa::path(post, path = "/visits/{id}/prescriptions", tag = "health records", operation_id = "prescriptions::add",
    params(("id" = String, Path, description = "Number of the visit")), request_body = WritePrescription,
    responses((status = 200, body = Data<Prescription>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<WritePrescription>,
) -> Result<Data<Prescription>, ApiError> {
    Ok(data(Prescription::of(prescriptions::add(&app, &actor, visit_of(&id)?, body.into()).await?)))
}

/// Somebody's prescriptions, the newest first, 200 at most.
#[utoipa::path(get, path = "/users/{id}/prescriptions", tag = "health records",
    operation_id = "prescriptions::of_user",
    params(("id" = String, Path, description = "Number of the patient, or `-`")),
    responses((status = 200, body = Data<Vec<Prescription>>)))]
pub async fn of_user(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<Prescription>>, ApiError> {
    let views = prescriptions::of_user(&app, &actor, which(&id)?).await?;
    Ok(data(views.into_iter().map(Prescription::of).collect()))
}

/// A prescription; with `.pdf` behind its identifier, the document.
#[utoipa::path(get, path = "/prescriptions/{id}", tag = "health records", operation_id = "prescriptions::get",
    params(("id" = String, Path, description = "Identifier of the prescription")),
    responses((status = 200, body = Data<Prescription>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    match id.strip_suffix(".pdf") {
        Some(id) => document(&app, &actor, id).await,
        None => Ok(data(Prescription::of(prescriptions::get(&app, &actor, &id).await?)).into_response()),
    }
}

/// A prescription as a PDF with real, tagged text, to be printed and carried to a
/// pharmacy.
#[utoipa::path(get, path = "/prescriptions/{id}/pdf", tag = "health records", operation_id = "prescriptions::pdf",
    params(("id" = String, Path, description = "Identifier of the prescription")),
    responses((status = 200, description = "The document.", content_type = "application/pdf", body = Vec<u8>)))]
pub async fn pdf(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Response, ApiError> {
    document(&app, &actor, &id).await
}

async fn document(app: &App, actor: &Actor, id: &str) -> Result<Response, ApiError> {
    paper(prescriptions::pdf(app, actor, id).await?)
}

/// Why a prescription is taken back.
#[derive(Debug, Deserialize, ToSchema)]
pub struct CancelPrescription {
    #[schema(example = "Wrong dose", value_type = String)]
    reason: Option<Text<500>>,
}

/// Takes a prescription back. What was printed of it says nothing of that.
#[utoipa::path(post, path = "/prescriptions/{id}/cancel", tag = "health records",
    operation_id = "prescriptions::cancel",
    params(("id" = String, Path, description = "Identifier of the prescription")),
    request_body = CancelPrescription, responses((status = 200, body = Data<Prescription>)))]
pub async fn cancel(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<CancelPrescription>,
) -> Result<Data<Prescription>, ApiError> {
    let reason = Phi::from(body.reason.map(Text::into_string).unwrap_or_default());
    Ok(data(Prescription::of(prescriptions::cancel(&app, &actor, &id, &reason).await?)))
}
