//! Many deletions in one request through the SDK.

use aws_sdk_s3::types::{Delete, ObjectIdentifier};

use super::Sdk;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;
use crate::s3::xml::deletion::{self, Undeleted};

impl Sdk {
    /// Deletes up to a thousand objects, whose keys XML can hold; `items` says how many of them are gone.
    pub(crate) async fn delete_together(&self, keys: &[&str]) -> S3Reply {
        let named = |key: &&str| {
            ObjectIdentifier::builder().key(*key).build().expect("an identifier with a key is complete")
        };
        let which = Delete::builder()
            .set_objects(Some(keys.iter().map(named).collect()))
            .quiet(true)
            .build()
            .expect("a deletion with objects is complete");
        let sending = self.client.delete_objects().bucket(&self.place.bucket).delete(which).send();
        self.timed(Ask::Delete, async {
            match sending.await {
                Err(error) => self.failed(Ask::Delete, &error),
                Ok(deleted) => {
                    // The SDK takes half a document for a whole one.
                    match deletion::checked(deleted.errors().iter().map(undeleted).collect()) {
                        Ok(undeleted) => self.place.deleted(keys.len(), &undeleted),
                        Err(problem) => self.place.unreadable(Ask::Delete, 200, b"<", &problem),
                    }
                }
            }
        })
        .await
    }
}

fn undeleted(error: &aws_sdk_s3::types::Error) -> Undeleted {
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    Undeleted { key: text(error.key()), code: text(error.code()), message: text(error.message()) }
}
