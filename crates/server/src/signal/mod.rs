//! Where calls come in: the signalling of their clients, and what a cluster
//! tells of those that it carries.

pub mod calls;
pub mod cluster;
mod entry;
pub mod network_test;
pub mod twirp;
