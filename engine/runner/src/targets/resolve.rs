//! The target of a run: flags, then environment, then target files.

use drivers::pg::PgConfig;
use embed::store::Backend;
use model::suggest::did_you_mean;
use script::Diagnostic;
use serde_yaml::Location;

use super::{
    BUILT_IN, EMBEDDED, built_in,
    commands::FaultCommands,
    fields::Placed,
    file::{FilePostgres, FileStore, FileTarget, TargetFile},
    http::HttpAt,
    target::{PostgresAt, StoreAt, StoreSettings, StoreTarget, Target},
    tree::Source,
};
use crate::{
    origin::{Origin, Sourced},
    request::TargetRequest,
};

pub(super) type Variable<'a> = &'a dyn Fn(&str) -> Option<String>;

/// The target that the request, the environment and the files (first wins) come to.
///
/// # Errors
/// Everything that is wrong with them.
pub(crate) fn resolve(
    request: &TargetRequest,
    variable: Variable<'_>,
    files: &[std::path::PathBuf],
) -> Result<Target, Vec<Diagnostic>> {
    let (read, mut problems) = read_all(files);
    let name = name(request, variable, &read);
    let found = find(&read, &name.value);
    let built_in = built_in(&name.value);
    if found.is_none() && built_in.is_none() && problems.is_empty() {
        problems.push(unknown(&name, &read, files));
    }
    let mut resolving = Resolving { request, variable, found, backend: built_in.flatten(), problems };
    let postgres = resolving.postgres();
    let store = resolving.store();
    let http = resolving.http();
    let target = Target {
        faults: resolving.faults(&postgres, &store, &http),
        postgres,
        store,
        http,
        allow_destructive: resolving.flag(|target| target.allow_destructive.as_ref()),
        representative: resolving.flag(|target| target.representative.as_ref()),
        durable: resolving.durable(),
        name,
    };
    let problems = resolving.problems;
    if problems.is_empty() { Ok(target) } else { Err(problems) }
}

/// The store of the target called `name`, as a script's `stores` names it. Flags and variables that say where the run's
/// own store is are not about it; `client` is.
///
/// # Errors
/// Everything that is wrong with it.
pub(crate) fn resolve_store(
    name: &str,
    client: Option<&String>,
    variable: Variable<'_>,
    files: &[std::path::PathBuf],
) -> Result<StoreTarget, Vec<Diagnostic>> {
    let (read, mut problems) = read_all(files);
    let found = find(&read, name);
    let built_in = built_in(name);
    if found.is_none() && built_in.is_none() && problems.is_empty() {
        problems.push(unknown(&Sourced::new(name.to_owned(), Origin::Script), &read, files));
    }
    let request = TargetRequest { s3_client: client.cloned(), ..TargetRequest::default() };
    let others = |asked: &str| if asked.starts_with("SNAPBENCH_S3_") { None } else { variable(asked) };
    let backend = built_in.flatten();
    let mut resolving = Resolving { request: &request, variable: &others, found, backend, problems };
    let target = StoreTarget {
        at: resolving.store(),
        allow_destructive: resolving.flag(|target| target.allow_destructive.as_ref()).value,
        representative: resolving.flag(|target| target.representative.as_ref()).value,
    };
    let problems = resolving.problems;
    if problems.is_empty() { Ok(target) } else { Err(problems) }
}

/// The target files there are, and what is wrong with them.
fn read_all(files: &[std::path::PathBuf]) -> (Vec<TargetFile>, Vec<Diagnostic>) {
    let (mut read, mut problems) = (Vec::new(), Vec::new());
    for path in files {
        match TargetFile::read(path) {
            Ok(file) => read.extend(file),
            Err(found) => problems.extend(found),
        }
    }
    (read, problems)
}

/// The first target of that name.
fn find<'a>(read: &'a [TargetFile], name: &str) -> Option<(&'a FileTarget, &'a Source)> {
    read.iter().find_map(|file| {
        let target = file.targets.iter().find(|target| target.name == name)?;
        Some((target, &file.source))
    })
}

/// A flag's word, or else the environment's.
pub(super) fn flag_or_variable(
    flag: Option<&String>,
    flag_name: &'static str,
    variable_name: &str,
    variable: Variable<'_>,
) -> Option<Sourced<String>> {
    let of_flag = flag.map(|word| Sourced::new(word.clone(), Origin::Flag(flag_name)));
    of_flag.or_else(|| {
        let word = variable(variable_name).filter(|word| !word.is_empty())?;
        Some(Sourced::new(word, Origin::Environment(variable_name.to_owned())))
    })
}

