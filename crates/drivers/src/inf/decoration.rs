//! `TargetOSVersion` decorations of models sections: `NTamd64.10.0...19041`.
//!
//! Source: "INF Manufacturer section" and "Combining platform extensions with operating system versions".

use super::entry::parse_number;
use crate::Architecture;

/// What the name of a models section says of the Windows it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoration {
    /// Nothing.
    None,
    /// As documented.
    Target(TargetOs),
    /// Not as documented, which no Windows takes: a template's `NT$ARCH$`.
    Unknown(String),
}

impl Decoration {
    /// Parses what follows the name, `NTamd64.6.1`; nothing for nothing.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if text.is_empty() {
            return Self::None;
        }
        TargetOs::parse(text).map_or_else(|| Self::Unknown(text.to_owned()), Self::Target)
    }

    /// The architecture it is for; none named is x86. `None`: no Windows takes it.
    #[must_use]
    pub fn architecture(&self) -> Option<Architecture> {
        match self {
            Self::None => Some(Architecture::X86),
            Self::Target(os) => Some(os.architecture.unwrap_or(Architecture::X86)),
            Self::Unknown(_) => None,
        }
    }
}

/// `NT[architecture][.[major][.[minor][.[product type][.[suite mask][.[build]]]]]]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TargetOs {
    /// The architecture, if it is said.
    pub architecture: Option<Architecture>,
    /// Lowest major and minor version.
    pub version: Option<(u32, u32)>,
    /// `VER_NT_*`: 1 workstation, 2 domain controller, 3 server.
    pub product_type: Option<u32>,
    /// `VER_SUITE_*`; all its bits must be there.
    pub suite_mask: Option<u32>,
    /// Lowest build of that very version.
    pub build: Option<u32>,
}

impl TargetOs {
    /// Parses a decoration, in any case; `None` when it is not as documented.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('.');
        let platform = fields.next()?;
        if !platform.get(..2)?.eq_ignore_ascii_case("nt") {
            return None;
        }
        let architecture = match platform.get(2..)? {
            "" => None,
            name => Some(Architecture::from_name(name)?),
        };
        let mut numbers = [None; 5];
        for slot in &mut numbers {
            match fields.next() {
                None => break,
                Some("") => {}
                Some(field) => *slot = Some(parse_number(field)?),
            }
        }
        let [major, minor, product_type, suite_mask, build] = numbers;
        // A minor version alone says nothing.
        if fields.next().is_some() || (major.is_none() && minor.is_some()) {
            return None;
        }
        let version = major.map(|major| (major, minor.unwrap_or(0)));
        Some(Self { architecture, version, product_type, suite_mask, build })
    }
}

#[cfg(test)]
mod tests {
    use super::{Decoration, TargetOs};
    use crate::Architecture::{Amd64, Arm64, X86};

    #[test]
    fn decorations_parse() {
        let any = TargetOs::default();
        for (text, expected) in [
            ("NT", Some(any)),
            ("ntX86", Some(TargetOs { architecture: Some(X86), ..any })),
            (
                "NTamd64.6.1",
                Some(TargetOs { architecture: Some(Amd64), version: Some((6, 1)), ..any }),
            ),
            ("NT.5", Some(TargetOs { version: Some((5, 0)), ..any })),
            (
                "NTx86....0x80",
                Some(TargetOs { architecture: Some(X86), suite_mask: Some(0x80), ..any }),
            ),
            (
                "NTARM64.10.0...19041",
                Some(TargetOs {
                    architecture: Some(Arm64),
                    version: Some((10, 0)),
                    build: Some(19041),
                    ..any
                }),
            ),
            (
                "NTx86.5.2.3",
                Some(TargetOs {
                    architecture: Some(X86),
                    version: Some((5, 2)),
                    product_type: Some(3),
                    ..any
                }),
            ),
            (
                "NTamd64.6.0.0x0000003.",
                Some(TargetOs {
                    architecture: Some(Amd64),
                    version: Some((6, 0)),
                    product_type: Some(3),
                    ..any
                }),
            ),
            ("NT$ARCH$", None),
            ("NTx86.5.x", None),
            ("NTx86..1", None),
            ("NTx86.1.2.3.4.5.6", None),
            ("x86", None),
            ("N", None),
        ] {
            assert_eq!(TargetOs::parse(text), expected, "{text}");
        }
        assert_eq!(Decoration::parse(""), Decoration::None);
        assert_eq!(Decoration::parse("Foo"), Decoration::Unknown("Foo".to_owned()));
    }
}
