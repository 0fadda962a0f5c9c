//! Which servers a run needs: what the script talks to, where the target has it, and how it is to be set.
//!
//! Deliberately absent: what a target file says (see `targets`), starting anything (see `servers`).

mod http;

use std::path::PathBuf;

use drivers::{SettingProblem, SettingsError, s3::S3Config};
use embed::store::Backend;
use script::{Diagnostic, FaultOptions, NamedStore, Options, Program, ServerNeeds};

use crate::{
    breakable,
    origin::{Origin, Sourced},
    targets::{self, PostgresAt, StoreAt, StoreSettings, Target},
};

pub use self::http::WantedHttp;

/// The bucket of a script that names none.
const BUCKET: &str = "snapbench";

/// The Postgres that a run needs.
#[derive(Clone, Debug)]
pub struct WantedPostgres {
    /// Where it is.
    pub at: PostgresAt,
    /// Whether an embedded one keeps its promises at a power cut.
    pub durable: Sourced<bool>,
    /// Whether virtual users talk to it themselves, and not only the service of our own that stands before it.
    pub for_users: bool,
}

/// An object store that a run needs.
#[derive(Clone, Debug)]
pub struct WantedStore {
    /// What the script calls it; nothing for the only one.
    pub name: Option<String>,
    /// The target it is of.
    pub target: Sourced<String>,
    /// All settings; endpoint and keys are missing while it is embedded and not started.
    pub settings: StoreSettings,
    /// The settings' meaning. Of an embedded store endpoint and keys are made up.
    pub config: S3Config,
    /// Whether it is a throw-away server of our own.
    pub is_embedded: bool,
    /// What keeps the objects of an embedded one.
    pub backend: Backend,
    /// Whether an embedded one syncs before it acknowledges.
    pub durable: Sourced<bool>,
    /// Whether scripts may empty it when it is not embedded.
    pub allow_destructive: bool,
    /// Whether absolute figures taken there mean anything.
    pub representative: bool,
    /// Whether it is to prove that it lost nothing.
    pub keeps_ledger: bool,
}

/// Where to look for what the script names.
pub(crate) struct Asking<'a> {
    /// The run's target.
    pub(crate) target: &'a Target,
    /// `--s3-client`, which is about all stores.
    pub(crate) client: Option<&'a String>,
    /// The environment.
    pub(crate) variable: &'a dyn Fn(&str) -> Option<String>,
    /// Target files.
    pub(crate) files: &'a [PathBuf],
}

/// What a run talks to.
#[derive(Clone, Debug)]
pub(crate) struct WantedServers {
    pub(crate) postgres: Option<WantedPostgres>,
    pub(crate) stores: Vec<WantedStore>,
    pub(crate) http: Option<WantedHttp>,
}

/// The servers that a script needs.
///
/// # Errors
/// Everything that keeps it from having them.
pub(crate) fn servers(
    program: &Program,
    options: &Options,
    asking: &Asking<'_>,
) -> Result<WantedServers, Vec<Diagnostic>> {
    let facts = program.facts();
    // What the script names counts, or else what its calls tell.
    let needs = options.needs.unwrap_or(ServerNeeds {
        postgres: facts.uses_postgres,
        store: facts.uses_store,
        http: facts.uses_http,
    });
    let mut wanting = Wanting { options, asking, problems: Vec::new() };
    let by_sql = |fault: &FaultOptions| fault.fault.is_sql();
    let uses_postgres =
        needs.postgres || !options.probes.postgres.is_empty() || options.faults.iter().any(by_sql);
    let mut postgres = uses_postgres.then(|| wanting.postgres());
    let stores: Vec<WantedStore> = if options.stores.is_empty() {
        needs.store.then(|| wanting.only_store()).flatten().into_iter().collect()
    } else {
        options.stores.iter().filter_map(|named| wanting.named_store(named)).collect()
    };
    let http = needs.http.then(|| wanting.http(facts.requests.need_service())).flatten();
    if http.as_ref().is_some_and(|http| http.service.is_some()) {
        wanting.behind_service(&mut postgres);
    }
    if wanting.problems.is_empty() {
        // Of servers that are not understood nothing can be said.
        let servers = (postgres.as_ref(), stores.as_slice(), http.as_ref());
        wanting.problems.extend(breakable::problems(options, asking.target, servers));
    }
    if options.store.keeps_ledger && !stores.is_empty() && !stores.iter().any(|store| store.keeps_ledger) {
        let told = Diagnostic::usage(
            "a ledger is to be kept, and the store keeps nothing that it could be judged by",
        );
        wanting.problems.push(told.help("choose another target, or leave `ledger` out"));
    }
    let problems = wanting.problems;
    if problems.is_empty() { Ok(WantedServers { postgres, stores, http }) } else { Err(problems) }
}

struct Wanting<'a> {
    options: &'a Options,
    asking: &'a Asking<'a>,
    problems: Vec<Diagnostic>,
}

