use base::{Confidence, Finding, Timestamp};
use serde_json::{Map, Value, json};

use super::incident::{Point, SpaceIncident};
use super::{FINDING_EXTENSION, SPACE_INCIDENT_EXTENSION, SPACE_INCIDENT_FIELDS};

/// What an export needs beside what it tells of. Release is decided before: whoever calls has the right to give this.
pub struct ExportContext<'c> {
    /// When the objects are made.
    pub created: Timestamp,
    /// The `identity` of whoever tells it, when it is named.
    pub created_by_ref: Option<&'c str>,
    /// `marking-definition` ids that every object gets.
    pub object_marking_refs: &'c [String],
    /// Sixteen random bytes for the next id.
    pub random: &'c mut dyn FnMut() -> [u8; 16],
}

/// When the definitions were written; they have not changed since.
const DEFINED: &str = "2026-11-23T00:00:00.000Z";
/// Who defines them.
const DEFINED_BY: &str = "identity--5b0d3f0c-52c4-4d0e-9f49-6a3c7a0d1e52";

/// The definitions of our extensions and the identity that defines them. They go along with whatever uses them.
pub fn extension_definitions() -> Vec<Vec<u8>> {
    let identity = json!({
        "type": "identity", "spec_version": "2.1", "id": DEFINED_BY, "created": DEFINED, "modified": DEFINED,
        "name": "Bongsu", "identity_class": "organization",
        "description": "Defines the STIX extensions of the Bongsu node.",
    });
    let definition = |id: &str, name: &str, description: &str, schema: String| {
        json!({
            "type": "extension-definition", "spec_version": "2.1", "id": id, "created": DEFINED, "modified": DEFINED,
            "created_by_ref": DEFINED_BY, "name": name, "description": description, "schema": schema,
            "version": "1.0.0", "extension_types": ["property-extension"],
        })
    };
    let elements: String = SPACE_INCIDENT_FIELDS
        .iter()
        .map(|field| format!("{}: {} ({})\n", field.property, field.form, field.element))
        .collect();
    let finding = "kind, title, start_time, stop_time: strings\nobjects: list of id, name, protected\n\
        beacons: integer 1 to 5\nlikelihood: ICD 203 word\nconfidence: low, moderate, high\nmethod: name, version\n\
        measures: names with units to numbers\nevidence: list of SHA-256 ids of entries\n"
        .to_owned();
    let all = [
        identity,
        definition(
            SPACE_INCIDENT_EXTENSION,
            "space-incident",
            "Interference with a satellite: the 23 reporting elements of the Space ISAC as typed properties.",
            elements,
        ),
        definition(
            FINDING_EXTENSION,
            "finding",
            "A finding of a Bongsu node: what was concluded and how.",
            finding,
        ),
    ];
    all.iter().map(|one| one.to_string().into_bytes()).collect()
}

/// Objects that are being made.
struct Export<'c, 'e> {
    context: &'e mut ExportContext<'c>,
    objects: Vec<Value>,
}

impl Export<'_, '_> {
    /// Adds an object with the properties that all have, and gives its id.
    fn add(&mut self, kind: &str, properties: Value) -> String {
        let uuid = uuid::Builder::from_random_bytes((self.context.random)()).into_uuid();
        let id = format!("{kind}--{uuid}");
        let created = milliseconds(self.context.created);
        let mut object = Map::new();
        object.insert("type".to_owned(), json!(kind));
        object.insert("spec_version".to_owned(), json!("2.1"));
        object.insert("id".to_owned(), json!(id));
        object.insert("created".to_owned(), json!(created));
        object.insert("modified".to_owned(), json!(created));
        if let Some(by) = self.context.created_by_ref {
            object.insert("created_by_ref".to_owned(), json!(by));
        }
        if !self.context.object_marking_refs.is_empty() {
            object.insert("object_marking_refs".to_owned(), json!(self.context.object_marking_refs));
        }
        if let Value::Object(properties) = properties {
            object.extend(properties);
        }
        self.objects.push(Value::Object(object));
        id
    }

    fn relate(&mut self, from: &str, kind: &str, to: &str) {
        let properties = json!({"relationship_type": kind, "source_ref": from, "target_ref": to});
        self.add("relationship", properties);
    }

    fn point(&mut self, of: &str, point: Point) {
        let place = json!({"latitude": point.latitude_deg, "longitude": point.longitude_deg});
        let location = self.add("location", place);
        self.relate(of, "related-to", &location);
    }

    fn satellite(&mut self, of: &str, name: String, norad: u64) {
        let reference = json!([{"source_name": "norad", "external_id": norad.to_string()}]);
        let identity = self.add(
            "identity",
            json!({"name": name, "identity_class": "system", "external_references": reference}),
        );
        self.relate(of, "related-to", &identity);
    }

    fn techniques(&mut self, of: &str, kind: &str, source: &str, ids: &[String]) {
        for id in ids {
            let reference = json!([{"source_name": source, "external_id": id}]);
            let technique = self.add(kind, json!({"name": id, "external_references": reference}));
            self.relate(of, "related-to", &technique);
        }
    }

