//! The script that waits for the new adapter.
//!
//! It gives back the normal start first of all, waits at most two minutes at each of at most five starts, and then removes itself
//! whether it succeeded or not; what it did is in its log. Known adapters are named behind its end, so that a new one is one that is
//! not found in the script itself. Nothing that Windows shows in the guest's language is read.

use std::fmt::Write as _;

use super::{Adapter, Mac};
use crate::first_boot::NORMAL_START;

/// An adapter whose addresses are carried.
#[derive(Debug, Clone)]
pub(crate) struct Kept {
    pub adapter: Adapter,
    /// Of the new adapter.
    pub mac: Option<Mac>,
}

const SETTINGS: &str = r#"setlocal
cd /d "%SystemRoot%\System32" || exit /b 1
set "NET=HKLM\SYSTEM\CurrentControlSet\Control\Network\{4D36E972-E325-11CE-BFC1-08002BE10318}"
set "SERVICES=HKLM\SYSTEM\CurrentControlSet\Services"
set "TCPIP=%SERVICES%\Tcpip\Parameters\Interfaces"
set "SELF=%~f0"
set "FILE=%~nx0"
set "BASE=%~dpn0"
set "OVER="
call :main >>"%BASE%.log" 2>&1
if not defined OVER exit /b 1
del "%BASE%.tries" 2>nul
(goto) 2>nul & del "%SELF%"

:main
>>"%BASE%.tries" echo start
set "STARTS="
for /f %%c in ('type "%BASE%.tries" ^| find.exe /c "start"') do set "STARTS=%%c"
set TURN=0
:turn
set "LEFT="
"#;

const WAIT: &str = r#"if not defined LEFT goto kept
set /a TURN+=1
if %TURN% geq 40 goto later
ping.exe -n 4 127.0.0.1 >nul
goto turn

:kept
echo %DATE% %TIME% every address is set
set "OVER=1"
exit /b 0

:later
if not defined STARTS set STARTS=5
if %STARTS% geq 5 goto give_up
echo %DATE% %TIME% start %STARTS%: no new adapter yet; the next start tries again
reg.exe add "HKLM\SYSTEM\Setup" /v CmdLine /t REG_SZ /d "cmd.exe /d /s /c \"\"%%SystemRoot%%\winkiln\%FILE%\"\"" /f
reg.exe add "HKLM\SYSTEM\Setup" /v SetupType /t REG_DWORD /d 2 /f
exit /b 1

:give_up
echo %DATE% %TIME% no new adapter came up: nothing is set
set "OVER=1"
exit /b 1

"#;

const TOOLS: &str = r#":new
for /f "delims=" %%k in ('reg.exe query "%NET%" 2^>nul ^| find.exe "{"') do call :look "%%k"
exit /b 0

:look
if defined GUID exit /b 0
set "KEY=%~nx1"
find.exe /i "%KEY%" "%SELF%" >nul && exit /b 0
call :read "%NET%\%KEY%\Connection" PnpInstanceID
if not defined VALUE exit /b 0
for /f "delims=\" %%b in ("%VALUE%") do set "BUS=%%b"
for %%b in (ROOT SW SWD BTH) do if /i "%BUS%"=="%%b" exit /b 0
set "GUID=%KEY%"
exit /b 0

:mac
for /f "tokens=2 delims={}" %%g in ('getmac.exe /fo csv /nh 2^>nul ^| find.exe /i "%1"') do set "GUID={%%g}"
exit /b 0

:read
set "VALUE="
for /f "tokens=2,*" %%a in ('reg.exe query %1 /v %2 2^>nul ^| find.exe "REG_SZ"') do set "VALUE=%%b"
exit /b 0

