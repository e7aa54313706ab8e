//! Who is calling. The first argument of every operation.

use std::sync::{Arc, Mutex, PoisonError};

use bedside_model::{
    AccountId, UserId, VisitId,
    permission::{Action, Relation, Seat, Standing},
    scope::Scopes,
    user::{Role, SessionKind, UserType},
};

use crate::idempotency::Claim;

/// What a known user showed to prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Credential {
    /// A token in `X-ApiToken`.
    Token,
    /// The cookie of a page.
    Session(SessionKind),
    /// The one-time link of this visit.
    Link(VisitId),
}

/// Who is calling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Who {
    /// Nobody we know.
    Anonymous,
    /// The portal's server with the account's key (and secret).
    ApiKey {
        /// The system user of the key's app, for the audit trail: a key stands
        /// for no user.
        app: Option<UserId>,
        /// What key and app are limited to.
        scopes: Scopes,
    },
    /// The portal's server with an admin token; `user` is the system user that
    /// owns it.
    AdminToken {
        /// The system user.
        user: UserId,
        /// What token and app are limited to.
        scopes: Scopes,
    },
    /// A user.
    User {
        /// Which one.
        id: UserId,
        /// Of what type.
        kind: UserType,
        /// With which extra right.
        role: Option<Role>,
        /// How they proved it.
        credential: Credential,
    },
    /// Bedside itself: jobs and the command line.
    System,
}

/// The right that the last permission check found, for the audit trail. Shared
/// by the clones of an actor: the check may be made on another one than the
/// entry is written with. No part of who somebody is.
#[derive(Debug, Clone, Default)]
pub struct Granted(Arc<Mutex<Option<Grant>>>);

/// An action, and the seat and relation that allowed it.
pub type Grant = (Action, Seat, Relation);

impl Granted {
    /// Notes what a check found.
    pub fn set(&self, grant: Grant) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(grant);
    }

    /// What the last check found, if one was made.
    #[must_use]
    pub fn get(&self) -> Option<Grant> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PartialEq for Granted {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Granted {}

/// Who is calling, in which account, by which request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    /// The account everything happens in.
    pub account: AccountId,
    /// Who.
    pub who: Who,
    /// The request's identifier, for the audit trail; empty outside requests.
    pub request_id: String,
    /// The client's network address, for the audit trail; empty outside requests.
    pub address: String,
    /// Under which right the caller acts, as `authz` found it.
    pub granted: Granted,
    /// The page's device in words ("Chrome on Windows"), for the list of somebody's
    /// sessions; empty when it said nothing.
    pub device: String,
    /// Nobody, because the page's session is locked.
    pub locked: bool,
    /// The right to one change that came with an `Idempotency-Key`.
    pub idempotency: Option<Arc<Claim>>,
}

impl Actor {
    /// Somebody, by a request with this identifier from this address.
    #[must_use]
    pub fn new(account: AccountId, who: Who, request_id: String, address: String) -> Self {
        Self {
            account,
            who,
            request_id,
            address,
            granted: Granted::default(),
            device: String::new(),
            locked: false,
            idempotency: None,
        }
    }

    /// Bedside itself, acting in an account.
    #[must_use]
    pub fn system(account: AccountId) -> Self {
        Self::new(account, Who::System, String::new(), String::new())
    }

    /// The acting user, the system user of an admin token included.
    #[must_use]
    pub const fn user(&self) -> Option<UserId> {
        match self.who {
            Who::AdminToken { user, .. } => Some(user),
            Who::User { id, .. } => Some(id),
            Who::Anonymous | Who::ApiKey { .. } | Who::System => None,
        }
    }

    /// Who stands in the audit trail: the acting user, or the system user of
    /// the app whose key was shown.
    #[must_use]
    pub const fn signer(&self) -> Option<UserId> {
        match self.who {
            Who::ApiKey { app, .. } => app,
            _ => self.user(),
        }
    }

    /// The visit to which the caller holds the one-time link. They are its
    /// patient, for this visit alone.
    #[must_use]
    pub const fn link(&self) -> Option<VisitId> {
        match self.who {
            Who::User { credential: Credential::Link(visit), .. } => Some(visit),
            _ => None,
        }
    }

    /// The acting user's type.
    #[must_use]
    pub const fn kind(&self) -> Option<UserType> {
        match self.who {
            Who::AdminToken { .. } => Some(UserType::Api),
            Who::User { kind, .. } => Some(kind),
            Who::Anonymous | Who::ApiKey { .. } | Who::System => None,
        }
    }

    /// Everything about the caller that decides what they may do.
    #[must_use]
    pub const fn standing(&self) -> Standing {
        let (kind, role, scopes) = match self.who {
            Who::Anonymous => (None, None, Scopes::ALL),
            Who::ApiKey { scopes, .. } => (None, None, scopes),
            Who::AdminToken { scopes, .. } => (Some(UserType::Api), None, scopes),
            Who::User { kind, role, .. } => (Some(kind), role, Scopes::ALL),
            Who::System => (Some(UserType::System), None, Scopes::ALL),
        };
        Standing { kind, role, link: self.link().is_some(), scopes }
    }

    /// Runs the clinic: an admin, an admin token, a provider with the role
    /// `clinic_admin`, or Bedside itself.
    #[must_use]
    pub fn is_admin(&self) -> bool {
        self.standing().seats().any(|seat| seat == Seat::Admin)
    }

    /// True for a call from one of our pages.
    #[must_use]
    pub const fn is_page(&self) -> bool {
        matches!(self.who, Who::User { credential: Credential::Session(_), .. })
    }

    /// The word in the audit trail.
    #[must_use]
    pub const fn credential(&self) -> &'static str {
        match self.who {
            Who::Anonymous => "anonymous",
            Who::ApiKey { .. } => "api_key",
            Who::AdminToken { .. } => "admin_token",
            Who::User { credential: Credential::Token, .. } => "token",
            Who::User { credential: Credential::Session(_), .. } => "session",
            Who::User { credential: Credential::Link(_), .. } => "link",
            Who::System => "system",
        }
    }
}
