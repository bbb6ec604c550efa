//! Domain and relationship objects: STIX 2.1 clauses 4 and 5. This file is data.

use super::table::{Class, Form, Kind, NUMBER, ObjectType, Property, REFS, Rule, Shape, TEXTS};
use super::table::{may, must, open};
use super::vocabulary as v;
use super::{rules, rules_observable};

const NAME: Property = must("name", Kind::Text);
const MAY_NAME: Property = may("name", Kind::Text);
const DESCRIPTION: Property = may("description", Kind::Text);
const ALIASES: Property = may("aliases", TEXTS);
const FIRST_SEEN: Property = may("first_seen", Kind::Timestamp);
const LAST_SEEN: Property = may("last_seen", Kind::Timestamp);
const PHASES: Property = may("kill_chain_phases", Kind::List { of: &Kind::Shape(&KILL_CHAIN_PHASE), min: 1 });
const SEEN: Rule = Rule::NotBefore("last_seen", "first_seen");
const SOFTWARE: &[&str] = &["software"];
const NO_END: &[&str] = &["relationship", "sighting", "bundle", "marking-definition", "language-content"];

/// Clause 2.11.
const KILL_CHAIN_PHASE: Shape = open(
    &[must("kill_chain_name", Kind::Text), must("phase_name", Kind::Text)],
    &[Rule::Own(rules::kill_chain_names)],
);

const fn domain(name: &'static str, shape: Shape, relationships: Relationships) -> ObjectType {
    ObjectType { name, class: Class::Domain, shape, extensions: &[], relationships, contributing: &[] }
}

const fn relation(name: &'static str, shape: Shape) -> ObjectType {
    ObjectType {
        name,
        class: Class::Relationship,
        shape,
        extensions: &[],
        relationships: &[],
        contributing: &[],
    }
}

type Relationships = &'static [(&'static str, &'static [&'static str])];

const HURT: &[&str] = &["identity", "location", "vulnerability"];
const MEANS: &[&str] = &["attack-pattern", "infrastructure", "malware", "tool"];
const PLACE: &[&str] = &["location"];
const INFRASTRUCTURE: &[&str] = &["infrastructure"];
const MALWARE: &[&str] = &["malware"];
const CONTACTS: &[&str] = &["ipv4-addr", "ipv6-addr", "domain-name", "url"];
const DROPPED: &[&str] = &["malware", "file", "tool"];
const PARTS: &[&str] = &[
    "infrastructure",
    "observed-data",
    "artifact",
    "autonomous-system",
    "directory",
    "domain-name",
    "email-addr",
    "email-message",
    "file",
    "ipv4-addr",
    "ipv6-addr",
    "mac-addr",
    "mutex",
    "network-traffic",
    "process",
    "software",
    "url",
    "user-account",
    "windows-registry-key",
    "x509-certificate",
];

