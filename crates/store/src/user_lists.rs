//! Lists of users: filters, search, order and paging, in one statement or two,
//! whatever the page's size.

use bedside_model::{AccountId, RoomId, UserId};
use sqlx::FromRow;

use crate::{
    Conn, Result,
    users::{Row, User, user_columns},
};

/// Whom a list may show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The whole account.
    Account,
    /// The patients of this provider's rooms and visits.
    Rooms(UserId),
    /// The patients of this provider's own visits.
    Own(UserId),
}

/// What a list is sorted by. The user's number decides between equals.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// Number, which is the order in which they were made.
    #[default]
    Id,
    /// First name, then family name.
    FullName,
    /// Family name, then first name.
    LastName,
    /// E-mail address.
    Email,
    /// Login name.
    Username,
    /// Last login by password; those without one first.
    LastLogin,
    /// Documented type number.
    Kind,
    /// Documented status number.
    Status,
}

impl Order {
    /// Every order.
    pub const ALL: [Self; 8] = [
        Self::Id,
        Self::FullName,
        Self::LastName,
        Self::Email,
        Self::Username,
        Self::LastLogin,
        Self::Kind,
        Self::Status,
    ];
}

/// Which users to list. Empty lists, empty texts and `None` do not narrow.
#[derive(Clone, Default)]
#[cfg_attr(test, derive(Debug))]
pub struct Filter {
    /// Numbers.
    pub ids: Vec<i64>,
    /// Documented type numbers. System users are listed only by these.
    pub kinds: Vec<i64>,
    /// Documented status numbers.
    pub statuses: Vec<i64>,
    /// Wire words of roles.
    pub roles: Vec<&'static str>,
    /// Documented numbers of kinds of providers.
    pub subtypes: Vec<i64>,
    /// The clinic's own grouping.
    pub group: String,
    /// Who works in a room, was a patient there or was registered with it.
    pub room: Option<RoomId>,
    /// Left out of the patient list of remote monitoring.
    pub is_hidden: Option<bool>,
    /// Runs the clinic.
    pub is_admin: Option<bool>,
    /// A piece of the name, folded, of at least three characters.
    pub full_name: Option<String>,
    /// A piece of the e-mail address, as above.
    pub email: Option<String>,
    /// A piece of either.
    pub either: Option<String>,
}

/// Where a page begins.
#[derive(Clone)]
pub enum Begin {
    /// After so many rows.
    Offset(i64),
    /// After the row with this sort key and number.
    After(String, i64),
}

/// A page of a list.
pub struct Page {
    /// The rows.
    pub users: Vec<User>,
    /// How many rows the filters let through in all.
    pub total: i64,
    /// Sort key and number of the last row, when more follow.
    pub next: Option<(String, i64)>,
}

#[derive(FromRow)]
struct Keyed {
    #[sqlx(flatten)]
    row: Row,
    sort_key: Option<String>,
    /// How many rows there are in all, where the page's statement knows.
    total: Option<i64>,
}

// Numbers and words are compared inside ",10,20," so that one text serves any
// count; the bounds on the number let the primary key find a few ids. Where
// another index has the order, `+id` keeps SQLite from going by these bounds.
macro_rules! conditions {
    ($id:literal) => {
        concat!("FROM users WHERE account_id = $1 \
         AND ($2 = 'account' OR ($2 = 'own' AND id IN (SELECT member_id FROM visits WHERE provider_id = $3)) \
          OR ($2 = 'rooms' AND (id IN (SELECT member_id FROM visits \
               WHERE provider_id = $3 OR requested_provider_id = $3) \
           OR id IN (SELECT v.member_id FROM room_providers p JOIN visits v ON v.room_id = p.room_id \
               WHERE p.user_id = $3) \
           OR (type = 200 AND room_id IN (SELECT p.room_id FROM room_providers p WHERE p.user_id = $3))))) \
         AND ", $id, " >= $4 AND ", $id, " <= $5 AND ($6 = '' OR $6 LIKE '%,' || CAST(id AS TEXT) || ',%') \
         AND (($7 = '' AND type NOT IN (110, 140, 160)) OR $7 LIKE '%,' || CAST(type AS TEXT) || ',%') \
         AND ($8 = '' OR $8 LIKE '%,' || CAST(status AS TEXT) || ',%') \
         AND ($9 = '' OR (role <> '' AND $9 LIKE '%,' || role || ',%')) \
         AND ($10 = '' OR (subtype <> '' AND $10 LIKE '%,' || subtype || ',%')) \
         AND ($11 = '' OR group_name = $11) \
         AND (CAST($12 AS BIGINT) IS NULL OR room_id = $12 \
          OR id IN (SELECT p.user_id FROM room_providers p WHERE p.room_id = $12) \
          OR id IN (SELECT v.member_id FROM visits v WHERE v.room_id = $12)) \
         AND (CAST($13 AS BIGINT) IS NULL OR CASE WHEN is_hidden THEN 1 ELSE 0 END = $13) \
         AND (CAST($14 AS BIGINT) IS NULL OR CASE WHEN type IN (100, 150) \
              OR (type = 400 AND role = 'clinic_admin') THEN 1 ELSE 0 END = $14) ")
    };
}

