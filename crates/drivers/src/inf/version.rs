//! `[Version]`: what a package says of itself.

use std::fmt;

use super::{Entry, Inf, InfError, InfProblem, Localized};
use crate::{Architecture, Guid};

/// `[Version]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// `$Windows NT$` or `$Chicago$`, as written.
    pub signature: String,
    /// Name of the setup class, such as `SCSIAdapter`.
    pub class: Option<String>,
    /// The setup class.
    pub class_guid: Option<Guid>,
    /// Who made the package.
    pub provider: Option<Localized>,
    /// `DriverVer`; `None` when there is none, or it is not one (see [`Version::problems`]).
    pub driver_version: Option<DriverVersion>,
    /// Catalogs, by the platform they are for.
    pub catalogs: Vec<Catalog>,
    /// `PnpLockdown`: the files are protected from change.
    pub pnp_lockdown: bool,
    /// `ExtensionId`, of extension INFs.
    pub extension_id: Option<Guid>,
    /// INFs of Windows that say where the source files are.
    pub layout_files: Vec<String>,
    /// Entries that could not be understood.
    pub problems: Vec<InfError>,
}

impl Version {
    /// The catalog for an architecture: `CatalogFile.NTamd64` before `CatalogFile.NT` before `CatalogFile`.
    #[must_use]
    pub fn catalog(&self, architecture: Architecture) -> Option<&str> {
        let exact = format!("nt{architecture}");
        ["", "nt", &exact].iter().rev().find_map(|platform| {
            let found = self.catalogs.iter().find(|catalog| catalog.platform == *platform);
            found.map(|catalog| catalog.file.as_str())
        })
    }
}

/// `CatalogFile`, perhaps for one platform.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Catalog {
    /// Lower case, such as `nt` or `ntamd64`; empty for any.
    pub platform: String,
    /// Name of the file, beside the INF.
    pub file: String,
}

/// `DriverVer`: a date and a version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DriverVersion {
    /// When the package was made; what counts first when Windows compares packages.
    pub date: Date,
    /// Four numbers; all zero when there are none.
    pub version: [u16; 4],
}

/// A day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Date {
    /// Year, from 1601.
    pub year: u16,
    /// Month, from 1.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

impl DriverVersion {
    /// Parses `mm/dd/yyyy,a.b.c.d`. Dashes may stand for slashes; numbers of the version may lack at its end.
    #[must_use]
    pub fn parse(date: &str, version: &str) -> Option<Self> {
        Some(Self { date: Date::parse(date)?, version: parse_version(version)? })
    }

    /// A version as the registry keeps it, with its date.
    #[must_use]
    pub fn from_packed(date: Date, packed: u64) -> Self {
        let version = [48, 32, 16, 0].map(|shift| (packed >> shift & 0xFFFF) as u16);
        Self { date, version }
    }

    /// The version as the registry keeps it: the first number in the top 16 bits.
    #[must_use]
    pub fn packed(&self) -> u64 {
        self.version.iter().fold(0, |packed, &part| packed << 16 | u64::from(part))
    }
}

/// `01/31/2024,100.95.104.26200`.
impl fmt::Display for DriverVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Date { year, month, day } = self.date;
        let [a, b, c, d] = self.version;
        write!(f, "{month:02}/{day:02}/{year:04},{a}.{b}.{c}.{d}")
    }
}

impl Date {
    /// The day's first instant in 100 ns ticks since 1601, as the registry keeps it.
    #[must_use]
    pub fn filetime(&self) -> u64 {
        let years = u64::from(self.year) - 1601;
        let leap_days = years / 4 - years / 100 + years / 400;
        let before: u64 =
            (1..self.month).map(|month| u64::from(days_of_month(self.year, month))).sum();
        let days = years * 365 + leap_days + before + u64::from(self.day) - 1;
        days * 24 * 60 * 60 * 10_000_000
    }

    /// The day of an instant in 100 ns ticks since 1601.
    #[must_use]
    pub fn from_filetime(ticks: u64) -> Option<Self> {
        let mut days = ticks / (24 * 60 * 60 * 10_000_000);
        let mut year = 1601_u16;
        let in_year = |year| 337 + u64::from(days_of_month(year, 2));
        while days >= in_year(year) {
            days -= in_year(year);
            year = year.checked_add(1)?;
        }
        let mut month = 1;
        while days >= u64::from(days_of_month(year, month)) {
            days -= u64::from(days_of_month(year, month));
            month += 1;
        }
        Some(Self { year, month, day: u8::try_from(days + 1).ok()? })
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().split(['/', '-']);
        let mut part = || parts.next()?.trim().parse::<u16>().ok();
        let (month, day, year) = (part()?, part()?, part()?);
        let (month, day) = (u8::try_from(month).ok()?, u8::try_from(day).ok()?);
        let fits = parts.next().is_none()
            && year >= 1601
            && (1..=12).contains(&month)
            && (1..=days_of_month(year, month)).contains(&day);
        fits.then_some(Self { year, month, day })
    }
}

