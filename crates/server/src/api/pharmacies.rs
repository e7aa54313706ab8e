//! Pharmacies on the wire (contract more.md 6.5, where the paths are ours).

use axum::extract::State;
use bedside_app::{
    App,
    pharmacies::{self, Choice, KeptView},
};
use bedside_model::pharmacy;
use bedside_store::pharmacies::Listed;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::{IntoParams, ToSchema};

use super::{
    auth::Caller,
    envelope::{Data, data},
    error::ApiError,
    extract::{Flag, Number, Path, Request, Text},
    users::which,
};

/// Where a pharmacy is.
#[derive(Debug, Serialize, ToSchema)]
pub struct PharmacyAddress {
    #[schema(example = "12 Main Street")]
    line1: String,
    line2: String,
    #[schema(example = "Albany")]
    city: String,
    #[schema(example = "NY")]
    state: String,
    /// Two letters.
    #[schema(example = "US")]
    country: String,
    #[schema(example = "12207")]
    zip: String,
    phone: String,
    fax: String,
    latitude: Option<f64>,
    longitude: Option<f64>,
}

/// A pharmacy.
#[derive(Debug, Serialize, ToSchema)]
pub struct Pharmacy {
    #[schema(example = "018f6b0a-3c1e-7a52-9d37-5f0c6e1b2a44")]
    id: String,
    /// What other systems call it.
    code: String,
    #[schema(example = "Corner Pharmacy")]
    name: String,
    address: PharmacyAddress,
}

impl Pharmacy {
    fn of(id: String, pharmacy: pharmacy::Pharmacy) -> Self {
        let pharmacy::Pharmacy {
            code,
            name,
            line1,
            line2,
            city,
            state,
            country,
            zip,
            phone,
            fax,
            latitude,
            longitude,
        } = pharmacy;
        let address =
            PharmacyAddress { line1, line2, city, state, country, zip, phone, fax, latitude, longitude };
        Self { id, code, name, address }
    }

    fn listed(listed: Listed) -> Self {
        Self::of(listed.id, listed.pharmacy)
    }
}

/// A pharmacy that a patient keeps.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeptPharmacy {
    #[serde(flatten)]
    pharmacy: Pharmacy,
    /// Prescriptions name it unless they say otherwise.
    is_default: bool,
}

fn kept(views: Vec<KeptView>) -> Data<Vec<KeptPharmacy>> {
    let one = |view: KeptView| KeptPharmacy {
        pharmacy: Pharmacy::of(view.id, view.pharmacy.into_inner()),
        is_default: view.is_default,
    };
    data(views.into_iter().map(one).collect())
}

/// A pharmacy to write down. Fields that are left out are empty.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct WritePharmacy {
    /// What other systems call it.
    #[schema(value_type = Option<String>)]
    code: Option<Text<64>>,
    #[schema(example = "Corner Pharmacy", value_type = Option<String>)]
    name: Option<Text<200>>,
    #[schema(example = "12 Main Street", value_type = Option<String>)]
    line1: Option<Text<200>>,
    #[schema(value_type = Option<String>)]
    line2: Option<Text<200>>,
    #[schema(example = "Albany", value_type = Option<String>)]
    city: Option<Text<100>>,
    #[schema(example = "NY", value_type = Option<String>)]
    state: Option<Text<100>>,
    /// Two letters.
    #[schema(example = "US", value_type = Option<String>)]
    country: Option<Text<2>>,
    #[schema(example = "12207", value_type = Option<String>)]
    zip: Option<Text<20>>,
    #[schema(value_type = Option<String>)]
    phone: Option<Text<40>>,
    #[schema(value_type = Option<String>)]
    fax: Option<Text<40>>,
    /// Degrees, together with `longitude`.
    #[schema(value_type = Option<f64>)]
    latitude: Option<Number>,
    #[schema(value_type = Option<f64>)]
    longitude: Option<Number>,
}

impl From<WritePharmacy> for pharmacy::Pharmacy {
    fn from(body: WritePharmacy) -> Self {
        fn text<const MAX: usize>(text: Option<Text<MAX>>) -> String {
            text.map(Text::into_string).unwrap_or_default()
        }
        Self {
            code: text(body.code),
            name: text(body.name),
            line1: text(body.line1),
            line2: text(body.line2),
            city: text(body.city),
            state: text(body.state),
            country: text(body.country),
            zip: text(body.zip),
            phone: text(body.phone),
            fax: text(body.fax),
            latitude: body.latitude.map(|degrees| degrees.0),
            longitude: body.longitude.map(|degrees| degrees.0),
        }
    }
}

/// Which pharmacies are looked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FindPharmacies {
    /// In name, street, town or code.
    #[param(value_type = Option<String>, example = "corner")]
    q: Option<Text<100>>,
    /// How the postal code begins.
    #[param(value_type = Option<String>, example = "122")]
    zip: Option<Text<20>>,
}

/// The clinic's pharmacies by name, 50 at most.
#[utoipa::path(get, path = "/pharmacies", tag = "health records", operation_id = "pharmacies::search",
    params(FindPharmacies), responses((status = 200, body = Data<Vec<Pharmacy>>)))]
pub async fn search(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(wanted): Request<FindPharmacies>,
) -> Result<Data<Vec<Pharmacy>>, ApiError> {
    let words = wanted.q.map(Text::into_string).unwrap_or_default();
    let zip = wanted.zip.map(Text::into_string).unwrap_or_default();
    let found = pharmacies::search(&app, &actor, &words, &zip).await?;
    Ok(data(found.into_iter().map(Pharmacy::listed).collect()))
}