pub(crate) static TYPES: &[ObjectType] = &[
    domain(
        "attack-pattern",
        open(&[NAME, DESCRIPTION, may("aliases", Kind::List { of: &Kind::Text, min: 1 }), PHASES], &[]),
        &[
            ("delivers", MALWARE),
            ("targets", &["location", "vulnerability", "identity"]),
            ("uses", &["malware", "tool"]),
        ],
    ),
    domain(
        "campaign",
        open(&[NAME, DESCRIPTION, ALIASES, FIRST_SEEN, LAST_SEEN, may("objective", Kind::Text)], &[SEEN]),
        &[
            ("attributed-to", &["intrusion-set", "threat-actor"]),
            ("compromises", INFRASTRUCTURE),
            ("originates-from", PLACE),
            ("targets", HURT),
            ("uses", MEANS),
        ],
    ),
    domain(
        "course-of-action",
        open(&[NAME, DESCRIPTION], &[]),
        &[
            ("investigates", &["indicator"]),
            ("mitigates", &["attack-pattern", "indicator", "malware", "tool", "vulnerability"]),
            ("remediates", &["malware", "vulnerability"]),
        ],
    ),
    domain(
        "grouping",
        open(
            &[
                MAY_NAME,
                DESCRIPTION,
                must("context", Kind::Text).of(&v::GROUPING_CONTEXT),
                must("object_refs", REFS),
            ],
            &[],
        ),
        &[],
    ),
    domain(
        "identity",
        open(
            &[
                NAME,
                DESCRIPTION,
                may("roles", TEXTS),
                may("identity_class", Kind::Text).of(&v::IDENTITY_CLASS),
                may("sectors", TEXTS).of(&v::INDUSTRY_SECTOR),
                may("contact_information", Kind::Text),
            ],
            &[],
        ),
        &[("located-at", PLACE)],
    ),
    domain("incident", open(&[NAME, DESCRIPTION], &[]), &[]),
    domain(
        "indicator",
        open(
            &[
                MAY_NAME,
                DESCRIPTION,
                may("indicator_types", TEXTS).of(&v::INDICATOR_TYPE),
                must("pattern", Kind::Text),
                must("pattern_type", Kind::Text).of(&v::INDICATOR_PATTERN),
                may("pattern_version", Kind::Text),
                must("valid_from", Kind::Timestamp),
                may("valid_until", Kind::Timestamp),
                PHASES,
            ],
            &[
                Rule::After("valid_until", "valid_from"),
                Rule::Own(rules::indicator_pattern),
                Rule::Own(rules::indicator_properties),
            ],
        ),
        &[
            (
                "indicates",
                &[
                    "attack-pattern",
                    "campaign",
                    "infrastructure",
                    "intrusion-set",
                    "malware",
                    "threat-actor",
                    "tool",
                ],
            ),
            ("based-on", &["observed-data"]),
        ],
    ),
    domain(
        "infrastructure",
        open(
            &[
                NAME,
                DESCRIPTION,
                may("infrastructure_types", TEXTS).of(&v::INFRASTRUCTURE_TYPE),
                ALIASES,
                PHASES,
                FIRST_SEEN,
                LAST_SEEN,
            ],
            &[SEEN],
        ),
        &[
            ("communicates-with", &["infrastructure", "ipv4-addr", "ipv6-addr", "domain-name", "url"]),
            ("consists-of", PARTS),
            ("controls", &["infrastructure", "malware"]),
            ("delivers", MALWARE),
            ("has", &["vulnerability"]),
            ("hosts", &["tool", "malware"]),
            ("located-at", PLACE),
            ("uses", INFRASTRUCTURE),
        ],
    ),
    domain(
        "intrusion-set",
        open(
            &[
                NAME,
                DESCRIPTION,
                ALIASES,
                FIRST_SEEN,
                LAST_SEEN,
                may("goals", TEXTS),
                may("resource_level", Kind::Text).of(&v::ATTACK_RESOURCE_LEVEL),
                may("primary_motivation", Kind::Text).of(&v::ATTACK_MOTIVATION),
                may("secondary_motivations", TEXTS).of(&v::ATTACK_MOTIVATION),
            ],
            &[SEEN],
        ),
        &[
            ("attributed-to", &["threat-actor"]),
            ("compromises", INFRASTRUCTURE),
            ("hosts", INFRASTRUCTURE),
            ("originates-from", PLACE),
            ("owns", INFRASTRUCTURE),
            ("targets", HURT),
            ("uses", MEANS),
        ],
    ),
    domain(
        "location",
        open(
            &[
                MAY_NAME,
                DESCRIPTION,
                may("latitude", Kind::Number { min: -90.0, max: 90.0 }),
                may("longitude", Kind::Number { min: -180.0, max: 180.0 }),
                may("precision", NUMBER),
                may("region", Kind::Text).of(&v::REGION),
                may("country", Kind::Text),
                may("administrative_area", Kind::Text),
                may("city", Kind::Text),
                may("street_address", Kind::Text),
                may("postal_code", Kind::Text),
            ],
            &[
                Rule::AnyOf(&["region", "country", "latitude"]),
                Rule::Needs("latitude", "longitude"),
                Rule::Needs("longitude", "latitude"),
                Rule::Needs("precision", "latitude"),
                Rule::Own(rules::country),
            ],
        ),
        &[],
    ),
    domain(
        "malware",
        open(
            &[
                MAY_NAME,
                DESCRIPTION,
                may("malware_types", TEXTS).of(&v::MALWARE_TYPE),
                must("is_family", Kind::Bool),
                ALIASES,
                PHASES,
                FIRST_SEEN,
                LAST_SEEN,
                may("operating_system_refs", Kind::List { of: &Kind::Ref(SOFTWARE), min: 1 }),
                may("architecture_execution_envs", TEXTS).of(&v::PROCESSOR_ARCHITECTURE),
                may("implementation_languages", TEXTS).of(&v::IMPLEMENTATION_LANGUAGES),
                may("capabilities", TEXTS).of(&v::MALWARE_CAPABILITIES),
                may(
                    "sample_refs",
                    Kind::List { of: &Kind::Ref(&["artifact", "file", "network-traffic"]), min: 1 },
                ),
            ],
            &[SEEN, Rule::Own(rules::malware_family_has_a_name)],
        ),
        &[
            ("authored-by", &["threat-actor", "intrusion-set"]),
            ("beacons-to", INFRASTRUCTURE),
            ("exfiltrates-to", INFRASTRUCTURE),
            ("communicates-with", CONTACTS),
            ("controls", MALWARE),
            ("downloads", DROPPED),
            ("drops", DROPPED),
            ("exploits", &["vulnerability"]),
            ("originates-from", PLACE),
            ("targets", &["identity", "infrastructure", "location", "vulnerability"]),
            ("uses", MEANS),
            ("variant-of", MALWARE),
        ],
    ),
    domain(
        "malware-analysis",
        open(
            &[
                must("product", Kind::Text),
                may("version", Kind::Text),
                may("host_vm_ref", Kind::Ref(SOFTWARE)),
                may("operating_system_ref", Kind::Ref(SOFTWARE)),
                may("installed_software_refs", Kind::List { of: &Kind::Ref(SOFTWARE), min: 1 }),
                may("configuration_version", Kind::Text),
                may("modules", TEXTS),
                may("analysis_engine_version", Kind::Text),
                may("analysis_definition_version", Kind::Text),
                may("submitted", Kind::Timestamp),
                may("analysis_started", Kind::Timestamp),
                may("analysis_ended", Kind::Timestamp),
                may("result_name", Kind::Text),
                may("result", Kind::Text).of(&v::MALWARE_RESULT),
                may("analysis_sco_refs", REFS),
                may("sample_ref", Kind::Ref(&["artifact", "file", "network-traffic"])),
            ],
            &[Rule::AnyOf(&["result", "analysis_sco_refs"]), Rule::Own(rules::analysis_product)],
        ),
        &[
            ("characterizes", MALWARE),
            ("analysis-of", MALWARE),
            ("static-analysis-of", MALWARE),
            ("dynamic-analysis-of", MALWARE),
        ],
    ),
    domain(
        "note",
        open(
            &[
                may("abstract", Kind::Text),
                must("content", Kind::Text),
                may("authors", TEXTS),
                must("object_refs", REFS),
            ],
            &[],
        ),
        &[],
    ),
    domain(
        "observed-data",
        open(
            &[
                must("first_observed", Kind::Timestamp),
                must("last_observed", Kind::Timestamp),
                must("number_observed", Kind::Integer { min: 1, max: 999_999_999 }),
                may("objects", Kind::Own(rules_observable::deprecated_objects)),
                may("object_refs", Kind::List { of: &Kind::Own(rules_observable::observed_ref), min: 1 }),
            ],
            &[Rule::OneOf(&["objects", "object_refs"]), Rule::NotBefore("last_observed", "first_observed")],
        ),
        &[],
    ),
    domain(
        "opinion",
        open(
            &[
                may("explanation", Kind::Text),
                may("authors", TEXTS),
                must("object_refs", REFS),
                must(
                    "opinion",
                    Kind::Enum(&["strongly-disagree", "disagree", "neutral", "agree", "strongly-agree"]),
                ),
            ],
            &[],
        ),
        &[],
    ),
    domain(
        "report",
        open(
            &[
                NAME,
                DESCRIPTION,
                may("report_types", TEXTS).of(&v::REPORT_TYPE),
                must("published", Kind::Timestamp),
                must("object_refs", REFS),
            ],
            &[],
        ),
        &[],
    ),
    domain(
        "threat-actor",
        open(
            &[
                NAME,
                DESCRIPTION,
                may("threat_actor_types", TEXTS).of(&v::THREAT_ACTOR_TYPE),
                ALIASES,
                FIRST_SEEN,
                LAST_SEEN,
                may("roles", TEXTS).of(&v::THREAT_ACTOR_ROLE),
                may("goals", TEXTS),
                may("sophistication", Kind::Text).of(&v::THREAT_ACTOR_SOPHISTICATION),
                may("resource_level", Kind::Text).of(&v::ATTACK_RESOURCE_LEVEL),
                may("primary_motivation", Kind::Text).of(&v::ATTACK_MOTIVATION),
                may("secondary_motivations", TEXTS).of(&v::ATTACK_MOTIVATION),
                may("personal_motivations", TEXTS).of(&v::ATTACK_MOTIVATION),
            ],
            &[SEEN],
        ),
        &[
            ("attributed-to", &["identity"]),
            ("compromises", INFRASTRUCTURE),
            ("hosts", INFRASTRUCTURE),
            ("owns", INFRASTRUCTURE),
            ("impersonates", &["identity"]),
            ("located-at", PLACE),
            ("targets", HURT),
            ("uses", MEANS),
        ],
    ),
    domain(
        "tool",
        open(
            &[
                NAME,
                DESCRIPTION,
                may("tool_types", TEXTS).of(&v::TOOL_TYPE),
                ALIASES,
                PHASES,
                may("tool_version", Kind::Text),
            ],
            &[],
        ),
        &[
            ("delivers", MALWARE),
            ("drops", MALWARE),
            ("uses", INFRASTRUCTURE),
            ("has", &["vulnerability"]),
            ("targets", &["identity", "infrastructure", "location", "vulnerability"]),
        ],
    ),
    domain("vulnerability", open(&[NAME, DESCRIPTION], &[]), &[("impacts", &["infrastructure", "tools"])]),
    relation(
        "relationship",
        open(
            &[
                must("relationship_type", Kind::Form(Form::RelationshipType)),
                DESCRIPTION,
                must("source_ref", Kind::RefExcept(NO_END)),
                must("target_ref", Kind::RefExcept(NO_END)),
                may("start_time", Kind::Timestamp),
                may("stop_time", Kind::Timestamp),
            ],
            &[Rule::After("stop_time", "start_time"), Rule::Own(rules::relationship_type)],
        ),
    ),
    relation(
        "sighting",
        open(
            &[
                DESCRIPTION,
                FIRST_SEEN,
                LAST_SEEN,
                may("count", Kind::Integer { min: 0, max: 999_999_999 }),
                must("sighting_of_ref", Kind::RefExcept(NO_END)),
                may("observed_data_refs", Kind::List { of: &Kind::Ref(&["observed-data"]), min: 1 }),
                may("where_sighted_refs", Kind::List { of: &Kind::Ref(&["identity", "location"]), min: 1 }),
                may("summary", Kind::Bool),
            ],
            &[SEEN],
        ),
    ),
];
