//! Complaints on standard error: message, source line with a caret, remedy.

use std::io::IsTerminal as _;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};
use script::Diagnostic;

/// Where there is no terminal that says how wide it is, lines are not wrapped: files are searched by line.
const UNWRAPPED: usize = 10_000;

/// Prints every complaint.
pub(crate) fn complain(diagnostics: &[Diagnostic]) {
    let text = render(diagnostics, Dress::of_stderr());
    // Nobody is left to be told when standard error is gone.
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
}

/// Messages of lower floors end in "; what to do": that part is the remedy.
pub(crate) fn with_remedy(message: &str) -> Diagnostic {
    match message.split_once("; ") {
        Some((problem, remedy)) if !problem.contains('\n') => Diagnostic::usage(problem).help(remedy),
        _ => Diagnostic::usage(message),
    }
}

/// A complaint for machines.
pub(crate) fn as_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let place = diagnostic.place.as_ref();
    serde_json::json!({
        "message": diagnostic.message,
        "file": place.map(|place| &place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "help": diagnostic.help,
    })
}

/// How complaints are drawn.
#[derive(Clone, Copy, Debug)]
struct Dress {
    is_colourful: bool,
    is_terminal: bool,
    columns: usize,
}

impl Dress {
    fn of_stderr() -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self {
            is_terminal,
            is_colourful: is_terminal && crate::out::may_colour(),
            columns: if is_terminal { crate::out::columns() } else { UNWRAPPED },
        }
    }
}

fn render(diagnostics: &[Diagnostic], dress: Dress) -> String {
    let theme = match (dress.is_terminal, dress.is_colourful) {
        (true, true) => GraphicalTheme::unicode(),
        (true, false) => GraphicalTheme::unicode_nocolor(),
        (false, _) => GraphicalTheme::none(),
    };
    let handler = GraphicalReportHandler::new_themed(theme)
        .with_width(dress.columns)
        .with_context_lines(1)
        .with_wrap_lines(dress.is_terminal);
    let mut text = String::new();
    for diagnostic in diagnostics {
        // Writing to a string cannot fail.
        let _ = handler.render_report(&mut text, &Shown::of(diagnostic));
    }
    if diagnostics.len() > 1 {
        text.push_str(&format!("\n{} problems\n", diagnostics.len()));
    }
    text
}

/// A complaint as miette wants it.
#[derive(Debug)]
struct Shown<'a> {
    diagnostic: &'a Diagnostic,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl<'a> Shown<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        let place = diagnostic.place.as_ref().filter(|place| place.line > 0);
        let source = place.map(|place| NamedSource::new(&place.file, place.text.to_string()));
        let label = place.map(|place| LabeledSpan::new_primary_with_span(None, place.byte_range()));
        Self { diagnostic, source, label }
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A place without a line has nothing to point into, so the file's name goes in front.
        if let Some(place) = self.diagnostic.place.as_ref().filter(|place| place.line == 0) {
            write!(f, "{}: ", place.file)?;
        }
        f.write_str(&self.diagnostic.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        self.diagnostic.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
    }

    fn source_code(&self) -> Option<&dyn SourceCode> {
        self.source.as_ref().map(|source| source as &dyn SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        self.label
            .clone()
            .map(|label| Box::new(std::iter::once(label)) as Box<dyn Iterator<Item = LabeledSpan>>)
    }
}

#[cfg(test)]
mod tests {
    use script::Place;

    use super::*;

    fn complaint() -> Diagnostic {
        let text = "fn options() {\n    #{ scenarioss: 1 }\n}\n";
        Diagnostic::usage("there is no option `scenarioss`")
            .at(Place { file: "a.rhai".into(), text: text.into(), line: 2, column: 8, length: 10 })
            .help("did you mean `scenarios`?")
    }

    #[test]
    fn a_complaint_names_file_line_and_column_and_underlines_the_word() {
        let plain = Dress { is_colourful: false, is_terminal: false, columns: UNWRAPPED };
        insta::assert_snapshot!(render(&[complaint()], plain), @"");
    }

    #[test]
    fn several_are_counted_and_one_without_a_place_stands_alone() {
        let plain = Dress { is_colourful: false, is_terminal: false, columns: UNWRAPPED };
        let lone = Diagnostic::usage("--segment: there is no segment 3 among 2").help("write 2/3");
        insta::assert_snapshot!(render(&[lone.clone(), lone], plain), @"");
    }

    #[test]
    fn a_terminal_gets_lines_that_fit_and_colour_only_when_it_may() {
        let narrow = Dress { is_colourful: false, is_terminal: true, columns: 40 };
        let drawn = render(&[complaint().help("word ".repeat(20))], narrow);
        assert!(drawn.lines().all(|line| line.chars().count() <= 44), "{drawn}");
        assert!(!drawn.contains('\x1b'));
        let colourful = Dress { is_colourful: true, ..narrow };
        assert!(render(&[complaint()], colourful).contains('\x1b'));
    }
}
