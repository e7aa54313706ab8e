//! Where the contents of files lie: the settings, and what they mean.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use url::Url;

use super::{Config, ConfigError, Secret};

/// The contents of files.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Files {
    url: String,
    pub max_bytes: u64,
    pub stall_s: u64,
    pub s3: FilesS3,
}

/// Where a bucket is and who we are there.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesS3 {
    pub endpoint: String,
    pub region: String,
    pub access_key: String,
    pub secret_key: Secret,
    pub(super) secret_key_file: PathBuf,
}

/// A place for contents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilesPlace {
    /// A folder of this machine.
    Folder(PathBuf),
    /// A bucket, and what stands in front of every name in it.
    Bucket { bucket: String, prefix: String },
}

impl Config {
    /// Where calls are written while they are recorded: what is set, else
    /// `recordings` beside the SQLite file, or `data/recordings`.
    pub fn recordings_folder(&self) -> PathBuf {
        if !self.recordings.folder.as_os_str().is_empty() {
            return self.recordings.folder.clone();
        }
        let beside = self.store.sqlite_path().and_then(Path::parent);
        let beside = beside.filter(|folder| !folder.as_os_str().is_empty());
        beside.unwrap_or(Path::new("data")).join("recordings")
    }

    /// Where contents lie: what is set, else `files` beside the SQLite file, or
    /// `data/files`.
    ///
    /// # Errors
    /// A URL that is neither a folder nor a bucket.
    pub fn files_place(&self) -> Result<FilesPlace, ConfigError> {
        let url = self.files.url.trim();
        if url.is_empty() {
            let beside = self.store.sqlite_path().and_then(Path::parent);
            let beside = beside.filter(|folder| !folder.as_os_str().is_empty());
            return Ok(FilesPlace::Folder(beside.unwrap_or(Path::new("data")).join("files")));
        }
        if let Some(path) = url.strip_prefix("dir:").filter(|path| !path.is_empty()) {
            return Ok(FilesPlace::Folder(path.into()));
        }
        let parsed = Url::parse(url).ok().filter(|url| url.scheme() == "s3" && url.query().is_none());
        match parsed.as_ref().and_then(|url| Some((url.host_str()?, url.path()))) {
            Some((bucket, prefix)) => Ok(FilesPlace::Bucket {
                bucket: bucket.to_owned(),
                prefix: prefix.trim_matches('/').to_owned(),
            }),
            None => Err(ConfigError(format!(
                "files.url is `{url}`: write dir:PATH or s3://BUCKET/PREFIX, as in dir:data/files."
            ))),
        }
    }
}

/// Refuses what cannot work.
pub(super) fn check(config: &Config) -> Result<(), ConfigError> {
    config.files_place()?;
    let s3 = &config.files.s3;
    if s3.access_key.is_empty() != s3.secret_key.is_empty() {
        return Err(ConfigError(
            "files.s3 needs both access_key and secret_key; one of them is not set.".to_owned(),
        ));
    }
    let is_origin = |text: &str| {
        Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.path() == "/")
    };
    if !s3.endpoint.is_empty() && !is_origin(&s3.endpoint) {
        return Err(ConfigError(format!(
            "files.s3.endpoint is `{}`: write scheme and host only, as in https://s3.example.",
            s3.endpoint
        )));
    }
    if config.files.max_bytes == 0 || config.files.stall_s == 0 {
        return Err(ConfigError("files.max_bytes and files.stall_s must be at least 1.".to_owned()));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::{super::Sources, *};

    fn place(settings: &[(&str, &str)]) -> Result<FilesPlace, ConfigError> {
        let sources = settings
            .iter()
            .fold(Sources::default(), |sources, (name, value)| sources.flag(name, Some(value)));
        super::super::load(&sources)?.files_place()
    }

    #[test]
    fn a_url_names_a_folder_or_a_bucket() {
        assert_eq!(place(&[]).unwrap(), FilesPlace::Folder("data/files".into()));
        let beside = [("store.url", "sqlite:/srv/clinic/bedside.db")];
        assert_eq!(place(&beside).unwrap(), FilesPlace::Folder("/srv/clinic/files".into()));
        let postgres = [("store.url", "postgres://db/clinic")];
        assert_eq!(place(&postgres).unwrap(), FilesPlace::Folder("data/files".into()));
        assert_eq!(place(&[("files.url", "dir:/var/f")]).unwrap(), FilesPlace::Folder("/var/f".into()));
        let bucket = FilesPlace::Bucket { bucket: "clinic".to_owned(), prefix: "a/b".to_owned() };
        assert_eq!(place(&[("files.url", "s3://clinic/a/b/")]).unwrap(), bucket);
    }

    #[test]
    fn what_cannot_work_is_refused_by_name() {
        for (name, value) in [
            ("files.url", "data/files"),
            ("files.url", "dir:"),
            ("files.url", "https://s3.example/bucket"),
            ("files.s3.endpoint", "s3.example"),
            ("files.s3.endpoint", "https://s3.example/path"),
            ("files.s3.access_key", "AK"),
            ("files.max_bytes", "0"),
        ] {
            let error = place(&[(name, value)]).expect_err(value);
            assert!(error.0.contains(name.rsplit_once('.').unwrap().0), "{error}");
        }
    }

    #[test]
    fn the_secret_does_not_print() {
        let sources = Sources::default()
            .flag("files.s3.access_key", Some("AK"))
            .flag("files.s3.secret_key", Some("hunter2"));
        let config = super::super::load(&sources).unwrap();
        assert_eq!(config.files.s3.secret_key.expose(), "hunter2");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}
