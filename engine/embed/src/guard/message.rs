//! What is said to the guard: one JSON object a line.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::os::process::ProcessId;
use crate::os::shared_memory::Segments;

/// A server's processes, told so that another process can find all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Family {
    pub(crate) leader: ProcessId,
    /// Where its programs lie: together with the folder it works in, how orphans of a dead leader are known.
    pub(crate) programs: PathBuf,
    /// The folder that the server works in.
    pub(crate) folder: PathBuf,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Message {
    WatchFamily(Family),
    ForgetFamily(ProcessId),
    WatchFolder(PathBuf),
    ForgetFolder(PathBuf),
    WatchSegments(Segments),
}

impl Message {
    pub(crate) fn to_line(&self) -> Vec<u8> {
        // Only a path that is not UTF-8 cannot be written, and such a one is refused when a run folder is made.
        let mut line = serde_json::to_vec(self).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// `None` for a line cut short by the sender's death.
    pub(crate) fn from_line(line: &str) -> Option<Message> {
        serde_json::from_str(line).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_survive_the_pipe_and_half_a_line_does_not() {
        let family = Family {
            leader: ProcessId { pid: 7, start: 9 },
            programs: "/usr/bin".into(),
            folder: "/tmp/with \"quotes\"\nand a newline".into(),
        };
        let messages = [
            Message::WatchFamily(family),
            Message::ForgetFamily(ProcessId { pid: 1, start: 2 }),
            Message::WatchFolder("/tmp/ä".into()),
            Message::WatchSegments(Segments::default()),
        ];
        for message in messages {
            let line = String::from_utf8(message.to_line()).unwrap();
            assert_eq!(line.matches('\n').count(), 1);
            assert_eq!(Message::from_line(line.trim_end()), Some(message));
            assert_eq!(Message::from_line(&line[..line.len() / 2]), None);
        }
    }
}
