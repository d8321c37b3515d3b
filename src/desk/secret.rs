//! Secrets: random tokens, and the encryption of passwords that we must be able to use (mail accounts).
//! The encryption key lives outside the database; without it everything works but those accounts.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use subtle::ConstantTimeEq;

use crate::error::{Error, Result};

/// 256 random bits in URL-safe base64.
pub fn random_token() -> Result<String> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// 128 random bits as 32 hexadecimal digits.
pub fn random_guid() -> Result<String> {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).map_err(Error::internal)?;
    Ok(hex(&bytes))
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Compares in constant time.
pub fn is_equal(left: &[u8], right: &[u8]) -> bool {
    left.ct_eq(right).into()
}

/// Encrypts and decrypts stored passwords with XChaCha20-Poly1305.
#[derive(Clone)]
pub struct Vault {
    cipher: XChaCha20Poly1305,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault")
    }
}

const NONCE_BYTES: usize = 24;
/// The first byte of everything encrypted: which scheme it is.
const SCHEME: u8 = 1;

impl Vault {
    pub fn new(key: [u8; 32]) -> Self {
        Self { cipher: XChaCha20Poly1305::new(&Key::from(key)) }
    }

    /// `place` names where the value is kept (table, column, owner): a ciphertext copied elsewhere does not open.
    pub fn seal(&self, place: &str, secret: &str) -> Result<Vec<u8>> {
        let mut nonce = [0_u8; NONCE_BYTES];
        getrandom::fill(&mut nonce).map_err(Error::internal)?;
        let payload = Payload { msg: secret.as_bytes(), aad: place.as_bytes() };
        let sealed = self
            .cipher
            .encrypt(&XNonce::from(nonce), payload)
            .map_err(|_| Error::internal("a secret could not be encrypted"))?;
        Ok([&[SCHEME][..], &nonce, &sealed].concat())
    }

    /// `None` when the key is another one, or the value was changed or moved.
    pub fn open(&self, place: &str, sealed: &[u8]) -> Option<String> {
        let (scheme, rest) = sealed.split_first()?;
        if *scheme != SCHEME || rest.len() < NONCE_BYTES {
            return None;
        }
        let (nonce, sealed) = rest.split_at(NONCE_BYTES);
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        String::from_utf8(self.cipher.decrypt(&XNonce::from(nonce), payload).ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_opens_only_with_its_key_and_in_its_place() {
        let vault = Vault::new([7; 32]);
        let sealed = vault.seal("email_account.pop3_password:1", "s3cret").unwrap();
        assert!(!sealed.windows(6).any(|window| window == b"s3cret"));
        assert_eq!(vault.open("email_account.pop3_password:1", &sealed).as_deref(), Some("s3cret"));
        assert_eq!(vault.open("email_account.pop3_password:2", &sealed), None);
        assert_eq!(Vault::new([8; 32]).open("email_account.pop3_password:1", &sealed), None);
        assert_eq!(vault.open("email_account.pop3_password:1", b""), None);
    }
}
