//! `bedside health`: asks the configured address for `/healthz`. With TLS an
//! open port is answer enough.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    process::ExitCode,
    time::Duration,
};

use tokio::net::TcpStream;

use super::Failure;
use crate::{config::Config, http::plain};

const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> Result<ExitCode, Failure> {
    let addr = reachable(config.server.listen);
    let is_well = tokio::time::timeout(LIMIT, ask(addr, config.server.tls.files().is_some()));
    match is_well.await {
        Ok(Ok(true)) => {
            println!("well");
            Ok(ExitCode::SUCCESS)
        }
        Ok(Ok(false)) => Err(Failure(format!("The server on {addr} is not well."))),
        Ok(Err(error)) => Err(Failure(format!("No server answers on {addr}: {error}."))),
        Err(_) => Err(Failure(format!("The server on {addr} does not answer within {} s.", LIMIT.as_secs()))),
    }
}

/// "All addresses" is no address to connect to.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

async fn ask(addr: SocketAddr, tls: bool) -> std::io::Result<bool> {
    if tls {
        return TcpStream::connect(addr).await.map(|_| true);
    }
    let (status, _) = plain::request(addr, "GET", "/healthz", &[], "").await?;
    Ok(status == 200)
}
