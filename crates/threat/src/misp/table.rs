//! What types of attributes and relations of objects are in STIX: paths of cyber-observables, as patterns write them.
//!
//! One table serves both ways, patterns and observables. A path here has no indices: which of its steps are lists
//! [`is_list`] says.

/// An attribute type of MISP.
pub(super) struct AttributeType {
    pub(super) name: &'static str,
    /// The category that an attribute of this type has when STIX does not say one.
    pub(super) category: &'static str,
    /// A path for each part of the value.
    pub(super) paths: &'static [&'static str],
    /// Whether an observable can be made of it; some are only ever in patterns.
    pub(super) observable: bool,
}

const fn row(name: &'static str, category: &'static str, paths: &'static [&'static str]) -> AttributeType {
    AttributeType { name, category, paths, observable: true }
}

const fn pattern_only(
    name: &'static str,
    category: &'static str,
    paths: &'static [&'static str],
) -> AttributeType {
    AttributeType { name, category, paths, observable: false }
}

const NETWORK: &str = "Network activity";
const PAYLOAD: &str = "Payload delivery";
const ARTIFACTS: &str = "Artifacts dropped";

/// Of several types with the same paths the first is taken on the way back, when no label says which.
#[rustfmt::skip]
pub(super) const ATTRIBUTES: &[AttributeType] = &[
    row("ip-dst", NETWORK, &["network-traffic:dst_ref.value"]),
    row("ip-src", NETWORK, &["network-traffic:src_ref.value"]),
    row("ip-dst|port", NETWORK, &["network-traffic:dst_ref.value", "network-traffic:dst_port"]),
    row("ip-src|port", NETWORK, &["network-traffic:src_ref.value", "network-traffic:src_port"]),
    row("hostname|port", NETWORK, &["network-traffic:dst_ref.value", "network-traffic:dst_port"]),
    row("domain", NETWORK, &["domain-name:value"]),
    row("hostname", NETWORK, &["domain-name:value"]),
    row("domain|ip", NETWORK, &["domain-name:value", "domain-name:resolves_to_refs.value"]),
    row("url", NETWORK, &["url:value"]),
    row("uri", NETWORK, &["url:value"]),
    row("link", "External analysis", &["url:value"]),
    row("AS", NETWORK, &["autonomous-system:number"]),
    row("mac-address", NETWORK, &["mac-addr:value"]),
    pattern_only("port", NETWORK, &["network-traffic:dst_port"]),
    pattern_only("user-agent", NETWORK, &["network-traffic:extensions.http-request-ext.request_header.User-Agent"]),
    pattern_only("http-method", NETWORK, &["network-traffic:extensions.http-request-ext.request_method"]),
    row("email", "Social network", &["email-addr:value"]),
    row("email-src", PAYLOAD, &["email-message:from_ref.value"]),
    row("email-dst", PAYLOAD, &["email-message:to_refs.value"]),
    row("email-subject", PAYLOAD, &["email-message:subject"]),
    row("email-attachment", PAYLOAD, &["email-message:body_multipart.body_raw_ref.name"]),
    row("email-message-id", PAYLOAD, &["email-message:message_id"]),
    row("email-body", PAYLOAD, &["email-message:body"]),
    row("email-header", PAYLOAD, &["email-message:received_lines"]),
    row("email-reply-to", PAYLOAD, &["email-message:additional_header_fields.Reply-To"]),
    row("email-x-mailer", PAYLOAD, &["email-message:additional_header_fields.X-Mailer"]),
    row("filename", PAYLOAD, &["file:name"]),
    pattern_only("size-in-bytes", "Other", &["file:size"]),
    row("mutex", ARTIFACTS, &["mutex:name"]),
    row("regkey", "Persistence mechanism", &["windows-registry-key:key"]),
    row("regkey|value", "Persistence mechanism", &["windows-registry-key:key", "windows-registry-key:values.data"]),
    row("github-username", "Social network", &["user-account:account_login", "user-account:account_type"]),
    row("x509-fingerprint-md5", NETWORK, &["x509-certificate:hashes.MD5"]),
    row("x509-fingerprint-sha1", NETWORK, &["x509-certificate:hashes.SHA-1"]),
    row("x509-fingerprint-sha256", NETWORK, &["x509-certificate:hashes.SHA-256"]),
];

