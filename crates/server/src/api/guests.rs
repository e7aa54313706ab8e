//! Guests by invitation on the wire: the door that a visit's code leads to, and
//! who takes part (contract core.md 4.10 and 6; paths and shapes are ours).

use std::sync::Arc;

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use bedside_app::{
    App, Error,
    guests::{self, GuestView, Invitation, Join, Joined, Participant},
};
use bedside_model::{
    GuestId, VisitId,
    guest::{Role, Standing},
    visit::Status,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    auth::{Caller, PageKind},
    envelope::{Data, Page, data},
    error::ApiError,
    extract::{Path, Request, Text},
    limits::{Charged, Limits},
    sessions::{Token, with_cookie},
    users::{SignedInUser, signed_in},
};
use crate::http::Client;

/// What an invitation leads to.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationObject {
    /// Where the visit stands: `pending`, `confirmed`, `in_progress`,
    /// `completed`, `cancelled`, `refunded`.
    status_name: &'static str,
    /// `open` while a provider has the visit, `not_begun`, `ended`, `cancelled`.
    state: &'static str,
    room: InvitationRoom,
    /// Name of the clinic.
    account_name: String,
    /// Who has the visit or is asked for.
    provider_name: Option<String>,
    /// The place that the caller has there already; null for nobody.
    guest: Option<Guest>,
}

/// The waiting room of an invitation.
#[derive(Debug, Serialize, ToSchema)]
pub struct InvitationRoom {
    name: String,
}

const fn state(status: Status) -> &'static str {
    match status {
        Status::InProgress => "open",
        Status::Pending | Status::Confirmed => "not_begun",
        Status::Completed | Status::Refunded => "ended",
        Status::Cancelled => "cancelled",
    }
}

impl From<Invitation> for InvitationObject {
    fn from(found: Invitation) -> Self {
        Self {
            status_name: found.status.as_str(),
            state: state(found.status),
            room: InvitationRoom { name: found.room_name },
            account_name: found.account_name,
            provider_name: found.provider_name,
            guest: found.guest.map(Guest::from),
        }
    }
}

/// A guest's place, with what the guest may know of the visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct Guest {
    /// UUID.
    id: String,
    /// `waiting`, `admitted`, `declined`, or `ended` when the visit is over or
    /// the guest has left.
    status: &'static str,
    name: String,
    /// `family`, `carer` or `interpreter`.
    role: &'static str,
    visit: GuestVisit,
    /// The identity of the guest's user inside the call is `user-` and this.
    user_id: String,
    /// UNIX seconds.
    created: i64,
}

/// A visit, as its guests see it.
#[derive(Debug, Serialize, ToSchema)]
pub struct GuestVisit {
    id: String,
    status_name: &'static str,
    /// `open`, `not_begun`, `ended`, `cancelled`.
    state: &'static str,
    provider_name: Option<String>,
}

impl From<GuestView> for Guest {
    fn from(view: GuestView) -> Self {
        Self {
            id: view.guest.id.to_string(),
            status: view.standing.as_str(),
            name: view.name.into_inner(),
            role: view.guest.role.as_str(),
            visit: GuestVisit {
                id: view.guest.visit.to_string(),
                status_name: view.visit_status.as_str(),
                state: state(view.visit_status),
                provider_name: view.provider_name,
            },
            user_id: view.guest.user.to_string(),
            created: view.guest.created_at.seconds(),
        }
    }
}

/// A guest who has just come, with the token for what follows.
#[derive(Debug, Serialize, ToSchema)]
pub struct JoinedGuest {
    #[serde(flatten)]
    guest: Guest,
    /// For `X-ApiToken`.
    token: Token,
    /// The one-time user (type 600).
    user: SignedInUser,
}

