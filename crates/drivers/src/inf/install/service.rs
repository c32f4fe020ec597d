//! `.Services`: `AddService` and `DelService`.
//!
//! Source: "INF AddService directive", "INF DelService directive".

use super::super::{Entry, Inf, InfError, InfProblem, Localized, Text};
use super::lookup::Lookup;
use super::registry::{Directive, RegistryEdit, edits};
use super::{NotCarriedOut, not_carried_out};

/// A service to make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The INF that asks for it.
    pub file: String,
    /// Line of its `AddService`, from 1.
    pub line: u32,
    /// Its name, which is the name of its key.
    pub name: String,
    /// What of a service that is there stays, and whether it is the device's own.
    pub flags: AddServiceFlags,
    /// Its install section.
    pub section: String,
    /// `DisplayName`.
    pub display_name: Option<Localized>,
    /// `Description`.
    pub description: Option<Localized>,
    /// `SERVICE_*_DRIVER` and the like: 1 for a kernel driver.
    pub service_type: u32,
    /// 0 boot, 1 system, 2 automatic, 3 on demand, 4 disabled.
    pub start: u32,
    /// 0 ignore, 1 normal, 2 severe, 3 critical.
    pub error_control: u32,
    /// Path of the file, such as `%12%\viostor.sys`.
    pub binary: Text,
    /// `LoadOrderGroup`.
    pub load_order_group: Option<String>,
    /// Services it depends on; groups begin with `+`.
    pub dependencies: Vec<String>,
    /// `StartName`: the account, or the name of the driver object.
    pub start_name: Option<String>,
    /// `Security`: its security descriptor as SDDL.
    pub security: Option<String>,
    /// `BootFlags`, of drivers that the loader starts only for some ways to boot.
    pub boot_flags: Option<u32>,
    /// `RequiredPrivileges`.
    pub required_privileges: Vec<String>,
    /// `ServiceSidType`.
    pub sid_type: Option<u32>,
    /// `DelayedAutoStart`.
    pub delayed_auto_start: Option<u32>,
    /// Edits below the service's key (`HKR`), or elsewhere.
    pub registry: Vec<RegistryEdit>,
    /// What it tells the event log.
    pub event_log: Option<EventLog>,
}

/// `SPSVCINST_*`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct AddServiceFlags(pub u32);

impl AddServiceFlags {
    /// `SPSVCINST_TAGTOFRONT`: it starts first in its group.
    #[must_use]
    pub fn is_tag_first(self) -> bool {
        self.0 & 1 != 0
    }

    /// `SPSVCINST_ASSOCSERVICE`: it is the function driver of the device.
    #[must_use]
    pub fn is_function_driver(self) -> bool {
        self.0 & 2 != 0
    }

    /// `SPSVCINST_NOCLOBBER_DISPLAYNAME`.
    #[must_use]
    pub fn keeps_display_name(self) -> bool {
        self.0 & 0x8 != 0
    }

    /// `SPSVCINST_NOCLOBBER_STARTTYPE`.
    #[must_use]
    pub fn keeps_start(self) -> bool {
        self.0 & 0x10 != 0
    }

    /// `SPSVCINST_NOCLOBBER_ERRORCONTROL`.
    #[must_use]
    pub fn keeps_error_control(self) -> bool {
        self.0 & 0x20 != 0
    }

    /// `SPSVCINST_NOCLOBBER_LOADORDERGROUP`.
    #[must_use]
    pub fn keeps_load_order_group(self) -> bool {
        self.0 & 0x40 != 0
    }

    /// `SPSVCINST_NOCLOBBER_DEPENDENCIES`.
    #[must_use]
    pub fn keeps_dependencies(self) -> bool {
        self.0 & 0x80 != 0
    }

    /// `SPSVCINST_NOCLOBBER_DESCRIPTION`.
    #[must_use]
    pub fn keeps_description(self) -> bool {
        self.0 & 0x100 != 0
    }

    /// `SPSVCINST_NOCLOBBER_REQUIREDPRIVILEGES`.
    #[must_use]
    pub fn keeps_required_privileges(self) -> bool {
        self.0 & 0x1000 != 0
    }

    /// `SPSVCINST_NOCLOBBER_SERVICESIDTYPE`.
    #[must_use]
    pub fn keeps_sid_type(self) -> bool {
        self.0 & 0x4000 != 0
    }

    /// `SPSVCINST_NOCLOBBER_DELAYEDAUTOSTART`.
    #[must_use]
    pub fn keeps_delayed_auto_start(self) -> bool {
        self.0 & 0x8000 != 0
    }

    /// `SPSVCINST_NOCLOBBER_BOOTFLAGS`.
    #[must_use]
    pub fn keeps_boot_flags(self) -> bool {
        self.0 & 0x40000 != 0
    }
}

/// The event log section of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventLog {
    /// `System`, `Application` or `Security`.
    pub log: String,
    /// Name of the key below the log: the service's, unless another is given.
    pub name: String,
    /// Edits below that key (`HKR`), or elsewhere.
    pub registry: Vec<RegistryEdit>,
}

