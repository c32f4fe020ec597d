//! Configurations of virtual machines.
//!
//! Source: `xl.cfg(5)` and `xl-disk-configuration(5)` of Xen; "Domain XML format" of libvirt; `qemu-system-x86_64(1)`.

use std::fmt::Write as _;

use super::text::quoted;
use crate::commands::Machine;

/// What libvirt, QEMU and Xen call an adapter's vendor.
const QEMU_OUI: &str = "52:54:00";
const XEN_OUI: &str = "00:16:3e";

fn mac(oui: &str, machine: &Machine) -> String {
    let [a, b, c] = machine.mac_tail;
    format!("{oui}:{a:02x}:{b:02x}:{c:02x}")
}

/// A file for `xl create`.
pub(crate) fn xl(machine: &Machine) -> String {
    let mut text = format!("# {}\n", machine.windows.replace(['\n', '\r'], " "));
    let mut line = |key: &str, value: &str| {
        let _ = writeln!(text, "{key} = {value}");
    };
    line("name", &python(&machine.name));
    line("type", "\"hvm\"");
    if machine.uefi {
        line("bios", "\"ovmf\"");
    }
    line("memory", &machine.memory_mib.to_string());
    line("vcpus", &machine.vcpus.to_string());
    line("acpi", "1");
    if machine.is_modern {
        line("viridian", "1");
    }
    line("localtime", if machine.utc { "0" } else { "1" });
    if machine.disk_bus == "ahci" {
        line("hdtype", "\"ahci\"");
    }
    let disk = format!("format={},vdev=hda,access=rw,target={}", machine.format, machine.image);
    line("disk", &format!("[ {} ]", python(&disk)));
    let vif = format!("mac={},model={},bridge=xenbr0", mac(XEN_OUI, machine), machine.network);
    line("vif", &format!("[ {} ]", python(&vif)));
    line("boot", "\"c\"");
    line("usb", "1");
    line("usbdevice", "\"tablet\"");
    line("vga", "\"stdvga\"");
    line("vnc", "1");
    line("vnclisten", "\"127.0.0.1\"");
    line("serial", "\"pty\"");
    line("on_reboot", "\"restart\"");
    line("on_crash", "\"preserve\"");
    text
}

/// A string as `xl` reads it.
fn python(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A domain for `virsh define`.
pub(crate) fn libvirt(machine: &Machine) -> String {
    let (arch, kind) = if machine.arm { ("aarch64", "virt") } else { ("x86_64", board(machine)) };
    let firmware = if machine.uefi { " firmware='efi'" } else { "" };
    let clock = if machine.utc { "utc" } else { "localtime" };
    let (bus, device) = match machine.disk_bus {
        "virtio-blk" => ("virtio", "vda"),
        "nvme" => ("nvme", "nvme0n1"),
        "ahci" => ("sata", "sda"),
        "ide" => ("ide", "hda"),
        _ => ("scsi", "sda"),
    };
    let controller = match machine.disk_bus {
        "virtio-scsi" => Some("virtio-scsi"),
        "pvscsi" => Some("vmpvscsi"),
        "lsi-sas" => Some("lsisas1068"),
        "lsi-scsi" => Some("lsilogic"),
        _ => None,
    };
    let controller = controller.map_or_else(String::new, |model| {
        format!("    <controller type='scsi' index='0' model='{model}'/>\n")
    });
    let network = if machine.network == "virtio-net" { "virtio" } else { machine.network };
    let hyperv = if machine.is_modern && !machine.arm {
        "    <hyperv mode='custom'>\n      <relaxed state='on'/>\n      <vapic state='on'/>\n      \
         <spinlocks state='on' retries='8191'/>\n    </hyperv>\n"
    } else {
        ""
    };
    let timer = if machine.is_modern && !machine.arm {
        "    <timer name='hypervclock' present='yes'/>\n"
    } else {
        ""
    };
    let cpu = if machine.arm { "host-passthrough" } else { "host-model" };
    let (name, source) = (xml(&machine.name), xml(&machine.image));
    let (kind_of_disk, attribute) =
        if machine.is_device { ("block", "dev") } else { ("file", "file") };
    let windows = xml(&machine.windows);
    let (memory, vcpus, format) = (machine.memory_mib, machine.vcpus, qemu_format(machine));
    let mac = mac(QEMU_OUI, machine);
    format!(
        "<domain type='kvm'>\n  <name>{name}</name>\n  <title>{windows}</title>\n  \
         <memory unit='MiB'>{memory}</memory>\n  <vcpu>{vcpus}</vcpu>\n  \
         <os{firmware}>\n    <type arch='{arch}' machine='{kind}'>hvm</type>\n    <boot dev='hd'/>\n  </os>\n  \
         <features>\n    <acpi/>\n    <apic/>\n{hyperv}  </features>\n  <cpu mode='{cpu}'>\n    \
         <topology sockets='1' cores='{vcpus}' threads='1'/>\n  </cpu>\n  \
         <clock offset='{clock}'>\n{timer}  </clock>\n  <on_reboot>restart</on_reboot>\n  \
         <on_crash>preserve</on_crash>\n  <devices>\n    \
         <disk type='{kind_of_disk}' device='disk'>\n      \
         <driver name='qemu' type='{format}' cache='writeback'/>\n      \
         <source {attribute}='{source}'/>\n      <target dev='{device}' bus='{bus}'/>\n    </disk>\n{controller}    \
         <interface type='network'>\n      <mac address='{mac}'/>\n      \
         <source network='default'/>\n      <model type='{network}'/>\n    </interface>\n    \
         <input type='tablet' bus='usb'/>\n    <graphics type='vnc' listen='127.0.0.1'/>\n    \
         <video>\n      <model type='vga'/>\n    </video>\n    <serial type='pty'/>\n  \
         </devices>\n</domain>\n"
    )
}

fn xml(text: &str) -> String {
    let mut safe = String::new();
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '\'' => safe.push_str("&apos;"),
            '"' => safe.push_str("&quot;"),
            c if c.is_control() => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn board(machine: &Machine) -> &'static str {
    // Only the older board has an IDE controller.
    let newer = machine.uefi || ["ahci", "nvme"].contains(&machine.disk_bus);
    if newer && machine.disk_bus != "ide" { "q35" } else { "pc" }
}

fn qemu_format(machine: &Machine) -> &'static str {
    if machine.format == "vhd" { "vpc" } else { machine.format }
}

