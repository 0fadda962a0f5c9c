//! A script as text: read, checked and compiled once, then shared by every core.
//!
//! Rhai's compiled form belongs to one thread, so what is shared is the text (and the texts it imports); each core
//! compiles its own in a few milliseconds. What can be learnt without running anything is learnt here: functions,
//! declared parameters, and which servers the script talks to.
//!
//! Deliberately absent: what `options()` returns (see `options`), running (see `engine`, `vu`, `stage`).

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
};

use rhai::{AST, ASTNode, Expr, Stmt};

use crate::{
    diagnostic::{Diagnostic, Imported, Place, Texts},
    docs::calls::{self, Call},
    engine::Host,
    library::{Library, ModuleText},
    portable::Portable,
    requests::Requests,
};

pub(crate) use crate::places::place_of_key;

/// A script is words; one of a megabyte is a mistake.
const SCRIPT_BYTES_AT_MOST: u64 = 1 << 20;

/// A checked script. Cheap to clone, shared between threads.
#[derive(Clone, Debug)]
pub struct Program(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: String,
    text: Arc<str>,
    library: Library,
    facts: Facts,
}

/// What a look at the code tells.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Functions of the script itself: name and number of parameters.
    pub functions: Vec<(String, usize)>,
    /// Calls of `pg::…` anywhere, imports included.
    pub uses_postgres: bool,
    /// Calls of `s3::…` anywhere, imports included.
    pub uses_store: bool,
    /// Calls of `http::…` anywhere, imports included.
    pub uses_http: bool,
    /// What those are about.
    pub requests: Requests,
    /// Names in `param("name", …)` calls.
    pub parameters: BTreeSet<String>,
    /// Declarations that are written out, wherever they stand: name, default and attributes. With these, what is
    /// declared in `setup()` can be checked before anything runs.
    pub(crate) declarations: Vec<(String, Portable, Portable)>,
    /// Calls of functions in namespaces that are not imported modules, imports included.
    calls: Vec<Call>,
    imports: Vec<Import>,
    /// Functions of imported modules by where the module's text came from.
    functions_of_modules: BTreeMap<String, Vec<String>>,
}

/// `import "module" as alias`, and the source it stands in.
#[derive(Clone, Debug)]
struct Import {
    source: String,
    alias: String,
    module: String,
}

impl Program {
    /// Reads and compiles a script and everything it imports at the top level.
    ///
    /// # Errors
    /// Every complaint: no such file (with the nearest name), a folder, not text, too large, syntax, imports.
    pub fn load(path: &Path, stdlib: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let text = read(path).map_err(|d| vec![d])?;
        Self::from_text(path, &text, stdlib)
    }

    /// The same for a text that is already at hand; `path` says where its imports are looked for.
    ///
    /// # Errors
    /// As [`Program::load`].
    pub fn from_text(path: &Path, text: &str, stdlib: Option<&Path>) -> Result<Self, Vec<Diagnostic>> {
        let inner = Inner {
            file: path.display().to_string(),
            text: text.into(),
            library: Library::new(path, stdlib),
            facts: Facts::default(),
        };
        let bare = Self(Arc::new(inner));
        let host = Host::new(&bare).map_err(|d| vec![d])?;
        host.load_imports().map_err(|d| vec![d])?;
        let facts = Facts::gather(&host.asts(), &bare);
        drop(host);
        let mut wrong = calls::complaints(&facts.calls);
        wrong.extend(bare.options_with_parameters(&facts));
        if !wrong.is_empty() {
            return Err(wrong);
        }
        let mut inner = Arc::into_inner(bare.0).expect("the host that shared the program is gone");
        inner.facts = facts;
        Ok(Self(Arc::new(inner)))
    }

    /// `options` is called before there is anything to hand to it.
    fn options_with_parameters(&self, facts: &Facts) -> Option<Diagnostic> {
        let mut arities =
            facts.functions.iter().filter(|(name, _)| name == "options").map(|(_, arity)| *arity);
        let first = arities.next().filter(|first| *first > 0)?;
        if arities.any(|arity| arity == 0) {
            return None;
        }
        let message = format!("options() takes no parameters; this one takes {first}");
        let help = "write `fn options() { … }`; what changes between runs is a param(\"name\", default)";
        let complaint = Diagnostic::script(message).help(help);
        let text = &self.0.text;
        let Some(before) = text.find("fn options").map(|at| &text[..at]) else { return Some(complaint) };
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or(before).chars().count() + "fn ".len() + 1;
        let (file, length) = (self.0.file.clone(), "options".len());
        Some(complaint.at(Place { file, text: text.clone(), line, column, length }))
    }

