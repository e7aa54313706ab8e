//! The ports out of the house: one folder each, a plain enum of variants that
//! configuration chooses from once.

pub mod calls;
pub mod files;
pub mod mail;

/// All ports, as configuration chose them.
pub struct Ports {
    /// To the calls.
    pub calls: calls::Calls,
    /// To the contents of files.
    pub files: files::Files,
    /// To mail.
    pub mail: mail::Mail,
}
