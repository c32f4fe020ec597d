//! The step that carries static addresses to the next network adapter.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::Session;
use crate::BakeError;
use crate::first_boot::{Command, FOLDER};
use crate::keep_ip::{Adapter, KeepIp, KeptAddresses, script};
use crate::step::Contents;

/// Connections of network adapters, by GUID.
const CONNECTIONS: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Network\{4D36E972-E325-11CE-BFC1-08002BE10318}";
/// Adapters of all kinds, by number.
const CLASS: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4D36E972-E325-11CE-BFC1-08002BE10318}";
const SERVICES: &str = r"HKLM\SYSTEM\CurrentControlSet\Services";
/// IPv6 addresses from Vista on: names are the interface's LUID and the address, and byte 16 of the data is the prefix's length.
const ADDRESSES6: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Control\Nsi\{eb004a01-9b1a-11d4-9123-0050047759bc}\10";
/// Buses of adapters that are not hardware.
const SOFTWARE_BUSES: [&str; 4] = ["ROOT", "SW", "SWD", "BTH"];

impl Session {
    /// Has the static addresses of an adapter set on the next one.
    pub(super) fn keep_addresses(&mut self, keep: &KeepIp) -> Result<(), BakeError> {
        let windows = self.windows()?;
        let mut adapters = Vec::new();
        let known = self.subkeys(CONNECTIONS)?.unwrap_or_default();
        for guid in &known {
            adapters.extend(self.adapter(guid)?.filter(Adapter::is_static));
        }
        let choice = keep.choose(adapters)?;
        for adapter in &choice.left {
            self.warn(format!("the static addresses of {} are not kept", adapter.words()));
        }
        if choice.kept.is_empty() {
            self.warn(
                "no network adapter has static addresses: there is nothing to keep".to_owned(),
            );
            return Ok(());
        }
        let guids: Vec<String> = known.into_iter().filter(|name| is_guid(name)).collect();
        let text = script(&choice.kept, &guids, windows.version);
        // One of other addresses, or for another adapter, is another script.
        let name = format!("keepip-{:016x}.cmd", crate::first_boot::hash(text.iter().copied()));
        let command = Command::new("keep-ip", &format!(r#""%SystemRoot%\{FOLDER}\{name}""#))?;
        let path = format!(r"{}\{FOLDER}\{name}", windows.system_root.trim_end_matches('\\'));
        self.write_file(windows.volume, &path, &Contents::Bytes(text), true)?;
        self.add_first_boot(&command)?;
        for kept in &choice.kept {
            let adapter = &kept.adapter;
            if !adapter.addresses6.is_empty() {
                let name = &adapter.name;
                self.warn(format!("{name}: its IPv6 gateway is not kept, if it had one"));
            }
            self.kept_addresses.push(KeptAddresses::from(kept));
        }
        Ok(())
    }

    /// What a connection's adapter has that is static; `None` for one that is no hardware.
    fn adapter(&mut self, guid: &str) -> Result<Option<Adapter>, BakeError> {
        let connection = format!(r"{CONNECTIONS}\{guid}\Connection");
        let Some(device) = self.text_of(&connection, "PnpInstanceID")? else { return Ok(None) };
        let bus = device.split('\\').next().unwrap_or_default();
        if !is_guid(guid) || SOFTWARE_BUSES.iter().any(|known| bus.eq_ignore_ascii_case(known)) {
            return Ok(None);
        }
        let key = format!(r"{SERVICES}\Tcpip\Parameters\Interfaces\{guid}");
        let mut adapter = Adapter {
            guid: guid.to_owned(),
            name: self.text_of(&connection, "Name")?.unwrap_or_else(|| guid.to_owned()),
            ..Adapter::default()
        };
        if self.dword_of(&key, "EnableDHCP")? == Some(0) {
            let addresses = self.addresses(&key, "IPAddress")?;
            let masks = self.addresses(&key, "SubnetMask")?;
            let pairs = addresses.into_iter().zip(masks);
            adapter.addresses = pairs.filter(|(address, _)| !address.is_unspecified()).collect();
            let metrics = self.texts_of(&key, "DefaultGatewayMetric")?;
            let gateways = self.addresses(&key, "DefaultGateway")?;
            adapter.gateways = gateways
                .into_iter()
                .enumerate()
                .map(|(place, gateway)| {
                    let metric = metrics.get(place).and_then(|metric| metric.parse().ok());
                    (gateway, metric.unwrap_or(0))
                })
                .collect();
        }
        adapter.dns = self.addresses(&key, "NameServer")?;
        let netbt = format!(r"{SERVICES}\NetBT\Parameters\Interfaces\Tcpip_{guid}");
        adapter.wins = self.addresses(&netbt, "NameServerList")?;
        adapter.netbios = self.dword_of(&netbt, "NetbiosOptions")?.filter(|option| *option != 0);
        let domain = self.text_of(&key, "Domain")?;
        adapter.domain = domain.filter(|domain| {
            domain.chars().all(|letter| letter.is_ascii_alphanumeric() || "._-".contains(letter))
        });
        adapter.addresses6 = self.addresses6(guid)?;
        Ok(Some(adapter))
    }

    /// IPv6 addresses of the interface that the adapter is.
    fn addresses6(&mut self, guid: &str) -> Result<Vec<(Ipv6Addr, u8)>, BakeError> {
        let mut found = Vec::new();
        for number in self.subkeys(CLASS)?.unwrap_or_default() {
            let key = format!(r"{CLASS}\{number}");
            let own = self.text_of(&key, "NetCfgInstanceId")?;
            if !own.is_some_and(|own| own.eq_ignore_ascii_case(guid)) {
                continue;
            }
            let index = self.dword_of(&key, "NetLuidIndex")?;
            let kind = self.dword_of(&key, "*IfType")?;
            let (Some(index), Some(kind)) = (index, kind) else { continue };
            let luid = u64::from(kind) << 48 | u64::from(index) << 24;
            for value in self.values(ADDRESSES6)? {
                let Some((of, address)) = value.name.split_at_checked(16) else { continue };
                let is_its = u64::from_str_radix(of, 16).is_ok_and(|of| of.swap_bytes() == luid);
                let (32, Ok(address)) = (address.len(), u128::from_str_radix(address, 16)) else {
                    continue;
                };
                let length = value.data.get(16).copied().filter(|length| *length <= 128);
                let address = Ipv6Addr::from(address);
                if is_its && !address.is_unicast_link_local() {
                    found.push((address, length.unwrap_or(64)));
                }
            }
        }
        Ok(found)
    }

    /// Addresses of a value: a list of texts, or one text with several.
    fn addresses(&mut self, key: &str, name: &str) -> Result<Vec<Ipv4Addr>, BakeError> {
        let texts = self.texts_of(key, name)?;
        let words = texts.iter().flat_map(|text| text.split([',', ' ']));
        Ok(words.filter_map(|word| word.parse().ok()).collect())
    }
}

/// A name that can stand in a script.
fn is_guid(name: &str) -> bool {
    name.len() == 38
        && name.starts_with('{')
        && name.ends_with('}')
        && name[1..37].chars().all(|letter| letter.is_ascii_hexdigit() || letter == '-')
}
