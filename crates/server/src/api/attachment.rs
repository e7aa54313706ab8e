//! A file that hangs on an intake, in the older shape (contract core.md 3.3).

use bedside_app::files::FileView;
use bedside_model::{At, file};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// A file that hangs on an intake. In a list of visits only its identifier is
/// there.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct Attachment {
    /// UUID of the file.
    _id: String,
    /// The same.
    id: String,
    #[serde(flatten)]
    about: Option<About>,
}

/// What is known of the file.
#[derive(Debug, Serialize, ToSchema)]
pub struct About {
    name: String,
    /// Where the content is, for a quarter of an hour.
    path: String,
    /// Bytes.
    size: u64,
    /// Without a dot.
    ext: String,
    r#type: i64,
    creator_id: String,
    remark: Option<String>,
    using: i64,
    created: Moment,
    modified: Moment,
}

/// An instant in two parts.
#[derive(Debug, Serialize, ToSchema)]
pub struct Moment {
    /// UNIX seconds.
    sec: i64,
    /// Microseconds in the second.
    usec: i64,
}

impl From<At> for Moment {
    fn from(at: At) -> Self {
        Self { sec: at.0.div_euclid(1000), usec: at.0.rem_euclid(1000) * 1000 }
    }
}

impl Attachment {
    /// The files that an intake's answer names.
    pub fn named(answer: Value) -> Vec<Self> {
        let Value::Array(ids) = answer else { return Vec::new() };
        ids.iter()
            .filter_map(Value::as_str)
            .map(|id| Self { _id: id.to_owned(), id: id.to_owned(), about: None })
            .collect()
    }
}

impl From<FileView> for Attachment {
    fn from(view: FileView) -> Self {
        let FileView { file, name, link, .. } = view;
        let name = name.into_inner();
        Self {
            _id: file.id.to_string(),
            id: file.id.to_string(),
            about: Some(About {
                ext: file::extension(&name, file.kind),
                name,
                path: format!("/files/view/{}?auth_code={}&time={}", link.id, link.auth_code, link.time),
                size: file.size_bytes,
                r#type: 0,
                creator_id: file.owner.to_string(),
                remark: None,
                using: 1,
                created: file.created_at.into(),
                modified: file.updated_at.into(),
            }),
        }
    }
}

/// Files as attachments.
pub fn attachments_of(files: Vec<FileView>) -> Vec<Attachment> {
    files.into_iter().map(Attachment::from).collect()
}
