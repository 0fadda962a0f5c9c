//! Complaints on standard error: message, source line with a caret, remedy.

use std::io::IsTerminal as _;

use miette::{GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity, SourceCode};
use script::{Diagnostic, Place};

/// Where there is no terminal that says how wide it is, lines are not wrapped: files are searched by line.
const UNWRAPPED: usize = 10_000;

/// Prints every complaint.
pub(crate) fn complain(diagnostics: &[Diagnostic]) {
    let text = render(diagnostics, Dress::of_stderr());
    // Nobody is left to be told when standard error is gone.
    let _ = std::io::Write::write_all(&mut std::io::stderr().lock(), text.as_bytes());
}

/// A complaint for machines.
pub(crate) fn as_json(diagnostic: &Diagnostic) -> serde_json::Value {
    let place = diagnostic.place.as_ref();
    let (message, help) = remedy_apart(diagnostic);
    serde_json::json!({
        "message": message,
        "file": place.map(|place| &place.file),
        "line": place.map(|place| place.line),
        "column": place.map(|place| place.column),
        "help": help,
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
    message: String,
    help: Option<String>,
    source: Option<NamedSource<String>>,
    label: Option<LabeledSpan>,
}

impl<'a> Shown<'a> {
    fn of(diagnostic: &'a Diagnostic) -> Self {
        let place = diagnostic.place.as_ref().filter(|place| place.line > 0);
        let source = place.map(|place| NamedSource::new(&place.file, place.text.to_string()));
        let label = place.map(|place| LabeledSpan::new_primary_with_span(None, underlined(place)));
        let (message, help) = remedy_apart(diagnostic);
        Self { diagnostic, message, help, source, label }
    }
}

/// What to underline: of a place behind the end of the text, its last word's last character.
fn underlined(place: &Place) -> std::ops::Range<usize> {
    let range = place.byte_range();
    if range.start < place.text.len() {
        return range;
    }
    let last = place.text.trim_end().char_indices().last();
    last.map_or(range, |(at, last)| at..at + last.len_utf8())
}

/// A remedy that stands at the end of the message ("…; write 5", "… (did you mean `x`?)") goes where remedies go.
fn remedy_apart(diagnostic: &Diagnostic) -> (String, Option<String>) {
    let message = &diagnostic.message;
    if diagnostic.help.is_some() || message.contains('\n') {
        return (message.clone(), diagnostic.help.clone());
    }
    let in_braces = message.strip_suffix(')').and_then(|rest| rest.rsplit_once(" (did you mean "));
    if let Some((problem, near)) = in_braces {
        return (problem.to_owned(), Some(format!("did you mean {near}")));
    }
    match message.split_once("; ") {
        Some((problem, remedy)) => (problem.to_owned(), Some(remedy.to_owned())),
        None => (message.clone(), None),
    }
}

impl std::fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A place without a line has nothing to point into, so the file's name goes in front.
        if let Some(place) = self.diagnostic.place.as_ref().filter(|place| place.line == 0) {
            write!(f, "{}: ", place.file)?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl miette::Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(Severity::Error)
    }

    fn help<'b>(&'b self) -> Option<Box<dyn std::fmt::Display + 'b>> {
        self.help.as_ref().map(|help| Box::new(help) as Box<dyn std::fmt::Display>)
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
        insta::assert_snapshot!(render(&[complaint()], plain));
    }

    #[test]
    fn several_are_counted_and_one_without_a_place_stands_alone() {
        let plain = Dress { is_colourful: false, is_terminal: false, columns: UNWRAPPED };
        let lone = Diagnostic::usage("--segment: there is no segment 3 among 2").help("write 2/3");
        insta::assert_snapshot!(render(&[lone.clone(), lone], plain));
    }

    #[test]
    fn a_remedy_at_the_end_of_a_message_is_set_apart() {
        let apart = |message: &str| remedy_apart(&Diagnostic::usage(message));
        assert_eq!(apart("`rate` is -5; raise it"), ("`rate` is -5".to_owned(), Some("raise it".to_owned())));
        let near = "there is no `vuus` (did you mean `vus`?)";
        assert_eq!(apart(near), ("there is no `vuus`".to_owned(), Some("did you mean `vus`?".to_owned())));
        assert_eq!(apart("no remedy (at all)"), ("no remedy (at all)".to_owned(), None));
        let helped = Diagnostic::usage("a; b").help("c");
        assert_eq!(remedy_apart(&helped), ("a; b".to_owned(), Some("c".to_owned())));
    }

    #[test]
    fn a_place_behind_the_end_points_at_the_end() {
        let text = "fn options() {\n}\n\n";
        let behind = Place { file: "a.rhai".into(), text: text.into(), line: 4, column: 1, length: 1 };
        assert_eq!(&text[underlined(&behind)], "}");
        let empty = Place { file: "a.rhai".into(), text: "".into(), line: 1, column: 1, length: 1 };
        assert_eq!(underlined(&empty), 0..0);
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
