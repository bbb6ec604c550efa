//! Cyber-observable objects and their extensions: STIX 2.1 clause 6. This file is data.

use super::rules_observable as rules;
use super::table::{COUNT, Class, Form, INTEGER, Kind, NUMBER, ObjectType, Property, Rule, Shape, TEXTS};
use super::table::{may, must, open};
use super::vocabulary as v;

const fn observable(
    name: &'static str,
    shape: Shape,
    extensions: &'static [(&'static str, &'static Shape)],
    relationships: &'static [(&'static str, &'static [&'static str])],
    contributing: &'static [&'static str],
) -> ObjectType {
    ObjectType { name, class: Class::Observable, shape, extensions, relationships, contributing }
}

const fn refs(kind: &'static Kind) -> Kind {
    Kind::List { of: kind, min: 1 }
}

const ARTIFACT: Kind = Kind::ObservableRef(&["artifact"]);
const FILE: Kind = Kind::ObservableRef(&["file"]);
const FILES: Kind = refs(&FILE);
const ADDRESS: Kind = Kind::ObservableRef(&["email-addr"]);
const ADDRESSES: Kind = refs(&ADDRESS);
const TRAFFIC: Kind = Kind::ObservableRef(&["network-traffic"]);
const TRAFFICS: Kind = refs(&TRAFFIC);
const ACCOUNT: Kind = Kind::ObservableRef(&["user-account"]);
const PROCESS: Kind = Kind::ObservableRef(&["process"]);
const PROCESSES: Kind = refs(&PROCESS);
const MACS: Kind = refs(&Kind::ObservableRef(&["mac-addr"]));
const SYSTEMS: Kind = refs(&Kind::ObservableRef(&["autonomous-system"]));
const ENDPOINT: Kind = Kind::ObservableRef(&["ipv4-addr", "ipv6-addr", "mac-addr", "domain-name"]);
const NAME: Property = must("name", Kind::Text);
const HASHES: Property = may("hashes", Kind::Hashes);
const PORT: Kind = Kind::Integer { min: 0, max: 65_535 };
const CTIME: Property = may("ctime", Kind::Timestamp);
const MTIME: Property = may("mtime", Kind::Timestamp);
const ATIME: Property = may("atime", Kind::Timestamp);
const IP_RELATIONSHIPS: &[(&str, &[&str])] =
    &[("resolves-to", &["mac-addr"]), ("belongs-to", &["autonomous-system"])];

