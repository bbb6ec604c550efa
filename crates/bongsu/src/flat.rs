//! A nested value as dotted names and plain values, in the order in which it writes its fields.

use std::fmt;

use serde::Serialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Number, Value};

/// `{"a": {"b": 1}, "c": [2, 3]}` as `a.b`, `c.0`, `c.1`. An array for whose name `joined` says yes is one value: its
/// elements with `; ` between, of an object its `name` or `id`.
pub(crate) fn flat<T: Serialize>(
    value: &T,
    joined: &dyn Fn(&str) -> bool,
) -> serde_json::Result<Vec<(String, Value)>> {
    let text = serde_json::to_string(value)?;
    let mut out = Vec::new();
    let walk = Walk { name: String::new(), joined, out: &mut out };
    walk.deserialize(&mut serde_json::Deserializer::from_str(&text))?;
    Ok(out)
}

/// A value as it is; nothing for null.
pub(crate) fn exact(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => other.to_string(),
    }
}

/// A value for people: fractions to six digits.
pub(crate) fn short(value: &Value) -> String {
    match value {
        Value::Number(number) if number.is_f64() => {
            let number = number.as_f64().unwrap_or_default();
            match number.abs() {
                0.0 => "0".to_owned(),
                1e-3..1e9 => format!("{number:.6}"),
                _ => format!("{number:.6e}"),
            }
        }
        other => exact(other),
    }
}

struct Walk<'a> {
    name: String,
    joined: &'a dyn Fn(&str) -> bool,
    out: &'a mut Vec<(String, Value)>,
}

impl Walk<'_> {
    fn leaf<E>(self, value: impl Into<Value>) -> Result<(), E> {
        self.out.push((self.name, value.into()));
        Ok(())
    }

    fn below(&mut self, key: &str) -> Walk<'_> {
        let name = if self.name.is_empty() { key.to_owned() } else { format!("{}.{key}", self.name) };
        Walk { name, joined: self.joined, out: self.out }
    }
}

impl<'de> DeserializeSeed<'de> for Walk<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<(), D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Walk<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.leaf(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.leaf(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        self.leaf(value)
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut items: A) -> Result<(), A::Error> {
        if (self.joined)(&self.name) {
            let mut words = Vec::new();
            while let Some(item) = items.next_element::<Value>()? {
                words.push(exact(item.get("name").or_else(|| item.get("id")).unwrap_or(&item)));
            }
            return self.leaf(words.join("; "));
        }
        let mut index = 0_usize;
        while items.next_element_seed(self.below(&index.to_string()))?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key::<String>()? {
            map.next_value_seed(self.below(&key))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Serialize)]
    struct Item {
        z: u8,
        a: Option<f64>,
        list: Vec<&'static str>,
        objects: Vec<Value>,
    }

    fn item() -> Item {
        let objects = vec![json!({"id": "norad:1", "name": "ONE"}), json!({"id": "norad:2"})];
        Item { z: 1, a: None, list: vec!["x", "y"], objects }
    }

    fn shown(joined: &dyn Fn(&str) -> bool) -> String {
        let cells = flat(&item(), joined).unwrap();
        cells.iter().map(|(key, value)| format!("{key}={}", exact(value))).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn names_come_in_the_order_of_the_fields() {
        let all = "z=1 a= list.0=x list.1=y objects.0.id=norad:1 objects.0.name=ONE objects.1.id=norad:2";
        assert_eq!(shown(&|_| false), all);
    }

    #[test]
    fn arrays_are_joined_when_asked() {
        assert_eq!(shown(&|_| true), "z=1 a= list=x; y objects=ONE; norad:2");
    }

    #[test]
    fn people_get_six_digits() {
        assert_eq!(short(&json!(1.23456789)), "1.234568");
        assert_eq!(short(&json!(0.0)), "0");
        assert_eq!(short(&json!(1.5e-7)), "1.500000e-7");
        assert_eq!(short(&json!(42)), "42");
    }
}
