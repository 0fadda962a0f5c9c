//! The store to check: started when it is ours, asked to let us in when it is not, with its bucket.

use drivers::s3::{S3Config, S3Settings, Store};
use embed::{
    Durability,
    store::{Backend, ObjectStore, StoreOptions},
};
use model::outcome::Outcome;
use script::Diagnostic;

use crate::{
    error::{RunError, with_remedy},
    request::TargetRequest,
    servers,
    targets::{self, EMBEDDED, StoreAt, StoreSettings, Target},
    wanted,
};

/// The bucket when nobody names one.
const BUCKET: &str = "snapbench";

/// A store that can be talked to. Dropping it ends one of ours.
pub(super) struct Opened {
    /// How to reach it.
    pub(super) words: S3Settings,
    /// The meaning of that.
    pub(super) config: S3Config,
    /// What it is: `snapbench store (ordered), durability on`; nothing for one that is not ours.
    pub(super) about: Option<String>,
    /// It ends with us.
    _embedded: Option<ObjectStore>,
}

/// Where the store is and what it is to be.
struct Asked {
    target: Target,
    settings: StoreSettings,
    is_embedded: bool,
}

/// Resolves the target, starts the store when it is ours.
///
/// # Errors
/// [`RunError::Wrong`] for what flags, environment or target files say; others for a store that does not start.
pub(super) fn open(request: &TargetRequest) -> Result<Opened, RunError> {
    let asked = asked(request).map_err(RunError::Wrong)?;
    let checked = wanted::checked(&asked.settings, asked.is_embedded, "").map_err(RunError::Wrong)?;
    let words = asked.settings.words.clone();
    if !asked.is_embedded {
        return Ok(Opened { words, config: checked, about: None, _embedded: None });
    }
    let durable = asked.target.durable.as_ref().is_none_or(|durable| durable.value);
    let store = embed::store::start(StoreOptions {
        backend: asked.settings.backend.unwrap_or(Backend::Ordered),
        durability: if durable { Durability::On } else { Durability::Off },
        ..StoreOptions::default()
    })?;
    let words = servers::embedded_words(&words, &store);
    let config = words.check().map_err(|error| RunError::server(with_remedy(&error.to_string())))?;
    let durability = if store.durability() == Durability::On { "on" } else { "off" };
    let about = format!("snapbench store ({}), durability {durability}", store.backend().as_str());
    Ok(Opened { words, config, about: Some(about), _embedded: Some(store) })
}

fn asked(request: &TargetRequest) -> Result<Asked, Vec<Diagnostic>> {
    let variable = |name: &str| std::env::var(name).ok();
    let target = targets::resolve(request, &variable, &targets::files(&variable))?;
    let (mut settings, is_embedded) = match &target.store {
        StoreAt::Embedded(settings) => (settings.clone(), true),
        StoreAt::External(settings) => (settings.clone(), false),
        StoreAt::Missing => {
            let message = format!("target `{}` has no object store to check", target.name.value);
            let help =
                format!("give the target a `store:`, or choose another; --target {EMBEDDED} is always there");
            return Err(vec![Diagnostic::usage(message).help(help)]);
        }
    };
    if let Some(durable) = target.durable.as_ref().filter(|_| !is_embedded) {
        let message = format!("{} is about embedded servers, and this check starts none", durable.origin);
        return Err(vec![Diagnostic::usage(message).help("leave it out, or check an embedded store")]);
    }
    settings.words.bucket.get_or_insert_with(|| BUCKET.to_owned());
    Ok(Asked { target, settings, is_embedded })
}

impl Opened {
    /// Makes sure that the bucket is there: makes it in a store of ours, asks for it elsewhere.
    ///
    /// # Errors
    /// A store that cannot be reached or lets nobody in, a bucket that is not there.
    pub(super) async fn needs_bucket(&self, store: &Store) -> Result<(), RunError> {
        let place = format!("the object store at {}", self.config.endpoint());
        let reply = store.bucket_exists().await;
        let reply = match reply.outcome {
            Outcome::Ok => return Ok(()),
            Outcome::Empty if self.about.is_some() => store.create_bucket().await,
            Outcome::Empty => {
                let bucket = self.config.bucket();
                let message = format!("{place} has no bucket `{bucket}`");
                let help = "make it there, or name one that is there with --s3-bucket; only rules about objects are \
                            checked, all below the prefix snapbench-check/";
                return Err(RunError::server(Diagnostic::usage(message).help(help)));
            }
            _ => reply,
        };
        if reply.is_ok() {
            return Ok(());
        }
        Err(RunError::server(match reply.message {
            Some(message) => with_remedy(&message),
            None => Diagnostic::usage(format!("{place} does not answer as a store should")),
        }))
    }
}
