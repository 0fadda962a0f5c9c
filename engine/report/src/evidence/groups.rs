//! Series by what they are of: tables first, then their indexes, the script's own probes, the server, the host.

use model::runfile::SeriesSummary;
use model::series::Measure;

/// What a group of series is of, in the order in which they are shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Kind {
    /// A table.
    Table,
    /// An index.
    Index,
    /// What the script sampled.
    Script,
    /// The server as a whole.
    Server,
    /// The machine, and processes on it.
    Host,
}

/// Series of one thing.
#[derive(Debug, Clone)]
pub(crate) struct Group<'a> {
    /// The thing: a table's name, `postgres`, `host`; empty for a probe that is its own series.
    pub(crate) name: &'a str,
    /// What it is.
    pub(crate) kind: Kind,
    /// Its series, those that matter most first.
    pub(crate) series: Vec<Seen<'a>>,
}

/// One series.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Seen<'a> {
    /// Its name within the group, such as `hot_ratio`.
    pub(crate) label: &'a str,
    /// What its values are.
    pub(crate) measure: Measure,
    /// Whether it is among those that a first page shows.
    pub(crate) is_key: bool,
    /// Its figures.
    pub(crate) summary: &'a SeriesSummary,
}

/// What the column of the latest values says, which need not lie between those of the smallest and the largest.
pub(crate) const LAST: &str = "the latest look of the run, after the drain where a probe looks once more; all others are \
                               of the measured window";

/// What tells a table from other things.
const OF_TABLES: [&str; 5] = ["heap_bytes", "hot_ratio", "dead_percent", "live_rows", "size_per_row"];
/// What tells an index.
const OF_INDEXES: [&str; 2] = ["leaf_density_percent", "scans"];
/// What tells a process.
const OF_PROCESSES: [&str; 2] = ["rss_bytes", "processes"];
/// The series of each kind that a first page shows, in their order.
const KEYS: [(Kind, &[&str]); 4] = [
    (
        Kind::Table,
        &[
            "hot_ratio",
            "hot_ratio_overall",
            "heap_bytes",
            "index_bytes",
            "size_per_row",
            "dead_percent",
            "free_percent",
            "live_rows",
            "dead_rows",
            "autovacuum_count",
            "vacuum_count",
            "leaf_density_percent",
            "fragmentation_percent",
            "xid_age",
        ],
    ),
    (Kind::Index, &["bytes", "leaf_density_percent", "fragmentation_percent"]),
    (
        Kind::Server,
        &[
            "xid_age",
            "xmin_age",
            "longest_transaction_s",
            "wal_bytes_per_s",
            "cache_hit_ratio",
            "commits_per_s",
            "checkpoints_timed",
            "checkpoints_requested",
            "deadlocks",
        ],
    ),
    (
        Kind::Host,
        &[
            "cpu_percent",
            "iowait_percent",
            "disk_busy_percent",
            "disk_write_bytes_per_s",
            "memory_used_bytes",
            "cgroup_throttled_ms_per_s",
        ],
    ),
];

/// The series by what they are of.
pub(crate) fn groups(series: &[SeriesSummary]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for summary in series {
        let (name, label) = parts(&summary.name);
        let place = groups.iter().position(|group| group.name == name);
        let place = place.unwrap_or_else(|| {
            groups.push(Group { name, kind: Kind::Script, series: Vec::new() });
            groups.len() - 1
        });
        let measure = Measure::of(&summary.name);
        groups[place].series.push(Seen { label, measure, is_key: true, summary });
    }
    for group in &mut groups {
        group.kind = kind(group);
        let rank = |label: &str| rank(group.kind, label);
        group.series.iter_mut().for_each(|seen| seen.is_key = rank(seen.label).is_some());
        group.series.sort_by_key(|seen| (rank(seen.label).unwrap_or(usize::MAX), seen.label));
    }
    groups.sort_by_key(|group| (group.kind, group.name));
    groups
}

/// Whose series it is, and which. Everything of the server and of the host is one group each, however many
/// points its name has.
fn parts(name: &str) -> (&str, &str) {
    match name.split_once('.') {
        Some((whole @ ("postgres" | "host"), label)) => (whole, label),
        Some(_) => name.rsplit_once('.').unwrap_or(("", name)),
        None => ("", name),
    }
}

fn kind(group: &Group<'_>) -> Kind {
    let has = |labels: &[&str]| group.series.iter().any(|seen| labels.contains(&seen.label));
    match group.name {
        "postgres" => Kind::Server,
        "host" => Kind::Host,
        _ if has(&OF_TABLES) => Kind::Table,
        _ if has(&OF_INDEXES) => Kind::Index,
        _ if has(&OF_PROCESSES) => Kind::Host,
        _ => Kind::Script,
    }
}

/// The place of a series among those that a first page shows; nothing when it is not one of them. What a script
/// samples it wants to see.
fn rank(kind: Kind, label: &str) -> Option<usize> {
    match KEYS.iter().find(|(of, _)| *of == kind) {
        Some((_, keys)) => keys.iter().position(|key| *key == label),
        None => Some(0),
    }
}

