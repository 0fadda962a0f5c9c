//! Everything that can be known before anything connects: script, options, plan, target. All problems at once.

use std::{collections::BTreeMap, sync::Arc, thread};

use drivers::s3::S3Config;
use script::{Diagnostic, FaultOptions, Inputs, Options, Param, Program, evaluate};

use crate::{
    error::RunError,
    origin::{Origin, Sourced},
    plan::{self, Planned},
    request::{LoadRequest, ScriptRequest, TargetRequest},
    targets::{self, EMBEDDED, PostgresAt, StoreAt, StoreSettings, Target},
};

/// More cores than this are a slip of the finger.
const CORES_AT_MOST: usize = 1024;
/// The bucket of a script that names none.
const BUCKET: &str = "snapbench";

/// A run that could begin.
#[derive(Clone, Debug)]
pub struct Prepared {
    /// The script.
    pub program: Program,
    /// What it was told.
    pub inputs: Arc<Inputs>,
    /// What it asks for.
    pub options: Options,
    /// Its parameters.
    pub params: Vec<Param>,
    /// What will be played.
    pub planned: Planned,
    /// Against what.
    pub target: Target,
    /// Cores that generate load.
    pub cores: Sourced<usize>,
    /// The Postgres the script talks to, if it does.
    pub postgres: Option<WantedPostgres>,
    /// The store the script talks to, if it does.
    pub store: Option<WantedStore>,
}

/// The Postgres that a run needs.
#[derive(Clone, Debug)]
pub struct WantedPostgres {
    /// Where it is.
    pub at: PostgresAt,
    /// Whether an embedded one keeps its promises at a power cut.
    pub durable: Sourced<bool>,
}

/// The object store that a run needs.
#[derive(Clone, Debug)]
pub struct WantedStore {
    /// All settings; endpoint and keys are missing while it is embedded and not started.
    pub settings: StoreSettings,
    /// The settings' meaning. Of an embedded store endpoint and keys are made up.
    pub config: S3Config,
    /// Whether it is a throw-away server of our own.
    pub is_embedded: bool,
    /// Whether an embedded one syncs before it acknowledges.
    pub durable: Sourced<bool>,
}

impl Prepared {
    /// Whether every server that is used is ours.
    #[must_use]
    pub fn is_all_embedded(&self) -> bool {
        let postgres = self.postgres.as_ref().is_none_or(|wanted| matches!(wanted.at, PostgresAt::Embedded));
        postgres && self.store.as_ref().is_none_or(|wanted| wanted.is_embedded)
    }
}

/// Prepares a run.
///
/// # Errors
/// [`RunError::Wrong`] with everything that is wrong.
pub fn prepare(
    script: &ScriptRequest,
    load: &LoadRequest,
    target: &TargetRequest,
) -> Result<Prepared, RunError> {
    let variable = |name: &str| std::env::var(name).ok();
    let program = Program::load(&script.path, script.stdlib.as_deref());
    let found = targets::resolve(target, &variable, &targets::files(&variable));
    let (program, found) = both(program, found)?;
    let inputs = Inputs {
        params: script.params.clone(),
        env: script.env.clone(),
        scale: load.scale,
        duration_s: load.duration.map(|duration| duration.as_secs_f64()),
    };
    let inputs = Arc::new(inputs);
    let evaluated = evaluate(&program, &inputs).map_err(RunError::Wrong)?;
    let planned = plan::plan(&evaluated.options, load);
    let servers = servers(&program, &evaluated.options, &found);
    let ((postgres, store), planned) = both(servers, planned)?;
    let cores = cores(load.cores)?;
    let options = evaluated.options;
    let prepared = Prepared {
        program,
        inputs,
        options,
        params: evaluated.params,
        planned,
        target: found,
        cores,
        postgres,
        store,
    };
    durability_means_something(&prepared)?;
    Ok(prepared)
}

/// Both, or the problems of both.
fn both<A, B>(a: Result<A, Vec<Diagnostic>>, b: Result<B, Vec<Diagnostic>>) -> Result<(A, B), RunError> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.extend(b);
            Err(RunError::Wrong(a))
        }
        (Err(problems), _) | (_, Err(problems)) => Err(RunError::Wrong(problems)),
    }
}

fn cores(asked: Option<usize>) -> Result<Sourced<usize>, RunError> {
    let available = thread::available_parallelism().map_or(1, usize::from);
    if let Some(cores) = asked.filter(|cores| *cores > CORES_AT_MOST) {
        let complaint = Diagnostic::usage(format!("--cores: {cores} is more than any machine has"));
        return Err(RunError::Wrong(vec![complaint.help(format!("this one has {available}"))]));
    }
    Ok(Sourced::flag_or_script((asked, "--cores"), None, available))
}

type Servers = (Option<WantedPostgres>, Option<WantedStore>);

