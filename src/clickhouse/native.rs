//! Rows as columns: one block of ClickHouse's format `Native`, as its HTTP interface reads it.
//!
//! A block is the number of its columns and rows, then of each column its name, its type and its values. Numbers are little-endian
//! and stand one after the other; a text is its length and its bytes. What is made of such values is written in parts: of lists
//! where each of them ends and then all their elements, of tuples all the first values, then all the second ones and so on, of
//! values that may be missing which of them are, and then the values. The server checks names and types against the table; that values are of
//! their type is for the compiler to see.

use std::sync::Arc;

use serde_bytes::ByteBuf;

use super::tables::Table;
use crate::row::TargetKind;

/// A value, and how a column of such values is written.
pub trait Value {
    /// The bytes that it adds to its column.
    fn size(&self) -> usize;

    /// Writes a column of values.
    fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone)
    where
        Self: 'a;
}

/// A piece of a block has about so many bytes: what is done with it does not keep a loop from other things for long.
pub(super) const PIECE: usize = 256 << 10;

/// One block of these rows, in pieces of whole columns. Each piece is made when it is asked for.
pub fn block<'r, T: Table>(rows: &'r [&'r T]) -> impl Iterator<Item = Vec<u8>> + 'r {
    let mut columns = T::COLUMNS.iter().zip(T::WRITERS);
    let mut piece = Vec::new();
    write_length(&mut piece, T::COLUMNS.len());
    write_length(&mut piece, rows.len());
    std::iter::from_fn(move || {
        while piece.len() < PIECE
            && let Some((column, write)) = columns.next()
        {
            write_text(&mut piece, column.name.as_bytes());
            write_text(&mut piece, column.kind.as_bytes());
            write(rows, &mut piece);
        }
        (!piece.is_empty()).then(|| std::mem::take(&mut piece))
    })
}

/// The rows in their order, as many at a time as have so many bytes of values. A row that is larger goes by itself.
pub fn chunks<'r, T: Table>(mut rows: &'r [&'r T], bytes_max: usize) -> impl Iterator<Item = &'r [&'r T]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |row: &&&T| {
            bytes += row.size();
            bytes <= bytes_max
        };
        let count = rows.iter().take_while(fits).count().max(1);
        let (chunk, rest) = rows.split_at_checked(count)?;
        rows = rest;
        Some(chunk)
    })
}

/// A length, seven bits a byte, the lowest first.
fn write_length(out: &mut Vec<u8>, mut length: usize) {
    while length >= 0x80 {
        out.push(length.to_le_bytes()[0] | 0x80);
        length >>= 7;
    }
    out.push(length.to_le_bytes()[0]);
}

fn length_size(length: usize) -> usize {
    (length | 1).ilog2() as usize / 7 + 1
}

fn write_text(out: &mut Vec<u8>, bytes: &[u8]) {
    write_length(out, bytes.len());
    out.extend_from_slice(bytes);
}

fn text_size(bytes: usize) -> usize {
    length_size(bytes) + bytes
}

macro_rules! numbers {
    ($($number:ty)*) => {$(
        impl Value for $number {
            fn size(&self) -> usize {
                size_of::<$number>()
            }

            fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone) {
                values.for_each(|value| out.extend_from_slice(&value.to_le_bytes()));
            }
        }
    )*};
}

numbers!(u8 u16 u32 u64 u128 i16 i32 i64 i128 f64);

impl Value for bool {
    fn size(&self) -> usize {
        1
    }

    fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone) {
        out.extend(values.map(|value| u8::from(*value)));
    }
}

/// The server takes any byte for an enumeration and stumbles over it later, at every question: only those that have a name exist here.
impl Value for TargetKind {
    fn size(&self) -> usize {
        1
    }

    fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone) {
        values.for_each(|value| out.extend_from_slice(&(*value as i8).to_le_bytes()));
    }
}

macro_rules! texts {
    ($($text:ty: $bytes:expr,)*) => {$(
        impl Value for $text {
            fn size(&self) -> usize {
                text_size(self.len())
            }

            fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone) {
                values.map($bytes).for_each(|bytes| write_text(out, bytes));
            }
        }
    )*};
}

