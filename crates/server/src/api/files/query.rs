//! Which files a list asks for.

use bedside_app::{
    Actor,
    files::{List, Target},
};
use bedside_model::file::Category;
use serde::Deserialize;
use utoipa::IntoParams;

use super::super::{
    error::ApiError,
    extract::{Flag, Int, Text},
};

/// Whose files, of which category, which page.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct FileQuery {
    /// Number of the person (`-` is the caller) or of the visit.
    #[param(value_type = Option<String>)]
    target_id: Option<Text<20>>,
    /// `user` (when it is not said) or `visit`.
    #[param(value_type = Option<String>)]
    target_type: Option<Text<20>>,
    /// Only of this category.
    #[param(value_type = Option<String>)]
    category_type: Option<Text<40>>,
    /// The documents on the profile too.
    #[param(value_type = Option<bool>)]
    include_shared: Option<Flag>,
    /// Rows to skip.
    #[param(value_type = Option<i64>)]
    start: Option<Int>,
    /// Number of the page, from 1; in place of `start`.
    #[param(value_type = Option<i64>)]
    page: Option<Int>,
    /// Rows to give, at most 100.
    #[param(value_type = Option<i64>)]
    limit: Option<Int>,
    /// Only what follows: the `next` of an earlier page.
    #[param(value_type = Option<String>)]
    after: Option<Text<40>>,
}

impl FileQuery {
    /// The query as the application takes it.
    pub(super) fn into_list(self, actor: &Actor) -> Result<List, ApiError> {
        let filled = |text: Option<Text<20>>| text.and_then(Text::filled);
        let limit = self.limit.map_or(20, |limit| limit.0.clamp(1, 100));
        let skipped = self.page.map(|page| page.0.saturating_sub(1).saturating_mul(limit));
        let after = match self.after.and_then(Text::filled) {
            Some(after) => {
                Some(after.parse().map_err(|_| ApiError::field("after", "must be the next of a page"))?)
            }
            None => None,
        };
        Ok(List {
            target: target(
                filled(self.target_type),
                filled(self.target_id),
                ["target_type", "target_id"],
                actor,
            )?,
            category: category(self.category_type.and_then(Text::filled), "category_type")?,
            include_shared: self.include_shared.is_some_and(|flag| flag.0),
            offset: self.start.map(|start| start.0).or(skipped).unwrap_or(0).max(0),
            after,
            limit,
        })
    }
}

/// The category of a word.
pub(super) fn category(word: Option<String>, field: &str) -> Result<Option<Category>, ApiError> {
    let Some(word) = word else { return Ok(None) };
    let known = || ApiError::field(field, "is not one of the known categories");
    Category::parse(&word).map(Some).ok_or_else(known)
}

/// The person or the visit that two fields name.
pub(super) fn target(
    kind: Option<String>,
    id: Option<String>,
    [kind_field, id_field]: [&str; 2],
    actor: &Actor,
) -> Result<Option<Target>, ApiError> {
    let id = match (id, &kind) {
        (Some(id), _) => id,
        (None, None) => return Ok(None),
        (None, Some(_)) => return Err(ApiError::field(id_field, "is missing")),
    };
    let bad = || ApiError::field(id_field, "must be an id");
    match kind.as_deref() {
        None | Some("user") if id == "-" => Ok(actor.user().map(Target::User)),
        None | Some("user") => id.parse().map(|id| Some(Target::User(id))).map_err(|_| bad()),
        Some("visit") => id.parse().map(|id| Some(Target::Visit(id))).map_err(|_| bad()),
        Some(_) => Err(ApiError::field(kind_field, "must be user or visit")),
    }
}
