//! One Rhai engine with one compiled script: what each core (and the stage) has of its own.
//!
//! Everything a script does is run by [`Host::run`]: the script's top level is evaluated, and inside that same
//! evaluation a task is carried out, so that imports, constants and the interpreter's caches hold for all of it.
//! A virtual user's whole life is one such task.
//!
//! Deliberately absent: what bindings do (see `bindings`), who waits for whom (see `bridge`).

use std::{cell::RefCell, collections::HashMap, path::Path, rc::Rc};

use rhai::{
    AST, Dynamic, Engine, EvalAltResult, EvalContext, Module, ModuleResolver, OptimizationLevel, Position,
    Scope, Shared, Token,
};

use crate::{
    bindings::{self, data::Folder},
    bridge::Fiber,
    diagnostic::{Diagnostic, from_eval_error, from_parse_error},
    limits,
    program::Program,
    stack::StackPool,
};

/// A failed evaluation.
pub(crate) type EvalError = Box<EvalAltResult>;

/// What [`Host::run`] carries out inside the evaluation.
pub(crate) type Task = Rc<dyn Fn(&mut EvalContext<'_, '_, '_, '_, '_, '_>) -> Result<Dynamic, EvalError>>;

/// Variable of the outermost scope that holds the task; scripts' functions cannot see it.
const TASK: &str = "__task";

/// Statement appended to every script: carry the task out here.
const CARRY_OUT: &str = "__carry_out";

/// An engine and the script it has compiled.
pub(crate) struct Host {
    engine: Engine,
    /// The script alone.
    ast: AST,
    /// The script with the statement that carries out the task.
    ast_with_task: AST,
    program: Program,
    compiled: CompiledModules,
}

type SharedModule = Shared<Module>;

/// Modules of one engine by name, with their syntax trees for those who want to look at them.
type CompiledModules = Rc<RefCell<HashMap<String, (AST, Option<SharedModule>)>>>;

impl Host {
    /// Compiles the script.
    ///
    /// # Errors
    /// A syntax error.
    pub(crate) fn new(program: &Program) -> Result<Self, Diagnostic> {
        let compiled = CompiledModules::default();
        let mut engine = bare_engine();
        engine.set_default_tag(Dynamic::from(Folder::of(Path::new(program.file()))));
        engine.set_module_resolver(Resolver { program: program.clone(), compiled: compiled.clone() });
        let complain = |e: &rhai::ParseError| from_parse_error(e, program.file(), program.text());
        let mut ast = engine.compile(program.text().as_ref()).map_err(|e| complain(&e))?;
        ast.set_source(program.file());
        let carry_out = engine.compile(CARRY_OUT).expect("the appended statement is one word");
        let mut ast_with_task = ast.merge(&carry_out);
        ast_with_task.set_source(program.file());
        Ok(Self { engine, ast, ast_with_task, program: program.clone(), compiled })
    }

    /// Evaluates the script's top level, which resolves its imports.
    ///
    /// # Errors
    /// What went wrong, at its place.
    pub(crate) fn load_imports(&self) -> Result<(), Diagnostic> {
        let mut scope = Scope::new();
        self.engine.run_ast_with_scope(&mut scope, &self.ast).map_err(|e| self.explain(&e))
    }

    /// The script and every module that was imported so far.
    pub(crate) fn asts(&self) -> Vec<AST> {
        let modules = self.compiled.borrow();
        std::iter::once(self.ast.clone()).chain(modules.values().map(|(ast, _)| ast.clone())).collect()
    }

    /// The program this host has compiled.
    pub(crate) fn program(&self) -> &Program {
        &self.program
    }

    /// Evaluates the top level and carries out `task` within it.
    pub(crate) fn run(&self, task: Task) -> Result<Dynamic, EvalError> {
        let mut scope = Scope::new();
        scope.push_constant_dynamic(TASK, Dynamic::from(TaskHandle(task)));
        self.engine.eval_ast_with_scope::<Dynamic>(&mut scope, &self.ast_with_task)
    }

