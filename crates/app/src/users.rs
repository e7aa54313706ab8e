//! Users: what all their operations share, and looking at one person.

mod add;
mod list;
mod login;
mod rooms;
mod sso;
mod update;

use bedside_model::{
    AccountId, Phi, UserId,
    event::{EventData, EventType},
    permission::Action,
    user::{SessionKind, UserType},
};
use bedside_store::{
    Conn, Tx, accounts,
    rooms::Room,
    users::{self, User},
};
use serde_json::{Map, Value};

use crate::{
    Actor, App, Error, Result, audit, authz,
    events::{self, Subject},
    extra,
    sessions::NewCookie,
    tokens::TokenPair,
};

pub use add::{Add, add};
pub use list::{ExFilter, Found, List, list};
pub use login::{Login, login};
pub use rooms::{RoomName, assign_rooms, list_rooms};
pub(crate) use sso::add_guest;
pub use sso::{GuestLogin, Sso, guest_login, sso};
pub use update::{Update, update};

/// Somebody signed in: who, their tokens, and the cookie when a page asked.
pub struct SignedIn {
    /// Who.
    pub user: User,
    /// Access and refresh token.
    pub tokens: TokenPair,
    /// The page's cookie.
    pub cookie: Option<NewCookie>,
}

/// The event and the entry of a user that was just added.
pub(crate) async fn created(tx: &mut Tx, app: &App, actor: &Actor, id: UserId, kind: UserType) -> Result<()> {
    let data = EventData { user_type: Some(kind.code()), ..EventData::default() };
    let subject = Subject { user: Some(id), data, ..Subject::default() };
    events::append(tx, app, &actor.account, EventType::UserCreated, subject).await?;
    audit::write(tx, app, actor, "users.add", ("user", id.to_string())).await
}

pub(crate) async fn account_code(conn: &mut Conn, account: &AccountId) -> Result<String> {
    let account = accounts::find(conn, account).await?.ok_or_else(|| Error::not_found("account"))?;
    Ok(account.code)
}

/// A taken login name or code is the caller's to fix.
fn name_taken(error: Error) -> Error {
    if error.is_unique("users", "account_id, username") {
        Error::field("username", "is taken by somebody else")
    } else if error.is_unique("users", "account_id, code") {
        Error::field("code", "is taken by somebody else")
    } else {
        error
    }
}

/// Tokens, and a cookie when a page asked for one.
pub(crate) async fn sign_in(
    tx: &mut Tx,
    app: &App,
    account: &AccountId,
    user: User,
    page: Option<SessionKind>,
    device: &str,
) -> Result<SignedIn> {
    let tokens = crate::tokens::issue(tx, app, account, user.id).await?;
    let cookie = match page {
        Some(kind) => {
            Some(NewCookie::issue(tx, app, account, &user, kind, Default::default(), device).await?)
        }
        None => None,
    };
    Ok(SignedIn { user, tokens, cookie })
}

/// Whom a path with a user id means: `-` is the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which {
    /// The caller.
    Caller,
    /// The user of this number.
    Id(UserId),
}

impl Which {
    /// The number.
    ///
    /// # Errors
    /// 401 for `-` without a user.
    pub fn resolve(self, actor: &Actor) -> Result<UserId> {
        match self {
            Self::Caller => authz::user(actor).map(|(id, _)| id),
            Self::Id(id) => Ok(id),
        }
    }
}

/// A person's profile: one's own, for providers that of patients of their
/// rooms and visits, for admins everybody's.
///
/// # Errors
/// 401 without a user, 404 for everybody else.
pub async fn get(app: &App, actor: &Actor, which: Which) -> Result<UserView> {
    let id = which.resolve(actor)?;
    let mut conn = app.store.reader().await?;
    authz::person(&mut conn, actor, id, Action::UserRead).await?;
    let view = view(app, &mut conn, &actor.account, id).await?;
    app.reads.note(app, actor, id, "users.get");
    Ok(view)
}

/// A user with everything a profile shows.
pub struct UserView {
    /// Who.
    pub user: User,
    /// The extended profile, as far as anything was sent.
    pub extra: Phi<Map<String, Value>>,
    /// Codes of the rooms: where a provider works, where a patient is
    /// registered.
    pub rooms: Vec<Room>,
}

/// Reads a user for showing.
///
/// # Errors
/// 404.
pub(crate) async fn view(app: &App, conn: &mut Conn, account: &AccountId, id: UserId) -> Result<UserView> {
    let user = users::find(conn, account, id).await?.ok_or_else(|| Error::not_found("user"))?;
    let sealed = users::find_extra(conn, account, id).await?;
    let rooms = match (user.kind, user.room) {
        (UserType::Provider, _) => bedside_store::rooms::list_of_provider(conn, account, id).await?,
        (_, Some(room)) => bedside_store::rooms::find(conn, account, room).await?.into_iter().collect(),
        _ => Vec::new(),
    };
    let extra = match sealed {
        Some(sealed) => extra::open(&*app.store.vault(account).await?, id, &sealed)?,
        None => Map::new(),
    };
    Ok(UserView { user, extra: Phi::new(extra), rooms })
}
