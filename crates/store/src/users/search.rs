//! Names and addresses as searching and sorting see them: with case folded, in
//! columns of their own, since neither engine folds more than ASCII by itself.

use bedside_model::user::{Profile, folded};
use sqlx::FromRow;

use crate::{Result, Store, Tx};

/// Rows per change while older rows get their columns.
const BATCH: i64 = 500;

/// The search columns of a user.
pub(crate) struct Folded {
    pub full_name: String,
    /// Family name first.
    pub last_name: String,
    pub email: String,
}

impl Folded {
    pub(crate) fn of(profile: &Profile) -> Self {
        Self::new(&profile.first_name, &profile.last_name, &profile.email)
    }

    fn new(first_name: &str, last_name: &str, email: &str) -> Self {
        Self {
            full_name: folded(&format!("{first_name} {last_name}")),
            last_name: folded(&format!("{last_name} {first_name}")),
            email: folded(email),
        }
    }
}

#[derive(FromRow)]
struct Name {
    id: i64,
    first_name: String,
    last_name: String,
    email: String,
}

const UNFOLDED: &str = "SELECT id, first_name, last_name, email FROM users \
     WHERE full_name_search IS NULL ORDER BY id LIMIT $1";
const FOLD: &str = "UPDATE users SET full_name_search = $1, last_name_search = $2, email_search = $3 \
     WHERE id = $4 AND full_name_search IS NULL";

/// Fills the search columns of rows that a version without them wrote, a batch
/// per change. An index of just those rows makes it cheap when there are none.
///
/// # Errors
/// What the database says; what was done stays done.
pub(crate) async fn fold_old_rows(store: &Store) -> Result<()> {
    loop {
        let folded = store.write(|tx| Box::pin(fold_batch(tx))).await?;
        if folded == 0 {
            return Ok(());
        }
        tracing::info!(folded, "names of an older version can be searched now");
    }
}

async fn fold_batch(tx: &mut Tx) -> Result<usize> {
    let names = query_all!(tx, Name, UNFOLDED, BATCH)?;
    for name in &names {
        let folded = Folded::new(&name.first_name, &name.last_name, &name.email);
        execute!(tx, FOLD, &folded.full_name, &folded.last_name, &folded.email, name.id)?;
    }
    Ok(names.len())
}
