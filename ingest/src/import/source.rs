//! A file as something that can be read from any place: unpacked where it is packed; text in an encoding whose line ends,
//! quotes and delimiters are those of ASCII. Packed files are unpacked into a nameless temporary file, never into memory.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write},
    path::Path,
};

use encoding_rs::{CoderResult, Encoding, UTF_8};
use zip::{ZipArchive, result::ZipError};

use crate::Error;

/// Bytes that are looked at to tell what a file is.
const MAGIC_BYTES: usize = 4;

/// Where Parquet begins and ends.
const PARQUET: &[u8] = b"PAR1";
const ZIP: &[u8] = b"PK\x03\x04";
/// The container of .xls, and of other documents of its time.
const OLE: &[u8] = b"\xd0\xcf\x11\xe0";

/// A file that is open, by what its bytes are.
pub(super) enum Source {
    Text(TextFile),
    Parquet(File),
    /// A spreadsheet document of any kind.
    Workbook(File),
}

/// Delimited text or NDJSON.
pub(super) struct TextFile {
    pub(super) file: File,
    /// The encoding of its bytes; one in which a byte below 0x30 is always the ASCII character.
    pub(super) encoding: &'static Encoding,
    /// Bytes of a byte order mark at the beginning.
    pub(super) mark: u64,
}

impl Source {
    /// Opens a file; gzip, zip (of one file), Parquet, workbooks and byte order marks are told by the bytes, not by the name.
    ///
    /// # Errors
    /// The file cannot be read or unpacked, or is an archive of several files.
    pub(super) fn open(path: &Path, encoding: Option<&'static Encoding>) -> Result<Self, Error> {
        let failed = |source| Error::Io { path: path.to_owned(), source };
        let file = unpacked(File::open(path).map_err(failed)?).map_err(failed)?;
        Self::of(file, encoding).map_err(failed)
    }

    fn of(mut file: File, encoding: Option<&'static Encoding>) -> io::Result<Self> {
        let first = magic(&mut file)?;
        if first == PARQUET && ends_with(&mut file, PARQUET)? {
            return Ok(Self::Parquet(file));
        }
        if first == ZIP || first == OLE {
            return Ok(Self::Workbook(file));
        }
        TextFile::of(file, &first, encoding).map(Self::Text)
    }
}

impl TextFile {
    fn of(file: File, first: &[u8], encoding: Option<&'static Encoding>) -> io::Result<Self> {
        let marked = Encoding::for_bom(first);
        let encoding = marked.map(|(encoding, _)| encoding).or(encoding).unwrap_or(UTF_8);
        if encoding.is_ascii_compatible() {
            let mark = marked.map_or(0, |(_, bytes)| bytes as u64);
            return Ok(Self { file, encoding, mark });
        }
        let file = transcoded(file, encoding)?;
        Ok(Self { file, encoding: UTF_8, mark: 0 })
    }
}

/// Whether it is a zip archive, as most kinds of workbooks are.
pub(super) fn is_zip(file: &mut File) -> io::Result<bool> {
    Ok(magic(file)? == ZIP)
}

fn ends_with(file: &mut File, end: &[u8]) -> io::Result<bool> {
    let mut last = Vec::new();
    file.seek(SeekFrom::End(-(end.len() as i64)))?;
    file.read_to_end(&mut last)?;
    file.rewind()?;
    Ok(last == end)
}

/// The first bytes; the file stands at its beginning again.
fn magic(file: &mut File) -> io::Result<Vec<u8>> {
    let mut first = Vec::new();
    Read::by_ref(file).take(MAGIC_BYTES as u64).read_to_end(&mut first)?;
    file.rewind()?;
    Ok(first)
}

