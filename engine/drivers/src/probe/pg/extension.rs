//! An extension that a part needs: where it is installed, made once when it is missing.

use crate::probe::pg::link::{Link, Trouble};

pub(super) struct Extension {
    name: &'static str,
    was_tried: bool,
    /// Why it is not there.
    reason: Option<String>,
}

impl Extension {
    pub(super) fn new(name: &'static str) -> Extension {
        Extension { name, was_tried: false, reason: None }
    }

    /// Makes it, once in the probe's life. Whether there is reason to look again.
    pub(super) async fn make(&mut self, link: &mut Link) -> Result<bool, Trouble> {
        if std::mem::replace(&mut self.was_tried, true) {
            self.reason.get_or_insert_with(|| "it was there and is gone".to_owned());
            return Ok(false);
        }
        match link.ask(&format!("CREATE EXTENSION IF NOT EXISTS {}", self.name), &[]).await {
            Ok(_) => Ok(true),
            // Two probes that make it at once meet in the catalogue, in spite of IF NOT EXISTS.
            Err(trouble) if matches!(trouble.sqlstate(), Some("23505" | "42710")) => Ok(true),
            Err(trouble) if trouble.sqlstate().is_some() => {
                self.reason = Some(trouble.server_words());
                Ok(false)
            }
            Err(trouble) => {
                // It was not the server that refused: the next look may try again.
                self.was_tried = false;
                Err(trouble)
            }
        }
    }

    /// What is lacking, what it means, and what to type.
    pub(super) fn lack(&self, consequence: &str, database: &str) -> String {
        let reason = self.reason.as_deref().unwrap_or("unknown");
        let name = self.name;
        format!(
            "{name} is not installed and cannot be created ({reason}): {consequence}; CREATE EXTENSION {name} \
             as a superuser in the database `{database}`"
        )
    }
}