impl Wanting<'_> {
    fn postgres(&mut self) -> WantedPostgres {
        let at = self.asking.target.postgres.clone();
        if matches!(at, PostgresAt::Missing) {
            self.missing("Postgres", &self.asking.target.name.value.clone(), "postgres");
        }
        WantedPostgres { at, durable: self.durable(self.options.postgres.is_durable), for_users: true }
    }

    /// A service of our own keeps what it has in a Postgres of our own.
    fn behind_service(&mut self, postgres: &mut Option<WantedPostgres>) {
        let wanted = match postgres {
            Some(wanted) => wanted,
            None => postgres.insert(WantedPostgres { for_users: false, ..self.postgres() }),
        };
        if !matches!(wanted.at, PostgresAt::Embedded) {
            let message = "the service that is started for this run stands before an embedded Postgres, and the run has another";
            let help =
                "give the address of a service that runs with --http-url, or leave the other Postgres out";
            self.problems.push(Diagnostic::usage(message).help(help));
        }
    }

    /// The store of the run's target.
    fn only_store(&mut self) -> Option<WantedStore> {
        let Target { store, name, allow_destructive, representative, .. } = self.asking.target;
        let wanted = self.store(name.clone(), store, None)?;
        Some(WantedStore {
            allow_destructive: allow_destructive.value,
            representative: representative.value,
            ..wanted
        })
    }

    /// A store that the script names.
    fn named_store(&mut self, named: &NamedStore) -> Option<WantedStore> {
        let Asking { client, variable, files, .. } = self.asking;
        match targets::resolve_store(&named.target, *client, variable, files) {
            Err(problems) => {
                self.problems.extend(problems);
                None
            }
            Ok(found) => {
                let target = Sourced::new(named.target.clone(), Origin::Script);
                let wanted = self.store(target, &found.at, Some(named))?;
                Some(WantedStore {
                    allow_destructive: found.allow_destructive,
                    representative: found.representative,
                    ..wanted
                })
            }
        }
    }

    fn store(
        &mut self,
        target: Sourced<String>,
        at: &StoreAt,
        named: Option<&NamedStore>,
    ) -> Option<WantedStore> {
        let (settings, is_embedded) = match at {
            StoreAt::Missing => {
                self.missing("an object store", &target.value, "store");
                return None;
            }
            StoreAt::Embedded(settings) => (settings, true),
            StoreAt::External(settings) => (settings, false),
        };
        let backend = settings.backend.unwrap_or(match self.options.store.backend.as_str() {
            "fs" => Backend::Fs,
            "noop" => Backend::Noop,
            _ => Backend::Ordered,
        });
        match meaning(settings, self.options, named, is_embedded) {
            Ok((settings, config)) => Some(WantedStore {
                name: named.map(|named| named.name.clone()),
                target,
                settings,
                config,
                is_embedded,
                backend,
                durable: self.durable(self.options.store.is_durable),
                allow_destructive: false,
                representative: false,
                // What keeps nothing has lost everything.
                keeps_ledger: self.options.store.keeps_ledger && !(is_embedded && backend == Backend::Noop),
            }),
            Err(found) => {
                self.problems.extend(found);
                None
            }
        }
    }

    /// The script's options come with their defaults filled in: only "off" was surely said.
    fn durable(&self, of_script: bool) -> Sourced<bool> {
        let origin = if of_script { Origin::Default } else { Origin::Script };
        self.asking.target.durable.clone().unwrap_or(Sourced::new(of_script, origin))
    }

    fn missing(&mut self, server: &str, target: &str, key: &str) {
        let message = format!("the script talks to {server}, and target `{target}` has none");
        let help = format!("give the target a `{key}:`, or choose another");
        self.problems.push(Diagnostic::usage(message).help(help));
    }
}

/// Fills in what the script says where nobody above it did, and makes sense of the whole.
fn meaning(
    settings: &StoreSettings,
    options: &Options,
    named: Option<&NamedStore>,
    is_embedded: bool,
) -> Result<(StoreSettings, S3Config), Vec<Diagnostic>> {
    let mut settings = settings.clone();
    if settings.words.bucket.is_none() {
        let of_name = named.and_then(|named| named.bucket.clone());
        let of_script = of_name.or(options.store.bucket.clone()).map(|bucket| (bucket, Origin::Script));
        let (bucket, origin) = of_script.unwrap_or((BUCKET.to_owned(), Origin::Default));
        settings.words.bucket = Some(bucket);
        settings.origins.push(("bucket", origin));
    }
    if settings.words.client.is_none() {
        let of_name = named.and_then(|named| named.client);
        let of_script =
            of_name.or(options.store.client).map(|client| (client.as_str().to_owned(), Origin::Script));
        let (client, origin) = of_script.unwrap_or(("lean".to_owned(), Origin::Default));
        settings.words.client = Some(client);
        settings.origins.push(("client", origin));
    }
    if settings.words.timeout.is_none() {
        settings.words.timeout = Some(format!("{}ms", options.timeout.as_millis()));
        settings.origins.push(("timeout", Origin::Script));
    }
    let store = named.map_or(String::new(), |named| format!(" `{}`", named.name));
    let checked = checked(&settings, is_embedded, &store)?;
    Ok((settings, checked))
}

/// Makes sense of a store's settings; `store` is what complaints call it beside "object store".
///
/// # Errors
/// Everything that is wrong with them, and who said it.
pub(crate) fn checked(
    settings: &StoreSettings,
    is_embedded: bool,
    store: &str,
) -> Result<S3Config, Vec<Diagnostic>> {
    let mut words = settings.words.clone();
    if is_embedded {
        // Known once it runs; until then the rest is checked.
        words.endpoint = Some("http://127.0.0.1:1".to_owned());
        words.access_key = Some("embedded".to_owned());
        words.secret_key = Some("embedded".to_owned());
    }
    let server = format!("object store{store}");
    words.check().map_err(|error| complaints(&server, &error, |setting| settings.origin(setting)))
}

/// What is wrong with a server's settings, each with where it was said.
fn complaints(
    server: &str,
    error: &SettingsError,
    origin: impl Fn(&'static str) -> Origin,
) -> Vec<Diagnostic> {
    let told = error.problems.iter().map(|SettingProblem { setting, problem, remedy }| {
        let from = match origin(setting) {
            Origin::Default => String::new(),
            origin => format!(" ({origin})"),
        };
        Diagnostic::usage(format!("{server}, {setting}{from}: {problem}")).help(remedy)
    });
    told.collect()
}
