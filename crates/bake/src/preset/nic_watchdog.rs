//! A scheduled script that switches network adapters off and on when a host stops answering.

use super::plan::Planner;
use crate::BakeError;
use crate::first_boot::{Command, FOLDER};
use crate::step::{Contents, Step};

pub(super) const EXPECTED: &str = "HOST, a name or an IPv4 address";

pub(super) fn is_host(argument: &str) -> bool {
    (1..=253).contains(&argument.len())
        && argument.starts_with(|letter: char| letter.is_ascii_alphanumeric())
        && argument.chars().all(|letter| letter.is_ascii_alphanumeric() || ".-".contains(letter))
}

pub(super) fn plan(planner: &mut Planner<'_>) -> Result<(), BakeError> {
    if planner.facts.is_nt5() {
        planner.warn("this Windows has no command that switches an adapter off: nothing is done");
        return Ok(());
    }
    let host = planner.argument.unwrap_or_default();
    let root = planner.facts.system_root.trim_end_matches('\\');
    let script = SCRIPT.replace("HOST", host).replace('\n', "\r\n");
    planner.step(Step::PutFile {
        path: format!(r"{root}\{FOLDER}\nicwatch.cmd"),
        contents: Contents::Bytes(script.into_bytes()),
        parents: true,
    });
    planner.first_boot(Command::retried(
        "nic-watchdog",
        r#""%SystemRoot%\System32\schtasks.exe" /create /f /tn "winkiln-nic-watchdog" /ru SYSTEM /sc minute /mo 5 /tr "%SystemRoot%\winkiln\nicwatch.cmd""#,
    ));
    Ok(())
}

/// Three runs without an answer, a quarter of an hour, then once an hour: a host that is gone for good does no more harm than that.
/// Nothing that Windows shows in the guest's language is read; `TTL=` is the same in all.
const SCRIPT: &str = r#"@echo off
rem Written by winkiln: runs every five minutes; switches network adapters off and on when HOST stops answering.
setlocal
cd /d "%SystemRoot%\System32" || exit /b 1
set "STATE=%~dpn0.failed"
set "LOG=%~dpn0.log"
set "NET=HKLM\SYSTEM\CurrentControlSet\Control\Network\{4D36E972-E325-11CE-BFC1-08002BE10318}"
ping.exe -4 -n 3 -w 2000 HOST | find.exe "TTL=" >nul && goto answers
set COUNT=0
if exist "%STATE%" set /p COUNT=<"%STATE%"
set /a COUNT+=1
if %COUNT% geq 1212 set COUNT=12
>"%STATE%" echo %COUNT%
set /a HOURLY=COUNT %% 12
if %COUNT%==3 goto reset
if %HOURLY%==0 goto reset
exit /b 0

:answers
del "%STATE%" 2>nul
exit /b 0

:reset
>"%LOG%" echo %DATE% %TIME% HOST did not answer %COUNT% times
for /f "delims=" %%k in ('reg.exe query "%NET%" 2^>nul ^| find.exe "{"') do call :adapter "%%k" >>"%LOG%" 2>&1
exit /b 0

:adapter
call :read "%NET%\%~nx1\Connection" PnpInstanceID
if not defined VALUE exit /b 0
for /f "delims=\" %%b in ("%VALUE%") do set "BUS=%%b"
for %%b in (ROOT SW SWD BTH) do if /i "%BUS%"=="%%b" exit /b 0
call :read "%NET%\%~nx1\Connection" Name
if not defined VALUE exit /b 0
netsh.exe interface set interface name="%VALUE%" admin=disabled || exit /b 0
ping.exe -n 4 127.0.0.1 >nul
netsh.exe interface set interface name="%VALUE%" admin=enabled
exit /b 0

:read
set "VALUE="
for /f "tokens=2,*" %%a in ('reg.exe query %1 /v %2 2^>nul ^| find.exe "REG_SZ"') do set "VALUE=%%b"
exit /b 0
"#;