    /// Name of the file as the user gave it.
    #[must_use]
    pub fn file(&self) -> &str {
        &self.0.file
    }

    /// The script's name: the file's stem.
    #[must_use]
    pub fn name(&self) -> String {
        Path::new(&self.0.file)
            .file_stem()
            .map_or_else(|| "script".into(), |s| s.to_string_lossy().into_owned())
    }

    /// The script's text.
    #[must_use]
    pub fn text(&self) -> &Arc<str> {
        &self.0.text
    }

    /// What a look at the code tells.
    #[must_use]
    pub fn facts(&self) -> &Facts {
        &self.0.facts
    }

    /// Every imported module with its text.
    #[must_use]
    pub fn modules(&self) -> BTreeMap<String, ModuleText> {
        self.0.library.known()
    }

    /// The comment at the top of the file, without its slashes: question, what it does, what to look at.
    #[must_use]
    pub fn header(&self) -> String {
        let lines = self.0.text.lines().take_while(|l| l.starts_with("//"));
        lines.map(|l| l.trim_start_matches('/').trim()).collect::<Vec<_>>().join("\n")
    }

    /// Whether the script has the function, with any number of parameters.
    #[must_use]
    pub fn has_function(&self, name: &str) -> bool {
        self.arity(name).is_some()
    }

    /// Parameters of a function of the script.
    #[must_use]
    pub fn arity(&self, name: &str) -> Option<usize> {
        self.0.facts.functions.iter().find(|(n, _)| n == name).map(|(_, arity)| *arity)
    }

    pub(crate) fn library(&self) -> &Library {
        &self.0.library
    }
}

impl Texts for Program {
    fn text(&self, source: &str) -> Option<(String, Arc<str>)> {
        if source.is_empty() || source == self.0.file {
            return Some((self.0.file.clone(), self.0.text.clone()));
        }
        let known = self.0.library.known();
        known
            .get(source)
            .or_else(|| known.values().find(|m| m.origin == source))
            .map(|m| (m.origin.clone(), m.text.clone()))
    }

    fn names(&self) -> Vec<String> {
        let own = self.0.facts.functions.iter().map(|(name, _)| name.clone());
        own.chain(crate::docs::signatures()).collect()
    }

    fn module_names(&self) -> Vec<String> {
        self.0.library.names()
    }

    fn imported(&self, source: &str, alias: &str) -> Option<Imported> {
        let source = if source.is_empty() { &self.0.file } else { source };
        let facts = &self.0.facts;
        let import = facts.imports.iter().find(|i| i.source == source && i.alias == alias)?;
        let origin = self.0.library.known().get(&import.module)?.origin.clone();
        let functions = facts.functions_of_modules.get(&origin).cloned().unwrap_or_default();
        let is_built_in = crate::library::BUILT_IN.iter().any(|(name, _)| *name == import.module);
        let hides = (is_built_in && !origin.starts_with("stdlib:")).then(|| import.module.clone());
        Some(Imported { origin, functions, hides })
    }
}

impl Facts {
    fn gather(asts: &[AST], texts: &dyn Texts) -> Self {
        let mut facts = Self::default();
        for (n, ast) in asts.iter().enumerate() {
            let source = ast.source().unwrap_or_default();
            if n == 0 {
                let functions = ast.iter_functions().map(|f| (f.name.to_owned(), f.params.len()));
                facts.functions = functions.collect();
            } else {
                facts.functions_of_modules.insert(source.to_owned(), signatures(ast));
            }
            let (mut aliases, mut calls) = (BTreeSet::new(), Vec::new());
            ast.walk(&mut |path: &[ASTNode<'_>]| {
                match path.last() {
                    // A call that stands by itself is a statement to Rhai, any other an expression.
                    Some(ASTNode::Expr(Expr::FnCall(call, at)) | ASTNode::Stmt(Stmt::FnCall(call, at))) => {
                        facts.see_call(call);
                        calls.extend(Call::in_namespace(call, source, *at, texts));
                    }
                    Some(ASTNode::Stmt(Stmt::Import(import, _))) => {
                        aliases.insert(import.1.name.to_string());
                        facts.see_import(source, &import.0, &import.1.name);
                    }
                    _ => {}
                }
                true
            });
            // What a script imports under the name of a namespace is its own affair.
            facts.calls.extend(calls.into_iter().filter(|call| !aliases.contains(&call.namespace)));
        }
        // Modules come in any order, the script first.
        let own = asts.first().and_then(AST::source).unwrap_or_default();
        facts.calls.sort_by_key(|call| {
            let Place { file, line, column, .. } = &call.place;
            (file != own, file.clone(), *line, *column)
        });
        facts
    }

