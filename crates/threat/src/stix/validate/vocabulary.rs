//! The open vocabularies of STIX 2.1 (clause 10), the TLP markings of clause 7.2.1.4, and the short lists of names
//! that other standards keep.

use super::checks::Check;

/// An open vocabulary: other values are permitted, but the check tells of them.
#[derive(Debug)]
pub(crate) struct Vocabulary {
    pub(crate) name: &'static str,
    pub(crate) check: Check,
    pub(crate) values: &'static [&'static str],
    /// Whether values must also have the form of such a vocabulary (check open-vocab-format).
    pub(crate) formed: bool,
}

#[rustfmt::skip]
pub(crate) const ATTACK_MOTIVATION: Vocabulary = Vocabulary {
    name: "attack-motivation-ov",
    check: Check::ATTACK_MOTIVATION,
    formed: true,
    values: &[
        "accidental", "coercion", "dominance", "ideology", "notoriety", "organizational-gain",
        "personal-gain", "personal-satisfaction", "revenge", "unpredictable",
    ],
};

#[rustfmt::skip]
pub(crate) const ATTACK_RESOURCE_LEVEL: Vocabulary = Vocabulary {
    name: "attack-resource-level-ov",
    check: Check::ATTACK_RESOURCE_LEVEL,
    formed: true,
    values: &[
        "individual", "club", "contest", "team", "organization", "government",
    ],
};

#[rustfmt::skip]
pub(crate) const GROUPING_CONTEXT: Vocabulary = Vocabulary {
    name: "grouping-context-ov",
    check: Check::GROUPING_CONTEXT,
    formed: false,
    values: &[
        "suspicious-activity", "malware-analysis", "unspecified",
    ],
};

