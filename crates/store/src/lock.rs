//! The lock file beside a SQLite database: one `serve` at a time.

use std::{
    fs::{File, OpenOptions, TryLockError},
    path::Path,
};

use crate::{Error, Result};

/// Held as long as it lives; the system releases it when the process ends,
/// however it ends. The file itself stays.
pub(crate) struct ServingLock(#[expect(dead_code, reason = "held for its lock")] File);

/// Takes `<database>.lock`, or says who has it.
pub(crate) fn take(database: &Path) -> Result<ServingLock> {
    let mut path = database.as_os_str().to_owned();
    path.push(".lock");
    let failed = |source| Error::File { path: path.clone().into(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(&path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(ServingLock(file)),
        Err(TryLockError::WouldBlock) => Err(Error::Locked(database.to_owned())),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}
