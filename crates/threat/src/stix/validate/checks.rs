//! The recommended checks by the names and numbers of stix2-validator 3, so that its users find theirs again.

/// One recommended check. The name and number are stix2-validator's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Check(u8);

/// Number, name, whether a plain run has it, whether it stays when others are disabled.
///
/// stix2-validator forgets the checks whose last column is false as soon as any check is disabled. Verdicts would
/// differ if we did not do the same.
const ALL: &[(u16, &str, bool, bool)] = &[
    (101, "custom-prefix", false, false),
    (102, "custom-prefix-lax", false, false),
    (103, "uuid-check", true, false),
    (111, "open-vocab-format", true, true),
    (121, "kill-chain-names", true, true),
    (141, "observable-object-keys", true, true),
    (142, "observable-dictionary-keys", true, true),
    (143, "malware-analysis-product", true, true),
    (149, "windows-process-priority-format", true, true),
    (150, "hash-length", true, true),
    (201, "marking-definition-type", true, true),
    (202, "relationship-types", true, true),
    (203, "duplicate-ids", true, true),
    (211, "attack-motivation", true, true),
    (212, "attack-resource-level", true, true),
    (213, "identity-class", true, true),
    (214, "indicator-types", true, true),
    (215, "industry-sector", true, true),
    (216, "malware-types", true, true),
    (218, "report-types", true, true),
    (219, "threat-actor-types", true, true),
    (220, "threat-actor-role", true, true),
    (221, "threat-actor-sophistication", true, true),
    (222, "tool-types", true, true),
    (223, "region", true, true),
    (225, "grouping-context", true, false),
    (226, "implementation-languages", true, false),
    (227, "infrastructure-types", true, false),
    (228, "malware-capabilities", true, false),
    (230, "processor-architecture", true, false),
    (231, "malware-result", true, false),
    (241, "hash-algo", true, true),
    (243, "windows-pebinary-type", true, true),
    (244, "account-type", true, true),
    (245, "indicator-pattern-types", true, true),
    (271, "mime-type", true, true),
    (272, "protocols", true, true),
    (273, "ipfix", true, true),
    (274, "http-request-headers", true, true),
    (275, "socket-options", true, true),
    (276, "pdf-doc-info", true, true),
    (277, "countries", true, true),
    (301, "network-traffic-ports", true, true),
    (302, "extref-hashes", true, true),
    (303, "indicator-properties", true, true),
    (304, "deprecated-properties", true, true),
    (305, "extension-description", true, false),
    (306, "extension-properties", true, false),
    (401, "extensions-use", true, true),
    // Ours, beyond stix2-validator: only when asked for.
    (901, "deterministic-ids", false, false),
    (902, "observable-references", false, false),
];

/// The codes of faults, in the order of `ALL`. Underscores as in every code of ours.
const CODES: [&str; ALL.len()] = [
    "threat::custom_prefix",
    "threat::custom_prefix_lax",
    "threat::uuid_check",
    "threat::open_vocab_format",
    "threat::kill_chain_names",
    "threat::observable_object_keys",
    "threat::observable_dictionary_keys",
    "threat::malware_analysis_product",
    "threat::windows_process_priority_format",
    "threat::hash_length",
    "threat::marking_definition_type",
    "threat::relationship_types",
    "threat::duplicate_ids",
    "threat::attack_motivation",
    "threat::attack_resource_level",
    "threat::identity_class",
    "threat::indicator_types",
    "threat::industry_sector",
    "threat::malware_types",
    "threat::report_types",
    "threat::threat_actor_types",
    "threat::threat_actor_role",
    "threat::threat_actor_sophistication",
    "threat::tool_types",
    "threat::region",
    "threat::grouping_context",
    "threat::implementation_languages",
    "threat::infrastructure_types",
    "threat::malware_capabilities",
    "threat::processor_architecture",
    "threat::malware_result",
    "threat::hash_algo",
    "threat::windows_pebinary_type",
    "threat::account_type",
    "threat::indicator_pattern_types",
    "threat::mime_type",
    "threat::protocols",
    "threat::ipfix",
    "threat::http_request_headers",
    "threat::socket_options",
    "threat::pdf_doc_info",
    "threat::countries",
    "threat::network_traffic_ports",
    "threat::extref_hashes",
    "threat::indicator_properties",
    "threat::deprecated_properties",
    "threat::extension_description",
    "threat::extension_properties",
    "threat::extensions_use",
    "threat::deterministic_ids",
    "threat::observable_references",
];

