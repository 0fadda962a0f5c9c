//! What surrounds the figures: machine, servers, how to run it again, files.

use model::runfile::{RunFile, Server};
use model::units::format_bytes;

use super::RunParts;
use super::doc::{Doc, Table, code, plain};
use crate::text::plural;
use crate::words::{is_chosen, parameter_value, seconds};

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
    let mut table =
        Table::new(&["server", "product", "where", "client", "connections", "durability", "settings"]);
    run.servers.iter().for_each(|server| table.row(server_row(server)));
    doc.table(&table);
}

fn server_row(server: &Server) -> Vec<String> {
    let settings: Vec<String> =
        server.settings.iter().map(|(name, value)| plain(&format!("{name}={value}"))).collect();
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
        settings.join(" "),
    ]
}

pub(super) fn reproduce(run: &RunFile, doc: &mut Doc) {
    doc.heading(2, "Run it again");
    doc.code("sh", &command(run));
    doc.paragraph(
        "This is what `run.json` tells; if the run had `--target`, `--scale`, `--vus`, `--stage`, `--only` or `-e`, \
         add them.",
    );
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

/// The command line as far as the run file knows it: script, seed, length, chosen parameters, segment.
fn command(run: &RunFile) -> String {
    let mut words = vec!["snapbench run".to_owned(), quoted(&run.scenario.path)];
    words.push(format!("--seed {}", run.seed));
    // Whole seconds as people write them; a fraction would be rounded away.
    let duration = |s: f64| if s.fract() == 0.0 { seconds(s) } else { format!("{s}s") };
    words.extend(run.duration_s.map(|s| format!("--duration {}", duration(s))));
    for (name, parameter) in run.parameters.iter().filter(|(_, parameter)| is_chosen(parameter)) {
        words.push(format!("-p {}", quoted(&format!("{name}={}", parameter_value(&parameter.value)))));
    }
    if run.cores > 0 {
        words.push(format!("--cores {}", run.cores));
    }
    if !run.segment.is_whole() {
        words.push(format!("--segment {}", run.segment));
    }
    words.join(" ")
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
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::runfile::Parameter;
    use model::segment::Segment;

    #[test]
    fn the_command_line_can_be_pasted() {
        let mut run = RunFile::new("0.1.0", "x");
        run.scenario.path = "my scenarios/it's.rhai".into();
        run.seed = 7;
        run.duration_s = Some(90.0);
        run.cores = 2;
        run.segment = Segment { index: 2, count: 3 };
        for (name, value, from) in [("rate", 50.into(), "flag"), ("text", "$HOME\nx".into(), "environment")] {
            run.parameters.insert(name.into(), Parameter { value, from: from.into() });
        }
        run.parameters.insert("quiet".into(), Parameter { value: false.into(), from: "default".into() });
        assert_eq!(
            command(&run),
            r"snapbench run 'my scenarios/it'\''s.rhai' --seed 7 --duration 1m30s -p rate=50 -p 'text=$HOME
x' --cores 2 --segment 2/3"
        );
    }
}
