//! Bearer tokens of the engine listener: JSON Web Tokens signed with HS256.
//!
//! The Engine API's rules: a secret of 32 bytes that both sides have in a file, `iat` at most a
//! minute away from our clock, `exp` honoured if there, no algorithm but HS256.

use std::{fmt, fs, path::Path, sync::Arc};

use alloy_primitives::hex;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, Mac};
use http::{HeaderMap, header};
use serde::Deserialize;
use sha2::Sha256;

/// How far a token's time of issue may be from our clock, in seconds.
const MAX_SKEW: u64 = 60;
/// Longest token that is looked at, in bytes.
const MAX_TOKEN: usize = 4_096;

/// Why a secret cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JwtError {
    /// The file cannot be read.
    #[error("the JWT secret {path} cannot be read")]
    File {
        /// The file.
        path: String,
        /// Why not.
        #[source]
        source: std::io::Error,
    },
    /// The file does not hold a secret.
    #[error("the JWT secret {path} must be 32 bytes in hex")]
    NotASecret {
        /// The file.
        path: String,
    },
}

/// The secret that tokens are signed with.
#[derive(Clone)]
pub struct JwtSecret(Arc<[u8; 32]>);

impl fmt::Debug for JwtSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JwtSecret(..)")
    }
}

/// Why a request is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("missing token")]
    Missing,
    #[error("malformed token")]
    Malformed,
    #[error("the token's algorithm is not HS256")]
    Algorithm,
    #[error("the token's signature is wrong")]
    Signature,
    #[error("stale token: iat is more than 60 seconds away")]
    Stale,
    #[error("the token has expired")]
    Expired,
}

#[derive(Deserialize)]
struct Header<'a> {
    #[serde(borrow)]
    alg: &'a str,
}

#[derive(Deserialize)]
struct Claims {
    iat: u64,
    #[serde(default)]
    exp: Option<u64>,
}

impl JwtSecret {
    /// The secret itself.
    pub fn new(secret: [u8; 32]) -> Self {
        Self(Arc::new(secret))
    }

    /// Reads the secret from a file: 64 hex digits, with or without `0x`.
    ///
    /// # Errors
    /// [`JwtError`], which names the file and never its content.
    pub fn from_file(path: &Path) -> Result<Self, JwtError> {
        let name = || path.display().to_string();
        let text = fs::read_to_string(path).map_err(|source| JwtError::File {
            path: name(),
            source,
        })?;
        let mut secret = [0; 32];
        hex::decode_to_slice(text.trim(), &mut secret)
            .map_err(|_| JwtError::NotASecret { path: name() })?;
        Ok(Self::new(secret))
    }

    /// Whether the bearer token in `headers` admits a request at `now`, in seconds since 1970.
    pub(crate) fn admits(&self, headers: &HeaderMap, now: u64) -> Result<(), Refused> {
        let value = headers.get(header::AUTHORIZATION).ok_or(Refused::Missing)?;
        let value = value.to_str().map_err(|_| Refused::Malformed)?;
        let (scheme, token) = value.split_once(' ').ok_or(Refused::Malformed)?;
        if !scheme.eq_ignore_ascii_case("bearer") || token.len() > MAX_TOKEN {
            return Err(Refused::Malformed);
        }
        let claims = self.verified(token.trim())?;
        if claims.iat.abs_diff(now) > MAX_SKEW {
            return Err(Refused::Stale);
        }
        if claims.exp.is_some_and(|exp| exp <= now) {
            return Err(Refused::Expired);
        }
        Ok(())
    }

