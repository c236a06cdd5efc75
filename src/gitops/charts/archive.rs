//! The archive of a chart: its files, one by one, without the folder in which all of them are.
//!
//! Whoever publishes a chart may write into it what they like: what is no plain file in that folder is refused, and so is what becomes
//! too much.

use std::io::{self, Read};

use flate2::read::GzDecoder;
use tar::{Archive, EntryType};

/// Bytes that all of it may have, unpacked.
const MOST_BYTES: u64 = 100 << 20;
/// Files that it may have.
const MOST_FILES: usize = 20_000;
/// How long a path may be.
const LONGEST: usize = 1_024;

/// A reader that fails where there is more than it may read.
struct Limited<R> {
    from: R,
    left: u64,
}

impl<R: Read> Read for Limited<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.from.read(into)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(format!("it has more than {} MiB when it is unpacked", MOST_BYTES >> 20))
        })?;
        Ok(count)
    }
}

/// Gives every file of an archive with its path.
///
/// # Errors
/// What is not taken out of it, and why; and why a file is not wanted.
pub fn unpack(archive: &[u8], mut each: impl FnMut(&str, Vec<u8>) -> Result<(), String>) -> Result<(), String> {
    let broken = |error: &io::Error| format!("its archive cannot be read: {error}");
    let plain = Limited { from: GzDecoder::new(archive), left: MOST_BYTES };
    let mut archive = Archive::new(plain);
    let (mut root, mut count) = (None, 0);
    for entry in archive.entries().map_err(|error| broken(&error))? {
        let mut entry = entry.map_err(|error| broken(&error))?;
        let is_file = match entry.header().entry_type() {
            EntryType::Regular | EntryType::Continuous => true,
            EntryType::Directory => false,
            // What some programs say about the archive as a whole.
            EntryType::XGlobalHeader => continue,
            _ => {
                let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
                return Err(format!("its archive has {path:?}, which is neither a file nor a folder"));
            }
        };
        let path = String::from_utf8(entry.path_bytes().into_owned())
            .map_err(|error| format!("its archive has {:?}, a name that is not UTF-8", error.to_string()))?;
        let (folder, path) = place(&path).ok_or_else(|| {
            let path: String = path.chars().take(100).collect();
            format!("its archive has {path:?}, which is no place in its folder")
        })?;
        let root = root.get_or_insert_with(|| folder.clone());
        if *root != folder {
            return Err(format!("its archive has the folders {root:?} and {folder:?}, and is of one chart"));
        }
        count += 1;
        if count > MOST_FILES {
            return Err(format!("its archive has more than {MOST_FILES} files"));
        }
        match path {
            Some(path) if is_file => {
                let mut content = Vec::new();
                entry.read_to_end(&mut content).map_err(|error| broken(&error))?;
                each(&path, content)?;
            }
            None if is_file => return Err(format!("its archive has the file {folder:?} in no folder")),
            _ => {}
        }
    }
    if root.is_some() { Ok(()) } else { Err("its archive is empty".to_owned()) }
}

/// The first folder of a path, and what is left of it; nothing where it leads elsewhere.
fn place(path: &str) -> Option<(String, Option<String>)> {
    if path.len() > LONGEST || path.starts_with('/') || path.contains(['\\', '\0', ':']) {
        return None;
    }
    let mut parts = path.split('/').filter(|part| !part.is_empty() && *part != ".");
    let folder = parts.next()?;
    let rest: Vec<&str> = parts.collect();
    let is_name = |part: &str| part != ".." && !part.eq_ignore_ascii_case(".git");
    let is_good = is_name(folder) && rest.iter().all(|part| is_name(part));
    is_good.then(|| (folder.to_owned(), (!rest.is_empty()).then(|| rest.join("/"))))
}

