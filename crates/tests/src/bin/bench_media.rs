//! Processor time of the call node per forwarded packet, one JSON object per
//! line for 1 to N subscribers: `bench_media --subscribers N`.

use anyhow::{Context, Result};
use bedside_tests::media::load::media_cpu;

#[tokio::main(flavor = "multi_thread", worker_threads = 1)]
async fn main() -> Result<()> {
    let mut args = std::env::args().skip(1);
    let usage = "usage: bench_media --subscribers N";
    anyhow::ensure!(args.next().as_deref() == Some("--subscribers"), usage);
    let most: usize = args.next().context(usage)?.parse().context(usage)?;
    for subscribers in 1..=most {
        println!("{}", serde_json::to_string(&media_cpu(subscribers).await?)?);
    }
    Ok(())
}