pub(crate) static TYPES: &[ObjectType] = &[
    observable(
        "artifact",
        open(
            &[
                may("mime_type", Kind::Form(Form::MediaType)),
                may("payload_bin", Kind::Binary),
                may("url", Kind::Form(Form::Uri)),
                HASHES,
                may(
                    "encryption_algorithm",
                    Kind::Enum(&["AES-256-GCM", "ChaCha20-Poly1305", "mime-type-indicated"]),
                ),
                may("decryption_key", Kind::Text),
            ],
            &[
                Rule::OneOf(&["payload_bin", "url"]),
                Rule::Needs("url", "hashes"),
                Rule::Needs("decryption_key", "encryption_algorithm"),
            ],
        ),
        &[],
        &[],
        &["hashes", "payload_bin"],
    ),
    observable(
        "autonomous-system",
        open(&[must("number", INTEGER), may("name", Kind::Text), may("rir", Kind::Text)], &[]),
        &[],
        &[],
        &["number"],
    ),
    observable(
        "directory",
        open(
            &[
                must("path", Kind::Text),
                may("path_enc", Kind::Form(Form::CharacterSet)),
                CTIME,
                MTIME,
                ATIME,
                may("contains_refs", refs(&Kind::ObservableRef(&["file", "directory"]))),
            ],
            &[],
        ),
        &[],
        &[],
        &["path"],
    ),
    observable(
        "domain-name",
        open(
            &[
                must("value", Kind::Form(Form::HostName)),
                may(
                    "resolves_to_refs",
                    refs(&Kind::ObservableRef(&["ipv4-addr", "ipv6-addr", "domain-name"])),
                ),
            ],
            &[],
        ),
        &[],
        &[("resolves-to", &["domain-name", "ipv4-addr", "ipv6-addr"])],
        &["value"],
    ),
    observable(
        "email-addr",
        open(
            &[
                must("value", Kind::Form(Form::EmailAddress)),
                may("display_name", Kind::Text),
                may("belongs_to_ref", ACCOUNT),
            ],
            &[],
        ),
        &[],
        &[],
        &["value"],
    ),
    observable(
        "email-message",
        open(
            &[
                must("is_multipart", Kind::Bool),
                may("date", Kind::Timestamp),
                may("content_type", Kind::Text),
                may("from_ref", ADDRESS),
                may("sender_ref", ADDRESS),
                may("to_refs", ADDRESSES),
                may("cc_refs", ADDRESSES),
                may("bcc_refs", ADDRESSES),
                may("message_id", Kind::Text),
                may("subject", Kind::Text),
                may("received_lines", Kind::List { of: &Kind::Text, min: 1 }),
                may("additional_header_fields", Kind::Own(rules::additional_header_fields)),
                may("body", Kind::Text),
                may("body_multipart", refs(&Kind::Shape(&MIME_PART))),
                may("raw_email_ref", ARTIFACT),
            ],
            &[Rule::Own(rules::mail_body)],
        ),
        &[],
        &[],
        &["from_ref", "subject", "body"],
    ),
    observable(
        "file",
        open(
            &[
                HASHES,
                may("size", COUNT),
                may("name", Kind::Text),
                may("name_enc", Kind::Form(Form::CharacterSet)),
                may("magic_number_hex", Kind::Hex),
                may("mime_type", Kind::Text),
                CTIME,
                MTIME,
                ATIME,
                may("parent_directory_ref", Kind::ObservableRef(&["directory"])),
                may("contains_refs", refs(&Kind::ObservableRef(&[]))),
                may("content_ref", ARTIFACT),
            ],
            &[Rule::AnyOf(&["hashes", "name"]), Rule::Own(rules::file_media_type)],
        ),
        &[
            ("archive-ext", &ARCHIVE),
            ("ntfs-ext", &NTFS),
            ("pdf-ext", &PDF),
            ("raster-image-ext", &RASTER_IMAGE),
            ("windows-pebinary-ext", &PE_BINARY),
        ],
        &[],
        &["hashes", "name", "parent_directory_ref", "extensions"],
    ),
    observable(
        "ipv4-addr",
        open(
            &[
                must("value", Kind::Form(Form::Ipv4)),
                may("resolves_to_refs", MACS),
                may("belongs_to_refs", SYSTEMS),
            ],
            &[],
        ),
        &[],
        IP_RELATIONSHIPS,
        &["value"],
    ),
    observable(
        "ipv6-addr",
        open(
            &[
                must("value", Kind::Form(Form::Ipv6)),
                may("resolves_to_refs", MACS),
                may("belongs_to_refs", SYSTEMS),
            ],
            &[],
        ),
        &[],
        IP_RELATIONSHIPS,
        &["value"],
    ),
    observable("mac-addr", open(&[must("value", Kind::Form(Form::Mac))], &[]), &[], &[], &["value"]),
    observable("mutex", open(&[NAME], &[]), &[], &[], &["name"]),
    observable(
        "network-traffic",
        open(
            &[
                may("start", Kind::Timestamp),
                may("end", Kind::Timestamp),
                may("is_active", Kind::Bool),
                may("src_ref", ENDPOINT),
                may("dst_ref", ENDPOINT),
                may("src_port", PORT),
                may("dst_port", PORT),
                must("protocols", TEXTS),
                may("src_byte_count", INTEGER),
                may("dst_byte_count", INTEGER),
                may("src_packets", INTEGER),
                may("dst_packets", INTEGER),
                may("ipfix", Kind::DictionaryOf(&[Kind::Text, INTEGER])),
                may("src_payload_ref", ARTIFACT),
                may("dst_payload_ref", ARTIFACT),
                may("encapsulates_refs", TRAFFICS),
                may("encapsulated_by_ref", TRAFFIC),
            ],
            &[
                Rule::AnyOf(&["src_ref", "dst_ref"]),
                Rule::NotBefore("end", "start"),
                Rule::Own(rules::active_traffic_has_no_end),
                Rule::Own(rules::traffic),
            ],
        ),
        &[
            ("http-request-ext", &HTTP_REQUEST),
            ("icmp-ext", &ICMP),
            ("socket-ext", &SOCKET),
            ("tcp-ext", &TCP),
        ],
        &[],
        &["start", "end", "src_ref", "dst_ref", "src_port", "dst_port", "protocols", "extensions"],
    ),
    observable(
        "process",
        open(
            &[
                may("is_hidden", Kind::Bool),
                may("pid", INTEGER),
                may("created_time", Kind::Timestamp),
                may("cwd", Kind::Text),
                may("command_line", Kind::Text),
                may("environment_variables", Kind::Dictionary),
                may("opened_connection_refs", TRAFFICS),
                may("creator_user_ref", ACCOUNT),
                may("image_ref", FILE),
                may("parent_ref", PROCESS),
                may("child_refs", PROCESSES),
            ],
            &[
                Rule::AnyOf(&[
                    "extensions",
                    "is_hidden",
                    "pid",
                    "created_time",
                    "cwd",
                    "command_line",
                    "environment_variables",
                    "opened_connection_refs",
                    "creator_user_ref",
                    "image_ref",
                    "parent_ref",
                    "child_refs",
                ]),
                Rule::Own(rules::process_id),
            ],
        ),
        &[("windows-process-ext", &WINDOWS_PROCESS), ("windows-service-ext", &WINDOWS_SERVICE)],
        &[],
        &[],
    ),
    observable(
        "software",
        open(
            &[
                NAME,
                may("cpe", Kind::Form(Form::Cpe)),
                may("swid", Kind::Text),
                may("languages", refs(&Kind::Form(Form::SoftwareLanguage))),
                may("vendor", Kind::Text),
                may("version", Kind::Text),
            ],
            &[],
        ),
        &[],
        &[],
        &["name", "cpe", "swid", "vendor", "version"],
    ),
    observable("url", open(&[must("value", Kind::Form(Form::Uri))], &[]), &[], &[], &["value"]),
    observable(
        "user-account",
        open(
            &[
                may("user_id", Kind::Text),
                may("credential", Kind::Text),
                may("account_login", Kind::Text),
                may("account_type", Kind::Text).of(&v::ACCOUNT_TYPE),
                may("display_name", Kind::Text),
                may("is_service_account", Kind::Bool),
                may("is_privileged", Kind::Bool),
                may("can_escalate_privs", Kind::Bool),
                may("is_disabled", Kind::Bool),
                may("account_created", Kind::Timestamp),
                may("account_expires", Kind::Timestamp),
                may("credential_last_changed", Kind::Timestamp),
                may("account_first_login", Kind::Timestamp),
                may("account_last_login", Kind::Timestamp),
            ],
            &[Rule::AnyOf(&[
                "extensions",
                "user_id",
                "credential",
                "account_login",
                "account_type",
                "display_name",
                "is_service_account",
                "is_privileged",
                "can_escalate_privs",
                "is_disabled",
                "account_created",
                "account_expires",
                "credential_last_changed",
                "account_first_login",
                "account_last_login",
            ])],
        ),
        &[("unix-account-ext", &UNIX_ACCOUNT)],
        &[],
        &["account_type", "user_id", "account_login"],
    ),
    observable(
        "windows-registry-key",
        open(
            &[
                may("key", Kind::Own(rules::registry_key)),
                may("values", Kind::List { of: &Kind::Shape(&REGISTRY_VALUE), min: 1 }),
                may("modified_time", Kind::Timestamp),
                may("creator_user_ref", ACCOUNT),
                may("number_of_subkeys", INTEGER),
            ],
            &[Rule::AnyOf(&["key", "values", "modified_time", "creator_user_ref", "number_of_subkeys"])],
        ),
        &[],
        &[],
        &["key", "values"],
    ),
    observable(
        "x509-certificate",
        open(
            &[
                may("is_self_signed", Kind::Bool),
                HASHES,
                may("version", Kind::Text),
                may("serial_number", Kind::Text),
                may("signature_algorithm", Kind::Text),
                may("issuer", Kind::Text),
                may("validity_not_before", Kind::Timestamp),
                may("validity_not_after", Kind::Timestamp),
                may("subject", Kind::Text),
                may("subject_public_key_algorithm", Kind::Text),
                may("subject_public_key_modulus", Kind::Text),
                may("subject_public_key_exponent", INTEGER),
                may("x509_v3_extensions", Kind::Shape(&X509_V3)),
            ],
            &[Rule::AnyOf(&[
                "is_self_signed",
                "hashes",
                "version",
                "serial_number",
                "signature_algorithm",
                "issuer",
                "validity_not_before",
                "validity_not_after",
                "subject",
                "subject_public_key_algorithm",
                "subject_public_key_modulus",
                "subject_public_key_exponent",
                "x509_v3_extensions",
            ])],
        ),
        &[],
        &[],
        &["hashes", "serial_number"],
    ),
];

