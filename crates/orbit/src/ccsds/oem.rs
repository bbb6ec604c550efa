//! Orbit Ephemeris Message: CCSDS 502.0-B-3, tables 5-2 and 5-3, 5.2.4 and 5.2.5.

use super::MessageKind;
use super::schema::{
    HEADER, Kind, OEM_COVARIANCE, Occurs, SectionTable, Shape, Table, may, maybe_number, must, number,
};

pub(super) static TABLE: Table = Table {
    kind: MessageKind::Oem,
    root: "oem",
    version: "CCSDS_OEM_VERS",
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
            must("START_TIME", Kind::Time),
            may("USEABLE_START_TIME", Kind::Time),
            may("USEABLE_STOP_TIME", Kind::Time),
            must("STOP_TIME", Kind::Time),
            may("INTERPOLATION", Kind::Text),
            may("INTERPOLATION_DEGREE", Kind::Count),
        ],
    ),
    data: &[
        SectionTable::new(
            "stateVector",
            Occurs::Many,
            &[
                must("EPOCH", Kind::Time),
                number("X", "km"),
                number("Y", "km"),
                number("Z", "km"),
                number("X_DOT", "km/s"),
                number("Y_DOT", "km/s"),
                number("Z_DOT", "km/s"),
                maybe_number("X_DDOT", "km/s**2"),
                maybe_number("Y_DDOT", "km/s**2"),
                maybe_number("Z_DDOT", "km/s**2"),
            ],
        )
        .of_shape(Shape::Row),
        OEM_COVARIANCE,
    ],
    segments: 0,
    meta_marks: true,
    data_marks: false,
};
