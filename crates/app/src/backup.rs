//! Backups of everything but the master key: taken while servers run, and put
//! in the place of nothing.
//!
//! A backup is a folder: the database as it was at one moment, the contents of
//! files, and a manifest with the hash of each, written last. Contents are
//! copied after the database: what a row names is there already, and what was
//! added since does no harm.

use std::{
    fs::{DirBuilder, File, OpenOptions},
    io::{Read, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Component, Path, PathBuf},
};

use bedside_model::{AccountId, At};
use bedside_store::{MasterKey, Sealed, Settings, Store, backup, house_keys};
use data_encoding::{HEXLOWER, HEXLOWER_PERMISSIVE};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Result of a backup or restore.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// The manifest's name.
const MANIFEST: &str = "manifest.json";
/// Folder of the contents inside a backup.
const FILES: &str = "files";
/// The form of backups that this version writes and reads.
const FORMAT: u32 = 1;
/// Largest manifest that is read.
const MAX_MANIFEST: u64 = 1 << 30;
/// Bytes copied at a time.
const PIECE: usize = 256 * 1024;
/// Accounts read at a time.
const BATCH: i64 = 500;

/// Why there is no backup, or none was restored.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The folder for the backup has something in it.
    #[error("{} is not empty: give a new folder for each backup", .0.display())]
    NotEmpty(PathBuf),
    /// Where the backup shall go there is something already.
    #[error("{0} is not empty: a backup is restored in the place of nothing")]
    InTheWay(String),
    /// No backup, or one that was never finished.
    #[error("{} is no finished backup: {why}", path.display())]
    NoBackup {
        /// The folder.
        path: PathBuf,
        /// What is missing.
        why: String,
    },
    /// A file of the backup is missing or was changed.
    #[error("the backup is damaged: {0}")]
    Damaged(String),
    /// Written by a newer version.
    #[error(
        "this backup was written by a newer version of Bedside (schema {found}, this version knows {known}): use that version"
    )]
    Newer {
        /// Schema of the backup.
        found: i64,
        /// Newest schema of this program.
        known: i64,
    },
    /// Of the other kind of database.
    #[error("this backup is of {found}, and store.url names {wanted}")]
    Engine {
        /// The backup's.
        found: String,
        /// The setting's.
        wanted: &'static str,
    },
    /// The master key opens nothing of it.
    #[error(
        "the master key does not open the key of account {0}: put the master key of this backup in place first"
    )]
    Key(String),
    /// A file could not be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The database could not be copied.
    #[error(transparent)]
    Store(#[from] bedside_store::Error),
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path: path.clone(), source }
}

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    /// Program that wrote it.
    version: String,
    /// `sqlite` or `postgres`.
    engine: String,
    /// Number of the newest migration.
    schema: i64,
    /// When it began, in milliseconds.
    made_at: i64,
    /// The copy of the database.
    database: Item,
    /// Contents of files lie elsewhere (a bucket) and are no part of it.
    files_elsewhere: bool,
    files: Vec<Item>,
    /// The accounts' data keys, wrapped: to see at once whether a master key
    /// fits.
    keys: Vec<WrappedKey>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Item {
    path: String,
    bytes: u64,
    sha256: String,
}

#[derive(Debug, Serialize, Deserialize)]
struct WrappedKey {
    account: String,
    data_key: String,
}

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Done {
    /// Accounts.
    pub accounts: usize,
    /// Contents of files.
    pub files: usize,
    /// Bytes in all.
    pub bytes: u64,
}

/// Copies everything into an empty folder. `files` is the folder of contents,
/// when they lie in one.
///
/// # Errors
/// An [`Error`]; a folder without a manifest is then left behind.
pub async fn write(
    store: &Store,
    settings: &Settings,
    files: Option<&Path>,
    to: &Path,
    now: At,
) -> Result<Done> {
    make_empty_folder(to)?;
    let keys = wrapped_keys(store).await?;
    let name = backup::copy(settings, to).await?;
    let (root, folder) = (to.to_owned(), files.map(Path::to_owned));
    let copied = tokio::task::spawn_blocking(move || -> Result<(Item, Vec<Item>)> {
        let database = item_of(&root, Path::new(name))?;
        let mut items = Vec::new();
        if let Some(folder) = folder.filter(|folder| folder.exists()) {
            copy_tree(&folder, &root.join(FILES), Path::new(FILES), &mut items)?;
        }
        Ok((database, items))
    });
    let (database, items) = copied.await.map_err(|_| bedside_store::Error::Panicked)??;
    let done = Done {
        accounts: keys.len(),
        files: items.len(),
        bytes: database.bytes + items.iter().map(|item| item.bytes).sum::<u64>(),
    };
    let manifest = Manifest {
        format: FORMAT,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        engine: store.engine().to_owned(),
        schema: backup::known_schema(),
        made_at: now.0,
        database,
        files_elsewhere: files.is_none(),
        files: items,
        keys,
    };
    write_manifest(to, &manifest)?;
    Ok(done)
}

