//! What a person can do about a refusal, where that is known.

use super::clock::Skew;
use super::{Ask, Place, Refusal};

impl Place {
    /// What to do. `region` is the one the store named, in a header or in words.
    pub(super) fn remedy(
        &self,
        ask: Ask,
        code: &str,
        said: &str,
        region: Option<&str>,
        refusal: &Refusal<'_>,
    ) -> Option<String> {
        let skew = refusal.date.and_then(|date| Skew::of(date, refusal.now));
        Some(match code {
            "NoSuchBucket" => self.no_bucket(),
            "PermanentRedirect"
            | "TemporaryRedirect"
            | "AuthorizationHeaderMalformed"
            | "IllegalLocationConstraintException"
            | "301"
            | "307" => self.elsewhere(region),
            "SignatureDoesNotMatch" => "check `secret_key`".to_owned(),
            "InvalidAccessKeyId" | "NotSignedUp" => "check `access_key`".to_owned(),
            "ExpiredToken" | "InvalidToken" => "obtain new credentials and a new `session_token`".to_owned(),
            "RequestTimeTooSkewed" => skew.map_or_else(
                || {
                    "this machine's clock, which both clients sign with, and the server's differ: set them right"
                        .to_owned()
                },
                Skew::remedy,
            ),
            // Not every store has a word for it.
            _ if matches!(refusal.status, 400 | 403) && skew.is_some_and(Skew::is_too_far) => {
                skew.map(Skew::remedy).unwrap_or_default()
            }
            "AccessDenied" | "403" => format!(
                "the keys lack the permission on bucket `{}`, or its policy wants `sign_payload: true`",
                self.bucket
            ),
            "EntityTooSmall" => "every part but the last has 5 MiB at least: raise `part_bytes`".to_owned(),
            "EntityTooLarge" if ask != Ask::PutPart => {
                "put it in parts, with `put_multipart`, or make it smaller".to_owned()
            }
            _ if refusal.status == 501 && ask == Ask::PutIf => {
                "this store knows no conditional put: leave the condition out, or use a store that has it".to_owned()
            }
            _ if refusal.status == 501 => "this store does not know the operation".to_owned(),
            _ if said.to_ascii_lowercase().contains("payload") => {
                "if the store insists on a hash of the payload, set `sign_payload: true`".to_owned()
            }
            _ => return None,
        })
    }

    fn no_bucket(&self) -> String {
        let Place { endpoint, bucket, .. } = self;
        format!(
            "there is no bucket `{bucket}`: create it with `aws --endpoint-url {endpoint} s3 mb s3://{bucket}`, \
             or set `bucket:` to one that exists"
        )
    }

    fn elsewhere(&self, region: Option<&str>) -> String {
        match region {
            Some(theirs) if theirs != self.region => {
                format!("the bucket is in region {theirs}: set `region: {theirs}`")
            }
            _ => format!("check `region:` (it is {}) and `endpoint:`", self.region),
        }
    }
}