    /// As [`Host::run`], on a stack of its own (so that running out of it is an error, not a crash) and on nobody's
    /// behalf: what waits or needs a server is refused.
    ///
    /// # Errors
    /// What went wrong, at its place.
    pub(crate) fn run_on_own_stack(self: &Rc<Self>, task: Task) -> Result<Dynamic, Diagnostic> {
        let output: Rc<RefCell<Option<Result<Dynamic, EvalError>>>> = Rc::default();
        let (host, filled) = (self.clone(), output.clone());
        let fiber = Fiber::new(&StackPool::default(), move || *filled.borrow_mut() = Some(host.run(task)))
            .map_err(|e| Diagnostic::usage(format!("no memory for a script's stack: {e}")))?;
        let mut fiber = std::pin::pin!(fiber);
        // Nothing in here can wait but the interpreter's own stepping aside, which is ready at the next poll.
        while fiber.as_mut().poll(&mut std::task::Context::from_waker(std::task::Waker::noop())).is_pending()
        {
        }
        let result = output.borrow_mut().take().expect("a fiber that has returned has filled its output");
        result.map_err(|e| self.explain(&e))
    }

    /// An evaluation's failure as a complaint with file, line and remedy.
    pub(crate) fn explain(&self, error: &EvalAltResult) -> Diagnostic {
        from_eval_error(error, self.program.file(), &self.program)
    }
}

#[derive(Clone)]
struct TaskHandle(Task);

/// An engine with limits and bindings, and no script yet.
pub(crate) fn bare_engine() -> Engine {
    let mut engine = Engine::new();
    // `Full` would run bindings at compile time.
    engine.set_optimization_level(OptimizationLevel::Simple);
    // Keys and bodies are mostly new strings: interning would search its whole table for one to give up, each time.
    engine.set_max_strings_interned(0);
    engine.set_strict_variables(true);
    engine.set_fail_on_invalid_map_property(true);
    engine.disable_symbol("eval");
    // Standard output is for results.
    engine.on_print(|text| tracing::info!(target: "script", "{text}"));
    engine.on_debug(|text, _, at| tracing::debug!(target: "script", "{at}: {text}"));
    // Reserved in Rhai and words of ours: what setup() hands on, and what a gate says when it opens.
    #[allow(deprecated, reason = "not deprecated: marked so because it may change between versions of Rhai")]
    engine.on_parse_token(|token, _, _| match token {
        Token::Reserved(word) if matches!(word.as_str(), "shared" | "go") => Token::Identifier(word),
        token => token,
    });
    limits::apply(&mut engine);
    bindings::register(&mut engine);
    engine
        .register_custom_syntax([CARRY_OUT], false, |context, _| {
            let task = context.scope().get_value::<TaskHandle>(TASK);
            let TaskHandle(task) =
                task.ok_or_else(|| EvalError::from(format!("`{CARRY_OUT}` is not for scripts")))?;
            task(context)
        })
        .expect("the custom syntax is one identifier");
    engine
}

/// Turns the library's texts into modules, each once an engine.
struct Resolver {
    program: Program,
    compiled: CompiledModules,
}

impl ModuleResolver for Resolver {
    fn resolve(
        &self,
        engine: &Engine,
        _source: Option<&str>,
        name: &str,
        position: Position,
    ) -> Result<SharedModule, EvalError> {
        match self.compiled.borrow().get(name) {
            Some((_, Some(module))) => return Ok(module.clone()),
            Some((_, None)) => {
                return Err(EvalAltResult::ErrorRuntime(
                    format!("modules import each other in a circle: `{name}` is being imported already")
                        .into(),
                    position,
                )
                .into());
            }
            None => {}
        }
        let found = self.program.library().find(name).map_err(|e| {
            EvalError::from(EvalAltResult::ErrorRuntime(
                format!("cannot read module `{name}`: {e}").into(),
                position,
            ))
        })?;
        let Some(found) = found else {
            return Err(EvalAltResult::ErrorModuleNotFound(name.to_owned(), position).into());
        };
        let in_module =
            |e: EvalError| EvalError::from(EvalAltResult::ErrorInModule(found.origin.clone(), e, position));
        let mut ast = engine.compile(found.text.as_ref()).map_err(|e| in_module(e.into()))?;
        ast.set_source(found.origin.as_str());
        self.compiled.borrow_mut().insert(name.to_owned(), (ast.clone(), None));
        let module = Module::eval_ast_as_new(Scope::new(), &ast, engine);
        let module: SharedModule = match module {
            Ok(module) => module.into(),
            Err(e) => {
                self.compiled.borrow_mut().remove(name);
                return Err(in_module(e));
            }
        };
        self.compiled.borrow_mut().insert(name.to_owned(), (ast, Some(module.clone())));
        Ok(module)
    }
}
