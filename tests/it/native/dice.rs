//! Rows of any type with values by dice: the least, the greatest, and others. A field that is added to a row has some, too.
#![expect(clippy::cast_possible_truncation, clippy::cast_possible_wrap, reason = "any value will do")]

use serde::de::value::Error;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde::forward_to_deserialize_any;

/// Money in tables has 38 digits, 6 of them behind the point.
const MONEY_MAX: i128 = 10_i128.pow(38) - 1;
/// Rates have 9.
const RATE_MAX: i32 = 999_999_999;

/// What values a row gets.
#[derive(Clone, Copy)]
enum Mode {
    Least,
    Greatest,
    Any,
}

/// A deserializer that makes up what it is asked for.
pub(super) struct Dice {
    state: u64,
    rows: usize,
    mode: Mode,
}

impl Dice {
    pub(super) fn new() -> Self {
        Dice { state: 7, rows: 0, mode: Mode::Any }
    }

    /// The first row is of least values, the second of greatest, the others mix them.
    pub(super) fn next_row(&mut self) -> &mut Self {
        self.mode = [Mode::Least, Mode::Greatest].get(self.rows).copied().unwrap_or(Mode::Any);
        self.rows += 1;
        self
    }

    /// splitmix64
    fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn pick<T>(&mut self, least: T, greatest: T, other: impl FnOnce(u64) -> T) -> T {
        let number = self.number();
        match (self.mode, number % 4) {
            (Mode::Least, _) | (Mode::Any, 0) => least,
            (Mode::Greatest, _) | (Mode::Any, 1) => greatest,
            (Mode::Any, _) => other(number >> 2),
        }
    }

    /// None, many, and few.
    fn length(&mut self, greatest: usize) -> usize {
        self.pick(0, greatest, |number| number as usize % 4)
    }
}

/// So many elements: of a list, a pair, a row.
struct Elements<'a>(&'a mut Dice, usize);

impl<'de> SeqAccess<'de> for Elements<'_> {
    type Error = Error;

    fn next_element_seed<T: serde::de::DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.1.checked_sub(1) else { return Ok(None) };
        self.1 = left;
        seed.deserialize(&mut *self.0).map(Some)
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $number:ident $least:expr, $greatest:expr;)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            let value = self.pick($least, $greatest, |number| number as $number);
            visitor.$visit(value)
        }
    )*};
}

impl<'de> Deserializer<'de> for &mut Dice {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8 u8::MIN, u8::MAX;
        deserialize_u32 visit_u32 u32 u32::MIN, u32::MAX;
        deserialize_u64 visit_u64 u64 u64::MIN, u64::MAX;
        deserialize_u128 visit_u128 u128 u128::MIN, u128::MAX;
        deserialize_i16 visit_i16 i16 i16::MIN, i16::MAX;
        deserialize_i32 visit_i32 i32 -RATE_MAX, RATE_MAX;
        deserialize_i64 visit_i64 i64 i64::MIN, i64::MAX;
        deserialize_i128 visit_i128 i128 -MONEY_MAX, MONEY_MAX;
        deserialize_f64 visit_f64 f64 f64::MIN, f64::INFINITY;
    }

    /// The only one is the epoch, a part of every key: another for each row, or rows would replace each other.
    fn deserialize_u16<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_u16(if self.rows == 1 { u16::MAX } else { self.rows as u16 - 2 })
    }

    /// The only one is an enumeration of four.
    fn deserialize_i8<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = self.pick(0, 3, |number| (number % 4) as i8);
        visitor.visit_i8(value)
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let value = self.pick(false, true, |number| number % 2 == 0);
        visitor.visit_bool(value)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let long = "ä\0`'\\\n".repeat(self.length(4000));
        let number = self.number();
        visitor.visit_string(self.pick(String::new(), long.clone(), |_| format!("{number}{long}")))
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length(300);
        visitor.visit_byte_buf([0xff, 0, 0xc3, 0x28].repeat(length))
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.pick(false, true, |number| number % 2 == 0) { visitor.visit_some(self) } else { visitor.visit_none() }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let length = self.length(5);
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, length: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, length))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_seq(Elements(self, fields.len()))
    }

    fn deserialize_any<V: Visitor<'de>>(self, _visitor: V) -> Result<V::Value, Error> {
        Err(Error::custom("rows have had no value of this type"))
    }

    forward_to_deserialize_any! {
        f32 char str bytes unit unit_struct newtype_struct tuple_struct map enum identifier ignored_any
    }
}