const MIME_PART: Shape = open(
    &[
        may("body", Kind::Text),
        may("body_raw_ref", Kind::ObservableRef(&["artifact", "file"])),
        may("content_type", Kind::Text),
        may("content_disposition", Kind::Text),
    ],
    &[Rule::OneOf(&["body", "body_raw_ref"])],
);

const REGISTRY_VALUE: Shape = open(
    &[
        may("name", Kind::Text),
        may("data", Kind::Text),
        may(
            "data_type",
            Kind::Enum(&[
                "REG_NONE",
                "REG_SZ",
                "REG_EXPAND_SZ",
                "REG_BINARY",
                "REG_DWORD",
                "REG_DWORD_BIG_ENDIAN",
                "REG_DWORD_LITTLE_ENDIAN",
                "REG_LINK",
                "REG_MULTI_SZ",
                "REG_RESOURCE_LIST",
                "REG_FULL_RESOURCE_DESCRIPTION",
                "REG_RESOURCE_REQUIREMENTS_LIST",
                "REG_QWORD",
                "REG_INVALID_TYPE",
            ]),
        ),
    ],
    &[Rule::AnyOf(&["name", "data", "data_type"])],
);

const X509_V3_NAMES: &[&str] = &[
    "basic_constraints",
    "name_constraints",
    "policy_constraints",
    "key_usage",
    "extended_key_usage",
    "subject_key_identifier",
    "authority_key_identifier",
    "subject_alternative_name",
    "issuer_alternative_name",
    "subject_directory_attributes",
    "crl_distribution_points",
    "inhibit_any_policy",
    "private_key_usage_period_not_before",
    "private_key_usage_period_not_after",
    "certificate_policies",
    "policy_mappings",
];

