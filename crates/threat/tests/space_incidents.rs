//! The five use cases of the Space ISAC contribution to OASIS SATIS, with their values as typed properties, and findings
//! of this program, as STIX that the validator takes.
#![expect(clippy::print_stdout, reason = "counts of what agrees are printed")]
#![expect(clippy::unwrap_used, reason = "a test that cannot read its data must stop")]

use base::{NoradId, Timestamp};
use serde_json::Value;
use threat::*;

fn context(random: &mut dyn FnMut() -> [u8; 16]) -> ExportContext<'_> {
    let created = "2026-11-23T00:00:00Z".parse().unwrap();
    ExportContext { created, created_by_ref: None, object_marking_refs: &[], random }
}

fn counted() -> impl FnMut() -> [u8; 16] {
    let mut next = 0_u8;
    move || {
        next += 1;
        [next; 16]
    }
}

/// Exports, validates as a bundle with the definitions, and reads the incident back.
fn round(name: &str, incident: &SpaceIncident) -> Vec<Value> {
    let objects = export_space_incident(incident, &mut context(&mut counted())).unwrap();
    judged(&objects);
    assert_eq!(SpaceIncident::from_stix(&objects[0]).unwrap(), *incident);
    println!("{name}: {} objects", objects.len());
    objects.iter().map(|one| serde_json::from_slice(one).unwrap()).collect()
}

/// Every object is valid with everything that is recommended.
fn judged(objects: &[Vec<u8>]) {
    let options =
        ValidateOptions { strict: true, strict_properties: true, strict_types: true, ..Default::default() };
    for object in objects.iter().chain(&extension_definitions()) {
        let verdict = validate(object, &options);
        assert!(verdict.valid, "{}: {:?}", String::from_utf8_lossy(object), verdict.violations);
    }
}

fn kinds(objects: &[Value], kind: &str) -> usize {
    objects.iter().filter(|one| one["type"] == kind).count()
}

fn time(text: &str) -> Option<Timestamp> {
    Some(text.parse().unwrap())
}

fn state(gps_time: &str, position_m: [f64; 3], velocity_m_s: [f64; 3]) -> EarthFixedState {
    EarthFixedState { gps_time: gps_time.to_owned(), position_m, velocity_m_s }
}

fn texts(all: &[&str]) -> Vec<String> {
    all.iter().map(|one| (*one).to_owned()).collect()
}

/// Synthetic-aperture radar over Belarus.
fn first() -> SpaceIncident {
    SpaceIncident {
        anomaly_title: "RF Anomaly Incident Report ID:00001".to_owned(),
        anomaly_types: vec![AnomalyType::Interference],
        narrative: Some("Interference while collecting; not made by the satellite itself.".to_owned()),
        payload_impact: Some("none".to_owned()),
        start_time: gps_to_utc("2025-01-05T10:07:31.11476802"),
        stop_time: gps_to_utc("2025-01-05T10:07:46.48721785"),
        norad_ids: vec![NoradId::new(12345)],
        states: vec![
            state(
                "2025-01-05T10:07:30.399842000",
                [3709827.938272481, 1288361.3591651241, 5750563.833813384],
                [6423.807568044799, 17.29518894077, -4132.467078238404],
            ),
            state(
                "2025-01-05T10:07:45.599837000",
                [3806963.475189205, 1288342.0567631586, 5686969.5297837695],
                [6356.893226540573, -19.81006932685573, -4235.022542210345],
            ),
        ],
        frequency_bands: vec![FrequencyBand {
            low_hz: 9.5e9,
            high_hz: 9.8e9,
            designation: Some("X".to_owned()),
        }],
        field_of_view_deg: Some(0.7),
        attitudes: vec![Attitude {
            gps_time: "2025-01-05T10:07:37.999846000".to_owned(),
            quaternion: [-0.29905150969579747, -0.9130912460025813, 0.07774590286074551, 0.26606041655950646],
        }],
        satellite_status: Some(SatelliteStatus::Operational),
        sparta_techniques: texts(&["EX-0016"]),
        ..Default::default()
    }
}

#[test]
fn use_case_1_interference_with_radar() {
    let objects = round("use case 1", &first());
    assert_eq!((kinds(&objects, "identity"), kinds(&objects, "attack-pattern")), (1, 1));
    let extension = &objects[0]["extensions"][SPACE_INCIDENT_EXTENSION];
    assert_eq!(extension["start_time"], "2025-01-05T10:07:13.11476802Z");
    assert_eq!(extension["frequency_bands"][0]["high_hz"], 9.8e9);
}