fn write_manifest(to: &Path, manifest: &Manifest) -> Result<()> {
    let path = to.join(MANIFEST);
    let half = to.join("manifest.json.part");
    let file =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&half).map_err(failed(&half))?;
    let mut out = std::io::BufWriter::new(file);
    serde_json::to_writer_pretty(&mut out, manifest).map_err(|error| failed(&half)(error.into()))?;
    let file = out.into_inner().map_err(|error| failed(&half)(error.into_error()))?;
    file.sync_all().map_err(failed(&half))?;
    std::fs::rename(&half, &path).map_err(failed(&path))?;
    File::open(to).and_then(|folder| folder.sync_all()).map_err(failed(to))
}

fn make_empty_folder(path: &Path) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed(path))?;
    match std::fs::read_dir(path).map_err(failed(path))?.next() {
        None => Ok(()),
        Some(_) => Err(Error::NotEmpty(path.to_owned())),
    }
}

async fn wrapped_keys(store: &Store) -> Result<Vec<WrappedKey>> {
    let mut keys = Vec::new();
    let mut after = AccountId(String::new());
    loop {
        let mut conn = store.reader().await?;
        let rows = house_keys::list_after(&mut conn, &after, BATCH).await?;
        drop(conn);
        let Some((last, _)) = rows.last() else { return Ok(keys) };
        after = last.clone();
        keys.extend(rows.into_iter().map(|(account, key)| WrappedKey {
            account: account.0,
            data_key: HEXLOWER.encode(key.as_bytes()),
        }));
    }
}

