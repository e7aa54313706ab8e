//! Certificate and key: loaded at the start, read again when they change.

use std::{
    path::Path,
    time::{Duration, SystemTime},
};

use axum_server::tls_rustls::RustlsConfig;
use tokio_util::sync::CancellationToken;

use super::StartError;
use crate::config::Tls;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(10);

/// Reads certificate and key.
pub(super) async fn load(cert: &Path, key: &Path) -> Result<RustlsConfig, StartError> {
    RustlsConfig::from_pem_file(cert, key).await.map_err(|e| {
        StartError(format!(
            "Cannot use the certificate {} with the key {}: {e}. Check server.tls.cert_file and server.tls.key_file.",
            cert.display(),
            key.display()
        ))
    })
}

/// Renewed certificates take effect without a restart. A broken renewal is
/// logged and the old one stays.
pub(super) async fn reload_on_change(config: RustlsConfig, tls: Tls, stopping: CancellationToken) {
    let Some((cert, key)) = tls.files() else {
        return;
    };
    let mut seen = (changed_at(cert), changed_at(key));
    loop {
        tokio::select! {
            () = stopping.cancelled() => return,
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let now = (changed_at(cert), changed_at(key));
        if now == seen {
            continue;
        }
        seen = now;
        match config.reload_from_pem_file(cert, key).await {
            Ok(()) => tracing::info!("certificate reloaded"),
            Err(error) => {
                tracing::error!(%error, "the changed certificate cannot be used; the old one stays")
            }
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    path.metadata().and_then(|meta| meta.modified()).ok()
}