/// What gzip or a zip of one file holds; anything else, a workbook among it, as it is.
fn unpacked(mut file: File) -> io::Result<File> {
    let first = magic(&mut file)?;
    if first.starts_with(b"\x1f\x8b") {
        return temporary(flate2::read::MultiGzDecoder::new(BufReader::new(file)));
    }
    if first != ZIP {
        return Ok(file);
    }
    let mut archive = ZipArchive::new(BufReader::new(file))?;
    let names = archive.file_names().map(|name| Ok(name?.into_owned())).collect::<Result<Vec<_>, ZipError>>()?;
    if names.iter().any(|name| OF_WORKBOOKS.contains(&name.as_str())) {
        let mut file = archive.into_inner().into_inner();
        file.rewind()?;
        return Ok(file);
    }
    let inside: Vec<String> = names.into_iter().filter(|name| is_data(name)).collect();
    let [name] = &inside[..] else {
        let problem = format!("the archive holds {} files ({}); unpack it and name one", inside.len(), inside.join(", "));
        return Err(io::Error::other(problem));
    };
    temporary(archive.by_name(name)?)
}

/// Files that every .xlsx and .xlsb, and every .ods, holds.
const OF_WORKBOOKS: [&str; 2] = ["[Content_Types].xml", "mimetype"];

/// Archives made on a Mac also hold its notes on every file.
fn is_data(name: &str) -> bool {
    !name.ends_with('/') && !name.starts_with("__MACOSX/")
}

fn temporary(mut packed: impl Read) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut packed, &mut file)?;
    file.rewind()?;
    Ok(file)
}

/// The file in UTF-8. What is no character becomes U+FFFD, as in every reader of these encodings.
fn transcoded(file: File, encoding: &'static Encoding) -> io::Result<File> {
    let mut input = BufReader::with_capacity(1 << 16, file);
    let mut output = tempfile::tempfile()?;
    let mut decoder = encoding.new_decoder_with_bom_removal();
    let mut text = vec![0; 1 << 18];
    loop {
        let chunk = input.fill_buf()?;
        let is_last = chunk.is_empty();
        let (result, read, written, _) = decoder.decode_to_utf8(chunk, &mut text, is_last);
        input.consume(read);
        output.write_all(&text[..written])?;
        if is_last && result == CoderResult::InputEmpty {
            output.seek(SeekFrom::Start(0))?;
            return Ok(output);
        }
    }
}

#[cfg(test)]
#[expect(clippy::unwrap_used, reason = "a test that fails says where")]
mod tests {
    use std::fs;

    use super::*;

    const TEXT: &str = "name,city\nZoë,上海\n";

    fn read(bytes: &[u8], encoding: Option<&'static Encoding>) -> Result<String, String> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        fs::write(&path, bytes).unwrap();
        let source = Source::open(&path, encoding).map_err(|error| error.to_string())?;
        let Source::Text(mut source) = source else { panic!("no text") };
        let mut text = Vec::new();
        source.file.seek(SeekFrom::Start(source.mark)).unwrap();
        source.file.read_to_end(&mut text).unwrap();
        Ok(source.encoding.decode_without_bom_handling(&text).0.into_owned())
    }

    fn zip(names: &[&str]) -> Vec<u8> {
        let mut archive = zip::ZipWriter::new(io::Cursor::new(Vec::new()));
        for name in names {
            archive.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            archive.write_all(TEXT.as_bytes()).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    #[test]
    fn the_same_text_however_it_is_packed_and_encoded() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(TEXT.as_bytes()).unwrap();
        let utf_16: Vec<u8> = ['\u{feff}'].into_iter().chain(TEXT.chars()).flat_map(|c| (c as u16).to_le_bytes()).collect();
        let gb18030 = encoding_rs::GB18030.encode(TEXT).0;
        for (bytes, encoding) in [
            (TEXT.as_bytes(), None),
            (format!("\u{feff}{TEXT}").as_bytes(), None),
            (&gzip.finish().unwrap(), None),
            (&zip(&["data.csv", "__MACOSX/._data.csv"]), None),
            (&utf_16, None),
            (&utf_16[2..], Some(encoding_rs::UTF_16LE)),
            (&gb18030, Some(encoding_rs::GB18030)),
        ] {
            assert_eq!(read(bytes, encoding).as_deref(), Ok(TEXT), "{encoding:?}");
        }
        let error = read(&zip(&["a.csv", "b.csv"]), None).unwrap_err();
        assert!(error.contains("holds 2 files (a.csv, b.csv)"), "{error}");
    }
}