const X509_V3: Shape = open(
    &[
        may("basic_constraints", Kind::Text),
        may("name_constraints", Kind::Text),
        may("policy_constraints", Kind::Text),
        may("key_usage", Kind::Text),
        may("extended_key_usage", Kind::Text),
        may("subject_key_identifier", Kind::Text),
        may("authority_key_identifier", Kind::Text),
        may("subject_alternative_name", Kind::Text),
        may("issuer_alternative_name", Kind::Text),
        may("subject_directory_attributes", Kind::Text),
        may("crl_distribution_points", Kind::Text),
        may("inhibit_any_policy", Kind::Text),
        may("private_key_usage_period_not_before", Kind::Timestamp),
        may("private_key_usage_period_not_after", Kind::Timestamp),
        may("certificate_policies", Kind::Text),
        may("policy_mappings", Kind::Text),
    ],
    &[Rule::AnyOf(X509_V3_NAMES)],
);

const ARCHIVE: Shape = open(
    &[must("contains_refs", refs(&Kind::ObservableRef(&["file", "directory"]))), may("comment", Kind::Text)],
    &[],
);

const NTFS: Shape = open(
    &[may("sid", Kind::Text), may("alternate_data_streams", refs(&Kind::Shape(&DATA_STREAM)))],
    &[Rule::AnyOf(&["sid", "alternate_data_streams"])],
);

