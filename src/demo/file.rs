//! Small files made on the spot: a PNG that shows a bicycle and a PDF with a page of text. Both are valid, so
//! that a browser can open what the demo's conversations have attached.

use super::random::Random;

const WIDTH: usize = 240;
const HEIGHT: usize = 150;

/// A drawing of a bicycle in colours of chance.
pub fn png(random: &mut Random) -> Vec<u8> {
    let hue = random.below(200) as u8;
    let palette = [[235, 238, 240], [40, 44, 52], [60 + hue / 2, 200 - hue, 90 + hue / 3], [200, 60, 50]];
    let mut pixels = vec![[0_u8; WIDTH]; HEIGHT];
    for (y, line) in pixels.iter_mut().enumerate() {
        for (x, pixel) in line.iter_mut().enumerate() {
            *pixel = colour(x as f64, y as f64);
        }
    }
    let (stain_x, stain_y) = (random.between(40, 200), random.between(30, 110));
    for line in &mut pixels[stain_y as usize..stain_y as usize + 6] {
        line[stain_x as usize..stain_x as usize + 6].fill(3);
    }
    let mut header = Vec::new();
    header.extend((WIDTH as u32).to_be_bytes());
    header.extend((HEIGHT as u32).to_be_bytes());
    header.extend([8, 3, 0, 0, 0]);
    let raw: Vec<u8> =
        pixels.iter().flat_map(|line| std::iter::once(0).chain(line.iter().copied())).collect();
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut file, b"IHDR", &header);
    chunk(&mut file, b"PLTE", palette.as_flattened());
    chunk(&mut file, b"IDAT", &zlib(&raw));
    chunk(&mut file, b"IEND", &[]);
    file
}

/// The palette index of a point: tyres dark, frame coloured, the rest background.
fn colour(x: f64, y: f64) -> u8 {
    const WHEELS: [(f64, f64); 2] = [(60.0, 100.0), (180.0, 100.0)];
    const TUBES: [[f64; 4]; 7] = [
        [60.0, 100.0, 110.0, 100.0],
        [60.0, 100.0, 95.0, 52.0],
        [95.0, 52.0, 110.0, 100.0],
        [97.0, 56.0, 162.0, 54.0],
        [110.0, 100.0, 164.0, 60.0],
        [160.0, 40.0, 180.0, 100.0],
        [150.0, 38.0, 172.0, 40.0],
    ];
    if WHEELS.iter().any(|(cx, cy)| ((x - cx).hypot(y - cy) - 38.0).abs() < 2.5) {
        return 1;
    }
    if TUBES.iter().any(|tube| distance(x, y, tube) < 2.5)
        || ((85.0..105.0).contains(&x) && (y - 48.0).abs() < 3.0)
    {
        return 2;
    }
    0
}

/// How far a point is from a line between two points.
fn distance(x: f64, y: f64, [ax, ay, bx, by]: &[f64; 4]) -> f64 {
    let (dx, dy) = (bx - ax, by - ay);
    let along = (((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy)).clamp(0.0, 1.0);
    (x - ax - along * dx).hypot(y - ay - along * dy)
}

fn chunk(file: &mut Vec<u8>, kind: &[u8; 4], data: &[u8]) {
    file.extend((data.len() as u32).to_be_bytes());
    let start = file.len();
    file.extend(kind);
    file.extend(data);
    let sum = crc32(&file[start..]);
    file.extend(sum.to_be_bytes());
}

/// A zlib stream (RFC 1950) of one or more stored blocks (RFC 1951, 3.2.4): nothing is compressed.
fn zlib(data: &[u8]) -> Vec<u8> {
    let mut stream = vec![0x78, 0x01];
    let mut blocks = data.chunks(0xffff).peekable();
    while let Some(block) = blocks.next() {
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend((block.len() as u16).to_le_bytes());
        stream.extend((!(block.len() as u16)).to_le_bytes());
        stream.extend(block);
    }
    stream.extend(adler32(data).to_be_bytes());
    stream
}

fn adler32(data: &[u8]) -> u32 {
    let (low, high) = data.iter().fold((1_u32, 0_u32), |(low, high), byte| {
        let low = (low + u32::from(*byte)) % 65_521;
        (low, (high + low) % 65_521)
    });
    high << 16 | low
}

fn crc32(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(
            sum ^ u32::from(*byte),
            |sum, _| {
                if sum & 1 == 1 { sum >> 1 ^ 0xedb8_8320 } else { sum >> 1 }
            },
        )
    })
}

/// One A4 page with a line of Helvetica for each of `lines`; what is not ASCII becomes a question mark.
pub fn pdf(lines: &[&str]) -> Vec<u8> {
    let mut page = String::from("BT /F1 12 Tf 16 TL 60 780 Td\n");
    for line in lines {
        page.push('(');
        for letter in line.chars() {
            match letter {
                '(' | ')' | '\\' => page.extend(['\\', letter]),
                ' '..='~' => page.push(letter),
                _ => page.push('?'),
            }
        }
        page.push_str(") Tj T*\n");
    }
    page.push_str("ET");
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_owned(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_owned(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 5 0 R \
         /Resources << /Font << /F1 4 0 R >> >> >>"
            .to_owned(),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_owned(),
        format!("<< /Length {} >>\nstream\n{page}\nendstream", page.len()),
    ];
    let mut file = String::from("%PDF-1.4\n");
    let mut table = String::from("0000000000 65535 f \n");
    for (index, object) in objects.iter().enumerate() {
        table.push_str(&format!("{:010} 00000 n \n", file.len()));
        file.push_str(&format!("{} 0 obj\n{object}\nendobj\n", index + 1));
    }
    let start = file.len();
    let count = objects.len() + 1;
    file.push_str(&format!(
        "xref\n0 {count}\n{table}trailer\n<< /Size {count} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    ));
    file.into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_are_those_of_the_standards() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn a_picture_begins_and_ends_as_a_png() {
        let file = png(&mut Random::new(1));
        assert!(file.starts_with(b"\x89PNG\r\n\x1a\n"));
        assert!(file.ends_with(b"IEND\xae\x42\x60\x82"));
    }

    #[test]
    fn the_table_of_a_pdf_points_at_its_objects() {
        let text = String::from_utf8(pdf(&["Invoice (copy)", "Straße"])).unwrap();
        assert!(text.contains("(Invoice \\(copy\\)) Tj") && text.contains("(Stra?e) Tj"));
        let table = text.split("xref\n0 6\n").nth(1).unwrap();
        for (index, line) in table.lines().skip(1).take(5).enumerate() {
            let offset: usize = line[..10].parse().unwrap();
            assert!(text[offset..].starts_with(&format!("{} 0 obj", index + 1)));
        }
    }
}
