//! The Windows that drivers are chosen for.

use std::fmt;

use crate::Architecture;

/// `VER_NT_*`: what kind of Windows it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ProductType {
    /// 1: a client.
    Workstation,
    /// 2: a server that is a domain controller.
    DomainController,
    /// 3: any other server.
    Server,
}

impl ProductType {
    /// The number in decorations.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Workstation => 1,
            Self::DomainController => 2,
            Self::Server => 3,
        }
    }

    /// Tells both kinds of servers.
    #[must_use]
    pub fn is_server(self) -> bool {
        self != Self::Workstation
    }
}

/// The Windows that drivers are chosen for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target {
    /// Major and minor version, such as 6 and 1.
    pub version: (u32, u32),
    /// Build, such as 7601.
    pub build: u32,
    /// Client or server.
    pub product_type: ProductType,
    /// `VER_SUITE_*`.
    pub suite_mask: u32,
    /// Its architecture.
    pub architecture: Architecture,
}

/// A release by the name that driver folders have.
#[derive(Debug)]
pub(crate) struct Release {
    /// As in virtio-win, and other spellings, in lower case.
    names: &'static [&'static str],
    pub(crate) version: (u32, u32),
    /// The first build.
    pub(crate) first: u32,
    /// The last build, which a name alone stands for.
    last: u32,
    pub(crate) server: bool,
}

const fn release(
    names: &'static [&'static str],
    version: (u32, u32),
    first: u32,
    last: u32,
    server: bool,
) -> Release {
    Release { names, version, first, last, server }
}

/// Releases, clients before servers of a version.
const RELEASES: &[Release] = &[
    release(&["xp", "wxp", "winxp"], (5, 1), 2600, 2600, false),
    release(&["2k3", "wnet", "w2k3", "win2003", "2003"], (5, 2), 3790, 3790, true),
    release(&["vista", "wvista", "winvista"], (6, 0), 6000, 6002, false),
    release(&["2k8", "wlh", "w2k8", "win2008", "2008"], (6, 0), 6001, 6003, true),
    release(&["w7", "win7"], (6, 1), 7600, 7601, false),
    release(&["2k8r2", "w2k8r2", "win2008r2", "2008r2"], (6, 1), 7600, 7601, true),
    release(&["w8", "win8"], (6, 2), 9200, 9200, false),
    release(&["2k12", "w2k12", "win2012", "2012"], (6, 2), 9200, 9200, true),
    release(&["w8.1", "win8.1", "win81", "w81"], (6, 3), 9600, 9600, false),
    release(&["2k12r2", "w2k12r2", "win2012r2", "2012r2"], (6, 3), 9600, 9600, true),
    release(&["w10", "win10"], (10, 0), 10240, 19045, false),
    release(&["2k16", "w2k16", "win2016", "2016"], (10, 0), 14393, 14393, true),
    release(&["2k19", "w2k19", "win2019", "2019"], (10, 0), 17763, 17763, true),
    release(&["2k22", "w2k22", "win2022", "2022"], (10, 0), 20348, 20348, true),
    release(&["w11", "win11"], (10, 0), 22000, 26200, false),
    release(&["2k25", "w2k25", "win2025", "2025"], (10, 0), 26100, 26100, true),
];

impl Release {
    /// The release of that name, in any case.
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        let name = name.to_ascii_lowercase();
        RELEASES.iter().find(|release| release.names.contains(&name.as_str()))
    }
}

impl Target {
    /// The names that [`Target::named`] knows, one for each release.
    pub fn names() -> impl Iterator<Item = &'static str> {
        RELEASES.iter().filter_map(|release| release.names.first().copied())
    }

    /// A release by name (`xp`, `2k3`, `vista`, `2k8`, `w7`, `2k8R2`, ... `2k25`), with its last build, or a version such as `10.0.20348`.
    ///
    /// A version is that of a client, unless only a server has its build. XP for x64 has version 5.2.
    #[must_use]
    pub fn named(name: &str, architecture: Architecture) -> Option<Self> {
        if let Some(release) = Release::named(name) {
            let old = release.version == (5, 1) && architecture != Architecture::X86;
            let (version, build) =
                if old { ((5, 2), 3790) } else { (release.version, release.last) };
            return Some(Self::new(version, build, release.server, architecture));
        }
        let mut parts = name.split('.').map(|part| part.parse::<u32>().ok());
        let version = (parts.next()??, parts.next()??);
        let build = match parts.next() {
            Some(build) => build?,
            None => RELEASES.iter().find(|release| release.version == version)?.last,
        };
        if parts.next().is_some() {
            return None;
        }
        let has = |release: &&Release| {
            release.version == version && (release.first..=release.last).contains(&build)
        };
        let server = RELEASES.iter().filter(has).all(|release| release.server)
            && RELEASES.iter().any(|release| has(&release));
        Some(Self::new(version, build, server, architecture))
    }

    fn new(version: (u32, u32), build: u32, server: bool, architecture: Architecture) -> Self {
        let product_type = if server { ProductType::Server } else { ProductType::Workstation };
        Self { version, build, product_type, suite_mask: 0, architecture }
    }
}

/// `10.0.20348 server, amd64`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (major, minor) = self.version;
        let kind = if self.product_type.is_server() { "server" } else { "client" };
        write!(f, "{major}.{minor}.{} {kind}, {}", self.build, self.architecture)
    }
}
