//! Driver packages: INF files, what installing one means, and which package fits which Windows.
//!
//! Knows no disk, path or clock: the bytes of an INF go in, typed structures come out.
//!
//! ```
//! use winkiln_drivers::Architecture;
//! use winkiln_drivers::inf::{Inf, NoIncludes, ParseOptions};
//!
//! let text = b"[Version]\nSignature=\"$Windows NT$\"\nClass=System\n[Manufacturer]\n%Us%=Us,NTamd64\n\
//!     [Us.NTamd64]\n%Disk%=Disk_Inst,PCI\\VEN_1234&DEV_0001\n[Disk_Inst]\nFeatureScore=FE\n\
//!     [Strings]\nUs=\"Us\"\nDisk=\"A disk\"\n";
//! let inf = Inf::parse("disk.inf", text, &ParseOptions::default())?;
//! let model = &inf.manufacturers()?[0].sections[0].models[0];
//! assert_eq!(model.description.text, "A disk");
//! let install = inf.install(&model.install_section, Architecture::Amd64, &NoIncludes)?;
//! assert_eq!(install.feature_score, Some(0xFE));
//! # Ok::<(), winkiln_drivers::inf::InfError>(())
//! ```
#![forbid(unsafe_code)]
#![deny(clippy::print_stdout, clippy::print_stderr)]

pub mod architecture;
pub mod choice;
pub mod footprint;
pub mod guid;
pub mod inf;
pub mod package;
pub mod staging;
pub mod target;
pub mod vendors;

pub use architecture::Architecture;
pub use guid::Guid;
pub use package::Package;
pub use target::{ProductType, Target};
