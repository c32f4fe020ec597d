//! Object identifiers, as the bytes of their encoding.

use std::fmt::Write as _;

macro_rules! oids {
    ($($(#[$doc:meta])* $name:ident = $bytes:expr;)*) => {
        $($(#[$doc])* pub(crate) const $name: &[u8] = $bytes;)*
    };
}

oids! {
    /// 1.2.840.113549.1.7.2
    SIGNED_DATA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02";
    /// 1.2.840.113549.1.9.3
    CONTENT_TYPE = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x03";
    /// 1.2.840.113549.1.9.4
    MESSAGE_DIGEST = b"\x2a\x86\x48\x86\xf7\x0d\x01\x09\x04";
    /// 1.2.840.113549.1.1.1
    RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x01";
    /// 1.2.840.113549.1.1.5
    SHA1_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x05";
    /// 1.3.14.3.2.29, as old Microsoft programs write it
    SHA1_RSA_OIW = b"\x2b\x0e\x03\x02\x1d";
    /// 1.2.840.113549.1.1.11
    SHA256_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b";
    /// 1.2.840.113549.1.1.12
    SHA384_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0c";
    /// 1.2.840.113549.1.1.13
    SHA512_RSA = b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0d";
    /// 1.3.14.3.2.26
    SHA1 = b"\x2b\x0e\x03\x02\x1a";
    /// 2.16.840.1.101.3.4.2.1
    SHA256 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x01";
    /// 2.16.840.1.101.3.4.2.2
    SHA384 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x02";
    /// 2.16.840.1.101.3.4.2.3
    SHA512 = b"\x60\x86\x48\x01\x65\x03\x04\x02\x03";
    /// 1.3.6.1.4.1.311.2.1.4
    SPC_INDIRECT_DATA = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04";
    /// 1.3.6.1.4.1.311.2.4.1
    NESTED_SIGNATURE = b"\x2b\x06\x01\x04\x01\x82\x37\x02\x04\x01";
    /// 1.3.6.1.4.1.311.10.1
    TRUST_LIST = b"\x2b\x06\x01\x04\x01\x82\x37\x0a\x01";
    /// 1.3.6.1.4.1.311.12.2.1
    CATALOG_NAME_VALUE = b"\x2b\x06\x01\x04\x01\x82\x37\x0c\x02\x01";
    /// 2.5.29.14
    SUBJECT_KEY_IDENTIFIER = b"\x55\x1d\x0e";
    /// 2.5.29.37
    EXTENDED_KEY_USAGE = b"\x55\x1d\x25";
}

/// Numbers with dots between them. What is no object identifier shows as far as it goes.
pub(crate) fn dotted(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut number = 0u64;
    for (at, byte) in bytes.iter().enumerate() {
        number = number << 7 | u64::from(byte & 0x7f);
        if byte & 0x80 != 0 {
            if number >> 50 != 0 {
                break; // the next digit might not fit
            }
            continue;
        }
        let _ = if at == 0 || text.is_empty() {
            let first = (number / 40).min(2);
            write!(text, "{first}.{}", number - first * 40)
        } else {
            write!(text, ".{number}")
        };
        number = 0;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read() {
        assert_eq!(dotted(SIGNED_DATA), "1.2.840.113549.1.7.2");
        assert_eq!(dotted(SHA256), "2.16.840.1.101.3.4.2.1");
        assert_eq!(dotted(NESTED_SIGNATURE), "1.3.6.1.4.1.311.2.4.1");
        assert_eq!(dotted(CATALOG_NAME_VALUE), "1.3.6.1.4.1.311.12.2.1");
        assert_eq!(dotted(EXTENDED_KEY_USAGE), "2.5.29.37");
        assert_eq!(dotted(&[0xff; 40]), "");
    }
}