/// Adds a pharmacy to the clinic's list.
#[utoipa::path(post, path = "/pharmacies", tag = "health records", operation_id = "pharmacies::add",
    request_body = WritePharmacy, responses((status = 200, body = Data<Pharmacy>)))]
pub async fn add(
    State(app): State<App>,
    Caller(actor): Caller,
    Request(body): Request<WritePharmacy>,
) -> Result<Data<Pharmacy>, ApiError> {
    Ok(data(Pharmacy::listed(pharmacies::add(&app, &actor, body.into()).await?)))
}

/// Says anew what is known of a pharmacy of the clinic's list. What patients
/// keep stays as it was.
#[utoipa::path(post, path = "/pharmacies/{id}", tag = "health records", operation_id = "pharmacies::update",
    params(("id" = String, Path, description = "Identifier of the pharmacy")),
    request_body = WritePharmacy, responses((status = 200, body = Data<Pharmacy>)))]
pub async fn update(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<WritePharmacy>,
) -> Result<Data<Pharmacy>, ApiError> {
    Ok(data(Pharmacy::listed(pharmacies::update(&app, &actor, &id, body.into()).await?)))
}

/// Takes a pharmacy off the clinic's list. Patients who keep it keep it.
#[utoipa::path(delete, path = "/pharmacies/{id}", tag = "health records", operation_id = "pharmacies::retire",
    params(("id" = String, Path, description = "Identifier of the pharmacy")),
    responses((status = 200, body = Data<Object>)))]
pub async fn retire(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Map<String, Value>>, ApiError> {
    pharmacies::retire(&app, &actor, &id).await?;
    Ok(data(Map::new()))
}

/// The pharmacies that a patient keeps, the default first.
#[utoipa::path(get, path = "/users/{id}/pharmacies", tag = "health records", operation_id = "pharmacies::list",
    params(("id" = String, Path, description = "Number of the patient, or `-`")),
    responses((status = 200, body = Data<Vec<KeptPharmacy>>)))]
pub async fn list(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Data<Vec<KeptPharmacy>>, ApiError> {
    Ok(kept(pharmacies::list(&app, &actor, which(&id)?).await?))
}

/// A pharmacy to keep: one of the clinic's list by `pharmacy_id`, or another one
/// by its fields.
#[derive(Debug, Default, Deserialize, ToSchema)]
pub struct KeepPharmacy {
    /// One of the clinic's list.
    #[schema(value_type = Option<String>)]
    pharmacy_id: Option<Text<64>>,
    /// Make it the default. The first one is, in any case.
    #[schema(value_type = Option<bool>)]
    is_default: Option<Flag>,
    #[serde(flatten)]
    pharmacy: WritePharmacy,
}

/// Keeps a pharmacy for a patient.
#[utoipa::path(post, path = "/users/{id}/pharmacies", tag = "health records", operation_id = "pharmacies::keep",
    params(("id" = String, Path, description = "Number of the patient, or `-`")),
    request_body = KeepPharmacy, responses((status = 200, body = Data<Vec<KeptPharmacy>>)))]
pub async fn keep(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<KeepPharmacy>,
) -> Result<Data<Vec<KeptPharmacy>>, ApiError> {
    let choice = match body.pharmacy_id.and_then(Text::filled) {
        Some(listed) => Choice::Listed(listed),
        None => Choice::Own(Box::new(body.pharmacy.into())),
    };
    let default = body.is_default.is_some_and(|flag| flag.0);
    Ok(kept(pharmacies::keep(&app, &actor, which(&id)?, choice, default).await?))
}

/// Which of a patient's pharmacies.
#[derive(Debug, Deserialize, ToSchema)]
pub struct DefaultPharmacy {
    /// Its `id` in the patient's list.
    #[schema(value_type = String)]
    id: Text<64>,
}

/// Makes a pharmacy that the patient keeps the default.
#[utoipa::path(post, path = "/users/{id}/pharmacies/default", tag = "health records",
    operation_id = "pharmacies::set_default",
    params(("id" = String, Path, description = "Number of the patient, or `-`")),
    request_body = DefaultPharmacy, responses((status = 200, body = Data<Vec<KeptPharmacy>>)))]
pub async fn set_default(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
    Request(body): Request<DefaultPharmacy>,
) -> Result<Data<Vec<KeptPharmacy>>, ApiError> {
    Ok(kept(pharmacies::set_default(&app, &actor, which(&id)?, &body.id.into_string()).await?))
}

/// Keeps a pharmacy no longer. If it was the default, none is until somebody says
/// which.
#[utoipa::path(delete, path = "/users/{id}/pharmacies/{pharmacy_id}", tag = "health records",
    operation_id = "pharmacies::forget",
    params(("id" = String, Path, description = "Number of the patient, or `-`"),
        ("pharmacy_id" = String, Path, description = "Its `id` in the patient's list")),
    responses((status = 200, body = Data<Vec<KeptPharmacy>>)))]
pub async fn forget(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((id, pharmacy)): Path<(String, String)>,
) -> Result<Data<Vec<KeptPharmacy>>, ApiError> {
    Ok(kept(pharmacies::forget(&app, &actor, which(&id)?, &pharmacy).await?))
}
