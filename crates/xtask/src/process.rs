//! Starting other programs, without a shell: the arguments are a list, the
//! command is printed before it runs, and a failure names it.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::{Context, Result, bail};

/// A command that reads nothing from the terminal and does not inherit what
/// `cargo run` told this program about itself (it would make build scripts run
/// again).
pub fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_") || name == "OUT_DIR" {
            command.env_remove(name);
        }
    }
    command
}

/// The cargo that runs us.
pub fn cargo(root: &Path) -> Command {
    let mut cargo = command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root);
    cargo
}

/// Runs to the end with output straight to the terminal.
pub fn run(command: &mut Command) -> Result<()> {
    let text = announce(command);
    let status = command.status().with_context(|| format!("`{text}` could not be started"))?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// Runs to the end, printing standard output line by line and showing each
/// line to `seen`.
pub fn watch(command: &mut Command, mut seen: impl FnMut(&str)) -> Result<()> {
    let text = announce(command);
    let mut child =
        command.stdout(Stdio::piped()).spawn().with_context(|| format!("`{text}` could not be started"))?;
    let stdout = child.stdout.take().expect("standard output was piped above");
    for line in BufReader::new(stdout).split(b'\n') {
        let line = line?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        seen(&line);
    }
    let status = child.wait()?;
    if !status.success() {
        bail!("`{text}` ended with {status}");
    }
    Ok(())
}

/// Runs to the end and returns what it wrote to standard output.
pub fn read(command: &mut Command) -> Result<Vec<u8>> {
    let text = words(command);
    let output = command
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("`{text}` could not be started"))?;
    if !output.status.success() {
        bail!("`{text}` ended with {}", output.status);
    }
    Ok(output.stdout)
}

/// Where a program is on the PATH, if it is.
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|file| file.is_file())
}

/// Whether this program runs as root.
pub fn is_root() -> bool {
    read(command("id").arg("-u")).is_ok_and(|out| out.trim_ascii() == b"0")
}

fn announce(command: &Command) -> String {
    let text = words(command);
    eprintln!("$ {text}");
    text
}

fn words(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    let mut text = name;
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}
