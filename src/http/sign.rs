//! Signatures of what we send, by the Standard Webhooks convention: receivers verify with an existing library.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

const PREFIX: &str = "whsec_";

/// A fresh secret of 32 random bytes, as receivers' libraries take it.
pub fn new_secret() -> Result<String, getrandom::Error> {
    let mut bytes = [0_u8; 32];
    getrandom::fill(&mut bytes)?;
    Ok([PREFIX, &STANDARD.encode(bytes)].concat())
}

/// The secret in its usual spelling, `whsec_` and base64 of 24 to 64 bytes; the prefix may be missing.
pub fn check_secret(text: &str) -> Option<String> {
    let encoded = text.trim();
    let encoded = encoded.strip_prefix(PREFIX).unwrap_or(encoded);
    let bytes = STANDARD.decode(encoded).ok()?;
    (24..=64).contains(&bytes.len()).then(|| [PREFIX, encoded].concat())
}

/// The value of `webhook-signature` for what `check_secret` gave.
pub fn signature(secret: &str, id: &str, timestamp_seconds: i64, body: &str) -> String {
    let key = STANDARD.decode(secret.trim_start_matches(PREFIX)).unwrap_or_default();
    let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&key).expect("HMAC takes keys of any length");
    mac.update(format!("{id}.{timestamp_seconds}.{body}").as_bytes());
    ["v1,", &STANDARD.encode(mac.finalize().into_bytes())].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signature_is_that_of_the_convention() {
        // The example of the convention's own document.
        let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
        let signed =
            signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, "{\"test\": 2432232314}");
        assert_eq!(signed, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn a_secret_is_long_enough_and_base64() {
        let fresh = new_secret().unwrap();
        assert_eq!(check_secret(&fresh), Some(fresh.clone()));
        assert_eq!(check_secret(fresh.trim_start_matches(PREFIX)), Some(fresh));
        for wrong in ["", "whsec_", "whsec_AAAA", "whsec_not base64 at all, whatever it is", "secret"] {
            assert_eq!(check_secret(wrong), None, "{wrong}");
        }
    }
}