/// Copies a folder of contents. What disappears meanwhile was deleted: its row
/// is gone too, or goes with the next restore's look at it.
fn copy_tree(from: &Path, to: &Path, name: &Path, items: &mut Vec<Item>) -> Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(to).map_err(failed(to))?;
    for entry in std::fs::read_dir(from).map_err(failed(from))? {
        let entry = entry.map_err(failed(from))?;
        let kind = entry.file_type().map_err(failed(&entry.path()))?;
        let (source, target, name) = (entry.path(), to.join(entry.file_name()), name.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&source, &target, &name, items)?;
        } else if kind.is_file() {
            match copy_file(&source, &target) {
                Ok((bytes, sha256)) => items.push(Item { path: text(&name)?, bytes, sha256 }),
                Err(Error::File { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(())
}

fn text(path: &Path) -> Result<String> {
    path.to_str().map(str::to_owned).ok_or_else(|| Error::Damaged(format!("{} is no text", path.display())))
}

/// Copies a file in pieces; gives its length and hash.
fn copy_file(from: &Path, to: &Path) -> Result<(u64, String)> {
    let mut source = File::open(from).map_err(failed(from))?;
    let mut target =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(to).map_err(failed(to))?;
    let counted = hash(&mut source, |piece| target.write_all(piece)).map_err(failed(to))?;
    target.sync_all().map_err(failed(to))?;
    Ok(counted)
}

fn hash(
    source: &mut impl Read,
    mut each: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<(u64, String)> {
    let (mut hasher, mut bytes, mut piece) = (Sha256::new(), 0, vec![0; PIECE]);
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            return Ok((bytes, HEXLOWER.encode(&hasher.finalize())));
        }
        hasher.update(&piece[..read]);
        each(&piece[..read])?;
        bytes += read as u64;
    }
}

fn item_of(root: &Path, name: &Path) -> Result<Item> {
    let path = root.join(name);
    let mut file = File::open(&path).map_err(failed(&path))?;
    let (bytes, sha256) = hash(&mut file, |_| Ok(())).map_err(failed(&path))?;
    Ok(Item { path: text(name)?, bytes, sha256 })
}

/// Puts a backup in the place of an empty database and an empty folder of
/// contents. Everything is checked before anything is written.
///
/// # Errors
/// An [`Error`].
pub async fn restore(
    settings: &Settings,
    files: Option<&Path>,
    master: &MasterKey,
    from: &Path,
) -> Result<Done> {
    let manifest = read_manifest(from)?;
    let wanted = if settings.url.starts_with("sqlite:") { "sqlite" } else { "postgres" };
    if manifest.engine != wanted {
        return Err(Error::Engine { found: manifest.engine, wanted });
    }
    if !backup::is_empty(settings).await? {
        let what =
            if wanted == "sqlite" { "the database file of store.url" } else { "the database of store.url" };
        return Err(Error::InTheWay(what.to_owned()));
    }
    let done = Done {
        accounts: manifest.keys.len(),
        files: manifest.files.len(),
        bytes: manifest.database.bytes + manifest.files.iter().map(|item| item.bytes).sum::<u64>(),
    };
    check_keys(master, &manifest)?;
    let database = from.join(&manifest.database.path);
    let (root, folder) = (from.to_owned(), files.map(Path::to_owned));
    let copied = tokio::task::spawn_blocking(move || -> Result<()> {
        check_items(&root, &manifest)?;
        match folder {
            Some(folder) => put_files(&root, &folder, &manifest.files),
            None if manifest.files.is_empty() => Ok(()),
            None => {
                Err(Error::InTheWay("The file store is a bucket, and the backup holds files: it".to_owned()))
            }
        }
    });
    copied.await.map_err(|_| bedside_store::Error::Panicked)??;
    backup::restore(settings, &database).await?;
    check_restored(settings, master).await?;
    Ok(done)
}

fn read_manifest(from: &Path) -> Result<Manifest> {
    let no_backup = |why: String| Error::NoBackup { path: from.to_owned(), why };
    let file = File::open(from.join(MANIFEST)).map_err(|error| no_backup(error.to_string()))?;
    let manifest: Manifest = serde_json::from_reader(std::io::BufReader::new(file.take(MAX_MANIFEST)))
        .map_err(|error| no_backup(error.to_string()))?;
    if manifest.format != FORMAT {
        return Err(no_backup(format!("its form {} is not known here", manifest.format)));
    }
    let known = backup::known_schema();
    if manifest.schema > known {
        return Err(Error::Newer { found: manifest.schema, known });
    }
    Ok(manifest)
}

fn check_keys(master: &MasterKey, manifest: &Manifest) -> Result<()> {
    for key in &manifest.keys {
        let wrapped = HEXLOWER_PERMISSIVE.decode(key.data_key.as_bytes()).ok().map(Sealed::from_bytes);
        let wrapped = wrapped.ok_or_else(|| Error::Damaged(format!("the key of account {}", key.account)))?;
        master.open_vault(&key.account, &wrapped).map_err(|_| Error::Key(key.account.clone()))?;
    }
    Ok(())
}

/// Every path stays inside the backup, and every content is what it was.
fn check_items(root: &Path, manifest: &Manifest) -> Result<()> {
    for item in std::iter::once(&manifest.database).chain(&manifest.files) {
        let path = Path::new(&item.path);
        if path.components().any(|part| !matches!(part, Component::Normal(_))) {
            return Err(Error::Damaged(format!("{} leads out of it", item.path)));
        }
        let found = item_of(root, path).map_err(|error| Error::Damaged(error.to_string()))?;
        if (found.bytes, &found.sha256) != (item.bytes, &item.sha256) {
            return Err(Error::Damaged(format!("{} was changed", item.path)));
        }
    }
    Ok(())
}

/// Into a folder beside, which then takes the place: half a copy is never there.
fn put_files(root: &Path, folder: &Path, items: &[Item]) -> Result<()> {
    if folder.exists() {
        if std::fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
            return Err(Error::InTheWay(folder.display().to_string()));
        }
        std::fs::remove_dir(folder).map_err(failed(folder))?;
    }
    if items.is_empty() {
        return Ok(());
    }
    let mut half = folder.as_os_str().to_owned();
    half.push(".restoring");
    let half = PathBuf::from(half);
    if half.exists() {
        std::fs::remove_dir_all(&half).map_err(failed(&half))?;
    }
    for item in items {
        let inside = Path::new(&item.path);
        let inside = inside
            .strip_prefix(FILES)
            .map_err(|_| Error::Damaged(format!("{} is no file of a clinic", item.path)))?;
        let target = half.join(inside);
        if let Some(parent) = target.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(parent).map_err(failed(parent))?;
        }
        copy_file(&root.join(&item.path), &target)?;
    }
    std::fs::rename(&half, folder).map_err(failed(folder))
}

/// Opens the restored database, brings it up to date, and opens every key.
async fn check_restored(settings: &Settings, master: &MasterKey) -> Result<()> {
    let settings = Settings { master_key: Some(master.clone()), ..settings.clone() };
    let store = Store::open(&settings).await?;
    let mut after = AccountId(String::new());
    loop {
        let mut conn = store.reader().await?;
        let rows = house_keys::list_after(&mut conn, &after, BATCH).await?;
        drop(conn);
        for (account, wrapped) in &rows {
            master.open_vault(account.as_str(), wrapped).map_err(|_| Error::Key(account.0.clone()))?;
        }
        match rows.into_iter().next_back() {
            Some((last, _)) => after = last,
            None => break,
        }
    }
    store.close().await;
    Ok(())
}
