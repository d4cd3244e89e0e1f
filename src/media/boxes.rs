//! Walking the boxes of an MP4 file that nobody vouches for.
//!
//! The boxes are walked here and only small leaf boxes are handed to a parser: a paid clip must not be refused because
//! of odd metadata, and a hostile file must not make the reader recurse or reserve memory without bound.

use std::fmt;
use std::io::{Read, Seek, SeekFrom};

use mp4_atom::Atom;

use super::ProbeError;

/// The largest `moov` or `moof` box that is read into memory, in bytes. One hour of video at 60 frames a second needs
/// about three million.
const LARGEST_HEADER_BOX: u64 = 64 * 1024 * 1024;

/// The most boxes at the top level of a file. Fragmented files have two for each fragment.
const MOST_TOP_LEVEL_BOXES: usize = 100_000;

/// Boxes that a file may begin with; anything else is taken for another format.
const FIRST_BOXES: [&[u8; 4]; 10] =
    [b"ftyp", b"styp", b"moov", b"mdat", b"moof", b"free", b"skip", b"wide", b"pnot", b"sidx"];

/// The four characters that name a box.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Kind(pub(super) [u8; 4]);

impl fmt::Display for Kind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The name comes from an untrusted file and may hold control characters.
        write!(formatter, "{}", self.0.escape_ascii())
    }
}

/// A box at the top level: its name, where it and its body begin and where it ends, in bytes from the file's start.
pub(super) struct TopLevelBox {
    pub(super) kind: Kind,
    pub(super) start: u64,
    pub(super) body: u64,
    pub(super) end: u64,
}

/// Walks the boxes at the top level of a file of `length` bytes; `visit` gets each with the reader at its body.
pub(super) fn walk<R: Read + Seek>(
    reader: &mut R,
    length: u64,
    mut visit: impl FnMut(&mut R, &TopLevelBox) -> Result<(), ProbeError>,
) -> Result<(), ProbeError> {
    if length == 0 {
        return Err(ProbeError::NotMp4("it is empty".into()));
    }
    let mut position = 0_u64;
    let mut count = 0_usize;
    while position < length {
        reader.seek(SeekFrom::Start(position))?;
        let Some(found) = top_level_box(reader, position, length)? else {
            break;
        };
        count += 1;
        if count > MOST_TOP_LEVEL_BOXES {
            return Err(damaged(
                found.kind,
                format!("follows {MOST_TOP_LEVEL_BOXES} others, more than any clip has"),
            ));
        }
        visit(reader, &found)?;
        position = found.end;
    }
    Ok(())
}

/// Reads the header of the box at `position` of a file of `length` bytes; `position` must be less than `length`.
/// `None` is the end of the file after harmless padding.
fn top_level_box(
    reader: &mut impl Read,
    position: u64,
    length: u64,
) -> Result<Option<TopLevelBox>, ProbeError> {
    let here = length - position;
    let mut start = [0_u8; 8];
    if here < 8 {
        if position == 0 {
            return Err(ProbeError::NotMp4(format!("it has only {here} bytes")));
        }
        let tail = &mut start[..here as usize];
        reader.read_exact(tail)?;
        // Some writers pad the end with a few zeros; no box fits in them, so nothing is lost.
        if tail.iter().all(|&byte| byte == 0) {
            return Ok(None);
        }
        return Err(ProbeError::Cut { what: "the last box header".into(), needs: 8, here });
    }
    reader.read_exact(&mut start)?;
    let [a, b, c, d, e, f, g, h] = start;
    let kind = Kind([e, f, g, h]);
    if position == 0 && !FIRST_BOXES.contains(&&kind.0) {
        return Err(ProbeError::NotMp4(format!("it begins with `{}`", start.escape_ascii())));
    }
    let (header, size) = match u32::from_be_bytes([a, b, c, d]) {
        0 => (8, here),
        1 if here < 16 => return Err(cut_box(kind, 16, here)),
        1 => {
            let mut large = [0_u8; 8];
            reader.read_exact(&mut large)?;
            (16, u64::from_be_bytes(large))
        }
        size => (8, u64::from(size)),
    };
    if size < header {
        return Err(damaged(
            kind,
            format!("claims a size of {size} bytes, less than its own header"),
        ));
    }
    if size > here {
        return Err(cut_box(kind, size, here));
    }
    Ok(Some(TopLevelBox { kind, start: position, body: position + header, end: position + size }))
}

