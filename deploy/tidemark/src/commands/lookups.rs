//! The options about files that a mapping looks things up in: which they are and how they are read.

use std::path::PathBuf;

use anyhow::{Result, bail};
use tidemark_ingest::{ImportOptions, Reading};

#[derive(clap::Args)]
pub struct Lookups {
    /// Another file that the mapping looks things up in, by the name that it has there
    #[arg(long, value_name = "NAME=FILE", value_parser = assignment)]
    with: Vec<(String, String)>,
    /// Columns of files without a header; of a file given by --with as NAME=A,B,C
    #[arg(long, value_name = "A,B,C")]
    columns: Vec<String>,
    /// The sheet of a workbook; of a file given by --with as NAME=SHEET [default: the first]
    #[arg(long, value_name = "SHEET")]
    sheet: Vec<String>,
    /// utf-8, latin1, gb18030, shift_jis, … [default: utf-8, or what a byte order mark says]
    #[arg(long, value_name = "ENCODING")]
    encoding: Option<String>,
}

impl Lookups {
    /// Says so in the options, also what is about the imported file itself.
    ///
    /// # Errors
    /// There is no such encoding.
    pub fn apply(&self, options: &mut ImportOptions) -> Result<()> {
        options.with = self.with.iter().map(|(name, file)| (name.clone(), PathBuf::from(file))).collect();
        if let Some(label) = &self.encoding {
            let Some(encoding) = Reading::encoding_of(label) else { bail!("--encoding {label}: there is no such encoding") };
            options.reading.encoding = Some(encoding);
        }
        for columns in &self.columns {
            let list = |columns: &str| columns.split(',').map(|column| column.trim().to_owned()).collect::<Vec<_>>();
            match of_lookup(columns, options) {
                Some((name, columns)) => drop(options.with_columns.insert(name, list(&columns))),
                None => options.reading.columns = Some(list(columns)),
            }
        }
        for sheet in &self.sheet {
            match of_lookup(sheet, options) {
                Some((name, sheet)) => drop(options.with_sheet.insert(name, sheet)),
                None => options.reading.sheet = Some(sheet.clone()),
            }
        }
        Ok(())
    }
}

/// Name and value, where the name is that of a file given by --with.
fn of_lookup(text: &str, options: &ImportOptions) -> Option<(String, String)> {
    let (name, value) = text.split_once('=').filter(|(name, _)| options.with.contains_key(*name))?;
    Some((name.to_owned(), value.to_owned()))
}

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, file) = text.split_once('=').ok_or("expected NAME=FILE")?;
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if is_name { Ok((name.to_owned(), file.to_owned())) } else { Err(format!("{name:?} is no name: letters, digits and _")) }
}