#[test]
fn use_case_2_interference_over_central_america() {
    let incident = SpaceIncident {
        anomaly_title: "RF Anomaly Incident Report ID:00002".to_owned(),
        start_time: gps_to_utc("2025-01-03T06:39:52.03561945"),
        stop_time: gps_to_utc("2025-01-03T06:40:00.80927561"),
        norad_ids: vec![NoradId::new(123456)],
        states: vec![
            state(
                "2025-01-03T06:39:22.000002727",
                [35721.651126396486, -6612933.6401067935, 2318864.225620057],
                [4337.369714770672, -1908.1717687760465, -5483.343840638025],
            ),
            state(
                "2025-01-03T06:40:30.400010500",
                [331438.1855352285, -6726973.6048504, 1937843.002420463],
                [4306.238510747472, -1424.781865541579, -5652.596710630712],
            ),
        ],
        frequency_bands: vec![FrequencyBand {
            low_hz: 9.3e9,
            high_hz: 9.9e9,
            designation: Some("X".to_owned()),
        }],
        attitudes: vec![Attitude {
            gps_time: "2025-01-03T06:39:56.200006614".to_owned(),
            quaternion: [0.39333012840960485, 0.8133741436690773, -0.28264880646878093, -0.3222166416446697],
        }],
        ..first()
    };
    assert_eq!(kinds(&round("use case 2", &incident), "identity"), 1);
}

#[test]
fn use_case_3_jamming_of_downlinks_in_geosynchronous_orbit() {
    // Three satellites and eleven places: an incident each, as the contribution has it.
    let places: [(u32, &[(f64, f64)]); 3] = [
        (
            234_567,
            &[(33.398438, 46.286224), (28.432617, 51.75424), (23.15918, 51.563412), (17.138672, 47.901614)],
        ),
        (
            345_678,
            &[(22.280273, 49.410973), (17.358398, 49.15297), (20.566406, 46.073231), (23.730469, 43.739352)],
        ),
        (456_789, &[(30.629883, 46.377254), (33.398438, 46.286224), (22.412109, 47.960502)]),
    ];
    let mut incidents = 0;
    for (norad, points) in places {
        for (latitude_deg, longitude_deg) in points {
            incidents += 1;
            let incident = SpaceIncident {
                anomaly_title: format!("RFI in GEO, incident {incidents}"),
                anomaly_types: vec![AnomalyType::Jamming],
                additional_anomalies: texts(&["signal degradation"]),
                narrative: Some(
                    "Downlink jammed around this place; not internal to the operator.".to_owned(),
                ),
                payload_impact: Some("degradation of the downlink".to_owned()),
                start_time: time("2025-03-02T00:00:00Z"),
                stop_time: time("2025-03-08T23:59:59Z"),
                norad_ids: vec![NoradId::new(norad)],
                orbit_regime: Some(OrbitRegime::Geo),
                ground_points: vec![Point { latitude_deg: *latitude_deg, longitude_deg: *longitude_deg }],
                link_directions: vec![LinkDirection::Downlink],
                sparta_techniques: texts(&["EX-0016", "IMP-0004"]),
                ..Default::default()
            };
            let objects = round("use case 3", &incident);
            assert_eq!((kinds(&objects, "location"), kinds(&objects, "attack-pattern")), (1, 2));
        }
    }
    assert_eq!(incidents, 11);
}

#[test]
fn use_case_4_gps_interference_around_an_airport() {
    let incident = SpaceIncident {
        anomaly_title: "GPS interference near Denver International Airport".to_owned(),
        anomaly_types: vec![AnomalyType::Interference],
        narrative: Some("An emitter on the GPS frequency by mistake, for 33 hours.".to_owned()),
        start_time: time("2022-01-21T00:00:00Z"),
        stop_time: time("2022-01-22T09:00:00Z"),
        frequency_bands: vec![FrequencyBand {
            low_hz: 1.57542e9,
            high_hz: 1.57542e9,
            designation: Some("L1".to_owned()),
        }],
        ground_points: vec![Point { latitude_deg: 39.86, longitude_deg: -104.67 }],
        sparta_techniques: texts(&["EX-0016"]),
        ..Default::default()
    };
    let hours = incident.stop_time.unwrap().seconds_since(incident.start_time.unwrap()) / 3600.0;
    assert_eq!(hours.round(), 33.0);
    assert_eq!(kinds(&round("use case 4", &incident), "location"), 1);
}

