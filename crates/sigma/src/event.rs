use std::collections::BTreeSet;

use serde_json::{Map, Value};

use crate::source::EventSource;

/// An event of a log with the names that rules use, and where it comes from.
///
/// Windows events are known as EVTX gives them (`Event.System`, `Event.EventData`), as agents send them
/// (`winlog.event_data`) and flat (`Channel`, `EventID` beside the data); process creations of the security log also
/// have the names of Sysmon. Any other event keeps its names.
#[derive(Debug, Clone)]
pub struct Event {
    pub(crate) fields: Value,
    pub(crate) source: EventSource,
}

impl Event {
    /// An event from the object that a line of a log is. `zeek_path` is the path of a Zeek log: `dns`.
    pub fn new(object: &Value, zeek_path: Option<&str>) -> Self {
        let mut fields = object.as_object().cloned().unwrap_or_default();
        let zeek = zeek_path.map(str::to_owned).or_else(|| text(object, &["_path"]));
        let source = if let Some(path) = zeek {
            EventSource {
                product: Some("zeek".to_owned()),
                services: BTreeSet::from([path]),
                categories: BTreeSet::new(),
            }
        } else if unfold(object, &mut fields) {
            windows(&mut fields)
        } else {
            stated(&fields)
        };
        Self { fields: Value::Object(fields), source }
    }

    /// The computer that the event is of, when it says so.
    pub fn computer(&self) -> Option<String> {
        ["Computer", "Hostname", "ComputerName", "host.name", "hostname"].iter().find_map(|name| {
            let path: Vec<&str> = name.split('.').collect();
            text(&self.fields, &path).filter(|name| !name.is_empty())
        })
    }
}

fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |value, name| value.get(name))
}

fn text(value: &Value, path: &[&str]) -> Option<String> {
    at(value, path)?.as_str().map(str::to_owned)
}

/// Puts the parts of a Windows event side by side. Whether it is one.
fn unfold(object: &Value, fields: &mut Map<String, Value>) -> bool {
    if let Some(system) = at(object, &["Event", "System"]) {
        let plain = |name: &str| {
            let value = system.get(name)?;
            Some(value.get("#text").unwrap_or(value).clone())
        };
        for name in ["EventID", "Channel", "Computer", "Level", "Task", "Opcode", "Keywords"] {
            keep(fields, name, plain(name));
        }
        keep(fields, "Provider_Name", at(system, &["Provider", "#attributes", "Name"]).cloned());
        spread(fields, at(object, &["Event", "EventData"]));
        // The data lies one level lower, under a name of its maker's.
        if let Some(Value::Object(data)) = at(object, &["Event", "UserData"]) {
            data.values().for_each(|inner| spread(fields, Some(inner)));
        }
    } else if let Some(winlog) = object.get("winlog") {
        for (name, from) in
            [("Channel", "channel"), ("Computer", "computer_name"), ("Provider_Name", "provider_name")]
        {
            keep(fields, name, winlog.get(from).cloned());
        }
        let id = winlog.get("event_id").or_else(|| at(object, &["event", "code"]));
        keep(fields, "EventID", id.cloned());
        spread(fields, winlog.get("event_data"));
        spread(fields, winlog.get("user_data"));
    } else if !(fields.contains_key("Channel") && fields.contains_key("EventID")) {
        return false;
    }
    keep(fields, "Provider_Name", object.get("SourceName").cloned());
    true
}

fn spread(fields: &mut Map<String, Value>, data: Option<&Value>) {
    if let Some(Value::Object(data)) = data {
        data.iter().for_each(|(name, value)| keep(fields, name, Some(value.clone())));
    }
}

fn keep(fields: &mut Map<String, Value>, name: &str, value: Option<Value>) {
    if let Some(value) = value {
        fields.entry(name.to_owned()).or_insert(value);
    }
}

/// The source of a Windows event, which gets the names of Sysmon.
fn windows(fields: &mut Map<String, Value>) -> EventSource {
    let id = match fields.get("EventID") {
        Some(Value::String(text)) => text.trim().parse().ok(),
        other => other.and_then(Value::as_i64),
    };
    if let Some(id) = id {
        fields.insert("EventID".to_owned(), id.into());
    }
    let channel = fields.get("Channel").and_then(Value::as_str).unwrap_or_default().to_owned();
    if channel.eq_ignore_ascii_case("Security") && id == Some(4688) {
        for (name, from) in [
            ("Image", "NewProcessName"),
            ("ParentImage", "ParentProcessName"),
            ("User", "SubjectUserName"),
            ("IntegrityLevel", "MandatoryLabel"),
        ] {
            keep(fields, name, fields.get(from).cloned());
        }
        keep(fields, "CommandLine", fields.get("ProcessCommandLine").cloned());
    }
    EventSource::of_windows(&channel, id)
}

/// What an event of no known form says of itself, when it names a product.
fn stated(fields: &Map<String, Value>) -> EventSource {
    let part = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_ascii_lowercase);
    let Some(product) = part("product") else { return EventSource::default() };
    EventSource {
        product: Some(product),
        services: part("service").into_iter().collect(),
        categories: part("category").into_iter().collect(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn windows_events_of_three_forms_are_one() {
        let evtx = json!({"Event": {"System": {"Provider": {"#attributes": {"Name": "P"}}, "Channel": "Security",
            "EventID": {"#attributes": {"Qualifiers": 0}, "#text": 4688}, "Computer": "WS5"},
            "EventData": {"NewProcessName": "C:\\a.exe"}}});
        let agent = json!({"winlog": {"channel": "Security", "event_id": "4688", "computer_name": "WS5", "provider_name": "P",
            "event_data": {"NewProcessName": "C:\\a.exe"}}});
        let flat = json!({"Channel": "Security", "EventID": 4688, "Hostname": "WS5", "SourceName": "P", "NewProcessName": "C:\\a.exe"});
        for object in [evtx, agent, flat] {
            let event = Event::new(&object, None);
            assert_eq!(event.source, EventSource::of_windows("Security", Some(4688)), "{object}");
            assert_eq!(event.fields["Image"], "C:\\a.exe");
            assert_eq!(event.fields["EventID"], 4688);
            assert_eq!(event.fields["Provider_Name"], "P");
            assert_eq!(event.computer().as_deref(), Some("WS5"));
        }
    }

    #[test]
    fn other_events_keep_their_names() {
        let zeek = Event::new(&json!({"query": "a.example"}), Some("dns"));
        assert_eq!(zeek.source.product.as_deref(), Some("zeek"));
        let own = Event::new(&json!({"product": "Linux", "service": "sshd"}), None);
        assert_eq!(own.source.services, BTreeSet::from(["sshd".to_owned()]));
        let unknown = Event::new(&json!({"service": "http"}), None);
        assert_eq!(unknown.source, EventSource::default());
        assert_eq!(Event::new(&json!([1]), None).fields, json!({}));
    }
}
