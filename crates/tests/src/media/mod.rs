//! Peers made of str0m connections: for the simulations of `crates/tests/sim`
//! and for the load that measures the call node.

pub mod client;
pub mod load;
