//! The second factor of signing in (RFC 6238): codes of an authenticator app, and ten recovery codes for whoever has
//! lost it. A code is good for its half minute and the one before and after, and only once. API keys are not asked for
//! one: they are no passwords of people.

use std::collections::HashSet;
use std::time::Duration;

use qrcode::QrCode;
use qrcode::render::svg;
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Secret, Totp};

use super::audit::{self, Action};
use super::secret::{self, Vault};
use super::{Actor, Permission, agent};
use crate::db::{Snapshot, Tx};
use crate::error::{Error, Result};
use crate::ids::AgentId;
use crate::time::Timestamp;

/// How long a sign-in waits for its code, and how many wrong ones it takes.
const STEP_LIFE: Duration = Duration::from_secs(10 * 60);
const STEP_FAILURES: i64 = 5;
const RECOVERY_CODES: usize = 10;
const SECRET_BYTES: usize = 20;

/// An authenticator app that is being set up.
#[derive(Debug, Clone)]
pub struct Enrolment {
    /// Base32, in groups of four: for typing.
    pub secret: String,
    /// What the picture says, for a link on the device itself.
    pub url: String,
    /// The picture as SVG.
    pub qr: String,
}

/// Whether sign-in asks for a code.
pub fn is_on(s: &Snapshot<'_>, agent: AgentId) -> Result<bool> {
    s.exists("SELECT 1 FROM second_factor WHERE agent_id = ? AND is_confirmed = 1", [agent])
}

/// Every agent whose sign-in asks for a code.
pub fn agents(s: &Snapshot<'_>) -> Result<HashSet<AgentId>> {
    let ids = s.all("SELECT agent_id FROM second_factor WHERE is_confirmed = 1", [], |row| row.get(0))?;
    Ok(ids.into_iter().collect())
}

/// Whether the site asks for a second factor that the agent has not set up.
pub fn is_missing(s: &Snapshot<'_>, agent: AgentId) -> Result<bool> {
    Ok(is_required(s)? && !is_on(s, agent)?)
}

fn is_required(s: &Snapshot<'_>) -> Result<bool> {
    s.exists("SELECT 1 FROM password_policy WHERE requires_second_factor = 1", [])
}

/// How many recovery codes are left.
pub fn recovery_codes_left(s: &Snapshot<'_>, agent: AgentId) -> Result<i64> {
    s.number("SELECT count(*) FROM recovery_code WHERE agent_id = ?", [agent])
}

/// Begins to set up an app with a fresh secret. Nothing is asked for yet. `Conflict` when one is on.
pub fn begin(tx: &Tx<'_>, by: &Actor, vault: &Vault) -> Result<()> {
    let me = own(tx, by)?;
    if is_on(tx, me)? {
        return Err(Error::Conflict("two-step sign-in is on; turn it off first".to_owned()));
    }
    let sealed = vault.seal(&place(me), &secret::hex(&random::<SECRET_BYTES>()?))?;
    tx.run(
        "INSERT INTO second_factor (agent_id, secret, created_at) VALUES (?1, ?2, ?3)
         ON CONFLICT (agent_id) DO UPDATE SET secret = ?2, last_step = 0, created_at = ?3",
        (me, sealed, tx.now()),
    )?;
    Ok(())
}