    fn verified(&self, token: &str) -> Result<Claims, Refused> {
        let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Malformed)?;
        let (head, claims) = signed.split_once('.').ok_or(Refused::Malformed)?;
        let decode = |text| URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Malformed);
        let head = decode(head)?;
        let head: Header<'_> = serde_json::from_slice(&head).map_err(|_| Refused::Malformed)?;
        if head.alg != "HS256" {
            return Err(Refused::Algorithm);
        }
        // Compares in constant time.
        self.mac(signed)
            .verify_slice(&decode(signature)?)
            .map_err(|_| Refused::Signature)?;
        serde_json::from_slice(&decode(claims)?).map_err(|_| Refused::Malformed)
    }

    fn mac(&self, signed: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::new_from_slice(self.0.as_slice()).expect("HMAC takes keys of any length");
        mac.update(signed.as_bytes());
        mac
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use proptest::prelude::*;

    use super::*;

    const NOW: u64 = 1_800_000_000;

    fn secret() -> JwtSecret {
        JwtSecret::new(*b"secretsecretsecretsecretsecretse")
    }

    fn token(secret: &JwtSecret, head: &str, claims: &str) -> String {
        let encode = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let signed = format!("{}.{}", encode(head), encode(claims));
        let signature = URL_SAFE_NO_PAD.encode(secret.mac(&signed).finalize().into_bytes());
        format!("{signed}.{signature}")
    }

    fn bearer(token: &str) -> HeaderMap {
        let value = HeaderValue::from_str(&format!("Bearer {token}")).unwrap();
        HeaderMap::from_iter([(header::AUTHORIZATION, value)])
    }

    fn outcome(head: &str, claims: &str) -> Result<(), Refused> {
        secret().admits(&bearer(&token(&secret(), head, claims)), NOW)
    }

    const HS256: &str = r#"{"typ":"JWT","alg":"HS256"}"#;

    /// RFC 7515, appendix A.1: the signature of a token that others made.
    #[test]
    fn verifies_the_example_of_the_standard() {
        let token = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9\
            .eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ\
            .dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
        let key = URL_SAFE_NO_PAD
            .decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow")
            .unwrap();
        let (signed, signature) = token.rsplit_once('.').unwrap();
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
        mac.update(signed.as_bytes());
        mac.verify_slice(&URL_SAFE_NO_PAD.decode(signature).unwrap())
            .unwrap();
    }

    #[test]
    fn the_time_of_issue_is_within_a_minute() {
        for (iat, admitted) in [
            (NOW, true),
            (NOW - 60, true),
            (NOW + 60, true),
            (NOW - 61, false),
            (NOW + 61, false),
            (0, false),
        ] {
            let want = if admitted {
                Ok(())
            } else {
                Err(Refused::Stale)
            };
            assert_eq!(
                outcome(HS256, &format!(r#"{{"iat":{iat}}}"#)),
                want,
                "{iat}"
            );
        }
        let expired = format!(r#"{{"iat":{NOW},"exp":{NOW},"id":"x"}}"#);
        assert_eq!(outcome(HS256, &expired), Err(Refused::Expired));
        assert_eq!(outcome(HS256, "{}"), Err(Refused::Malformed));
    }

    #[test]
    fn other_algorithms_and_other_secrets_are_refused() {
        let claims = format!(r#"{{"iat":{NOW}}}"#);
        for alg in ["none", "HS512", "hs256"] {
            let head = format!(r#"{{"alg":"{alg}"}}"#);
            assert_eq!(outcome(&head, &claims), Err(Refused::Algorithm), "{alg}");
        }
        let foreign = token(&JwtSecret::new([7; 32]), HS256, &claims);
        let refused = secret().admits(&bearer(&foreign), NOW);
        assert_eq!(refused, Err(Refused::Signature));
        assert_eq!(
            secret().admits(&HeaderMap::new(), NOW),
            Err(Refused::Missing)
        );
        let unsigned = token(&secret(), HS256, &claims);
        let unsigned = unsigned.rsplit_once('.').unwrap().0;
        let refused = secret().admits(&bearer(&format!("{unsigned}.")), NOW);
        assert_eq!(refused, Err(Refused::Signature));
    }

    #[test]
    fn the_secret_is_read_with_and_without_prefix_and_never_shown() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("jwt.hex");
        let digits = "7365637265747365637265747365637265747365637265747365637265747365";
        for text in [digits.to_owned(), format!("0x{digits}\n")] {
            fs::write(&file, text).unwrap();
            let read = JwtSecret::from_file(&file).unwrap();
            assert_eq!(*read.0, *b"secretsecretsecretsecretsecretse");
            assert!(!format!("{read:?}").contains("115"), "bytes are shown");
        }
        fs::write(&file, &digits[2..]).unwrap();
        let error = JwtSecret::from_file(&file).unwrap_err().to_string();
        assert!(error.ends_with("must be 32 bytes in hex"), "{error}");
        assert!(!error.contains("7365"), "{error}");
    }

    proptest! {
        #[test]
        fn nothing_but_a_signed_token_gets_in(text in "[A-Za-z0-9_.-]{0,80}") {
            prop_assert!(secret().admits(&bearer(&text), NOW).is_err());
        }
    }
}
