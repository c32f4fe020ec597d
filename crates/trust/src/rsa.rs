//! RSA signatures with PKCS #1 v1.5 padding, verified.
//!
//! Only public numbers are computed with, so that time leaks nothing.
//!
//! Source: RFC 8017, section 8.2.2.

use num_bigint::BigUint;

use crate::der::{Der, INTEGER, SEQUENCE};
use crate::digest::Algorithm;

/// Bytes of a modulus: 16384 bits, four times what authorities use.
const MODULUS_MAX: usize = 2048;
/// Bytes of an exponent, which is 65537 or less nearly everywhere.
const EXPONENT_MAX: usize = 8;

/// A public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey {
    modulus: Vec<u8>,
    exponent: Vec<u8>,
}

impl PublicKey {
    /// Reads the `RSAPublicKey` of a certificate.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let mut key = Der::new(bytes).expect(SEQUENCE, "RSA public key").ok()?.inside();
        let mut number = || {
            let number = key.expect(INTEGER, "RSA public key").ok()?.content;
            Some(number.iter().skip_while(|byte| **byte == 0).copied().collect::<Vec<u8>>())
        };
        let (modulus, exponent) = (number()?, number()?);
        let sized = (64..=MODULUS_MAX).contains(&modulus.len())
            && (1..=EXPONENT_MAX).contains(&exponent.len());
        sized.then_some(Self { modulus, exponent })
    }

    /// True when the signature is one of this key over this digest.
    pub fn verifies(&self, algorithm: Algorithm, digest: &[u8], signature: &[u8]) -> bool {
        let size = self.modulus.len();
        let modulus = BigUint::from_bytes_be(&self.modulus);
        let number = BigUint::from_bytes_be(signature);
        if signature.len() > size || number >= modulus {
            return false;
        }
        let opened = number.modpow(&BigUint::from_bytes_be(&self.exponent), &modulus).to_bytes_be();
        // With the parameters of the hash as NULL, and without any.
        [true, false].into_iter().any(|with_null| {
            padded(algorithm, digest, with_null, size)
                .is_some_and(|expected| opened == expected[1..])
        })
    }
}

/// `00 01 ff ... 00 DigestInfo`.
fn padded(algorithm: Algorithm, digest: &[u8], with_null: bool, size: usize) -> Option<Vec<u8>> {
    let oid = algorithm.oid();
    let null: &[u8] = if with_null { &[5, 0] } else { &[] };
    let short = |length: usize| u8::try_from(length).ok().filter(|length| *length < 0x80);
    let inner = [&[6, short(oid.len())?], oid, null].concat();
    let algorithm = [&[SEQUENCE, short(inner.len())?], &inner[..]].concat();
    let inner = [&algorithm[..], &[4, short(digest.len())?], digest].concat();
    let info = [&[SEQUENCE, short(inner.len())?], &inner[..]].concat();
    let fill = size.checked_sub(info.len() + 3).filter(|fill| *fill >= 8)?;
    Some([&[0, 1], &vec![0xff; fill][..], &[0], &info].concat())
}