texts! {
    String: String::as_bytes,
    Arc<str>: |text| text.as_bytes(),
    ByteBuf: |bytes| bytes.as_slice(),
}

impl<T: Value + Default> Value for Option<T> {
    fn size(&self) -> usize {
        1 + self.as_ref().map_or_else(|| T::default().size(), T::size)
    }

    fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone)
    where
        Self: 'a,
    {
        out.extend(values.clone().map(|value| u8::from(value.is_none())));
        let missing = T::default();
        T::write(out, values.map(|value| value.as_ref().unwrap_or(&missing)));
    }
}

macro_rules! lists {
    ($($list:ty)*) => {$(
        impl<T: Value> Value for $list {
            fn size(&self) -> usize {
                size_of::<u64>() + self.iter().map(T::size).sum::<usize>()
            }

            fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone)
            where
                Self: 'a,
            {
                let mut end = 0;
                values.clone().for_each(|list| {
                    end += list.len() as u64;
                    out.extend_from_slice(&end.to_le_bytes());
                });
                T::write(out, values.flat_map(|list| list.iter()));
            }
        }
    )*};
}

lists!(Vec<T> Arc<[T]>);

/// A list of pairs is a map.
macro_rules! tuples {
    ($($value:ident $place:tt),*) => {
        impl<$($value: Value),*> Value for ($($value,)*) {
            fn size(&self) -> usize {
                [$(self.$place.size()),*].iter().sum()
            }

            fn write<'a>(out: &mut Vec<u8>, values: impl Iterator<Item = &'a Self> + Clone)
            where
                Self: 'a,
            {
                $($value::write(out, values.clone().map(|value| &value.$place));)*
            }
        }
    };
}