/// Hashes of files: the type, the name of STIX in objects, the name in patterns as misp-stix spells it, and the number
/// of hexadecimal digits; 0 when it is no plain digest.
#[rustfmt::skip]
pub(super) const HASHES: &[(&str, &str, &str, usize)] = &[
    ("md5", "MD5", "MD5", 32),
    ("sha1", "SHA-1", "SHA-1", 40),
    ("sha256", "SHA-256", "SHA-256", 64),
    ("sha512", "SHA-512", "SHA-512", 128),
    ("sha224", "SHA224", "SHA-224", 56),
    ("sha384", "SHA384", "SHA-384", 96),
    ("sha512/224", "SHA224", "SHA-224", 56),
    ("sha512/256", "SHA-256", "SHA-256", 64),
    ("sha3-224", "SHA3-224", "SHA3-224", 56),
    ("sha3-256", "SHA3-256", "SHA3-256", 64),
    ("sha3-384", "SHA3-384", "SHA3-384", 96),
    ("sha3-512", "SHA3-512", "SHA3-512", 128),
    ("ssdeep", "SSDEEP", "SSDEEP", 0),
    ("tlsh", "TLSH", "TLSH", 0),
    ("imphash", "IMPHASH", "IMPHASH", 32),
    ("impfuzzy", "IMPFUZZY", "IMPFUZZY", 0),
    ("pehash", "PEHASH", "PEHASH", 40),
    ("authentihash", "AUTHENTIHASH", "AUTHENTIHASH", 64),
    ("vhash", "VHASH", "VHASH", 0),
];

/// Languages of patterns other than STIX: the type of the attribute is the `pattern_type`.
pub(super) const RULES: &[&str] = &["yara", "sigma", "snort", "suricata"];

