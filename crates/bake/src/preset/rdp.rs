//! Remote Desktop on, and its firewall rules open.

use winkiln_hive::{Value, ValueType};

use super::plan::Planner;
use crate::BakeError;
use crate::facts::{VISTA, WINDOWS_7, WINDOWS_8, WINDOWS_8_1};

const TERMINAL_SERVER: &str = r"HKLM\SYSTEM\CurrentControlSet\Control\Terminal Server";
const FIREWALL: &str =
    r"HKLM\SYSTEM\CurrentControlSet\Services\SharedAccess\Parameters\FirewallPolicy";

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.dword(TERMINAL_SERVER, "fDenyTSConnections", 0);
    if planner.facts.is_nt5() {
        open_port(planner);
        Ok(())
    } else {
        activate_rules(planner)
    }
}

/// Windows XP SP2 and Server 2003 SP1: one list of open ports for each profile.
fn open_port(planner: &mut Planner<'_>) {
    for profile in ["DomainProfile", "StandardProfile"] {
        let key = format!(r"{FIREWALL}\{profile}\GloballyOpenPorts\List");
        planner.text(&key, "3389:TCP", "3389:TCP:*:Enabled:@xpsp2res.dll,-22009");
    }
}

/// Vista and later: every rule whose name begins with `RemoteDesktop-`; the TCP rule is made when there is none.
fn activate_rules(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    let key = format!(r"{FIREWALL}\FirewallRules");
    let values = planner.lookup.values(&key)?;
    let mut tcp = false;
    for value in values.iter().filter(|value| is_remote_desktop(value)) {
        let Some(rule) = rule_text(value) else {
            planner.warn(&format!("firewall rule {} is not text; left as it is", value.name));
            continue;
        };
        let active = activate(&rule);
        tcp |= opens_tcp_port(&active);
        // A rule that is on already is a step too: it counts as already so.
        planner.text(&key, &value.name, &active);
    }
    if !tcp {
        let (name, rule) = new_rule(planner.facts.version, schema(&values));
        planner.text(&key, name, &rule);
    }
    Ok(())
}

fn is_remote_desktop(value: &Value) -> bool {
    const PREFIX: &str = "RemoteDesktop-";
    value.name.get(..PREFIX.len()).is_some_and(|head| head.eq_ignore_ascii_case(PREFIX))
}

/// The rule's text without its closing zero.
fn rule_text(value: &Value) -> Option<String> {
    if value.kind != ValueType::Sz || !value.data.len().is_multiple_of(2) {
        return None;
    }
    let units: Vec<u16> =
        value.data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let text = String::from_utf16(&units).ok()?;
    Some(text.trim_end_matches('\0').to_owned())
}

fn fields(rule: &str) -> impl Iterator<Item = (&str, &str)> {
    rule.split('|').filter_map(|field| field.split_once('='))
}

/// The rule with `Active=TRUE`; all other fields, known or not, stay.
fn activate(rule: &str) -> String {
    let fields: Vec<&str> = rule
        .split('|')
        .map(|field| match field.split_once('=') {
            Some((name, value))
                if name.eq_ignore_ascii_case("Active") && !value.eq_ignore_ascii_case("TRUE") =>
            {
                "Active=TRUE"
            }
            _ => field,
        })
        .collect();
    fields.join("|")
}

fn opens_tcp_port(rule: &str) -> bool {
    let has = |name: &str, value: &str| {
        fields(rule).any(|(n, v)| n.eq_ignore_ascii_case(name) && v.eq_ignore_ascii_case(value))
    };
    has("Action", "Allow") && has("Dir", "In") && has("Protocol", "6") && has("LPort", "3389")
}

/// The schema version of the rules that are there, such as `v2.27`.
fn schema(values: &[Value]) -> Option<String> {
    values.iter().filter_map(rule_text).find_map(|rule| {
        let version = rule.split('|').next()?;
        let digits = version.strip_prefix("v2.")?;
        digits.parse::<u16>().ok().map(|_| version.to_owned())
    })
}

/// The in-box rule for the listener, in the form of its generation.
///
/// Source: the rules of Windows 7, 8.1 and 10 hives; schema versions of \[MS-FASP\] 2.2.37.
fn new_rule(version: (u32, u32), schema: Option<String>) -> (&'static str, String) {
    let known = match version {
        VISTA => "v2.0",
        WINDOWS_7 => "v2.10",
        WINDOWS_8 => "v2.20",
        WINDOWS_8_1 => "v2.22",
        _ => "v2.26",
    };
    let schema = schema.unwrap_or_else(|| known.to_owned());
    let head = format!("{schema}|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389");
    if version <= WINDOWS_7 {
        let names = "Name=@FirewallAPI.dll,-28753|Desc=@FirewallAPI.dll,-28756|EmbedCtxt=@FirewallAPI.dll,-28752|";
        ("RemoteDesktop-In-TCP", format!("{head}|App=System|{names}"))
    } else {
        let names = "Name=@FirewallAPI.dll,-28775|Desc=@FirewallAPI.dll,-28756|EmbedCtxt=@FirewallAPI.dll,-28752|";
        let service = r"App=%SystemRoot%\system32\svchost.exe|Svc=termservice";
        ("RemoteDesktop-UserMode-In-TCP", format!("{head}|{service}|{names}"))
    }
}

#[cfg(test)]
mod tests {
    use super::{activate, opens_tcp_port};

    #[test]
    fn only_the_active_field_changes() {
        for (rule, expected) in [
            ("v2.10|Active=FALSE|Dir=In|", "v2.10|Active=TRUE|Dir=In|"),
            ("v2.10|active=false|X=Active=FALSE|", "v2.10|Active=TRUE|X=Active=FALSE|"),
            ("v2.10|Active=TRUE|", "v2.10|Active=TRUE|"),
            ("v2.10|Dir=In|", "v2.10|Dir=In|"),
            ("", ""),
        ] {
            assert_eq!(activate(rule), expected);
        }
    }

    #[test]
    fn the_tcp_rule_is_told_from_its_neighbours() {
        assert!(opens_tcp_port("v2.27|Action=Allow|Active=TRUE|Dir=In|Protocol=6|LPort=3389|"));
        assert!(!opens_tcp_port("v2.27|Action=Allow|Active=TRUE|Dir=In|Protocol=17|LPort=3389|"));
        assert!(!opens_tcp_port("v2.27|Action=Block|Active=TRUE|Dir=In|Protocol=6|LPort=3389|"));
    }
}