fn servers(program: &Program, options: &Options, target: &Target) -> Result<Servers, Vec<Diagnostic>> {
    let facts = program.facts();
    let mut problems = Vec::new();
    let mut missing = |server: &str, key: &str| {
        let message = format!("the script talks to {server}, and target `{}` has none", target.name.value);
        problems
            .push(Diagnostic::usage(message).help(format!("give the target a `{key}:`, or choose another")));
    };
    // The script's options come with their defaults filled in: only "off" was surely said.
    let durable = |of_script: bool| {
        let origin = if of_script { Origin::Default } else { Origin::Script };
        target.durable.clone().unwrap_or(Sourced::new(of_script, origin))
    };
    let by_sql = |fault: &FaultOptions| fault.fault.server().is_none();
    let uses_postgres =
        facts.uses_postgres || !options.probes.postgres.is_empty() || options.faults.iter().any(by_sql);
    let postgres = uses_postgres.then(|| WantedPostgres {
        at: target.postgres.clone(),
        durable: durable(options.postgres.is_durable),
    });
    if postgres.as_ref().is_some_and(|wanted| matches!(wanted.at, PostgresAt::Missing)) {
        missing("Postgres", "postgres");
    }
    let mut store = None;
    if facts.uses_store {
        match &target.store {
            StoreAt::Missing => missing("an object store", "store"),
            StoreAt::Embedded(settings) | StoreAt::External(settings) => {
                let is_embedded = matches!(target.store, StoreAt::Embedded(_));
                match wanted_store(settings, options, is_embedded) {
                    Ok((settings, config)) => {
                        let durable = durable(options.store.is_durable);
                        store = Some(WantedStore { settings, config, is_embedded, durable });
                    }
                    Err(found) => problems.extend(found),
                }
            }
        }
    }
    problems.extend(breakable(options, postgres.as_ref(), store.as_ref()));
    if problems.is_empty() { Ok((postgres, store)) } else { Err(problems) }
}

/// Faults that are done to processes need servers of ours.
fn breakable(
    options: &Options,
    postgres: Option<&WantedPostgres>,
    store: Option<&WantedStore>,
) -> Vec<Diagnostic> {
    let is_ours = |server: &str| match server {
        "postgres" => postgres.is_some_and(|wanted| matches!(wanted.at, PostgresAt::Embedded)),
        _ => store.is_some_and(|wanted| wanted.is_embedded),
    };
    let wrong = options.faults.iter().filter_map(|fault| {
        let server = fault.fault.server().filter(|server| !is_ours(server))?;
        let message = format!("fault `{}`: this run starts no {server} of its own", fault.fault.kind());
        Some(Diagnostic::usage(message).help(format!(
            "a script that uses {server} gets one with --target {EMBEDDED}; leave the fault out elsewhere"
        )))
    });
    wrong.collect()
}

/// Fills in what the script says where nobody above it did, and makes sense of the whole.
fn wanted_store(
    settings: &StoreSettings,
    options: &Options,
    is_embedded: bool,
) -> Result<(StoreSettings, S3Config), Vec<Diagnostic>> {
    let mut settings = settings.clone();
    if settings.words.bucket.is_none() {
        let of_script = options.store.bucket.clone().map(|bucket| (bucket, Origin::Script));
        let (bucket, origin) = of_script.unwrap_or((BUCKET.to_owned(), Origin::Default));
        settings.words.bucket = Some(bucket);
        settings.origins.push(("bucket", origin));
    }
    if settings.words.client.is_none() {
        let of_script = options.store.client.map(|client| (client.as_str().to_owned(), Origin::Script));
        let (client, origin) = of_script.unwrap_or(("lean".to_owned(), Origin::Default));
        settings.words.client = Some(client);
        settings.origins.push(("client", origin));
    }
    if settings.words.timeout.is_none() {
        settings.words.timeout = Some(format!("{}ms", options.timeout.as_millis()));
        settings.origins.push(("timeout", Origin::Script));
    }
    let mut words = settings.words.clone();
    if is_embedded {
        // Known once it runs; until then the rest is checked.
        words.endpoint = Some("http://127.0.0.1:1".to_owned());
        words.access_key = Some("embedded".to_owned());
        words.secret_key = Some("embedded".to_owned());
    }
    let checked = words.check().map_err(|error| {
        let told = error.problems.iter().map(|problem| {
            let from = match settings.origin(problem.setting) {
                Origin::Default => String::new(),
                origin => format!(" ({origin})"),
            };
            let message = format!("object store, {}{from}: {}", problem.setting, problem.problem);
            Diagnostic::usage(message).help(&problem.remedy)
        });
        told.collect::<Vec<_>>()
    })?;
    Ok((settings, checked))
}

/// A switch of embedded servers on a run that has none would silently do nothing.
fn durability_means_something(prepared: &Prepared) -> Result<(), RunError> {
    let Some(durable) = &prepared.target.durable else { return Ok(()) };
    let has_embedded =
        prepared.postgres.as_ref().is_some_and(|wanted| matches!(wanted.at, PostgresAt::Embedded))
            || prepared.store.as_ref().is_some_and(|wanted| wanted.is_embedded);
    if has_embedded {
        return Ok(());
    }
    let message = format!("{} is about embedded servers, and this run starts none", durable.origin);
    let help = format!("leave it out, or use --target {EMBEDDED} with a script that talks to a server");
    Err(RunError::Wrong(vec![Diagnostic::usage(message).help(help)]))
}

/// Values of parameters by name, for the run file.
pub(crate) fn parameters(params: &[Param]) -> BTreeMap<String, model::runfile::Parameter> {
    let typed = |param: &Param| match param.type_name {
        "int" => param.value.parse::<i64>().ok().map(Into::into),
        "float" => param.value.parse::<f64>().ok().map(Into::into),
        "bool" => param.value.parse::<bool>().ok().map(Into::into),
        _ => None,
    };
    let from = |param: &Param| match param.origin {
        script::ParamOrigin::Default | script::ParamOrigin::Scaled => "default",
        script::ParamOrigin::Flag => "flag",
    };
    let entries = params.iter().map(|param| {
        let value = typed(param).unwrap_or_else(|| param.value.clone().into());
        (param.name.clone(), model::runfile::Parameter { value, from: from(param).to_owned() })
    });
    entries.collect()
}