#[cfg(test)]
pub(super) mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use tar::{Builder, Header};

    use super::*;

    /// An archive of files, whose names are written as they are.
    pub fn packed(files: &[(&str, EntryType, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for (path, kind, content) in files {
            let mut header = Header::new_ustar();
            header.as_mut_bytes()[..path.len()].copy_from_slice(path.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            builder.append(&header, *content).expect("it is written");
        }
        builder.into_inner().and_then(GzEncoder::finish).expect("it is written")
    }

    fn files(archive: &[u8]) -> Result<Vec<(String, usize)>, String> {
        let mut found = Vec::new();
        unpack(archive, |path, content| {
            found.push((path.to_owned(), content.len()));
            Ok(())
        })?;
        Ok(found)
    }

    #[test]
    fn a_chart_is_unpacked_without_its_folder() {
        let archive = packed(&[
            ("pax_global_header", EntryType::XGlobalHeader, b""),
            ("web/", EntryType::Directory, b""),
            ("web/Chart.yaml", EntryType::Regular, b"name: web"),
            ("./web/templates/map.yaml", EntryType::Regular, b""),
        ]);
        assert_eq!(files(&archive), Ok(vec![("Chart.yaml".to_owned(), 9), ("templates/map.yaml".to_owned(), 0)]));
    }

    #[test]
    fn long_paths_come_whole() {
        let long = format!("web/{}/a.yaml", "folder/".repeat(30));
        let mut builder = Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        let mut header = Header::new_gnu();
        header.set_size(1);
        builder.append_data(&mut header, &long, &b"a"[..]).expect("it is written");
        let archive = builder.into_inner().and_then(GzEncoder::finish).expect("it is written");
        assert_eq!(files(&archive).expect("files")[0].0, long.replace("//", "/").trim_start_matches("web/"));
    }

    #[test]
    fn what_is_hostile_is_refused() {
        use EntryType::{Char, Fifo, Link, Regular, Symlink};
        for (files_in, expected) in [
            (vec![("web/../../etc/passwd", Regular)], "no place in its folder"),
            (vec![("../web/a", Regular)], "no place in its folder"),
            (vec![("/etc/passwd", Regular)], "no place in its folder"),
            (vec![("web\\..\\a", Regular)], "no place in its folder"),
            (vec![("web/.git/config", Regular)], "no place in its folder"),
            (vec![("C:/a", Regular)], "no place in its folder"),
            (vec![("web/link", Symlink)], "neither a file nor a folder"),
            (vec![("web/link", Link)], "neither a file nor a folder"),
            (vec![("web/device", Char)], "neither a file nor a folder"),
            (vec![("web/pipe", Fifo)], "neither a file nor a folder"),
            (vec![("web/a", Regular), ("other/a", Regular)], "is of one chart"),
            (vec![("web", Regular)], "in no folder"),
            (vec![], "is empty"),
        ] {
            let entries: Vec<(&str, EntryType, &[u8])> =
                files_in.iter().map(|(path, kind)| (*path, *kind, &b""[..])).collect();
            let why = files(&packed(&entries)).expect_err("it is refused");
            assert!(why.contains(expected), "{files_in:?}: {why}");
        }
        for archive in [&b""[..], b"no archive", &packed(&[("web/a", Regular, b"text")])[..20]] {
            assert!(files(archive).is_err());
        }
    }

    #[test]
    fn a_bomb_does_not_go_off() {
        let mut header = Header::new_ustar();
        header.set_path("web/zeros").expect("a path");
        header.set_size(1 << 40);
        header.set_cksum();
        let mut packing = GzEncoder::new(Vec::new(), Compression::fast());
        packing.write_all(header.as_bytes()).expect("it is written");
        let zeros = vec![0; 1 << 20];
        for _ in 0..=(MOST_BYTES >> 20) {
            packing.write_all(&zeros).expect("it is written");
        }
        let why = files(&packing.finish().expect("it is written")).expect_err("it is refused");
        assert!(why.contains("more than 100 MiB"), "{why}");
        let many: Vec<String> = (0..=MOST_FILES).map(|count| format!("web/{count}")).collect();
        let many: Vec<(&str, EntryType, &[u8])> =
            many.iter().map(|path| (path.as_str(), EntryType::Regular, &b""[..])).collect();
        assert!(files(&packed(&many)).expect_err("it is refused").contains("more than 20000 files"));
    }
}
