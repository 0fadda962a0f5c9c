//! Real servers, really started, killed and removed.

mod durability;
#[cfg(target_os = "linux")]
mod leftovers;
mod postgres;
mod s3_client;
mod store;
mod together;
mod world;
