//! Texts in quotes, with the escapes of Go.

/// What stands between two quotes, if its escapes read.
pub(super) fn unquote(text: &str, quote: char) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            push(&mut bytes, c);
            continue;
        }
        match chars.next()? {
            'a' => bytes.push(0x07),
            'b' => bytes.push(0x08),
            'f' => bytes.push(0x0c),
            'n' => bytes.push(b'\n'),
            'r' => bytes.push(b'\r'),
            't' => bytes.push(b'\t'),
            'v' => bytes.push(0x0b),
            '\\' => bytes.push(b'\\'),
            'x' => bytes.push(u8::try_from(digits(&mut chars, 16, 2)?).ok()?),
            'u' => push(&mut bytes, char::from_u32(digits(&mut chars, 16, 4)?)?),
            'U' => push(&mut bytes, char::from_u32(digits(&mut chars, 16, 8)?)?),
            first @ '0'..='7' => {
                let octal = first.to_digit(8)? * 64 + digits(&mut chars, 8, 2)?;
                bytes.push(u8::try_from(octal).ok()?);
            }
            escaped if escaped == quote => push(&mut bytes, escaped),
            _ => return None,
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn push(bytes: &mut Vec<u8>, c: char) {
    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
}

fn digits(chars: &mut std::str::Chars<'_>, radix: u32, count: usize) -> Option<u32> {
    let mut number: u32 = 0;
    for _ in 0..count {
        number = number.checked_mul(radix)?.checked_add(chars.next()?.to_digit(radix)?)?;
    }
    Some(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_are_those_of_go() {
        let cases = [
            (r"plain", Some("plain")),
            (r#"\"\\\n\t"#, Some("\"\\\n\t")),
            (r"\x41\101\u00e9\U0001f600", Some("AAé😀")),
            (r"\'", None),
            (r"\q", None),
            (r"\u12", None),
            (r"\ud800", None),
            (r"\777", None),
            ("\\", None),
        ];
        for (text, expected) in cases {
            assert_eq!(unquote(text, '"').as_deref(), expected, "{text}");
        }
        assert_eq!(unquote(r"it\'s", '\'').as_deref(), Some("it's"));
        assert_eq!(unquote(r"\xff", '"').as_deref(), Some("\u{fffd}"), "what is no text becomes one");
    }
}