tuples!(A 0, B 1);
tuples!(A 0, B 1, C 2, D 3, E 4);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::row::{Assignment, Cascade, Cost};

    /// A column of values, whose size is what they said.
    fn written<V: Value>(values: &[V]) -> Vec<u8> {
        let mut out = Vec::new();
        V::write(&mut out, values.iter());
        assert_eq!(out.len(), values.iter().map(V::size).sum::<usize>());
        out
    }

    fn encode<T: Table>(rows: &[&T]) -> Vec<u8> {
        block(rows).collect::<Vec<_>>().concat()
    }

    #[test]
    fn values_are_written_as_the_format_says() {
        assert_eq!(written(&[1_u16, 0xfffe]), [1, 0, 0xfe, 0xff]);
        assert_eq!(written(&[-1_i32]), [0xff; 4]);
        assert_eq!(written(&[i128::MIN]), [[0; 15].as_slice(), &[0x80]].concat());
        assert_eq!(written(&[1.5_f64]), [0, 0, 0, 0, 0, 0, 0xf8, 0x3f]);
        assert_eq!(written(&[true, false]), [1, 0]);
        assert_eq!(written(&[TargetKind::Reply, TargetKind::Unknown]), [3, 0]);
        assert_eq!(written(&["ab".to_owned(), String::new()]), *b"\x02ab\x00");
        assert_eq!(written::<Arc<str>>(&["ä".into()]), [2, 0xc3, 0xa4]);
        assert_eq!(written(&[ByteBuf::from([0xff, 0])]), [2, 0xff, 0]);
        assert_eq!(written(&[Some(7_u16), None]), [0, 1, 7, 0, 0, 0]);
        assert!(written::<u8>(&[]).is_empty());
    }

    #[test]
    fn lists_say_where_they_end_before_their_elements() {
        let ends = |ends: &[u64]| ends.iter().flat_map(|end| end.to_le_bytes()).collect::<Vec<_>>();
        assert_eq!(written(&[vec![1_u8, 2], vec![], vec![3]]), [ends(&[2, 2, 3]), vec![1, 2, 3]].concat());
        let tags: [Arc<[Arc<str>]>; 2] = [Arc::new(["a".into(), "b".into()]), Arc::new([])];
        assert_eq!(written(&tags), [ends(&[2, 2]), b"\x01a\x01b".to_vec()].concat());
        assert_eq!(written(&[vec![(1_u8, 2_u16)], vec![(3, 4)]]), [ends(&[1, 2]), vec![1, 3, 2, 0, 4, 0]].concat());
        assert_eq!(written(&[vec![vec![5_u8]], vec![]]), [ends(&[1, 1]), ends(&[1]), vec![5]].concat());
        let tuples = [vec![], vec![(1_u8, 2_u16, 3_u8, 4_u8, true), (5, 6, 7, 8, false)]];
        assert_eq!(written(&tuples), [ends(&[0, 2]), vec![1, 5, 2, 0, 6, 0, 3, 7, 4, 8, 1, 0]].concat());
    }

    #[test]
    fn a_length_takes_a_byte_for_every_seven_bits() {
        for (length, bytes) in [
            (0, vec![0]),
            (127, vec![127]),
            (128, vec![0x80, 1]),
            (300, vec![0xac, 2]),
            (16_383, vec![0xff, 0x7f]),
            (16_384, vec![0x80, 0x80, 1]),
        ] {
            let mut out = Vec::new();
            write_length(&mut out, length);
            assert_eq!((out.len(), out), (length_size(length), bytes), "{length}");
        }
    }

    #[test]
    fn a_block_has_every_value_under_its_name() {
        let row = Assignment {
            id: "i".into(),
            epoch: 1,
            source: "s".into(),
            key_source: "k".into(),
            version: 2,
            time: -1,
            experiment: "e".into(),
            arm: "a".into(),
            unit: "u".into(),
            unit_type: "t".into(),
        };
        let expected: [&[u8]; 11] = [
            b"\x0a\x01",
            b"\x02id\x06String\x01i",
            b"\x05epoch\x06UInt16\x01\x00",
            b"\x06source\x06String\x01s",
            b"\x0akey_source\x06String\x01k",
            b"\x07version\x06UInt64\x02\x00\x00\x00\x00\x00\x00\x00",
            b"\x04time\x14DateTime64(3, 'UTC')\xff\xff\xff\xff\xff\xff\xff\xff",
            b"\x0aexperiment\x06String\x01e",
            b"\x03arm\x06String\x01a",
            b"\x04unit\x06String\x01u",
            b"\x09unit_type\x06String\x01t",
        ];
        assert_eq!(encode(&[&row]), expected.concat());
    }

    #[test]
    fn a_row_adds_what_its_size_says() {
        let rows = [
            Cascade { root: "r".into(), levels: vec![1, 2], age_hist: vec![(-1, 2)], ..Cascade::default() },
            Cascade { root: "another".into(), delay_hist: vec![(7, 1)], ..Cascade::default() },
        ];
        let more = encode(&rows.each_ref()).len() - encode(&[&rows[0]]).len();
        assert_eq!(more, rows[1].size());
        let rows = [Cost::default(), Cost { seconds: Some(1), role: "x".repeat(200), ..Cost::default() }];
        assert_eq!(encode(&rows.each_ref()).len() - encode(&[&rows[0]]).len(), rows[1].size());
    }

    #[test]
    fn a_large_block_comes_in_pieces() {
        let row = Cascade { levels: vec![0; PIECE / 8], delay_hist: vec![(0, 0); PIECE / 10], ..Cascade::default() };
        let pieces: Vec<_> = block(&[&row]).map(|piece| piece.len() / PIECE).collect();
        assert_eq!(pieces, [1, 1, 0]);
    }

    #[test]
    fn rows_are_cut_where_they_are_full() {
        let rows: Vec<_> = (0..5).map(|long| Cascade { levels: vec![0; 100 * long], ..Cascade::default() }).collect();
        let rows: Vec<_> = rows.iter().collect();
        let lengths = |bytes| chunks(&rows, bytes).map(<[_]>::len).collect::<Vec<_>>();
        let size = |rows: &[&Cascade]| rows.iter().map(|row| row.size()).sum::<usize>();
        assert_eq!(lengths(usize::MAX), [5]);
        assert_eq!(lengths(size(&rows)), [5]);
        assert_eq!(lengths(size(&rows) - 1), [4, 1]);
        assert_eq!(lengths(size(&rows[..2])), [2, 1, 1, 1]);
        assert_eq!(lengths(1), [1; 5]);
        assert_eq!(chunks::<Cascade>(&[], 1).count(), 0);
    }
}