/// Without a search term: nothing here touches more than the index of lists.
macro_rules! unsearched {
    () => {
        "AND CAST($15 AS TEXT) IS NULL AND CAST($16 AS TEXT) IS NULL AND CAST($17 AS TEXT) IS NULL \
         AND CAST($18 AS TEXT) IS NULL "
    };
}

macro_rules! alike {
    () => {
        "AND (CAST($15 AS TEXT) IS NULL OR full_name_search LIKE $15 ESCAPE '\\') \
         AND (CAST($16 AS TEXT) IS NULL OR email_search LIKE $16 ESCAPE '\\') \
         AND (CAST($17 AS TEXT) IS NULL OR full_name_search LIKE $17 ESCAPE '\\' \
              OR email_search LIKE $17 ESCAPE '\\') "
    };
}

/// Postgres plans with the values (see [`list`]): what is NULL goes away, what
/// is left finds its trigram index.
macro_rules! searched_postgres {
    () => {
        concat!(alike!(), "AND CAST($18 AS TEXT) IS NULL ")
    };
}

/// SQLite asks its full-text index first and checks what that gives.
macro_rules! searched_sqlite {
    () => {
        concat!(alike!(), "AND id IN (SELECT rowid FROM users_search WHERE users_search MATCH $18) ")
    };
}

/// A page in an order that an index has, or that is sorted on the way: the
/// total is a statement of its own.
macro_rules! page {
    ($search:ident, $id:literal, $key:literal, $sent:literal, $beyond:literal, $direction:literal) => {
        concat!(
            "SELECT ",
            user_columns!(),
            ", CAST(",
            $key,
            " AS TEXT) AS sort_key, CAST(NULL AS BIGINT) AS total ",
            conditions!($id),
            $search!(),
            "AND (CAST($19 AS BIGINT) IS NULL OR (",
            $key,
            ", id) ",
            $beyond,
            " (",
            $sent,
            ", $19)) ORDER BY ",
            $key,
            $direction,
            ", id",
            $direction,
            " LIMIT $21 OFFSET $22"
        )
    };
}

/// A page of what a search found: found once, then counted, sorted and cut.
macro_rules! found {
    ($search:ident, $id:literal, $key:literal, $sent:literal, $beyond:literal, $direction:literal) => {
        concat!(
            "WITH hits AS MATERIALIZED (SELECT id AS hit, ",
            $key,
            " AS place ",
            conditions!("id"),
            $search!(),
            ") SELECT ",
            user_columns!(),
            ", CAST(place AS TEXT) AS sort_key, (SELECT COUNT(*) FROM hits) AS total FROM \
             (SELECT hit, place FROM hits WHERE CAST($19 AS BIGINT) IS NULL OR (place, hit) ",
            $beyond,
            " (",
            $sent,
            ", $19) ORDER BY place",
            $direction,
            ", hit",
            $direction,
            " LIMIT $21 OFFSET $22) p JOIN users ON users.id = p.hit ORDER BY place",
            $direction,
            ", hit",
            $direction
        )
    };
}

macro_rules! ordered {
    ($shape:ident, $search:ident, text $key:literal, $down:expr) => {
        if $down {
            $shape!($search, "+id", $key, "CAST($20 AS TEXT)", "<", " DESC")
        } else {
            $shape!($search, "+id", $key, "CAST($20 AS TEXT)", ">", "")
        }
    };
    ($shape:ident, $search:ident, number $key:literal, $id:literal, $down:expr) => {
        if $down {
            $shape!($search, $id, $key, "CAST(CAST($20 AS TEXT) AS BIGINT)", "<", " DESC")
        } else {
            $shape!($search, $id, $key, "CAST(CAST($20 AS TEXT) AS BIGINT)", ">", "")
        }
    };
}

macro_rules! statements {
    ($shape:ident, $search:ident, $order:expr, $down:expr) => {
        (
            concat!("SELECT COUNT(*) ", conditions!("id"), $search!()),
            match $order {
                Order::Id => ordered!($shape, $search, number "id", "id", $down),
                Order::FullName => ordered!($shape, $search, text "full_name_search", $down),
                Order::LastName => ordered!($shape, $search, text "last_name_search", $down),
                Order::Email => ordered!($shape, $search, text "email_search", $down),
                Order::Username => ordered!($shape, $search, text "username", $down),
                Order::LastLogin => {
                    ordered!($shape, $search, number "COALESCE(last_login_at, 0)", "+id", $down)
                }
                Order::Kind => ordered!($shape, $search, number "type", "+id", $down),
                Order::Status => ordered!($shape, $search, number "status", "+id", $down),
            },
        )
    };
}

