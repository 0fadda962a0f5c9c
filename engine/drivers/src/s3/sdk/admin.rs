//! Making and emptying buckets: what set-up and teardown need, and a load never does.

use std::time::Instant;

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration, Delete, ObjectIdentifier};
use model::outcome::Outcome;

use super::Sdk;
use crate::s3::meaning::{Ask, Place};
use crate::s3::reply::{Listed, S3Reply};
use crate::s3::request::PageRequest;

/// The region whose name S3 does not accept as a location: it is where buckets are when nothing is said.
const UNNAMED_REGION: &str = "us-east-1";

impl Sdk {
    /// Creates the bucket; `conflict` when there is one of that name already.
    pub(crate) async fn create_bucket(&self) -> S3Reply {
        let location = (self.place.region != UNNAMED_REGION).then(|| {
            CreateBucketConfiguration::builder()
                .location_constraint(BucketLocationConstraint::from(self.place.region.as_str()))
                .build()
        });
        let sending = self
            .client
            .create_bucket()
            .bucket(&self.place.bucket)
            .set_create_bucket_configuration(location)
            .send();
        self.timed(Ask::CreateBucket, async {
            match sending.await {
                Ok(_) => S3Reply::new(Outcome::Ok),
                Err(error) => self.failed(Ask::CreateBucket, &error),
            }
        })
        .await
    }

    /// Deletes every object whose key begins with `prefix`. Lists again after each page of deletions, from
    /// after the last key, so that objects which arrive meanwhile do not keep it busy for ever.
    pub(crate) async fn delete_prefix(&self, prefix: &str) -> S3Reply {
        let asked = Instant::now();
        let mut deleted = 0;
        let mut after: Option<String> = None;
        let mut reply = loop {
            let request = PageRequest { prefix, start_after: after.as_deref(), max_keys: None, token: None };
            let (reply, page) = self.page(&request).await;
            if !reply.is_ok() {
                break reply;
            }
            let Some(last) = page.keys.last().map(|object| object.key.clone()) else { break reply };
            let reply = self.delete_page(&page.keys).await;
            deleted += reply.items;
            if !reply.is_ok() || page.next.is_none() {
                break reply;
            }
            after = Some(last);
        };
        reply.items = deleted;
        reply.service_ns = asked.elapsed().as_nanos() as u64;
        reply
    }

    /// Deletes one page of objects: those whose keys XML can hold in one request, the others one by one.
    async fn delete_page(&self, objects: &[Listed]) -> S3Reply {
        let (together, alone): (Vec<_>, Vec<_>) = objects.iter().partition(|object| is_xml_text(&object.key));
        let mut deleted = 0;
        for object in alone {
            let reply = self.delete(&object.key).await;
            if !reply.is_ok() {
                return S3Reply { items: deleted, ..reply };
            }
            deleted += 1;
        }
        let reply = self.delete_together(&together).await;
        S3Reply { items: deleted + reply.items, ..reply }
    }

    async fn delete_together(&self, objects: &[&Listed]) -> S3Reply {
        if objects.is_empty() {
            return S3Reply { items: 0, ..S3Reply::new(Outcome::Ok) };
        }
        let named = |object: &&Listed| {
            ObjectIdentifier::builder()
                .key(&object.key)
                .build()
                .expect("an identifier with a key is complete")
        };
        let which = Delete::builder()
            .set_objects(Some(objects.iter().map(named).collect()))
            .quiet(true)
            .build()
            .expect("a deletion with objects is complete");
        let sending = self.client.delete_objects().bucket(&self.place.bucket).delete(which).send();
        self.timed(Ask::Delete, async {
            match sending.await {
                Err(error) => self.failed(Ask::Delete, &error),
                Ok(deleted) => match deleted.errors().first() {
                    None => S3Reply { items: objects.len() as u64, ..S3Reply::new(Outcome::Ok) },
                    Some(first) => S3Reply {
                        items: objects.len().saturating_sub(deleted.errors().len()) as u64,
                        ..undeleted(&self.place, first)
                    },
                },
            }
        })
        .await
    }
}

fn undeleted(place: &Place, error: &aws_sdk_s3::types::Error) -> S3Reply {
    place.undeleted(
        error.key().unwrap_or("(unnamed)"),
        error.code().unwrap_or("unknown"),
        error.message().unwrap_or("the store gives no reason"),
    )
}

/// Whether XML 1.0 can hold a key and gives it back unchanged: no control characters, no non-characters.
fn is_xml_text(key: &str) -> bool {
    !key.chars().any(|c| c.is_control() || matches!(c, '\u{FFFE}' | '\u{FFFF}'))
}
