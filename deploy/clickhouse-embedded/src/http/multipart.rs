//! `multipart/form-data`: how the `clickhouse` crate sends a query with parameters. Files (external tables) are refused.

use crate::exception::{Exception, code};

/// The fields of a form, by name.
pub(crate) fn fields(body: &[u8], boundary: &str) -> Result<Vec<(String, Vec<u8>)>, Exception> {
    let opening = format!("--{boundary}");
    let marker = format!("\r\n--{boundary}");
    let start = find(body, opening.as_bytes()).ok_or_else(broken)?;
    let mut rest = &body[start + opening.len()..];
    let mut fields = Vec::new();
    while let Some(part) = rest.strip_prefix(b"\r\n") {
        let length = find(part, marker.as_bytes()).ok_or_else(broken)?;
        fields.push(field(&part[..length])?);
        rest = &part[length + marker.len()..];
    }
    if rest.starts_with(b"--") { Ok(fields) } else { Err(broken()) }
}

/// One part: headers, an empty line, the value.
fn field(part: &[u8]) -> Result<(String, Vec<u8>), Exception> {
    let head_end = find(part, b"\r\n\r\n").ok_or_else(broken)?;
    let head = std::str::from_utf8(&part[..head_end]).map_err(|_| broken())?;
    let disposition = head
        .lines()
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
        })
        .ok_or_else(broken)?;
    let attribute = |name: &str| {
        disposition.split(';').find_map(|part| {
            let (key, value) = part.trim().split_once('=')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim_matches('"').to_owned())
        })
    };
    if attribute("filename").is_some() {
        return Err(Exception::new(code::NOT_IMPLEMENTED, "External tables in a form are not supported"));
    }
    let name = attribute("name").ok_or_else(broken)?;
    Ok((name, part[head_end + 4..].to_vec()))
}

fn find(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

fn broken() -> Exception {
    Exception::new(code::BAD_ARGUMENTS, "The multipart/form-data body is malformed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_keep_every_byte() {
        let body = b"--B\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nSELECT 1\r\n\xff\r\n--B\r\ncontent-disposition: form-data; name=\"param_a\"\r\nX: y\r\n\r\n\r\n--B--\r\n";
        let read = fields(body, "B").unwrap();
        assert_eq!(read, [("query".to_owned(), b"SELECT 1\r\n\xff".to_vec()), ("param_a".to_owned(), Vec::new())]);
        assert!(fields(&body[..body.len() - 8], "B").is_err());
        assert!(fields(b"--B\r\nContent-Disposition: form-data; name=\"t\"; filename=\"x\"\r\n\r\n1\r\n--B--", "B").is_err());
    }
}
