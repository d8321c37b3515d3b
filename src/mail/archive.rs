//! Archives of mail on the disk: mbox files, Maildir folders, single `.eml` files. Opening one lists its mails, oldest
//! first, without keeping them in memory; a mail is read when it is wanted.

use std::fs::File;
use std::io::{BufRead, BufReader, Error, ErrorKind, Read, Result, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use super::incoming;
use crate::time::Timestamp;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Mbox,
    Maildir,
    Eml,
}

/// The mails of an archive.
#[derive(Debug)]
pub struct Archive {
    format: Format,
    files: Vec<PathBuf>,
    /// In order of time; those without a date come first.
    pub mails: Vec<Mail>,
}

/// Where a mail lies.
#[derive(Debug, Clone)]
pub struct Mail {
    file: usize,
    offset: u64,
    pub size_bytes: u64,
    /// By its Date header.
    pub date: Option<Timestamp>,
}

/// How much of a mail is looked at for its date.
const HEAD_BYTES: u64 = 64 * 1024;

impl Archive {
    /// Lists what is at `path`: a file, or a directory with everything below it. An archive without mail is an error
    /// of kind `InvalidData`, because the wrong path or format was meant.
    pub fn open(format: Format, path: &Path) -> Result<Self> {
        let mut archive = Self { format, files: Vec::new(), mails: Vec::new() };
        collect(format, path, &mut archive.files)?;
        archive.files.sort();
        for file in 0..archive.files.len() {
            match format {
                Format::Mbox => archive.scan(file)?,
                Format::Maildir | Format::Eml => {
                    let size_bytes = std::fs::metadata(&archive.files[file])?.len();
                    archive.mails.push(Mail { file, offset: 0, size_bytes, date: None });
                }
            }
        }
        if archive.mails.is_empty() {
            let text = format!("there is no mail of this format in '{}'", path.display());
            return Err(Error::new(ErrorKind::InvalidData, text));
        }
        for index in 0..archive.mails.len() {
            let head = archive.bytes(&archive.mails[index], HEAD_BYTES)?;
            archive.mails[index].date = incoming::parse(&head).date;
        }
        archive.mails.sort_by_key(|mail| (mail.date, mail.file, mail.offset));
        Ok(archive)
    }

    /// The mail as it was sent: what mbox adds to protect its separators is taken away.
    pub fn read(&self, mail: &Mail) -> Result<Vec<u8>> {
        self.bytes(mail, mail.size_bytes)
    }

    /// Where a mail is, for people.
    pub fn place(&self, mail: &Mail) -> String {
        let file = self.files[mail.file].display();
        match self.format {
            Format::Mbox => format!("{file}, byte {}", mail.offset),
            Format::Maildir | Format::Eml => file.to_string(),
        }
    }

    fn bytes(&self, mail: &Mail, limit: u64) -> Result<Vec<u8>> {
        let mut file = File::open(&self.files[mail.file])?;
        file.seek(SeekFrom::Start(mail.offset))?;
        let mut bytes = Vec::new();
        file.take(mail.size_bytes.min(limit)).read_to_end(&mut bytes)?;
        Ok(match self.format {
            Format::Mbox => unquoted(&bytes),
            Format::Maildir | Format::Eml => bytes,
        })
    }

    /// Finds the mails of an mbox file: each begins after a line `From …` that stands at the beginning or after an empty
    /// line, names a time of day, and is followed by a header.
    fn scan(&mut self, file: usize) -> Result<()> {
        let mut reader = BufReader::with_capacity(1 << 20, File::open(&self.files[file])?);
        let (mut at, mut line) = (0_u64, Vec::new());
        let mut is_after_blank = true;
        // A separator that waits for the line after it: where it begins and where it ends.
        let mut separator: Option<(u64, u64)> = None;
        let mut begun: Option<u64> = None;
        loop {
            line.clear();
            let length = reader.read_until(b'\n', &mut line)? as u64;
            if length == 0 {
                break;
            }
            if let Some((start, end)) = separator.take()
                && is_header(&line)
            {
                self.finish(file, begun, start);
                begun = Some(end);
            }
            if is_after_blank && is_separator(&line) {
                separator = Some((at, at + length));
            }
            is_after_blank = line.trim_ascii_end().is_empty();
            at += length;
        }
        self.finish(file, begun, at);
        Ok(())
    }

