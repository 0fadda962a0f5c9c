//! Everything that can be known before anything connects: script, options, plan, target. All problems at once.

use std::{collections::BTreeMap, sync::Arc, thread};

use drivers::pg::PoolMode;
use script::{Diagnostic, Fault, FaultServer, Inputs, Options, Param, Program, evaluate};

use crate::{
    error::RunError,
    origin::Sourced,
    plan::{self, Planned},
    request::{LoadRequest, ScriptRequest, TargetRequest},
    targets::{self, EMBEDDED, PostgresAt, Target},
    wanted::{self, Asking, WantedHttp, WantedPostgres, WantedServers, WantedStore},
};

/// More cores than this are a slip of the finger.
const CORES_AT_MOST: usize = 1024;

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
    /// The object stores the script talks to: one without a name, or several with one each.
    pub stores: Vec<WantedStore>,
    /// The HTTP service the script talks to, if it does.
    pub http: Option<WantedHttp>,
}

impl Prepared {
    /// Whether every server that is used is ours.
    #[must_use]
    pub fn is_all_embedded(&self) -> bool {
        let postgres = self.postgres.as_ref().is_none_or(|wanted| matches!(wanted.at, PostgresAt::Embedded));
        let http = self.http.as_ref().is_none_or(|wanted| !wanted.is_external());
        postgres && http && self.stores.iter().all(|wanted| wanted.is_embedded)
    }

    /// Whether a service of our own is started for the run.
    #[must_use]
    pub fn starts_service(&self) -> bool {
        self.http.as_ref().is_some_and(|wanted| wanted.service.is_some())
    }

    /// Whether the load checks connections to Postgres out of a pool. One that only a service asks is the service's affair.
    #[must_use]
    pub fn uses_pool(&self) -> bool {
        let is_pooled = matches!(self.options.postgres.pool, PoolMode::Pooled { .. });
        is_pooled && self.postgres.as_ref().is_some_and(|wanted| wanted.for_users)
    }

    /// Whether every server that is used permits to drop, truncate and break things.
    #[must_use]
    pub fn permits_destruction(&self) -> bool {
        let of_target = self.target.allow_destructive.value;
        let postgres = self.postgres.as_ref().is_none_or(|wanted| matches!(wanted.at, PostgresAt::Embedded));
        let stores = self.stores.iter().all(|wanted| wanted.is_embedded || wanted.allow_destructive);
        (postgres || of_target) && stores
    }

    /// Whether a fault may be done. What happens on the wire happens to connections of our own alone.
    pub(crate) fn permits_fault(&self, fault: &Fault) -> bool {
        let is_theirs = fault.server() == Some(FaultServer::Service)
            && self.http.as_ref().is_some_and(WantedHttp::is_external);
        let service = !is_theirs || self.target.allow_destructive.value;
        fault.wire().is_some() || (service && self.permits_destruction())
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
    let files = targets::files(&variable);
    let found = targets::resolve(target, &variable, &files);
    let (program, found) = both(program, found)?;
    let inputs = Inputs {
        params: script.params.clone(),
        env: script.env.clone(),
        scale: load.scale,
        duration_s: load.duration.map(|duration| duration.as_secs_f64()),
        only: load.only.clone(),
        sweep: load.sweep.clone(),
    };
    let inputs = Arc::new(inputs);
    let evaluated = evaluate(&program, &inputs).map_err(RunError::Wrong)?;
    let planned = plan::plan(&evaluated.options, load);
    let asking =
        Asking { target: &found, client: target.s3_client.as_ref(), variable: &variable, files: &files };
    let servers = wanted::servers(&program, &evaluated.options, &asking);
    let (WantedServers { postgres, stores, http }, planned) = both(servers, planned)?;
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
        stores,
        http,
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

/// A switch of embedded servers on a run that has none would silently do nothing.
fn durability_means_something(prepared: &Prepared) -> Result<(), RunError> {
    let Some(durable) = &prepared.target.durable else { return Ok(()) };
    let has_embedded =
        prepared.postgres.as_ref().is_some_and(|wanted| matches!(wanted.at, PostgresAt::Embedded))
            || prepared.stores.iter().any(|wanted| wanted.is_embedded);
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
