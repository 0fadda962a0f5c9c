//! `~/.pgpass`: passwords by host, port, database and user (PostgreSQL documentation, "The Password File").

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::pg::config::{Host, Place};

/// Bits of a file mode that let others in.
const GROUP_AND_OTHERS: u32 = 0o077;

/// The password for this place, if the file has one. A file that others may read is passed over, as libpq
/// does, and the log says so.
pub(crate) fn lookup(place: &Place, env: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let path =
        env("PGPASSFILE").map(PathBuf::from).or_else(|| Some(Path::new(&env("HOME")?).join(".pgpass")))?;
    let mode = std::fs::metadata(&path).ok()?.mode();
    if mode & GROUP_AND_OTHERS != 0 {
        tracing::warn!(path = %path.display(), "password file ignored: others may read it; chmod 0600 it");
        return None;
    }
    find(&std::fs::read_to_string(&path).ok()?, place)
}

fn find(file: &str, place: &Place) -> Option<String> {
    file.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let [host, port, dbname, user, password] = fields(line)?;
        let matches = matches_host(&host, place)
            && is_wildcard_or(&port, &place.port().to_string())
            && is_wildcard_or(&dbname, place.dbname())
            && is_wildcard_or(&user, place.user());
        matches.then_some(password)
    })
}

fn matches_host(pattern: &str, place: &Place) -> bool {
    match place.host() {
        Host::Tcp(name) => is_wildcard_or(pattern, name),
        Host::Socket(directory) => {
            pattern == "localhost" || is_wildcard_or(pattern, &directory.to_string_lossy())
        }
    }
}

fn is_wildcard_or(pattern: &str, text: &str) -> bool {
    pattern == "*" || pattern == text
}

/// Splits at colons; `\` takes the next character as it is.
fn fields(line: &str) -> Option<[String; 5]> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        match character {
            ':' if fields.len() < 5 => fields.push(String::new()),
            '\\' => fields.last_mut()?.extend(characters.next()),
            other => fields.last_mut()?.push(other),
        }
    }
    fields.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pg::PgConfig;

    fn password(file: &str, target: &str) -> Option<String> {
        let config = PgConfig::parse(target, &|_| None).unwrap();
        find(file, &config.place)
    }

    const FILE: &str = "# comment\nlocalhost:5432:shop:ann:one\n*:*:*:bob:t\\:wo\\\\\n/run/pg:*:*:*:three\n";

    #[test]
    fn the_first_line_that_fits_wins() {
        assert_eq!(password(FILE, "host=localhost user=ann dbname=shop").as_deref(), Some("one"));
        assert_eq!(password(FILE, "host=elsewhere user=bob").as_deref(), Some("t:wo\\"));
        assert_eq!(password(FILE, "host=elsewhere user=ann"), None);
        assert_eq!(password(FILE, "host=localhost user=ann dbname=shop port=1"), None);
    }

    #[test]
    fn a_socket_goes_by_its_directory_or_as_localhost() {
        assert_eq!(password(FILE, "host=/run/pg user=eve").as_deref(), Some("three"));
        assert_eq!(password(FILE, "host=/run/pg user=ann dbname=shop").as_deref(), Some("one"));
    }

    #[test]
    fn a_file_that_others_may_read_is_not_trusted() {
        use std::os::unix::fs::PermissionsExt;
        let path = std::env::temp_dir().join(format!("snapbench-pgpass-{}", std::process::id()));
        std::fs::write(&path, FILE).unwrap();
        let env = |name: &str| (name == "PGPASSFILE").then(|| path.display().to_string());
        let place = PgConfig::parse("host=localhost user=ann dbname=shop", &env).unwrap().place;
        let looked_up = |mode| {
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            lookup(&place, &env)
        };
        let open = looked_up(0o644);
        let closed = looked_up(0o600);
        std::fs::remove_file(&path).unwrap();
        assert_eq!((open, closed.as_deref()), (None, Some("one")));
    }
}
