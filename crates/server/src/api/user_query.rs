//! Which users a list asks for (contract core.md 2.5).

use bedside_app::users::{ExFilter, List as ListUsers};
use bedside_model::user::Role;
use bedside_store::user_lists::{Filter, Order};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    error::ApiError,
    extract::{Flag, Id, Int, List, Text},
};

/// Filters, order, page and fields.
#[derive(Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserQuery {
    /// Numbers of users, as a list or with commas.
    #[param(value_type = Option<String>)]
    id: Option<List<Id>>,
    /// A piece of the full name, at least 3 characters.
    #[param(value_type = Option<String>)]
    full_name: Option<Text<200>>,
    /// A piece of the e-mail address, at least 3 characters.
    #[param(value_type = Option<String>)]
    email: Option<Text<200>>,
    /// A piece of the full name or of the e-mail address, at least 3 characters.
    #[param(value_type = Option<String>)]
    q: Option<Text<200>>,
    /// `all`: patients of the caller's rooms; `my-patient`: of the caller's
    /// own visits.
    #[param(value_type = Option<String>)]
    ex_filter: Option<Text<20>>,
    /// Left out of the patient list of remote monitoring, or not.
    #[param(value_type = Option<bool>)]
    is_hidden: Option<Value>,
    /// Runs the clinic, or not.
    #[param(value_type = Option<bool>)]
    is_admin: Option<Value>,
    /// Status numbers, as a list or with commas.
    #[param(value_type = Option<String>)]
    status: Option<List<Int>>,
    /// Type numbers.
    #[param(value_type = Option<String>)]
    r#type: Option<List<Int>>,
    /// `clinic_admin`, `account_manager`, `scheduler`, `analyst`.
    #[param(value_type = Option<String>)]
    role: Option<List<Text<40>>>,
    /// Numbers of kinds of providers, such as 482.
    #[param(value_type = Option<String>)]
    subtype: Option<List<Int>>,
    /// Code or slug of a room: who works there, was a patient there or is
    /// registered with it.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// Code of the clinic; nobody is found under another one's.
    #[param(value_type = Option<String>)]
    account_code: Option<Text<128>>,
    /// The clinic's own grouping.
    #[param(value_type = Option<String>)]
    group: Option<Text<100>>,
    /// `full_name.asc`, or `sort[full_name]=asc`; by `id`, `full_name`,
    /// `first_name`, `last_name`, `email`, `username`, `last_login`, `type` or
    /// `status`.
    #[param(value_type = Option<String>)]
    sort: Option<Value>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Pages to skip, and one; where `start` is not sent.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
    /// `next` of an earlier page: goes on after its last row.
    #[param(value_type = Option<String>)]
    after: Option<Text<4000>>,
    /// Comma list of the fields wanted.
    #[param(value_type = Option<String>)]
    fields: Option<List<Text<40>>>,
}

/// What is given of each user.
pub(super) type Fields = List<Text<40>>;

