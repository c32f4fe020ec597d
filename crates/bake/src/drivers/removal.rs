//! Which drivers are taken out of a guest.

/// Which drivers are taken out of a guest.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DriverRemoval {
    /// Packages by the name of their INF, as it was or as the guest has it (`oem3.inf`), or by a service; or services that no
    /// package is there for.
    pub names: Vec<String>,
    /// All that a maker's drivers left: [`winkiln_drivers::vendors::Vendor::word`].
    pub vendors: Vec<String>,
    /// Even if no disk controller is left that the guest boots from.
    pub force: bool,
}