/// A relation of an object: its name, the type of its attribute, and its path.
pub(super) type Relation = (&'static str, &'static str, &'static str);

/// The relations of an object that is an observable.
pub(super) struct ObjectType {
    pub(super) name: &'static str,
    pub(super) meta_category: &'static str,
    /// The type of STIX.
    pub(super) observable: &'static str,
    pub(super) relations: &'static [Relation],
}

/// Objects that are observables. Of several with the same observable the first is taken on the way back, when no label
/// says which.
#[rustfmt::skip]
pub(super) const OBJECTS: &[ObjectType] = &[
    ObjectType { name: "file", meta_category: "file", observable: "file", relations: &[
        ("filename", "filename", "name"), ("size-in-bytes", "size-in-bytes", "size"), ("mimetype", "mime-type", "mime_type"),
        ("mime-type", "mime-type", "mime_type"), ("file-encoding", "text", "name_enc"),
        ("path", "text", "parent_directory_ref.path"), ("access-time", "datetime", "atime"),
        ("creation-time", "datetime", "ctime"), ("modification-time", "datetime", "mtime"),
    ] },
    ObjectType { name: "domain-ip", meta_category: "network", observable: "domain-name", relations: &[
        ("domain", "domain", "value"), ("ip", "ip-dst", "resolves_to_refs.value"),
    ] },
    ObjectType { name: "network-connection", meta_category: "network", observable: "network-traffic", relations: &[
        ("ip-src", "ip-src", "src_ref.value"), ("ip-dst", "ip-dst", "dst_ref.value"),
        ("hostname-src", "hostname", "src_ref.value"), ("hostname-dst", "hostname", "dst_ref.value"),
        ("src-port", "port", "src_port"), ("dst-port", "port", "dst_port"),
        ("layer3-protocol", "text", "protocols"), ("layer4-protocol", "text", "protocols"),
        ("layer7-protocol", "text", "protocols"), ("first-packet-seen", "datetime", "start"),
    ] },
    ObjectType { name: "ip-port", meta_category: "network", observable: "network-traffic", relations: &[
        ("ip", "ip-dst", "dst_ref.value"), ("ip-dst", "ip-dst", "dst_ref.value"), ("ip-src", "ip-src", "src_ref.value"),
        ("domain", "domain", "dst_ref.value"), ("hostname", "hostname", "dst_ref.value"),
        ("dst-port", "port", "dst_port"), ("src-port", "port", "src_port"), ("protocol", "text", "protocols"),
        ("first-seen", "datetime", "start"), ("last-seen", "datetime", "end"),
    ] },
    ObjectType { name: "netflow", meta_category: "network", observable: "network-traffic", relations: &[
        ("ip-src", "ip-src", "src_ref.value"), ("ip-dst", "ip-dst", "dst_ref.value"), ("src-port", "port", "src_port"),
        ("dst-port", "port", "dst_port"), ("protocol", "text", "protocols"), ("byte-count", "counter", "src_byte_count"),
        ("packet-count", "counter", "src_packets"), ("first-packet-seen", "datetime", "start"),
        ("last-packet-seen", "datetime", "end"),
    ] },
    ObjectType { name: "http-request", meta_category: "network", observable: "network-traffic", relations: &[
        ("ip-src", "ip-src", "src_ref.value"), ("ip-dst", "ip-dst", "dst_ref.value"), ("host", "hostname", "dst_ref.value"),
        ("method", "http-method", "extensions.http-request-ext.request_method"),
        ("uri", "uri", "extensions.http-request-ext.request_value"),
        ("url", "url", "extensions.http-request-ext.request_value"),
        ("user-agent", "user-agent", "extensions.http-request-ext.request_header.User-Agent"),
        ("content-type", "other", "extensions.http-request-ext.request_header.Content-Type"),
        ("cookie", "cookie", "extensions.http-request-ext.request_header.Cookie"),
        ("referer", "other", "extensions.http-request-ext.request_header.Referer"),
    ] },
    ObjectType { name: "url", meta_category: "network", observable: "url", relations: &[("url", "url", "value")] },
    ObjectType { name: "email", meta_category: "network", observable: "email-message", relations: &[
        ("from", "email-src", "from_ref.value"), ("to", "email-dst", "to_refs.value"), ("cc", "email-dst", "cc_refs.value"),
        ("bcc", "email-dst", "bcc_refs.value"), ("subject", "email-subject", "subject"),
        ("message-id", "email-message-id", "message_id"), ("email-body", "email-body", "body"),
        ("send-date", "datetime", "date"), ("reply-to", "email-reply-to", "additional_header_fields.Reply-To"),
        ("x-mailer", "email-x-mailer", "additional_header_fields.X-Mailer"),
        ("attachment", "email-attachment", "body_multipart.body_raw_ref.name"),
        ("received-header", "email-header", "received_lines"),
    ] },
    ObjectType { name: "process", meta_category: "misc", observable: "process", relations: &[
        ("pid", "text", "pid"), ("command-line", "text", "command_line"), ("current-directory", "text", "cwd"),
        ("creation-time", "datetime", "created_time"), ("hidden", "boolean", "is_hidden"), ("image", "filename", "image_ref.name"),
        ("parent-pid", "text", "parent_ref.pid"), ("parent-command-line", "text", "parent_ref.command_line"),
        ("child-pid", "text", "child_refs.pid"),
    ] },
    ObjectType { name: "registry-key", meta_category: "file", observable: "windows-registry-key", relations: &[
        ("key", "regkey", "key"), ("data", "text", "values.data"), ("data-type", "text", "values.data_type"),
        ("name", "text", "values.name"), ("last-modified", "datetime", "modified_time"),
    ] },
    ObjectType { name: "x509", meta_category: "network", observable: "x509-certificate", relations: &[
        ("x509-fingerprint-md5", "x509-fingerprint-md5", "hashes.MD5"),
        ("x509-fingerprint-sha1", "x509-fingerprint-sha1", "hashes.SHA-1"),
        ("x509-fingerprint-sha256", "x509-fingerprint-sha256", "hashes.SHA-256"), ("issuer", "text", "issuer"),
        ("subject", "text", "subject"), ("serial-number", "text", "serial_number"), ("version", "text", "version"),
        ("signature_algorithm", "text", "signature_algorithm"),
        ("pubkey-info-algorithm", "text", "subject_public_key_algorithm"),
        ("pubkey-info-exponent", "text", "subject_public_key_exponent"),
        ("pubkey-info-modulus", "text", "subject_public_key_modulus"),
        ("validity-not-before", "datetime", "validity_not_before"), ("validity-not-after", "datetime", "validity_not_after"),
    ] },
    ObjectType { name: "asn", meta_category: "network", observable: "autonomous-system", relations: &[
        ("asn", "AS", "number"), ("description", "text", "name"),
    ] },
    ObjectType { name: "mutex", meta_category: "misc", observable: "mutex", relations: &[("name", "mutex", "name")] },
    ObjectType { name: "user-account", meta_category: "misc", observable: "user-account", relations: &[
        ("username", "text", "account_login"), ("user-id", "text", "user_id"), ("display-name", "text", "display_name"),
        ("account-type", "text", "account_type"), ("password", "text", "credential"), ("disabled", "boolean", "is_disabled"),
        ("group", "text", "extensions.unix-account-ext.groups"), ("home_dir", "text", "extensions.unix-account-ext.home_dir"),
        ("shell", "text", "extensions.unix-account-ext.shell"), ("created", "datetime", "account_created"),
        ("expires", "datetime", "account_expires"), ("first_login", "datetime", "account_first_login"),
        ("last_login", "datetime", "account_last_login"),
        ("password_last_changed", "datetime", "credential_last_changed"),
    ] },
    ObjectType { name: "credential", meta_category: "misc", observable: "user-account", relations: &[
        ("username", "text", "user_id"), ("password", "text", "credential"),
    ] },
    ObjectType { name: "directory", meta_category: "file", observable: "directory", relations: &[
        ("path", "text", "path"), ("path-encoding", "text", "path_enc"),
    ] },
    ObjectType { name: "pe", meta_category: "file", observable: "file", relations: &[
        ("imphash", "imphash", "extensions.windows-pebinary-ext.imphash"),
        ("type", "text", "extensions.windows-pebinary-ext.pe_type"),
        ("number-sections", "counter", "extensions.windows-pebinary-ext.number_of_sections"),
        ("entrypoint-address", "text", "extensions.windows-pebinary-ext.optional_header.address_of_entry_point"),
    ] },
];

/// Objects that are domain objects of STIX: the name, the category, the type of STIX, and relations to properties.
#[rustfmt::skip]
pub(super) const DOMAIN_OBJECTS: &[ObjectType] = &[
    ObjectType { name: "vulnerability", meta_category: "vulnerability", observable: "vulnerability", relations: &[
        ("id", "vulnerability", "name"), ("summary", "text", "description"), ("description", "text", "description"),
    ] },
    ObjectType { name: "attack-pattern", meta_category: "vulnerability", observable: "attack-pattern", relations: &[
        ("name", "text", "name"), ("summary", "text", "description"),
    ] },
    ObjectType { name: "course-of-action", meta_category: "misc", observable: "course-of-action", relations: &[
        ("name", "text", "name"), ("description", "text", "description"),
    ] },
    ObjectType { name: "organization", meta_category: "misc", observable: "identity", relations: &[
        ("name", "text", "name"), ("description", "text", "description"), ("role", "text", "roles"),
    ] },
    ObjectType { name: "person", meta_category: "misc", observable: "identity", relations: &[
        ("full-name", "full-name", "name"), ("text", "text", "description"), ("role", "text", "roles"),
    ] },
    ObjectType { name: "geolocation", meta_category: "misc", observable: "location", relations: &[
        ("city", "text", "city"), ("countrycode", "text", "country"), ("latitude", "float", "latitude"),
        ("longitude", "float", "longitude"), ("region", "text", "region"), ("address", "text", "street_address"),
        ("zipcode", "text", "postal_code"), ("text", "text", "description"),
    ] },
];

/// Objects that are rules: the name, the relation with the rule, and the one with its name.
pub(super) const RULE_OBJECTS: &[(&str, &str, &str)] = &[
    ("yara", "yara", "yara-rule-name"),
    ("sigma", "sigma", "sigma-rule-name"),
    ("suricata", "suricata", "ref"),
];

/// Which STIX type the clusters of a galaxy are, by the end of the galaxy's type; the first that fits.
#[rustfmt::skip]
const GALAXIES: &[(&str, &str)] = &[
    ("attack-pattern", "attack-pattern"), ("course-of-action", "course-of-action"), ("intrusion-set", "intrusion-set"),
    ("threat-actor", "threat-actor"), ("microsoft-activity-group", "threat-actor"), ("malware", "malware"),
    ("malpedia", "malware"), ("ransomware", "malware"), ("backdoor", "malware"), ("banker", "malware"), ("botnet", "malware"),
    ("cryptominers", "malware"), ("stealer", "malware"), ("android", "malware"), ("rat", "malware"),
    ("exploit-kit", "tool"), ("tool", "tool"), ("campaign", "campaign"), ("branded-vulnerability", "vulnerability"),
    ("vulnerability", "vulnerability"), ("sector", "identity"), ("sparta-techniques", "attack-pattern"),
    ("sparta-countermeasures", "course-of-action"), ("country", "location"), ("region", "location"),
];

/// The STIX type of the clusters of a galaxy.
pub(super) fn galaxy_type(kind: &str) -> Option<&'static str> {
    let fits = |end: &str| kind == end || kind.strip_suffix(end).is_some_and(|head| head.ends_with('-'));
    GALAXIES.iter().find(|(end, _)| fits(end)).map(|(_, stix)| *stix)
}