const DATA_STREAM: Shape = open(&[NAME, HASHES, may("size", COUNT)], &[]);

const PDF: Shape = open(
    &[
        may("version", Kind::Text),
        may("is_optimized", Kind::Bool),
        may("document_info_dict", Kind::Own(rules::pdf_document_information)),
        may("pdfid0", Kind::Text),
        may("pdfid1", Kind::Text),
    ],
    &[Rule::AnyOf(&["version", "is_optimized", "document_info_dict", "pdfid0", "pdfid1"])],
);

const RASTER_IMAGE: Shape = open(
    &[
        may("image_height", INTEGER),
        may("image_width", INTEGER),
        may("bits_per_pixel", INTEGER),
        may("exif_tags", Kind::Own(rules::exif_tags)),
    ],
    &[Rule::AnyOf(&["image_height", "image_width", "bits_per_pixel", "exif_tags"])],
);

const PE_BINARY: Shape = open(
    &[
        must("pe_type", Kind::Text).of(&v::WINDOWS_PEBINARY_TYPE),
        may("imphash", Kind::Text),
        may("machine_hex", Kind::Hex),
        may("number_of_sections", COUNT),
        may("time_date_stamp", Kind::WholeSeconds),
        may("pointer_to_symbol_table_hex", Kind::Hex),
        may("number_of_symbols", COUNT),
        may("size_of_optional_header", COUNT),
        may("characteristics_hex", Kind::Hex),
        may("file_header_hashes", Kind::Hashes),
        may("optional_header", Kind::Shape(&PE_OPTIONAL_HEADER)),
        may("sections", refs(&Kind::Shape(&PE_SECTION))),
    ],
    &[Rule::AnyOf(&[
        "imphash",
        "machine_hex",
        "number_of_sections",
        "time_date_stamp",
        "pointer_to_symbol_table_hex",
        "number_of_symbols",
        "size_of_optional_header",
        "characteristics_hex",
        "file_header_hashes",
        "optional_header",
        "sections",
    ])],
);

const PE_SECTION: Shape = open(&[NAME, may("size", COUNT), may("entropy", NUMBER), HASHES], &[]);

const PE_OPTIONAL_HEADER: Shape = Shape {
    open: false,
    rules: &[Rule::Own(rules::not_empty)],
    properties: &[
        may("magic_hex", Kind::Hex),
        may("major_linker_version", INTEGER),
        may("minor_linker_version", INTEGER),
        may("size_of_code", COUNT),
        may("size_of_initialized_data", COUNT),
        may("size_of_uninitialized_data", COUNT),
        may("address_of_entry_point", INTEGER),
        may("base_of_code", INTEGER),
        may("base_of_data", INTEGER),
        may("image_base", INTEGER),
        may("section_alignment", INTEGER),
        may("file_alignment", INTEGER),
        may("major_os_version", INTEGER),
        may("minor_os_version", INTEGER),
        may("major_image_version", INTEGER),
        may("minor_image_version", INTEGER),
        may("major_subsystem_version", INTEGER),
        may("minor_subsystem_version", INTEGER),
        may("win32_version_value_hex", Kind::Hex),
        may("size_of_image", COUNT),
        may("size_of_headers", COUNT),
        may("checksum_hex", Kind::Hex),
        may("subsystem_hex", Kind::Hex),
        may("dll_characteristics_hex", Kind::Hex),
        may("size_of_stack_reserve", COUNT),
        may("size_of_stack_commit", COUNT),
        may("size_of_heap_reserve", COUNT),
        may("size_of_heap_commit", COUNT),
        may("loader_flags_hex", Kind::Hex),
        may("number_of_rva_and_sizes", INTEGER),
        HASHES,
    ],
};

