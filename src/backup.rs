//! A site as one file: `anytime backup`, `verify` and `restore`. The key that encrypts the mail accounts' passwords goes
//! beside it as `FILE.key`.

use std::path::{Path, PathBuf};

use crate::config::Config;
use crate::db::{Contents, backup};
use crate::desk::outgoing_mail;
use crate::error::{Error, Result};
use crate::server::{self, DataDirectory};
use crate::time::Clock;

/// Copies the site to `file`, beside a running server or without one, and reads the copy once to be sure of it. A file
/// that is there is not overwritten.
pub fn back_up(config: &Config, file: &Path) -> Result<Contents> {
    server::private_files();
    let source = config.data_dir.join("anytime.db");
    if !source.is_file() {
        return Err(Error::Unavailable(format!("there is no site in '{}'", config.data_dir.display())));
    }
    for path in [file, &key_of(file)] {
        if path.exists() {
            return Err(Error::Conflict(format!("'{}' is there already", path.display())));
        }
    }
    let partial = with_end(file, ".partial");
    if partial.exists() {
        std::fs::remove_file(&partial)?;
    }
    let contents = backup::copy(&source, &partial).and_then(|()| backup::verify(&partial));
    if contents.is_err() {
        let _ = std::fs::remove_file(&partial);
    }
    let contents = contents?;
    let key = config.data_dir.join("anytime.key");
    if key.is_file() {
        std::fs::copy(&key, key_of(file))?;
    }
    std::fs::rename(&partial, file)?;
    sync_directory(file)?;
    Ok(contents)
}

/// What became of a restore.
#[derive(Debug)]
pub struct Restored {
    pub contents: Contents,
    /// Where the site that was there before is now.
    pub replaced: Option<PathBuf>,
    /// Mails that waited to be sent when the backup was made. They are held: somebody has to say that they were not
    /// sent since.
    pub held: usize,
}

/// Makes the site of the data directory the one in `file`. No server may be running. A site that is there is only
/// replaced when `replace` says so, and is kept beside the new one.
pub fn restore(config: &Config, file: &Path, replace: bool) -> Result<Restored> {
    let _directory = DataDirectory::lock(&config.data_dir)?;
    let contents = backup::verify(file)?;
    let target = config.data_dir.join("anytime.db");
    if target.exists() && !replace {
        return Err(Error::Conflict(format!(
            "'{}' already holds a site; --replace puts it aside",
            config.data_dir.display()
        )));
    }
    let incoming = config.data_dir.join("anytime.db.incoming");
    std::fs::copy(file, &incoming)?;
    std::fs::File::open(&incoming)?.sync_all()?;
    let replaced = target.exists().then(|| put_aside(&target)).transpose()?;
    std::fs::rename(&incoming, &target)?;
    if key_of(file).is_file() {
        std::fs::copy(key_of(file), config.data_dir.join("anytime.key"))?;
    }
    sync_directory(&target)?;
    let db = server::open(config, Clock::System)?;
    let held = db.write(outgoing_mail::hold_all)?;
    db.close();
    Ok(Restored { contents, replaced, held })
}

/// Renames a site's files, log included, to names nothing else has.
fn put_aside(target: &Path) -> Result<PathBuf> {
    let free = |number: u32| with_end(target, &format!(".replaced-{number}"));
    let aside = (1..)
        .map(free)
        .find(|path| !path.exists())
        .ok_or_else(|| Error::internal("every name for the old file is taken"))?;
    for end in ["-wal", "-shm"] {
        let part = with_end(target, end);
        if part.exists() {
            std::fs::rename(part, with_end(&aside, end))?;
        }
    }
    std::fs::rename(target, &aside)?;
    Ok(aside)
}

fn key_of(file: &Path) -> PathBuf {
    with_end(file, ".key")
}

fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    PathBuf::from(name)
}

/// A new name is only safe once its directory is on the disk.
fn sync_directory(path: &Path) -> Result<()> {
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    std::fs::File::open(directory)?.sync_all()?;
    Ok(())
}
