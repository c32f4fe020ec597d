//! Changing boot entries that are there.

use super::load_option::renamed;
use super::store::{GLOBAL, NvramError, NvramStore, ORDER, order_of};
use super::variable::Variable;

impl NvramStore {
    /// Deletes a boot entry, and takes it out of the order.
    ///
    /// # Errors
    /// [`NvramError::NoSuchEntry`], [`NvramError::Full`]; nothing is changed then.
    pub fn delete_boot_entry(&mut self, number: u16) -> Result<(), NvramError> {
        let entry = self.entry(number)?.name;
        let order = self.boot_order();
        let left: Vec<u16> = order.iter().copied().filter(|other| *other != number).collect();
        if left != order {
            self.write_order(&left)?;
        }
        self.delete(&entry);
        Ok(())
    }

    /// Puts boot entries first in the order, the others behind them as they were. Returns false when it is already so.
    ///
    /// # Errors
    /// [`NvramError::NoSuchEntry`], [`NvramError::Full`]; nothing is changed then.
    pub fn put_first(&mut self, first: &[u16]) -> Result<bool, NvramError> {
        let order = self.boot_order();
        let mut wanted: Vec<u16> = Vec::with_capacity(first.len() + order.len());
        for number in first {
            self.entry(*number)?;
            if !wanted.contains(number) {
                wanted.push(*number);
            }
        }
        let others: Vec<u16> =
            order.iter().copied().filter(|number| !first.contains(number)).collect();
        wanted.extend(others);
        if wanted == order {
            return Ok(false);
        }
        self.write_order(&wanted)?;
        Ok(true)
    }

    /// Gives a boot entry another description; the rest of it stays byte for byte. Returns false when it is already so.
    ///
    /// # Errors
    /// [`NvramError::NoSuchEntry`], [`NvramError::NoEntry`] for a text that cannot be one, [`NvramError::Full`]; nothing is changed
    /// then.
    pub fn rename_boot_entry(
        &mut self,
        number: u16,
        description: &str,
    ) -> Result<bool, NvramError> {
        let mut entry = self.entry(number)?;
        let reason = "a description is text without control characters";
        if description.is_empty() || description.contains(char::is_control) {
            return Err(NvramError::NoEntry { reason });
        }
        let data = renamed(&entry.data, description).ok_or(NvramError::NoEntry { reason })?;
        if data == entry.data {
            return Ok(false);
        }
        entry.data = data;
        self.put(&[entry])?;
        Ok(true)
    }

    /// The variable of a boot entry.
    fn entry(&self, number: u16) -> Result<Variable, NvramError> {
        let name = format!("Boot{number:04X}");
        let is_it = |variable: &Variable| variable.owner == GLOBAL && variable.name == name;
        let found = self.variables().into_iter().find(is_it);
        found.ok_or(NvramError::NoSuchEntry { number })
    }

    /// A variable without data is none.
    fn write_order(&mut self, order: &[u16]) -> Result<(), NvramError> {
        if order.is_empty() {
            self.delete(ORDER);
            return Ok(());
        }
        self.put(&[order_of(order)])
    }
}