impl UserQuery {
    /// The query as the application takes it, and the fields wanted.
    pub(super) fn into_list(self) -> Result<(ListUsers, Option<Fields>), ApiError> {
        let (order, descending) = self.sort.as_ref().map_or(Ok((Order::Id, false)), order)?;
        let limit = self.limit.map_or(20, |limit| limit.0.clamp(1, 100));
        let skipped = self.page.map_or(0, |page| page.0.saturating_sub(1).saturating_mul(limit));
        let offset = self.start.map_or(skipped, |start| start.0).max(0);
        let filter = Filter {
            ids: self.id.map(|list| list.0.iter().map(|id| id.0).collect()).unwrap_or_default(),
            kinds: numbers(self.r#type),
            statuses: numbers(self.status),
            roles: roles(self.role)?,
            subtypes: numbers(self.subtype),
            group: self.group.map(|name| name.trimmed().to_owned()).unwrap_or_default(),
            room: None,
            is_hidden: flag("is_hidden", self.is_hidden)?,
            is_admin: flag("is_admin", self.is_admin)?,
            full_name: self.full_name.map(Text::into_string),
            email: self.email.map(Text::into_string),
            either: self.q.map(Text::into_string),
        };
        let list = ListUsers {
            filter,
            ex_filter: self.ex_filter.and_then(Text::filled).as_deref().map(ex_filter).transpose()?,
            room: self.room_code.and_then(Text::filled),
            account_code: self.account_code.and_then(Text::filled),
            order,
            descending,
            offset,
            limit,
            after: self.after.and_then(Text::filled),
        };
        Ok((list, self.fields.filter(|fields| !fields.0.is_empty())))
    }
}

/// A flag that narrows; an empty text, which is "no" in a form, narrows nothing.
fn flag(name: &str, sent: Option<Value>) -> Result<Option<bool>, ApiError> {
    let sent = sent.filter(|value| value.as_str().is_none_or(|text| !text.trim().is_empty()));
    let read = sent.map(Flag::deserialize).transpose();
    read.map(|flag| flag.map(|flag| flag.0)).map_err(|_| ApiError::field(name, "must be 1 or 0"))
}

fn numbers(list: Option<List<Int>>) -> Vec<i64> {
    list.map(|list| list.0.into_iter().map(|number| number.0).collect()).unwrap_or_default()
}

fn roles(list: Option<List<Text<40>>>) -> Result<Vec<&'static str>, ApiError> {
    let words = list.into_iter().flat_map(|list| list.0);
    let role = |word: Text<40>| Role::parse(word.trimmed()).map(Role::as_str);
    let unknown = || ApiError::field("role", "use clinic_admin, account_manager, scheduler or analyst");
    words.filter(|word| !word.trimmed().is_empty()).map(|word| role(word).ok_or_else(unknown)).collect()
}

fn ex_filter(word: &str) -> Result<ExFilter, ApiError> {
    match word {
        "all" => Ok(ExFilter::All),
        "my-patient" => Ok(ExFilter::MyPatient),
        _ => Err(ApiError::field("ex_filter", "use all or my-patient")),
    }
}

/// `full_name.asc`, `full_name`, or `{"full_name": "asc"}` (core.md 1.6). An
/// empty text asks for nothing.
fn order(sort: &Value) -> Result<(Order, bool), ApiError> {
    let unknown = || {
        let fields = "id, full_name, first_name, last_name, email, username, last_login, type or status";
        ApiError::field("sort", &format!("use one of {fields}, with .asc or .desc"))
    };
    let (field, direction) = match sort {
        Value::String(word) if word.trim().is_empty() => return Ok((Order::Id, false)),
        Value::String(word) => {
            let word = word.trim();
            word.rsplit_once('.').unwrap_or((word, "asc"))
        }
        Value::Object(map) if map.len() == 1 => map
            .iter()
            .find_map(|(field, direction)| Some((field.as_str(), direction.as_str()?)))
            .ok_or_else(unknown)?,
        Value::Array(list) if list.len() == 1 => return order(&list[0]),
        _ => return Err(unknown()),
    };
    let order = match field {
        "id" => Order::Id,
        // A full name begins with the first one.
        "full_name" | "first_name" => Order::FullName,
        "last_name" => Order::LastName,
        "email" => Order::Email,
        "username" => Order::Username,
        "last_login" => Order::LastLogin,
        "type" => Order::Kind,
        "status" => Order::Status,
        _ => return Err(unknown()),
    };
    match direction.to_ascii_lowercase().as_str() {
        "asc" => Ok((order, false)),
        "desc" => Ok((order, true)),
        _ => Err(unknown()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_order_in_every_spelling() {
        for sort in [json!("full_name.desc"), json!({ "full_name": "DESC" }), json!(["full_name.desc"])] {
            assert_eq!(order(&sort).unwrap(), (Order::FullName, true), "{sort}");
        }
        assert_eq!(order(&json!("last_name")).unwrap(), (Order::LastName, false));
        assert_eq!(order(&json!(" ")).unwrap(), (Order::Id, false));
        for bad in [
            json!("password_hash.asc"),
            json!("id.up"),
            json!({ "a": 1, "b": 2 }),
            json!(7),
            json!({ "id": 1 }),
        ] {
            assert!(order(&bad).is_err(), "{bad}");
        }
    }
}
