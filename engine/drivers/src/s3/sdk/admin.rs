//! Making buckets: what set-up needs, and a load never does.

use aws_sdk_s3::types::{BucketLocationConstraint, CreateBucketConfiguration};
use model::outcome::Outcome;

use super::Sdk;
use crate::s3::meaning::Ask;
use crate::s3::reply::S3Reply;

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
}
