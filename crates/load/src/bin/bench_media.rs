//! Load on a server of calls, and what it costs; one line of JSON per scenario:
//!
//! `bench_media livekit URL KEY SECRET | janus URL, then PID IP SECONDS SCENARIO…`
//!
//! `bench_media return URL KEY SECRET IP PEERS SERVER ARGUMENT…` kills and
//! starts that server in mid-call.
//!
//! PID is the server's process, IP this machine's address towards it, and a
//! SCENARIO `fan:N`, `mesh:N` or `pairs:N`.

use std::time::Duration;

use anyhow::{Context, Result};
use bedside_load::{Process, Scenario, Target, livekit::Door, returning};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let kind = next(&mut args, "the protocol")?;
    let target = match kind.as_str() {
        "return" => {
            let (door, ip, peers) = (
                door(&mut args)?,
                next(&mut args, "the address")?.parse()?,
                next(&mut args, "the number")?.parse()?,
            );
            let server: Vec<String> = args.collect();
            let seen = returning::run(&door, ip, peers, &server).await?;
            println!("{}", serde_json::to_string(&seen)?);
            return Ok(());
        }
        "livekit" => Target::LiveKit(door(&mut args)?),
        "janus" => Target::Janus(next(&mut args, "the URL")?),
        other => anyhow::bail!("no protocol {other:?}: livekit, janus or return"),
    };
    let server = Process(next(&mut args, "the process id")?.parse()?);
    let ip = next(&mut args, "the address")?.parse()?;
    let length = Duration::from_secs(next(&mut args, "the length")?.parse()?);
    for scenario in args {
        let scenario: Scenario = scenario.parse()?;
        let figures = bedside_load::run(&target, server, ip, &scenario, length).await?;
        println!("{}", serde_json::to_string(&figures)?);
    }
    Ok(())
}

fn next(args: &mut impl Iterator<Item = String>, name: &str) -> Result<String> {
    args.next().with_context(|| format!("{name} is missing"))
}

fn door(args: &mut impl Iterator<Item = String>) -> Result<Door> {
    Ok(Door { url: next(args, "the URL")?, key: next(args, "the key")?, secret: next(args, "the secret")? })
}
