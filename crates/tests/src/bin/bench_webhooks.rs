//! The receiver and the load of the webhooks benchmark. `bench_webhooks ADDRESS
//! TOKEN CLIENTS CHANGES BAD` changes rooms over HTTP from that many clients,
//! each waiting until its change has reached the receiver; with BAD `1` beside an
//! endpoint that hangs and one that answers 500. Prints, as JSON, the seconds of
//! it all and each change's milliseconds until it was received.

use std::{collections::HashMap, time::Instant};

use anyhow::{Context, Result, bail, ensure};
use bedside_tests::kit::{Client, Receiver, Reply};
use serde_json::{Value, json};
use tokio::sync::mpsc;

const USAGE: &str = "usage: bench_webhooks ADDRESS TOKEN CLIENTS CHANGES 0|1";

#[tokio::main]
async fn main() -> Result<()> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [address, token, clients, changes, bad] = args.as_slice() else { bail!(USAGE) };
    let (clients, changes): (usize, usize) = (clients.parse()?, changes.parse()?);
    let admin = Client::new(&format!("http://{address}")).header("X-ApiToken", token);
    // Another run on the same server has rooms of its own.
    let pid = std::process::id();
    let mut rooms = Vec::new();
    let (mut hears, mut tells) = (Vec::new(), HashMap::new());
    for n in 0..clients {
        let code = format!("bench-{pid}-{clients}-{bad}-{n}");
        let body = json!({ "slug": code, "code": code, "name": "Bench" });
        let room = admin.post("/rooms", body).await.data();
        let (tell, hear) = mpsc::unbounded_channel::<Instant>();
        let id = room["id"].as_str().context("a room without an id")?.to_owned();
        tells.insert(id, tell);
        hears.push(hear);
        rooms.push(code);
    }
    let receiver = Receiver::answering(move |got| {
        let body = got.json();
        let tell = body["data"]["room_id"].as_str().and_then(|room| tells.get(room));
        // Whoever is done counts no more.
        let _ = tell.map(|tell| tell.send(Instant::now()));
        Reply::Status(200)
    })
    .await;
    let hanging = Receiver::answering(|_| Reply::Hang).await;
    let failing = Receiver::answering(|_| Reply::Status(500)).await;
    let mut endpoints = vec![&receiver];
    if bad == "1" {
        endpoints.extend([&hanging, &failing]);
    }
    let mut hooks: Vec<Value> = Vec::new();
    for endpoint in endpoints {
        let body = json!({ "url": endpoint.url, "events": "room.updated" });
        hooks.push(admin.post("/webhooks", body).await.data());
    }
    let began = Instant::now();
    let each = changes.div_ceil(clients);
    let work = rooms.into_iter().zip(hears).map(|(room, hear)| run(admin.clone(), room, hear, each));
    let took: Vec<f64> = futures_util::future::try_join_all(work.map(tokio::spawn))
        .await?
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .concat();
    let seconds = began.elapsed().as_secs_f64();
    for hook in hooks {
        let path = format!("/webhooks/{}", hook["id"].as_str().unwrap_or_default());
        admin.request(reqwest::Method::DELETE, &path).send().await?.error_for_status()?;
    }
    println!("{}", json!({ "seconds": seconds, "took_ms": took }));
    Ok(())
}

async fn run(
    admin: Client,
    room: String,
    mut hear: mpsc::UnboundedReceiver<Instant>,
    changes: usize,
) -> Result<Vec<f64>> {
    let mut took = Vec::with_capacity(changes);
    for n in 0..changes {
        let began = Instant::now();
        let answer = admin.post(&format!("/rooms/{room}"), json!({ "name": format!("Bench {n}") })).await;
        ensure!(answer.status == 200, "the change was refused: {}", answer.text);
        let at = hear.recv().await.context("the receiver has ended")?;
        took.push(at.saturating_duration_since(began).as_secs_f64() * 1e3);
    }
    Ok(took)
}