/// What an app that is being set up is told; `None` while there is none.
pub fn enrolment(
    s: &Snapshot<'_>,
    vault: &Vault,
    agent: AgentId,
    account: &str,
    site: &str,
) -> Result<Option<Enrolment>> {
    if is_on(s, agent)? {
        return Ok(None);
    }
    let Some(secret) = stored(s, vault, agent)?.and_then(|stored| stored.secret) else { return Ok(None) };
    let base32 = base32(&secret).to_uppercase();
    let encode = |text: &str| -> String {
        url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>().replace('+', "%20")
    };
    // A colon parts issuer and account.
    let issuer = encode(&site.replace(':', " "));
    let url = format!("otpauth://totp/{issuer}:{}?secret={base32}&issuer={issuer}", encode(account));
    let code = QrCode::new(url.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    let picture = code.render::<svg::Color<'_>>().min_dimensions(200, 200).build();
    let qr = picture.split_once("?>").map_or(picture.as_str(), |(_, svg)| svg).to_owned();
    let groups: Vec<&str> =
        (0..base32.len()).step_by(4).map(|at| &base32[at..(at + 4).min(base32.len())]).collect();
    Ok(Some(Enrolment { secret: groups.join(" "), url, qr }))
}

/// Forgets an app that was not confirmed.
pub fn cancel(tx: &Tx<'_>, by: &Actor) -> Result<()> {
    tx.run("DELETE FROM second_factor WHERE agent_id = ? AND is_confirmed = 0", [own(tx, by)?])?;
    Ok(())
}

/// Turns it on with a first code, and gives the recovery codes: shown once.
pub fn confirm(tx: &Tx<'_>, by: &Actor, vault: &Vault, code: &str) -> Result<Vec<String>> {
    let me = own(tx, by)?;
    let Some(stored) = stored(tx, vault, me)?.filter(|stored| !stored.is_confirmed) else {
        return Err(Error::Conflict("there is no app to confirm; begin again".to_owned()));
    };
    let step = step_of(tx, &stored, code)?.ok_or_else(|| Error::invalid("code", NOT_NOW))?;
    tx.run("UPDATE second_factor SET is_confirmed = 1, last_step = ? WHERE agent_id = ?", (step, me))?;
    let codes = fresh_codes(tx, me)?;
    audit::record(tx, by, Action::Security, "turned two-step sign-in on", "")?;
    Ok(codes)
}

/// Gives ten new recovery codes in place of those that were left. The password was asked for.
pub fn renew_codes(tx: &Tx<'_>, by: &Actor, vault: &Vault, code: &str) -> Result<Vec<String>> {
    let me = own(tx, by)?;
    prove(tx, vault, me, code)?;
    let codes = fresh_codes(tx, me)?;
    audit::record(tx, by, Action::Security, "made new recovery codes", "")?;
    Ok(codes)
}

/// Turns it off; the password was asked for, `code` is the other proof. Where everybody must have one, another app has
/// to be set up before anything else.
pub fn turn_off(tx: &Tx<'_>, by: &Actor, vault: &Vault, code: &str) -> Result<()> {
    let me = own(tx, by)?;
    prove(tx, vault, me, code)?;
    tx.run("DELETE FROM second_factor WHERE agent_id = ?", [me])?;
    audit::record(tx, by, Action::Security, "turned two-step sign-in off", "")
}

/// Takes the second factor from an agent who has lost app and recovery codes; by somebody who manages agents.
pub fn reset(tx: &Tx<'_>, by: &Actor, id: AgentId) -> Result<()> {
    by.require(Permission::ManageAgents)?;
    let agent = agent::require(tx, id)?;
    agent::may_touch(tx, by, &agent)?;
    if by.agent_id() == Some(id) {
        return Err(Error::Conflict("your own is turned off in your security settings".to_owned()));
    }
    if tx.run("DELETE FROM second_factor WHERE agent_id = ?", [id])? == 0 {
        return Err(Error::Conflict(format!("'{}' has no second factor", agent.email)));
    }
    tx.run("DELETE FROM sign_in_step WHERE agent_id = ?", [id])?;
    audit::record(tx, by, Action::Security, format!("reset the two-step sign-in of '{}'", agent.email), "")
}

/// Uses up a code of the app, or a recovery code; `Invalid` when it is none.
fn prove(tx: &Tx<'_>, vault: &Vault, agent: AgentId, code: &str) -> Result<()> {
    if !is_on(tx, agent)? {
        return Err(Error::Conflict("two-step sign-in is off".to_owned()));
    }
    match redeem(tx, vault, agent, code)? {
        true => Ok(()),
        false => Err(Error::invalid("code", NOT_NOW)),
    }
}

const NOT_NOW: &str = "is not a code of your app now, or was used already";

/// Uses up a code; tells whether it was one.
pub fn redeem(tx: &Tx<'_>, vault: &Vault, agent: AgentId, code: &str) -> Result<bool> {
    let Some(stored) = stored(tx, vault, agent)?.filter(|stored| stored.is_confirmed) else {
        return Ok(false);
    };
    if let Some(step) = step_of(tx, &stored, code)? {
        tx.run("UPDATE second_factor SET last_step = ? WHERE agent_id = ?", (step, agent))?;
        return Ok(true);
    }
    let used =
        tx.run("DELETE FROM recovery_code WHERE agent_id = ? AND hash = ?", (agent, code_hash(code)))?;
    Ok(used == 1)
}

/// The step that a code is of, unless it or a later one was used.
fn step_of(tx: &Tx<'_>, stored: &Stored, code: &str) -> Result<Option<i64>> {
    let digits: String = code.chars().filter(|letter| !letter.is_whitespace()).collect();
    if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let Some(secret) = stored.secret else { return Ok(None) };
    let seconds = tx.now().millis().max(0).unsigned_abs() / 1000;
    let step = app(secret)?.check(&digits, seconds).map(|step| step as i64);
    Ok(step.filter(|step| stored.last_step < *step))
}

fn app(secret: [u8; SECRET_BYTES]) -> Result<Totp> {
    let builder = Builder::new().with_algorithm(Algorithm::SHA1).with_digits(6).with_skew(1);
    let app = builder.with_step_duration(30).with_secret(Secret::from(secret)).build();
    app.map_err(|error| Error::internal(error.to_string()))
}

struct Stored {
    /// `None` where the key cannot open it: recovery codes work all the same.
    secret: Option<[u8; SECRET_BYTES]>,
    is_confirmed: bool,
    last_step: i64,
}

fn stored(s: &Snapshot<'_>, vault: &Vault, agent: AgentId) -> Result<Option<Stored>> {
    let found = s.one(
        "SELECT secret, is_confirmed, last_step FROM second_factor WHERE agent_id = ?",
        [agent],
        |row| Ok((row.get::<_, Vec<u8>>(0)?, row.get(1)?, row.get(2)?)),
    )?;
    let Some((sealed, is_confirmed, last_step)) = found else { return Ok(None) };
    let secret = vault.open(&place(agent), &sealed).as_deref().and_then(from_hex);
    Ok(Some(Stored { secret, is_confirmed, last_step }))
}

fn place(agent: AgentId) -> String {
    format!("second_factor.secret:{agent}")
}

/// Whose it is. Who must have one needs no permission to set it up.
fn own(s: &Snapshot<'_>, by: &Actor) -> Result<AgentId> {
    let me = by.agent_id().ok_or_else(|| Error::may_not("have a second factor"))?;
    if !is_missing(s, me)? {
        by.require(Permission::ManageMyProfile)?;
    }
    Ok(me)
}

/// 80 random bits each, in groups of four letters and digits.
fn fresh_codes(tx: &Tx<'_>, agent: AgentId) -> Result<Vec<String>> {
    tx.run("DELETE FROM recovery_code WHERE agent_id = ?", [agent])?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        let text = base32(&random::<10>()?);
        let code = [&text[..4], &text[4..8], &text[8..12], &text[12..16]].join("-");
        tx.run("INSERT INTO recovery_code (agent_id, hash) VALUES (?, ?)", (agent, code_hash(&code)))?;
        codes.push(code);
    }
    Ok(codes)
}