    fn finish(&mut self, file: usize, begun: Option<u64>, end: u64) {
        if let Some(offset) = begun.filter(|offset| *offset < end) {
            self.mails.push(Mail { file, offset, size_bytes: end - offset, date: None });
        }
    }
}

fn collect(format: Format, path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if path.is_file() {
        files.push(path.to_owned());
        return Ok(());
    }
    for entry in std::fs::read_dir(path)? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        if kind.is_dir() {
            collect(format, &path, files)?;
        } else if kind.is_file() && is_wanted(format, &path) {
            files.push(path);
        }
    }
    Ok(())
}

/// Below a directory, only what looks like mail of the format.
fn is_wanted(format: Format, path: &Path) -> bool {
    let extension = path.extension().map(|extension| extension.to_ascii_lowercase());
    match format {
        Format::Eml => extension.is_some_and(|extension| extension == "eml"),
        Format::Mbox => extension.is_none_or(|extension| extension == "mbox" || extension == "mbx"),
        Format::Maildir => {
            path.parent().and_then(Path::file_name).is_some_and(|folder| folder == "cur" || folder == "new")
        }
    }
}

fn is_separator(line: &[u8]) -> bool {
    let has_time = |line: &[u8]| {
        line.windows(5).any(|w| w[2] == b':' && [w[0], w[1], w[3], w[4]].iter().all(u8::is_ascii_digit))
    };
    line.starts_with(b"From ") && has_time(line)
}

fn is_header(line: &[u8]) -> bool {
    let name = line.split(|byte| *byte == b':').next().unwrap_or_default();
    !name.is_empty() && name.len() < line.len() && name.iter().all(|byte| (33..127).contains(byte))
}

/// Takes one `>` off lines that begin with any number of them and `From `.
fn unquoted(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        let quotes = line.iter().take_while(|byte| **byte == b'>').count();
        let is_quoted = 0 < quotes && line[quotes..].starts_with(b"From ");
        out.extend_from_slice(if is_quoted { &line[1..] } else { line });
    }
    // The empty line before the next separator belongs to the format.
    if out.ends_with(b"\n\n") {
        out.pop();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_mbox_is_taken_apart_where_mails_begin_and_nowhere_else() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("old.mbox");
        let text = "From a@b Mon Jan  5 09:00:00 2026\nSubject: two\nDate: Mon, 5 Jan 2026 09:00:00 +0000\n\n\
                    Hello\n\nFrom time to time 10:30 is late\n>From here\n>>From there\n\n\
                    From - Sun Jan  4 09:00:00 2026\nSubject: one\nDate: Sun, 4 Jan 2026 09:00:00 +0000\n\nHi\n";
        std::fs::write(&path, text).unwrap();
        let archive = Archive::open(Format::Mbox, &path).unwrap();
        let mails: Vec<String> = archive
            .mails
            .iter()
            .map(|mail| String::from_utf8(archive.read(mail).unwrap()).unwrap())
            .collect();
        assert_eq!(mails.len(), 2);
        assert!(mails[0].starts_with("Subject: one") && mails[0].ends_with("\n\nHi\n"), "{}", mails[0]);
        assert!(
            mails[1].ends_with("From time to time 10:30 is late\nFrom here\n>From there\n"),
            "{}",
            mails[1]
        );
    }

    #[test]
    fn folders_are_walked_and_what_is_no_mail_is_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        for (path, text) in [
            ("cur/1:2,S", "Subject: a\n\nx\n"),
            ("tmp/2", "Subject: half\n"),
            (".Sent/new/3", "Subject: b\n\ny\n"),
            ("one.eml", "Subject: c\n\nz\n"),
            ("notes.txt", "no mail"),
        ] {
            let path = directory.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let count = |format| Archive::open(format, directory.path()).map(|archive| archive.mails.len());
        assert_eq!(count(Format::Maildir).unwrap(), 2);
        assert_eq!(count(Format::Eml).unwrap(), 1);
        let error = Archive::open(Format::Mbox, &directory.path().join("notes.txt")).unwrap_err();
        assert!(error.to_string().contains("there is no mail of this format"), "{error}");
    }
}
