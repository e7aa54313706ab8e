//! The section of `docs/benchmarks.md`.

use std::fmt::Write;

use anyhow::Result;

use super::{Figures, Row, SECONDS};

/// Times less processor time per packet than Janus that were aimed at.
const LESS_THAN_JANUS: f64 = 4.0;
const BACK_MS: f64 = 5_000.0;

pub fn write(page: &mut String, figures: &Figures) -> Result<()> {
    write!(
        page,
        "\n## Media\n\n\
         Every camera sends 180 video packets of 1100 bytes and 50 of audio a second. Servers run in {};\n\
         the load (`bench_media`) drives Bedside and LiveKit's server by LiveKit's signalling, Janus by its VideoRoom's.\n\
         Bedside is the bare call node, a thread per core; each server is a fresh process for every scenario, measured for\n\
         {SECONDS} s, at a higher priority than whatever else ran. A packet counts when a receiver has it; its delay is from its making to its decryption, both in the load's\n\
         one thread. Joining is from the first byte of signalling to the first video, of people who come all at once.\n\n\
         | | server | packets/s | of those sent | CPU per packet | one core | delay p50 | p99 | join p50 | slowest | memory per receiver |\n\
         | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n",
        figures.place
    )?;
    for row in &figures.rows {
        line(page, row)?;
    }
    writeln!(page)?;
    for lacking in &figures.lacking {
        writeln!(page, "Not measured: {lacking}.\n")?;
    }
    for (scenario, ours) in
        figures.rows.iter().filter(|row| row.server == "Bedside").map(|r| (&r.scenario, r))
    {
        for other in figures.rows.iter().filter(|row| row.scenario == *scenario && row.server != "Bedside") {
            writeln!(page, "{}", ratio(ours, other))?;
        }
    }
    let soon = if figures.back_ms <= BACK_MS { "within" } else { "beyond" };
    writeln!(
        page,
        "\nA server killed in mid-call and started again: everybody of {} has video again after {:.1} s, {soon} the {:.0} s \
         aimed at.",
        super::RETURNING,
        figures.back_ms / 1e3,
        BACK_MS / 1e3,
    )?;
    Ok(())
}

fn line(page: &mut String, row: &Row) -> Result<()> {
    let number = |name: &str| row.number(name).unwrap_or(f64::NAN);
    let or_dash = |name: &str, unit: &str, by: f64| {
        row.number(name).map_or("–".to_owned(), |value| format!("{:.0} {unit}", value / by))
    };
    writeln!(
        page,
        "| {} | {} | {:.0} | {:.1} % | {:.1} µs | {:.0} % | {:.1} ms | {:.1} ms | {} | {} | {} |",
        title(&row.scenario),
        row.server,
        number("packets_per_s"),
        number("delivered") * 1e2,
        number("cpu_us_per_packet"),
        number("core_share") * 1e2,
        number("delay_p50_ms"),
        number("delay_p99_ms"),
        or_dash("join_p50_ms", "ms", 1.0),
        or_dash("join_max_ms", "ms", 1.0),
        or_dash("bytes_per_subscriber", "kB", 1e3),
    )?;
    Ok(())
}

fn ratio(ours: &Row, other: &Row) -> String {
    let cost = |row: &Row| row.number("cpu_us_per_packet").unwrap_or(f64::NAN);
    let times = cost(other) / cost(ours);
    let aim = if other.server == "Janus" { LESS_THAN_JANUS } else { 1.0 };
    let verdict = if times >= aim { "as aimed at" } else { "short of the aim" };
    format!(
        "- {}: {} takes {times:.1} times the processor time per packet (aim: {aim:.0}; {verdict}).",
        title(&ours.scenario),
        other.server
    )
}

fn title(scenario: &str) -> String {
    match scenario.split_once(':') {
        Some(("fan", number)) => format!("1 to {number}"),
        Some(("mesh", number)) => format!("{number} who see each other"),
        Some(("pairs", number)) => format!("{number} calls of two"),
        _ => scenario.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_is_judged_by_its_own_aim() {
        let row = |server, cost: f64| Row {
            scenario: "fan:50".to_owned(),
            server,
            seen: serde_json::json!({ "cpu_us_per_packet": cost }),
        };
        let ours = row("Bedside", 10.0);
        assert!(ratio(&ours, &row("Janus", 39.0)).ends_with("(aim: 4; short of the aim)."));
        assert!(ratio(&ours, &row("Janus", 40.0)).contains("1 to 50: Janus takes 4.0 times"));
        assert!(ratio(&ours, &row("LiveKit", 12.0)).ends_with("(aim: 1; as aimed at)."));
    }
}