/// Groups: name, number, and the numbers that belong to it.
const GROUPS: &[(&str, u16, u16, u16)] = &[
    ("format-checks", 1, 103, 150),
    ("approved-values", 2, 201, 277),
    ("all-vocabs", 210, 211, 245),
    ("all-external-sources", 270, 271, 277),
    ("all", 0, 103, 401),
];

macro_rules! named {
    ($($constant:ident = $number:literal;)*) => {
        impl Check {
            $(pub(crate) const $constant: Self = Self::numbered($number);)*
        }
    };
}

named! {
    CUSTOM_PREFIX = 101; CUSTOM_PREFIX_LAX = 102; UUID_CHECK = 103; OPEN_VOCAB_FORMAT = 111;
    KILL_CHAIN_NAMES = 121; OBSERVABLE_OBJECT_KEYS = 141; OBSERVABLE_DICTIONARY_KEYS = 142;
    MALWARE_ANALYSIS_PRODUCT = 143; WINDOWS_PROCESS_PRIORITY_FORMAT = 149; HASH_LENGTH = 150;
    MARKING_DEFINITION_TYPE = 201; RELATIONSHIP_TYPES = 202; DUPLICATE_IDS = 203; ATTACK_MOTIVATION = 211;
    ATTACK_RESOURCE_LEVEL = 212; IDENTITY_CLASS = 213; INDICATOR_TYPES = 214; INDUSTRY_SECTOR = 215;
    MALWARE_TYPES = 216; REPORT_TYPES = 218; THREAT_ACTOR_TYPES = 219; THREAT_ACTOR_ROLE = 220;
    THREAT_ACTOR_SOPHISTICATION = 221; TOOL_TYPES = 222; REGION = 223; GROUPING_CONTEXT = 225;
    IMPLEMENTATION_LANGUAGES = 226; INFRASTRUCTURE_TYPES = 227; MALWARE_CAPABILITIES = 228;
    PROCESSOR_ARCHITECTURE = 230; MALWARE_RESULT = 231; HASH_ALGO = 241; WINDOWS_PEBINARY_TYPE = 243;
    ACCOUNT_TYPE = 244; INDICATOR_PATTERN_TYPES = 245; MIME_TYPE = 271; PROTOCOLS = 272; IPFIX = 273;
    HTTP_REQUEST_HEADERS = 274; SOCKET_OPTIONS = 275; PDF_DOC_INFO = 276; COUNTRIES = 277;
    NETWORK_TRAFFIC_PORTS = 301; EXTREF_HASHES = 302; INDICATOR_PROPERTIES = 303; DEPRECATED_PROPERTIES = 304;
    EXTENSION_DESCRIPTION = 305; EXTENSION_PROPERTIES = 306; EXTENSIONS_USE = 401; DETERMINISTIC_IDS = 901;
    OBSERVABLE_REFERENCES = 902;
}

impl Check {
    /// Evaluated while compiling: a number that is not in the table stops the build.
    const fn numbered(number: u16) -> Self {
        let mut at = 0;
        while ALL[at].0 != number {
            at += 1;
        }
        Self(at as u8)
    }

    /// Every check, in the order of their numbers.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..ALL.len()).map(|at| Self(at as u8))
    }

    /// The name by which it is enabled and disabled: `uuid-check`.
    pub fn name(self) -> &'static str {
        ALL[usize::from(self.0)].1
    }

    /// The code of its faults: `threat::` and the name.
    pub(crate) fn code(self) -> &'static str {
        CODES[usize::from(self.0)]
    }

    /// The number by which it is enabled and disabled: 103.
    pub fn number(self) -> u16 {
        ALL[usize::from(self.0)].0
    }

    const fn bit(self) -> u64 {
        1 << self.0
    }
}

/// The checks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checks {
    chosen: u64,
    /// What was named as disabled, groups spelled out: the patterns of indicators ask for it.
    pub(crate) disabled: u64,
}

/// A name or number that is no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a check: names and numbers are those of stix2-validator, such as uuid-check or 103")]
pub struct UnknownCheck(pub String);

impl Default for Checks {
    fn default() -> Self {
        Self { chosen: bits(|one| one.2), disabled: 0 }
    }
}

fn bits(of: impl Fn(&(u16, &str, bool, bool)) -> bool) -> u64 {
    ALL.iter().enumerate().filter(|(_, one)| of(one)).fold(0, |set, (at, _)| set | 1 << at)
}

