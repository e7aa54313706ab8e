//! The binary `bedside`.

use std::process::ExitCode;

fn main() -> ExitCode {
    bedside::cli::main()
}
