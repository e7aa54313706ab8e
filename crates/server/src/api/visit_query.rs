//! Which visits a list asks for (contract core.md 4.7).

use bedside_app::visits::List as ListVisits;
use bedside_model::{At, UserId};
use bedside_store::visit_views::{Filter, Order};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    error::ApiError,
    extract::{Id, Int, List, Text},
};

/// Filters, order and page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct VisitQuery {
    /// Code or slug of a room.
    #[param(value_type = Option<String>)]
    room_code: Option<Text<128>>,
    /// Planned begin at or after, UNIX seconds.
    #[param(value_type = Option<i64>)]
    start_time: Option<Int>,
    /// Planned begin before, UNIX seconds.
    #[param(value_type = Option<i64>)]
    end_time: Option<Int>,
    /// Status numbers, as a list or with commas.
    #[param(value_type = Option<String>)]
    status: Option<List<Int>>,
    /// Type numbers.
    #[param(value_type = Option<String>)]
    r#type: Option<List<Int>>,
    /// Subtype numbers.
    #[param(value_type = Option<String>)]
    subtype: Option<List<Int>>,
    /// Taken by, or asking for, this provider.
    #[param(value_type = Option<String>)]
    provider_id: Option<Id>,
    /// One patient.
    #[param(value_type = Option<String>)]
    member_id: Option<Id>,
    /// `start.asc`, `start.desc`, `queue` or `newest`.
    #[param(value_type = Option<String>)]
    sort: Option<Value>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

fn numbers(list: Option<List<Int>>) -> Vec<i64> {
    list.map(|list| list.0.into_iter().map(|number| number.0).collect()).unwrap_or_default()
}

impl VisitQuery {
    /// The query as the application takes it.
    pub fn into_list(self) -> Result<ListVisits, ApiError> {
        let filter = Filter {
            statuses: numbers(self.status),
            kinds: numbers(self.r#type),
            subtypes: numbers(self.subtype),
            room: None,
            provider: self.provider_id.map(|id| UserId(id.0)),
            member: self.member_id.map(|id| UserId(id.0)),
            from: self.start_time.map(|at| At::from_seconds(at.0)),
            until: self.end_time.map(|at| At::from_seconds(at.0)),
        };
        Ok(ListVisits {
            filter,
            room: self.room_code.and_then(Text::filled),
            order: self.sort.as_ref().and_then(order).transpose()?,
            offset: self.start.map_or(0, |start| start.0.max(0)),
            limit: self.limit.map_or(20, |limit| limit.0.clamp(1, 100)),
        })
    }
}

// `start.asc` or `{"start": "asc"}` (core.md 1.6). An empty text asks for nothing.
fn order(sort: &Value) -> Option<Result<Order, ApiError>> {
    let word = match sort {
        Value::String(word) if word.is_empty() => return None,
        Value::String(word) => word.clone(),
        Value::Object(map) if map.len() == 1 => {
            let (field, direction) = map.iter().next()?;
            format!("{field}.{}", direction.as_str().unwrap_or_default())
        }
        _ => String::new(),
    };
    Some(match word.as_str() {
        "queue" => Ok(Order::Queue),
        "newest" => Ok(Order::Newest),
        "start" | "start.asc" => Ok(Order::StartAscending),
        "start.desc" => Ok(Order::StartDescending),
        _ => Err(ApiError::field("sort", "must be start.asc, start.desc, queue or newest")),
    })
}