/// The bits of a check or group.
fn named(name: &str) -> Result<u64, UnknownCheck> {
    let name = name.trim();
    if let Some((_, _, first, last)) = GROUPS.iter().find(|(group, number, ..)| {
        *group == name || (*number > 0 && name.parse::<u16>().is_ok_and(|given| given == *number))
    }) {
        return Ok(bits(|one| (*first..=*last).contains(&one.0) && one.2));
    }
    let one = bits(|one| one.1 == name || name.parse::<u16>().is_ok_and(|number| number == one.0));
    if one == 0 { Err(UnknownCheck(name.to_owned())) } else { Ok(one) }
}

impl Checks {
    /// The checks of stix2-validator's `--enable` and `--disable`, with its meaning: neither is everything; disabled
    /// alone is what remains, save that uuid-check, extension-description, extension-properties and six vocabularies
    /// (grouping-context, implementation-languages, infrastructure-types, malware-capabilities, malware-result,
    /// processor-architecture) go as well; enabled alone is only those; both are the remainder and those. With
    /// extensions-use disabled custom-prefix takes its place, and custom-prefix-lax when that is disabled too.
    ///
    /// # Errors
    /// A name or number that is no check.
    pub fn of(enabled: &[String], disabled: &[String]) -> Result<Self, UnknownCheck> {
        if enabled.is_empty() && disabled.is_empty() {
            return Ok(Self::default());
        }
        let union = |names: &[String]| {
            names.iter().map(|name| named(name)).try_fold(0, |set, one| one.map(|one| set | one))
        };
        let off = union(disabled)?;
        let everything = |name: &str| disabled.iter().any(|given| given.trim() == name);
        let (all, formats) = (everything("all"), everything("format-checks") || everything("1"));
        let mut chosen = 0;
        if !disabled.is_empty() && !all {
            chosen = bits(|one| one.3) & !off;
            if off & Check::EXTENSIONS_USE.bit() != 0 && !formats {
                if off & Check::CUSTOM_PREFIX.bit() == 0 {
                    chosen |= Check::CUSTOM_PREFIX.bit();
                } else if off & Check::CUSTOM_PREFIX_LAX.bit() == 0 {
                    chosen |= Check::CUSTOM_PREFIX_LAX.bit();
                }
            }
        }
        chosen |= union(enabled)?;
        let prefixes = Check::CUSTOM_PREFIX.bit() | Check::CUSTOM_PREFIX_LAX.bit();
        Ok(Self { chosen, disabled: off | if all || formats { prefixes } else { 0 } })
    }

    /// The checks for an object of 2.0, which has no extensions to define: names of one's own show it by their prefix.
    pub(crate) fn of_2_0(self) -> Self {
        let (extensions, prefix) = (Check::EXTENSIONS_USE.bit(), Check::CUSTOM_PREFIX.bit());
        let prefixed = if self.chosen & extensions == 0 { 0 } else { prefix };
        Self { chosen: self.chosen & !extensions | prefixed, disabled: self.disabled | extensions }
    }

    /// The checks without `check`.
    pub(crate) fn without(self, check: Check) -> Self {
        Self { chosen: self.chosen & !check.bit(), ..self }
    }

    /// Whether `check` is done.
    pub fn has(self, check: Check) -> bool {
        self.chosen & check.bit() != 0
    }

    pub(crate) fn disables(self, check: Check) -> bool {
        self.disabled & check.bit() != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(enabled: &str, disabled: &str) -> Vec<&'static str> {
        let list = |text: &str| {
            text.split(',').filter(|name| !name.is_empty()).map(str::to_owned).collect::<Vec<_>>()
        };
        let checks = Checks::of(&list(enabled), &list(disabled)).unwrap();
        Check::all().filter(|check| checks.has(*check)).map(Check::name).collect()
    }

    #[test]
    fn names_numbers_and_groups_choose_as_in_stix2_validator() {
        assert_eq!(of("", "").len(), ALL.len() - 4);
        assert_eq!(of("103,region", ""), ["uuid-check", "region"]);
        assert_eq!(of("270", "all").len(), 7);
        assert!(!of("", "202").contains(&"uuid-check"));
        assert!(of("uuid-check", "202").contains(&"uuid-check"));
        assert!(of("", "extensions-use").contains(&"custom-prefix"));
        assert!(of("", "401,101").contains(&"custom-prefix-lax"));
        assert!(!of("", "401,1").contains(&"custom-prefix"));
        assert!(of("", "approved-values,format-checks").contains(&"extref-hashes"));
        assert_eq!(Checks::of(&["no-such".to_owned()], &[]), Err(UnknownCheck("no-such".to_owned())));
    }
}
