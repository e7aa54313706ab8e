//! `bedside migrate`: brings the database up to date without serving.

use super::Failure;
use crate::{
    boot::{self, Surroundings},
    config::Config,
};

pub(super) async fn run(config: &Config) -> Result<(), Failure> {
    let app = boot::open_app(config, Surroundings::default()).await?;
    println!("The {} database is up to date.", app.store.engine());
    app.store.close().await;
    Ok(())
}
