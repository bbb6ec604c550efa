//! Orbit Parameter Message: CCSDS 502.0-B-3, tables 3-1 to 3-3.

use super::MessageKind;
use super::schema::{
    COVARIANCE, HEADER, Kind, Occurs, SPACECRAFT, SectionTable, Table, may, maybe_number, must, number,
};

pub(super) static TABLE: Table = Table {
    kind: MessageKind::Opm,
    root: "opm",
    version: "CCSDS_OPM_VERS",
    versions: &["1.0", "2.0", "3.0"],
    header: HEADER,
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
        ],
    ),
    data: &[
        SectionTable::new(
            "stateVector",
            Occurs::Once,
            &[
                must("EPOCH", Kind::Time),
                number("X", "km"),
                number("Y", "km"),
                number("Z", "km"),
                number("X_DOT", "km/s"),
                number("Y_DOT", "km/s"),
                number("Z_DOT", "km/s"),
            ],
        ),
        SectionTable::new(
            "keplerianElements",
            Occurs::AtMostOnce,
            &[
                number("SEMI_MAJOR_AXIS", "km"),
                number("ECCENTRICITY", ""),
                number("INCLINATION", "deg"),
                number("RA_OF_ASC_NODE", "deg"),
                number("ARG_OF_PERICENTER", "deg"),
                maybe_number("TRUE_ANOMALY", "deg"),
                maybe_number("MEAN_ANOMALY", "deg"),
                number("GM", "km**3/s**2"),
            ],
        ),
        SPACECRAFT,
        COVARIANCE,
        SectionTable::new(
            "maneuverParameters",
            Occurs::Many,
            &[
                must("MAN_EPOCH_IGNITION", Kind::Time),
                maybe_number("MAN_DURATION", "s"),
                maybe_number("MAN_DELTA_MASS", "kg"),
                must("MAN_REF_FRAME", Kind::Text),
                number("MAN_DV_1", "km/s"),
                number("MAN_DV_2", "km/s"),
                number("MAN_DV_3", "km/s"),
            ],
        ),
        SectionTable::user(),
    ],
    segments: 1,
    meta_marks: false,
    data_marks: false,
};