fn days_of_month(year: u16, month: u8) -> u8 {
    let leap = year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn parse_version(text: &str) -> Option<[u16; 4]> {
    let mut version = [0; 4];
    if text.trim().is_empty() {
        return Some(version);
    }
    let mut parts = text.trim().split('.');
    for (slot, part) in version.iter_mut().zip(&mut parts) {
        *slot = part.trim().parse().ok()?;
    }
    parts.next().is_none().then_some(version)
}

impl Inf {
    /// Reads `[Version]`.
    ///
    /// # Errors
    /// [`InfProblem::NoSection`] or [`InfProblem::Signature`]: this is no INF of Windows. Other entries that cannot be understood
    /// are left out, and listed in [`Version::problems`].
    pub fn version(&self) -> Result<Version, InfError> {
        let Some(section) = self.section("Version") else {
            return Err(self.error(0, InfProblem::NoSection { section: "Version".to_owned() }));
        };
        let mut version = Version {
            signature: String::new(),
            class: None,
            class_guid: None,
            provider: None,
            driver_version: None,
            catalogs: Vec::new(),
            pnp_lockdown: false,
            extension_id: None,
            layout_files: Vec::new(),
            problems: Vec::new(),
        };
        for entry in self.entries("Version") {
            if let Err(problem) = version.take(&entry) {
                version.problems.push(problem);
            }
        }
        let known = ["$Windows NT$", "$Chicago$", "$Windows 95$"];
        if !known.iter().any(|known| version.signature.eq_ignore_ascii_case(known)) {
            let problem = InfProblem::Signature { found: version.signature };
            return Err(self.error(section.line, problem));
        }
        Ok(version)
    }
}

impl Version {
    /// Takes an entry; the first of each key counts.
    fn take(&mut self, entry: &Entry<'_>) -> Result<(), InfError> {
        let key = entry.key();
        match key.as_str() {
            "signature" if self.signature.is_empty() => self.signature = entry.string(0),
            "class" if self.class.is_none() => self.class = entry.optional(0),
            "classguid" if self.class_guid.is_none() => self.class_guid = guid(entry)?,
            "extensionid" if self.extension_id.is_none() => self.extension_id = guid(entry)?,
            "provider" if self.provider.is_none() => self.provider = entry.localized(0),
            "driverver" if self.driver_version.is_none() => {
                self.driver_version = driver_version(entry)?;
            }
            "pnplockdown" => {
                self.pnp_lockdown = entry.number(0, "PnpLockdown")?.is_some_and(|on| on != 0);
            }
            "layoutfile" => self.layout_files.extend(entry.strings()),
            _ => {
                let Some(rest) = key.strip_prefix("catalogfile") else { return Ok(()) };
                let platform = rest.strip_prefix('.').unwrap_or(rest).to_owned();
                if let Some(file) = entry.optional(0) {
                    self.catalogs.push(Catalog { platform, file });
                }
            }
        }
        Ok(())
    }
}

fn guid(entry: &Entry<'_>) -> Result<Option<Guid>, InfError> {
    let Some(found) = entry.optional(0) else { return Ok(None) };
    match Guid::parse(&found) {
        Some(guid) => Ok(Some(guid)),
        None => Err(entry.error(InfProblem::Guid { found })),
    }
}

/// `DriverVer` of `[Version]` or of an install section.
pub(super) fn driver_version(entry: &Entry<'_>) -> Result<Option<DriverVersion>, InfError> {
    let Some(date) = entry.optional(0) else { return Ok(None) };
    let version = entry.string(1);
    // A token may stand for both.
    let both = date.split_once(',').filter(|_| version.is_empty());
    let (date, version) = both.unwrap_or((&date, &version));
    match DriverVersion::parse(date, version) {
        Some(found) => Ok(Some(found)),
        None => Err(entry.error(InfProblem::DriverVer { found: format!("{date},{version}") })),
    }
}

#[cfg(test)]
mod tests {
    use super::DriverVersion;

    #[test]
    fn driver_versions_parse() {
        for (date, version, expected) in [
            ("01/31/2024", "100.95.104.26200", Some("01/31/2024,100.95.104.26200")),
            ("1-2-2024", "", Some("01/02/2024,0.0.0.0")),
            ("02/29/2024", "1.2", Some("02/29/2024,1.2.0.0")),
            ("02/29/2023", "1.2", None),
            ("13/01/2023", "1.2", None),
            ("01/01/1600", "", None),
            ("01/01/2023", "1.2.3.4.5", None),
            ("01/01/2023", "1.65536", None),
            ("@INF_DATE@", "@MAJOR@", None),
        ] {
            let found = DriverVersion::parse(date, version).map(|found| found.to_string());
            assert_eq!(found.as_deref(), expected, "{date},{version}");
        }
    }

    #[test]
    fn days_are_file_times() {
        for (date, expected) in [
            ("01/01/1601", 0),
            ("01/01/1970", 116_444_736_000_000_000),
            ("03/01/2000", 125_963_424_000_000_000),
            ("06/21/2006", 127_953_216_000_000_000),
        ] {
            let found = DriverVersion::parse(date, "").expect("a date");
            assert_eq!(found.date.filetime(), expected, "{date}");
        }
        let version = DriverVersion::parse("01/01/2001", "1.2.3.4").expect("a version");
        assert_eq!(version.packed(), 0x0001_0002_0003_0004);
    }
}
