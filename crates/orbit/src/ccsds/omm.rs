//! Orbit Mean-elements Message: CCSDS 502.0-B-3, tables 4-1 to 4-3.

use super::MessageKind;
use super::schema::{
    COVARIANCE, Kind, Occurs, SPACECRAFT, SectionTable, Table, may, maybe_number, must, number,
};

pub(super) static TABLE: Table = Table {
    kind: MessageKind::Omm,
    root: "omm",
    version: "CCSDS_OMM_VERS",
    versions: &["1.0", "2.0", "3.0"],
    // CelesTrak and Space-Track publish OMMs whose header is empty.
    header: SectionTable::new(
        "header",
        Occurs::Once,
        &[
            may("CLASSIFICATION", Kind::Text),
            must("CREATION_DATE", Kind::Time).or_empty(),
            must("ORIGINATOR", Kind::Text).or_empty(),
            may("MESSAGE_ID", Kind::Text),
        ],
    ),
    relative: None,
    metadata: SectionTable::new(
        "metadata",
        Occurs::Once,
        &[
            must("OBJECT_NAME", Kind::Text),
            must("OBJECT_ID", Kind::Text).or_empty(),
            must("CENTER_NAME", Kind::Text),
            must("REF_FRAME", Kind::Text),
            may("REF_FRAME_EPOCH", Kind::Time),
            must("TIME_SYSTEM", Kind::TimeSystem),
            must("MEAN_ELEMENT_THEORY", Kind::Text),
        ],
    ),
    data: &[
        SectionTable::new(
            "meanElements",
            Occurs::Once,
            &[
                must("EPOCH", Kind::Time),
                maybe_number("SEMI_MAJOR_AXIS", "km"),
                maybe_number("MEAN_MOTION", "rev/day"),
                number("ECCENTRICITY", ""),
                number("INCLINATION", "deg"),
                number("RA_OF_ASC_NODE", "deg"),
                number("ARG_OF_PERICENTER", "deg"),
                number("MEAN_ANOMALY", "deg"),
                maybe_number("GM", "km**3/s**2"),
            ],
        ),
        SPACECRAFT,
        SectionTable::new(
            "tleParameters",
            Occurs::AtMostOnce,
            &[
                may("EPHEMERIS_TYPE", Kind::Count),
                may("CLASSIFICATION_TYPE", Kind::Text),
                may("NORAD_CAT_ID", Kind::Count),
                may("ELEMENT_SET_NO", Kind::Count),
                may("REV_AT_EPOCH", Kind::Count),
                maybe_number("BSTAR", "1/ER"),
                maybe_number("BTERM", "m**2/kg"),
                maybe_number("MEAN_MOTION_DOT", "rev/day**2"),
                maybe_number("MEAN_MOTION_DDOT", "rev/day**3"),
                maybe_number("AGOM", "m**2/kg"),
            ],
        ),
        COVARIANCE,
        SectionTable::user(),
    ],
    segments: 1,
    meta_marks: false,
    data_marks: false,
};
