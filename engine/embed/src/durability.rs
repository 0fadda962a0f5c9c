//! How much a server promises about power loss.

/// Whether an acknowledged write survives the loss of power.
///
/// `kill -9` of the object store loses nothing in either mode. Of Postgres it loses nothing with [`Durability::On`]; with
/// [`Durability::Off`] the transactions of the last moments may be gone (`synchronous_commit = off`: up to three times
/// `wal_writer_delay`, 0.6 s), as they were in the server's own memory when they were acknowledged.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Acknowledged means synced to the disk: what a user gets.
    #[default]
    On,
    /// Acknowledged means handed to the operating system. Faster, and named in every report.
    Off,
}
