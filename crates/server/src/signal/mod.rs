//! Long-lived connections: the signalling of calls.

pub mod calls;
