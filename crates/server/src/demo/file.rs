//! `demo.json`: everything a script needs to play the demo clinic's portal. It
//! is also the demo's memory: credentials that the database knows only as
//! hashes are kept by a restart because they stand here.

use std::{
    fs::OpenOptions,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
};

use serde::{Deserialize, Serialize};

/// The file's content.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct DemoFile {
    pub base_url: String,
    pub portal_base_url: String,
    pub api_base: String,
    pub account_code: String,
    pub portal_name: String,
    pub api_key: String,
    pub api_secret: String,
    pub admin_token: String,
    pub rooms: Vec<Room>,
    pub providers: Vec<Person>,
    pub patients: Vec<Person>,
    pub admin: Admin,
}

/// A waiting room.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Room {
    pub id: String,
    pub code: String,
    pub slug: String,
    pub name: String,
    pub url: String,
}

/// A patient or provider.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Person {
    /// Empty until the person is made.
    pub id: String,
    pub code: String,
    pub username: String,
    pub password: String,
    pub title: String,
    pub first_name: String,
    pub last_name: String,
    pub dob: String,
}

impl Person {
    /// The name as a patient reads it: "Dr Amara Osei".
    pub fn shown_name(&self) -> String {
        format!("{} {} {}", self.title, self.first_name, self.last_name).trim().to_owned()
    }
}

/// The clinic's admin.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Admin {
    pub username: String,
    /// Empty until it is set.
    pub password: String,
}

impl DemoFile {
    /// Reads the file; `None` when there is none yet.
    ///
    /// # Errors
    /// It cannot be read, or is no such file.
    pub fn read(path: &Path) -> io::Result<Option<Self>> {
        match std::fs::read(path) {
            Ok(bytes) => Ok(Some(serde_json::from_slice(&bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Writes the file for its owner only, in one step: a reader sees the old
    /// content or the new.
    ///
    /// # Errors
    /// The folder cannot be written to.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let draft = path.with_extension("json.new");
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        std::fs::rename(&draft, path)
    }
}