fn list_of<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return String::new();
    }
    let items: Vec<_> = items.iter().map(T::to_string).collect();
    format!(",{},", items.join(","))
}

/// A pattern that finds a piece of a text as it is, wildcards included.
fn containing(piece: &str) -> String {
    let mut pattern = String::with_capacity(piece.len() + 2);
    pattern.push('%');
    for c in piece.chars() {
        if matches!(c, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

/// The pieces as one question to SQLite's full-text index.
fn question(filter: &Filter) -> String {
    let quoted = |piece: &str| format!("\"{}\"", piece.replace('"', "\"\""));
    let parts = [
        filter.full_name.as_deref().map(|piece| format!("full_name_search : {}", quoted(piece))),
        filter.email.as_deref().map(|piece| format!("email_search : {}", quoted(piece))),
        filter.either.as_deref().map(quoted),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(" AND ")
}

/// A page of users and how many there are in all.
///
/// # Errors
/// What the database says.
pub async fn list(
    conn: &mut Conn,
    account: &AccountId,
    scope: Scope,
    filter: &Filter,
    (order, down): (Order, bool),
    (begin, limit): (&Begin, i64),
) -> Result<Page> {
    let searching = filter.full_name.is_some() || filter.email.is_some() || filter.either.is_some();
    let (count, page) = match (searching, conn.is_postgres()) {
        (false, _) => statements!(page, unsearched, order, down),
        (true, true) => statements!(found, searched_postgres, order, down),
        (true, false) => statements!(found, searched_sqlite, order, down),
    };
    let question = (searching && !conn.is_postgres()).then(|| question(filter));
    let (word, me) = match scope {
        Scope::Account => ("account", 0),
        Scope::Rooms(id) => ("rooms", id.0),
        Scope::Own(id) => ("own", id.0),
    };
    let (lowest, highest) =
        (filter.ids.iter().min().map_or(0, |id| *id), filter.ids.iter().max().map_or(i64::MAX, |id| *id));
    let (ids, kinds, statuses) = (list_of(&filter.ids), list_of(&filter.kinds), list_of(&filter.statuses));
    let (roles, subtypes) = (list_of(&filter.roles), list_of(&filter.subtypes));
    let room = filter.room.map(|room| room.0);
    let (is_hidden, is_admin) = (filter.is_hidden.map(i64::from), filter.is_admin.map(i64::from));
    let pattern = |piece: &Option<String>| piece.as_deref().map(containing);
    let (name, email, either) = (pattern(&filter.full_name), pattern(&filter.email), pattern(&filter.either));
    let (after_key, after_id, offset) = match begin {
        Begin::Offset(offset) => ("0", None, *offset),
        Begin::After(key, id) => (key.as_str(), Some(*id), 0),
    };
    let account = account.as_str();
    // A plan for any value at all knows no term: Postgres has to plan a search
    // with its values, each time anew.
    let kept = !searching || !conn.is_postgres();
    macro_rules! narrowed {
        ($query:expr) => {
            $query
                .persistent(kept)
                .bind(account)
                .bind(word)
                .bind(me)
                .bind(lowest)
                .bind(highest)
                .bind(&ids)
                .bind(&kinds)
                .bind(&statuses)
                .bind(&roles)
                .bind(&subtypes)
                .bind(&filter.group)
                .bind(room)
                .bind(is_hidden)
                .bind(is_admin)
                .bind(&name)
                .bind(&email)
                .bind(&either)
                .bind(&question)
        };
    }
    // One row more than asked for tells whether there is another page.
    let mut rows = on_engine!(conn, |c| narrowed!(sqlx::query_as::<_, Keyed>(page))
        .bind(after_id)
        .bind(after_key)
        .bind(limit + 1)
        .bind(offset)
        .fetch_all(c))?;
    let total = match rows.first().and_then(|first| first.total) {
        Some(total) => total,
        None => on_engine!(conn, |c| narrowed!(sqlx::query_scalar::<_, i64>(count)).fetch_one(c))?,
    };
    let wanted = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = rows.len() > wanted;
    rows.truncate(wanted);
    let last = rows.last().map(|last| (last.sort_key.clone().unwrap_or_default(), last.row.id()));
    let users = rows.into_iter().map(|keyed| User::try_from(keyed.row)).collect::<Result<_>>()?;
    Ok(Page { users, total, next: last.filter(|_| more) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_piece_is_taken_as_it_is() {
        assert_eq!(containing("50%_\\"), "%50\\%\\_\\\\%");
        let filter = Filter { either: Some("o\"b AND x".to_owned()), ..Filter::default() };
        assert_eq!(question(&filter), "\"o\"\"b AND x\"");
        let both = Filter { full_name: Some("mar".into()), email: Some("@x.".into()), ..Filter::default() };
        assert_eq!(question(&both), "full_name_search : \"mar\" AND email_search : \"@x.\"");
    }
}
