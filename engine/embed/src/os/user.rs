//! Who a server runs as. Postgres refuses root, so root steps down to a user that has a passwd entry.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::EmbedError;

/// A user that is not root.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct User {
    pub(crate) name: String,
    pub(crate) uid: u32,
    pub(crate) gid: u32,
}

impl User {
    /// Whom to step down to: `None` when this process is not root and simply stays who it is.
    pub(crate) fn to_step_down_to() -> Result<Option<User>, EmbedError> {
        if !rustix::process::geteuid().is_root() {
            return Ok(None);
        }
        let passwd = std::fs::read_to_string("/etc/passwd").map_err(EmbedError::io("read", "/etc/passwd"))?;
        // `_postgres` and `nobody` are macOS's names.
        ["postgres", "_postgres", "nobody"]
            .iter()
            .find_map(|name| find(&passwd, name))
            .map(Some)
            .ok_or(EmbedError::NoUnprivilegedUser)
    }

    /// Makes the command run as this user. The standard library drops the supplementary groups with the uid.
    pub(crate) fn apply(&self, command: &mut Command) {
        command.uid(self.uid).gid(self.gid);
    }
}

/// The entry of a name in passwd(5) text; root under another name is no entry for us.
fn find(passwd: &str, name: &str) -> Option<User> {
    passwd.lines().find_map(|line| {
        let mut fields = line.split(':');
        if fields.next()? != name {
            return None;
        }
        let uid: u32 = fields.nth(1)?.parse().ok()?;
        let gid: u32 = fields.next()?.parse().ok()?;
        (uid != 0).then(|| User { name: name.to_owned(), uid, gid })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_user_and_never_root() {
        let passwd = "root:x:0:0::/root:/bin/sh\nevil:x:0:0::/:/bin/sh\npostgres:x:101:104:,,,:/var/lib/postgresql:/bin/bash\nbad:x:a:b\n";
        assert_eq!(find(passwd, "postgres"), Some(User { name: "postgres".into(), uid: 101, gid: 104 }));
        assert_eq!(find(passwd, "evil"), None);
        assert_eq!(find(passwd, "bad"), None);
        assert_eq!(find(passwd, "nobody"), None);
    }
}