/// A wrong code counts as a refused credential: guessing is slowed down by
/// address, whoever asks.
fn counted<T>(
    found: Result<T, Error>,
    limits: &Limits,
    client: &Client,
    charged: &Charged,
) -> Result<T, ApiError> {
    found.map_err(|error| {
        if error.code() == Some("invitation_not_found")
            && let Err(limited) = limits.refused(client.addr, charged)
        {
            return limited;
        }
        error.into()
    })
}

/// What an invitation leads to, before anybody says who they are.
#[utoipa::path(get, path = "/visits/join/{code}", tag = "visits", operation_id = "guests::invitation",
    params(("code" = String, Path, description = "Invite code of the visit")), security(()),
    responses((status = 200, body = Data<InvitationObject>)))]
pub async fn invitation(
    State(app): State<App>,
    State(limits): State<Arc<Limits>>,
    Caller(actor): Caller,
    client: Client,
    charged: Charged,
    Path(code): Path<String>,
) -> Result<Data<InvitationObject>, ApiError> {
    let found = guests::invitation(&app, &actor, &code).await;
    Ok(data(counted(found, &limits, &client, &charged)?.into()))
}

/// Who comes by an invitation.
#[derive(Debug, Deserialize, ToSchema)]
pub struct JoinRequest {
    /// Invite code of the visit.
    code: Text<64>,
    /// How the guest wants to be called.
    name: Text<200>,
    /// `family`, `carer` or `interpreter`.
    role: Text<20>,
}

/// Comes to a visit's door as a guest. The provider lets guests in or turns them
/// away; the code alone opens no call. From a page (`X-Session-Kind: patient`)
/// the cookie is set too. Whoever joins again with the token or cookie of last
/// time keeps the place.
#[utoipa::path(post, path = "/visits/join", tag = "visits", operation_id = "guests::join",
    request_body = JoinRequest, security(()), responses((status = 200, body = Data<JoinedGuest>)))]
pub async fn join(
    State(app): State<App>,
    State(limits): State<Arc<Limits>>,
    Caller(actor): Caller,
    PageKind(page): PageKind,
    client: Client,
    charged: Charged,
    Request(body): Request<JoinRequest>,
) -> Result<Response, ApiError> {
    let role = role_of(body.role.trimmed())?;
    let command = Join { code: body.code.into_string(), name: body.name.into_string(), role, page };
    let Joined { view, signed_in: user } =
        counted(guests::join(&app, &actor, command).await, &limits, &client, &charged)?;
    let joined =
        JoinedGuest { guest: view.into(), token: Token::from(&user.tokens), user: signed_in(&user, false) };
    Ok(with_cookie(data(joined).into_response(), user.cookie.as_ref(), &client))
}

fn role_of(word: &str) -> Result<Role, ApiError> {
    Role::parse(&word.to_ascii_lowercase()).ok_or_else(|| {
        let words: Vec<_> = Role::ALL.iter().map(|role| role.as_str()).collect();
        ApiError::field("role", &format!("must be one of {}", words.join(", ")))
    })
}

/// A guest's place: for the guest themself, and for the parties of the visit.
#[utoipa::path(get, path = "/visits/{id}/guests/{guest_id}", tag = "visits", operation_id = "guests::get",
    params(("id" = String, Path, description = "Number of the visit"),
        ("guest_id" = String, Path, description = "UUID of the guest's place")),
    responses((status = 200, body = Data<Guest>)))]
pub async fn get(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((visit, guest)): Path<(String, String)>,
) -> Result<Data<Guest>, ApiError> {
    let (visit, guest) = (visit_of(&visit)?, guest_of(&guest)?);
    Ok(data(guests::get(&app, &actor, visit, &guest).await?.into()))
}

/// The provider who has the visit lets a guest in.
#[utoipa::path(post, path = "/visits/{id}/guests/{guest_id}/admit", tag = "visits",
    operation_id = "guests::admit", params(("id" = String, Path, description = "Number of the visit"),
        ("guest_id" = String, Path, description = "UUID of the guest's place")),
    responses((status = 200, body = Data<Guest>)))]