/// The paths of an attribute type with the kind of STIX object, hashes and composite types among them. `in_pattern`
/// chooses the spelling of hashes.
pub(super) fn paths_of(kind: &str, in_pattern: bool) -> Option<Vec<String>> {
    if let Some(found) = ATTRIBUTES.iter().find(|one| one.name == kind) {
        return Some(found.paths.iter().map(|path| (*path).to_owned()).collect());
    }
    let (file, hash) = match kind.split_once('|') {
        Some(("filename", hash)) => (true, hash),
        Some(_) => return None,
        None => (false, kind),
    };
    let (_, in_object, pattern, _) = HASHES.iter().find(|(name, ..)| *name == hash)?;
    let hash = format!("file:hashes.{}", if in_pattern { pattern } else { in_object });
    Some(if file { vec!["file:name".to_owned(), hash] } else { vec![hash] })
}

/// Whether an observable can be made of an attribute of this type.
pub(super) fn is_observable(kind: &str) -> bool {
    ATTRIBUTES.iter().find(|one| one.name == kind).is_none_or(|one| one.observable)
}

/// The type of attribute that has exactly these paths.
pub(super) fn attribute_of_paths(paths: &[&str]) -> Option<String> {
    if let Some(found) = ATTRIBUTES.iter().find(|one| one.paths == paths) {
        return Some(found.name.to_owned());
    }
    let hash = |path: &str| {
        let name = path.strip_prefix("file:hashes.")?;
        hash_of_name(name)
    };
    match paths {
        [one] => hash(one).map(str::to_owned),
        ["file:name", second] => hash(second).map(|hash| format!("filename|{hash}")),
        _ => None,
    }
}

