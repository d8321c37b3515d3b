//! CSV (RFC 4180) that a spreadsheet cannot be tricked with: a cell that would be taken for a formula is made text.

use actix_web::HttpResponse;
use actix_web::http::header;

/// A download of that name.
pub fn answer(file_name: &str, rows: &[Vec<String>]) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("text/csv; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{file_name}\"")))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        .body(text(rows))
}

fn text(rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    for row in rows {
        for (index, cell) in row.iter().enumerate() {
            if 0 < index {
                out.push(',');
            }
            out.push_str(&escape(cell));
        }
        out.push_str("\r\n");
    }
    out
}

fn escape(cell: &str) -> String {
    let is_number = cell.parse::<f64>().is_ok();
    let is_formula = !is_number && cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if is_formula { ["'", cell].concat() } else { cell.to_owned() };
    match cell.contains(['"', ',', '\n', '\r']) {
        true => ["\"", &cell.replace('"', "\"\""), "\""].concat(),
        false => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_keeps_its_commas() {
        for (cell, written) in [
            ("=1+1", "'=1+1"),
            ("-5", "-5"),
            ("-a", "'-a"),
            ("@x", "'@x"),
            ("+49 30", "'+49 30"),
            ("a, \"b\"", "\"a, \"\"b\"\"\""),
            ("=a,b", "\"'=a,b\""),
        ] {
            assert_eq!(escape(cell), written);
        }
    }
}
