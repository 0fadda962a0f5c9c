//! What surrounds the figures: machine, servers, how to run it again, files.

use model::runfile::{RunFile, Server};
use model::units::format_bytes;

use super::RunParts;
use super::doc::{Doc, Table, code, plain};
use crate::text::{one_line, plural, width};
use crate::words::{parameter_value, traces};

/// Characters of a line of settings.
const SETTINGS_WIDTH: usize = 100;

pub(super) fn environment(run: &RunFile, doc: &mut Doc) {
    doc.heading(2, "Environment and servers");
    let environment = &run.environment;
    let mut machine = Vec::new();
    let system = [&environment.os, &environment.kernel, &environment.arch].map(String::as_str);
    machine.push(system.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" "));
    machine.push(environment.cpu_model.clone());
    if environment.cpus > 0 {
        machine.push(plural(u64::from(environment.cpus), "CPU", "CPUs"));
    }
    if environment.memory_bytes > 0 {
        machine.push(format!("{} of memory", format_bytes(environment.memory_bytes as f64)));
    }
    machine.extend(environment.container.clone());
    machine.retain(|part| !part.is_empty());
    let machine = if machine.is_empty() { "not recorded".to_owned() } else { machine.join(", ") };
    doc.paragraph(&format!("Generator: {}.", plain(&machine)));
    if run.servers.is_empty() {
        doc.paragraph("No server was used.");
        return;
    }
    let mut table = Table::new(&["server", "product", "where", "client", "connections", "durability"]);
    run.servers.iter().for_each(|server| table.row(server_row(server)));
    doc.table(&table);
    for server in run.servers.iter().filter(|server| !server.settings.is_empty()) {
        doc.paragraph(&format!("Settings of {}:", code(&server.name)));
        doc.code("", &settings(server));
    }
}

/// All settings, as many on a line as fit.
fn settings(server: &Server) -> String {
    let mut lines = vec![String::new()];
    for (name, value) in &server.settings {
        let setting = one_line(&format!("{name} = {value}")).into_owned();
        let last = lines.len() - 1;
        if lines[last].is_empty() {
            lines[last] = setting;
        } else if width(&lines[last]) + 3 + width(&setting) <= SETTINGS_WIDTH {
            lines[last] = format!("{}   {setting}", lines[last]);
        } else {
            lines.push(setting);
        }
    }
    lines.join("\n")
}

fn server_row(server: &Server) -> Vec<String> {
    let place = match (server.embedded, server.endpoint.is_empty()) {
        (true, true) => "embedded".to_owned(),
        (true, false) => format!("embedded, {}", plain(&server.endpoint)),
        (false, _) => plain(&server.endpoint),
    };
    vec![
        code(&server.name),
        plain(&format!("{} {}", server.kind, server.version)),
        place,
        plain(&server.client),
        server.pool_mode.as_deref().map_or_else(|| "-".to_owned(), plain),
        server.durability.as_deref().map_or_else(|| "unknown".to_owned(), plain),
    ]
}

pub(super) fn reproduce(run: &RunFile, doc: &mut Doc) {
    doc.heading(2, "Run it again");
    if !run.command.is_empty() {
        doc.code("sh", &command(run));
    }
    if !run.command_env.is_empty() {
        let names: Vec<_> = run.command_env.iter().map(|name| code(name)).collect();
        doc.paragraph(&format!(
            "Set first, as their values are kept out of the files: {}.",
            names.join(", ")
        ));
    }
    if !run.parameters.is_empty() {
        let mut table = Table::new(&["parameter", "value", "from"]);
        for (name, parameter) in &run.parameters {
            table.row([code(name), code(&parameter_value(&parameter.value)), plain(&parameter.from)]);
        }
        doc.table(&table);
    }
    if !run.scenario.hash.is_empty() {
        let (path, hash) = (code(&run.scenario.path), code(&run.scenario.hash));
        doc.paragraph(&format!("The script was {path}, {hash}; its text is in `run.json`."));
    }
}

/// The command line, each word quoted where it must be.
fn command(run: &RunFile) -> String {
    std::iter::once("snapbench")
        .chain(run.command.iter().map(String::as_str))
        .map(quoted)
        .collect::<Vec<_>>()
        .join(" ")
}

/// A word as a POSIX shell takes it whole.
fn quoted(word: &str) -> String {
    let is_safe = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(is_safe) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

pub(super) fn files(run: &RunFile, parts: &RunParts, doc: &mut Doc) {
    doc.heading(2, "Files");
    if !parts.directory.is_empty() {
        doc.paragraph(&format!("In {}:", code(&parts.directory)));
    }
    let others = run.files.iter().filter(|(name, _)| *name != "run.json");
    let point = |(name, what): (&String, &String)| match what.is_empty() {
        true => code(name),
        false => format!("{}: {}", code(name), plain(what)),
    };
    let first = "`run.json`: everything about the run except what happened second by second".to_owned();
    doc.list(std::iter::once(first).chain(others.map(point)));
    if let Some(traces) = traces(run) {
        let directory = if parts.directory.is_empty() { "RUN" } else { &parts.directory };
        let command = format!("snapbench trace {}", quoted(directory));
        doc.paragraph(&format!("There are {traces}: {} lists them.", code(&command)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_share_lines_of_a_bounded_width() {
        let long = ("shared_preload_libraries".to_owned(), "x".repeat(120));
        let short = (0..30).map(|n| (format!("autovacuum_{n:02}"), "1min".to_owned()));
        let server = Server { settings: short.chain([long]).collect(), ..Server::default() };
        let text = settings(&server);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("autovacuum_00 = 1min   autovacuum_01 = 1min   "), "{text}");
        let (last, others) = lines.split_last().unwrap();
        assert!(others.len() < 10 && others.iter().all(|line| width(line) <= SETTINGS_WIDTH), "{text}");
        assert!(
            last.starts_with("shared_preload_libraries = x"),
            "one that does not fit has its own: {text}"
        );
    }

    #[test]
    fn the_command_line_can_be_pasted() {
        let mut run = RunFile::new("0.1.0", "x");
        run.command = ["run", "my scenarios/it's.rhai", "-p", "rate=50", "-p", "text=$HOME\nb"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(command(&run), "snapbench run 'my scenarios/it'\\''s.rhai' -p rate=50 -p 'text=$HOME\nb'");
    }
}
