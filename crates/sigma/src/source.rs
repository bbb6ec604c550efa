//! Log sources: which rules are about which logs (Sigma taxonomy, appendix of the specification, and the field mappings
//! of the rule set's own log source guides).

use std::collections::BTreeSet;

/// What a rule says that it is about. A part that it leaves open fits every log.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogSource {
    /// `windows`, `linux`, `zeek`.
    pub product: Option<String>,
    /// `security`, `dns`.
    pub service: Option<String>,
    /// `process_creation`.
    pub category: Option<String>,
}

/// What is known of where an event comes from. An event may be of several categories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct EventSource {
    pub(crate) product: Option<String>,
    pub(crate) services: BTreeSet<String>,
    pub(crate) categories: BTreeSet<String>,
}

impl EventSource {
    /// Whether a rule about `rule` is asked about the event. When nothing is known of the event, every rule is.
    pub(crate) fn fits(&self, rule: &LogSource) -> bool {
        let Some(product) = &self.product else {
            return self.services.is_empty() && self.categories.is_empty()
                || fits(rule.service.as_ref(), &self.services)
                    && fits(rule.category.as_ref(), &self.categories);
        };
        rule.product.as_ref().is_none_or(|wanted| wanted == product)
            && fits(rule.service.as_ref(), &self.services)
            && fits(rule.category.as_ref(), &self.categories)
    }

    pub(crate) fn of_windows(channel: &str, event_id: Option<i64>) -> Self {
        let mut source = Self { product: Some("windows".to_owned()), ..Self::default() };
        let service = CHANNELS.iter().find(|(name, _)| name.eq_ignore_ascii_case(channel));
        source.services.extend(service.map(|(_, service)| (*service).to_owned()));
        let Some((_, service)) = service else { return source };
        let found = CATEGORIES.iter().find(|(known, id, _)| known == service && Some(*id) == event_id);
        let categories = found.map_or(&[][..], |(_, _, categories)| *categories);
        source.categories.extend(categories.iter().map(|name| (*name).to_owned()));
        source
    }
}

fn fits(rule: Option<&String>, event: &BTreeSet<String>) -> bool {
    rule.is_none_or(|wanted| event.contains(wanted))
}

/// Windows channels and the services of rules that are about them.
const CHANNELS: &[(&str, &str)] = &[
    ("Application", "application"),
    ("DNS Server", "dns-server"),
    ("Directory Service", "ldap"),
    ("MSExchange Management", "msexchange-management"),
    ("Microsoft-ServiceBus-Client", "microsoft-servicebus-client"),
    ("Microsoft-Windows-AppLocker/EXE and DLL", "applocker"),
    ("Microsoft-Windows-AppLocker/MSI and Script", "applocker"),
    ("Microsoft-Windows-AppLocker/Packaged app-Deployment", "applocker"),
    ("Microsoft-Windows-AppLocker/Packaged app-Execution", "applocker"),
    ("Microsoft-Windows-AppModel-Runtime/Admin", "appmodel-runtime"),
    ("Microsoft-Windows-AppXDeploymentServer/Operational", "appxdeployment-server"),
    ("Microsoft-Windows-AppxPackaging/Operational", "appxpackaging-om"),
    ("Microsoft-Windows-Bits-Client/Operational", "bits-client"),
    ("Microsoft-Windows-CAPI2/Operational", "capi2"),
    (
        "Microsoft-Windows-CertificateServicesClient-Lifecycle-System/Operational",
        "certificateservicesclient-lifecycle-system",
    ),
    ("Microsoft-Windows-CodeIntegrity/Operational", "codeintegrity-operational"),
    ("Microsoft-Windows-DNS Client Events/Operational", "dns-client"),
    ("Microsoft-Windows-DNS-Server/Analytical", "dns-server-analytic"),
    ("Microsoft-Windows-DNS-Server/Audit", "dns-server-audit"),
    ("Microsoft-Windows-Diagnosis-Scripted/Operational", "diagnosis-scripted"),
    ("Microsoft-Windows-DriverFrameworks-UserMode/Operational", "driver-framework"),
    ("Microsoft-Windows-Hyper-V-Worker", "hyper-v-worker"),
    ("Microsoft-Windows-Iphlpsvc/Operational", "iphlpsvc"),
    ("Microsoft-Windows-Kernel-EventTracing", "kernel-event-tracing"),
    ("Microsoft-Windows-LSA/Operational", "lsa-server"),
    ("Microsoft-Windows-NTLM/Operational", "ntlm"),
    ("Microsoft-Windows-Ntfs/Operational", "ntfs"),
    ("Microsoft-Windows-PowerShell/Operational", "powershell"),
    ("Microsoft-Windows-PrintService/Admin", "printservice-admin"),
    ("Microsoft-Windows-PrintService/Operational", "printservice-operational"),
    ("Microsoft-Windows-SENSE/Operational", "sense"),
    ("Microsoft-Windows-SMBServer/Connectivity", "smbserver-connectivity"),
    ("Microsoft-Windows-Security-Mitigations/Kernel Mode", "security-mitigations"),
    ("Microsoft-Windows-Security-Mitigations/User Mode", "security-mitigations"),
    ("Microsoft-Windows-Shell-Core/Operational", "shell-core"),
    ("Microsoft-Windows-SmbClient/Connectivity", "smbclient-connectivity"),
    ("Microsoft-Windows-SmbClient/Security", "smbclient-security"),
    ("Microsoft-Windows-Sysmon/Operational", "sysmon"),
    ("Microsoft-Windows-TaskScheduler/Operational", "taskscheduler"),
    (
        "Microsoft-Windows-TerminalServices-LocalSessionManager/Operational",
        "terminalservices-localsessionmanager",
    ),
    ("Microsoft-Windows-VHDMP/Operational", "vhdmp"),
    ("Microsoft-Windows-WMI-Activity/Operational", "wmi"),
    ("Microsoft-Windows-WinRM/Operational", "winrm"),
    ("Microsoft-Windows-Windows Defender/Operational", "windefend"),
    ("Microsoft-Windows-Windows Firewall With Advanced Security/Firewall", "firewall-as"),
    ("OpenSSH/Operational", "openssh"),
    ("PowerShellCore/Operational", "powershell"),
    ("Security", "security"),
    ("System", "system"),
    ("Windows PowerShell", "powershell-classic"),
];