    fn finish(self) -> Vec<Vec<u8>> {
        self.objects.iter().map(|one| one.to_string().into_bytes()).collect()
    }
}

/// A space incident as STIX 2.1: the incident with the extension first; then satellites as identities, places, ground
/// stations, techniques and countermeasures, each with its relationship.
///
/// # Errors
/// The field whose value cannot be, and why.
pub fn export_space_incident(
    incident: &SpaceIncident,
    context: &mut ExportContext<'_>,
) -> Result<Vec<Vec<u8>>, (&'static str, &'static str)> {
    if let Some(wrong) = incident.wrong() {
        return Err(wrong);
    }
    let mut export = Export { context, objects: Vec::new() };
    let mut extension = serde_json::to_value(incident).unwrap_or_default();
    extension["extension_type"] = json!("property-extension");
    let mut properties =
        json!({"name": incident.anomaly_title, "extensions": {SPACE_INCIDENT_EXTENSION: extension}});
    if let Some(narrative) = &incident.narrative {
        properties["description"] = json!(narrative);
    }
    let id = export.add("incident", properties);
    for norad in &incident.norad_ids {
        export.satellite(&id, format!("NORAD {norad}"), u64::from(norad.get()));
    }
    for point in &incident.ground_points {
        export.point(&id, *point);
    }
    for station in &incident.ground_stations {
        let infrastructure = export.add("infrastructure", json!({"name": station.name}));
        export.relate(&id, "related-to", &infrastructure);
        if let Some(point) = station.point {
            let place = json!({"latitude": point.latitude_deg, "longitude": point.longitude_deg});
            let location = export.add("location", place);
            export.relate(&infrastructure, "located-at", &location);
        }
    }
    export.techniques(&id, "attack-pattern", "sparta", &incident.sparta_techniques);
    export.techniques(&id, "attack-pattern", "mitre-attack", &incident.attack_techniques);
    export.techniques(&id, "attack-pattern", "mitre-fight", &incident.fight_techniques);
    export.techniques(&id, "course-of-action", "mitre-d3fend", &incident.d3fend_techniques);
    Ok(export.finish())
}

/// A finding of any domain as STIX 2.1: an incident with the extension first, then what it is about and where.
///
/// The words of the marking are not written: `object_marking_refs` of the context stand for them.
pub fn export_finding(finding: &Finding, context: &mut ExportContext<'_>) -> Vec<Vec<u8>> {
    let mut export = Export { context, objects: Vec::new() };
    let mut extension = json!({
        "extension_type": "property-extension",
        "kind": finding.kind, "title": finding.title,
        "start_time": finding.interval.start(), "stop_time": finding.interval.end(),
        "beacons": finding.severity.beacons(), "confidence": finding.confidence, "method": finding.method,
    });
    let mut put = |name: &str, value: Value| {
        let empty = value.is_null()
            || value.as_array().is_some_and(Vec::is_empty)
            || value.as_object().is_some_and(Map::is_empty);
        if !empty {
            extension[name] = value;
        }
    };
    put("objects", json!(finding.objects));
    put("likelihood", json!(finding.likelihood));
    put(
        "measures",
        json!(
            finding
                .measures
                .iter()
                .filter(|(_, value)| value.is_finite())
                .collect::<std::collections::BTreeMap<_, _>>()
        ),
    );
    put("evidence", json!(finding.evidence));
    put("place", json!(finding.place));
    let mut properties = json!({
        "name": finding.title, "confidence": stix_confidence(finding.confidence),
        "extensions": {FINDING_EXTENSION: extension},
    });
    if let Some(text) = &finding.text {
        properties["description"] = json!(text);
    }
    let id = export.add("incident", properties);
    for object in &finding.objects {
        let name = object.name.clone().unwrap_or_else(|| object.id.clone());
        match object.id.strip_prefix("norad:").and_then(|norad| norad.parse().ok()) {
            Some(norad) => export.satellite(&id, name, norad),
            None => {
                let reference = json!([{"source_name": "bongsu", "external_id": object.id}]);
                let identity =
                    export.add("identity", json!({"name": name, "external_references": reference}));
                export.relate(&id, "related-to", &identity);
            }
        }
    }
    if let Some(place) = &finding.place {
        let point = Point { latitude_deg: place.latitude_deg(), longitude_deg: place.longitude_deg() };
        export.point(&id, point);
    }
    export.finish()
}

/// The middle of the band of "Low, Med, High" (STIX 2.1 appendix A).
const fn stix_confidence(confidence: Confidence) -> u8 {
    match confidence {
        Confidence::Low => 15,
        Confidence::Moderate => 50,
        Confidence::High => 85,
    }
}

/// A time as `created` and `modified` want it: at least three digits after the second.
fn milliseconds(time: Timestamp) -> String {
    let text = time.to_string();
    let body = text.strip_suffix('Z').unwrap_or(&text);
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    format!("{whole}.{fraction:0<3}Z")
}