pub async fn admit(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((visit, guest)): Path<(String, String)>,
) -> Result<Data<Guest>, ApiError> {
    let (visit, guest) = (visit_of(&visit)?, guest_of(&guest)?);
    Ok(data(guests::admit(&app, &actor, visit, &guest).await?.into()))
}

/// The provider who has the visit turns a guest away; one who is in the call
/// leaves it at once.
#[utoipa::path(post, path = "/visits/{id}/guests/{guest_id}/decline", tag = "visits",
    operation_id = "guests::decline", params(("id" = String, Path, description = "Number of the visit"),
        ("guest_id" = String, Path, description = "UUID of the guest's place")),
    responses((status = 200, body = Data<Guest>)))]
pub async fn decline(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((visit, guest)): Path<(String, String)>,
) -> Result<Data<Guest>, ApiError> {
    let (visit, guest) = (visit_of(&visit)?, guest_of(&guest)?);
    Ok(data(guests::decline(&app, &actor, visit, &guest).await?.into()))
}

/// A guest gives the own place up; with the code they may come again.
#[utoipa::path(post, path = "/visits/{id}/guests/{guest_id}/leave", tag = "visits",
    operation_id = "guests::leave", params(("id" = String, Path, description = "Number of the visit"),
        ("guest_id" = String, Path, description = "UUID of the guest's place")),
    responses((status = 200, body = Data<Guest>)))]
pub async fn leave(
    State(app): State<App>,
    Caller(actor): Caller,
    Path((visit, guest)): Path<(String, String)>,
) -> Result<Data<Guest>, ApiError> {
    let (visit, guest) = (visit_of(&visit)?, guest_of(&guest)?);
    Ok(data(guests::leave(&app, &actor, visit, &guest).await?.into()))
}

/// Somebody who takes part in a visit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ParticipantObject {
    /// Number of the user; inside the call `user-` and this.
    user_id: String,
    name: String,
    /// `patient`, `provider`, `guardian` or `guest`.
    r#type: &'static str,
    /// True for the provider who has the visit.
    primary: bool,
    /// In the call right now.
    in_call: bool,
    /// A guest's place; null for others.
    guest_id: Option<String>,
    /// `family`, `carer` or `interpreter`; null for others.
    role: Option<&'static str>,
    /// `waiting`, `admitted`, `declined` or `ended`; null for others.
    status: Option<&'static str>,
}

impl From<Participant> for ParticipantObject {
    fn from(found: Participant) -> Self {
        let (guest, standing) = found.guest.unzip();
        Self {
            user_id: found.user.to_string(),
            name: found.name.into_inner(),
            r#type: found.part.as_str(),
            primary: found.primary,
            in_call: found.in_call,
            role: guest.as_ref().map(|guest| guest.role.as_str()),
            guest_id: guest.map(|guest| guest.id.to_string()),
            status: standing.map(Standing::as_str),
        }
    }
}

/// Who takes part in a visit: the provider, the patient, those who look after
/// the patient, guests; and who of them is in the call.
#[utoipa::path(get, path = "/visits/{id}/participants", tag = "visits", operation_id = "guests::participants",
    params(("id" = String, Path, description = "Number of the visit")),
    responses((status = 200, body = Page<ParticipantObject>)))]
pub async fn participants(
    State(app): State<App>,
    Caller(actor): Caller,
    Path(id): Path<String>,
) -> Result<Page<ParticipantObject>, ApiError> {
    let found = guests::participants(&app, &actor, visit_of(&id)?).await?;
    let total = i64::try_from(found.len()).unwrap_or(i64::MAX);
    Ok(Page::new(found.into_iter().map(ParticipantObject::from).collect(), total))
}

fn visit_of(text: &str) -> Result<VisitId, ApiError> {
    text.parse().map_err(|_| Error::not_found("visit").into())
}

fn guest_of(text: &str) -> Result<GuestId, ApiError> {
    text.parse().map_err(|_| Error::not_found("guest").into())
}
