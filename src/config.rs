//! The only reader of arguments, environment and `anytime.toml`. Precedence: argument, environment, file, default;
//! every option has the same name in all three (`--base-url`, `ANYTIME_BASE_URL`, `base-url`).

use std::net::{IpAddr, SocketAddr};
use std::num::NonZeroU32;
use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use serde::Deserialize;

use crate::error::{Error, Result};

/// A complete helpdesk in one executable over one SQLite file.
#[derive(Debug, Parser)]
#[command(name = "anytime", version, propagate_version = true)]
pub struct CommandLine {
    #[command(flatten)]
    pub options: Options,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the helpdesk: web pages, API, mail and jobs
    Serve,
    /// Run a disposable helpdesk filled with a year of example data
    Demo {
        /// How many conversations to make up
        #[arg(long, default_value_t = 500)]
        conversations: usize,
        /// The same seed makes the same data
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Create agents and their API keys
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Copy the whole site to FILE, while the server runs; the key of mail passwords goes to FILE.key
    Backup { file: PathBuf },
    /// Take over old mail from an archive, without answering or sorting it; works beside a running server
    Import {
        #[arg(value_enum)]
        format: ImportFormat,
        /// A file, or a directory with everything below it
        path: PathBuf,
        /// Address of the e-mail account that the mail belonged to [default: the default account]
        #[arg(long)]
        account: Option<String>,
        /// Only say what would happen
        #[arg(long)]
        dry_run: bool,
    },
    /// Read a backup from end to end and say what it holds
    Verify { file: PathBuf },
    /// Make a backup the site of the data directory; the server must not run
    Restore {
        file: PathBuf,
        /// Put a site that is there aside
        #[arg(long)]
        replace: bool,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum ImportFormat {
    Mbox,
    Maildir,
    Eml,
}

#[derive(Debug, Subcommand)]
pub enum AgentCommand {
    /// Create an agent; works beside a running server
    Create {
        #[arg(long)]
        email: String,
        #[arg(long)]
        name: String,
        /// Give every permission
        #[arg(long)]
        admin: bool,
        /// Asked for when it is not given
        #[arg(long, env = "ANYTIME_PASSWORD", hide_env_values = true)]
        password: Option<String>,
    },
    /// Make a fresh API key, which replaces the old one, and print it
    ApiKey {
        #[arg(long)]
        email: String,
    },
}

/// As given; `None` falls through to the next source.
#[derive(Debug, Default, Args, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Options {
    /// Directory of the database and the key file [default: ./data]
    #[arg(long, global = true, env = "ANYTIME_DATA_DIR")]
    data_dir: Option<PathBuf>,
    /// Settings file [default: ./anytime.toml, if it is there]
    #[arg(long, global = true, env = "ANYTIME_CONFIG")]
    #[serde(skip)]
    config: Option<PathBuf>,
    /// Address and port to listen on; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, global = true, env = "ANYTIME_LISTEN")]
    listen: Option<SocketAddr>,
    /// The URL people reach this site by, for links in mail [default: http:// and the address listened on]
    #[arg(long, global = true, env = "ANYTIME_BASE_URL")]
    base_url: Option<String>,
    /// Proxies whose X-Forwarded-For is believed, separated by commas
    #[arg(long, global = true, env = "ANYTIME_TRUSTED_PROXIES", value_delimiter = ',')]
    trusted_proxies: Option<Vec<IpAddr>>,
    /// What to log, for example info or anytime=debug [default: info]
    #[arg(long, global = true, env = "ANYTIME_LOG")]
    log: Option<String>,
    /// Address and port that Prometheus reads /metrics from [default: none]
    #[arg(long, global = true, env = "ANYTIME_METRICS_LISTEN")]
    metrics_listen: Option<SocketAddr>,
    /// Requests to the API that one network may make in five minutes [default: no limit]
    #[arg(long, global = true, env = "ANYTIME_RATE_LIMIT")]
    rate_limit: Option<u32>,
    /// Let webhooks speak to addresses of this machine and its networks
    #[arg(long, global = true, env = "ANYTIME_WEBHOOK_ALLOW_PRIVATE", num_args = 0..=1, default_missing_value = "true")]
    webhook_allow_private: Option<bool>,
    /// 32 bytes in hexadecimal that encrypt mail passwords [default: the file anytime.key in the data directory]
    #[arg(long, global = true, env = "ANYTIME_SECRET_KEY", hide_env_values = true)]
    secret_key: Option<String>,
}

/// The settings in force.
#[derive(Clone)]
pub struct Config {
    pub data_dir: PathBuf,
    pub listen: SocketAddr,
    /// Without a slash at the end; `None` until the address listened on is known.
    pub base_url: Option<String>,
    pub trusted_proxies: Vec<IpAddr>,
    pub log: String,
    /// Where Prometheus may read; its answers need no sign-in, so it is not where people are.
    pub metrics_listen: Option<SocketAddr>,
    /// Requests to the API from one network in five minutes.
    pub rate_limit: Option<NonZeroU32>,
    /// Whether webhooks may speak to addresses of this machine and its networks.
    pub webhook_allow_private: bool,
    pub secret_key: Option<[u8; 32]>,
    /// A disposable site with made-up data, which shows some pages for looking around.
    pub is_demo: bool,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Config")
            .field("data_dir", &self.data_dir)
            .field("listen", &self.listen)
            .finish_non_exhaustive()
    }
}

impl Config {
    /// Settings for a directory, everything else by default; listens on a free port.
    pub fn for_directory(data_dir: &Path) -> Self {
        Self {
            data_dir: data_dir.to_owned(),
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            base_url: None,
            trusted_proxies: Vec::new(),
            log: "info".to_owned(),
            metrics_listen: None,
            rate_limit: None,
            webhook_allow_private: false,
            secret_key: None,
            is_demo: false,
        }
    }

