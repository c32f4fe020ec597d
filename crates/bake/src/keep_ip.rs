//! Static addresses of an old network adapter, carried to the one that Windows meets on its new hardware.
//!
//! Addresses hang on the adapter's GUID, which Windows gives when it installs the device; nothing can be written for it before. So a
//! script waits for the new adapter at the next start, within bounds, sets the addresses by `netsh`, and removes itself.
//!
//! Source: Microsoft, "TCP/IP and NBT configuration parameters for Windows XP" (KB314053) and the `netsh interface` reference; the
//! keys of Windows XP, 7, 8.1 and 10 hives. IPv6 addresses are in no documented place: `Control\Nsi` was read off Windows 7's IPv4
//! addresses there, which are in the registry twice.

mod script;

use std::net::{Ipv4Addr, Ipv6Addr};

use serde::Serialize;

pub(crate) use script::{Kept, script};

/// Which new adapter gets which addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeepIp {
    /// An address of the old adapter, and the MAC address of the new one. Empty: the only adapter with static addresses, and the
    /// first new one.
    pub pairs: Vec<(Ipv4Addr, Mac)>,
}

/// A MAC address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mac(pub [u8; 6]);

impl std::fmt::Display for Mac {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02X}-{b:02X}-{c:02X}-{d:02X}-{e:02X}-{g:02X}")
    }
}

/// Why addresses cannot be kept.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeepIpError {
    /// What is no address and MAC address.
    #[error("{text:?} is no ADDRESS=MAC, such as 192.0.2.5=52:54:00:12:34:56")]
    BadPair {
        /// As given.
        text: String,
    },
    /// Several adapters have static addresses.
    #[error(
        "several network adapters have static addresses, and which one's are meant is not known: {}",
        adapters.join("; ")
    )]
    Ambiguous {
        /// Name and addresses of each.
        adapters: Vec<String>,
    },
    /// No adapter has that address.
    #[error("no network adapter of the guest has the static address {address}")]
    UnknownAddress {
        /// As given.
        address: Ipv4Addr,
    },
}

impl KeepIpError {
    pub(crate) fn hint(&self) -> Option<String> {
        match self {
            Self::BadPair { .. } => None,
            _ => Some(
                "--keep-ip=ADDRESS=MAC,... says which new adapter gets the addresses of which old one"
                    .to_owned(),
            ),
        }
    }
}

/// What is carried from one adapter, in the form that scripts read as JSON.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeptAddresses {
    /// The old adapter's connection.
    pub connection: String,
    /// Its GUID.
    pub guid: String,
    /// MAC address of the new adapter; `None`: the first new one.
    pub mac: Option<String>,
    /// `ADDRESS/PREFIX`, IPv4 and IPv6.
    pub addresses: Vec<String>,
    /// Default gateways.
    pub gateways: Vec<String>,
    /// DNS servers.
    pub dns_servers: Vec<String>,
}

/// What an adapter has that is static.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Adapter {
    pub guid: String,
    /// The connection, as Windows shows it.
    pub name: String,
    /// Address and mask.
    pub addresses: Vec<(Ipv4Addr, Ipv4Addr)>,
    /// Gateway and metric; 0 is automatic.
    pub gateways: Vec<(Ipv4Addr, u32)>,
    pub dns: Vec<Ipv4Addr>,
    pub wins: Vec<Ipv4Addr>,
    /// Address and length of the prefix.
    pub addresses6: Vec<(Ipv6Addr, u8)>,
    pub domain: Option<String>,
    pub netbios: Option<u32>,
}

impl KeepIp {
    /// Reads `ADDRESS=MAC` pairs; no pairs mean the only adapter.
    ///
    /// # Errors
    /// [`KeepIpError::BadPair`].
    pub fn parse<S: AsRef<str>>(pairs: &[S]) -> Result<Self, KeepIpError> {
        let pairs = pairs.iter().map(|pair| {
            let text = pair.as_ref();
            let bad = || KeepIpError::BadPair { text: text.chars().take(80).collect() };
            let (address, mac) = text.split_once('=').ok_or_else(bad)?;
            let address = address.trim().parse().map_err(|_| bad())?;
            Ok((address, mac_of(mac.trim()).ok_or_else(bad)?))
        });
        Ok(Self { pairs: pairs.collect::<Result<_, _>>()? })
    }