    fn see_import(&mut self, source: &str, module: &Expr, alias: &str) {
        if let Expr::StringConstant(module, _) = module {
            let (source, alias) = (source.to_owned(), alias.to_owned());
            self.imports.push(Import { source, alias, module: module.to_string() });
        }
    }

    fn see_call(&mut self, call: &rhai::FnCallExpr) {
        if !call.namespace.is_empty() {
            match call.namespace.root() {
                "pg" => self.uses_postgres = true,
                "s3" => self.uses_store = true,
                "http" => {
                    self.uses_http = true;
                    self.requests.see(call);
                }
                _ => {}
            }
        }
        if call.name == "param"
            && let Some(Expr::StringConstant(name, _)) = call.args.first()
        {
            self.parameters.insert(name.to_string());
            self.declarations.extend(written_out(name, &call.args[1..]));
        }
    }
}

/// `push(q, item)` of every function that has a name.
fn signatures(ast: &AST) -> Vec<String> {
    let named = ast.iter_functions().filter(|f| !f.name.contains('$'));
    let mut signatures: Vec<String> = named.map(|f| format!("{}({})", f.name, f.params.join(", "))).collect();
    signatures.sort();
    signatures
}

/// Default and attributes of a declaration, when both are literals.
fn written_out(name: &str, rest: &[Expr]) -> Option<(String, Portable, Portable)> {
    let literal = |expr: &Expr| Portable::from_dynamic(name, &expr.get_literal_value(None)?).ok();
    let attributes = match rest.get(1) {
        None => Portable::Map(Vec::new()),
        Some(attributes) => literal(attributes)?,
    };
    Some((name.to_owned(), literal(rest.first()?)?, attributes))
}

fn read(path: &Path) -> Result<String, Diagnostic> {
    let shown = path.display();
    let meta = match std::fs::metadata(path) {
        Ok(meta) => meta,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            let complaint = Diagnostic::usage(format!("there is no script {shown}"));
            return Err(match nearest(path) {
                Some(near) => complaint.help(format!("did you mean {}?", near.display())),
                None => {
                    complaint.help("`snapbench list` shows the scenarios at hand, `snapbench new` makes one")
                }
            });
        }
        Err(e) => {
            return Err(
                Diagnostic::usage(format!("cannot read {shown}: {e}")).help("check the file's rights")
            );
        }
    };
    if meta.is_dir() {
        return Err(Diagnostic::usage(format!("{shown} is a folder, not a script"))
            .help(format!("name a file in it; `snapbench list {shown}` shows them")));
    }
    if meta.len() > SCRIPT_BYTES_AT_MOST {
        return Err(Diagnostic::usage(format!(
            "{shown} has {} bytes; a script may have {SCRIPT_BYTES_AT_MOST}",
            meta.len()
        ))
        .help("keep data out of the script: load it in setup() or generate it"));
    }
    let bytes = std::fs::read(path).map_err(|e| {
        Diagnostic::usage(format!("cannot read {shown}: {e}")).help("check the file's rights")
    })?;
    match String::from_utf8(bytes) {
        Ok(text) if !text.contains('\0') => Ok(text),
        Ok(_) | Err(_) => Err(Diagnostic::usage(format!("{shown} is not a text file"))
            .help("a script is UTF-8 text; `snapbench new NAME` writes one to start from")),
    }
}

/// The script in the same folder (or in `scenarios/`) whose name is nearest to what was typed.
fn nearest(path: &Path) -> Option<PathBuf> {
    let typed = path.file_stem()?.to_str()?;
    let beside = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let folders = [beside, Path::new("scenarios"), Path::new("examples")];
    let files: Vec<PathBuf> = folders
        .iter()
        .filter_map(|f| std::fs::read_dir(f).ok())
        .flatten()
        .flatten()
        .map(|f| f.path())
        .filter(|f| f.extension().is_some_and(|e| e == "rhai"))
        .collect();
    let stems: Vec<&str> = files.iter().filter_map(|f| f.file_stem()?.to_str()).collect();
    let near = model::suggest::did_you_mean(typed, stems.iter().copied())?;
    files.iter().find(|f| f.file_stem().is_some_and(|s| s == near)).cloned()
}
