//! `cargo xtask bench`: what the server does with two cores, each figure
//! beside something measured in the same run. Only ratios travel between
//! machines; the absolute numbers say what was seen on one.

mod availability;
mod care;
mod http;
mod lists;
mod media;
mod report;
mod reports;
mod sections;
mod start;
mod streams;
mod subject;
mod visits;
mod webhooks;

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
    /// Visits in the clinic of the lists benchmark.
    #[arg(long, default_value_t = 1_000_000)]
    old_visits: usize,
    /// Patients in the clinic of the lists benchmark.
    #[arg(long, default_value_t = 200_000)]
    old_users: usize,
    /// Appointments in the clinic of the availability benchmark.
    #[arg(long, default_value_t = 100_000)]
    appointments: usize,
    /// Idle event streams that are held open at once.
    #[arg(long, default_value_t = 10_000)]
    streams: usize,
    /// Deliveries per run of the webhooks benchmark.
    #[arg(long, default_value_t = 4_000)]
    deliveries: usize,
    /// Measure this part alone; nothing is written.
    #[arg(long, value_parser = ["start", "visits", "lists", "availability", "streams", "webhooks", "media", "reports", "care"])]
    only: Option<String>,
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
    let profile = if options.dev { Profile::Dev } else { Profile::Release };
    let built = if options.built {
        stages.run("what was built before", || Ok(()))
    } else {
        let installed = stages.run("web packages", || web::install(root));
        let pages = stages.after(installed, "web build", || web::build(root));
        stages.after(pages, "build", || server::build_measured(root, profile))
    };
    let binary = server::binary_of(root, profile);
    let scratch = server::target(root).join("bench");

    let wanted = |part: &str| options.only.as_deref().is_none_or(|only| only == part);
    figures.load_before = report::load_average();
    if wanted("start") {
        stages.after(built, "start and memory", || {
            figures.start = Some(start::measure(&binary, &scratch, options.starts)?);
            Ok(())
        });
    }
    if wanted("visits") {
        stages.after(built, "visits per second", || {
            figures.visits = Some(visits::measure(&binary, &scratch, options)?);
            Ok(())
        });
    }
    if wanted("lists") {
        stages.after(built, "lists and sign-ins", || {
            figures.lists = Some(lists::measure(&binary, &scratch, &server::target(root), options)?);
            Ok(())
        });
    }
    if wanted("availability") {
        stages.after(built, "free times and bookings", || {
            figures.availability =
                Some(availability::measure(&binary, &scratch, &server::target(root), options)?);
            Ok(())
        });
    }
    if wanted("streams") {
        stages.after(built, "event streams", || {
            figures.streams = Some(streams::measure(&binary, &scratch, options)?);
            Ok(())
        });
    }
    if wanted("webhooks") {
        stages.after(built, "webhooks", || {
            figures.webhooks = Some(webhooks::measure(&binary, &scratch, options)?);
            Ok(())
        });
    }
    if wanted("reports") {
        stages.after(built, "reports", || {
            figures.reports = Some(reports::measure(&binary, &scratch, &server::target(root), options)?);
            Ok(())
        });
    }
    if wanted("care") {
        stages.after(built, "around a visit", || {
            figures.care = Some(care::measure(&binary, &scratch, &server::target(root), options)?);
            Ok(())
        });
    }
    if wanted("media") {
        stages.after(built, "media", || {
            let folder = binary.parent().unwrap_or(root);
            figures.media = Some(media::measure(root, folder, &scratch)?);
            Ok(())
        });
    }
    // A page with a part missing would read as if that part had been measured; a
    // part that was asked for alone takes its own section's place.
    if let Some(only) = options.only.as_deref().filter(|_| !options.dev) {
        stages.run("docs/benchmarks.md", || report::write_part(root, &figures, only));
    }
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