const HTTP_REQUEST: Shape = open(
    &[
        must("request_method", Kind::Text),
        must("request_value", Kind::Text),
        may("request_version", Kind::Text),
        may("request_header", Kind::Own(rules::request_header)),
        may("message_body_length", INTEGER),
        may("message_body_data_ref", ARTIFACT),
    ],
    &[],
);

const ICMP: Shape = open(&[must("icmp_type_hex", Kind::Hex), must("icmp_code_hex", Kind::Hex)], &[]);

const SOCKET: Shape = open(
    &[
        must(
            "address_family",
            Kind::Enum(&[
                "AF_UNSPEC",
                "AF_INET",
                "AF_IPX",
                "AF_APPLETALK",
                "AF_NETBIOS",
                "AF_INET6",
                "AF_IRDA",
                "AF_BTH",
            ]),
        ),
        may("is_blocking", Kind::Bool),
        may("is_listening", Kind::Bool),
        may("options", Kind::Own(rules::socket_options)),
        may(
            "socket_type",
            Kind::Enum(&["SOCK_STREAM", "SOCK_DGRAM", "SOCK_RAW", "SOCK_RDM", "SOCK_SEQPACKET"]),
        ),
        may("socket_descriptor", COUNT),
        may("socket_handle", INTEGER),
    ],
    &[],
);

const TCP: Shape = open(
    &[may("src_flags_hex", Kind::Hex), may("dst_flags_hex", Kind::Hex)],
    &[Rule::AnyOf(&["src_flags_hex", "dst_flags_hex"])],
);

const WINDOWS_PROCESS: Shape = open(
    &[
        may("aslr_enabled", Kind::Bool),
        may("dep_enabled", Kind::Bool),
        may("priority", Kind::Own(rules::process_priority)),
        may("owner_sid", Kind::Text),
        may("window_title", Kind::Text),
        may("startup_info", Kind::Own(rules::startup_info)),
        may("integrity_level", Kind::Enum(&["low", "medium", "high", "system"])),
    ],
    &[Rule::AnyOf(&[
        "aslr_enabled",
        "dep_enabled",
        "priority",
        "owner_sid",
        "window_title",
        "startup_info",
        "integrity_level",
    ])],
);

const WINDOWS_SERVICE: Shape = open(
    &[
        may("service_name", Kind::Text),
        may("descriptions", TEXTS),
        may("display_name", Kind::Text),
        may("group_name", Kind::Text),
        may(
            "start_type",
            Kind::Enum(&[
                "SERVICE_AUTO_START",
                "SERVICE_BOOT_START",
                "SERVICE_DEMAND_START",
                "SERVICE_DISABLED",
                "SERVICE_SYSTEM_ALERT",
            ]),
        ),
        may("service_dll_refs", FILES),
        may(
            "service_type",
            Kind::Enum(&[
                "SERVICE_KERNEL_DRIVER",
                "SERVICE_FILE_SYSTEM_DRIVER",
                "SERVICE_WIN32_OWN_PROCESS",
                "SERVICE_WIN32_SHARE_PROCESS",
            ]),
        ),
        may(
            "service_status",
            Kind::Enum(&[
                "SERVICE_CONTINUE_PENDING",
                "SERVICE_PAUSE_PENDING",
                "SERVICE_PAUSED",
                "SERVICE_RUNNING",
                "SERVICE_START_PENDING",
                "SERVICE_STOP_PENDING",
                "SERVICE_STOPPED",
            ]),
        ),
    ],
    &[Rule::AnyOf(&[
        "service_name",
        "descriptions",
        "display_name",
        "group_name",
        "start_type",
        "service_dll_refs",
        "service_type",
        "service_status",
    ])],
);

const UNIX_ACCOUNT: Shape = open(
    &[may("gid", NUMBER), may("groups", TEXTS), may("home_dir", Kind::Text), may("shell", Kind::Text)],
    &[Rule::AnyOf(&["gid", "groups", "home_dir", "shell"])],
);
