//! Protobuf on the wire: tags, numbers and lengths, and what to skip; refused in the words of Kubernetes' decoder.

use super::WireError;

/// How a field is written: the lower three bits of its tag.
pub mod kind {
    /// A number of as many bytes as it takes.
    pub const VARINT: u8 = 0;
    /// Eight bytes.
    pub const EIGHT: u8 = 1;
    /// A length, and as many bytes.
    pub const BYTES: u8 = 2;
    /// The beginning of a group, which nobody writes any more.
    pub const GROUP: u8 = 3;
    /// The end of one.
    pub const GROUP_END: u8 = 4;
    /// Four bytes.
    pub const FOUR: u8 = 5;
}

/// What stands before a field.
#[derive(Clone, Copy, Debug)]
pub struct Tag {
    /// As it is written.
    pub whole: u64,
    /// The number of the field.
    pub number: i32,
    /// How the field is written.
    pub kind: u8,
}

/// Reads one message; `at` never leaves it.
#[derive(Debug)]
pub struct Reader<'a> {
    data: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// At the beginning of a message.
    pub fn new(data: &'a [u8]) -> Reader<'a> {
        Reader { data, at: 0 }
    }

    /// Where it is.
    pub fn at(&self) -> usize {
        self.at
    }

    /// Goes to a place in front, or back to where it was.
    pub fn go_to(&mut self, place: usize) {
        self.at = place.min(self.data.len());
    }

    /// Whether nothing is left.
    pub fn is_done(&self) -> bool {
        self.at >= self.data.len()
    }

    /// The next number; bits beyond the 64th are lost.
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.data.get(self.at).ok_or(WireError::Truncated)?;
            self.at += 1;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(WireError::Overflow)
    }

    /// What stands before the next field.
    pub fn tag(&mut self) -> Result<Tag, WireError> {
        let whole = self.varint()?;
        Ok(Tag { whole, number: (whole >> 3) as i32, kind: (whole & 7) as u8 })
    }

    /// A length, and where as many bytes end.
    pub fn end(&mut self) -> Result<usize, WireError> {
        let length = usize::try_from(self.varint()? as i64).map_err(|_| WireError::NegativeLength)?;
        // What is beyond the largest `int64` is negative there.
        let end = self.at.checked_add(length).filter(|end| i64::try_from(*end).is_ok());
        let end = end.ok_or(WireError::NegativeLength)?;
        if end > self.data.len() { Err(WireError::Truncated) } else { Ok(end) }
    }

    /// A length, and as many bytes.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let end = self.end()?;
        let bytes = &self.data[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// Eight bytes, as a number with a fraction.
    pub fn double(&mut self) -> Result<f64, WireError> {
        let bytes = self.data[self.at..].first_chunk::<8>().ok_or(WireError::Truncated)?;
        self.at += bytes.len();
        Ok(f64::from_le_bytes(*bytes))
    }

    /// Passes over the next field, its tag included, and over all of a group.
    pub fn skip(&mut self) -> Result<(), WireError> {
        let mut open = 0_usize;
        while !self.is_done() {
            match self.tag()?.kind {
                kind::VARINT => drop(self.varint()?),
                kind::EIGHT => self.pass(8)?,
                kind::BYTES => self.at = self.end()?,
                kind::GROUP => open += 1,
                kind::GROUP_END => open = open.checked_sub(1).ok_or(WireError::EndOfGroup)?,
                kind::FOUR => self.pass(4)?,
                other => return Err(WireError::IllegalType(other)),
            }
            if open == 0 {
                return Ok(());
            }
        }
        Err(WireError::Truncated)
    }

    fn pass(&mut self, length: usize) -> Result<(), WireError> {
        self.at += length;
        if self.at > self.data.len() {
            self.at = self.data.len();
            return Err(WireError::Truncated);
        }
        Ok(())
    }
}
