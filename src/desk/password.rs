//! Passwords: Argon2id hashes, and what is too common; `password_policy` says what is accepted. Hashing costs 19 MiB and about 50 ms on purpose: call it from a
//! blocking thread, never inside a transaction.

use std::sync::LazyLock;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::error::{Error, Result};

pub const MAX_BYTES: usize = 1024;

/// Whether a password begins like those that anyone would try first.
pub fn is_common(password: &str) -> bool {
    let folded = password.to_lowercase();
    COMMON.iter().any(|common| folded.starts_with(common))
}

/// Whether a password is made of fewer than four different characters.
pub fn is_monotonous(password: &str) -> bool {
    let mut distinct: Vec<char> = password.to_lowercase().chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    distinct.len() < 4
}

/// Beginnings of the common passwords that are long enough to pass the length rule.
const COMMON: &[&str] = &[
    "password",
    "passw0rd",
    "p@ssw0rd",
    "p@ssword",
    "123456789",
    "1234567890",
    "qwertyuiop",
    "qwerty123",
    "1q2w3e4r",
    "letmein",
    "iloveyou",
    "welcome1",
    "administrator",
    "changeme",
    "abcdefghij",
    "abcd1234",
    "aaaaaaaa",
    "anytime",
    "helpdesk",
    "trustno1",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "111111",
    "000000",
    "asdfghjkl",
    "zxcvbnm",
];

fn hasher() -> Argon2<'static> {
    let params = Params::new(19_456, 2, 1, None).expect("OWASP's minimum is within Argon2's limits");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// The hash in PHC form, with its own salt.
pub fn hash(password: &str) -> Result<String> {
    let hash: PasswordHash =
        hasher().hash_password(password.as_bytes()).map_err(|error| Error::internal(error.to_string()))?;
    Ok(hash.to_string())
}

/// Whether `password` fits. Without a stored hash the same work is done and the answer is no, so that an unknown
/// address takes as long as a known one.
pub fn verify(password: &str, stored: Option<&str>) -> bool {
    static NOBODY: LazyLock<String> = LazyLock::new(|| hash("nobody's password").unwrap_or_default());
    if MAX_BYTES < password.len() {
        return false;
    }
    let Ok(parsed) = PasswordHash::new(stored.unwrap_or(&NOBODY)) else {
        return false;
    };
    hasher().verify_password(password.as_bytes(), &parsed).is_ok() && stored.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_fits_its_password_and_no_other() {
        let stored = hash("correct horse battery").unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
        assert!(verify("correct horse battery", Some(&stored)));
        assert!(!verify("Correct horse battery", Some(&stored)));
        assert!(!verify("correct horse battery", None));
    }
}