#[test]
fn use_case_5_anomaly_of_smos() {
    let incident = SpaceIncident {
        anomaly_title: "SMOS unknown anomaly, 8 March 2025".to_owned(),
        anomaly_types: vec![AnomalyType::Unknown],
        narrative: Some("Unlocked condition over the South Atlantic.".to_owned()),
        start_time: time("2025-03-08T19:28:25Z"),
        stop_time: time("2025-03-08T20:00:00Z"),
        norad_ids: vec![NoradId::new(36036)],
        orbit_regime: Some(OrbitRegime::Sso),
        altitude_km: Some(766.0),
        // The report has 335.36 degrees east.
        ground_points: vec![Point { latitude_deg: -17.75, longitude_deg: 335.36 - 360.0 }],
        frequency_bands: vec![FrequencyBand {
            low_hz: 1.4e9,
            high_hz: 1.4e9,
            designation: Some("L".to_owned()),
        }],
        payload_impact: Some("unlocked, out of parameter, not functional".to_owned()),
        satellite_status: Some(SatelliteStatus::Operational),
        sparta_techniques: texts(&["IMP-0002", "IMP-0003"]),
        ..Default::default()
    };
    assert_eq!(kinds(&round("use case 5", &incident), "attack-pattern"), 2);
}

#[test]
fn each_of_the_23_elements_has_a_property_that_comes_back() {
    let full = SpaceIncident {
        additional_anomalies: texts(&["loss of lock"]),
        orbit_regime: Some(OrbitRegime::Leo),
        altitude_km: Some(520.5),
        ground_points: vec![Point { latitude_deg: 53.9, longitude_deg: 27.6 }],
        elements_before: Some(TwoLineElements { line1: "1 ..".to_owned(), line2: "2 ..".to_owned() }),
        elements_after: Some(TwoLineElements { line1: "1 ..".to_owned(), line2: "2 ..".to_owned() }),
        ground_stations: vec![GroundStation {
            name: "Station".to_owned(),
            point: Some(Point { latitude_deg: 36.0, longitude_deg: 127.0 }),
        }],
        link_directions: vec![LinkDirection::Uplink],
        polarization: Some(Polarization::RightCircular),
        attack_techniques: texts(&["T0813"]),
        fight_techniques: texts(&["FGT5003"]),
        d3fend_techniques: texts(&["D3-NI"]),
        ..first()
    };
    let objects = round("all elements", &full);
    let extension = &objects[0]["extensions"][SPACE_INCIDENT_EXTENSION];
    assert_eq!(SPACE_INCIDENT_FIELDS.len(), 23);
    for field in SPACE_INCIDENT_FIELDS {
        for property in field.property.split(", ") {
            assert!(
                extension.get(property).is_some_and(|value| !value.is_null()),
                "{property}: {}",
                field.element
            );
        }
    }
    assert_eq!((kinds(&objects, "course-of-action"), kinds(&objects, "infrastructure")), (1, 1));
}

#[test]
fn values_that_cannot_be_are_refused_with_their_field() {
    let refused = |incident: SpaceIncident| {
        export_space_incident(&incident, &mut context(&mut counted())).unwrap_err().0
    };
    assert_eq!(refused(SpaceIncident { stop_time: time("2020-01-01T00:00:00Z"), ..first() }), "stop_time");
    assert_eq!(refused(SpaceIncident { field_of_view_deg: Some(f64::NAN), ..first() }), "field_of_view_deg");
    let mut wrong = first();
    wrong.attitudes[0].quaternion = [1.0; 4];
    assert_eq!(refused(wrong), "attitudes");
    let fault = SpaceIncident::from_stix(br#"{"type": "incident"}"#).unwrap_err();
    assert_eq!(fault.code, "threat::no_extension");
    let text = format!(r#"{{"extensions": {{"{SPACE_INCIDENT_EXTENSION}": {{"altitude_km": "high"}}}}}}"#);
    assert_eq!(SpaceIncident::from_stix(text.as_bytes()).unwrap_err().code, "threat::bad_extension");
    assert_eq!(gps_to_utc("2016-12-31T23:59:59"), None);
}

proptest::proptest! {
    #[test]
    fn findings_of_any_domain_are_exported(finding in testkit::nouns::finding()) {
        let mut random = counted();
        let objects = export_finding(&finding, &mut context(&mut random));
        judged(&objects);
        let incident: Value = serde_json::from_slice(&objects[0]).unwrap();
        let extension = &incident["extensions"][FINDING_EXTENSION];
        assert_eq!(extension["kind"], finding.kind.as_str());
        assert_eq!(extension["beacons"], finding.severity.beacons());
        // Who may have it is said by marking references alone.
        assert!(extension.get("marking").is_none());
    }
}
