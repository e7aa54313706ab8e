//! Time from the start of the process to `/readyz`, memory when idle, and the
//! size of the binary.

use std::{fs, path::Path, thread, time::Duration};

use anyhow::Result;

use super::subject::Home;

pub struct Figures {
    /// Milliseconds on an empty directory: key made, tables made, one number per start.
    pub first_ms: Vec<f64>,
    /// Milliseconds on a directory that exists.
    pub again_ms: Vec<f64>,
    /// Memory after some idle seconds, in bytes.
    pub idle_bytes: u64,
    /// Size of the stripped binary with all pages inside, in bytes.
    pub binary_bytes: u64,
}

pub fn measure(binary: &Path, scratch: &Path, starts: usize) -> Result<Figures> {
    let mut figures = Figures {
        first_ms: Vec::new(),
        again_ms: Vec::new(),
        idle_bytes: 0,
        binary_bytes: fs::metadata(binary)?.len(),
    };
    for _ in 0..starts {
        let home = Home::new(scratch, "start", true)?;
        figures.first_ms.push(home.serve(binary)?.started_in.as_secs_f64() * 1e3);
        figures.again_ms.push(home.serve(binary)?.started_in.as_secs_f64() * 1e3);
    }
    let home = Home::new(scratch, "idle", true)?;
    home.create_account(binary)?;
    let server = home.serve(binary)?;
    // Idle is a matter of time: timers run, allocators settle.
    thread::sleep(Duration::from_secs(5));
    figures.idle_bytes = server.resident_bytes()?;
    Ok(figures)
}
