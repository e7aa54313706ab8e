//! The ports out of the house: one folder each, a plain enum of variants that
//! configuration chooses from once.

pub mod billing;
pub mod calls;
pub mod files;
pub mod http;
pub mod mail;
pub mod push;
pub mod sms;

/// All ports, as configuration chose them.
pub struct Ports {
    /// To a card processor.
    pub billing: billing::Billing,
    /// To the calls.
    pub calls: calls::Calls,
    /// To the contents of files.
    pub files: files::Files,
    /// To mail.
    pub mail: mail::Mail,
    /// To telephones.
    pub sms: sms::Sms,
    /// To browsers.
    pub push: push::Push,
    /// To other servers.
    pub http: http::Http,
}