/// A command line of QEMU, an argument with its value a line.
pub(crate) fn qemu(machine: &Machine) -> String {
    let program = if machine.arm { "qemu-system-aarch64" } else { "qemu-system-x86_64" };
    let mut lines: Vec<String> = Vec::new();
    let mut add = |option: &str, value: &str| lines.push(format!("{option} {}", quoted(value)));
    add("-name", &machine.name.replace(',', ",,"));
    let kind = if machine.arm { "virt" } else { board(machine) };
    add("-machine", &format!("{kind},accel=kvm"));
    let hyperv = machine.is_modern && !machine.arm;
    add(
        "-cpu",
        if hyperv { "host,hv_relaxed,hv_vapic,hv_spinlocks=0x1fff,hv_time" } else { "host" },
    );
    if machine.uefi {
        let code = if machine.arm { "AAVMF/AAVMF_CODE.fd" } else { "OVMF/OVMF_CODE.fd" };
        add("-drive", &format!("if=pflash,format=raw,readonly=on,file=/usr/share/{code}"));
    }
    add("-m", &machine.memory_mib.to_string());
    add("-smp", &machine.vcpus.to_string());
    add("-rtc", if machine.utc { "base=utc" } else { "base=localtime" });
    let file = machine.image.replace(',', ",,");
    add("-drive", &format!("if=none,id=disk,format={},file={file}", qemu_format(machine)));
    let (controller, disk) = match machine.disk_bus {
        "virtio-blk" => (None, "virtio-blk-pci"),
        "nvme" => (None, "nvme,serial=winkiln"),
        "ahci" if machine.arm => (Some("ich9-ahci,id=ahci"), "ide-hd,bus=ahci.0"),
        // The board has its controller.
        "ahci" | "ide" => (None, "ide-hd"),
        "virtio-scsi" => (Some("virtio-scsi-pci"), "scsi-hd"),
        "pvscsi" => (Some("pvscsi"), "scsi-hd"),
        "lsi-sas" => (Some("mptsas1068"), "scsi-hd"),
        _ => (Some("lsi53c895a"), "scsi-hd"),
    };
    if let Some(controller) = controller {
        add("-device", controller);
    }
    add("-device", &format!("{disk},drive=disk,bootindex=1"));
    add("-netdev", "user,id=net");
    let network = if machine.network == "virtio-net" { "virtio-net-pci" } else { machine.network };
    add("-device", &format!("{network},netdev=net,mac={}", mac(QEMU_OUI, machine)));
    add("-device", "qemu-xhci");
    if machine.is_modern {
        add("-device", "usb-tablet");
    }
    add("-vga", "std");
    add("-vnc", "127.0.0.1:0");
    format!("{program} \\\n  {}\n", lines.join(" \\\n  "))
}