impl Seen<'_> {
    /// The figures over the window: first, latest, smallest, mean, largest; `-` where the window had none.
    pub(crate) fn figures(&self) -> [String; 5] {
        let summary = self.summary;
        let in_window = |value: f64| match summary.samples {
            0 => "-".to_owned(),
            _ => self.measure.show(value),
        };
        [
            in_window(summary.first),
            self.measure.show(summary.last),
            in_window(summary.min),
            in_window(summary.mean),
            in_window(summary.max),
        ]
    }

    /// Growth a minute, `~0` when it cannot be told from none, and its interval.
    pub(crate) fn growth(&self) -> [String; 2] {
        match self.summary.slope {
            Some(slope) => {
                let change = |value: f64| self.measure.show_change(value);
                let is_still = slope.low == 0.0 && slope.high == 0.0;
                let growth = match slope.low <= 0.0 && 0.0 <= slope.high && !is_still {
                    true => "~0".to_owned(),
                    false => change(slope.per_minute),
                };
                [growth, interval(&change(slope.low), &change(slope.high))]
            }
            None if self.summary.samples == 0 => ["-".to_owned(), String::new()],
            None => ["-".to_owned(), "too short to tell".to_owned()],
        }
    }
}

/// `-0.02 to +0.04 pt`: the unit of both is said once.
fn interval(low: &str, high: &str) -> String {
    let unit =
        |text: &str| text.find(|c: char| c != '.' && c != ',' && !c.is_ascii_digit() && !"+-".contains(c));
    let of = |text: &str| unit(text).map_or(String::new(), |at| text[at..].to_owned());
    match of(low) {
        shared if shared == of(high) => format!("{} to {high}", &low[..low.len() - shared.len()]),
        _ => format!("{low} to {high}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::runfile::SlopeFigures;

    fn named(names: &[&str]) -> Vec<SeriesSummary> {
        let one = |name: &&str| SeriesSummary { name: (*name).to_owned(), ..SeriesSummary::default() };
        names.iter().map(one).collect()
    }

    #[test]
    fn series_stand_by_what_they_are_of_and_the_telling_ones_first() {
        let series = named(&[
            "depth",
            "host.cpu_percent",
            "postgres.wait.Lock.tuple",
            "postgres.xid_age",
            "public.run_head.total_bytes",
            "public.run_head.dead_percent",
            "public.run_head.hot_ratio",
            "run_head_pkey.scans",
            "run_head_pkey.bytes",
            "queue.oldest_s",
            "generator.rss_bytes",
        ]);
        let shown: Vec<String> = groups(&series)
            .iter()
            .map(|group| {
                let labels: Vec<String> = group
                    .series
                    .iter()
                    .map(|seen| format!("{}{}", if seen.is_key { "" } else { "~" }, seen.label))
                    .collect();
                format!("{:?} {}: {}", group.kind, group.name, labels.join(" "))
            })
            .collect();
        assert_eq!(
            shown,
            [
                "Table public.run_head: hot_ratio dead_percent ~total_bytes",
                "Index run_head_pkey: bytes ~scans",
                "Script : depth",
                "Script queue: oldest_s",
                "Server postgres: xid_age ~wait.Lock.tuple",
                "Host generator: ~rss_bytes",
                "Host host: cpu_percent",
            ]
        );
    }

    #[test]
    fn the_unit_of_an_interval_is_said_once() {
        assert_eq!(interval("-0.02 pt", "+0.04 pt"), "-0.02 to +0.04 pt");
        assert_eq!(interval("-4 KB", "+1.5 MB"), "-4 KB to +1.5 MB");
        assert_eq!(interval("+122 B", "+900 B"), "+122 to +900 B");
        assert_eq!(interval("0", "+1,200"), "0 to +1,200");
        assert_eq!(interval("+1m30s", "+2m"), "+1m30s to +2m");
    }

    #[test]
    fn growth_that_may_be_none_is_no_figure() {
        let growth = |name: &str, [low, per_minute, high]: [f64; 3]| {
            let mut series = named(&[name]);
            series[0].samples = 60;
            series[0].slope = Some(SlopeFigures { per_minute, low, high });
            groups(&series)[0].series[0].growth().join(" | ")
        };
        assert_eq!(growth("t.hot_ratio", [-0.009, -0.0073, -0.005]), "-0.73 pt | -0.9 to -0.5 pt");
        assert_eq!(growth("t.hot_ratio", [-0.02, -0.0073, 0.005]), "~0 | -2 to +0.5 pt");
        assert_eq!(growth("t.dead_percent", [0.5, 1.25, 2.0]), "+1.25 pt | +0.5 to +2 pt");
        assert_eq!(growth("t.live_rows", [0.0, 0.0, 0.0]), "0 | 0 to 0");
    }

    #[test]
    fn what_the_window_did_not_hold_is_not_a_zero() {
        let mut series = named(&["t.heap_bytes"]);
        series[0].last = 8192.0;
        let all = groups(&series);
        assert_eq!(all[0].series[0].figures(), ["-", "8.19 KB", "-", "-", "-"]);
        assert_eq!(all[0].series[0].growth(), ["-", ""]);
    }
}
