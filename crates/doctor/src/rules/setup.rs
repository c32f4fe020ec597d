//! Work that Windows did not finish: its setup, updates, files to be replaced.

use winkiln_bake::Step;
use winkiln_guest::HiveName;

use super::steps::{delete_value, set_dword};
use crate::finding::{Finding, Repair, Severity};
use crate::patient::Patient;
use crate::rule::Look;

const SETUP: &str = r"HKLM\SYSTEM\Setup";
/// Commands of `CmdLine` that a prepared image has, which is to be set up for its new machine.
const PREPARED: [&str; 3] = ["windeploy", "setup -newsetup", "setup.exe /oobe"];
/// What winkiln has run at the first start.
const OURS: &str = "winkiln";

pub(crate) fn interrupted(patient: &mut Patient<'_>) -> Look {
    patient.windows()?;
    let command = patient.text(SETUP, "CmdLine")?.unwrap_or_default();
    let lower = command.to_ascii_lowercase();
    let mut set = Vec::new();
    for name in ["SystemSetupInProgress", "SetupType", "SetupPhase", "OOBEInProgress"] {
        let number = patient.dword(SETUP, name)?.unwrap_or(0);
        if number != 0 {
            set.push((name, number));
        }
    }
    let only_type = set.iter().all(|(name, _)| *name == "SetupType");
    if set.is_empty() || only_type && lower.contains(OURS) {
        return Ok(Vec::new());
    }
    let is_prepared = PREPARED.iter().any(|known| lower.contains(known));
    let mut found: Vec<String> =
        set.iter().map(|(name, number)| format!("{name} {number}")).collect();
    if !command.is_empty() {
        found.push(format!("CmdLine {command}"));
    }
    let repair = if is_prepared {
        Repair::advice("nothing to do: Windows sets itself up for its new machine when it starts")
    } else {
        Repair::asked(
            "take the marks of the setup off",
            "what the setup had left to do is not done",
            set.iter().map(|(name, _)| set_dword(SETUP, name, 0)).collect(),
        )
    };
    Ok(vec![Finding {
        rule: "setup-interrupted",
        severity: if is_prepared { Severity::Note } else { Severity::Hinders },
        object: SETUP.to_owned(),
        found: found.join(", "),
        expected: "all 0".to_owned(),
        repair,
    }])
}

/// Values of the COMPONENTS hive that name the work in `pending.xml`.
const PENDING_VALUES: [&str; 3] =
    ["PendingXmlIdentifier", "NextQueueEntryIndex", "AdvancedInstallersNeedResolving"];

/// Source: Microsoft, "Fix Windows Update errors", and its Azure repair documentation: a `pending.xml` that cannot be carried out
/// is renamed, and the values that name it are removed.
pub(crate) fn servicing(patient: &mut Patient<'_>) -> Look {
    let windows = patient.windows()?;
    let file = format!(r"{}\WinSxS\pending.xml", windows.system_root);
    if !patient.has_file(&file)? {
        return Ok(Vec::new());
    }
    let mut steps = vec![Step::OnVolume {
        volume: windows.volume,
        step: Box::new(Step::Rename { from: file.clone(), to: format!("{file}.winkiln") }),
    }];
    let key = HiveName::Components.to_string();
    for value in patient.values(&key).unwrap_or_default() {
        if PENDING_VALUES.iter().any(|known| value.name.eq_ignore_ascii_case(known)) {
            steps.push(delete_value(&key, &value.name));
        }
    }
    Ok(vec![Finding {
        rule: "servicing-pending",
        severity: Severity::Hinders,
        object: file,
        found: "updates that are to be finished when Windows starts".to_owned(),
        expected: "no such file".to_owned(),
        repair: Repair::asked(
            "put pending.xml aside",
            "updates that were half installed stay so; run DISM /RestoreHealth in Windows",
            steps,
        ),
    }])
}

/// Files of Windows that are to be replaced. That temporary files are to be deleted is usual, and no finding.
///
/// Source: Microsoft, "MoveFileExW": pairs of names, an empty second one deletes; `!` lets it replace.
pub(crate) fn renames(patient: &mut Patient<'_>) -> Look {
    let root = patient.windows()?.system_root;
    let key = patient.in_set(r"Control\Session Manager");
    let mut findings = Vec::new();
    for name in ["PendingFileRenameOperations", "PendingFileRenameOperations2"] {
        let mut values = patient.values(&key)?.into_iter();
        let Some(value) = values.find(|value| value.name.eq_ignore_ascii_case(name)) else {
            continue;
        };
        let pairs = pairs(&value.data);
        let folder = format!(r"{root}\").to_lowercase();
        let replaced: Vec<String> =
            pairs.into_iter().filter(|to| to.to_lowercase().contains(&folder)).collect();
        if replaced.is_empty() {
            continue;
        }
        findings.push(Finding {
            rule: "renames-pending",
            severity: Severity::Note,
            object: format!(r"{key}\{name}"),
            found: format!("to be replaced: {}", replaced.join(", ")),
            expected: "no file of Windows".to_owned(),
            repair: Repair::asked(
                format!("remove {name}"),
                "what an installer wanted replaced stays as it is",
                vec![delete_value(&key, name)],
            ),
        });
    }
    Ok(findings)
}

/// The second names of pairs that have one.
fn pairs(data: &[u8]) -> Vec<String> {
    let units: Vec<u16> =
        data.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]])).collect();
    let texts: Vec<String> = units.split(|unit| *unit == 0).map(String::from_utf16_lossy).collect();
    let second = texts.chunks_exact(2).filter_map(|pair| pair.get(1));
    second
        .map(|text| text.trim_start_matches('!').trim_start_matches(r"\??\").to_owned())
        .filter(|text| !text.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::pairs;

    #[test]
    fn files_to_be_deleted_are_not_replaced() {
        let text = "\\??\\C:\\a\0\0\\??\\C:\\b\0!\\??\\C:\\Windows\\c\0\0";
        let data: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(pairs(&data), [r"C:\Windows\c"]);
    }
}