/// Reads the body of a box that holds headers, within the limit that keeps memory bounded.
pub(super) fn read_body(
    reader: &mut impl Read,
    found: &TopLevelBox,
) -> Result<Vec<u8>, ProbeError> {
    let length = found.end - found.body;
    if length > LARGEST_HEADER_BOX {
        return Err(damaged(
            found.kind,
            format!("claims {length} bytes of headers, more than any clip has"),
        ));
    }
    let mut body = Vec::new();
    reader.take(length).read_to_end(&mut body)?;
    match body.len() as u64 {
        here if here < length => Err(cut_box(found.kind, length, here)),
        _ => Ok(body),
    }
}

fn cut_box(kind: Kind, needs: u64, here: u64) -> ProbeError {
    ProbeError::Cut { what: format!("the `{kind}` box"), needs, here }
}

/// The error for a box whose content is wrong; `why` continues a sentence that begins with its name.
pub(super) fn damaged(kind: Kind, why: impl Into<String>) -> ProbeError {
    ProbeError::Damaged { kind: kind.to_string(), why: why.into() }
}

/// The boxes directly inside the body of `parent`, each with its own body.
pub(super) struct Children<'a> {
    parent: Kind,
    rest: &'a [u8],
}

/// Walks the boxes directly inside `body`. A remainder smaller than a header is padding that QuickTime writes.
pub(super) fn children<'a>(parent: &[u8; 4], body: &'a [u8]) -> Children<'a> {
    Children { parent: Kind(*parent), rest: body }
}

impl<'a> Iterator for Children<'a> {
    type Item = Result<(Kind, &'a [u8]), ProbeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let [a, b, c, d, e, f, g, h, ref after @ ..] = *self.rest else {
            return None;
        };
        let kind = Kind([e, f, g, h]);
        let left = self.rest.len() as u64;
        let (header, size) = match (u32::from_be_bytes([a, b, c, d]), after.first_chunk::<8>()) {
            (0, _) => (8, left),
            (1, Some(large)) => (16, u64::from_be_bytes(*large)),
            (size, _) => (8, u64::from(size)),
        };
        if size < header || size > left {
            self.rest = &[];
            let why = format!("holds a `{kind}` box of {size} bytes where {left} are left");
            return Some(Err(damaged(self.parent, why)));
        }
        let (this, next) = self.rest.split_at(size as usize);
        self.rest = next;
        Some(Ok((kind, &this[header as usize..])))
    }
}

/// Finds the first box of a kind directly inside `body`.
pub(super) fn child<'a>(
    parent: &[u8; 4],
    body: &'a [u8],
    kind: &[u8; 4],
) -> Result<Option<&'a [u8]>, ProbeError> {
    for item in children(parent, body) {
        let (found, inner) = item?;
        if found.0 == *kind {
            return Ok(Some(inner));
        }
    }
    Ok(None)
}

/// As [`child`], for a box that the format requires.
pub(super) fn required<'a>(
    parent: &[u8; 4],
    body: &'a [u8],
    kind: &[u8; 4],
) -> Result<&'a [u8], ProbeError> {
    child(parent, body, kind)?
        .ok_or_else(|| damaged(Kind(*parent), format!("has no `{}` box", Kind(*kind))))
}

/// Decodes the body of a leaf box. The parser reads no further than the body and reserves no more than it holds.
pub(super) fn leaf<T: Atom>(kind: &[u8; 4], body: &[u8]) -> Result<T, ProbeError> {
    let mut rest = body;
    T::decode_body(&mut rest)
        .map_err(|error| damaged(Kind(*kind), format!("cannot be read ({error})")))
}
