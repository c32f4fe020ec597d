//! Certificates of a file in the machine's stores: as roots, and as publishers whose drivers install without a question.

use std::path::Path;

use winkiln_hive::ValueType;
use winkiln_trust::{certificate_file, store};

use super::PresetError;
use super::plan::Planner;
use crate::BakeError;
use crate::source::read_host_file;
use crate::step::Step;

pub(super) const EXPECTED: &str = "a .cer, .crt or .p7b file";

/// Both, as Windows asks of a certificate that drivers are signed with: trusted, and its publisher accepted.
const STORES: [&str; 2] = ["ROOT", "TrustedPublisher"];

const FILE_BYTES_MAX: u64 = 4 << 20;
const VALUE: &str = "Blob";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let path = Path::new(planner.argument.unwrap_or_default());
    let bytes = read_host_file(path, FILE_BYTES_MAX, "4 MiB")?;
    let certificates = certificate_file::read(&bytes)
        .map_err(|source| PresetError::Certificate { path: path.to_owned(), source })?;
    for certificate in &certificates {
        for name in STORES {
            let key = format!(r"HKLM\SOFTWARE\{}", store::key(name, certificate));
            let known = planner.lookup.values(&key)?.into_iter().find(|value| {
                value.name.eq_ignore_ascii_case(VALUE)
                    && store::certificate_in(&value.data) == Some(certificate.encoded())
            });
            // What Windows knows of a certificate besides (its name for people, its purposes) stays.
            let data = known.map_or_else(|| store::blob(certificate), |value| value.data);
            let (name, kind) = (VALUE.to_owned(), ValueType::Binary);
            planner.step(Step::SetValue { key, name, kind, data });
        }
    }
    Ok(())
}