#[rustfmt::skip]
pub(crate) const IDENTITY_CLASS: Vocabulary = Vocabulary {
    name: "identity-class-ov",
    check: Check::IDENTITY_CLASS,
    formed: true,
    values: &[
        "individual", "group", "system", "organization", "class", "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const IMPLEMENTATION_LANGUAGES: Vocabulary = Vocabulary {
    name: "implementation-language-ov",
    check: Check::IMPLEMENTATION_LANGUAGES,
    formed: true,
    values: &[
        "applescript", "bash", "c", "c++", "c#", "go", "java", "javascript", "lua", "objective-c", "perl",
        "php", "powershell", "python", "ruby", "scala", "swift", "typescript", "visual-basic", "x86-32",
        "x86-64",
    ],
};

#[rustfmt::skip]
pub(crate) const INDICATOR_TYPE: Vocabulary = Vocabulary {
    name: "indicator-type-ov",
    check: Check::INDICATOR_TYPES,
    formed: true,
    values: &[
        "anomalous-activity", "anonymization", "benign", "compromised", "malicious-activity", "attribution",
        "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const INDUSTRY_SECTOR: Vocabulary = Vocabulary {
    name: "industry-sector-ov",
    check: Check::INDUSTRY_SECTOR,
    formed: true,
    values: &[
        "agriculture", "aerospace", "automotive", "chemical", "commercial", "communications",
        "construction", "defense", "education", "energy", "entertainment", "financial-services",
        "government", "emergency-services", "government-local", "government-national",
        "government-public-services", "government-regional", "healthcare", "hospitality-leisure",
        "infrastructure", "dams", "nuclear", "water", "insurance", "manufacturing", "mining", "non-profit",
        "pharmaceuticals", "retail", "technology", "telecommunications", "transportation", "utilities",
    ],
};

#[rustfmt::skip]
pub(crate) const INFRASTRUCTURE_TYPE: Vocabulary = Vocabulary {
    name: "infrastructure-type-ov",
    check: Check::INFRASTRUCTURE_TYPES,
    formed: true,
    values: &[
        "amplification", "anonymization", "botnet", "command-and-control", "control-system", "exfiltration",
        "firewall", "hosting-malware", "hosting-target-lists", "phishing", "reconnaissance",
        "routers-switches", "staging", "workstation", "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const MALWARE_RESULT: Vocabulary = Vocabulary {
    name: "malware-result-ov",
    check: Check::MALWARE_RESULT,
    formed: true,
    values: &[
        "malicious", "suspicious", "benign", "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const MALWARE_TYPE: Vocabulary = Vocabulary {
    name: "malware-type-ov",
    check: Check::MALWARE_TYPES,
    formed: true,
    values: &[
        "adware", "backdoor", "bot", "bootkit", "ddos", "downloader", "dropper", "exploit-kit", "keylogger",
        "ransomware", "remote-access-trojan", "resource-exploitation", "rogue-security-software", "rootkit",
        "screen-capture", "spyware", "trojan", "unknown", "virus", "webshell", "wiper", "worm",
    ],
};

#[rustfmt::skip]
pub(crate) const MALWARE_CAPABILITIES: Vocabulary = Vocabulary {
    name: "malware-capabilities-ov",
    check: Check::MALWARE_CAPABILITIES,
    formed: true,
    values: &[
        "accesses-remote-machines", "anti-debugging", "anti-disassembly", "anti-emulation",
        "anti-memory-forensics", "anti-sandbox", "anti-vm", "captures-input-peripherals",
        "captures-output-peripherals", "captures-system-state-data", "cleans-traces-of-infection",
        "commits-fraud", "communicates-with-c2", "compromises-data-availability",
        "compromises-data-integrity", "compromises-system-availability", "controls-local-machine",
        "degrades-security-software", "degrades-system-updates", "determines-c2-server", "emails-spam",
        "escalates-privileges", "evades-av", "exfiltrates-data", "fingerprints-host", "hides-artifacts",
        "hides-executing-code", "infects-files", "infects-remote-machines", "installs-other-components",
        "persists-after-system-reboot", "prevents-artifact-access", "prevents-artifact-deletion",
        "probes-network-environment", "self-modifies", "steals-authentication-credentials",
        "violates-system-operational-integrity",
    ],
};

#[rustfmt::skip]
pub(crate) const INDICATOR_PATTERN: Vocabulary = Vocabulary {
    name: "pattern-type-ov",
    check: Check::INDICATOR_PATTERN_TYPES,
    formed: false,
    values: &[
        "stix", "pcre", "sigma", "snort", "suricata", "yara",
    ],
};

#[rustfmt::skip]
pub(crate) const PROCESSOR_ARCHITECTURE: Vocabulary = Vocabulary {
    name: "processor-architecture-ov",
    check: Check::PROCESSOR_ARCHITECTURE,
    formed: true,
    values: &[
        "alpha", "arm", "ia-64", "mips", "powerpc", "sparc", "x86", "x86-64",
    ],
};

#[rustfmt::skip]
pub(crate) const REGION: Vocabulary = Vocabulary {
    name: "region-ov",
    check: Check::REGION,
    formed: true,
    values: &[
        "africa", "eastern-africa", "middle-africa", "northern-africa", "southern-africa", "western-africa",
        "americas", "latin-america-caribbean", "south-america", "caribbean", "central-america",
        "northern-america", "asia", "central-asia", "eastern-asia", "southern-asia", "south-eastern-asia",
        "western-asia", "europe", "eastern-europe", "northern-europe", "southern-europe", "western-europe",
        "oceania", "australia-new-zealand", "melanesia", "micronesia", "polynesia", "antarctica",
    ],
};

#[rustfmt::skip]
pub(crate) const REPORT_TYPE: Vocabulary = Vocabulary {
    name: "report-type-ov",
    check: Check::REPORT_TYPES,
    formed: true,
    values: &[
        "threat-report", "attack-pattern", "campaign", "identity", "indicator", "intrusion-set", "malware",
        "observed-data", "threat-actor", "tool", "vulnerability",
    ],
};

#[rustfmt::skip]
pub(crate) const THREAT_ACTOR_TYPE: Vocabulary = Vocabulary {
    name: "threat-actor-type-ov",
    check: Check::THREAT_ACTOR_TYPES,
    formed: true,
    values: &[
        "activist", "competitor", "crime-syndicate", "criminal", "hacker", "insider-accidental",
        "insider-disgruntled", "nation-state", "sensationalist", "spy", "terrorist", "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const THREAT_ACTOR_ROLE: Vocabulary = Vocabulary {
    name: "threat-actor-role-ov",
    check: Check::THREAT_ACTOR_ROLE,
    formed: true,
    values: &[
        "agent", "director", "independent", "infrastructure-architect", "infrastructure-operator",
        "malware-author", "sponsor",
    ],
};

#[rustfmt::skip]
pub(crate) const THREAT_ACTOR_SOPHISTICATION: Vocabulary = Vocabulary {
    name: "threat-actor-sophistication-ov",
    check: Check::THREAT_ACTOR_SOPHISTICATION,
    formed: true,
    values: &[
        "none", "minimal", "intermediate", "advanced", "expert", "innovator", "strategic",
    ],
};

#[rustfmt::skip]
pub(crate) const TOOL_TYPE: Vocabulary = Vocabulary {
    name: "tool-type-ov",
    check: Check::TOOL_TYPES,
    formed: true,
    values: &[
        "denial-of-service", "exploitation", "information-gathering", "network-capture",
        "credential-exploitation", "remote-access", "vulnerability-scanning", "unknown",
    ],
};

#[rustfmt::skip]
pub(crate) const ACCOUNT_TYPE: Vocabulary = Vocabulary {
    name: "account-type-ov",
    check: Check::ACCOUNT_TYPE,
    formed: false,
    values: &[
        "unix", "windows-local", "windows-domain", "ldap", "tacacs", "radius", "nis", "openid", "facebook",
        "skype", "twitter", "kavi",
    ],
};

#[rustfmt::skip]
pub(crate) const WINDOWS_PEBINARY_TYPE: Vocabulary = Vocabulary {
    name: "windows-pebinary-type-ov",
    check: Check::WINDOWS_PEBINARY_TYPE,
    formed: false,
    values: &[
        "exe", "dll", "sys",
    ],
};

/// hash-algorithm-ov, clause 10.7.
#[rustfmt::skip]
pub(crate) const HASH_ALGORITHMS: &[&str] = &[
    "MD5", "SHA-1", "SHA-256", "SHA-512", "SHA3-256", "SHA3-512", "SSDEEP", "TLSH",
];

/// Keys of the PDF document information dictionary, ISO 32000-1 table 317.
#[rustfmt::skip]
pub(crate) const PDF_DOCUMENT_INFORMATION: &[&str] = &[
    "Title", "Author", "Subject", "Keywords", "Creator", "Producer", "CreationDate", "ModDate", "Trapped",
];

/// Request headers, of RFC 9110 and in common use.
#[rustfmt::skip]
pub(crate) const HTTP_REQUEST_HEADERS: &[&str] = &[
    "Accept", "Accept-Charset", "Accept-Datetime", "Accept-Encoding", "Accept-Language", "Authorization",
    "Cache-Control", "Connection", "Content-Length", "Content-MD5", "Content-Type", "Cookie", "DNT", "Date",
    "Expect", "Forwarded", "From", "Front-End-Https", "Host", "If-Match", "If-Modified-Since",
    "If-None-Match", "If-Range", "If-Unmodified-Since", "Max-Forwards", "Origin", "Pragma",
    "Proxy-Authorization", "Proxy-Connection", "Range", "Referer", "TE", "Upgrade", "User-Agent", "Via",
    "Warning", "X-ATT-DeviceId", "X-Correlation-ID", "X-Csrf-Token", "X-Forwarded-For", "X-Forwarded-Host",
    "X-Forwarded-Proto", "X-Http-Method-Override", "X-Request-ID", "X-Requested-With", "X-UIDH",
    "X-Wap-Profile",
];

/// Socket options of the systems in use. Sorted.
#[rustfmt::skip]
pub(crate) const SOCKET_OPTIONS: &[&str] = &[
    "ICMP6_FILTER", "IPV6_ADD_MEMBERSHIP", "IPV6_CHECKSUM", "IPV6_DONTFRAG", "IPV6_DROP_MEMBERSHIP",
    "IPV6_DSTOPTS", "IPV6_HDRINCL", "IPV6_HOPLIMIT", "IPV6_HOPOPTS", "IPV6_JOIN_GROUP", "IPV6_LEAVE_GROUP",
    "IPV6_MTU", "IPV6_MTU_DISCOVER", "IPV6_MULTICAST_HOPS", "IPV6_MULTICAST_IF", "IPV6_MULTICAST_LOOP",
    "IPV6_NEXTHOP", "IPV6_PATHMTU", "IPV6_PKTINFO", "IPV6_PROTECTION_LEVEL", "IPV6_RECVDSTOPTS",
    "IPV6_RECVHOPLIMIT", "IPV6_RECVHOPOPTS", "IPV6_RECVIF", "IPV6_RECVPATHMTU", "IPV6_RECVPKTINFO",
    "IPV6_RECVRTHDR", "IPV6_RECVTCLASS", "IPV6_RTHDR", "IPV6_TCLASS", "IPV6_UNICAST_HOPS",
    "IPV6_UNICAST_IF", "IPV6_UNICAT_HOPS", "IPV6_USE_MIN_MTU", "IPV6_V6ONLY", "IP_ADD_MEMBERSHIP",
    "IP_ADD_SOURCE_MEMBERSHIP", "IP_BIND_ADDRESS_NO_PORT", "IP_BLOCK_SOURCE", "IP_DONTFRAGMENT",
    "IP_DROP_MEMBERSHIP", "IP_DROP_SOURCE_MEMBERSHIP", "IP_FREEBIND", "IP_HDRINCL", "IP_MSFILTER", "IP_MTU",
    "IP_MTU_DISCOVER", "IP_MULTICAST_ALL", "IP_MULTICAST_IF", "IP_MULTICAST_LOOP", "IP_MULTICAST_TTL",
    "IP_NODEFRAG", "IP_OPTIONS", "IP_ORIGINAL_ARRIVAL_IF", "IP_PKTINFO", "IP_RECEIVE_BROADCAST",
    "IP_RECVDSTADDR", "IP_RECVERR", "IP_RECVIF", "IP_RECVOPTS", "IP_RECVORIGDSTADDR", "IP_RECVTOS",
    "IP_RECVTTL", "IP_RETOPTS", "IP_ROUTER_ALERT", "IP_TOS", "IP_TRANSPARENT", "IP_TTL",
    "IP_UNBLOCK_SOURCE", "IP_UNICAST_IF", "IP_WFP_REDIRECT_CONTEXT", "IP_WFP_REDIRECT_RECORDS",
    "IRLMP_9WIRE_MODE", "IRLMP_DISCOVERY_MODE", "IRLMP_ENUMDEVICES", "IRLMP_EXCLUSIVE_MODE",
    "IRLMP_IAS_QUERY", "IRLMP_IAS_SET", "IRLMP_IRLPT_MODE", "IRLMP_PARAMETERS", "IRLMP_SEND_PDU_LEN",
    "IRLMP_SHARP_MODE", "IRLMP_TINYTP_MODE", "MCAST_BLOCK_SOURCE", "MCAST_JOIN_GROUP",
    "MCAST_JOIN_SOURCE_GROUP", "MCAST_LEAVE_GROUP", "MCAST_LEAVE_SOURCE_GROUP", "MCAST_UNBLOCK_SOURCE",
    "SO_ACCEPTCONN", "SO_ATTACH_BPF", "SO_ATTACH_FILTER", "SO_ATTACH_REUSEPORT_CBPF", "SO_BINDTODEVICE",
    "SO_BROADCAST", "SO_BSDCOMPAT", "SO_BSP_STATE", "SO_BUSY_POLL", "SO_CONDITIONAL_ACCEPT",
    "SO_CONFIRM_NAME", "SO_CONNDATA", "SO_CONNDATALEN", "SO_CONNECT_TIME", "SO_CONNOPT", "SO_CONNOPTLEN",
    "SO_DEBUG", "SO_DEREGISTER_NAME", "SO_DETACH_FILTER", "SO_DISCDATA", "SO_DISCDATALEN", "SO_DISCOPT",
    "SO_DISCOPTLEN", "SO_DOMAIN", "SO_DONTLINGER", "SO_DONTROUTE", "SO_ERROR", "SO_EXCLUSIVEADDRUSE",
    "SO_GETLOCALZONES", "SO_GETMYZONE", "SO_GETNETINFO", "SO_GETZONELIST", "SO_GROUP_ID",
    "SO_GROUP_PRIORITY", "SO_INCOMING_CPU", "SO_KEEPALIVE", "SO_LINGER", "SO_LOOKUP_MYZONE",
    "SO_LOOKUP_NAME", "SO_LOOKUP_NETDEF_ON_ADAPTER", "SO_LOOKUP_ZONES", "SO_LOOKUP_ZONES_ON_ADAPTER",
    "SO_MARK", "SO_MAXDG", "SO_MAXPATHDG", "SO_MAX_MSG_SIZE", "SO_OOBINLINE", "SO_OPENTYPE",
    "SO_PAP_GET_SERVER_STATUS", "SO_PAP_PRIME_READ", "SO_PAP_SET_SERVER_STATUS", "SO_PASSCRED",
    "SO_PASSSEC", "SO_PAUSE_ACCEPT", "SO_PEEK_OFF", "SO_PEERCRED", "SO_PORT_SCALABILITY", "SO_PRIORITY",
    "SO_PROTOCOL", "SO_PROTOCOL_INFO", "SO_PROTOCOL_INFOA", "SO_PROTOCOL_INFOW", "SO_RANDOMIZE_PORT",
    "SO_RCVBUF", "SO_RCVBUFFORCE", "SO_RCVLOWAT", "SO_RCVTIMEO", "SO_REGISTER_NAME", "SO_REMOVE_NAME",
    "SO_REUSEADDR", "SO_REUSEPORT", "SO_REUSE_MULTICASTPORT", "SO_REUSE_UNICASTPORT", "SO_RXQ_OVFL",
    "SO_SNDBUF", "SO_SNDBUFFORCE", "SO_SNDLOWAT", "SO_SNDTIMEO", "SO_TIMESTAMP", "SO_TYPE",
    "SO_UPDATE_ACCEPT_CONTEXT", "SO_UPDATE_CONNECT_CONTEXT", "SO_USELOOPBACK", "TCP_BSDURGENT",
    "TCP_CONGESTION", "TCP_CORK", "TCP_DEFER_ACCEPT", "TCP_EXPEDITED_1122", "TCP_FASTOPEN", "TCP_INFO",
    "TCP_KEEPCNT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_LINGER2", "TCP_MAXRT", "TCP_MAXSEG", "TCP_NODELAY",
    "TCP_QUICKACK", "TCP_SYNCNT", "TCP_TIMESTAMPS", "TCP_USER_TIMEOUT", "TCP_WINDOW_CLAMP",
];

/// ISO 3166-1 alpha-2, with the codes that are reserved or were withdrawn. Sorted.
#[rustfmt::skip]
pub(crate) const COUNTRIES: &[&str] = &[
    "AC", "AD", "AE", "AF", "AG", "AI", "AL", "AM", "AN", "AO", "AP", "AQ", "AR", "AS", "AT", "AU", "AW",
    "AX", "AZ", "BA", "BB", "BD", "BE", "BF", "BG", "BH", "BI", "BJ", "BL", "BM", "BN", "BO", "BQ", "BR",
    "BS", "BT", "BU", "BV", "BW", "BX", "BY", "BZ", "CA", "CC", "CD", "CF", "CG", "CH", "CI", "CK", "CL",
    "CM", "CN", "CO", "CP", "CR", "CS", "CT", "CU", "CV", "CW", "CX", "CY", "CZ", "DD", "DE", "DG", "DJ",
    "DK", "DM", "DO", "DY", "DZ", "EA", "EC", "EE", "EF", "EG", "EH", "EM", "EP", "ER", "ES", "ET", "EU",
    "EV", "EW", "EZ", "FI", "FJ", "FK", "FL", "FM", "FO", "FQ", "FR", "FX", "GA", "GB", "GC", "GD", "GE",
    "GF", "GG", "GH", "GI", "GL", "GM", "GN", "GP", "GQ", "GR", "GS", "GT", "GU", "GW", "GY", "HK", "HM",
    "HN", "HR", "HT", "HU", "HV", "IB", "IC", "ID", "IE", "IL", "IM", "IN", "IO", "IQ", "IR", "IS", "IT",
    "JA", "JE", "JM", "JO", "JP", "JT", "KE", "KG", "KH", "KI", "KM", "KN", "KP", "KR", "KW", "KY", "KZ",
    "LA", "LB", "LC", "LF", "LI", "LK", "LR", "LS", "LT", "LU", "LV", "LY", "MA", "MC", "MD", "ME", "MF",
    "MG", "MH", "MI", "MK", "ML", "MM", "MN", "MO", "MP", "MQ", "MR", "MS", "MT", "MU", "MV", "MW", "MX",
    "MY", "MZ", "NA", "NC", "NE", "NF", "NG", "NH", "NI", "NL", "NO", "NP", "NQ", "NR", "NT", "NU", "NZ",
    "OA", "OM", "PA", "PC", "PE", "PF", "PG", "PH", "PI", "PK", "PL", "PM", "PN", "PR", "PS", "PT", "PU",
    "PW", "PY", "PZ", "QA", "RA", "RB", "RC", "RE", "RH", "RI", "RL", "RM", "RN", "RO", "RP", "RS", "RU",
    "RW", "SA", "SB", "SC", "SD", "SE", "SF", "SG", "SH", "SI", "SJ", "SK", "SL", "SM", "SN", "SO", "SR",
    "SS", "ST", "SU", "SV", "SX", "SY", "SZ", "TA", "TC", "TD", "TF", "TG", "TH", "TJ", "TK", "TL", "TM",
    "TN", "TO", "TP", "TR", "TT", "TV", "TW", "TZ", "UA", "UG", "UK", "UM", "UN", "US", "UY", "UZ", "VA",
    "VC", "VD", "VE", "VG", "VI", "VN", "VU", "WF", "WG", "WK", "WL", "WO", "WS", "WV", "YD", "YE", "YT",
    "YU", "YV", "ZA", "ZM", "ZR", "ZW",
];

/// Language tags in common use that are older than the registry of RFC 5646 or have three letters. Sorted.
#[rustfmt::skip]
pub(crate) const OLDER_LANGUAGE_TAGS: &[&str] = &[
    "en-CB", "kok", "kok-IN", "ns", "ns-ZA", "sr-Cyrl-SP", "sr-SP", "syr", "syr-SY",
];

/// ISO 639-1. Sorted.
#[rustfmt::skip]
pub(crate) const LANGUAGES: &[&str] = &[
    "aa", "ab", "ae", "af", "ak", "am", "an", "ar", "as", "av", "ay", "az", "ba", "be", "bg", "bh", "bi",
    "bm", "bn", "bo", "br", "bs", "ca", "ce", "ch", "co", "cr", "cs", "cu", "cv", "cy", "da", "de", "dv",
    "dz", "ee", "el", "en", "eo", "es", "et", "eu", "fa", "ff", "fi", "fj", "fo", "fr", "fy", "ga", "gd",
    "gl", "gn", "gu", "gv", "ha", "he", "hi", "ho", "hr", "ht", "hu", "hy", "hz", "ia", "id", "ie", "ig",
    "ii", "ik", "io", "is", "it", "iu", "ja", "jv", "ka", "kg", "ki", "kj", "kk", "kl", "km", "kn", "ko",
    "kr", "ks", "ku", "kv", "kw", "ky", "la", "lb", "lg", "li", "ln", "lo", "lt", "lu", "lv", "mg", "mh",
    "mi", "mk", "ml", "mn", "mr", "ms", "mt", "my", "na", "nb", "nd", "ne", "ng", "nl", "nn", "no", "nr",
    "nv", "ny", "oc", "oj", "om", "or", "os", "pa", "pi", "pl", "ps", "pt", "qu", "rm", "rn", "ro", "ru",
    "rw", "sa", "sc", "sd", "se", "sg", "si", "sk", "sl", "sm", "sn", "so", "sq", "sr", "ss", "st", "su",
    "sv", "sw", "ta", "te", "tg", "th", "ti", "tk", "tl", "tn", "to", "tr", "ts", "tt", "tw", "ty", "ug",
    "uk", "ur", "uz", "ve", "vi", "vo", "wa", "wo", "xh", "yi", "yo", "za", "zh", "zu",
];

/// ISO 639-2, both forms. Sorted.
#[rustfmt::skip]
pub(crate) const LANGUAGES_OF_THREE_LETTERS: &[&str] = &[
    "aar", "abk", "ace", "ach", "ada", "ady", "afa", "afh", "afr", "ain", "aka", "akk", "alb", "ale", "alg",
    "alt", "amh", "ang", "anp", "apa", "ara", "arc", "arg", "arm", "arn", "arp", "art", "arw", "asm", "ast",
    "ath", "aus", "ava", "ave", "awa", "aym", "aze", "bad", "bai", "bak", "bal", "bam", "ban", "baq", "bas",
    "bat", "bej", "bel", "bem", "ben", "ber", "bho", "bih", "bik", "bin", "bis", "bla", "bnt", "bod", "bos",
    "bra", "bre", "btk", "bua", "bug", "bul", "bur", "byn", "cad", "cai", "car", "cat", "cau", "ceb", "cel",
    "ces", "cha", "chb", "che", "chg", "chi", "chk", "chm", "chn", "cho", "chp", "chr", "chu", "chv", "chy",
    "cmc", "cop", "cor", "cos", "cpe", "cpf", "cpp", "cre", "crh", "crp", "csb", "cus", "cym", "cze", "dak",
    "dan", "dar", "day", "del", "den", "deu", "dgr", "din", "div", "doi", "dra", "dsb", "dua", "dum", "dut",
    "dyu", "dzo", "efi", "egy", "eka", "ell", "elx", "eng", "enm", "epo", "est", "eus", "ewe", "ewo", "fan",
    "fao", "fas", "fat", "fij", "fil", "fin", "fiu", "fon", "fra", "fre", "frm", "fro", "frr", "frs", "fry",
    "ful", "fur", "gaa", "gay", "gba", "gem", "geo", "ger", "gez", "gil", "gla", "gle", "glg", "glv", "gmh",
    "goh", "gon", "gor", "got", "grb", "grc", "gre", "grn", "gsw", "guj", "gwi", "hai", "hat", "hau", "haw",
    "heb", "her", "hil", "him", "hin", "hit", "hmn", "hmo", "hrv", "hsb", "hun", "hup", "hye", "iba", "ibo",
    "ice", "ido", "iii", "ijo", "iku", "ile", "ilo", "ina", "inc", "ind", "ine", "inh", "ipk", "ira", "iro",
    "isl", "ita", "jav", "jbo", "jpn", "jpr", "jrb", "kaa", "kab", "kac", "kal", "kam", "kan", "kar", "kas",
    "kat", "kau", "kaw", "kaz", "kbd", "kha", "khi", "khm", "kho", "kik", "kin", "kir", "kmb", "kok", "kom",
    "kon", "kor", "kos", "kpe", "krc", "krl", "kro", "kru", "kua", "kum", "kur", "kut", "lad", "lah", "lam",
    "lao", "lat", "lav", "lez", "lim", "lin", "lit", "lol", "loz", "ltz", "lua", "lub", "lug", "lui", "lun",
    "luo", "lus", "mac", "mad", "mag", "mah", "mai", "mak", "mal", "man", "mao", "map", "mar", "mas", "may",
    "mdf", "mdr", "men", "mga", "mic", "min", "mis", "mkd", "mkh", "mlg", "mlt", "mnc", "mni", "mno", "moh",
    "mon", "mos", "mri", "msa", "mul", "mun", "mus", "mwl", "mwr", "mya", "myn", "myv", "nah", "nai", "nap",
    "nau", "nav", "nbl", "nde", "ndo", "nds", "nep", "new", "nia", "nic", "niu", "nld", "nno", "nob", "nog",
    "non", "nor", "nqo", "nso", "nub", "nwc", "nya", "nym", "nyn", "nyo", "nzi", "oci", "oji", "ori", "orm",
    "osa", "oss", "ota", "oto", "paa", "pag", "pal", "pam", "pan", "pap", "pau", "peo", "per", "phi", "phn",
    "pli", "pol", "pon", "por", "pra", "pro", "pus", "qaa-qtz", "que", "raj", "rap", "rar", "roa", "roh",
    "rom", "ron", "rum", "run", "rup", "rus", "sad", "sag", "sah", "sai", "sal", "sam", "san", "sas", "sat",
    "scn", "sco", "sel", "sem", "sga", "sgn", "shn", "sid", "sin", "sio", "sit", "sla", "slk", "slo", "slv",
    "sma", "sme", "smi", "smj", "smn", "smo", "sms", "sna", "snd", "snk", "sog", "som", "son", "sot", "spa",
    "sqi", "srd", "srn", "srp", "srr", "ssa", "ssw", "suk", "sun", "sus", "sux", "swa", "swe", "syc", "syr",
    "tah", "tai", "tam", "tat", "tel", "tem", "ter", "tet", "tgk", "tgl", "tha", "tib", "tig", "tir", "tiv",
    "tkl", "tlh", "tli", "tmh", "tog", "ton", "tpi", "tsi", "tsn", "tso", "tuk", "tum", "tup", "tur", "tut",
    "tvl", "twi", "tyv", "udm", "uga", "uig", "ukr", "umb", "und", "urd", "uzb", "vai", "ven", "vie", "vol",
    "vot", "wak", "wal", "war", "was", "wel", "wen", "wln", "wol", "xal", "xho", "yao", "yap", "yid", "yor",
    "ypk", "zap", "zbl", "zen", "zgh", "zha", "zho", "znd", "zul", "zun", "zxx", "zza",
];