fn name(request: &TargetRequest, variable: Variable<'_>, files: &[TargetFile]) -> Sourced<String> {
    let given = flag_or_variable(request.name.as_ref(), "--target", "SNAPBENCH_TARGET", variable);
    let of_file = || {
        files.iter().find_map(|file| {
            let named = file.default.as_ref()?;
            Some(Sourced::new(named.value.clone(), of_line(&file.source, named.location)))
        })
    };
    given.or_else(of_file).unwrap_or_else(|| Sourced::default_of(EMBEDDED.to_owned()))
}

pub(super) fn of_line(source: &Source, location: Location) -> Origin {
    Origin::TargetFile { file: source.file.clone(), line: location.line() }
}

fn unknown(name: &Sourced<String>, read: &[TargetFile], files: &[std::path::PathBuf]) -> Diagnostic {
    let named = read.iter().flat_map(|file| &file.targets).map(|target| target.name.as_str());
    let known: Vec<&str> = BUILT_IN.map(|(name, _)| name).into_iter().chain(named).collect();
    let looked: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let message = format!("there is no target `{}` ({})", name.value, name.origin);
    Diagnostic::usage(message).help(match did_you_mean(&name.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("targets are {}; they are named in {}", known.join(", "), looked.join(" and ")),
    })
}

pub(super) struct Resolving<'a> {
    pub(super) request: &'a TargetRequest,
    pub(super) variable: Variable<'a>,
    pub(super) found: Option<(&'a FileTarget, &'a Source)>,
    /// Of an embedded store, when the target says which.
    backend: Option<Backend>,
    problems: Vec<Diagnostic>,
}

impl<'a> Resolving<'a> {
    fn flag(&self, pick: impl Fn(&FileTarget) -> Option<&Placed<bool>>) -> Sourced<bool> {
        let named = self.found.and_then(|(target, source)| Some((pick(target)?, source)));
        named.map_or(Sourced::default_of(false), |(flag, source)| {
            Sourced::new(flag.value, of_line(source, flag.location))
        })
    }

    /// Commands are about the servers that stand beside them: one that a flag or the environment puts in their place is
    /// another.
    fn faults(&self, postgres: &PostgresAt, store: &StoreAt, http: &HttpAt) -> FaultCommands {
        let Some((target, _)) = self.found else { return FaultCommands::default() };
        let said = |origin: &Origin| matches!(origin, Origin::Flag(_) | Origin::Environment(_));
        let is_its_postgres = matches!(postgres, PostgresAt::External { origin, .. } if !said(origin));
        let is_its_store =
            matches!(store, StoreAt::External(settings) if !said(&settings.origin("endpoint")));
        let is_its_service = matches!(http, HttpAt::External(settings) if !said(&settings.origin("url")));
        let FaultCommands { postgres, store, service } = target.faults.clone();
        FaultCommands {
            postgres: postgres.filter(|_| is_its_postgres),
            store: store.filter(|_| is_its_store),
            service: service.filter(|_| is_its_service),
        }
    }

    fn durable(&mut self) -> Option<Sourced<bool>> {
        if let Some(value) = self.request.durable {
            return Some(Sourced::new(value, Origin::Flag("--durability")));
        }
        let name = "SNAPBENCH_DURABILITY";
        let value = match (self.variable)(name)?.as_str() {
            "" => return None,
            "on" => true,
            "off" => false,
            other => {
                let message = format!("{name} is `{other}`, which is neither on nor off");
                self.problems.push(Diagnostic::usage(message).help("set it to on or off, or unset it"));
                return None;
            }
        };
        Some(Sourced::new(value, Origin::Environment(name.to_owned())))
    }

    fn postgres(&mut self) -> PostgresAt {
        let url = self.request.postgres_url.as_ref();
        let given = flag_or_variable(url, "--postgres-url", "SNAPBENCH_POSTGRES_URL", self.variable);
        if let Some(Sourced { value: url, origin }) = given {
            return match PgConfig::resolve(&url) {
                Ok(config) => PostgresAt::External { config: Box::new(config), origin },
                Err(error) => {
                    let told =
                        error.0.iter().map(|problem| Diagnostic::usage(format!("{origin}: {problem}")));
                    self.problems.extend(told);
                    PostgresAt::Missing
                }
            };
        }
        match self.found {
            None => PostgresAt::Embedded,
            Some((target, source)) => match &target.postgres {
                None => PostgresAt::Missing,
                Some(postgres) => self.postgres_of_file(postgres, source),
            },
        }
    }

