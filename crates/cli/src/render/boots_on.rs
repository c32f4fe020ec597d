//! From which disk controllers a Windows boots, as text and as JSON.

use std::fmt::Write as _;

use serde::Serialize;
use winkiln_guest::Windows;
use winkiln_guest::boots_on::{BoundDriver, BusVerdict, ControllerVerdict, Obstacle};

use super::inspect_json::architecture;
use super::text::printable;

/// A Windows and what it boots from.
pub(crate) struct Scanned {
    pub(crate) windows: Windows,
    pub(crate) buses: Vec<BusVerdict>,
}

/// The JSON form.
#[derive(Serialize)]
pub(crate) struct Document<'a> {
    windows: Vec<WindowsJson<'a>>,
}

#[derive(Serialize)]
struct WindowsJson<'a> {
    volume: u32,
    system_root: &'a str,
    product_name: &'a str,
    arch: &'static str,
    control_set: u32,
    boots_on: Vec<&'static str>,
    buses: Vec<BusJson<'a>>,
}

#[derive(Serialize)]
struct BusJson<'a> {
    bus: &'static str,
    boots: bool,
    controllers: Vec<ControllerJson<'a>>,
}

#[derive(Serialize)]
struct ControllerJson<'a> {
    name: &'static str,
    boots: bool,
    obstacle: Option<&'static str>,
    reason: Option<String>,
    drivers: Vec<DriverJson<'a>>,
}

#[derive(Serialize)]
struct DriverJson<'a> {
    device: &'a str,
    bound_by: &'a str,
    service: &'a str,
    file: &'a str,
    version: Option<&'a str>,
}

/// The JSON form.
pub(crate) fn document(scanned: &[Scanned]) -> Document<'_> {
    let windows = scanned.iter().map(|Scanned { windows, buses }| WindowsJson {
        volume: windows.volume,
        system_root: &windows.system_root,
        product_name: &windows.product_name,
        arch: architecture(windows.architecture),
        control_set: windows.next_control_set,
        boots_on: buses.iter().filter(|bus| bus.boots()).map(|bus| bus.word).collect(),
        buses: buses.iter().map(bus_json).collect(),
    });
    Document { windows: windows.collect() }
}

fn bus_json(bus: &BusVerdict) -> BusJson<'_> {
    let controllers = bus.controllers.iter().map(|controller| ControllerJson {
        name: controller.name,
        boots: controller.boots(),
        obstacle: controller.obstacle.as_ref().map(Obstacle::word),
        reason: controller.obstacle.as_ref().map(ToString::to_string),
        drivers: controller.drivers.iter().map(driver_json).collect(),
    });
    BusJson { bus: bus.word, boots: bus.boots(), controllers: controllers.collect() }
}

fn driver_json(driver: &BoundDriver) -> DriverJson<'_> {
    DriverJson {
        device: &driver.device,
        bound_by: &driver.bound_by,
        service: &driver.service,
        file: &driver.file,
        version: driver.version.as_deref(),
    }
}

/// The text form: a table for each Windows; with `verbose`, each controller and where its drivers are bound.
pub(crate) fn text(scanned: &[Scanned], verbose: bool) -> String {
    let mut text = String::new();
    for (number, Scanned { windows, buses }) in scanned.iter().enumerate() {
        if number > 0 {
            text.push('\n');
        }
        let (name, rest) = title(windows);
        let _ = writeln!(text, "{name}{rest}, boots on:");
        for bus in buses {
            rows(&mut text, bus, verbose);
        }
    }
    text
}

/// A Windows in a line: its name, and what it is and where.
pub(super) fn title(windows: &Windows) -> (String, String) {
    let name = match windows.product_name.as_str() {
        "" => "Windows",
        name => name,
    };
    let rest = format!(
        " ({}), {} of volume {}",
        architecture(windows.architecture),
        printable(&windows.system_root),
        windows.volume
    );
    (printable(name).into_owned(), rest)
}

/// The kinds of controllers that Windows boots from, in a line.
pub(super) fn buses(words: &[&str]) -> String {
    match words {
        [] => "no disk controller of a hypervisor".to_owned(),
        words => words.join(", "),
    }
}

/// A line for all controllers of a bus of which the same is told; with `verbose`, one for each.
fn rows(text: &mut String, bus: &BusVerdict, verbose: bool) {
    let mut name = bus.name;
    let mut told: Vec<(bool, String)> = Vec::new();
    for controller in &bus.controllers {
        let line = (controller.boots(), why(controller));
        let others = bus.controllers.iter().any(|other| (other.boots(), why(other)) != line);
        if !verbose && told.contains(&line) {
            continue;
        }
        let which =
            if others || verbose { format!("{}: ", controller.name) } else { String::new() };
        let answer = if controller.boots() { "yes" } else { "no" };
        let _ = writeln!(text, "  {name:<14}{answer:<4} {which}{}", printable(&line.1));
        if verbose {
            for driver in &controller.drivers {
                let BoundDriver { device, bound_by, service, file, .. } = driver;
                let bound = format!("{device} is bound to {service} by {bound_by}: {file}");
                let _ = writeln!(text, "  {:<19}{}", "", printable(&bound));
            }
        }
        told.push(line);
        name = "";
    }
}

/// The drivers, and what is missing.
fn why(controller: &ControllerVerdict) -> String {
    let drivers = controller.drivers.iter().map(|driver| match &driver.version {
        Some(version) => format!("{} {version}", driver.service),
        None => driver.service.clone(),
    });
    let drivers = drivers.collect::<Vec<_>>().join(", ");
    match &controller.obstacle {
        None => drivers,
        Some(obstacle) if drivers.is_empty() => obstacle.to_string(),
        // What the controller itself needs may all be there.
        Some(obstacle) => format!("{drivers} would start, but {obstacle}"),
    }
}
