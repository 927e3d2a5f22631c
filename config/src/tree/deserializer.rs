//! Serde over the tree.

use std::slice::Iter;

use serde::Deserializer;
use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, EnumAccess, Error as _, MapAccess, SeqAccess, Unexpected, VariantAccess,
    Visitor,
};

use super::fault::{Fault, Mistake, any_of};
use super::{Entry, Node, Value};
use crate::key_path::Step;

/// The keys by which `toml` types know a date, as in `toml_datetime`.
const DATETIME_KEY: &str = "$__toml_private_datetime";

impl<'de> Deserializer<'de> for &'de Node {
    type Error = Fault;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        match &self.value {
            Value::String(text) => visitor.visit_borrowed_str(text),
            Value::Integer(number) => visitor.visit_i64(*number),
            Value::TooLarge(number) => Err(Fault::custom(format_args!(
                "the integer `{number}` is out of any range"
            ))),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::Datetime(time) => {
                let date = time.to_string();
                visitor
                    .visit_map(DatetimeAccess(Some(&date)))
                    .map_err(|fault| fault.about_date(&date))
            }
            Value::Array(nodes) => {
                let mut access = ArrayAccess {
                    nodes: nodes.iter(),
                    index: 0,
                };
                let value = visitor.visit_seq(&mut access)?;
                match access.remaining() {
                    0 => Ok(value),
                    more => Err(Fault::custom(format_args!("has {more} elements too many"))),
                }
            }
            Value::Table(entries) => visitor.visit_map(TableAccess {
                entries: entries.iter(),
                current: None,
            }),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Fault> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Fault> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        // Serde would take an array for the fields in order.
        match self.value {
            Value::Array(_) => Err(Fault::invalid_type(Unexpected::Seq, &"a table")),
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        match &self.value {
            Value::String(text) => visitor.visit_enum(Variant {
                name: text,
                entry: None,
            }),
            Value::Table(entries) => {
                let mut present = entries.iter().filter(|entry| !entry.node.is_taken);
                match (present.next(), present.next()) {
                    _ if self.is_emptied() => Err(Fault::of(Mistake::Emptied)),
                    (Some(entry), None) => visitor.visit_enum(Variant {
                        name: &entry.key,
                        entry: Some(entry),
                    }),
                    _ => Err(Fault::custom(format_args!(
                        "expected a table with exactly one key: {}",
                        any_of(variants)
                    ))),
                }
            }
            _ => {
                let unexpected = match &self.value {
                    Value::Integer(number) => Unexpected::Signed(*number),
                    Value::Float(number) => Unexpected::Float(*number),
                    Value::Boolean(truth) => Unexpected::Bool(*truth),
                    Value::Array(_) => Unexpected::Seq,
                    Value::TooLarge(_) => Unexpected::Other("an integer that is out of any range"),
                    _ => Unexpected::Other("a date"),
                };
                Err(Fault::invalid_type(unexpected, &any_of(variants).as_str()))
            }
        }
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq
        tuple tuple_struct map identifier ignored_any
    }
}

struct ArrayAccess<'de> {
    nodes: Iter<'de, Node>,
    index: usize,
}

impl ArrayAccess<'_> {
    fn remaining(&self) -> usize {
        self.nodes.clone().filter(|node| !node.is_taken).count()
    }
}

impl<'de> SeqAccess<'de> for &mut ArrayAccess<'de> {
    type Error = Fault;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Fault> {
        let Some(node) = self.nodes.find(|node| !node.is_taken) else {
            return Ok(None);
        };
        let index = self.index;
        self.index += 1;
        seed.deserialize(node)
            .map(Some)
            .map_err(|fault| fault.under(Step::Index(index)))
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.remaining())
    }
}

struct TableAccess<'de> {
    entries: Iter<'de, Entry>,
    current: Option<&'de Entry>,
}

impl<'de> MapAccess<'de> for TableAccess<'de> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        let Some(entry) = self.entries.find(|entry| !entry.node.is_taken) else {
            return Ok(None);
        };
        self.current = Some(entry);
        seed.deserialize(BorrowedStrDeserializer::new(&entry.key))
            .map(Some)
            .map_err(|fault: Fault| {
                let mut fault = fault.under(Step::Key(entry.key.clone()));
                fault.is_key = true;
                fault
            })
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        let Some(entry) = self.current.take() else {
            return Err(Fault::custom("a value was asked for before its key"));
        };
        seed.deserialize(&entry.node)
            .map_err(|fault| fault.under(Step::Key(entry.key.clone())))
    }
}

struct DatetimeAccess<'a>(Option<&'a str>);

impl<'de> MapAccess<'de> for DatetimeAccess<'_> {
    type Error = Fault;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Fault> {
        match self.0 {
            Some(_) => seed
                .deserialize(BorrowedStrDeserializer::new(DATETIME_KEY))
                .map(Some),
            None => Ok(None),
        }
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Fault> {
        seed.deserialize(StrDeserializer::new(self.0.take().unwrap_or_default()))
    }
}

/// A variant of an enum: a word, or a table with one key.
struct Variant<'de> {
    name: &'de str,
    entry: Option<&'de Entry>,
}

impl<'de> Variant<'de> {
    /// What the variant's one key stands for; the fault is about that key.
    fn content(&self) -> Result<&'de Entry, Fault> {
        self.entry.ok_or_else(|| {
            Fault::custom(format_args!(
                "`{0}` needs a value: `{{ {0} = … }}`",
                self.name
            ))
        })
    }

    fn decode<T>(&self, decode: impl FnOnce(&'de Node) -> Result<T, Fault>) -> Result<T, Fault> {
        let entry = self.content()?;
        decode(&entry.node).map_err(|fault| fault.under(Step::Key(entry.key.clone())))
    }
}

impl<'de> EnumAccess<'de> for Variant<'de> {
    type Error = Fault;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Fault> {
        let value = seed
            .deserialize(BorrowedStrDeserializer::new(self.name))
            .map_err(|fault: Fault| match self.entry {
                Some(entry) => {
                    let mut fault = fault.under(Step::Key(entry.key.clone()));
                    fault.is_key = true;
                    fault
                }
                None => fault,
            })?;
        Ok((value, self))
    }
}

impl<'de> VariantAccess<'de> for Variant<'de> {
    type Error = Fault;

    fn unit_variant(self) -> Result<(), Fault> {
        match self.entry {
            None => Ok(()),
            Some(_) => Err(Fault::custom(format_args!(
                "`{0}` takes no value: write `\"{0}\"`",
                self.name
            ))),
        }
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Fault> {
        self.decode(|node| seed.deserialize(node))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Fault> {
        self.decode(|node| node.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Fault> {
        self.decode(|node| node.deserialize_struct("", fields, visitor))
    }
}
