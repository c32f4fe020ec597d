//! The catalogs of a driver package, and who signed them.

use serde::Serialize;
use winkiln_bake::drivers::{CatalogState, PackageCatalog, SignerClass};

/// A catalog as it is shown.
#[derive(Debug, Serialize)]
pub(super) struct ListedCatalog {
    catalog: String,
    present: bool,
    /// `whql`, `attestation`, `windows`, `microsoft`, `vendor-cross-signed`, `vendor`, `test`.
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    signer: Option<String>,
    /// From the signer on.
    chain: Vec<String>,
    /// Why it proves nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<PackageCatalog> for ListedCatalog {
    fn from(catalog: PackageCatalog) -> Self {
        let mut listed = Self {
            catalog: catalog.path,
            present: true,
            class: None,
            signer: None,
            chain: Vec::new(),
            problem: None,
        };
        match catalog.state {
            CatalogState::Missing => listed.present = false,
            CatalogState::Unreadable(why) => listed.problem = Some(why),
            CatalogState::Read { chain, signed_by, covers_inf } => {
                listed.signer = chain.first().cloned();
                listed.chain = chain;
                match signed_by {
                    Ok(class) => listed.class = Some(word(class)),
                    Err(why) => listed.problem = Some(why.to_owned()),
                }
                if !covers_inf && listed.problem.is_none() {
                    listed.problem = Some("it does not have the INF as it is".to_owned());
                }
            }
        }
        listed
    }
}

impl ListedCatalog {
    /// `viostor.cat, signed by Red Hat, Inc. (vendor-cross-signed)`.
    pub(super) fn text(&self) -> String {
        let name = self.catalog.rsplit('/').next().unwrap_or_default();
        if !self.present {
            return format!("{name}, which is missing");
        }
        let mut text = name.to_owned();
        if let Some(signer) = &self.signer {
            text.push_str(", signed by ");
            text.push_str(signer);
        }
        if let Some(class) = self.class {
            text.push_str(&format!(" ({class})"));
        }
        if let Some(problem) = &self.problem {
            text.push_str(": ");
            text.push_str(problem);
        }
        text
    }
}

/// Who stands behind a signature.
fn word(class: SignerClass) -> &'static str {
    match class {
        SignerClass::Whql => "whql",
        SignerClass::Attestation => "attestation",
        SignerClass::Windows => "windows",
        SignerClass::Microsoft => "microsoft",
        SignerClass::VendorCrossSigned => "vendor-cross-signed",
        SignerClass::Vendor => "vendor",
        _ => "test",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn catalogs_tell_who_signed_them() {
        let text =
            |state| ListedCatalog::from(PackageCatalog { path: "w10/a.cat".into(), state }).text();
        let chain = || vec!["Kiln Works".to_owned(), "Kiln Root".to_owned()];
        let read = |signed_by, covers_inf| {
            text(CatalogState::Read { chain: chain(), signed_by, covers_inf })
        };
        assert_eq!(read(Ok(SignerClass::Whql), true), "a.cat, signed by Kiln Works (whql)");
        assert_eq!(
            read(Ok(SignerClass::Test), false),
            "a.cat, signed by Kiln Works (test): it does not have the INF as it is"
        );
        assert_eq!(
            read(Err("the file was changed since"), false),
            "a.cat, signed by Kiln Works: the file was changed since"
        );
        assert_eq!(text(CatalogState::Missing), "a.cat, which is missing");
        assert_eq!(text(CatalogState::Unreadable("no DER".into())), "a.cat: no DER");
    }
}
