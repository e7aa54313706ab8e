//! Copies of the whole database: taken while it is in use, and put in the place
//! of an empty one. SQLite copies itself; for Postgres its own programs do it.

use std::{
    fs::OpenOptions,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use sqlx::{ConnectOptions, Connection, PgConnection, sqlite::SqliteConnectOptions};
use tokio::process::Command;
use url::Url;

use crate::{Error, Result, Settings, migrate, settings::Target};

/// Name of a copy of a SQLite database.
pub const SQLITE_COPY: &str = "bedside.db";
/// Name of a copy of a Postgres database, in its custom format.
pub const POSTGRES_COPY: &str = "bedside.dump";

/// Number of the newest schema that this program knows.
#[must_use]
pub fn known_schema() -> i64 {
    migrate::known()
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::File { path: path.clone(), source }
}

/// Copies the database as it is at one moment into a folder, while others read
/// and write it. Gives the copy's name.
///
/// # Errors
/// [`Error::File`], [`Error::Full`], [`Error::Program`].
pub async fn copy(settings: &Settings, folder: &Path) -> Result<&'static str> {
    match settings.target()? {
        Target::Sqlite(database) => {
            let copy = folder.join(SQLITE_COPY);
            // Made first, so that it is never readable by others.
            private_file(&copy)?;
            let mut conn = SqliteConnectOptions::new().filename(&database).read_only(true).connect().await?;
            let path = copy.to_str().ok_or(Error::Value("the backup's path: it is no text"))?;
            sqlx::query("VACUUM INTO $1").bind(path).execute(&mut conn).await?;
            conn.close().await?;
            let file = std::fs::File::open(&copy).map_err(failed(&copy))?;
            file.sync_all().map_err(failed(&copy))?;
            Ok(SQLITE_COPY)
        }
        Target::Postgres => {
            let copy = folder.join(POSTGRES_COPY);
            private_file(&copy)?;
            let mut command = program("pg_dump", &settings.url)?;
            command.args(["--format=custom", "--no-owner", "--no-privileges", "--file"]).arg(&copy);
            run("pg_dump", command).await?;
            Ok(POSTGRES_COPY)
        }
    }
}

fn private_file(path: &Path) -> Result<()> {
    let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    made.map(drop).map_err(failed(path))
}

/// Is nothing there yet that a restored copy would replace?
///
/// # Errors
/// What the file system or the server says.
pub async fn is_empty(settings: &Settings) -> Result<bool> {
    const TABLES: &str =
        "SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = current_schema()";
    match settings.target()? {
        Target::Sqlite(database) => {
            let companions = ["", "-wal", "-shm", "-journal"].map(|end| {
                let mut name = database.clone().into_os_string();
                name.push(end);
                PathBuf::from(name)
            });
            for path in companions {
                if path.try_exists().map_err(failed(&path))? {
                    return Ok(false);
                }
            }
            Ok(true)
        }
        Target::Postgres => {
            let mut conn = PgConnection::connect(&settings.url).await?;
            let tables: i64 = sqlx::query_scalar(TABLES).fetch_one(&mut conn).await?;
            conn.close().await?;
            Ok(tables == 0)
        }
    }
}

/// Puts a copy in the place of an empty database. Either all of it is there
/// afterwards or nothing.
///
/// # Errors
/// [`Error::File`], [`Error::Program`]; [`Error::Url`] for the other engine's copy.
pub async fn restore(settings: &Settings, copy: &Path) -> Result<()> {
    match (settings.target()?, copy.extension().and_then(|end| end.to_str())) {
        (Target::Sqlite(database), Some("db")) => put_in_place(copy, &database),
        (Target::Postgres, Some("dump")) => {
            let mut command = program("pg_restore", &settings.url)?;
            command
                .args(["--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges"])
                .arg(copy);
            run("pg_restore", command).await
        }
        _ => Err(Error::Url),
    }
}

