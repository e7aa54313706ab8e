//! The test kit: a real server on a free port with a fresh database, a client
//! that speaks as portals and pages do, and readers of what they listen to.

pub mod bench;
pub mod kit;
pub mod media;