/// A service to delete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceRemoval {
    /// Line of its `DelService`, from 1.
    pub line: u32,
    /// Its name.
    pub name: String,
    /// `SPSVCINST_DELETEEVENTLOGENTRY` (4) and the like.
    pub flags: u32,
}

/// What an `AddService` asks for.
pub(super) enum Added {
    Service(Box<Service>, Vec<NotCarriedOut>),
    /// `AddService=,2`.
    Null,
    /// Its section may be in an included INF that is not there.
    Elsewhere,
}

pub(super) fn add_service<'a>(
    directive: &Entry<'a>,
    lookup: &mut Lookup<'a>,
) -> Result<Added, InfError> {
    let flags = AddServiceFlags(directive.number(1, "flags of AddService")?.unwrap_or(0));
    let Some(name) = directive.optional(0) else { return Ok(Added::Null) };
    let missing =
        |field| directive.error(InfProblem::MissingField { directive: "AddService", field });
    let section = directive.optional(2).ok_or_else(|| missing("install section"))?;
    let Some(inf) = lookup.required(directive, &section)? else { return Ok(Added::Elsewhere) };
    let mut service = Service {
        file: inf.name().to_owned(),
        line: directive.line(),
        name: name.clone(),
        flags,
        display_name: None,
        description: None,
        service_type: required(inf, directive, &section, "ServiceType")?,
        start: required(inf, directive, &section, "StartType")?,
        error_control: inf
            .entry(&section, "ErrorControl")
            .map_or(Ok(None), |entry| entry.number(0, "ErrorControl"))?
            .unwrap_or(1),
        binary: Text::default(),
        load_order_group: None,
        dependencies: Vec::new(),
        start_name: None,
        security: None,
        boot_flags: None,
        required_privileges: Vec::new(),
        sid_type: None,
        delayed_auto_start: None,
        registry: Vec::new(),
        event_log: event_log(directive, &name, lookup)?,
        section,
    };
    let mut left = Vec::new();
    for entry in inf.entries(&service.section.clone()) {
        lookup.take(&entry)?;
        take(&mut service, &entry, &mut left, lookup)?;
    }
    if service.binary.is_empty() {
        let section = service.section;
        return Err(directive.error(InfProblem::MissingEntry { section, entry: "ServiceBinary" }));
    }
    Ok(Added::Service(Box::new(service), left))
}

fn required(
    inf: &Inf,
    directive: &Entry<'_>,
    section: &str,
    name: &'static str,
) -> Result<u32, InfError> {
    let number = inf.entry(section, name).map_or(Ok(None), |entry| entry.number(0, name))?;
    let missing = InfProblem::MissingEntry { section: section.to_owned(), entry: name };
    number.ok_or_else(|| directive.error(missing))
}

fn take<'a>(
    service: &mut Service,
    entry: &Entry<'a>,
    left: &mut Vec<NotCarriedOut>,
    lookup: &mut Lookup<'a>,
) -> Result<(), InfError> {
    let key = entry.key();
    if let Some(kind) = Directive::from_key(&key) {
        service.registry.extend(edits(entry, kind, lookup)?);
        return Ok(());
    }
    match key.as_str() {
        "servicetype" | "starttype" | "errorcontrol" => {}
        "displayname" => service.display_name = entry.localized(0),
        "description" => service.description = entry.localized(0),
        "servicebinary" => service.binary = entry.text(0),
        "startname" => service.start_name = entry.optional(0),
        "loadordergroup" => service.load_order_group = entry.optional(0),
        "dependencies" => service.dependencies.extend(entry.strings()),
        "security" => service.security = entry.optional(0),
        "bootflags" => service.boot_flags = entry.number(0, "BootFlags")?,
        "requiredprivileges" => service.required_privileges.extend(entry.strings()),
        "servicesidtype" => service.sid_type = entry.number(0, "ServiceSidType")?,
        "delayedautostart" => service.delayed_auto_start = entry.number(0, "DelayedAutoStart")?,
        _ => left.push(not_carried_out(entry)),
    }
    Ok(())
}

fn event_log<'a>(
    directive: &Entry<'a>,
    service: &str,
    lookup: &mut Lookup<'a>,
) -> Result<Option<EventLog>, InfError> {
    let Some(section) = directive.optional(3) else { return Ok(None) };
    let Some(inf) = lookup.section(directive, &section)? else { return Ok(None) };
    let mut log = EventLog {
        log: directive.optional(4).unwrap_or_else(|| "System".to_owned()),
        name: directive.optional(5).unwrap_or_else(|| service.to_owned()),
        registry: Vec::new(),
    };
    for entry in inf.entries(&section) {
        lookup.take(&entry)?;
        if let Some(kind) = Directive::from_key(&entry.key()) {
            log.registry.extend(edits(&entry, kind, lookup)?);
        }
    }
    Ok(Some(log))
}

pub(super) fn del_service(directive: &Entry<'_>) -> Result<ServiceRemoval, InfError> {
    let missing = InfProblem::MissingField { directive: "DelService", field: "name" };
    Ok(ServiceRemoval {
        line: directive.line(),
        name: directive.optional(0).ok_or_else(|| directive.error(missing))?,
        flags: directive.number(1, "flags of DelService")?.unwrap_or(0),
    })
}
