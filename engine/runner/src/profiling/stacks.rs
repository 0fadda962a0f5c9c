//! Stacks as `perf script` prints them, folded: how often each was seen.
//!
//! One sample is a line that begins at the margin (the thread's name), a line for each frame from the innermost outwards, and
//! an empty line.

use std::{
    collections::{BTreeMap, HashSet},
    io::BufRead,
};

/// How often each stack was seen: `thread;outermost;…;innermost`, the format of flame graphs.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Stacks {
    folded: BTreeMap<String, u64>,
}

/// One function's part of the samples.
#[derive(Debug, Clone, PartialEq)]
pub struct Share {
    /// Its name, or the thread's.
    pub name: String,
    /// Samples in which it was at work itself, of all, 0 to 1.
    pub itself: f64,
    /// Samples in which it or what it had called was at work, of all, 0 to 1.
    pub in_all: f64,
}

impl Stacks {
    /// Reads what `perf script -F comm,ip,sym` prints.
    ///
    /// # Errors
    /// When it cannot be read to its end.
    pub(super) fn read(printed: impl BufRead) -> std::io::Result<Self> {
        let mut stacks = Self::default();
        let mut thread: Option<String> = None;
        let mut frames = Vec::new();
        for line in printed.lines() {
            let line = line?;
            if line.trim().is_empty() {
                stacks.add(thread.take(), &mut frames);
            } else if !line.starts_with(char::is_whitespace) {
                thread = Some(group_of(line.trim()).to_owned());
            } else if let Some((_, name)) = line.trim().split_once(' ') {
                frames.push(short(name));
            }
        }
        stacks.add(thread, &mut frames);
        Ok(stacks)
    }

    fn add(&mut self, thread: Option<String>, frames: &mut Vec<String>) {
        if let Some(thread) = thread {
            let outermost_first = std::iter::once(thread).chain(frames.drain(..).rev());
            *self.folded.entry(outermost_first.collect::<Vec<_>>().join(";")).or_default() += 1;
        }
        frames.clear();
    }

    /// Samples there are.
    #[must_use]
    pub fn samples(&self) -> u64 {
        self.folded.values().sum()
    }

    /// A line for each stack, with how often it was seen: what tools for flame graphs read.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.folded.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect()
    }

    /// The functions, the largest parts first, by what they did themselves.
    #[must_use]
    pub fn functions(&self) -> Vec<Share> {
        self.shares(|stack| stack.split(';').skip(1).collect())
    }

    /// The kinds of threads, the largest parts first.
    #[must_use]
    pub fn threads(&self) -> Vec<Share> {
        self.shares(|stack| stack.split(';').take(1).collect())
    }

    fn shares<'a>(&'a self, names_of: impl Fn(&'a str) -> Vec<&'a str>) -> Vec<Share> {
        let all = self.samples() as f64;
        let mut counts: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (stack, count) in &self.folded {
            let names = names_of(stack);
            // One that calls itself is counted once.
            for name in names.iter().copied().collect::<HashSet<_>>() {
                counts.entry(name).or_default().1 += count;
            }
            if let Some(innermost) = names.last() {
                counts.entry(innermost).or_default().0 += count;
            }
        }
        let share = |(name, (itself, in_all)): (&str, (u64, u64))| Share {
            name: name.to_owned(),
            itself: itself as f64 / all,
            in_all: in_all as f64 / all,
        };
        let mut shares: Vec<Share> = counts.into_iter().map(share).collect();
        shares.sort_by(|a, b| b.itself.total_cmp(&a.itself).then(b.in_all.total_cmp(&a.in_all)));
        shares
    }
}

/// Threads of one kind are one: `core-0` and `core-1` are `core`.
fn group_of(thread: &str) -> &str {
    thread.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-')
}

/// A frame's name without what makes it unreadable, and without what separates frames.
fn short(name: &str) -> String {
    name.replace(';', ":")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PRINTED: &str = "\
core-0
\t    55d0 rhai::eval
\t    55d1 script::run<a;b>
\t    55d0 rhai::eval

core-1
\t    7f01 [unknown]
\t    55d0 rhai::eval

core-1
\t    7f01 [unknown]
\t    55d0 rhai::eval

stage
\t    ffff epoll_wait
";

    #[test]
    fn equal_stacks_are_one_and_the_innermost_comes_last() {
        let stacks = Stacks::read(PRINTED.as_bytes()).unwrap();
        assert_eq!(stacks.samples(), 4);
        assert_eq!(
            stacks.to_text(),
            "core;rhai::eval;[unknown] 2\ncore;rhai::eval;script::run<a:b>;rhai::eval 1\nstage;epoll_wait 1\n"
        );
    }

    #[test]
    fn a_function_that_calls_itself_is_counted_once() {
        let stacks = Stacks::read(PRINTED.as_bytes()).unwrap();
        let shares = stacks.functions();
        let of = |name: &str| shares.iter().find(|it| it.name == name).map(|it| (it.itself, it.in_all));
        assert_eq!(of("rhai::eval"), Some((0.25, 0.75)));
        assert_eq!(of("[unknown]"), Some((0.5, 0.5)));
        assert_eq!(shares[0].name, "[unknown]");
        let threads: Vec<(String, f64)> =
            stacks.threads().into_iter().map(|it| (it.name, it.in_all)).collect();
        assert_eq!(threads, [("core".to_owned(), 0.75), ("stage".to_owned(), 0.25)]);
        assert_eq!(Stacks::read("".as_bytes()).unwrap().functions(), []);
    }
}