    /// Adds what the settings file says, and the defaults. A settings file that is named must exist.
    pub fn new(given: Options) -> Result<Self> {
        let path = given.config.clone().unwrap_or_else(|| PathBuf::from("anytime.toml"));
        let file: Options = match std::fs::read_to_string(&path) {
            Ok(text) => toml::from_str(&text)
                .map_err(|error| Error::invalid("config", format!("'{}': {error}", path.display())))?,
            Err(_) if given.config.is_none() => Options::default(),
            Err(error) => return Err(Error::invalid("config", format!("'{}': {error}", path.display()))),
        };
        let base_url = given.base_url.or(file.base_url).map(|url| check_base_url(&url)).transpose()?;
        Ok(Self {
            data_dir: given.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("data")),
            listen: given.listen.or(file.listen).unwrap_or_else(|| SocketAddr::from(([127, 0, 0, 1], 8080))),
            base_url,
            trusted_proxies: given.trusted_proxies.or(file.trusted_proxies).unwrap_or_default(),
            log: given.log.or(file.log).unwrap_or_else(|| "info".to_owned()),
            metrics_listen: given.metrics_listen.or(file.metrics_listen),
            rate_limit: given.rate_limit.or(file.rate_limit).and_then(NonZeroU32::new),
            webhook_allow_private: given
                .webhook_allow_private
                .or(file.webhook_allow_private)
                .unwrap_or(false),
            secret_key: given.secret_key.or(file.secret_key).map(|key| check_secret_key(&key)).transpose()?,
            is_demo: false,
        })
    }
}

fn check_base_url(text: &str) -> Result<String> {
    let wrong = || Error::invalid("base-url", format!("'{text}' is not an http or https URL without a path"));
    let url = url::Url::parse(text).map_err(|_| wrong())?;
    let is_plain = matches!(url.scheme(), "http" | "https")
        && url.path() == "/"
        && url.query().is_none()
        && url.username().is_empty();
    if is_plain { Ok(text.trim_end_matches('/').to_owned()) } else { Err(wrong()) }
}

fn check_secret_key(text: &str) -> Result<[u8; 32]> {
    let wrong = || Error::invalid("secret-key", "is not 64 hexadecimal digits");
    let text = text.trim();
    if text.len() != 64 || !text.is_ascii() {
        return Err(wrong());
    }
    let mut key = [0; 32];
    for (byte, digits) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).map_err(|_| wrong())?;
        *byte = u8::from_str_radix(digits, 16).map_err(|_| wrong())?;
    }
    Ok(key)
}

/// Reads the key file of a data directory, made at the first start: 64 hexadecimal digits, readable by the owner only.
pub fn key_file(data_dir: &Path) -> Result<[u8; 32]> {
    let path = data_dir.join("anytime.key");
    match std::fs::read_to_string(&path) {
        Ok(text) => check_secret_key(&text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let mut key = [0; 32];
            getrandom::fill(&mut key).map_err(Error::internal)?;
            let text: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
            std::fs::write(&path, text)?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_argument_wins_over_the_file_and_the_file_over_the_default() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("anytime.toml");
        std::fs::write(&file, "listen = \"127.0.0.1:9000\"\nbase-url = \"https://help.example.com/\"\n")
            .unwrap();
        let given = |listen: Option<&str>| Options {
            config: Some(file.clone()),
            listen: listen.map(|text| text.parse().unwrap()),
            ..Options::default()
        };
        let config = Config::new(given(None)).unwrap();
        assert_eq!(config.listen.port(), 9000);
        assert_eq!(config.base_url.as_deref(), Some("https://help.example.com"));
        assert_eq!(config.data_dir, PathBuf::from("data"));
        assert_eq!(Config::new(given(Some("127.0.0.1:1"))).unwrap().listen.port(), 1);
    }

    #[test]
    fn wrong_settings_are_named() {
        assert!(check_base_url("help.example.com").unwrap_err().to_string().contains("help.example.com"));
        assert!(check_base_url("https://example.com/help").is_err());
        assert!(check_secret_key("abc").is_err());
    }
}
