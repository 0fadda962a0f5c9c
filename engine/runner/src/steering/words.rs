//! What is said on the control port: k6's JSON, and a plain form of it.

use serde_json::{Value, json};

/// How a run stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// `starting`, `warm-up`, `measure`, `drain`, `over`.
    pub phase: String,
    /// VUs that are wanted; nothing when no scenario is externally controlled.
    pub vus: Option<u32>,
    /// VUs that are possible.
    pub max_vus: Option<u32>,
    /// Whether nobody begins an iteration.
    pub paused: bool,
    /// Whether it was told to end.
    pub stopped: bool,
}

/// What somebody wants of a run; what is not said stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wish {
    /// So many VUs.
    pub vus: Option<u32>,
    /// No iterations for now, or again.
    pub paused: Option<bool>,
    /// The end.
    pub stopped: Option<bool>,
}

impl Status {
    /// As k6 says it, with the phase beside.
    #[must_use]
    pub fn to_json(&self) -> Value {
        let attributes = json!({
            "phase": self.phase,
            "running": matches!(self.phase.as_str(), "warm-up" | "measure" | "drain"),
            "vus": self.vus,
            "vus-max": self.max_vus,
            "paused": self.paused,
            "stopped": self.stopped,
        });
        json!({ "data": { "type": "status", "id": "default", "attributes": attributes } })
    }

    pub(super) fn of_json(value: &Value) -> Option<Self> {
        let attributes = &value["data"]["attributes"];
        let count = |name: &str| attributes[name].as_u64().and_then(|count| u32::try_from(count).ok());
        Some(Self {
            phase: attributes["phase"].as_str()?.to_owned(),
            vus: count("vus"),
            max_vus: count("vus-max"),
            paused: attributes["paused"].as_bool()?,
            stopped: attributes["stopped"].as_bool()?,
        })
    }
}

impl Wish {
    pub(super) fn to_json(self) -> Value {
        let attributes = json!({ "vus": self.vus, "paused": self.paused, "stopped": self.stopped });
        json!({ "data": { "type": "status", "id": "default", "attributes": attributes } })
    }

    /// Reads either form. k6's own tools send every attribute they know; of the plain form an unknown one is a slip.
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub(super) fn of_json(value: &Value) -> Result<Self, String> {
        let of_k6 = value.get("data").map(|data| data["attributes"].clone());
        let attributes = of_k6.as_ref().unwrap_or(value);
        let object = attributes.as_object().ok_or("this is no status, such as {\"vus\": 20}")?;
        if of_k6.is_none() {
            let unknown = object.keys().find(|name| !["vus", "paused", "stopped"].contains(&name.as_str()));
            if let Some(name) = unknown {
                return Err(format!("there is no `{name}` to change; there are vus, paused and stopped"));
            }
        }
        let said = |name: &str| object.get(name).filter(|value| !value.is_null());
        let flag = |name: &str| match said(name) {
            None => Ok(None),
            Some(value) => {
                value.as_bool().map(Some).ok_or_else(|| format!("`{name}` is true or false, not {value}"))
            }
        };
        let vus = match said("vus") {
            None => None,
            Some(value) => {
                let count = value.as_u64().and_then(|count| u32::try_from(count).ok());
                Some(count.ok_or_else(|| format!("`vus` is a whole number of 0 or more, not {value}"))?)
            }
        };
        let wish = Self { vus, paused: flag("paused")?, stopped: flag("stopped")? };
        if wish == Self::default() {
            return Err("nothing is to be changed; say vus, paused or stopped".to_owned());
        }
        Ok(wish)
    }
}