:old
if /i "%1"=="%GUID%" exit /b 0
if not exist "%BASE%-%1.reg" reg.exe export "%TCPIP%\%1" "%BASE%-%1.reg"
if not exist "%BASE%-%1.reg" exit /b 0
reg.exe add "%TCPIP%\%1" /v EnableDHCP /t REG_DWORD /d 1 /f
reg.exe add "%TCPIP%\%1" /v IPAddress /t REG_MULTI_SZ /d 0.0.0.0 /f
reg.exe add "%TCPIP%\%1" /v SubnetMask /t REG_MULTI_SZ /d 0.0.0.0 /f
reg.exe delete "%TCPIP%\%1" /v DefaultGateway /f
reg.exe add "%TCPIP%\%1" /v NameServer /t REG_SZ /d "" /f
call :read "%NET%\%1\Connection" Name
if not defined VALUE exit /b 0
if "%VALUE%"=="%NAME%" exit /b 0
set "OLD=%VALUE%"
reg.exe add "%NET%\%1\Connection" /v Name /t REG_SZ /d "%OLD% (old)" /f
netsh.exe interface set interface name="%NAME%" newname="%OLD%"
exit /b 0

rem Adapters that were there before:
"#;

/// The script, with CRLF line ends. `known` are the GUIDs of all adapters so far.
pub(crate) fn script(kept: &[Kept], known: &[String], version: (u32, u32)) -> Vec<u8> {
    let mut text = String::from(
        "@echo off\nrem Written by winkiln: gives the static addresses of the old network adapter to the new one, and removes itself.\n\
         rem First of all the normal start is put back, whatever happens below.\n",
    );
    text.push_str(NORMAL_START);
    text.push_str(SETTINGS);
    for number in 1..=kept.len() {
        line(&mut text, format_args!("if not defined SET{number} call :adapter{number}"));
        line(&mut text, format_args!(r#"if not defined SET{number} set "LEFT=1""#));
    }
    text.push_str(WAIT);
    for (number, kept) in kept.iter().enumerate() {
        adapter(&mut text, kept, number + 1, version);
    }
    text.push_str(TOOLS);
    for guid in known {
        line(&mut text, format_args!("rem {guid}"));
    }
    text.replace('\n', "\r\n").into_bytes()
}

fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = writeln!(text, "{words}");
}

fn adapter(text: &mut String, kept: &Kept, number: usize, version: (u32, u32)) {
    let netsh = Netsh::of(version);
    let Netsh { ip, address, dns, wins, unchecked } = netsh;
    let Adapter { guid, addresses, gateways, addresses6, domain, netbios, .. } = &kept.adapter;
    let set = format!("netsh.exe interface {ip}");
    line(text, format_args!(":adapter{number}"));
    text.push_str("set \"GUID=\"\n");
    match kept.mac {
        Some(mac) => line(text, format_args!("call :mac {mac}")),
        None => text.push_str("call :new\n"),
    }
    text.push_str("if not defined GUID exit /b 0\n");
    text.push_str("call :read \"%NET%\\%GUID%\\Connection\" Name\n");
    text.push_str("if not defined VALUE exit /b 0\n");
    text.push_str("set \"NAME=%VALUE%\"\n");
    line(text, format_args!("echo %DATE% %TIME% what {guid} had goes to %GUID%"));
    let mut gateways = gateways.iter();
    for (place, (own, mask)) in addresses.iter().enumerate() {
        if place > 0 {
            line(
                text,
                format_args!(r#"{set} add address name="%NAME%" {address}={own} mask={mask}"#),
            );
            continue;
        }
        let gateway = gateways.next().map_or("gateway=none".to_owned(), |(gateway, metric)| {
            format!("gateway={gateway}{}", netsh.metric(*metric))
        });
        line(
            text,
            format_args!(
                r#"{set} set address name="%NAME%" source=static {address}={own} mask={mask} {gateway}"#
            ),
        );
        // An adapter that is not up yet does not take it.
        line(
            text,
            format_args!(
                r#"reg.exe query "%TCPIP%\%GUID%" /v IPAddress 2>nul | find.exe "{own}" >nul || exit /b 0"#
            ),
        );
    }
    for (gateway, metric) in gateways {
        let metric = netsh.metric(*metric);
        line(text, format_args!(r#"{set} add address name="%NAME%" gateway={gateway}{metric}"#));
    }
    for (place, server) in kept.adapter.dns.iter().enumerate() {
        match place {
            0 => line(
                text,
                format_args!(
                    r#"{set} set {dns} name="%NAME%" source=static {address}={server} register=primary{unchecked}"#
                ),
            ),
            _ => line(
                text,
                format_args!(
                    r#"{set} add {dns} name="%NAME%" {address}={server} index={}{unchecked}"#,
                    place + 1
                ),
            ),
        }
    }
    for (place, server) in kept.adapter.wins.iter().enumerate() {
        match place {
            0 => line(
                text,
                format_args!(r#"{set} set {wins} name="%NAME%" source=static {address}={server}"#),
            ),
            _ => line(
                text,
                format_args!(
                    r#"{set} add {wins} name="%NAME%" {address}={server} index={}"#,
                    place + 1
                ),
            ),
        }
    }
    for (own, length) in addresses6 {
        line(
            text,
            format_args!(
                r#"netsh.exe interface ipv6 add address interface="%NAME%" address={own}/{length} store=persistent"#
            ),
        );
    }
    if let Some(domain) = domain {
        line(
            text,
            format_args!(r#"reg.exe add "%TCPIP%\%GUID%" /v Domain /t REG_SZ /d "{domain}" /f"#),
        );
    }
    if let Some(netbios) = netbios {
        line(
            text,
            format_args!(
                r#"reg.exe add "%SERVICES%\NetBT\Parameters\Interfaces\Tcpip_%GUID%" /v NetbiosOptions /t REG_DWORD /d {netbios} /f"#
            ),
        );
    }
    line(text, format_args!("call :old {guid}"));
    line(text, format_args!(r#"set "SET{number}=1""#));
    text.push_str("exit /b 0\n\n");
}

/// The words of `netsh`, which changed with Vista.
#[derive(Clone, Copy)]
struct Netsh {
    ip: &'static str,
    address: &'static str,
    dns: &'static str,
    wins: &'static str,
    /// Has it not ask the DNS server whether it is one, which the network may not allow yet.
    unchecked: &'static str,
}

impl Netsh {
    fn of(version: (u32, u32)) -> Self {
        if version < (6, 0) {
            return Self { ip: "ip", address: "addr", dns: "dns", wins: "wins", unchecked: "" };
        }
        Self {
            ip: "ipv4",
            address: "address",
            dns: "dnsservers",
            wins: "winsservers",
            unchecked: if version < (6, 1) { "" } else { " validate=no" },
        }
    }

    /// Windows XP needs a metric; later ones find it when there is none.
    fn metric(self, metric: u32) -> String {
        match metric {
            0 if self.ip == "ip" => " gwmetric=1".to_owned(),
            0 => String::new(),
            metric => format!(" gwmetric={metric}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Adapter, Kept, Mac, script};

    fn kept(mac: Option<Mac>) -> Kept {
        let ip = |text: &str| text.parse().unwrap();
        let adapter = Adapter {
            guid: "{11111111-2222-3333-4444-555555555555}".to_owned(),
            name: "Локальная сеть".to_owned(),
            addresses: vec![
                (ip("192.0.2.5"), ip("255.255.255.0")),
                (ip("192.0.2.6"), ip("255.255.255.0")),
            ],
            gateways: vec![(ip("192.0.2.1"), 0), (ip("192.0.2.2"), 20)],
            dns: vec![ip("192.0.2.3"), ip("192.0.2.4")],
            wins: vec![ip("192.0.2.7")],
            addresses6: vec![("2001:db8::5".parse().unwrap(), 64)],
            domain: Some("example.org".to_owned()),
            netbios: Some(2),
        };
        Kept { adapter, mac }
    }

    /// What the script does to the adapter.
    fn acts(version: (u32, u32), mac: Option<Mac>) -> Vec<String> {
        let known = ["{AAAAAAAA-2222-3333-4444-555555555555}".to_owned()];
        let text = String::from_utf8(script(&[kept(mac)], &known, version)).unwrap();
        assert!(text.is_ascii() && !text.replace("\r\n", "").contains(['\r', '\n']));
        assert!(text.ends_with("rem {AAAAAAAA-2222-3333-4444-555555555555}\r\n"));
        assert!(!text.contains("C:"), "no drive letter is assumed");
        let setup = text.find("SetupType").unwrap();
        assert!(setup < text.find("call :main").unwrap(), "the normal start first");
        let (_, own) = text.split_once("\r\n:adapter1\r\n").unwrap();
        let (own, _) = own.split_once("\r\n\r\n").unwrap();
        own.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn windows_xp_is_told_in_its_words() {
        assert_eq!(
            acts((5, 1), None),
            [
                r#"set "GUID=""#,
                "call :new",
                "if not defined GUID exit /b 0",
                r#"call :read "%NET%\%GUID%\Connection" Name"#,
                "if not defined VALUE exit /b 0",
                r#"set "NAME=%VALUE%""#,
                "echo %DATE% %TIME% what {11111111-2222-3333-4444-555555555555} had goes to %GUID%",
                r#"netsh.exe interface ip set address name="%NAME%" source=static addr=192.0.2.5 mask=255.255.255.0 gateway=192.0.2.1 gwmetric=1"#,
                r#"reg.exe query "%TCPIP%\%GUID%" /v IPAddress 2>nul | find.exe "192.0.2.5" >nul || exit /b 0"#,
                r#"netsh.exe interface ip add address name="%NAME%" addr=192.0.2.6 mask=255.255.255.0"#,
                r#"netsh.exe interface ip add address name="%NAME%" gateway=192.0.2.2 gwmetric=20"#,
                r#"netsh.exe interface ip set dns name="%NAME%" source=static addr=192.0.2.3 register=primary"#,
                r#"netsh.exe interface ip add dns name="%NAME%" addr=192.0.2.4 index=2"#,
                r#"netsh.exe interface ip set wins name="%NAME%" source=static addr=192.0.2.7"#,
                r#"netsh.exe interface ipv6 add address interface="%NAME%" address=2001:db8::5/64 store=persistent"#,
                r#"reg.exe add "%TCPIP%\%GUID%" /v Domain /t REG_SZ /d "example.org" /f"#,
                r#"reg.exe add "%SERVICES%\NetBT\Parameters\Interfaces\Tcpip_%GUID%" /v NetbiosOptions /t REG_DWORD /d 2 /f"#,
                "call :old {11111111-2222-3333-4444-555555555555}",
                r#"set "SET1=1""#,
                "exit /b 0",
            ]
        );
    }

    #[test]
    fn later_ones_are_too() {
        let acts = acts((10, 0), Some(Mac([0x52, 0x54, 0, 1, 2, 3])));
        assert_eq!(acts[1], "call :mac 52-54-00-01-02-03");
        for expected in [
            r#"netsh.exe interface ipv4 set address name="%NAME%" source=static address=192.0.2.5 mask=255.255.255.0 gateway=192.0.2.1"#,
            r#"netsh.exe interface ipv4 add address name="%NAME%" address=192.0.2.6 mask=255.255.255.0"#,
            r#"netsh.exe interface ipv4 set dnsservers name="%NAME%" source=static address=192.0.2.3 register=primary validate=no"#,
            r#"netsh.exe interface ipv4 add dnsservers name="%NAME%" address=192.0.2.4 index=2 validate=no"#,
            r#"netsh.exe interface ipv4 set winsservers name="%NAME%" source=static address=192.0.2.7"#,
        ] {
            assert!(acts.iter().any(|act| act == expected), "{expected}");
        }
        let vista = self::acts((6, 0), None);
        assert!(!vista.iter().any(|act| act.contains("validate")), "Vista does not know the word");
    }

    /// Every label that is called or gone to is there, once, and every loop has an end.
    #[test]
    fn the_script_holds_together() {
        let text = String::from_utf8(script(&[kept(None), kept(None)], &[], (6, 1))).unwrap();
        let words: Vec<&str> = text.split([' ', '\r', '\n', '\'', '(']).collect();
        let mut wanted = 0;
        for pair in words.windows(2) {
            let label = match pair {
                ["call", label] => label.strip_prefix(':'),
                ["goto", label] => Some(*label),
                _ => None,
            };
            if let Some(label) = label.filter(|label| !label.starts_with(')')) {
                wanted += 1;
                assert_eq!(text.matches(&format!("\r\n:{label}\r\n")).count(), 1, "{label}");
            }
        }
        assert!(wanted > 15, "{wanted}");
        assert!(
            text.contains("if %TURN% geq 40 goto later")
                && text.contains("if %STARTS% geq 5 goto give_up")
        );
    }
}