    /// The adapters that are meant, each with the MAC address of the new one, and those that are not.
    pub(crate) fn choose(&self, adapters: Vec<Adapter>) -> Result<Choice, KeepIpError> {
        if self.pairs.is_empty() && adapters.len() > 1 {
            return Err(KeepIpError::Ambiguous {
                adapters: adapters.iter().map(Adapter::words).collect(),
            });
        }
        for (address, _) in &self.pairs {
            if !adapters.iter().any(|adapter| adapter.has(*address)) {
                return Err(KeepIpError::UnknownAddress { address: *address });
            }
        }
        let mut choice = Choice::default();
        for adapter in adapters {
            let pair = self.pairs.iter().find(|(address, _)| adapter.has(*address));
            let mac = pair.map(|(_, mac)| *mac);
            if mac.is_none() && !self.pairs.is_empty() {
                choice.left.push(adapter);
            } else {
                choice.kept.push(Kept { adapter, mac });
            }
        }
        Ok(choice)
    }
}

/// Which adapters are meant.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    pub kept: Vec<Kept>,
    pub left: Vec<Adapter>,
}

fn mac_of(text: &str) -> Option<Mac> {
    let digits: Vec<&str> = text.split([':', '-']).collect();
    let bytes = digits.iter().map(|byte| match byte.len() {
        2 => u8::from_str_radix(byte, 16).ok(),
        _ => None,
    });
    bytes.collect::<Option<Vec<u8>>>()?.try_into().ok().map(Mac)
}

impl Adapter {
    /// Tells whether anything of it is static.
    pub fn is_static(&self) -> bool {
        !(self.addresses.is_empty() && self.addresses6.is_empty() && self.dns.is_empty())
    }

    fn has(&self, address: Ipv4Addr) -> bool {
        self.addresses.iter().any(|(own, _)| *own == address)
    }

    /// Name and addresses.
    pub fn words(&self) -> String {
        let addresses = self.texts();
        let what = if addresses.is_empty() {
            "DNS servers alone".to_owned()
        } else {
            addresses.join(", ")
        };
        format!("{} ({what})", self.name)
    }

    fn texts(&self) -> Vec<String> {
        let four = self
            .addresses
            .iter()
            .map(|(address, mask)| format!("{address}/{}", u32::from(*mask).leading_ones()));
        let six = self.addresses6.iter().map(|(address, length)| format!("{address}/{length}"));
        four.chain(six).collect()
    }
}

impl From<&Kept> for KeptAddresses {
    fn from(kept: &Kept) -> Self {
        let adapter = &kept.adapter;
        Self {
            connection: adapter.name.clone(),
            guid: adapter.guid.clone(),
            mac: kept.mac.map(|mac| mac.to_string()),
            addresses: adapter.texts(),
            gateways: adapter.gateways.iter().map(|(gateway, _)| gateway.to_string()).collect(),
            dns_servers: adapter.dns.iter().map(Ipv4Addr::to_string).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Adapter, KeepIp, KeepIpError, Mac};

    fn adapter(address: &str) -> Adapter {
        let mask = "255.255.255.0".parse().unwrap();
        Adapter {
            name: "Lan".to_owned(),
            addresses: vec![(address.parse().unwrap(), mask)],
            ..Adapter::default()
        }
    }

    #[test]
    fn pairs_are_read() {
        let keep = KeepIp::parse(&["192.0.2.5=52:54:00:12:34:56", "10.0.0.1=52-54-0a-0B-0c-0d"]);
        let macs: Vec<Mac> = keep.unwrap().pairs.into_iter().map(|(_, mac)| mac).collect();
        assert_eq!(macs[0].to_string(), "52-54-00-12-34-56");
        assert_eq!(macs[1].to_string(), "52-54-0A-0B-0C-0D");
        for bad in [
            "",
            "192.0.2.5",
            "x=52:54:00:12:34:56",
            "192.0.2.5=52:54:00:12:34",
            "1.2.3.4=+1:+1:+1:+1:+1:+1:+1",
        ] {
            assert!(KeepIp::parse(&[bad]).is_err(), "{bad}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let two = || vec![adapter("192.0.2.5"), adapter("10.0.0.1")];
        let error = KeepIp::default().choose(two()).unwrap_err();
        assert!(error.to_string().ends_with("Lan (192.0.2.5/24); Lan (10.0.0.1/24)"), "{error}");
        let keep = KeepIp::parse(&["10.0.0.1=52:54:00:12:34:56"]).unwrap();
        let choice = keep.choose(two()).unwrap();
        assert_eq!((choice.kept.len(), choice.left.len()), (1, 1));
        let error = keep.choose(vec![adapter("10.0.0.2")]).unwrap_err();
        assert!(matches!(error, KeepIpError::UnknownAddress { .. }), "{error}");
        assert_eq!(KeepIp::default().choose(vec![adapter("10.0.0.2")]).unwrap().kept.len(), 1);
    }
}