    fn postgres_of_file(&mut self, postgres: &FilePostgres, source: &Source) -> PostgresAt {
        let Some(url) = &postgres.url else { return PostgresAt::Missing };
        let origin = of_line(source, url.location);
        let password = postgres.password_env.as_ref().and_then(|name| self.secret(name, source));
        let config = match password {
            // What a URL leaves out comes from the environment: this one variable has another name here.
            Some(password) => PgConfig::parse(&url.value, &|name| {
                if name == "PGPASSWORD" { Some(password.clone()) } else { (self.variable)(name) }
            }),
            None => PgConfig::resolve(&url.value),
        };
        match config {
            Ok(config) => PostgresAt::External { config: Box::new(config), origin },
            Err(error) => {
                let place = source.place(url.location);
                let told =
                    error.0.iter().map(|problem| Diagnostic::usage(problem.to_string()).at(place.clone()));
                self.problems.extend(told);
                PostgresAt::Missing
            }
        }
    }

    /// The value of the variable that a file names.
    pub(super) fn secret(&mut self, name: &Placed<String>, source: &Source) -> Option<String> {
        let value = (self.variable)(&name.value).filter(|value| !value.is_empty());
        if value.is_none() {
            let complaint = Diagnostic::usage(format!("the variable {} is not set", name.value));
            let complaint = complaint.at(source.place(name.location));
            self.problems.push(complaint.help(format!("export {}=… before the run", name.value)));
        }
        value
    }

    fn store(&mut self) -> StoreAt {
        let mut settings = StoreSettings { backend: self.backend, ..StoreSettings::default() };
        let of_file = self.found.and_then(|(target, source)| Some((target.store.as_ref()?, source)));
        if let Some((store, source)) = of_file {
            self.store_of_file(store, source, &mut settings);
        }
        let request = self.request;
        let overrides: [(&'static str, Option<&String>, &'static str, &str); 4] = [
            ("endpoint", request.s3_endpoint.as_ref(), "--s3-endpoint", "SNAPBENCH_S3_ENDPOINT"),
            ("bucket", request.s3_bucket.as_ref(), "--s3-bucket", "SNAPBENCH_S3_BUCKET"),
            ("region", request.s3_region.as_ref(), "--s3-region", "SNAPBENCH_S3_REGION"),
            ("client", request.s3_client.as_ref(), "--s3-client", "SNAPBENCH_S3_CLIENT"),
        ];
        for (setting, flag, flag_name, variable_name) in overrides {
            if let Some(word) = flag_or_variable(flag, flag_name, variable_name, self.variable) {
                settings.set(setting, word);
            }
        }
        let has_endpoint = settings.origins.iter().any(|(name, _)| *name == "endpoint");
        if of_file.is_some() || has_endpoint {
            settings.words = settings.words.or_environment(self.variable).or_profile();
            StoreAt::External(settings)
        } else if self.found.is_some() {
            StoreAt::Missing
        } else {
            StoreAt::Embedded(settings)
        }
    }

    fn store_of_file(&mut self, store: &FileStore, source: &Source, settings: &mut StoreSettings) {
        let texts = [
            ("profile", &store.profile),
            ("endpoint", &store.endpoint),
            ("bucket", &store.bucket),
            ("region", &store.region),
            ("client", &store.client),
            ("timeout", &store.timeout),
            ("ca_file", &store.ca_file),
        ];
        for (setting, text) in texts {
            if let Some(text) = text {
                settings.set(setting, Sourced::new(text.value.clone(), of_line(source, text.location)));
            }
        }
        let secrets = [
            ("access_key", &store.access_key_env),
            ("secret_key", &store.secret_key_env),
            ("session_token", &store.session_token_env),
        ];
        for (setting, name) in secrets {
            if let Some(secret) = name.as_ref().and_then(|name| self.secret(name, source)) {
                let origin =
                    name.as_ref().map_or(Origin::Default, |name| Origin::Environment(name.value.clone()));
                settings.set(setting, Sourced::new(secret, origin));
            }
        }
        settings.words.path_style = store.path_style.as_ref().map(|flag| flag.value);
        settings.words.sign_payload = store.sign_payload.as_ref().map(|flag| flag.value);
    }
}
