//! How much a server promises about power loss.

/// Whether an acknowledged write survives the loss of power.
///
/// `kill -9` of the server loses nothing in either mode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// Acknowledged means synced to the disk: what a user gets.
    #[default]
    On,
    /// Acknowledged means handed to the operating system. Faster, and named in every report.
    Off,
}