/// Events of a service and the categories of rules that are about them.
const CATEGORIES: &[(&str, i64, &[&str])] = &[
    ("sysmon", 1, &["process_creation"]),
    ("sysmon", 2, &["file_change"]),
    ("sysmon", 3, &["network_connection"]),
    ("sysmon", 4, &["sysmon_status"]),
    ("sysmon", 5, &["process_termination"]),
    ("sysmon", 6, &["driver_load"]),
    ("sysmon", 7, &["image_load"]),
    ("sysmon", 8, &["create_remote_thread"]),
    ("sysmon", 9, &["raw_access_thread"]),
    ("sysmon", 10, &["process_access"]),
    ("sysmon", 11, &["file_event"]),
    ("sysmon", 12, &["registry_add", "registry_delete", "registry_event"]),
    ("sysmon", 13, &["registry_event", "registry_set"]),
    ("sysmon", 14, &["registry_event", "registry_rename"]),
    ("sysmon", 15, &["create_stream_hash"]),
    ("sysmon", 16, &["sysmon_status"]),
    ("sysmon", 17, &["pipe_created"]),
    ("sysmon", 18, &["pipe_created"]),
    ("sysmon", 19, &["wmi_event"]),
    ("sysmon", 20, &["wmi_event"]),
    ("sysmon", 21, &["wmi_event"]),
    ("sysmon", 22, &["dns_query"]),
    ("sysmon", 23, &["file_delete"]),
    ("sysmon", 24, &["clipboard_capture"]),
    ("sysmon", 25, &["process_tampering"]),
    ("sysmon", 26, &["file_delete"]),
    ("sysmon", 27, &["file_block_executable"]),
    ("sysmon", 28, &["file_block_shredding"]),
    ("sysmon", 29, &["file_executable_detected"]),
    ("sysmon", 255, &["sysmon_error"]),
    ("security", 4688, &["process_creation"]),
    ("powershell", 4103, &["ps_module"]),
    ("powershell", 4104, &["ps_script"]),
    ("powershell-classic", 400, &["ps_classic_start"]),
    ("powershell-classic", 600, &["ps_classic_provider_start"]),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(product: &str, service: &str, category: &str) -> LogSource {
        let part = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        LogSource { product: part(product), service: part(service), category: part(category) }
    }

    #[test]
    fn a_rule_is_asked_about_its_own_logs() {
        let sysmon = EventSource::of_windows("microsoft-windows-sysmon/operational", Some(13));
        for yes in [
            rule("windows", "", "registry_set"),
            rule("windows", "", "registry_event"),
            rule("windows", "sysmon", ""),
            rule("windows", "", ""),
            rule("", "", ""),
        ] {
            assert!(sysmon.fits(&yes), "{yes:?}");
        }
        for no in
            [rule("linux", "", ""), rule("windows", "security", ""), rule("windows", "", "process_creation")]
        {
            assert!(!sysmon.fits(&no), "{no:?}");
        }
        // A channel that has no name among services is Windows all the same.
        let other = EventSource::of_windows("Own/Channel", Some(1));
        assert!(other.fits(&rule("windows", "", "")) && !other.fits(&rule("windows", "sysmon", "")));
        // Where nothing is known, nothing is ruled out.
        assert!(EventSource::default().fits(&rule("linux", "sshd", "")));
    }
}
