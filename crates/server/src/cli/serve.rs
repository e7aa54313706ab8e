//! `bedside serve`: runs the server until it is told to stop.

use std::net::SocketAddr;

use bedside_app::accounts;
use clap::Args;
use tokio::signal::unix::{SignalKind, signal};

use super::{Failure, load};
use crate::{
    boot::{self, Running, Surroundings},
    config::Sources,
    logs,
};

#[derive(Debug, Args)]
pub(super) struct Serve {
    /// Address and port, as in 0.0.0.0:8080.
    #[arg(long, value_name = "ADDR")]
    listen: Option<SocketAddr>,
}

impl Serve {
    pub(super) async fn run(self, sources: Sources) -> Result<(), Failure> {
        let config = load(&sources.flag("server.listen", self.listen))?;
        logs::start(&config.log)?;
        let running = boot::start(config, Surroundings::default()).await?;
        if accounts::count(&running.app).await? == 0 {
            println!("There is no account yet. Make the first one with:");
            println!("  bedside account create --code CODE --name NAME");
        }
        if !running.addr.ip().is_loopback() && running.base_url.starts_with("http://") {
            println!(
                "Other machines get no camera from here: browsers want HTTPS (server.public_url, server.tls)."
            );
        }
        println!("listening on {}", running.base_url);
        until_told_to_stop(running).await
    }
}

/// Waits for SIGTERM or SIGINT and stops in order; a second one stops at once.
pub(super) async fn until_told_to_stop(running: Running) -> Result<(), Failure> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut told = async || {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    };
    told().await;
    tracing::info!("stopping");
    tokio::select! {
        () = running.stop() => tracing::info!("stopped"),
        () = told() => tracing::warn!("stopped at once"),
    }
    Ok(())
}