fn random<const LENGTH: usize>() -> Result<[u8; LENGTH]> {
    let mut bytes = [0; LENGTH];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(bytes)
}

fn from_hex(text: &str) -> Option<[u8; SECRET_BYTES]> {
    let digits = text.as_bytes();
    let mut bytes = [0; SECRET_BYTES];
    if digits.len() != 2 * SECRET_BYTES {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// RFC 4648, 6, in small letters, of a multiple of five bytes.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let group = |five: &[u8]| {
        let bits = five.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        (0..8).rev().map(|at| char::from(ALPHABET[(bits >> (5 * at)) as usize & 31])).collect::<String>()
    };
    bytes.chunks(5).map(group).collect()
}

/// However it is typed.
fn code_hash(code: &str) -> [u8; 32] {
    let plain: String = code.chars().filter(char::is_ascii_alphanumeric).collect();
    Sha256::digest(plain.to_lowercase().as_bytes()).into()
}

/// The password was right: waits for the code. Returns the cookie's value.
pub fn begin_step(tx: &Tx<'_>, agent: AgentId) -> Result<String> {
    let token = secret::random_token()?;
    tx.run(
        "INSERT INTO sign_in_step (hash, agent_id, expires_at) VALUES (?, ?, ?)",
        (hash(&token), agent, tx.now().plus(STEP_LIFE)),
    )?;
    Ok(token)
}

