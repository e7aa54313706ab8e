//! `cargo xtask bench`: what the server does with two cores, each figure
//! beside something measured in the same run. Only ratios travel between
//! machines; the absolute numbers say what was seen on one.

mod http;
mod lists;
mod media;
mod report;
mod start;
mod subject;
mod visits;

use std::path::Path;

use anyhow::Result;

use crate::{
    machine,
    server::{self, Profile},
    stages::Stages,
    web,
};

/// What to measure.
#[derive(clap::Args)]
pub struct Options {
    /// Rounds of the visits benchmark; each round loads both servers in turn.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// Visits created per round and server.
    #[arg(long, default_value_t = 4000)]
    visits: usize,
    /// Clients that create visits at the same time.
    #[arg(long, default_value_t = 32)]
    clients: usize,
    /// Starts measured for the time to readiness.
    #[arg(long, default_value_t = 10)]
    starts: usize,
    /// Largest number of subscribers in the media benchmark.
    #[arg(long, default_value_t = 10)]
    subscribers: usize,
    /// Visits in the clinic of the lists benchmark.
    #[arg(long, default_value_t = 1_000_000)]
    old_visits: usize,
    /// Patients in the clinic of the lists benchmark.
    #[arg(long, default_value_t = 200_000)]
    old_users: usize,
    /// Measure what was built before, however old it is.
    #[arg(long)]
    built: bool,
    /// Try the benchmark itself on the development build; nothing is written.
    #[arg(long)]
    dev: bool,
}

/// Builds the release binary, measures, and writes `docs/benchmarks.md`.
pub fn run(root: &Path, options: &Options) -> Result<()> {
    machine::ensure(&[&machine::COMPILER, &machine::NODE], false)?;
    let mut stages = Stages::new();
    let mut figures = report::Figures::default();
    let installed = stages.run("web packages", || web::install(root));
    let pages = stages.after(installed, "web build", || web::build(root));
    let profile = if options.dev { Profile::Dev } else { Profile::Release };
    let built = stages
        .after(pages, "build", || if options.built { Ok(()) } else { server::build_measured(root, profile) });
    let binary = server::binary_of(root, profile);
    let scratch = server::target(root).join("bench");

    figures.load_before = report::load_average();
    stages.after(built, "start and memory", || {
        figures.start = Some(start::measure(&binary, &scratch, options.starts)?);
        Ok(())
    });
    stages.after(built, "visits per second", || {
        figures.visits = Some(visits::measure(&binary, &scratch, options)?);
        Ok(())
    });
    stages.after(built, "lists and sign-ins", || {
        figures.lists = Some(lists::measure(&binary, &scratch, &server::target(root), options)?);
        Ok(())
    });
    stages.after(built, "media", || {
        figures.media = Some(media::measure(&binary.with_file_name("bench_media"), options.subscribers)?);
        Ok(())
    });
    // A page with a part missing would read as if that part had been measured.
    let measured = !options.dev && figures.is_complete();
    if measured {
        stages.run("docs/benchmarks.md", || report::write(root, &figures));
    }
    stages.finish()
}

/// The middle one of some measurements.
fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (n, half) if n % 2 == 0 => f64::midpoint(sorted[half - 1], sorted[half]),
        (_, half) => sorted[half],
    }
}

/// The value below which the given share (0 to 1) of the measurements lies.
fn percentile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    if sorted.is_empty() {
        return f64::NAN;
    }
    let place = (share * sorted.len() as f64).ceil() as usize;
    sorted[place.clamp(1, sorted.len()) - 1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_percentiles() {
        assert_eq!(median(&[3.0, 1.0, 2.0]), 2.0);
        assert_eq!(median(&[4.0, 1.0, 2.0, 3.0]), 2.5);
        let hundred: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(percentile(&hundred, 0.99), 99.0);
        assert_eq!(percentile(&hundred, 0.5), 50.0);
        assert_eq!(percentile(&[7.0], 0.99), 7.0);
    }
}
