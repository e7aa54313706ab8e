//! The doors into the house: the HTTP API, signalling, jobs, pages, the command
//! line, and `boot`, which puts the parts together. Decides nothing: that is
//! `bedside_app`.

pub mod api;
pub mod boot;
pub mod cli;
pub mod config;
pub mod demo;
pub mod doors;
pub mod http;
pub mod jobs;
pub mod logs;
pub mod probes;
pub mod signal;
pub mod web;

/// This program's version.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
