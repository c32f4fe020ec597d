//! Larger TCP windows for a virtual network without physical loss.

use super::plan::Planner;
use crate::BakeError;
use crate::facts::WINDOWS_7;
use crate::first_boot::Command;

const AFD: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\AFD\Parameters";
const TCPIP: &str = r"HKLM\SYSTEM\CurrentControlSet\Services\Tcpip\Parameters";

/// Datagrams up to this size are sent without waiting for their buffer: 16 KiB.
const FAST_DATAGRAM: u32 = 0x4000;
/// 1 MiB.
const WINDOW: u32 = 0x0010_0000;

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    planner.dword(AFD, "FastSendDatagramThreshold", FAST_DATAGRAM);
    if planner.facts.is_nt5() {
        planner.dword(AFD, "DefaultSendWindow", WINDOW);
        planner.dword(AFD, "DefaultReceiveWindow", WINDOW);
        // Window scaling, without timestamps.
        planner.dword(TCPIP, "Tcp1323Opts", 1);
        planner.dword(TCPIP, "TcpWindowSize", WINDOW);
        return Ok(());
    }
    // The stack tunes its windows itself; its guess that a router cannot scale is switched off.
    planner.dword(TCPIP, "EnableWsd", 0);
    planner.first_boot(Command::retried(
        "tcp-heuristics",
        r#""%SystemRoot%\System32\netsh.exe" int tcp set heuristics disabled"#,
    ));
    if planner.facts.version <= WINDOWS_7 {
        planner.first_boot(Command::retried(
            "tcp-congestion",
            r#""%SystemRoot%\System32\netsh.exe" int tcp set global congestionprovider=ctcp"#,
        ));
    }
    Ok(())
}