fn put_in_place(copy: &Path, database: &Path) -> Result<()> {
    let mut half = database.as_os_str().to_owned();
    half.push(".restoring");
    let half = PathBuf::from(half);
    let folder = database.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    // Left by a restore that was cut off.
    if half.try_exists().map_err(failed(&half))? {
        std::fs::remove_file(&half).map_err(failed(&half))?;
    }
    private_file(&half)?;
    let mut from = std::fs::File::open(copy).map_err(failed(copy))?;
    let mut to = OpenOptions::new().write(true).open(&half).map_err(failed(&half))?;
    std::io::copy(&mut from, &mut to).map_err(failed(&half))?;
    to.sync_all().map_err(failed(&half))?;
    std::fs::rename(&half, database).map_err(failed(database))?;
    std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed(folder))
}

/// One of Postgres's programs, told where the database is. The password goes by
/// its environment: arguments can be seen by everybody on the machine.
fn program(name: &'static str, url: &str) -> Result<Command> {
    let mut url = Url::parse(url).map_err(|_| Error::Url)?;
    let path = find(name).ok_or_else(|| Error::Program {
        program: name,
        said: "is not installed: it comes with Postgres's client programs".to_owned(),
    })?;
    let mut command = Command::new(path);
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password)?);
        // Only URLs without a host refuse this, and those have no password.
        url.set_password(None).map_err(|()| Error::Url)?;
    }
    command
        .arg("--dbname")
        .arg(url.as_str())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped());
    command.kill_on_drop(true);
    Ok(command)
}

/// `%40` and the like as the characters they stand for.
fn decoded(text: &str) -> Result<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let digits = [rest.next().ok_or(Error::Url)?, rest.next().ok_or(Error::Url)?];
        let digits = str::from_utf8(&digits).map_err(|_| Error::Url)?;
        bytes.push(u8::from_str_radix(digits, 16).map_err(|_| Error::Url)?);
    }
    String::from_utf8(bytes).map_err(|_| Error::Url)
}

/// On the path, else the newest where Debian puts those that fit one server.
fn find(name: &str) -> Option<PathBuf> {
    const DEBIAN: &str = "/usr/lib/postgresql";
    let version = |path: &Path| path.file_name()?.to_str()?.parse::<u32>().ok();
    let mut newest: Vec<(u32, PathBuf)> = std::fs::read_dir(DEBIAN)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter_map(|path| Some((version(&path)?, path.join("bin").join(name))))
        .filter(|(_, path)| path.is_file())
        .collect();
    newest.sort();
    // The wrapper in /usr/bin chooses by its own rules, so it comes last.
    let common =
        ["/usr/local/bin", "/opt/homebrew/bin", "/usr/bin"].map(|folder| Path::new(folder).join(name));
    newest.pop().map(|(_, path)| path).or_else(|| common.into_iter().find(|path| path.is_file()))
}

async fn run(program: &'static str, mut command: Command) -> Result<()> {
    let failed = |said: String| Error::Program { program, said };
    let output = command.output().await.map_err(|error| failed(format!("cannot be run: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("without a word");
    Err(failed(format!("failed: {last}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_read_as_it_was_written() {
        assert_eq!(decoded("p%40ss%2Fword").unwrap(), "p@ss/word");
        assert_eq!(decoded("plain").unwrap(), "plain");
        for wrong in ["%", "%4", "%zz", "%ff"] {
            assert!(decoded(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_password_is_no_argument() {
        let Ok(command) = program("pg_dump", "postgres://user:s3cr%40t@127.0.0.1:5/db") else { return };
        let shown: Vec<_> = command.as_std().get_args().map(|a| a.to_string_lossy().into_owned()).collect();
        assert!(shown.iter().all(|argument| !argument.contains("s3cr")), "{shown:?}");
        let password = command.as_std().get_envs().find(|(name, _)| *name == "PGPASSWORD");
        assert_eq!(password.and_then(|(_, value)| value), Some("s3cr@t".as_ref()));
    }
}
