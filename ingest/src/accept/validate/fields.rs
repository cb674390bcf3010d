//! A JSON object as its fields, each still text: names that occur twice are seen, and nothing is parsed in vain.

use std::{collections::BTreeMap, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;

/// The fields of one object by name.
pub(super) struct Fields<'a> {
    by_name: BTreeMap<String, &'a RawValue>,
    /// Names that occur more than once.
    pub(super) duplicates: Vec<String>,
}

impl<'a> Fields<'a> {
    /// Reads an object; nothing when the text is another kind of JSON.
    pub(super) fn read(json: &'a RawValue) -> Option<Self> {
        json.get().starts_with('{').then(|| serde_json::from_str(json.get()).ok()).flatten()
    }

    /// Takes a field out; what is left over at the end is unknown. `null` is the same as absent.
    pub(super) fn take(&mut self, name: &str) -> Option<&'a RawValue> {
        self.by_name.remove(name).filter(|value| value.get() != "null")
    }

    /// Whether there is such a field, and it is not `null`.
    pub(super) fn has(&self, name: &str) -> bool {
        self.by_name.get(name).is_some_and(|value| value.get() != "null")
    }

    /// The names that nobody took.
    pub(super) fn left_over(self) -> impl Iterator<Item = String> {
        self.by_name.into_keys()
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields<'de>, M::Error> {
                let mut fields = Fields { by_name: BTreeMap::new(), duplicates: Vec::new() };
                while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
                    if fields.by_name.insert(name.clone(), value).is_some() {
                        fields.duplicates.push(name);
                    }
                }
                Ok(fields)
            }
        }
        deserializer.deserialize_map(Object)
    }
}