/// Whose sign-in waits for a code, by the cookie's value.
pub fn step(s: &Snapshot<'_>, token: &str, now: Timestamp) -> Result<Option<AgentId>> {
    s.one(
        "SELECT x.agent_id FROM sign_in_step x JOIN agent a ON a.id = x.agent_id
         WHERE x.hash = ?1 AND ?2 < x.expires_at AND a.is_active = 1 AND a.deleted_at IS NULL
           AND (a.locked_until IS NULL OR a.locked_until <= ?2)",
        (hash(token), now),
        |row| row.get(0),
    )
}

/// Tries a code. With the right one the step is over and the agent may be signed in; a wrong one counts, and with too
/// many the sign-in begins again.
pub fn try_step(tx: &Tx<'_>, vault: &Vault, token: &str, code: &str) -> Result<Option<AgentId>> {
    let Some(agent) = step(tx, token, tx.now())? else { return Ok(None) };
    if redeem(tx, vault, agent, code)? {
        tx.run("DELETE FROM sign_in_step WHERE hash = ?", [hash(token)])?;
        return Ok(Some(agent));
    }
    tx.run("UPDATE sign_in_step SET failures = failures + 1 WHERE hash = ?", [hash(token)])?;
    tx.run("DELETE FROM sign_in_step WHERE hash = ? AND ? <= failures", (hash(token), STEP_FAILURES))?;
    Ok(None)
}

/// Removes sign-ins that nobody went on with.
pub fn sweep(tx: &Tx<'_>) -> Result<usize> {
    tx.run("DELETE FROM sign_in_step WHERE expires_at <= ?", [tx.now()])
}

fn hash(token: &str) -> [u8; 32] {
    Sha256::digest(token.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_the_standard() {
        // RFC 6238, appendix B, the last six digits.
        let bytes = *b"12345678901234567890";
        assert_eq!(base32(&bytes), "gezdgnbvgy3tqojqgezdgnbvgy3tqojq");
        assert_eq!(from_hex(&secret::hex(&bytes)), Some(bytes));
        let app = app(bytes).unwrap();
        for (seconds, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(app.check(code, seconds), Some(seconds / 30), "{seconds}");
            assert!(app.check(code, seconds + 30).is_some() && app.check(code, seconds + 90).is_none());
        }
    }

    #[test]
    fn a_recovery_code_is_known_however_it_is_typed() {
        assert_eq!(code_hash("ab2c-d3ef-gh4i-jk5l"), code_hash(" AB2C D3EF GH4I JK5L "));
        assert_ne!(code_hash("ab2c-d3ef-gh4i-jk5l"), code_hash("ab2c-d3ef-gh4i-jk5m"));
    }
}
