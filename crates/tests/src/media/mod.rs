//! Peers made of str0m connections, for the simulations of `crates/tests/sim`.

pub mod client;
pub mod hostile;
pub mod viewer;