/// The type of a hash by a name of STIX.
pub(super) fn hash_of_name(name: &str) -> Option<&'static str> {
    let same = |known: &str| known.eq_ignore_ascii_case(name);
    HASHES.iter().find(|(_, object, pattern, _)| same(object) || same(pattern)).map(|(kind, ..)| *kind)
}

/// The category of an attribute when STIX does not say it.
pub(super) fn category_of(kind: &str) -> &'static str {
    match kind {
        "vulnerability" | "link" | "text" | "comment" => "External analysis",
        "datetime" | "counter" | "float" | "boolean" | "size-in-bytes" | "other" => "Other",
        "campaign-name" => "Attribution",
        "full-name" => "Person",
        _ => ATTRIBUTES.iter().find(|one| one.name == kind).map_or(PAYLOAD, |one| one.category),
    }
}

/// Whether the property is a list.
pub(super) fn is_list(key: &str) -> bool {
    key.ends_with("_refs")
        || matches!(key, "body_multipart" | "received_lines" | "values" | "protocols" | "groups" | "roles")
}

/// What a property of an observable holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Text,
    Integer,
    Number,
    Flag,
    Time,
}

/// What the property at the end of a path holds.
pub(super) fn holds(key: &str) -> Holds {
    match key {
        "src_port"
        | "dst_port"
        | "number"
        | "size"
        | "pid"
        | "src_byte_count"
        | "src_packets"
        | "number_of_sections"
        | "address_of_entry_point"
        | "subject_public_key_exponent" => Holds::Integer,
        "latitude" | "longitude" => Holds::Number,
        "is_hidden" | "is_disabled" | "is_multipart" => Holds::Flag,
        "start"
        | "end"
        | "date"
        | "atime"
        | "ctime"
        | "mtime"
        | "modified_time"
        | "validity_not_before"
        | "validity_not_after"
        | "created_time"
        | "account_created"
        | "account_expires"
        | "account_first_login"
        | "account_last_login"
        | "credential_last_changed" => Holds::Time,
        _ => Holds::Text,
    }
}
