//! Which visits a list asks for (contract core.md 4.7), and in which fields.

use bedside_app::visits::List as ListVisits;
use bedside_model::{At, UserId, VisitId};
use bedside_store::visit_lists::{Filter, Mark, Moment, Order};
use serde::Deserialize;
use serde_json::Value;
use utoipa::IntoParams;

use super::{
    error::ApiError,
    extract::{Flag, Id, Int, List, Text},
    visit_object::Fields,
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
    /// 1 for visits that were recorded.
    #[param(value_type = Option<i64>)]
    has_recordings: Option<Flag>,
    /// The same.
    #[param(value_type = Option<i64>)]
    with_recordings: Option<Flag>,
    /// `start.asc`, `start.desc`, `queue` or `newest`.
    #[param(value_type = Option<String>)]
    sort: Option<Value>,
    /// Fields to give, with commas; `recordings` only comes when asked for.
    #[param(value_type = Option<String>)]
    fields: Option<List<Text<64>>>,
    /// `next` of the page before: goes on behind it, whatever was added since.
    #[param(value_type = Option<String>)]
    after: Option<Text<100>>,
    /// Rows to skip; with `after`, behind it.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Page number from 1; `start` wins.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// Somebody's visits.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct UserVisitsQuery {
    /// 1 for visits that are open and were not missed.
    #[param(value_type = Option<i64>)]
    upcoming: Option<Flag>,
    /// 1 for visits that ended or were missed.
    #[param(value_type = Option<i64>)]
    history: Option<Flag>,
    /// `start.asc`, `start.desc` or `newest`.
    #[param(value_type = Option<String>)]
    sort: Option<Value>,
    /// Fields to give, with commas.
    #[param(value_type = Option<String>)]
    fields: Option<List<Text<64>>>,
    /// `next` of the page before.
    #[param(value_type = Option<String>)]
    after: Option<Text<100>>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Page number from 1; `start` wins.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
}

/// The choice of fields alone.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FieldsQuery {
    /// Fields to give, with commas; `recordings` only comes when asked for.
    #[param(value_type = Option<String>)]
    fields: Option<List<Text<64>>>,
}

impl FieldsQuery {
    /// Which fields are wanted.
    pub fn fields(self) -> Fields {
        wanted(self.fields)
    }
}

fn wanted(fields: Option<List<Text<64>>>) -> Fields {
    let names = fields.map(|list| list.0.into_iter().filter_map(Text::filled).collect());
    Fields::of(names.unwrap_or_default())
}

fn numbers(list: Option<List<Int>>) -> Vec<i64> {
    list.map(|list| list.0.into_iter().map(|number| number.0).collect()).unwrap_or_default()
}

fn is_set(flag: Option<Flag>) -> bool {
    flag.is_some_and(|flag| flag.0)
}

fn paged(
    sort: Option<&Value>,
    after: Option<Text<100>>,
    (start, page, limit): (Option<Int>, Option<Int>, Option<Int>),
) -> Result<ListVisits, ApiError> {
    let limit = limit.map_or(20, |limit| limit.0.clamp(1, 100));
    let page = page.map_or(1, |page| page.0).clamp(1, i64::MAX / 200);
    Ok(ListVisits {
        order: sort.and_then(order).transpose()?,
        after: after.and_then(Text::filled).map(|text| read_cursor(&text)).transpose()?,
        offset: start.map_or((page - 1) * limit, |start| start.0.max(0)),
        limit,
        ..ListVisits::default()
    })
}

impl VisitQuery {
    /// The query as the application takes it, and the fields to show.
    pub fn into_list(self) -> Result<(ListVisits, Fields), ApiError> {
        let filter = Filter {
            statuses: numbers(self.status),
            kinds: numbers(self.r#type),
            subtypes: numbers(self.subtype),
            provider: self.provider_id.map(|id| UserId(id.0)),
            member: self.member_id.map(|id| UserId(id.0)),
            from: self.start_time.map(|at| At::from_seconds(at.0)),
            until: self.end_time.map(|at| At::from_seconds(at.0)),
            ..Filter::default()
        };
        let list = ListVisits {
            filter,
            room: self.room_code.and_then(Text::filled),
            recorded: is_set(self.has_recordings) || is_set(self.with_recordings),
            ..paged(self.sort.as_ref(), self.after, (self.start, self.page, self.limit))?
        };
        Ok((list, wanted(self.fields)))
    }
}

impl UserVisitsQuery {
    /// Which side of now, the page, and the fields to show.
    pub fn into_list(self) -> Result<(Option<Moment>, ListVisits, Fields), ApiError> {
        let moment = match (is_set(self.upcoming), is_set(self.history)) {
            (true, false) => Some(Moment::Upcoming),
            (false, true) => Some(Moment::History),
            _ => None,
        };
        let list = paged(self.sort.as_ref(), self.after, (self.start, self.page, self.limit))?;
        if list.order == Some(Order::Queue) {
            return Err(ApiError::field("sort", "must be start.asc, start.desc or newest"));
        }
        Ok((moment, list, wanted(self.fields)))
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

const ORDERS: [(&str, Order); 4] =
    [("n", Order::Newest), ("a", Order::StartAscending), ("d", Order::StartDescending), ("q", Order::Queue)];

/// A mark as clients carry it from `next` to `after`.
pub fn cursor(order: Order, mark: Mark) -> String {
    let letter = ORDERS.iter().find(|(_, known)| *known == order).map_or("n", |(letter, _)| letter);
    format!("{letter}_{}_{}_{}", mark.rank, mark.key, mark.id)
}

fn read_cursor(text: &str) -> Result<(Order, Mark), ApiError> {
    let read = || {
        let mut parts = text.split('_');
        let letter = parts.next()?;
        let (_, order) = ORDERS.iter().find(|(known, _)| *known == letter)?;
        let mut number = || parts.next()?.parse::<i64>().ok();
        let mark = Mark { rank: number()?, key: number()?, id: VisitId(number()?) };
        parts.next().is_none().then_some((*order, mark))
    };
    read().ok_or_else(|| ApiError::field("after", "must be the `next` of a page"))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cursors_round_trip(n in 0usize..4, rank in 0i64..5, key: i64, id in 1i64..) {
            let (order, mark) = (ORDERS[n].1, Mark { rank, key, id: VisitId(id) });
            prop_assert_eq!(read_cursor(&cursor(order, mark)).unwrap(), (order, mark));
        }

        #[test]
        fn nonsense_is_refused_and_never_panics(text in "\\PC{0,40}") {
            if let Ok((order, mark)) = read_cursor(&text) {
                prop_assert_eq!(read_cursor(&cursor(order, mark)).unwrap(), (order, mark));
            }
        }
    }
}
