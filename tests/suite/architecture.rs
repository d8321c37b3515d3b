//! The rules of ARCHITECTURE.md that a machine can check.

use std::path::{Path, PathBuf};

/// Module → what of ours it may not import.
const FORBIDDEN: &[(&str, &[&str])] = &[
    ("ids.rs", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server"]),
    ("time.rs", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server"]),
    ("language", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server", "html"]),
    ("failpoint.rs", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server"]),
    ("error.rs", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server"]),
    ("config.rs", &["app", "db", "desk", "web", "api", "pages", "jobs", "mail", "server"]),
    ("rules", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server", "html"]),
    ("html", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "server"]),
    ("db", &["app", "config", "desk", "web", "api", "pages", "jobs", "mail", "server", "html"]),
    ("http", &["app", "config", "db", "desk", "web", "api", "pages", "jobs", "mail", "server", "html"]),
    ("mail", &["http", "app", "config", "db", "desk", "web", "api", "pages", "jobs", "server"]),
    ("demo", &["app", "config", "web", "api", "pages", "jobs", "mail", "server"]),
    ("desk", &["http", "app", "config", "web", "api", "pages", "jobs", "server"]),
    ("web", &["api", "pages", "jobs", "server", "mail"]),
    ("api", &["pages", "server", "mail"]),
    ("pages", &["api", "server", "mail"]),
    ("jobs", &["web", "api", "pages", "server"]),
];

pub fn sources(under: &Path) -> Vec<PathBuf> {
    if under.is_file() {
        return vec![under.to_owned()];
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(under).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") && !path.ends_with("tests.rs") {
            files.push(path);
        }
    }
    files
}

/// The file without its tests and comments.
fn code(path: &Path) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

pub fn src() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

#[test]
fn imports_go_one_way() {
    let mut wrong = Vec::new();
    for (module, forbidden) in FORBIDDEN {
        for path in sources(&src().join(module)) {
            let text = code(&path);
            for name in *forbidden {
                let found =
                    [format!("crate::{name}::"), format!("crate::{name};"), format!("crate::{{{name}")];
                if found.iter().any(|import| text.contains(import)) {
                    wrong.push(format!("{} imports {name}", path.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn only_mail_and_the_server_open_sockets_and_only_db_opens_sqlite() {
    for path in sources(&src()) {
        let text = code(&path);
        let place = path.strip_prefix(src()).unwrap().to_string_lossy().into_owned();
        if !place.starts_with("mail/") && place != "server.rs" {
            assert!(!text.contains("TcpStream") && !text.contains("TcpListener"), "{place} opens a socket");
        }
        if !place.starts_with("http/") {
            assert!(!text.contains("reqwest::"), "{place} speaks HTTP past the guard");
        }
        if !place.starts_with("db/") {
            assert!(!text.contains("Connection::open"), "{place} opens SQLite");
        }
    }
}

#[test]
fn the_contracts_spelling_stays_in_the_api() {
    for path in sources(&src()) {
        let place = path.strip_prefix(src()).unwrap().to_string_lossy().into_owned();
        if place.starts_with("api/")
            || place.starts_with("web/")
            || place == "config.rs"
            || place.starts_with("pages/")
        {
            continue;
        }
        assert!(!code(&path).contains("#[serde(rename"), "{place} renames for the outside");
    }
}

#[test]
fn no_sql_is_made_by_formatting() {
    for path in sources(&src()) {
        let text = code(&path);
        for (index, line) in text.lines().enumerate() {
            let is_sql = ["SELECT ", "INSERT INTO", "UPDATE ", "DELETE FROM", " WHERE "]
                .iter()
                .any(|word| line.contains(word));
            assert!(!(line.contains("format!") && is_sql), "{}:{} formats SQL", path.display(), index + 1);
        }
    }
}

#[test]
fn templates_mark_as_safe_only_what_was_cleaned() {
    let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates");
    let mut stack = vec![templates];
    while let Some(directory) = stack.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                stack.push(path);
                continue;
            }
            let text = std::fs::read_to_string(&path).unwrap();
            for line in text.lines().filter(|line| line.contains("|safe") || line.contains("| safe")) {
                assert!(
                    line.contains("clean_"),
                    "{}: only values named clean_… are safe: {line}",
                    path.display()
                );
            }
            assert!(
                !text.contains(" onclick=") && !text.contains("<script>"),
                "{} has inline script",
                path.display()
            );
            let is_mail = path.to_string_lossy().contains("/mail/");
            assert!(is_mail || !text.contains(" style=\""), "{} has inline style", path.display());
        }
    }
}

#[test]
fn vendored_files_are_what_vendor_md_says() {
    use std::io::Read;

    use sha2::{Digest, Sha256};

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("static");
    let list = std::fs::read_to_string(root.join("VENDOR.md")).unwrap();
    for entry in std::fs::read_dir(root.join("vendor")).unwrap() {
        let path = entry.unwrap().path();
        let mut bytes = std::fs::read(&path).unwrap();
        if path.extension().is_some_and(|extension| extension == "gz") {
            let packed = std::mem::take(&mut bytes);
            flate2::read::GzDecoder::new(&*packed).read_to_end(&mut bytes).unwrap();
        }
        let sum: String = Sha256::digest(&bytes).iter().map(|b| format!("{b:02x}")).collect();
        assert!(list.contains(&sum), "{} is not in VENDOR.md with this checksum", path.display());
    }
}
